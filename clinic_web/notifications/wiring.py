"""What notifications adds to the program: it hears what becomes of appointments and sends messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask

from clinic_web.audit import subjects as audited
from clinic_web.config import Settings
from clinic_web.events.billing import BillVoided
from clinic_web.events.identity import AddressGiven, DeviceAppeared, PasswordForgotten, StaffInvited
from clinic_web.events.lab import LabRescheduled
from clinic_web.events.orders import NotificationRequested, OrderCancelled, OrderFailed
from clinic_web.events.payments import PaymentReceived, PaymentRefunded
from clinic_web.events.portal import PatientInvited
from clinic_web.events.reception import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    SessionCancelled,
    VisitCalled,
    VisitNext,
)
from clinic_web.kernel import acting, bus, jobs, schedule, tenant, workers
from clinic_web.kernel.errors import N_
from clinic_web.notifications import (
    channels,
    handlers,
    letters,
    live,
    portal_routes,
    routes,
    wording_routes,
)
from clinic_web.notifications.jobs import send
from clinic_web.notifications.mail import SmtpChannel
from clinic_web.notifications.service import sending
from clinic_web.ui import admin, policies
from clinic_web.ui.nav import entry
from clinic_web.ui.sockets import topic_rule


def wire(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    smtp = settings.smtp_url and SmtpChannel(settings.smtp_url, settings.mail_from or "")
    channels.use(channels.SMTP, smtp or None)
    hears: dict[type, Callable[[Any], None]] = {
        AppointmentBooked: handlers.queue_booking_confirmation,
        AppointmentRescheduled: handlers.queue_move_notice,
        AppointmentCancelled: handlers.queue_cancellation_notice,
        SessionCancelled: handlers.queue_session_notices,
        VisitNext: handlers.queue_soon_notice,
        VisitCalled: handlers.queue_turn_notice,
        NotificationRequested: handlers.queue_ready_notice,
        LabRescheduled: handlers.queue_lab_move_notice,
        OrderFailed: handlers.queue_failure_notice,
        OrderCancelled: handlers.queue_order_cancellation,
        PaymentReceived: handlers.queue_receipt,
        PaymentRefunded: handlers.queue_refund_notice,
        BillVoided: handlers.queue_refund_due_notice,
        StaffInvited: letters.queue_invitation,
        PasswordForgotten: letters.queue_reset,
        AddressGiven: letters.queue_confirmation,
        DeviceAppeared: letters.queue_device_notice,
        PatientInvited: letters.queue_portal_invitation,
    }
    for event, handler in hears.items():
        bus.subscribe(event, handler, schema="notifications", queue="notifications")
    workers.before_forking(sending.prepare)
    _add_pages(app)
    jobs.register("notifications.send", send, queue="outside", acts_for=acting.ROWS_TENANT)
    schedule.every(
        timedelta(seconds=30),
        "notifications.sweep",
        tenant.in_each(sending.sweep),
        word=N_("Take up messages that were left"),
        acts_for=acting.EACH_TENANT,
    )


def _add_pages(app: Flask) -> None:
    for each in (routes.bp, wording_routes.bp, portal_routes.bp):
        app.register_blueprint(each)
    entry(order=58, label=N_("Messages"), endpoint="messages.page", permission="message.view", is_start=False)
    admin.section(
        order=130,
        label=N_("Messages"),
        why=N_("What patients are told, in your own words."),
        icon="bell",
        endpoint="message_words.page",
        permission="message.manage",
    )
    audited.publish("notifications.v_of_patients")
    topic_rule(
        live.MESSAGES, live.may_join, permission="message.view", names="tenant", within=policies.TENANT
    )
    strangers = ("patient.view_any",)
    policies.address_names("message_id", "message", policies.TENANT, strangers=strangers)
    policies.address_names(
        "patient_id", "patient", policies.TENANT, at="messages.patient_", strangers=strangers
    )
    policies.address_names("patient_id", "own record", policies.PERSON, at="portal_messages.")
    for part, word in (("kind", "kind of message"), ("language", "language")):
        policies.address_names(part, word, policies.WORD, at="message_words.")
