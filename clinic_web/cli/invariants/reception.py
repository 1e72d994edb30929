"""What must be true at the desk: bookings are whole, numbers gapless, nobody is in two places."""

from __future__ import annotations

from clinic_web.cli.invariants.invariant import Invariant

# The past of another system came without the payments of those who did not come, and nobody was told of it.
WAS_TOLD = """
    EXISTS (SELECT FROM kernel.domain_events e
             WHERE (e.aggregate_type, e.aggregate_id) = ('visit', v.id) AND e.event_type = 'visit.opened'
                OR (e.aggregate_type, e.aggregate_id) = ('appointment', v.appointment_id)
                   AND e.event_type = 'appointment.booked')
"""

BOOKINGS = (
    Invariant(
        name="bookings.whole",
        promise="a booking is an appointment, a visit and a payment: all three or none",
        counted="SELECT count(*) FROM reception.appointments WHERE updated_at >= %(since)s",
        broken=f"""
            SELECT a.id::text, 'an appointment without a visit' AS says
              FROM reception.appointments a LEFT JOIN reception.visits v ON v.appointment_id = a.id
             WHERE v.id IS NULL AND a.updated_at >= %(since)s
             UNION ALL
            SELECT v.id::text, v.status || ' visit without a payment'
              FROM reception.visits v LEFT JOIN payments.payments p ON p.visit_id = v.id
             WHERE p.id IS NULL AND v.updated_at >= %(since)s
               AND (v.status NOT IN ('CANCELLED', 'NO_SHOW') OR {WAS_TOLD})
             UNION ALL
            SELECT p.id::text, 'a payment of a visit that is not there'
              FROM payments.payments p LEFT JOIN reception.visits v ON v.id = p.visit_id
             WHERE p.visit_id IS NOT NULL AND v.id IS NULL AND p.updated_at >= %(since)s
        """,
    ),
    Invariant(
        name="bookings.agree",
        promise="an appointment and its visit are in states that belong together",
        counted="""SELECT count(*) FROM reception.visits
                    WHERE appointment_id IS NOT NULL AND updated_at >= %(since)s""",
        broken="""
            SELECT v.id::text, 'appointment ' || a.status || ', visit ' || v.status
              FROM reception.visits v JOIN reception.appointments a ON a.id = v.appointment_id
             WHERE greatest(v.updated_at, a.updated_at) >= %(since)s
               AND NOT v.status = ANY (CASE a.status
                   WHEN 'CONFIRMED' THEN ARRAY['SCHEDULED']
                   WHEN 'CHECKED_IN' THEN ARRAY['WAITING', 'ON_HOLD', 'CALLED', 'IN_PROGRESS']
                   WHEN 'COMPLETED' THEN ARRAY['PENDING_PAYMENT', 'COMPLETED']
                   ELSE ARRAY[a.status] END)
        """,
    ),
    Invariant(
        name="bookings.no_overlap",
        promise="a doctor's active appointments do not overlap, but for deliberate ones",
        counted="""SELECT count(*) FROM reception.appointments
                    WHERE status IN ('CONFIRMED', 'CHECKED_IN') AND updated_at >= %(since)s""",
        broken="""
            SELECT id::text, 'overlaps ' || former
              FROM (SELECT id, start_time, updated_at,
                           lag(id) OVER others AS former, max(end_time) OVER others_before AS busy_until
                      FROM reception.appointments
                     WHERE status IN ('CONFIRMED', 'CHECKED_IN') AND NOT is_overbooking
                    WINDOW others AS (PARTITION BY doctor_id ORDER BY start_time, id),
                           others_before AS (PARTITION BY doctor_id ORDER BY start_time, id
                                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) ordered
             WHERE start_time < busy_until AND updated_at >= %(since)s
        """,
    ),
    Invariant(
        name="bookings.told_once",
        promise="each booking was told once, and nothing is told of a booking that is not there",
        counted="""SELECT count(*) FROM kernel.domain_events
                    WHERE event_type = 'appointment.booked' AND occurred_at >= %(since)s""",
        broken="""
            SELECT e.aggregate_id::text, 'told ' || count(*) || ' times, there: ' || (max(a.id::text) IS NOT NULL)
              FROM kernel.domain_events e LEFT JOIN reception.appointments a ON a.id = e.aggregate_id
             WHERE e.event_type = 'appointment.booked' AND e.occurred_at >= %(since)s
             GROUP BY e.aggregate_id HAVING count(*) > 1 OR max(a.id::text) IS NULL
        """,
    ),
)

