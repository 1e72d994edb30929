"""The portal's pages, below ``/portal``, and what it adds to a patient's page at the desk.

Who is not signed in is led to the portal's own door, and is asked there, too, whether it is still them.
"""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("portal", __name__, url_prefix="/portal")
desk_bp = Blueprint("portal_desk", __name__, url_prefix="/patients/<uuid:patient_id>/portal")

OWN, ACCOUNT, INVITE = "portal.own", "portal.account", "portal.invite"
JOIN = "join"  # the proof of an invitation, in the cookie of the browser that gave code and birth date
