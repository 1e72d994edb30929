"""What notifications adds to the program: it hears of bookings and sends messages."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.events.reception import AppointmentBooked, AppointmentRescheduled
from clinic_web.kernel import bus, jobs, schedule
from clinic_web.notifications import handlers, service
from clinic_web.notifications.jobs import send


def wire(_app: Flask) -> None:
    bus.subscribe(
        AppointmentBooked, handlers.queue_booking_confirmation, schema="notifications", queue="notifications"
    )
    bus.subscribe(
        AppointmentRescheduled, handlers.queue_move_notice, schema="notifications", queue="notifications"
    )
    jobs.register("notifications.send", send, queue="outside")
    schedule.every(timedelta(seconds=30), "notifications.sweep", service.sweep)
