"""Clinic Web: the front desk of an outpatient centre.

Reception books and checks in, doctors call the next patient with one key, the waiting room sees who is
called, money is taken once and closes to the cent. It is a modular monolith: every folder here is one
bounded context that owns the PostgreSQL schema of the same name. Calls go down through ``<module>/api.py``;
news go anywhere as events (``clinic_web/events``). ``app.py`` is the only file that knows every module.
"""
