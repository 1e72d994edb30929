"""What a browser asks of the laboratory. One blueprint, split by subject."""

from flask import Blueprint

bp = Blueprint("lab", __name__, url_prefix="/lab")

from clinic_web.lab.routes import capacities, moving, panels, work  # noqa: E402 - they fill bp

__all__ = ["bp", "capacities", "moving", "panels", "work"]
