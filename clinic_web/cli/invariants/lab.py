"""What must be true of the laboratory: no time has more people than places, and every place is somebody's."""

from __future__ import annotations

from clinic_web.cli.invariants.invariant import Invariant

ALL = (
    Invariant(
        name="lab.places",
        promise="the places taken of a time are those of its tests, and never more than there are",
        counted="SELECT count(*) FROM lab.slots WHERE updated_at >= %(since)s",
        broken="""
            SELECT s.id::text, s.taken || ' of ' || s.capacity || ' places taken (' || s.beyond || ' beyond), '
                   || count(l.id) || ' tests'
              FROM lab.slots s
              LEFT JOIN lab.lab_orders l ON l.slot_id = s.id AND l.status <> 'CANCELLED'
             WHERE s.updated_at >= %(since)s
             GROUP BY s.id HAVING s.taken <> count(l.id) OR s.taken NOT BETWEEN 0 AND s.capacity + s.beyond
        """,
    ),
    Invariant(
        name="lab.answered",
        promise="the laboratory does what it answered: a place for each test, or none",
        counted="SELECT count(*) FROM lab.heard_orders WHERE heard_at >= %(since)s",
        broken="""
            SELECT h.order_id::text, 'answered ' || h.answer || ' with ' || count(l.id) || ' tests, '
                   || count(l.id) FILTER (WHERE l.status = 'SCHEDULED') || ' of them to come'
              FROM lab.heard_orders h LEFT JOIN lab.lab_orders l ON l.order_id = h.order_id
             WHERE h.heard_at >= %(since)s
             GROUP BY h.order_id
            HAVING CASE h.answer WHEN 'HELD' THEN count(l.id) = 0
                                 WHEN 'RELEASED' THEN count(l.id) FILTER (WHERE l.status = 'SCHEDULED') > 0
                                 WHEN 'REFUSED' THEN count(l.id) > 0
                                 ELSE h.heard_at < %(overdue)s END
             UNION ALL
            SELECT line_id::text, count(*) || ' tests of one line'
              FROM lab.lab_orders GROUP BY line_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        name="lab.specimens",
        promise="what was collected has its specimen, what has a result its lines",
        counted="SELECT count(*) FROM lab.lab_orders WHERE updated_at >= %(since)s",
        broken="""
            SELECT l.id::text, l.status || ' without a specimen'
              FROM lab.lab_orders l LEFT JOIN lab.lab_specimens s ON s.id = l.specimen_id
             WHERE l.status IN ('COLLECTED', 'RESULTED', 'VERIFIED') AND s.id IS NULL AND l.updated_at >= %(since)s
             UNION ALL
            SELECT l.id::text, l.status || ' without a result'
              FROM lab.lab_orders l
             WHERE l.status IN ('RESULTED', 'VERIFIED') AND l.updated_at >= %(since)s
               AND NOT EXISTS (SELECT FROM lab.lab_results r WHERE r.entry_id = l.result_id)
        """,
    ),
)
