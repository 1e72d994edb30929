"""What a browser asks of reception. One blueprint, split by the person who asks."""

from flask import Blueprint

bp = Blueprint("reception", __name__)

from clinic_web.reception.routes import (  # noqa: E402 - they fill bp
    appointments,
    blocks,
    board_settings,
    boards,
    desk,
    display_tokens,
    doctor,
    hand,
    lines,
    lists,
    moving,
    patient_panel,
    rescheduling,
    sessions,
    stations,
    visits,
    waiting,
)

__all__ = [
    "appointments",
    "blocks",
    "board_settings",
    "boards",
    "bp",
    "desk",
    "display_tokens",
    "doctor",
    "hand",
    "lines",
    "lists",
    "moving",
    "patient_panel",
    "rescheduling",
    "sessions",
    "stations",
    "visits",
    "waiting",
]
