"""The texts of messages, in the patient's language; their formats are marked for the catalogue."""

from __future__ import annotations

import gettext
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from babel.dates import format_datetime

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_
from clinic_web.organization.api import Directory

CATALOGUES = Path(__file__).parents[1] / "translations"
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")

FORMATS = {
    "booking_confirmation": N_(
        "%(clinic)s: you see %(doctor)s on %(when)s. Your number is %(ticket)s, your booking %(booking_id)s."
    ),
    "booking_moved": N_(
        "%(clinic)s: your appointment has moved. You see %(doctor)s on %(when)s. Your number is %(ticket)s,"
        " your booking %(booking_id)s."
    ),
    "booking_cancelled": N_(
        "%(clinic)s: your appointment with %(doctor)s on %(when)s is cancelled. Your booking was"
        " %(booking_id)s."
    ),
    "session_cancelled": N_(
        "%(clinic)s: %(doctor)s can not see you on %(when)s. We will tell you another time. Your booking is"
        " %(booking_id)s."
    ),
}


def compose(template: str, language: str, data: dict[str, Any], directory: Directory) -> str:
    """Return the text of one message; names come from the directory at the moment of sending."""
    facility = directory.facilities[UUID(data["facility_id"])]
    when = clock.local(datetime.fromisoformat(data["start_time"]), facility.timezone)
    clinic = directory.clinics[UUID(data["clinic_id"])]
    doctor = directory.staff[UUID(data["doctor_id"])]
    is_arabic = language == "ar"
    return catalogue(language).gettext(FORMATS[template]) % {
        "clinic": (clinic.name_ar if is_arabic else None) or clinic.name,
        "doctor": (doctor.short_name_ar if is_arabic else None) or doctor.short_name,
        "when": moment(when, is_arabic=is_arabic),
        "ticket": data.get("ticket") or "–",
        "booking_id": data["booking_id"],
    }


def moment(when: datetime, *, is_arabic: bool) -> str:
    """Babel writes the words in Arabic, and leaves the digits as they are."""
    if is_arabic:
        return format_datetime(when, "EEEE d MMMM HH:mm", locale="ar_EG").translate(ARABIC_DIGITS)
    return format_datetime(when, "EEEE d MMMM HH:mm", locale="en_GB")


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("messages", CATALOGUES, [language], fallback=True)
