"""Notifications: what patients and colleagues are told outside the screens (SMS, e-mail).

Owns schema ``notifications``. Hears AppointmentBooked, AppointmentRescheduled, AppointmentCancelled and
SessionCancelled; publishes nothing yet. A handler writes a row, a job sends it through a channel with the
row's id as idempotency key.
"""
