"""What an owner of the database could do to the audit, and that each of it is found and named."""

# ruff: noqa: S608 - the tables' names are constants
from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from clinic_web.audit import anchors, nightly, sealing, verifying
from clinic_web.audit.rows import first_made_at
from clinic_web.audit.verifying import Report
from clinic_web.config import Settings
from clinic_web.kernel import clock, jobs, schedule
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from tests.audit.conftest import CHANGES, LOGS, look, sealed_in_three

Owner = Callable[..., Any]


@pytest.fixture
def sealed(committing: Flask, tenant: Actor) -> Actor:
    with committing.app_context():
        sealed_in_three(tenant)
    return tenant


def verified(committing: Flask, actor: Actor, file: Path) -> Report:
    with committing.app_context():
        return nightly.verify(actor.organization_id, [file])


def found(report: Report) -> set[tuple[str, str | None]]:
    return {(each.kind, each.row_id) for each in report.findings}


@pytest.mark.parametrize("table", [LOGS, CHANGES, "audit.seals", "audit.traces", "audit.verifications"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET organization_id = organization_id", "DELETE FROM {}", "TRUNCATE {}"]
)
@pytest.mark.parametrize("role", ["database_url", "database_owner_url"])
def test_nobody_edits_the_audit(settings: Settings, table: str, statement: str, role: str) -> None:
    """The application has no right to, and the owner is refused by a trigger."""
    engine = create_engine(getattr(settings, role))
    with engine.connect() as connection, pytest.raises(ProgrammingError) as refused:
        connection.execute(text(statement.format(table)))
    engine.dispose()
    assert refused.value.orig is not None and refused.value.orig.sqlstate == "42501"  # type: ignore[attr-defined]


def test_a_whole_chain_is_whole(committing: Flask, sealed: Actor, anchor_file: Path) -> None:
    report = verified(committing, sealed, anchor_file)
    assert report.is_whole, report.findings
    assert (report.rows, report.sequence, report.waiting) == (18, 6, 0)
    with committing.app_context():
        look(sealed, 2)
    assert verified(committing, sealed, anchor_file).waiting == 3
    with committing.app_context():
        assert sealing.seal_all() == 3 and sealing.seal_all() == 0


@pytest.mark.parametrize(
    ("table", "edit"),
    [
        (LOGS, "user_id = gen_random_uuid()"),
        (LOGS, "ip_address = '10.9.9.9'"),
        (LOGS, "accessed_at = accessed_at + interval '1 microsecond'"),
        (LOGS, "metadata = NULL"),
        (CHANGES, """new_values = '{"name": "m"}'"""),
    ],
)
def test_an_edited_row_is_named(
    committing: Flask, sealed: Actor, anchor_file: Path, owner: Owner, table: str, edit: str
) -> None:
    [(row,)] = owner(
        f"UPDATE {table} SET {edit} WHERE id = (SELECT id FROM {table} ORDER BY id LIMIT 1) RETURNING id"
    )
    assert found(verified(committing, sealed, anchor_file)) == {("edited", str(row))}


def test_deleted_rows_are_named(committing: Flask, sealed: Actor, anchor_file: Path, owner: Owner) -> None:
    """One from the middle; and the newest, which nothing follows."""
    gone = owner(
        f"DELETE FROM {LOGS} WHERE id IN (SELECT id FROM {LOGS} ORDER BY id OFFSET 3 LIMIT 1)"
        f" OR id = (SELECT id FROM {LOGS} ORDER BY id DESC LIMIT 1) RETURNING id"
    )
    assert len(gone) == 2
    assert found(verified(committing, sealed, anchor_file)) == {("deleted", str(row)) for (row,) in gone}


def test_a_tail_cut_off_with_its_seals_is_found_by_the_anchor(
    committing: Flask, sealed: Actor, anchor_file: Path, owner: Owner
) -> None:
    """Rows, seals and the noted end of the chain: everything in the database agrees with itself again."""
    owner(f"DELETE FROM {LOGS} WHERE id IN (SELECT unnest(row_ids) FROM audit.seals WHERE sequence > 4)")
    owner(f"DELETE FROM {CHANGES} WHERE id IN (SELECT unnest(row_ids) FROM audit.seals WHERE sequence > 4)")
    owner("DELETE FROM audit.seals WHERE sequence > 4")
    assert {kind for kind, _ in found(verified(committing, sealed, anchor_file))} == {"cut"}
    owner(
        "UPDATE audit.chains c SET sequence = 4, rows = 12, anchored = 0, hash = s.hash FROM audit.seals s"
        " WHERE s.sequence = 4"
    )
    report = verified(committing, sealed, anchor_file)
    assert found(report) == {("cut", None)} and "knows 6 seals" in report.findings[0].sentence
    with committing.app_context():
        report = verifying.verify(sealed.organization_id, [])
    assert report.is_whole  # what nothing but an anchor shows


def test_a_chain_written_anew_is_found_by_the_anchor(
    committing: Flask, sealed: Actor, anchor_file: Path, owner: Owner
) -> None:
    """Whoever knows how seals are made may make them again over an edited row."""
    owner("DELETE FROM audit.seals")
    owner(
        "DELETE FROM audit.traces",
    )
    owner("DELETE FROM audit.chains")
    owner(f"UPDATE {LOGS} SET user_id = NULL WHERE id = (SELECT id FROM {LOGS} ORDER BY id LIMIT 1)")
    with committing.app_context():
        sealing.seal(sealed.organization_id)
        look(sealed, 2)
        for _ in range(4):
            look(sealed, 1)
            sealing.seal(sealed.organization_id)
    assert "rewritten" in {kind for kind, _ in found(verified(committing, sealed, anchor_file))}


def test_a_missing_anchor_is_missed(committing: Flask, sealed: Actor, anchor_file: Path) -> None:
    anchor_file.unlink()
    assert found(verified(committing, sealed, anchor_file)) == {("unanchored", None)}


@pytest.mark.parametrize(
    ("edit", "kinds"),
    [
        ("DELETE FROM audit.seals WHERE sequence = 3", {"missing", "broken"}),
        ("UPDATE audit.seals SET sealed_at = sealed_at - interval '1 h' WHERE sequence = 3", {"broken"}),
        (
            "UPDATE audit.seals SET row_hashes = overlay(row_hashes placing '\\x00'::bytea from 1)"
            " WHERE sequence = 3",
            {"broken", "edited"},
        ),
    ],
)
def test_an_edited_or_missing_seal_is_named(
    committing: Flask, sealed: Actor, anchor_file: Path, owner: Owner, edit: str, kinds: set[str]
) -> None:
    owner(edit)
    report = verified(committing, sealed, anchor_file)
    assert {kind for kind, _ in found(report)} >= kinds
    assert any(each.sequence == 3 for each in report.findings)


def forged(owner: Owner, actor: Actor, row_id: UUID, moment: Any) -> None:
    owner(
        f"INSERT INTO {LOGS} (id, organization_id, action, resource_type, result, accessed_at)"
        " VALUES (:id, :tenant, 'view', 'patient', 'ALLOWED', :at)",
        id=row_id,
        tenant=actor.organization_id,
        at=moment,
    )


def test_a_row_put_in_between_is_named_and_stays_so(
    committing: Flask, sealed: Actor, anchor_file: Path, owner: Owner
) -> None:
    """Long after its time; and with an id that the program does not make, which the sealer takes for new."""
    before = clock.now() - timedelta(hours=3)
    old = UUID(int=first_made_at(before).int | 7 << 76 | 2 << 62 | 99)
    forged(owner, sealed, old, before)
    assert found(verified(committing, sealed, anchor_file)) == {("inserted", str(old))}
    with committing.app_context():
        for _ in range(2):
            assert sealing.seal(sealed.organization_id) == 0
        assert verified(committing, sealed, anchor_file).number == 1  # sealed by now, as what came late
    made_by_hand = uuid4()
    forged(owner, sealed, made_by_hand, clock.now())
    with committing.app_context():
        sealing.seal(sealed.organization_id)
    kinds = found(verified(committing, sealed, anchor_file))
    assert {("inserted", str(made_by_hand)), ("late", str(old))} <= kinds


def test_a_row_that_says_another_time_is_named_where_nobody_shifts_the_clock(
    committing: Flask, sealed: Actor, anchor_file: Path, owner: Owner
) -> None:
    """Put in as of now, so that it is sealed as every other, but with a time of last month."""
    row = new_id()
    forged(owner, sealed, row, clock.now() - timedelta(days=30))
    with committing.app_context():
        sealing.seal(sealed.organization_id)
        told = anchors.read([anchor_file]).of[sealed.organization_id]
        strict = verifying.verify(sealed.organization_id, told, clock_stands=True)
    assert found(strict) == {("misdated", str(row))}
    assert verified(committing, sealed, anchor_file).misdated == 1


def test_what_is_wrong_stands_on_operations_until_it_is_whole(
    committing: Flask, sealed: Actor, anchor_file: Path, owner: Owner
) -> None:
    with committing.app_context():
        nightly.watch()
        nightly.begin()
        asked = jobs.queue_of("reports", broker().redis).jobs[-1]
        assert asked.timeout == nightly.LONGEST
        jobs.run(*asked.args)  # as the night's worker does
        asked.delete()
        assert db.session.scalar(text("SELECT rows FROM audit.verifications WHERE problems = 0")) == 18
        nightly.watch()
        clock.shift(timedelta(hours=27))
        try:
            with pytest.raises(nightly.AuditNotWhole, match="not verified for a day"):
                nightly.watch()
        finally:
            clock.shift(timedelta(0))
        [(row,)] = owner(f"DELETE FROM {LOGS} WHERE id = (SELECT id FROM {LOGS} LIMIT 1) RETURNING id")
        verified(committing, sealed, anchor_file)
        with pytest.raises(nightly.AuditNotWhole, match=str(row)):
            nightly.watch()
        db.session.rollback()
    assert {"audit.seal", "audit.anchor", "audit.begin_verification", "audit.watch"} <= {
        each.name for each in schedule.registered()
    }


def test_the_command_says_which_row_and_ends_with_one(
    committing: Flask, sealed: Actor, anchor_file: Path, owner: Owner
) -> None:
    runner = committing.test_cli_runner()
    whole = runner.invoke(args=["audit", "verify"])
    assert whole.exit_code == 0 and "rows per second" in whole.output and "Every row is as" in whole.output
    [(row,)] = owner(
        f"UPDATE {LOGS} SET action = 'x' WHERE id = (SELECT id FROM {LOGS} LIMIT 1) RETURNING id"
    )
    broken = runner.invoke(args=["audit", "verify", "--tenant", str(sealed.organization_id)])
    assert broken.exit_code == 1 and str(row) in broken.output and "1 thing is wrong" in broken.output


def test_anchors_survive_half_a_line(sealed: Actor, anchor_file: Path, committing: Flask) -> None:
    whole = anchor_file.read_bytes()
    anchor_file.write_bytes(whole + whole[:40])
    with committing.app_context():
        look(sealed, 1)
        sealing.seal(sealed.organization_id)
        assert anchors.write_all() == 1 and anchors.write_all() == 0
    told = anchors.read([anchor_file])
    assert len(told.of[sealed.organization_id]) == 2 and len(told.unreadable) == 1
