"""Screens are told after the commit, and only then; a listing is never older than its topic."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from clinic_web.kernel import cache, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.broker import broker
from clinic_web.kernel.unit_of_work import transaction


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


def test_a_listing_is_computed_again_after_a_change_and_only_then(app: Flask, ringer: Actor) -> None:
    broker().redis.flushdb()
    first = cache.cached("test", ringer, ["queue:1"], lambda: {"rows": 1}, filters={})
    again = cache.cached("test", ringer, ["queue:1"], lambda: {"rows": 2}, filters={})
    assert first == again == {"rows": 1}
    change("queue:1")
    assert cache.cached("test", ringer, ["queue:1"], lambda: {"rows": 3}, filters={}) == {"rows": 3}


def test_another_persons_rights_are_another_listing(app: Flask, ringer: Actor) -> None:
    broker().redis.flushdb()
    narrow = Actor(organization_id=ringer.organization_id, permissions=frozenset({"visit.view"}))
    assert cache.cached("test", ringer, [], lambda: "all", filters={}) == "all"
    assert cache.cached("test", narrow, [], lambda: "some", filters={}) == "some"
