"""What must be true of the shelves: every batch adds up, every promise stands on something, first out first."""

from __future__ import annotations

from clinic_web.cli.invariants.invariant import Invariant

BATCHES = "SELECT count(*) FROM inventory.inventory_batches WHERE updated_at >= %(since)s"
MOVEMENTS = "SELECT count(*) FROM inventory.inventory_transactions WHERE created_at >= %(since)s"
LATEST = 2000  # holds whose order of batches is looked at, the newest: each is compared with all others

ALL = (
    Invariant(
        name="stock.batches",
        promise="of each batch: received and adjusted are available, reserved and issued; none is below zero",
        counted=BATCHES,
        broken="""
            SELECT id::text, quantity_received || ' received, ' || quantity_adjusted || ' adjusted; '
                   || quantity_available || ' available, ' || quantity_reserved || ' reserved, '
                   || quantity_issued || ' issued'
              FROM inventory.inventory_batches
             WHERE updated_at >= %(since)s
               AND (quantity_received + quantity_adjusted
                    <> quantity_available + quantity_reserved + quantity_issued
                    OR least(quantity_received, quantity_available, quantity_reserved, quantity_issued) < 0)
        """,
    ),
    Invariant(
        name="stock.movements",
        promise="the movements of a batch lead one to the next and sum up to it",
        counted=MOVEMENTS,
        broken="""
            WITH moved AS (
                SELECT batch_id, sum(quantity_change) AS lies, sum(reserved_change) AS reserved,
                       sum(quantity_change) FILTER (WHERE transaction_type = 'RECEIVE') AS received,
                       -sum(quantity_change) FILTER (WHERE transaction_type IN ('ISSUE', 'PUT_BACK')) AS issued
                  FROM inventory.inventory_transactions GROUP BY batch_id
            )
            SELECT b.id::text, 'lies ' || b.quantity_remaining || ', movements say ' || COALESCE(m.lies, 0)
                   || '; reserved ' || b.quantity_reserved || ', ' || COALESCE(m.reserved, 0)
                   || '; issued ' || b.quantity_issued || ', ' || COALESCE(m.issued, 0)
              FROM inventory.inventory_batches b LEFT JOIN moved m ON m.batch_id = b.id
             WHERE b.updated_at >= %(since)s
               AND (b.quantity_remaining, b.quantity_reserved, b.quantity_received, b.quantity_issued)
                   <> (COALESCE(m.lies, 0), COALESCE(m.reserved, 0), COALESCE(m.received, 0), COALESCE(m.issued, 0))
             UNION ALL
            SELECT id::text, 'begins with ' || quantity_before || ' and ' || reserved_before || ' reserved after '
                   || lies || ' and ' || reserved
              FROM (SELECT id, created_at, quantity_before, reserved_before,
                           lag(quantity_after, 1, 0) OVER w AS lies, lag(reserved_after, 1, 0) OVER w AS reserved
                      FROM inventory.inventory_transactions
                    WINDOW w AS (PARTITION BY batch_id ORDER BY seq)) chain
             WHERE (quantity_before, reserved_before) <> (lies, reserved) AND created_at >= %(since)s
        """,
    ),
    Invariant(
        name="stock.items",
        promise="what an item says lies there, is promised and is free is the sum of its batches",
        counted="SELECT count(*) FROM inventory.inventory_items",
        broken="""
            SELECT i.id::text, 'says ' || i.quantity_on_hand || ', ' || i.quantity_reserved || ' and '
                   || i.quantity_available || '; its batches ' || COALESCE(sum(b.quantity_remaining), 0) || ', '
                   || COALESCE(sum(b.quantity_reserved), 0) || ' and '
                   || COALESCE(sum(b.quantity_available) FILTER (WHERE b.status = 'ACTIVE'), 0)
              FROM inventory.inventory_items i
              LEFT JOIN inventory.inventory_batches b ON b.inventory_item_id = i.id
             GROUP BY i.id
            HAVING (i.quantity_on_hand, i.quantity_reserved, i.quantity_available)
                   <> (COALESCE(sum(b.quantity_remaining), 0), COALESCE(sum(b.quantity_reserved), 0),
                       COALESCE(sum(b.quantity_available) FILTER (WHERE b.status = 'ACTIVE'), 0))
        """,
    ),
    Invariant(
        name="stock.promised",
        promise="what is reserved of a batch is what reservations hold of it, what was issued what was handed over",
        counted="SELECT count(*) FROM pharmacy.reservations WHERE updated_at >= %(since)s",
        broken="""
            WITH held AS (
                SELECT batch_id, sum(quantity - dispensed_quantity) AS n
                  FROM pharmacy.reservations WHERE status = 'RESERVED' GROUP BY batch_id
            ), given AS (
                SELECT l.batch_id, sum(CASE d.kind WHEN 'HANDED_OVER' THEN l.quantity ELSE -l.quantity END) AS n
                  FROM pharmacy.dispensing_lines l JOIN pharmacy.dispensings d ON d.id = l.dispensing_id
                 GROUP BY l.batch_id
            )
            SELECT b.id::text, 'reserved ' || b.quantity_reserved || ', held by reservations '
                   || COALESCE(h.n, 0) || '; issued ' || b.quantity_issued || ', handed over ' || COALESCE(g.n, 0)
              FROM inventory.inventory_batches b
              LEFT JOIN held h ON h.batch_id = b.id LEFT JOIN given g ON g.batch_id = b.id
             WHERE (b.quantity_reserved, b.quantity_issued) <> (COALESCE(h.n, 0), COALESCE(g.n, 0))
        """,
    ),
    Invariant(
        name="stock.dispensed",
        promise="what a reservation says was handed over is what was, and its prescription says how it stands",
        counted="SELECT count(*) FROM pharmacy.prescription_orders WHERE updated_at >= %(since)s",
        broken="""
            WITH given AS (
                SELECT l.reservation_id,
                       sum(CASE d.kind WHEN 'HANDED_OVER' THEN l.quantity ELSE -l.quantity END) AS n
                  FROM pharmacy.dispensing_lines l JOIN pharmacy.dispensings d ON d.id = l.dispensing_id
                 GROUP BY l.reservation_id
            )
            SELECT r.id::text, 'says ' || r.dispensed_quantity || ' of ' || r.quantity || ' was handed over, it was '
                   || COALESCE(g.n, 0)
              FROM pharmacy.reservations r LEFT JOIN given g ON g.reservation_id = r.id
             WHERE r.dispensed_quantity <> COALESCE(g.n, 0) AND r.updated_at >= %(since)s
             UNION ALL
            SELECT o.order_id::text, 'is ' || o.status || ' with ' || count(r.id) FILTER (WHERE r.status = 'RESERVED')
                   || ' of ' || count(r.id) || ' reservations open'
              FROM pharmacy.prescription_orders o LEFT JOIN pharmacy.reservations r ON r.order_id = o.order_id
             WHERE o.updated_at >= %(since)s
             GROUP BY o.order_id
            HAVING (o.status = 'RESERVED') <> (count(r.id) FILTER (WHERE r.status = 'RESERVED') > 0)
                OR (o.status = 'FAILED' AND count(r.id) > 0)
                OR (o.cancelled_at IS NOT NULL AND o.status = 'RESERVED')
        """,
    ),
    Invariant(
        name="stock.unexpired",
        promise="nothing past its day was promised to anybody",
        counted=MOVEMENTS + " AND transaction_type = 'RESERVE'",
        broken="""
            SELECT t.id::text, 'promised at ' || t.transaction_date || ' from a batch good until ' || b.expiration_date
              FROM inventory.inventory_transactions t
              JOIN inventory.inventory_batches b ON b.id = t.batch_id
              JOIN organization.facilities f ON f.id = t.facility_id
             WHERE t.transaction_type = 'RESERVE' AND t.created_at >= %(since)s
               AND (t.transaction_date AT TIME ZONE f.timezone)::date > b.expiration_date
        """,
    ),
    Invariant(
        name="stock.first_out",
        promise="a promise takes the batch that expires first (the newest promises are looked at)",
        counted=f"SELECT least(count(*), {LATEST}) FROM inventory.inventory_transactions WHERE transaction_type = 'RESERVE'",
        # What was free of an earlier batch when this one was touched: as its last movement by then left it. The
        # movements of one promise count as one, in whatever order its statement wrote them.
        broken=f"""
            WITH latest AS (
                SELECT t.*, b.expiration_date FROM inventory.inventory_transactions t
                  JOIN inventory.inventory_batches b ON b.id = t.batch_id
                 WHERE t.transaction_type = 'RESERVE' AND t.created_at >= %(since)s
                 ORDER BY t.seq DESC LIMIT {LATEST}
            )
            SELECT l.id::text, 'took a batch good until ' || l.expiration_date || ' while ' || last.free
                   || ' was free of one good until ' || other.expiration_date
              FROM latest l
              JOIN inventory.inventory_batches other ON other.inventory_item_id = l.inventory_item_id
               AND (other.expiration_date, other.id) < (l.expiration_date, l.batch_id)
               AND other.status = 'ACTIVE'
              JOIN organization.facilities f ON f.id = l.facility_id
               AND (l.transaction_date AT TIME ZONE f.timezone)::date <= other.expiration_date
              CROSS JOIN LATERAL (
                   SELECT m.quantity_after - m.reserved_after AS free FROM inventory.inventory_transactions m
                    WHERE m.inventory_item_id = l.inventory_item_id AND m.batch_id = other.id
                      AND (m.seq < l.seq OR (m.transaction_type = 'RESERVE' AND m.reference_id = l.reference_id
                                             AND m.seq < l.seq + 1000))
                    ORDER BY m.seq DESC LIMIT 1) last
             WHERE last.free > 0
        """,
    ),
)
