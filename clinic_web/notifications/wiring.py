"""What notifications adds to the program: it hears what becomes of appointments and sends messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask

from clinic_web.config import Settings
from clinic_web.events.identity import AddressGiven, DeviceAppeared, PasswordForgotten, StaffInvited
from clinic_web.events.portal import PatientInvited
from clinic_web.events.reception import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    SessionCancelled,
)
from clinic_web.kernel import acting, bus, jobs, schedule, tenant
from clinic_web.kernel.errors import N_
from clinic_web.notifications import channels, handlers, letters, service
from clinic_web.notifications.jobs import send
from clinic_web.notifications.mail import SmtpChannel


def wire(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    smtp = settings.smtp_url and SmtpChannel(settings.smtp_url, settings.mail_from or "")
    channels.use(letters.CHANNEL, smtp or None)
    hears: dict[type, Callable[[Any], None]] = {
        AppointmentBooked: handlers.queue_booking_confirmation,
        AppointmentRescheduled: handlers.queue_move_notice,
        AppointmentCancelled: handlers.queue_cancellation_notice,
        SessionCancelled: handlers.queue_session_notices,
        StaffInvited: letters.queue_invitation,
        PasswordForgotten: letters.queue_reset,
        AddressGiven: letters.queue_confirmation,
        DeviceAppeared: letters.queue_device_notice,
        PatientInvited: letters.queue_portal_invitation,
    }
    for event, handler in hears.items():
        bus.subscribe(event, handler, schema="notifications", queue="notifications")
    jobs.register("notifications.send", send, queue="outside", acts_for=acting.ROWS_TENANT)
    schedule.every(
        timedelta(seconds=30),
        "notifications.sweep",
        tenant.in_each(service.sweep),
        word=N_("Take up messages that were left"),
        acts_for=acting.EACH_TENANT,
    )
