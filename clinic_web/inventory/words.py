"""What kinds of movements, states of batches and reasons are called."""

from __future__ import annotations

from clinic_web.inventory.models import CORRECTED, DAMAGED, LOST, WRITTEN_OFF
from clinic_web.kernel.errors import N_

MOVEMENT_WORDS = {
    "RECEIVE": N_("Received"),
    "RESERVE": N_("Reserved"),
    "RELEASE": N_("Released"),
    "ISSUE": N_("Given out"),
    "PUT_BACK": N_("Came back"),
    "ADJUST": N_("Corrected"),
    "COUNT": N_("Counted"),
    "EXPIRE": N_("Expired"),
    "SET_ASIDE": N_("Set aside"),
    "RETURN": N_("In use again"),
}
STATUS_WORDS = {
    "ACTIVE": N_("In use"),
    "QUARANTINED": N_("Set aside"),
    "EXPIRED": N_("Expired"),
    "RECALLED": N_("Recalled"),
}
CORRECTION_WORDS = {
    CORRECTED: N_("Correction"),
    DAMAGED: N_("Damaged"),
    LOST: N_("Lost"),
    WRITTEN_OFF: N_("Written off"),
}
