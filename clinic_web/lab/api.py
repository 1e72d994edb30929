"""The front door of the laboratory: how far an order's tests are. Another tenant's order is absent."""

from __future__ import annotations

from clinic_web.lab.queries.standing import LabStanding, TestStanding, standing_of

__all__ = ["LabStanding", "TestStanding", "standing_of"]
