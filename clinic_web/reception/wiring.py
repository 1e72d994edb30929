"""Registers reception with the program."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.audit import subjects as audited
from clinic_web.events.organization import ClinicAdded, LeaveAdded, LeaveRemoved, OrganizationChanged
from clinic_web.events.payments import PaymentCompleted, PaymentRefunded, PaymentVoided
from clinic_web.events.reception import (
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentRescheduled,
    VisitCancelled,
    VisitCheckedIn,
    VisitFinished,
    VisitMissed,
    VisitMoved,
    VisitStarted,
    WaitingOfferClosed,
)
from clinic_web.kernel import acting, bus, metrics, schedule, tenant
from clinic_web.kernel import jobs as kernel_jobs
from clinic_web.kernel.errors import N_
from clinic_web.patients import api as patients
from clinic_web.reception import handlers, jobs, live, names_shown
from clinic_web.reception.queries import of_patient
from clinic_web.reception.queries.displays import displays_live
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.boards import wire_boards
from clinic_web.reception.service import settling
from clinic_web.reception.service.offering import expire_due
from clinic_web.ui import admin, policies, sockets
from clinic_web.ui.nav import entry


def wire(app: Flask) -> None:
    app.register_blueprint(bp)
    wire_boards(app)
    _wire_topics_and_addresses()
    patients.merge_check("reception.visits", of_patient.check_visits)
    patients.merge_check("reception.appointments", of_patient.check_appointments)
    patients.merge_check("reception.waiting_entries", of_patient.check_waiting_list)
    audited.publish("reception.v_of_patients")
    bus.subscribe(ClinicAdded, handlers.make_queue_of_clinic, schema="reception")
    bus.subscribe(OrganizationChanged, handlers.redraw_screens, schema="reception")
    bus.subscribe(PaymentCompleted, handlers.complete_paid_visit, schema="reception")
    bus.subscribe(PaymentRefunded, handlers.complete_settled_visit, schema="reception")
    bus.subscribe(PaymentVoided, handlers.complete_settled_visit, schema="reception")
    bus.subscribe(VisitFinished, handlers.send_to_the_cashier, schema="reception")
    # When the called one is in, or did not come: the line has moved, and no call waits for the telling.
    for event in (VisitStarted, VisitMissed, VisitCheckedIn, VisitCancelled, VisitMoved):
        bus.subscribe(event, handlers.tell_who_is_soon, schema="reception")
    schedule.every(
        timedelta(minutes=5),
        "reception.tell_delays",
        tenant.in_each(jobs.tell_delays),
        word=N_("Tell who waits of delays"),
        acts_for=acting.EACH_TENANT,
    )
    kernel_jobs.register("reception.settle", jobs.settle, queue="asked", acts_for=acting.ROWS_TENANT)
    schedule.every(
        timedelta(seconds=30),
        "reception.sweep_settlements",
        tenant.in_each(settling.sweep),
        word=N_("Take up appointments of doctors who are away"),
        acts_for=acting.EACH_TENANT,
    )
    metrics.reading("displays", "Paired displays, by whether they are on", displays_live, label="state")
    names_shown.wire()
    _wire_waiting_list()
    _wire_navigation()


def _wire_topics_and_addresses() -> None:
    sockets.topic_rule(
        live.QUEUE, live.may_join_queue, permission="visit.view", names="queue", within=policies.FACILITY
    )
    sockets.topic_rule(
        live.SETTLEMENT,
        live.may_join_settlement,
        permission="appointment.view",
        names="settlement",
        within=policies.FACILITY,
    )
    for part, kind in (
        ("visit_id", "visit"),
        ("appointment_id", "appointment"),
        ("clinic_id", "clinic"),
        ("entry_id", "waiting entry"),
        ("offer_id", "offer"),
        ("settlement_id", "settlement"),
        ("block_id", "block of numbers"),
        ("queue_id", "queue"),
        ("stop_id", "stop at a station"),
        ("display_id", "display"),
        ("leave_id", "leave"),
    ):
        policies.address_names(part, kind, policies.FACILITY)
    charts = {
        "reception.patient_visits": ("patient.view_any",),
        "reception.hand_patient": ("patient.view_any", "appointment.book"),
    }
    for at, rights in charts.items():
        policies.address_names("patient_id", "patient", policies.TENANT, at=at, strangers=rights)
    policies.address_names("display_id", "display", policies.TENANT, at="reception.revoke_display_token")
    policies.address_names("queue_id", "station", policies.FACILITY, at="reception.station")
    policies.address_names("digest", "logo", policies.EVERYBODY)


def _wire_navigation() -> None:
    admin.section(
        order=45,
        label=N_("Queues"),
        why=N_("Whom each clinic calls next, its priorities, and what its boards may show."),
        icon="ticket-perforated",
        endpoint="reception.queues",
        permission="organization.manage",
    )
    admin.section(
        order=135,
        label=N_("Displays"),
        why=N_("Tokens of the screens on walls: what each shows, and until when."),
        icon="display",
        endpoint="reception.display_tokens",
        permission="user.manage",
    )
    entry(
        order=5,
        label=N_("My line"),
        endpoint="reception.doctor",
        permission="doctor.view",
        # Who runs the centre may do everything and has no line; a doctor without one is told whom to ask.
        is_for=lambda actor: actor.staff_id is not None or not actor.can("desk.view"),
    )
    entry(order=10, label=N_("Desk"), endpoint="reception.desk", permission="desk.view")
    entry(
        order=20,
        label=N_("Appointments"),
        endpoint="reception.calendar",
        permission="appointment.view",
        is_start=False,
    )
    entry(order=42, label=N_("Counter"), endpoint="reception.my_station", permission="station.work")
    entry(
        order=45, label=N_("Lines"), endpoint="reception.queues", permission="queue.reserve", is_start=False
    )
    entry(
        order=25,
        label=N_("Visits"),
        endpoint="reception.visits_list",
        permission="visit.view",
        is_start=False,
    )
    entry(order=50, label=N_("Boards"), endpoint="reception.boards", permission="board.pair", is_start=False)


def _wire_waiting_list() -> None:
    """Each way in which a time is freed leads to an offer, once, whatever is killed in between."""
    bus.subscribe(AppointmentCancelled, handlers.offer_cancelled_time, schema="reception")
    bus.subscribe(AppointmentMissed, handlers.offer_missed_time, schema="reception")
    bus.subscribe(AppointmentRescheduled, handlers.offer_former_time, schema="reception")
    bus.subscribe(WaitingOfferClosed, handlers.offer_to_the_next, schema="reception")
    bus.subscribe(LeaveAdded, handlers.show_leave, schema="reception")
    bus.subscribe(LeaveRemoved, handlers.offer_time_without_leave, schema="reception")
    schedule.every(
        timedelta(minutes=1),
        "reception.expire_offers",
        tenant.in_each(expire_due),
        word=N_("End offers that nobody answered"),
        acts_for=acting.EACH_TENANT,
    )
