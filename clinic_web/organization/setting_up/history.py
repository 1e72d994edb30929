"""What services cost and how money was shared over time: one row per change, written and never edited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization.models import Service, ServiceTerms, Staff, StaffShare

MOST_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Past:
    """One line of the history; ``price`` is None where it is about a person, ``by`` names the user's id."""

    valid_from: datetime
    price: Decimal | None
    share_percent: Decimal | None
    version: int
    by: UUID | None


def note_terms(actor: Actor, row: Service) -> None:
    """Keep on what terms a service is offered from now on, inside the caller's transaction."""
    db.session.add(
        ServiceTerms(
            organization_id=row.organization_id,
            service_id=row.id,
            price=row.price,
            share_percent=row.share_percent,
            share_rule_version=row.share_rule_version,
            valid_from=clock.now(),
            created_by=actor.user_id,
        )
    )


def note_share(actor: Actor, row: Staff) -> None:
    """Keep a person's own share from now on, inside the caller's transaction."""
    db.session.add(
        StaffShare(
            organization_id=row.organization_id,
            staff_id=row.id,
            share_percent=row.share_percent,
            share_rule_version=row.share_rule_version,
            valid_from=clock.now(),
            created_by=actor.user_id,
        )
    )


def of_service(actor: Actor, service_id: UUID) -> list[Past]:
    """Return what a service has cost, the newest first."""
    rows = db.session.scalars(
        select(ServiceTerms)
        .where(ServiceTerms.service_id == service_id, ServiceTerms.organization_id == actor.organization_id)
        .order_by(ServiceTerms.valid_from.desc(), ServiceTerms.id.desc())
        .limit(MOST_SHOWN)
    )
    return [
        Past(
            valid_from=each.valid_from,
            price=each.price,
            share_percent=each.share_percent,
            version=each.share_rule_version,
            by=each.created_by,
        )
        for each in rows
    ]


def of_staff(actor: Actor, staff_id: UUID) -> list[Past]:
    """Return the shares that a person has had, the newest first."""
    rows = db.session.scalars(
        select(StaffShare)
        .where(StaffShare.staff_id == staff_id, StaffShare.organization_id == actor.organization_id)
        .order_by(StaffShare.valid_from.desc(), StaffShare.id.desc())
        .limit(MOST_SHOWN)
    )
    return [
        Past(
            valid_from=each.valid_from,
            price=None,
            share_percent=each.share_percent,
            version=each.share_rule_version,
            by=each.created_by,
        )
        for each in rows
    ]
