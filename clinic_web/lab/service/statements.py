"""The statements by which places in slots are held and given back: few, set-based, and never one too many.

Slots are locked by (time, test), which is unique in a facility; before them the row of the order.
"""

from __future__ import annotations

from clinic_web.kernel.statement import Statement

# What is known of the slots from ``since`` until ``until``; times nobody has a place in have no row.
TAKEN = """
    SELECT jsonb_agg(jsonb_build_array(s.lab_test_id, s.starts_at, s.taken,
                                       CASE WHEN s.has_own_capacity THEN s.capacity END))
      FROM lab.slots s
     WHERE s.facility_id = :facility_id AND s.lab_test_id = ANY(CAST(:lab_test_ids AS uuid[]))
       AND s.starts_at >= :since AND s.starts_at < :until AND (s.taken > 0 OR s.has_own_capacity)
"""
HOURS = """
    SELECT jsonb_agg(jsonb_build_array(h.weekday, h.starts_at, h.ends_at))
      FROM lab.hours h WHERE h.facility_id = :facility_id
"""
OFFERS = """
    SELECT jsonb_agg(jsonb_build_array(o.lab_test_id, o.is_offered, o.slot_minutes, o.capacity))
      FROM lab.offers o
     WHERE o.facility_id = :facility_id AND o.lab_test_id = ANY(CAST(:lab_test_ids AS uuid[]))
"""

# Hear an order: its row is locked from here on, and whatever choosing times needs comes along.
HEAR = Statement(
    f"""
    INSERT INTO lab.heard_orders AS o (order_id, organization_id, facility_id, patient_id, heard_at)
    VALUES (:order_id, :organization_id, :facility_id, :patient_id, :now)
        ON CONFLICT (order_id) DO UPDATE SET times_asked = o.times_asked + 1
    RETURNING o.answer, o.starts_at, o.reason, o.line_id,
              ({HOURS}) AS hours, ({OFFERS}) AS offers, ({TAKEN}) AS taken
    """  # noqa: S608 - the parts are constants of this file
)
GROUND = Statement(f"SELECT ({HOURS}) AS hours, ({OFFERS}) AS offers, ({TAKEN}) AS taken")
LOOK_AGAIN = Statement(f"SELECT ({TAKEN}) AS taken")

# A place in each slot or, seen by ``is_whole``, not: then what was held is given back by whoever asked.
HOLD = """
    places AS (
        SELECT lab_test_id, starts_at, min(slot_minutes) AS slot_minutes, min(capacity) AS capacity,
               CAST(count(*) AS integer) AS wanted
          FROM wanted GROUP BY lab_test_id, starts_at
    ), held AS (
        INSERT INTO lab.slots AS s
               (id, organization_id, facility_id, lab_test_id, starts_at, slot_minutes, capacity, taken)
        SELECT gen_random_uuid(), :organization_id, :facility_id, p.lab_test_id, p.starts_at, p.slot_minutes,
               p.capacity, p.wanted
          FROM places p ORDER BY p.starts_at, p.lab_test_id
            ON CONFLICT (facility_id, lab_test_id, starts_at) DO UPDATE
           SET taken = s.taken + excluded.taken, updated_at = :now,
               capacity = CASE WHEN s.has_own_capacity THEN s.capacity ELSE excluded.capacity END
         WHERE s.taken + excluded.taken
               <= CASE WHEN s.has_own_capacity THEN s.capacity ELSE excluded.capacity END
        RETURNING s.id, s.lab_test_id, s.starts_at
    ), is_whole AS (
        SELECT true AS yes WHERE (SELECT count(*) FROM held) = (SELECT count(*) FROM places)
    )
"""
HOLD_ORDER = Statement(
    f"""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:line_ids AS uuid[]), CAST(:test_ids AS uuid[]),
                             CAST(:starts AS timestamptz[]), CAST(:minutes AS integer[]),
                             CAST(:capacities AS integer[]))
               AS w(id, line_id, lab_test_id, starts_at, slot_minutes, capacity)
    ), {HOLD}, ordered AS (
        INSERT INTO lab.lab_orders
               (id, organization_id, facility_id, clinic_id, order_id, line_id, lab_test_id, patient_id,
                visit_id, doctor_id, slot_id, scheduled_time, priority)
        SELECT w.id, :organization_id, :facility_id, :clinic_id, :order_id, w.line_id, w.lab_test_id,
               :patient_id, CAST(:visit_id AS uuid), :doctor_id, h.id, w.starts_at, CAST(:priority AS text)
          FROM is_whole, wanted w JOIN held h ON h.lab_test_id = w.lab_test_id AND h.starts_at = w.starts_at
    ), answered AS (
        UPDATE lab.heard_orders o SET answer = 'HELD', starts_at = (SELECT min(starts_at) FROM wanted)
          FROM is_whole WHERE o.order_id = :order_id
    )
    SELECT EXISTS (SELECT FROM is_whole) AS is_whole, ARRAY(SELECT id FROM held) AS slot_ids
    """  # noqa: S608 - the parts are constants of this file
)

