"""What a browser asks of reception. One blueprint, split by the person who asks."""

from flask import Blueprint

bp = Blueprint("reception", __name__)

from clinic_web.reception.routes import boards, desk, doctor, hand, lists, visits  # noqa: E402 - they fill bp

__all__ = ["boards", "bp", "desk", "doctor", "hand", "lists", "visits"]
