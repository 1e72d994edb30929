"""The SQL of the hot path: a number drawn, a slot taken, the next patient called, each in one statement.

They are written out because each saves several round trips under a lock that colleagues wait for. The rules
are elsewhere: allowed moves in ``models.visits``, the order of the line and the day in ``models.queues``.
"""

# ruff: noqa: S608 - the parts that are put together are constants of this file

from __future__ import annotations

from datetime import date
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.events.reception import VisitCalled, VisitOpened
from clinic_web.identity import api as identity
from clinic_web.kernel import at_once
from clinic_web.kernel.statement import Statement
from clinic_web.patients import api as patients
from clinic_web.payments import api as payments
from clinic_web.reception.models.queues import LINE_BY_NUMBER, LINE_BY_TIME, TODAY, WHO_IS_NEXT

# The visit's number is drawn by locking its queue's row of the day; every number 1..N has a row of its own.
# A patient who is already present in that line makes the INSERT of the visit return nothing, and the caller
# refuses: the number goes back with the rollback.
_VISIT_COLUMNS = """
    id, organization_id, facility_id, clinic_id, queue_id, appointment_id, doctor_id, patient_id, service_id,
    queue_day, queue_number, ticket, scheduled_time, check_in_time, priority, priority_rank, priority_reason,
    priority_by, priority_at, visit_type, status, created_by, updated_by"""
_COUNT = """
    INSERT INTO reception.queue_days AS d (organization_id, queue_id, day, last_number)
    SELECT CAST(:organization_id AS uuid), queue_id, day, 1 FROM place {where}
        ON CONFLICT (queue_id, day) DO UPDATE SET last_number = d.last_number + 1
    RETURNING last_number"""
_NUMBER = """
    INSERT INTO reception.queue_numbers
           (id, organization_id, queue_id, day, number, visit_id, state, issued_at)
    SELECT :number_id, :organization_id, place.queue_id, place.day, counter.last_number, :visit_id,
           'ISSUED', :now
      FROM place, counter"""
_WITNESS = """
    INSERT INTO reception.visit_transitions
           (id, organization_id, visit_id, from_status, to_status, room_id, by_user_id, at)"""
_TICKET = "place.prefix || '-' || to_char(counter.last_number, 'FM999000')"

_PLACE = f"""
        SELECT id AS queue_id, prefix, {TODAY} AS day FROM reception.queues
         WHERE organization_id = :organization_id AND clinic_id = :clinic_id
           AND kind = 'CLINIC' AND is_active"""
_WALK_IN = f"""
        INSERT INTO reception.visits ({_VISIT_COLUMNS})
        SELECT :visit_id, :organization_id, :facility_id, :clinic_id, place.queue_id, NULL,
               CAST(:doctor_id AS uuid), :patient_id, :service_id, place.day, counter.last_number,
               {_TICKET}, NULL, :now, CAST(:priority AS text), :rank, CAST(:reason AS text),
               CAST(:priority_by AS uuid), CAST(:priority_at AS timestamptz), 'WALK_IN', 'WAITING',
               :user_id, :user_id
          FROM place, counter"""
_WALKED_IN = f"""
    transition AS ({_WITNESS}
        SELECT :transition_id, :organization_id, id, NULL, 'WAITING', NULL, :user_id, :now FROM opened
    )"""
OPEN_WALK_IN = Statement(
    f"""
    WITH place AS ({_PLACE}
    ), counter AS ({_COUNT.format(where="")}
    ), number AS ({_NUMBER}
    ), opened AS ({_WALK_IN}
            ON CONFLICT (queue_id, queue_day, patient_id)
         WHERE status IN ('WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD') DO NOTHING
        RETURNING id, ticket
    ), {_WALKED_IN}
    SELECT place.queue_id, place.day, opened.ticket FROM place LEFT JOIN opened ON true
    """
)

