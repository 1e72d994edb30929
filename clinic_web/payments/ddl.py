"""What only triggers can hold about money, as SQL for the migration (and its way back).

Row by row the CHECKs of the tables hold. Across rows it needs a proof at the commit: that the legs of a
movement sum to zero, and that as much lies in drawer, bank and card as it says. And what was written stays.
"""

from __future__ import annotations

# Deferred to the commit, because a movement and its legs are several statements. Asked from both sides: a
# movement without legs is as wrong as legs that do not balance. RECEIVABLE is a place, too: what an insurer
# promised.
MOVEMENT_SUMS_TO_ZERO = """
CREATE FUNCTION payments.movement_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved uuid;
    movement record;
    legs record;
BEGIN
    IF TG_TABLE_NAME = 'payment_transactions' THEN
        moved := NEW.id;
    ELSE
        moved := NEW.transaction_id;
    END IF;
    SELECT CASE kind WHEN 'REFUND' THEN -amount ELSE amount END AS amount, currency, organization_id, status
      INTO movement FROM payments.payment_transactions WHERE id = moved;
    IF movement.status = 'FAILED' THEN  -- nothing moved: it has no legs
        IF EXISTS (SELECT FROM payments.ledger_entries WHERE transaction_id = moved) THEN
            RAISE EXCEPTION 'movement % failed and can have no ledger legs', moved
                USING ERRCODE = 'check_violation', CONSTRAINT = 'movement_sums_to_zero',
                      SCHEMA = 'payments', TABLE = 'ledger_entries';
        END IF;
        RETURN NULL;
    END IF;
    SELECT sum(amount) AS rest,
           sum(amount) FILTER (WHERE account IN ('DRAWER', 'BANK', 'CARD', 'RECEIVABLE')) AS placed,
           bool_and(currency = movement.currency AND organization_id = movement.organization_id) AS fits
      INTO legs FROM payments.ledger_entries WHERE transaction_id = moved;
    IF (legs.rest = 0 AND legs.placed = movement.amount AND legs.fits) IS NOT TRUE THEN
        RAISE EXCEPTION 'the ledger legs of movement % do not balance', moved
            USING ERRCODE = 'check_violation', CONSTRAINT = 'movement_sums_to_zero',
                  SCHEMA = 'payments', TABLE = 'ledger_entries';
    END IF;
    RETURN NULL;
END $$
"""

LEGS_BALANCE = """
CREATE CONSTRAINT TRIGGER movement_sums_to_zero AFTER INSERT ON payments.ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments.movement_sums_to_zero()
"""

MOVEMENT_HAS_LEGS = """
CREATE CONSTRAINT TRIGGER movement_sums_to_zero AFTER INSERT ON payments.payment_transactions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments.movement_sums_to_zero()
"""

# An error is corrected by another movement, never by an edit: also not by us, and not by hand.
MONEY_IS_NEVER_EDITED = """
CREATE FUNCTION payments.money_is_never_edited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of %.% are never changed or deleted: write another movement',
                    TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'money_is_never_edited';
END $$
"""

TRANSACTIONS_STAY = """
CREATE TRIGGER money_is_never_edited BEFORE UPDATE OR DELETE ON payments.payment_transactions
    FOR EACH ROW EXECUTE FUNCTION payments.money_is_never_edited()
"""

ENTRIES_STAY = """
CREATE TRIGGER money_is_never_edited BEFORE UPDATE OR DELETE ON payments.ledger_entries
    FOR EACH ROW EXECUTE FUNCTION payments.money_is_never_edited()
"""

# In this order, after the tables of the schema.
UP = (
    MOVEMENT_SUMS_TO_ZERO,
    LEGS_BALANCE,
    MOVEMENT_HAS_LEGS,
    MONEY_IS_NEVER_EDITED,
    TRANSACTIONS_STAY,
    ENTRIES_STAY,
)

DOWN = (
    "DROP TRIGGER IF EXISTS money_is_never_edited ON payments.ledger_entries",
    "DROP TRIGGER IF EXISTS money_is_never_edited ON payments.payment_transactions",
    "DROP TRIGGER IF EXISTS movement_sums_to_zero ON payments.payment_transactions",
    "DROP TRIGGER IF EXISTS movement_sums_to_zero ON payments.ledger_entries",
    "DROP FUNCTION IF EXISTS payments.money_is_never_edited()",
    "DROP FUNCTION IF EXISTS payments.movement_sums_to_zero()",
)
