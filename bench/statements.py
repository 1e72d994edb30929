"""What the program sends to PostgreSQL for one press, compared with what the floor sends."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import g
from sqlalchemy import event

from bench.load import Ask
from bench.world import World
from clinic_web.kernel import unit_of_work
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import UnitOfWork

PLACE = re.compile(r"%\(\w+\)s|%s")
TYPE = re.compile(r"::[A-Z][A-Z ]*")


def sent(world: World, ask: Ask) -> list[str]:
    """Return the statements that one press sends until its commit, in order, without BEGIN and COMMIT."""
    found: list[str] = []
    commits: list[object] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not commits:
            found.append(statement)

    def committed(work: UnitOfWork) -> None:
        commits.append(work)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    told = unit_of_work._after_commit
    told.insert(0, committed)  # what screens and workers are told comes after the press
    try:
        db.session.remove()
        for name in list(g):  # the context around us is shared: forget who asked before
            g.pop(name)
        answer = world.app.test_client(use_cookies=False).post(ask.path, data=ask.form, headers=ask.headers)
        if answer.status_code >= 400:
            raise RuntimeError(f"{ask.path} answers {answer.status_code}: {answer.data[:500]!r}")
    finally:
        event.remove(engine, "before_cursor_execute", note)
        told.remove(committed)
    return found


def differences(ours: Sequence[str], floor: Sequence[str]) -> list[str]:
    """Return what differs, one line each; parameters, their types and spaces don't count."""
    if len(ours) != len(floor):
        return [f"the program sends {len(ours)} statements, the floor {len(floor)}"]
    return [
        f"statement {place} differs: {_plain(mine)[:90]}"
        for place, (mine, theirs) in enumerate(zip(ours, floor, strict=True), start=1)
        if _plain(mine) != _plain(theirs)
    ]


def _plain(statement: str) -> str:
    text = TYPE.sub("", PLACE.sub("?", statement))
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(text.split()))
