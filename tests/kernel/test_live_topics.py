"""Screens are told after the commit, and only then; a listing is never older than its topic."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from clinic_web.audit import api as audit
from clinic_web.audit.models import AccessLog
from clinic_web.kernel import kept, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.kept import Kept, Stand, View
from clinic_web.kernel.unit_of_work import transaction
from tests.threads import ThreadPoolExecutor


def change(topic: str) -> None:
    with transaction():
        push.changed(topic)


def test_a_change_is_told_once_after_the_commit(app: Flask, pushed: list[str]) -> None:
    with transaction():
        push.changed("queue:1")
        push.changed("queue:1")
        assert pushed == []
    assert pushed == ["queue:1"]


def test_a_failed_change_is_told_to_nobody(app: Flask, pushed: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        push.changed("queue:1")
        raise ZeroDivisionError
    assert pushed == []
    assert push.versions(["queue:1"]) == {}


def test_versions_count_without_gaps_under_a_race(committing: Flask) -> None:
    def one(_: int) -> None:
        with committing.app_context():
            change("queue:1")

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(one, range(40)))
    with committing.app_context():
        assert push.versions(["queue:1"])["queue:1"].seq == 40


def test_two_topics_in_any_order_do_not_deadlock(committing: Flask) -> None:
    def one(number: int) -> None:
        topics = ["queue:a", "queue:b"] if number % 2 else ["queue:b", "queue:a"]
        with committing.app_context(), transaction():
            for topic in topics:
                push.changed(topic)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(one, range(40)))


def test_a_list_is_found_under_its_topics_state_and_under_no_other(app: Flask, ringer: Actor) -> None:
    stand, page = Stand(witness=audit.SAW_KNOWN_LIST), Kept.of([new_id()], "<p>1</p>")
    before = kept.key_of("test", ringer, stand(["queue:1"]), {})
    kept.keep(before, page)
    assert kept.find(before) == page

    change("queue:1")
    after = kept.key_of("test", ringer, stand(["queue:1"]), {})
    assert after != before and kept.find(after) is None


def test_another_persons_rights_place_or_question_are_another_list(app: Flask, ringer: Actor) -> None:
    standing = Stand(witness=audit.SAW_KNOWN_LIST)(["queue:1"])
    narrow = replace(ringer, permissions=frozenset({"visit.view"}))
    keys = {
        kept.key_of("test", ringer, standing, {}),
        kept.key_of("test", narrow, standing, {}),
        kept.key_of("test", replace(ringer, facility_id=new_id()), standing, {}),
        kept.key_of("test", replace(ringer, organization_id=new_id()), standing, {}),
        kept.key_of("test", ringer, standing, {"state": "waiting"}),
        kept.key_of("other", ringer, standing, {}),
    }
    assert len(keys) == 6


def test_a_list_is_shown_again_only_while_its_topics_stand_still(app: Flask, ringer: Actor) -> None:
    stand = Stand(witness=audit.SAW_KNOWN_LIST, more="SELECT 'queue' || chr(58) || '2'")
    change("queue:1")
    first = stand(["queue:1"])
    assert first.topics == ["queue:1", "queue:2"]

    def again() -> bool:
        view = View(first.generation, audit.list_view(ringer, "test.list", "test", '{"ids": ["1"]}'))
        return stand(["queue:1"], view).is_seen

    assert again() and again()
    change("queue:2")
    assert not again()
    seen = db.session.scalars(db.select(AccessLog).filter_by(user_id=ringer.user_id)).all()
    assert [row.metadata_ for row in seen] == [{"ids": ["1"]}] * 2  # what was not shown was not seen
