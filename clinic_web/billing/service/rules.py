"""Setting what must be paid before a station serves. Care is never held up by default."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.dialects.postgresql import insert

from clinic_web.audit import api as audit
from clinic_web.billing.models import LAB, PRESCRIPTION, PaymentRule
from clinic_web.billing.queries.rules import must_be_paid_first
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, BadRequest
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization

KINDS = (PRESCRIPTION, LAB)


def set_rules(actor: Actor, wanted: Collection[str]) -> None:
    """Let the facility's stations serve ``wanted`` kinds only when they are paid, and all others always.

    Raises BadRequest (400) for a kind that is none.
    """
    if not set(wanted) <= set(KINDS):
        raise BadRequest(N_("Choose medicines or the laboratory."))
    with transaction():
        before, facility_id = must_be_paid_first(actor), organization.facility(actor).id
        for kind in KINDS:
            is_wanted = kind in wanted
            if is_wanted == (kind in before):
                continue
            row = {
                "id": new_id(),
                "organization_id": actor.organization_id,
                "facility_id": facility_id,
                "kind": kind,
                "must_be_paid_first": is_wanted,
                "created_by": actor.user_id,
            }
            changed = {"must_be_paid_first": is_wanted, "updated_by": actor.user_id}
            adding = insert(PaymentRule).values(row)
            db.session.execute(
                adding.on_conflict_do_update(index_elements=["facility_id", "kind"], set_=changed)
            )
            audit.changed(
                actor,
                "bill.rule",
                "payment_rule",
                facility_id,
                old={"kind": kind, "must_be_paid_first": not is_wanted},
                new={"kind": kind, "must_be_paid_first": is_wanted},
            )
