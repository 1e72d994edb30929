"""The front door of the pharmacy, for the modules above it: where a prescription stands there."""

from __future__ import annotations

from clinic_web.pharmacy.queries.standing import PharmacyStanding, standing_of

__all__ = ["PharmacyStanding", "standing_of"]
