"""Schema ``setup``."""

from __future__ import annotations

from sqlalchemy import LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment


class SetupKey(Model):
    """The key of the wizard's first page, of which only the hash is kept; there is at most one."""

    __tablename__ = "keys"
    __table_args__ = {"schema": "setup"}  # noqa: RUF012

    id: Mapped[Key]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
