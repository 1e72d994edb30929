"""What the catalogue's words are called in the reader's language; unknown ones stand as they were written."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from flask_babel import ngettext

from clinic_web.kernel.errors import N_
from clinic_web.ui.texts import say

SEVERAL = 100  # what is counted, said of no certain number

# What medicines are counted in. A lambda, because the plural depends on the language and the number.
UNITS: dict[str, Callable[[int], str]] = {
    "tablet": lambda n: ngettext("tablet", "tablets", n),
    "capsule": lambda n: ngettext("capsule", "capsules", n),
    "ml": lambda n: ngettext("ml", "ml", n),
    "ampoule": lambda n: ngettext("ampoule", "ampoules", n),
    "vial": lambda n: ngettext("vial", "vials", n),
    "sachet": lambda n: ngettext("sachet", "sachets", n),
    "tube": lambda n: ngettext("tube", "tubes", n),
    "bottle": lambda n: ngettext("bottle", "bottles", n),
    "inhaler": lambda n: ngettext("inhaler", "inhalers", n),
    "pen": lambda n: ngettext("pen", "pens", n),
    "suppository": lambda n: ngettext("suppository", "suppositories", n),
    "piece": lambda n: ngettext("piece", "pieces", n),
    "test": lambda n: ngettext("test", "tests", n),
}
# Forms of medicines, ways to give them and specimens, as people usually write them.
USUAL = {
    "tablet": N_("tablet"),
    "capsule": N_("capsule"),
    "syrup": N_("syrup"),
    "suspension": N_("suspension"),
    "solution": N_("solution"),
    "injection": N_("injection"),
    "inhaler": N_("inhaler"),
    "spray": N_("spray"),
    "drops": N_("drops"),
    "oral drops": N_("oral drops"),
    "powder": N_("powder"),
    "eye drops": N_("eye drops"),
    "ear drops": N_("ear drops"),
    "cream": N_("cream"),
    "ointment": N_("ointment"),
    "gel": N_("gel"),
    "suppository": N_("suppository"),
    "sachet": N_("sachet"),
    "mouthwash": N_("mouthwash"),
    "oral": N_("by mouth"),
    "topical": N_("on the skin"),
    "inhaled": N_("inhaled"),
    "blood": N_("blood"),
    "urine": N_("urine"),
    "stool": N_("stool"),
    "swab": N_("swab"),
    "saliva": N_("saliva"),
    "sputum": N_("sputum"),
}


def unit(name: str | None, quantity: Decimal | int | None = None) -> str:
    """Return what is counted, as it stands behind ``quantity``; without one as of several."""
    known = UNITS.get((name or "").lower())
    if known is None:
        return name or ""
    is_whole = quantity is not None and quantity == int(quantity)
    return known(int(quantity) if is_whole and quantity is not None else SEVERAL)


def usual_word(text: str | None) -> str:
    """Return a form, a way or a specimen in the reader's language where it is a usual one."""
    known = USUAL.get((text or "").strip().lower())
    return say(known) if known else text or ""
