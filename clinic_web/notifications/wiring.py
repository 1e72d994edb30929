"""What notifications adds to the program: it hears what becomes of appointments and sends messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask

from clinic_web.events.reception import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    SessionCancelled,
)
from clinic_web.kernel import bus, jobs, schedule
from clinic_web.kernel.errors import N_
from clinic_web.notifications import handlers, service
from clinic_web.notifications.jobs import send


def wire(_app: Flask) -> None:
    hears: dict[type, Callable[[Any], None]] = {
        AppointmentBooked: handlers.queue_booking_confirmation,
        AppointmentRescheduled: handlers.queue_move_notice,
        AppointmentCancelled: handlers.queue_cancellation_notice,
        SessionCancelled: handlers.queue_session_notices,
    }
    for event, handler in hears.items():
        bus.subscribe(event, handler, schema="notifications", queue="notifications")
    jobs.register("notifications.send", send, queue="outside")
    schedule.every(
        timedelta(seconds=30),
        "notifications.sweep",
        service.sweep,
        word=N_("Take up messages that were left"),
    )
