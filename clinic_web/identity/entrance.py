"""What another door than the colleagues' is built of: the portal's pages use these, and nothing else.

Who comes in by it is a user like any other: the same passwords, delays, second factors, sessions and letters.
"""

from __future__ import annotations

from clinic_web.identity.doors import hash_of
from clinic_web.identity.forms import (
    ADDRESS,
    LONGEST_ADDRESS,
    read_email,
    read_new_password,
    read_password,
    read_sign_in,
    same_origin_path,
)
from clinic_web.identity.kinds import PATIENT, ROLE_OF_PATIENTS, kept, plain
from clinic_web.identity.links import VERIFY
from clinic_web.identity.login import (
    begin,
    is_fresh,
    keep_device,
    leave,
    proved_by_factor,
    renew,
    session_id,
    signed_in,
    source,
)
from clinic_web.identity.passkey_routes import ASKED, site
from clinic_web.identity.ports import ports
from clinic_web.identity.proof_routes import BACK, HALF, patiently, to_do_again, what_was_asked
from clinic_web.identity.queries import OpenSession, open_sessions
from clinic_web.identity.security_routes import picture
from clinic_web.identity.service import (
    factors,
    letters,
    links,
    passkeys,
    patients,
    people,
    proving,
    second_step,
    sessions,
    signing_in,
    tries,
)
from clinic_web.identity.service.challenges import ProofGone
from clinic_web.identity.service.factors import WrongCode
from clinic_web.identity.service.links import LinkGone
from clinic_web.identity.service.tries import Source, TooManyTries

__all__ = [
    "ADDRESS",
    "ASKED",
    "BACK",
    "HALF",
    "LONGEST_ADDRESS",
    "PATIENT",
    "ROLE_OF_PATIENTS",
    "VERIFY",
    "LinkGone",
    "OpenSession",
    "ProofGone",
    "Source",
    "TooManyTries",
    "WrongCode",
    "begin",
    "factors",
    "hash_of",
    "is_fresh",
    "keep_device",
    "kept",
    "leave",
    "letters",
    "links",
    "open_sessions",
    "passkeys",
    "patiently",
    "patients",
    "people",
    "picture",
    "plain",
    "ports",
    "proved_by_factor",
    "proving",
    "read_email",
    "read_new_password",
    "read_password",
    "read_sign_in",
    "renew",
    "same_origin_path",
    "second_step",
    "session_id",
    "sessions",
    "signed_in",
    "signing_in",
    "site",
    "source",
    "to_do_again",
    "tries",
    "what_was_asked",
]
