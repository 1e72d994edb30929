"""Tell people what is coming: soon your turn, the doctor runs late. Never on the way of a call."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select

from clinic_web.events.reception import DoctorDelayed, VisitNext
from clinic_web.kernel import bus, clock
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.reception.models import Queue
from clinic_web.reception.models.queues import CLINIC, TODAY, WHO_IS_NEXT
from clinic_web.reception.queries.delays import Delay, delays
from clinic_web.reception.service.moves import tell_line

QUARTER = 15  # minutes

# Who has one, two or three others before them: of those who wait in that line, whom the same doctor may call
# earlier. What was told once is not told again, whatever comes in between.
SOON = Statement(
    f"""
    WITH here AS (
        SELECT queue_id, queue_day FROM reception.visits
         WHERE id = :visit_id AND organization_id = :organization_id AND queue_day = {TODAY}
    ), line AS MATERIALIZED (
        SELECT v.id, v.organization_id, v.clinic_id, v.patient_id, v.doctor_id, v.ticket,
               row_number() OVER (ORDER BY {WHO_IS_NEXT}) AS place
          FROM here JOIN reception.visits v ON v.queue_id = here.queue_id AND v.queue_day = here.queue_day
               JOIN reception.queues q ON q.id = v.queue_id
         WHERE v.status = 'WAITING'
    ), soon AS (
        SELECT mine.*,
               (SELECT count(*) FROM line other
                 WHERE other.place < mine.place
                   AND (mine.doctor_id IS NULL OR other.doctor_id IS NULL OR other.doctor_id = mine.doctor_id)
               ) AS before
          FROM line mine
    ), told AS (
        INSERT INTO reception.next_told (organization_id, visit_id, before, at)
        SELECT organization_id, id, before, :now FROM soon WHERE before BETWEEN 1 AND 3 ORDER BY id
            ON CONFLICT DO NOTHING
        RETURNING visit_id, before
    )
    SELECT soon.* FROM told JOIN soon ON soon.id = told.visit_id AND soon.before = told.before
     ORDER BY soon.place
    """  # noqa: S608 - the parts are constants of our own
)
TOLD = Statement(
    """
    INSERT INTO reception.delays_told (organization_id, queue_id, doctor_id, day, quarters, at)
    VALUES (:organization_id, :queue_id, :doctor_id, :day, :quarters, :now)
        ON CONFLICT DO NOTHING
    RETURNING true
    """
)


def tell_next(organization_id: UUID, clinic_id: UUID, visit_id: UUID) -> int:
    """Publish VisitNext for whoever moved up in the line of ``visit_id``; return how many were told."""
    there = organization.directory(organization_id)
    actor = system_actor(organization_id, facility_id=there.clinics[clinic_id].facility_id, name="line")
    asked = {
        "visit_id": visit_id,
        "organization_id": organization_id,
        "timezone": organization.facility(actor).timezone,
        "now": clock.now(),
    }
    with transaction():
        rows = SOON.all(asked)
        for row in rows:
            bus.publish(
                VisitNext(
                    organization_id=row.organization_id,
                    clinic_id=row.clinic_id,
                    visit_id=row.id,
                    patient_id=row.patient_id,
                    ticket=row.ticket,
                    doctor_id=row.doctor_id,
                    before=row.before,
                ),
                actor,
            )
    return len(rows)


def tell_delays() -> int:
    """Publish DoctorDelayed for every doctor who is another quarter of an hour late; return how many.

    Walls draw themselves anew with it: what they say of a delay changes by time alone.
    """
    lines = db.session.scalars(select(Queue).where(Queue.kind == CLINIC, Queue.is_active).order_by(Queue.id))
    told = 0
    for line in lines.all():
        told += _tell_delays_of(line)
    return told


def _tell_delays_of(line: Queue) -> int:
    actor = system_actor(line.organization_id, facility_id=line.facility_id, name="schedule")
    with transaction():
        day = clock.today(organization.facility(actor).timezone)
        late = [each for each in delays(line.organization_id, line.id, day) if each.minutes >= QUARTER]
        told = [each for each in late if _is_news(line, day, each)]
        for each in told:
            bus.publish(_delayed(line, each), actor)
        if told:
            tell_line(line.id)
    return len(told)


def _is_news(line: Queue, day: date, delay: Delay) -> bool:
    asked = {
        "organization_id": line.organization_id,
        "queue_id": line.id,
        "doctor_id": delay.doctor.id,
        "day": day,
        "quarters": delay.minutes // QUARTER,
        "now": clock.now(),
    }
    return TOLD.first(asked) is not None


def _delayed(line: Queue, delay: Delay) -> DoctorDelayed:
    assert line.clinic_id is not None  # noqa: S101 - a clinic's line, by its CHECK
    return DoctorDelayed(
        organization_id=line.organization_id,
        facility_id=line.facility_id,
        clinic_id=line.clinic_id,
        queue_id=line.id,
        doctor_id=delay.doctor.id,
        minutes=delay.minutes // QUARTER * QUARTER,
    )
