"""How much of one payment somebody may give back: by role, else the organization's limit, else 500.

The right ``payment.refund_any`` knows no limit. Who has several roles has the highest of their limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from clinic_web.audit import api as audit
from clinic_web.identity import api as identity
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments.records import RefundLimit

# What a day's mistakes come to at a desk; every organization sets its own.
AS_DELIVERED = Decimal("500.00")
NO_LIMIT = "payment.refund_any"


def limit_of(actor: Actor) -> Decimal | None:
    """Return how much of one payment the actor may give back, in the payment's currency; None: any sum."""
    if actor.can(NO_LIMIT) or actor.user_id is None:
        return None
    roles = identity.role_ids_of(actor)
    found = limits(actor)
    own = [amount for role_id, amount in found.items() if role_id in roles]
    return max(own) if own else found.get(None, AS_DELIVERED)


def require_within(actor: Actor, amount: Decimal, *, field: str = "amount") -> None:
    """Raise RuleBroken (422) when ``amount`` of one payment is above the actor's limit."""
    limit = limit_of(actor)
    if limit is not None and amount > limit:
        raise RuleBroken(
            N_("You may give back %(limit)s of one payment. A manager may give back more."),
            field=field,
            limit=limit,
        )


def is_above_everybodys(actor: Actor, amount: Decimal) -> bool:
    """Return whether ``amount`` is more than the limit of everybody whom no role allows more."""
    return amount > limits(actor).get(None, AS_DELIVERED)


def limits(actor: Actor) -> dict[UUID | None, Decimal]:
    """Return the organization's limits by role; under None the one for everybody else, if it is set."""
    rows = db.session.execute(
        select(RefundLimit.role_id, RefundLimit.amount).where(
            RefundLimit.organization_id == actor.organization_id
        )
    )
    return {row.role_id: row.amount for row in rows}


def limited_roles(actor: Actor) -> list[identity.RoleInfo]:
    """Return the roles for which a limit means something: those that may give back, but not any sum."""
    free = {each.id for each in identity.roles_with(actor, NO_LIMIT)}
    return [each for each in identity.roles_with(actor, "payment.refund") if each.id not in free]


def set_limits(actor: Actor, wanted: Mapping[UUID | None, Decimal | None]) -> None:
    """Set several limits, all or none. NotFound (404)."""
    with transaction():
        for role_id, amount in wanted.items():
            set_limit(actor, role_id, amount)


def set_limit(actor: Actor, role_id: UUID | None, amount: Decimal | None) -> None:
    """Set the limit of a role (None: of everybody else); ``amount`` None removes it. NotFound (404)."""
    with transaction():
        if role_id is not None and role_id not in {each.id for each in identity.roles_of_tenant(actor)}:
            raise NotFound(N_("This role is not here (any more)."))
        before = limits(actor).get(role_id)
        if before == amount:
            return
        _write(actor, role_id, amount)
        audit.changed(
            actor,
            "payment.refund_limit",
            "role",
            role_id or actor.organization_id,
            old={"amount": before},
            new={"amount": amount},
        )


def _write(actor: Actor, role_id: UUID | None, amount: Decimal | None) -> None:
    if amount is None:
        same_role = RefundLimit.role_id.is_not_distinct_from(role_id)
        db.session.execute(
            delete(RefundLimit).where(RefundLimit.organization_id == actor.organization_id, same_role)
        )
        return
    row = {
        "id": new_id(),
        "organization_id": actor.organization_id,
        "role_id": role_id,
        "amount": amount,
        "created_by": actor.user_id,
    }
    changed = {"amount": amount, "updated_by": actor.user_id}
    adding = insert(RefundLimit).values(row)
    db.session.execute(
        adding.on_conflict_do_update(index_elements=["organization_id", "role_id"], set_=changed)
    )
