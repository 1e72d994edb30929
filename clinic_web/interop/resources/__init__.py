"""The addresses of the API, by what they are about. Each only asks its module's front door."""

from __future__ import annotations

from clinic_web.interop.resources import (
    appointments,
    bills,
    house,
    orders,
    patients,
    payments,
    stock,
    visits,
)

__all__ = ["appointments", "bills", "house", "orders", "patients", "payments", "stock", "visits"]