# The usual walk-in, in one statement that records itself: a known patient who is not in the line yet, on the
# terms that this process has listed. Two at the same instant: ONE_PRESENCE or ALREADY_PRESSED refuses one.
_OPENED_EVENT = {
    "organization_id": "CAST(:organization_id AS uuid)",
    "facility_id": "CAST(:facility_id AS uuid)",
    "clinic_id": "CAST(:clinic_id AS uuid)",
    "visit_id": "opened.id",
    "payment_id": "CAST(:payment_id AS uuid)",
    "patient_id": "CAST(:patient_id AS uuid)",
    "service_id": "CAST(:service_id AS uuid)",
    "total_amount": "CAST(:total_amount AS text)",
    "doctor_id": "CAST(:doctor_id AS uuid)",
}
OPEN_WALK_IN_AT_ONCE = identity.ProvingStatement(
    f"""
    WITH place AS ({_PLACE}
           AND {identity.IS_WHO_ASKS}
           AND {at_once.IS_FIRST_PRESS}
           AND {at_once.IS_STILL_SO}
           AND {patients.IS_KNOWN}
           AND NOT EXISTS (SELECT FROM reception.visits here
                            WHERE here.queue_id = queues.id AND here.queue_day = {TODAY}
                              AND here.patient_id = :patient_id
                              AND here.status IN ('WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD'))
    ), counter AS ({_COUNT.format(where="")}
    ), number AS ({_NUMBER}
    ), opened AS ({_WALK_IN}
        RETURNING id, ticket, queue_id
    ), {_WALKED_IN},
    {payments.opened_with("opened")},
    {at_once.told(VisitOpened, "opened", **_OPENED_EVENT)},
    {audit.saw_at_once("opened", "visit.walk_in", "visit", "opened.id")},
    {
        at_once.kept(
            "opened",
            visit_id="opened.id",
            payment_id="CAST(:payment_id AS uuid)",
            ticket="opened.ticket",
            queue_id="opened.queue_id",
        )
    },
    {
        at_once.moved(
            "opened", "'queue:' || opened.queue_id", "'board:' || opened.queue_id", payments.OPENED_TOPIC
        )
    }
    SELECT opened.*, {at_once.MOVED} FROM opened
    """
)

# Whoever gives away or takes up a doctor's time holds this lock. The key is made by ``doctors_day``.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(:doctors_day, 0))"
LOCK_DOCTORS_DAY = Statement(_LOCK)


def doctors_day(doctor_id: UUID, day: date) -> str:
    """Return what a doctor's local day is locked by."""
    return f"{doctor_id}/{day}"


# The doctor's day is locked first: the exclusion constraint alone deadlocks when many want the same time.
# A time that is taken makes the INSERT return nothing, and then no number is drawn and no visit made.
BOOK = Statement(
    f"""
    WITH doctors_day AS MATERIALIZED ({_LOCK}
    ), booked AS (
        INSERT INTO reception.appointments
               (id, organization_id, facility_id, booking_id, clinic_id, doctor_id, patient_id, service_id,
                start_time, end_time, status, booking_source, notes, is_overbooking, overbooking_reason,
                created_by, updated_by)
        SELECT :appointment_id, :organization_id, :facility_id, :booking_id, :clinic_id, :doctor_id,
               :patient_id, :service_id, CAST(:start_time AS timestamptz), CAST(:end_time AS timestamptz),
               'CONFIRMED', :booking_source, CAST(:notes AS text), :is_overbooking,
               CAST(:overbooking_reason AS text), :user_id, :user_id
          FROM doctors_day
            ON CONFLICT ON CONSTRAINT ex_appointments_no_overlap DO NOTHING
        RETURNING id, start_time
    ), place AS (
        SELECT q.id AS queue_id, q.prefix, q.draw_at, (booked.start_time AT TIME ZONE :timezone)::date AS day
          FROM booked, reception.queues q
         WHERE q.organization_id = :organization_id AND q.clinic_id = :clinic_id AND q.kind = 'CLINIC'
           AND q.is_active
    ), counter AS ({_COUNT.format(where="WHERE draw_at = 'BOOKING'")}
    ), number AS ({_NUMBER}
    ), opened AS (
        INSERT INTO reception.visits ({_VISIT_COLUMNS})
        SELECT :visit_id, :organization_id, :facility_id, :clinic_id, place.queue_id, :appointment_id,
               :doctor_id, :patient_id, :service_id, place.day, counter.last_number, {_TICKET},
               CAST(:start_time AS timestamptz), NULL, NULL, 0, NULL, NULL, NULL, 'SCHEDULED', 'SCHEDULED',
               :user_id, :user_id
          FROM place LEFT JOIN counter ON true
        RETURNING id, queue_id, ticket
    ), witness AS ({_WITNESS}
        SELECT :transition_id, :organization_id, id, NULL, 'SCHEDULED', NULL, :user_id, :now FROM opened
    )
    SELECT booked.id AS appointment_id, opened.queue_id, opened.ticket FROM booked LEFT JOIN opened ON true
    """
)

