"""What a browser asks of reception. One blueprint, split by the person who asks."""

from flask import Blueprint

bp = Blueprint("reception", __name__)

from clinic_web.reception.routes import board_settings, boards, desk, doctor, hand, visits  # noqa: E402 - they fill bp

__all__ = ["board_settings", "boards", "bp", "desk", "doctor", "hand", "visits"]
