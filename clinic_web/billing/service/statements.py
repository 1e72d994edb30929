"""The statements of bills. A bill is made in one, and follows its payment in one."""

# ruff: noqa: S608 - the parts that are put together are constants of the program

from __future__ import annotations

from clinic_web.kernel.statement import Statement

_INVOICE = """
    INSERT INTO billing.invoices
           (id, organization_id, facility_id, clinic_id, invoice_number, invoice_type, patient_id, doctor_id,
            visit_id, of_visit_id, order_id, prescription_id, payment_id, currency, subtotal, patient_copay,
            total_amount, status, invoice_date, due_date, paid_date, issued_at)
    SELECT :id, :organization_id, :facility_id, :clinic_id, :invoice_number, :invoice_type, :patient_id,
           CAST(:doctor_id AS uuid), CAST(:visit_id AS uuid), CAST(:of_visit_id AS uuid),
           CAST(:order_id AS uuid), CAST(:prescription_id AS uuid), :payment_id, :currency,
           :total_amount, :total_amount, :total_amount, :status, CAST(:invoice_date AS date),
           CAST(:due_date AS date),
           CAST(:paid_date AS date), :now
"""
_LINES = """
    INSERT INTO billing.invoice_line_items
           (id, organization_id, invoice_id, line_number, item_type, item_id, item_code, item_name,
            item_name_ar, quantity, unit_price, line_total, service_date, prescription_item_id, created_at)
    SELECT l.id, i.organization_id, i.id, l.line_number, l.item_type, l.item_id, l.item_code, l.item_name,
           l.item_name_ar, l.quantity, l.unit_price, l.line_total, :invoice_date, l.prescription_item_id, :now
      FROM invoice i
     CROSS JOIN jsonb_to_recordset(CAST(:lines AS jsonb))
           AS l(id uuid, line_number int, item_type text, item_id uuid, item_code text, item_name text,
                item_name_ar text, quantity numeric, unit_price numeric, line_total numeric,
                prescription_item_id uuid)
"""
BILL_VISIT = Statement(
    f"""
    WITH invoice AS ({_INVOICE} ON CONFLICT (visit_id) DO NOTHING RETURNING id, organization_id),
         lines AS ({_LINES})
    SELECT id FROM invoice
    """
)
# The record is what makes an order billed once: whoever comes second waits for it, and writes nothing.
# One that is PENDING with a word of what was handed over is taken up by who decides.
BILL_ORDER = Statement(
    f"""
    WITH record AS (
        INSERT INTO billing.billing_records AS r
               (id, organization_id, facility_id, order_id, invoice_id, payment_id, amount, currency, status,
                created_at, updated_at)
        VALUES (:record_id, :organization_id, :facility_id, :order_id, :id, :payment_id, :total_amount,
                :currency, 'COMPLETED', :now, :now)
            ON CONFLICT (order_id) DO UPDATE
           SET invoice_id = EXCLUDED.invoice_id, payment_id = EXCLUDED.payment_id, amount = EXCLUDED.amount,
               currency = EXCLUDED.currency, status = EXCLUDED.status, updated_at = EXCLUDED.updated_at
         WHERE r.status = 'PENDING'
        RETURNING order_id, served, served_version, released_reason
    ), invoice AS ({_INVOICE} FROM record RETURNING id, organization_id),
       lines AS ({_LINES})
    SELECT id, served, served_version, released_reason FROM invoice CROSS JOIN record
    """
)
# A request that can't be met, or a tombstone.
REFUSE = Statement(
    """
    INSERT INTO billing.billing_records AS r
           (id, organization_id, facility_id, order_id, status, reason, line_id, created_at, updated_at)
    VALUES (:id, :organization_id, :facility_id, :order_id, 'FAILED', :reason, CAST(:line_id AS uuid),
            :now, :now)
        ON CONFLICT (order_id) DO UPDATE
       SET status = EXCLUDED.status, reason = EXCLUDED.reason, line_id = EXCLUDED.line_id,
           updated_at = EXCLUDED.updated_at
     WHERE r.status = 'PENDING'
    RETURNING id
    """
)
# What was handed over of an order that is not billed yet waits for its bill; the highest version counts.
SERVED_EARLY = Statement(
    """
    INSERT INTO billing.billing_records AS r
           (id, organization_id, facility_id, order_id, status, served, served_version, created_at,
            updated_at)
    VALUES (:id, :organization_id, :facility_id, :order_id, 'PENDING', CAST(:served AS text), :version,
            :now, :now)
        ON CONFLICT (order_id) DO UPDATE
       SET served = CASE WHEN r.served_version <= EXCLUDED.served_version THEN EXCLUDED.served
                         ELSE r.served END,
           served_version = GREATEST(r.served_version, EXCLUDED.served_version),
           updated_at = EXCLUDED.updated_at
     WHERE r.status = 'PENDING'
    RETURNING id
    """
)
# The same of what was released before it was billed; the first reason stays.
RELEASED_EARLY = Statement(
    """
    INSERT INTO billing.billing_records AS r
           (id, organization_id, facility_id, order_id, status, released_reason, created_at, updated_at)
    VALUES (:id, :organization_id, :facility_id, :order_id, 'PENDING', :reason, :now, :now)
        ON CONFLICT (order_id) DO UPDATE
       SET released_reason = COALESCE(r.released_reason, EXCLUDED.released_reason),
           updated_at = EXCLUDED.updated_at
     WHERE r.status = 'PENDING'
    RETURNING id
    """
)
RECORD = Statement(
    """
    SELECT invoice_id, payment_id, amount, currency, status, reason, line_id FROM billing.billing_records
     WHERE organization_id = :organization_id AND order_id = :order_id
    """
)
TAKE_BACK = Statement(
    """
    UPDATE billing.billing_records SET status = 'FAILED', reason = 'CANCELLED', updated_at = :now
     WHERE organization_id = :organization_id AND order_id = :order_id AND status = 'COMPLETED'
    """
)
PAYMENT_OF_ORDER = Statement(
    """
    SELECT payment_id FROM billing.invoices
     WHERE organization_id = :organization_id AND order_id = :order_id
    """
)
# ``item_id``: of a visit's bill, which has one line, the service.
HOLD = Statement(
    """
    SELECT i.id, i.facility_id, i.clinic_id, i.doctor_id, i.invoice_number, i.invoice_type, i.patient_id,
           i.visit_id, i.order_id, i.payment_id, i.currency, i.total_amount, i.paid_amount, i.status,
           i.due_date, i.paid_date, i.undone_reason, i.released_reason, i.served, i.served_version, i.off_at,
           i.kept_at,
           (SELECT l.item_id FROM billing.invoice_line_items l
             WHERE l.invoice_id = i.id AND l.line_number = 1) AS item_id
      FROM billing.invoices i
     WHERE i.organization_id = :organization_id AND i.payment_id = :payment_id FOR UPDATE OF i
    """
)
_ALLOCATE = """
    INSERT INTO billing.invoice_payment_allocations
           (id, organization_id, invoice_id, payment_id, transaction_id, allocated_amount, allocation_type,
            allocated_at)
    SELECT gen_random_uuid(), :organization_id, :id, :payment_id, a.transaction_id, a.amount, a.kind, :now
      FROM jsonb_to_recordset(CAST(:moved AS jsonb)) AS a(transaction_id uuid, amount numeric, kind text)
        ON CONFLICT (transaction_id, invoice_id) DO NOTHING
"""
ALLOCATE = Statement(_ALLOCATE)
FOLLOW = Statement(
    f"""
    WITH allocated AS ({_ALLOCATE})
    UPDATE billing.invoices
       SET clinic_id = :clinic_id, doctor_id = CAST(:doctor_id AS uuid), total_amount = :total_amount,
           subtotal = :total_amount + discount_amount - tax_amount,
           patient_copay = :total_amount, paid_amount = :paid_amount, status = :status,
           due_date = CAST(:due_date AS date), paid_date = CAST(:paid_date AS date),
           undone_reason = :undone_reason, released_reason = :released_reason, served = :served,
           served_version = :served_version,
           off_at = CAST(:off_at AS timestamptz), kept_at = CAST(:kept_at AS timestamptz),
           version = version + 1, updated_at = :now
     WHERE id = :id
    """
)
REPRICE = Statement(
    """
    UPDATE billing.invoice_line_items
       SET item_id = CAST(:item_id AS uuid), item_code = :item_code, item_name = :item_name,
           item_name_ar = :item_name_ar, unit_price = :total_amount, line_total = :total_amount
     WHERE invoice_id = :id AND line_number = 1
    """
)