# A number for a visit that has none yet (queues that draw at check-in).
DRAW = Statement(
    f"""
    WITH place AS (
        SELECT id AS queue_id, prefix, CAST(:day AS date) AS day FROM reception.queues WHERE id = :queue_id
    ), counter AS ({_COUNT.format(where="")}
    ), number AS ({_NUMBER}
    )
    SELECT counter.last_number AS number, {_TICKET} AS ticket FROM place, counter
    """
)

# The patient whom this doctor has called or has in the room: one at most, by a unique index.
WITH_ME = Statement(
    """
    SELECT id, organization_id, clinic_id, queue_id, appointment_id, patient_id, doctor_id, attending_id,
           room_id, ticket, status, version, updated_at, updated_by
      FROM reception.visits
     WHERE attending_id = :doctor_id AND organization_id = :organization_id
       AND status IN ('CALLED', 'IN_PROGRESS')
       FOR UPDATE
    """
)

_CALLED_COLUMNS = """v.id, v.organization_id, v.clinic_id, v.queue_id, v.patient_id, v.doctor_id,
                  v.attending_id, v.room_id, v.ticket, v.version"""


def _call(room: str) -> str:
    return f"""
    called AS (
        UPDATE reception.visits v
           SET status = 'CALLED', attending_id = :doctor_id, room_id = CAST({room} AS uuid),
               called_at = :now, times_called = v.times_called + 1, version = v.version + 1,
               updated_at = :now, updated_by = :user_id
          FROM next WHERE v.id = next.id
        RETURNING {_CALLED_COLUMNS}
    ), transition AS (
        INSERT INTO reception.visit_transitions
               (id, organization_id, visit_id, from_status, to_status, room_id, by_user_id,
                finished_visit_id, at)
        SELECT :transition_id, :organization_id, id, 'WAITING', 'CALLED', room_id, :user_id,
               CAST(:finished_id AS uuid), :now
          FROM called
    )"""


_CALL = _call(":room_id")

# Whom this doctor may call: their own patients, and those who come to any. Written so that PostgreSQL looks
# in an index of the line and not in the doctors': that one leads to all who wait in the house.
MINE = "COALESCE(v.doctor_id, :doctor_id) = :doctor_id"

# Of the lines this doctor works in, the one visit whose turn it is. Where the lines have different policies,
# time is the only measure they share. ``rooms`` says to which room of each clinic a patient is called.
CALL_NEXT = Statement(
    f"""
    WITH q AS MATERIALIZED (
        SELECT id, CASE WHEN min(policy) OVER () = max(policy) OVER ()
                        THEN policy ELSE 'APPOINTMENT_TIME' END AS policy
          FROM reception.queues
         WHERE clinic_id = ANY(:clinic_ids) AND kind = 'CLINIC' AND organization_id = :organization_id
    ), next AS (
        SELECT v.id FROM reception.visits v JOIN q ON q.id = v.queue_id
         WHERE v.queue_day = {TODAY} AND v.status = 'WAITING'
           AND {MINE}
         ORDER BY {WHO_IS_NEXT} LIMIT 1
           FOR UPDATE OF v SKIP LOCKED
    ), {_call("CAST(:rooms AS jsonb) ->> CAST(v.clinic_id AS text)")}
    SELECT * FROM called
    """
)


