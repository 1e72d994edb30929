"""The SQL of one booking and of one call, statement by statement, as the program sends it today.

``bench.statements`` compares these with what the program really sends in the same run, so that the floor
does neither less nor more. Where they differ the figure says so: bring the statement below up to date.
"""

from __future__ import annotations

from clinic_web.identity.queries import IS_OPEN
from clinic_web.organization.queries import TERMS as TERMS_NOW
from clinic_web.patients.holding import HOLD
from clinic_web.reception.service.statements import CALL_NEXT_AT_ONCE

SESSION = IS_OPEN.sql
CLAIM = """
    INSERT INTO kernel.idempotency_keys (organization_id, user_id, action, key, fingerprint)
    VALUES (%(organization_id)s, %(user_id)s, %(action)s, %(key)s, %(fingerprint)s)
        ON CONFLICT DO NOTHING
    RETURNING true
"""
PATIENT = HOLD.sql
TERMS = TERMS_NOW.sql
BOOK = """
    WITH doctors_day AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended(%(doctors_day)s, 0))
    ), booked AS (
        INSERT INTO reception.appointments
               (id, organization_id, facility_id, booking_id, clinic_id, doctor_id, patient_id, service_id,
                start_time, end_time, status, booking_source, notes, is_overbooking, overbooking_reason,
                created_by, updated_by)
        SELECT %(appointment_id)s, %(organization_id)s, %(facility_id)s, %(booking_id)s, %(clinic_id)s,
               %(doctor_id)s, %(patient_id)s, %(service_id)s, CAST(%(start_time)s AS timestamptz),
               CAST(%(end_time)s AS timestamptz), 'CONFIRMED', %(booking_source)s, CAST(%(notes)s AS text),
               %(is_overbooking)s, CAST(%(overbooking_reason)s AS text), %(user_id)s, %(user_id)s
          FROM doctors_day
            ON CONFLICT ON CONSTRAINT ex_appointments_no_overlap DO NOTHING
        RETURNING id, start_time
    ), place AS (
        SELECT q.id AS queue_id, q.prefix, q.draw_at,
               (booked.start_time AT TIME ZONE %(timezone)s)::date AS day
          FROM booked, reception.queues q
         WHERE q.organization_id = %(organization_id)s AND q.clinic_id = %(clinic_id)s AND q.kind = 'CLINIC'
           AND q.is_active
    ), counter AS (
        INSERT INTO reception.queue_days AS d (organization_id, queue_id, day, last_number)
        SELECT CAST(%(organization_id)s AS uuid), queue_id, day, 1 FROM place WHERE draw_at = 'BOOKING'
            ON CONFLICT (queue_id, day) DO UPDATE SET last_number = d.last_number + 1
        RETURNING last_number
    ), number AS (
        INSERT INTO reception.queue_numbers
               (id, organization_id, queue_id, day, number, visit_id, state, issued_at)
        SELECT %(number_id)s, %(organization_id)s, place.queue_id, place.day, counter.last_number,
               %(visit_id)s, 'ISSUED', %(now)s
          FROM place, counter
    ), opened AS (
        INSERT INTO reception.visits (
            id, organization_id, facility_id, clinic_id, queue_id, appointment_id, doctor_id, patient_id,
            service_id, queue_day, queue_number, ticket, scheduled_time, check_in_time, priority,
            priority_rank, priority_reason, priority_by, priority_at, visit_type, status, created_by,
            updated_by)
        SELECT %(visit_id)s, %(organization_id)s, %(facility_id)s, %(clinic_id)s, place.queue_id,
               %(appointment_id)s, %(doctor_id)s, %(patient_id)s, %(service_id)s, place.day,
               counter.last_number,
               place.prefix || '-' || to_char(counter.last_number, 'FM999000'),
               CAST(%(start_time)s AS timestamptz), NULL, NULL, 0, NULL, NULL, NULL, 'SCHEDULED', 'SCHEDULED',
               %(user_id)s, %(user_id)s
          FROM place LEFT JOIN counter ON true
        RETURNING id, queue_id, ticket
    ), witness AS (
        INSERT INTO reception.visit_transitions
               (id, organization_id, visit_id, from_status, to_status, room_id, by_user_id, at)
        SELECT %(transition_id)s, %(organization_id)s, id, NULL, 'SCHEDULED', NULL, %(user_id)s, %(now)s
          FROM opened
    )
    SELECT booked.id AS appointment_id, opened.queue_id, opened.ticket FROM booked LEFT JOIN opened ON true
"""
PAYMENT = """
    INSERT INTO payments.payments
           (id, organization_id, facility_id, clinic_id, doctor_id, service_id, visit_id, patient_id, ticket,
            currency, total_amount, share_percent, share_rule_version,
            status, opened_at, due_at, paid_at, created_by)
    VALUES (%(payment_id)s, %(organization_id)s, %(facility_id)s, %(clinic_id)s, %(doctor_id)s,
            %(service_id)s, %(visit_id)s, %(patient_id)s, %(ticket)s, %(currency)s, %(total_amount)s,
            %(share_percent)s, %(share_rule_version)s, %(status)s, %(now)s, %(due_at)s, %(paid_at)s,
            %(user_id)s)
"""
EVENTS = """
    events AS (
        INSERT INTO kernel.domain_events
               (id, organization_id, event_type, aggregate_type, aggregate_id,
                event_data, user_id, occurred_at)
        SELECT e.* FROM jsonb_to_recordset(CAST(%(events)s AS jsonb))
               AS e(id uuid, organization_id uuid, event_type text, aggregate_type text, aggregate_id uuid,
                    event_data jsonb, user_id uuid, occurred_at timestamptz)
    )
"""
DELIVERIES = """
    deliveries AS (
        INSERT INTO kernel.deliveries (event_id, consumer, queue, due_at)
        SELECT d.event_id, d.consumer, d.queue, CAST(%(now)s AS timestamptz) + interval '2 seconds'
          FROM jsonb_to_recordset(CAST(%(deliveries)s AS jsonb))
               AS d(event_id uuid, consumer text, queue text)
    )
"""
ANSWERS = """
    answers AS (
        UPDATE kernel.idempotency_keys k SET answer = a.answer
          FROM (SELECT * FROM jsonb_to_recordset(CAST(%(answers)s AS jsonb))
                  AS r(organization_id uuid, user_id uuid, action text, key text, answer jsonb) LIMIT 4) a
         WHERE (k.organization_id, k.user_id, k.action, k.key)
             = (a.organization_id, a.user_id, a.action, a.key)
    )
"""
WITNESSES = """
    witnesses AS (
        INSERT INTO audit.access_logs
               (id, organization_id, user_id, action, resource_type, resource_id, result,
                ip_address, user_agent, metadata, accessed_at)
        SELECT w.* FROM jsonb_to_recordset(CAST(%(witnesses)s AS jsonb))
               AS w(id uuid, organization_id uuid, user_id uuid, action text, resource_type text,
                    resource_id uuid, result text, ip_address inet, user_agent text, metadata jsonb,
                    accessed_at timestamptz)
    )
"""
STREAMS = """
    INSERT INTO kernel.streams AS s (topic, seq)
    SELECT topic, 1 FROM unnest(CAST(%(topics)s AS text[])) AS topic ORDER BY topic
        ON CONFLICT (topic) DO UPDATE SET seq = s.seq + 1
    RETURNING topic, epoch, seq
"""
RECORD_BOOKED = f"WITH {EVENTS}, {DELIVERIES}, {ANSWERS}, {WITNESSES} {STREAMS}"
BOOKING = (SESSION, CLAIM, PATIENT, TERMS, BOOK, PAYMENT, RECORD_BOOKED)
# Long, and nothing in it that a floor would leave out.
CALL_NEXT = CALL_NEXT_AT_ONCE.sql
CALLING = (CALL_NEXT,)  # which also proves whose session it is
WITNESS = """
    INSERT INTO audit.access_logs
           (id, organization_id, user_id, action, resource_type, resource_id, result,
            ip_address, user_agent, metadata, accessed_at)
    SELECT w.* FROM jsonb_to_recordset(CAST(%(witnesses)s AS jsonb))
           AS w(id uuid, organization_id uuid, user_id uuid, action text, resource_type text,
                resource_id uuid, result text, ip_address inet, user_agent text, metadata jsonb,
                accessed_at timestamptz)
"""
