"""Patients: the people we care for, found by name, phone or number as one types.

Owns schema ``patients``. Publishes PatientRegistered and PatientChanged; listens to nothing.
"""