def _first_of_line(policy: str, order: str) -> str:
    """The head of the one line this doctor works in, if that line has this policy: one entry of its index."""
    return f"""
        SELECT v.id FROM reception.visits v
         WHERE v.queue_id = (SELECT id FROM q WHERE {policy})
           AND v.queue_day = {TODAY} AND v.status = 'WAITING'
           AND {MINE}
         ORDER BY {order} LIMIT 1
           FOR UPDATE OF v SKIP LOCKED"""


# The usual call, in one statement that records itself: the doctor works in one line, has nobody called or in
# the room, and somebody waits. Two presses of one doctor at the same instant: ONE_WITH_THE_DOCTOR or
# ALREADY_PRESSED refuses the later one.
_ANSWER = {name: f"called.{name}" for name in ("ticket", "patient_id", "room_id", "queue_id", "version")}
CALL_NEXT_AT_ONCE = identity.ProvingStatement(
    f"""
    WITH q AS MATERIALIZED (
        SELECT id, policy FROM reception.queues
         WHERE clinic_id = :clinic_id AND kind = 'CLINIC' AND organization_id = :organization_id
           AND NOT EXISTS (SELECT FROM reception.visits
                            WHERE attending_id = :doctor_id AND status IN ('CALLED', 'IN_PROGRESS'))
           AND {identity.IS_WHO_ASKS}
           AND {at_once.IS_FIRST_PRESS}
    ), by_time AS ({_first_of_line("policy = 'APPOINTMENT_TIME'", LINE_BY_TIME)}
    ), by_number AS ({_first_of_line("policy <> 'APPOINTMENT_TIME'", LINE_BY_NUMBER)}
    ), next AS (SELECT id FROM by_time UNION ALL SELECT id FROM by_number), {_CALL},
    {at_once.told(VisitCalled, "called", visit_id="called.id", doctor_id="called.attending_id")},
    {audit.saw_at_once("called", "visit.call", "visit", "called.id")},
    {at_once.kept("called", visit_id="called.id", **_ANSWER)},
    {at_once.moved("called", "'queue:' || called.queue_id", "'board:' || called.queue_id")}
    SELECT called.*, {at_once.MOVED} FROM called
    """
)
# Whether somebody stands in those lines whom a colleague is taking, or letting go, this instant.
SOMEBODY_WAITS = Statement(
    f"""
    SELECT 1 FROM reception.visits v JOIN reception.queues q ON q.id = v.queue_id
     WHERE q.clinic_id = ANY(:clinic_ids) AND q.kind = 'CLINIC' AND q.organization_id = :organization_id
       AND v.queue_day = {TODAY} AND v.status = 'WAITING'
       AND {MINE}
     LIMIT 1
    """
)

CALL_THIS = Statement(
    f"""
    WITH next AS (SELECT id FROM reception.visits WHERE id = :visit_id AND status = 'WAITING'), {_CALL}
    SELECT * FROM called
    """
)

FINISHED_BY_CALL = Statement(
    """
    SELECT finished_visit_id FROM reception.visit_transitions
     WHERE visit_id = :visit_id AND to_status = 'CALLED' ORDER BY sequence_number DESC LIMIT 1
    """
)

# The consultation is over. The appointment, which was a promise, is kept with it.
FINISH = Statement(
    f"""
    WITH finished AS (
        UPDATE reception.visits
           SET status = :status, end_time = :now, version = version + 1,
               updated_at = :now, updated_by = :user_id
         WHERE id = :visit_id
        RETURNING id, appointment_id, room_id, version
    ), kept AS (
        UPDATE reception.appointments a
           SET status = 'COMPLETED', version = a.version + 1, updated_at = :now, updated_by = :user_id
         WHERE a.id = (SELECT appointment_id FROM finished) AND a.status = 'CHECKED_IN'
    ), witness AS ({_WITNESS}
        SELECT :transition_id, :organization_id, id, 'IN_PROGRESS', :status, room_id, :user_id, :now
          FROM finished
    )
    SELECT version FROM finished
    """
)
