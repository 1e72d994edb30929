"""A past of as many visits as wanted, made by PostgreSQL itself: each was booked, came, was called and paid.

It lies in the clinic that is measured, spread over the year before today, among its doctors and a thousand
patients, with keys that are ordered by time as the program's own are.
"""

from __future__ import annotations

from bench.world import ZONE, Line, World

CHUNK = 100_000

# A UUIDv7 of a moment: 48 bits of time, then what a hash says, so that two runs make the same.
_KEY = """(lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') || '7' || substr({hash}, 1, 3)
           || 'a' || substr({hash}, 4, 15))::uuid"""

VISITS = f"""
    INSERT INTO reception.visits
           (id, organization_id, facility_id, clinic_id, queue_id, doctor_id, attending_id, patient_id,
            service_id, queue_day, queue_number, ticket, scheduled_time, check_in_time, called_at, start_time,
            end_time, times_called, visit_type, status, created_at, updated_at)
    SELECT {_KEY.format(at="came", hash="md5(%(queue)s::text || n)")},
           %(organization)s, %(facility)s, %(clinic)s, %(queue)s,
           doctor, doctor, patients[1 + n %% cardinality(patients)], %(service)s, day, number, 'H-' || number,
           CASE WHEN n %% 4 > 0 THEN came END, came,
           came + wait, came + wait, came + wait + interval '10 minutes' + n %% 17 * interval '1 minute', 1,
           CASE WHEN n %% 4 > 0 THEN 'SCHEDULED' ELSE 'WALK_IN' END,
           CASE WHEN n %% 19 = 0 THEN 'NO_SHOW' ELSE 'COMPLETED' END, came, came
      FROM (SELECT n, %(today)s::date - 1 - n %% %(days)s AS day, n / %(days)s + 1 AS number,
                   (%(doctors)s::uuid[])[1 + n %% cardinality(%(doctors)s::uuid[])] AS doctor,
                   (%(today)s::date - 1 - n %% %(days)s + time '08:00'
                       + (n / %(days)s) %% 540 * interval '1 minute') AT TIME ZONE '{ZONE}' AS came,
                   n %% 41 * interval '1 minute' AS wait, %(patients)s::uuid[] AS patients
              FROM generate_series(%(first)s::int, %(last)s::int) AS n) AS past
"""  # noqa: S608 - made of constants
WITNESSES = f"""
    INSERT INTO reception.visit_transitions (id, organization_id, visit_id, from_status, to_status, at)
    SELECT {_KEY.format(at="end_time", hash="md5('t' || id)")},
           organization_id, id, 'IN_PROGRESS', status, end_time
      FROM reception.visits v
     WHERE queue_id = %(queue)s AND queue_day < %(today)s
       AND NOT EXISTS (SELECT FROM reception.visit_transitions t WHERE t.visit_id = v.id)
"""  # noqa: S608 - made of constants

# What each of those visits left behind besides, so that PostgreSQL plans as for a clinic that has been open
# for a while: an empty table is read whole, and a plan made for it is kept while the table grows.
LEFT_BEHIND = (
    """
    INSERT INTO reception.queue_numbers
           (id, organization_id, queue_id, day, number, visit_id, state, issued_at)
    SELECT gen_random_uuid(), organization_id, queue_id, queue_day, queue_number, id, 'ISSUED', check_in_time
      FROM reception.visits WHERE queue_id = %(queue)s AND queue_day < %(today)s
        ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO payments.payments
           (id, organization_id, facility_id, clinic_id, doctor_id, service_id, visit_id, patient_id, ticket,
            currency, total_amount, amount_paid, center_share, share_percent, share_rule_version, status,
            opened_at, due_at, paid_at, moved_at)
    SELECT gen_random_uuid(), organization_id, facility_id, clinic_id, doctor_id, service_id, id, patient_id,
           ticket, 'EGP', 300, 300, 300, 0, 1, 'PAID', check_in_time, check_in_time, end_time, end_time
      FROM reception.visits WHERE queue_id = %(queue)s AND queue_day < %(today)s
        ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO kernel.domain_events
           (id, organization_id, event_type, aggregate_type, aggregate_id, event_data, occurred_at)
    SELECT id, organization_id, 'visit.opened', 'visit', id, '{}', check_in_time
      FROM reception.visits WHERE queue_id = %(queue)s AND queue_day < %(today)s
        ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO kernel.deliveries (event_id, consumer, queue, state, due_at, done_at)
    SELECT id, 'bench', 'events', 'DONE', check_in_time, check_in_time
      FROM reception.visits WHERE queue_id = %(queue)s AND queue_day < %(today)s
        ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO kernel.idempotency_keys
           (organization_id, user_id, action, key, fingerprint, answer, created_at)
    SELECT organization_id, doctor_id, 'visit.walk_in', id::text, '', '{}', check_in_time
      FROM reception.visits WHERE queue_id = %(queue)s AND queue_day < %(today)s
        ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO audit.access_logs
           (id, organization_id, action, resource_type, resource_id, result, accessed_at)
    SELECT gen_random_uuid(), organization_id, 'visit.walk_in', 'visit', id, 'ALLOWED', check_in_time
      FROM reception.visits WHERE queue_id = %(queue)s AND queue_day < %(today)s
    """,
)


def of_a_year(world: World, line: Line, number: int) -> None:
    """Make a past with everything that its visits left behind; to be followed by ``world.settle()``."""
    load(world, line, number)
    for rows in LEFT_BEHIND:
        world.owner.execute(rows.encode(), {"queue": line.queue_id, "today": world.today()})


def load(world: World, line: Line, number: int, *, before: int = 0, days: int = 365) -> None:
    """Make the past visits from ``before`` up to ``number``, over ``days`` days."""
    values = {
        "organization": world.actor.organization_id,
        "facility": world.facility_id,
        "clinic": line.clinic_id,
        "queue": line.queue_id,
        "service": line.service_id,
        "doctors": [doctor.actor.staff_id for doctor in line.doctors],
        "patients": [row[0] for row in world.sql("SELECT id FROM patients.patients LIMIT 1000")],
        "today": world.today(),
        "days": days,
    }
    for first in range(before, number, CHUNK):
        last = min(first + CHUNK, number) - 1
        world.owner.execute(VISITS.encode(), values | {"first": first, "last": last})
        world.owner.execute(WITNESSES.encode(), values)
