"""Schema ``portal``."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, LargeBinary, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, one_of

SELF, GUARDIAN = "SELF", "GUARDIAN"
RELATIONS = (SELF, GUARDIAN)

IS_OPEN = "ended_at IS NULL"
ONE_SELF, ONE_OF_USER = "uq_accounts_self", "uq_accounts_self_of_user"


class Account(Model):
    """A user of identity may see the records of a patient: their own (SELF), or those of somebody whom they
    look after (GUARDIAN). It is never deleted, only ended."""

    __tablename__ = "accounts"
    __table_args__ = (
        one_of("relation", *RELATIONS),
        # A patient has one account of their own, an account is one patient's own, and nothing stands twice.
        Index(ONE_SELF, "patient_id", unique=True, postgresql_where=text(f"relation = 'SELF' AND {IS_OPEN}")),
        Index(ONE_OF_USER, "user_id", unique=True, postgresql_where=text(f"relation = 'SELF' AND {IS_OPEN}")),
        Index("uq_accounts_once", "user_id", "patient_id", unique=True, postgresql_where=text(IS_OPEN)),
        Index("ix_accounts_patient_id", "patient_id"),
        {"schema": "portal", "info": {"patient_id": "check"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    relation: Mapped[str] = mapped_column(Text)
    granted_at: Mapped[Moment] = mapped_column(server_default=func.now())
    granted_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]


class Invitation(Model):
    """A code by which somebody opens an account for a patient, once, within some days.

    Only the code's hash is kept; one that goes by letter has none until the letter is written. ``failures``
    are wrong birth dates. Who gave the code and the birth date gets a proof for a quarter
    of an hour (``proof_hash``), with which a user name and a password can be chosen.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        one_of("relation", *RELATIONS),
        CheckConstraint("failures >= 0", name="failures_positive"),
        Index("ix_invitations_patient_id", "patient_id"),
        {"schema": "portal", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID | None]
    patient_id: Mapped[UUID]
    relation: Mapped[str] = mapped_column(Text)
    is_mailed: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    failures: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    proof_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    proof_expires_at: Mapped[datetime | None]
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID | None]
    expires_at: Mapped[Moment]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None]
