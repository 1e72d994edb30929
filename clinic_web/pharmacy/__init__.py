"""Pharmacy: stock promised to prescriptions, and handing it over.

Owns schema ``pharmacy``. Publishes StockReserved, StockReservationFailed, StockReleased, ReservationExpired,
PrescriptionDispensed; hears orders (reserve, undo) and reception (the patient is on the way).
"""
