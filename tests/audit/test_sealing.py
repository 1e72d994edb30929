"""The sealer beside people who write, beside long transactions, and killed in the middle."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from clinic_web.audit import api, nightly, sealing
from clinic_web.audit.rows import REFUSED_SUBJECT, action_subject
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from tests import apart
from tests.audit.conftest import look
from tests.threads import thread


def numbers(app: Flask) -> dict[str, Any]:
    """Rows that were written, that are sealed, and that are sealed twice."""
    with app.app_context():
        row = db.session.execute(
            text(
                "WITH sealed AS (SELECT unnest(row_ids) AS id FROM audit.seals)"
                " SELECT (SELECT count(*) FROM audit.access_logs)"
                " + (SELECT count(*) FROM audit.changes) AS written,"
                " count(*) AS sealed, count(*) - count(DISTINCT id) AS twice FROM sealed"
            )
        ).one()
        db.session.rollback()
    return dict(row._mapping)


def whole(app: Flask, actor: Actor, file: Path, rows: int) -> None:
    assert numbers(app) == {"written": rows, "sealed": rows, "twice": 0}
    with app.app_context():
        report = nightly.verify(actor.organization_id, [file])
    assert report.is_whole and report.rows == rows, report.findings


def test_killed_in_the_middle_nothing_is_lost_or_doubled(
    committing: Flask, tenant: Actor, anchor_file: Path
) -> None:
    with committing.app_context():
        look(tenant, 20)
        sealing.seal(tenant.organization_id)
        look(tenant, 20)
    killed = apart.run(committing, sealing.seal_all, "audit.before_seal_commit=kill")
    assert killed.code == -signal.SIGKILL
    assert numbers(committing)["sealed"] == 30
    after = apart.run(committing, sealing.seal_all, "transaction.after_commit=kill")
    assert after.code == -signal.SIGKILL
    assert apart.run(committing, sealing.seal_all).said == "0"
    whole(committing, tenant, anchor_file, 60)


def test_people_write_while_two_seal(committing: Flask, tenant: Actor, anchor_file: Path) -> None:
    """Nobody waits for the sealer, and two sealers at once seal every row once."""
    is_over = threading.Event()

    def write() -> None:
        with committing.app_context():
            look(tenant, 60)

    def seal() -> None:
        with committing.app_context():
            while not is_over.is_set():
                sealing.seal_all()

    writers = [thread(write) for _ in range(4)]
    sealers = [thread(seal) for _ in range(2)]
    for each in (*writers, *sealers):
        each.start()
    for each in writers:
        each.join()
    is_over.set()
    for each in sealers:
        each.join()
    with committing.app_context():
        sealing.seal_all()
    whole(committing, tenant, anchor_file, 4 * 90)


def test_a_row_that_commits_late_is_sealed(
    committing: Flask, tenant: Actor, anchor_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id is older than everything that was sealed meanwhile: no cursor would come by it again."""
    monkeypatch.setattr(sealing, "SLACK", timedelta(0))
    with committing.app_context():
        look(tenant, 2)
        sealing.seal_all()
    with committing.app_context():
        raw = db.engine.raw_connection()
        driver: Any = raw.driver_connection
        driver.execute("BEGIN")
        driver.execute(
            "INSERT INTO audit.access_logs (id, organization_id, action, resource_type, result, accessed_at)"
            " VALUES (%s, %s, 'view', 'patient', 'ALLOWED', now())",
            (new_id(), tenant.organization_id),
        )
        for _ in range(4):
            look(tenant, 1)
            assert sealing.seal_all() == 1
        driver.execute("COMMIT")
        raw.close()
        assert sealing.seal_all() == 1
        assert [sealing.seal_all() for _ in range(3)] == [0, 0, 0]
    whole(committing, tenant, anchor_file, 3 + 5)


def test_a_backlog_is_sealed_piece_by_piece(
    committing: Flask, tenant: Actor, anchor_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "AT_ONCE", 7)
    with committing.app_context():
        look(tenant, 40)
        assert sealing.seal(tenant.organization_id) in range(7, 15)
        look(tenant, 2)
        while sealing.seal(tenant.organization_id):
            pass
    whole(committing, tenant, anchor_file, 63)


def test_a_seal_notes_whose_rows_it_holds(committing: Flask, tenant: Actor, anchor_file: Path) -> None:
    patient = new_id()
    with committing.app_context():
        with transaction():
            api.saw(tenant, "patient.list", "patient", ids=[patient, new_id()])
            api.saw(tenant, "view", "patient", patient)
        api.refused(tenant, "view", "patient", patient)
        sealing.seal_all()
        rows = db.session.execute(
            text("SELECT subject, cardinality(row_ids) AS rows FROM audit.traces")
        ).all()
        traced = {row.subject: row.rows for row in rows}
    assert traced[patient] == 3 and traced[tenant.user_id] == 3 and traced[REFUSED_SUBJECT] == 1
    assert traced[action_subject("view")] == 2 and len(traced) == 6
