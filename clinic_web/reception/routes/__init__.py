"""What a browser asks of reception. One blueprint, split by the person who asks."""

from flask import Blueprint

bp = Blueprint("reception", __name__)

from clinic_web.reception.routes import (  # noqa: E402 - they fill bp
    appointments,
    boards,
    desk,
    doctor,
    hand,
    patient_panel,
    visits,
)

__all__ = ["boards", "bp", "desk", "doctor", "hand", "patient_panel", "visits"]
    rescheduling,
    sessions,
    visits,
    waiting,
)

__all__ = [
    "appointments",
    "boards",
    "bp",
    "desk",
    "doctor",
    "hand",
    "rescheduling",
    "sessions",
    "visits",
    "waiting",
]