TICKETS = (
    Invariant(
        name="tickets.gapless",
        promise="the numbers of a queue's day are 1 to N, each once",
        counted="SELECT count(*) FROM reception.queue_numbers WHERE issued_at >= %(since)s",
        broken="""
            SELECT queue_id || ' ' || day,
                   count(n.number) || ' numbers from ' || COALESCE(min(n.number), 0) || ' to '
                   || COALESCE(max(n.number), 0) || ', ' || count(DISTINCT n.number) || ' different, the last is '
                   || COALESCE(max(d.last_number), 0)
              FROM reception.queue_days d FULL JOIN reception.queue_numbers n USING (queue_id, day)
             GROUP BY queue_id, day
            HAVING COALESCE(max(n.issued_at), 'infinity') >= %(since)s
               AND (COALESCE(max(d.last_number), 0), count(DISTINCT n.number), COALESCE(max(n.number), 0),
                    COALESCE(min(n.number), 1))
                   IS DISTINCT FROM (COALESCE(max(n.number), 0), count(n.number), count(n.number)::integer, 1)
        """,
    ),
    Invariant(
        name="tickets.held",
        promise="an issued number is that of its visit (or of a station's guest), and no visit has another",
        counted="SELECT count(*) FROM reception.visits WHERE queue_number IS NOT NULL AND updated_at >= %(since)s",
        broken="""
            SELECT v.id::text, 'has the ticket ' || COALESCE(v.ticket, '?') || ', which is not issued to it'
              FROM reception.visits v
              LEFT JOIN reception.queue_numbers n ON (n.queue_id, n.day, n.number)
                                                   = (v.queue_id, v.queue_day, v.queue_number)
                                                 AND n.visit_id = v.id AND n.state = 'ISSUED'
             WHERE v.queue_number IS NOT NULL AND n.id IS NULL AND v.updated_at >= %(since)s
             UNION ALL
            SELECT n.id::text, 'is issued and nobody has it'
              FROM reception.queue_numbers n
              LEFT JOIN reception.visits v ON (v.id, v.queue_id, v.queue_day, v.queue_number)
                                            = (n.visit_id, n.queue_id, n.day, n.number)
              LEFT JOIN reception.station_stops s ON s.number_id = n.id
             WHERE n.state = 'ISSUED' AND v.id IS NULL AND s.id IS NULL AND n.issued_at >= %(since)s
        """,
    ),
)

VISITS = (
    Invariant(
        name="visits.one_call",
        promise="a doctor has one patient called or in the room, a clerk one guest, a patient one place in a line",
        counted="SELECT count(*) FROM reception.visits WHERE status IN ('CALLED', 'IN_PROGRESS')",
        broken="""
            SELECT attending_id::text, count(*) || ' patients at once'
              FROM reception.visits WHERE status IN ('CALLED', 'IN_PROGRESS') AND attending_id IS NOT NULL
             GROUP BY attending_id HAVING count(*) > 1
             UNION ALL
            SELECT clerk_id::text, count(*) || ' guests at once'
              FROM reception.station_stops WHERE status = 'CALLED' GROUP BY clerk_id HAVING count(*) > 1
             UNION ALL
            SELECT patient_id::text, count(*) || ' places in one line'
              FROM reception.visits WHERE status IN ('WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD')
             GROUP BY queue_id, queue_day, patient_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        name="visits.history",
        promise="a visit's moves lead one to the next and end in its state",
        counted="SELECT count(*) FROM reception.visit_transitions WHERE at >= %(since)s",
        broken="""
            WITH moves AS (
                SELECT visit_id, from_status, to_status,
                       lag(to_status) OVER w AS before, lead(to_status) OVER w AS after
                  FROM reception.visit_transitions
                WINDOW w AS (PARTITION BY visit_id ORDER BY sequence_number)
            )
            SELECT m.visit_id::text, 'a move from ' || COALESCE(m.from_status, 'nothing') || ' after '
                   || COALESCE(m.before, 'nothing')
              FROM moves m JOIN reception.visits v ON v.id = m.visit_id
             WHERE m.before IS DISTINCT FROM m.from_status AND v.updated_at >= %(since)s
             UNION ALL
            SELECT m.visit_id::text, 'is ' || v.status || ', its last move was to ' || m.to_status
              FROM moves m JOIN reception.visits v ON v.id = m.visit_id
             WHERE m.after IS NULL AND m.to_status <> v.status AND v.updated_at >= %(since)s
        """,
    ),
)

ALL = (*BOOKINGS, *TICKETS, *VISITS)