REFUSE = Statement(
    """
    UPDATE lab.heard_orders SET answer = 'REFUSED', reason = CAST(:reason AS text),
           line_id = CAST(:line_id AS uuid)
     WHERE order_id = :order_id
    """
)

# Places given back, locked in the order of all; ``slot_ids`` names a slot as often as places of it go.
GIVE_BACK = """
    freed AS (
        SELECT s.id, f.places
          FROM lab.slots s JOIN (SELECT slot_id, CAST(count(*) AS integer) AS places
                                   FROM off GROUP BY slot_id) f ON f.slot_id = s.id
         ORDER BY s.starts_at, s.lab_test_id FOR UPDATE OF s
    )
    UPDATE lab.slots s
       SET taken = s.taken - f.places, updated_at = :now,
           beyond = greatest(s.taken - f.places - s.capacity, 0)
      FROM freed f WHERE s.id = f.id
"""
GIVE_BACK_PLACES = Statement(
    f"""
    WITH off AS (SELECT unnest(CAST(:slot_ids AS uuid[])) AS slot_id), {GIVE_BACK}
    """
)

# Two statements: the second must see what a request that was under way has held by the time its row is ours.
RELEASE = Statement(
    """
    INSERT INTO lab.heard_orders AS o (order_id, organization_id, facility_id, patient_id, heard_at, answer)
    VALUES (:order_id, :organization_id, :facility_id, :patient_id, :now, 'RELEASED')
        ON CONFLICT (order_id) DO UPDATE SET answer = 'RELEASED'
    """
)
FREE_ORDER = Statement(
    f"""
    WITH off AS (
        UPDATE lab.lab_orders
           SET status = 'CANCELLED', ended_at = :now, version = version + 1, updated_at = :now
         WHERE order_id = :order_id AND status = 'SCHEDULED'
        RETURNING slot_id
    ), {GIVE_BACK}
    """  # noqa: S608 - the parts are constants of this file
)

# Places for tests that have a time already; the slots are locked before (LOCK_SLOTS).
HOLD_PLACES = Statement(
    f"""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:test_ids AS uuid[]), CAST(:starts AS timestamptz[]),
                             CAST(:minutes AS integer[]), CAST(:capacities AS integer[]))
               AS w(lab_test_id, starts_at, slot_minutes, capacity)
    ), {HOLD}
    SELECT h.id, h.lab_test_id, h.starts_at, EXISTS (SELECT FROM is_whole) AS is_whole FROM held h
    """  # noqa: S608 - the parts are constants of this file
)
# Whatever a move gives up and takes is locked at once, in the order of all: no two moves wait for each other.
LOCK_SLOTS = Statement(
    """
    SELECT s.id FROM lab.slots s
     WHERE s.id = ANY(CAST(:slot_ids AS uuid[]))
        OR s.facility_id = :facility_id
           AND (s.lab_test_id, s.starts_at) IN (SELECT * FROM unnest(CAST(:test_ids AS uuid[]),
                                                                     CAST(:starts AS timestamptz[])))
     ORDER BY s.starts_at, s.lab_test_id FOR UPDATE
    """
)
SET_CAPACITY = Statement(
    """
    INSERT INTO lab.slots AS s
           (id, organization_id, facility_id, lab_test_id, starts_at, slot_minutes, capacity,
            has_own_capacity, created_by, updated_by)
    VALUES (gen_random_uuid(), :organization_id, :facility_id, :lab_test_id, :starts_at, :slot_minutes,
            :capacity, :is_own, CAST(:user_id AS uuid), CAST(:user_id AS uuid))
        ON CONFLICT (facility_id, lab_test_id, starts_at) DO UPDATE
       SET capacity = excluded.capacity, has_own_capacity = excluded.has_own_capacity,
           beyond = greatest(s.taken - excluded.capacity, 0), updated_at = :now,
           updated_by = excluded.updated_by
    RETURNING s.id, s.taken
    """
)
