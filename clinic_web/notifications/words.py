"""What the states, ways and outcomes of messages are called."""

from __future__ import annotations

from clinic_web.kernel.errors import N_
from clinic_web.notifications.models import (
    AUTO,
    EMAIL,
    FAILED,
    GIVEN_UP,
    GONE,
    NO_ADDRESS,
    NONE,
    PAST,
    PENDING,
    REFUSED,
    SENT,
    SETTLED,
    SMS,
    UNWANTED,
)
from clinic_web.notifications.queries import IN_VAIN

STATES = {PENDING: N_("Waiting"), SENT: N_("Sent"), FAILED: N_("Failed"), IN_VAIN: N_("Not needed")}
FAILURES = {
    NO_ADDRESS: N_("There is no telephone and no e-mail address."),
    REFUSED: N_("The other side refused it: is the address right?"),
    GIVEN_UP: N_("It was tried several times and could not be sent."),
    PAST: N_("What it was about is over."),
    SETTLED: N_("It was settled meanwhile."),
    UNWANTED: N_("The patient does not want such messages."),
    GONE: N_("The patient is not on the books any more."),
}
TYPES = {SMS: N_("Telephone"), EMAIL: N_("E-mail")}
WAYS = {
    AUTO: N_("As it suits: e-mail, else telephone"),
    SMS: N_("Telephone first"),
    EMAIL: N_("E-mail first"),
    NONE: N_("No messages at all"),
}
OUTCOMES = {
    "SENT": N_("Sent"),
    "LATER": N_("Not now"),
    "REFUSED": N_("Refused"),
    "LOST": N_("Broke off"),
}
