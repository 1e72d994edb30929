"""Every live topic × everybody who may want to hear it, and what the program does when nobody asks."""

from __future__ import annotations

import contextlib
import dataclasses
import typing
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from attack.arena import IN_THE_HOUSE
from attack.doors import IN, OTHER_FACILITY, OTHER_TENANT, OWN, Holder, expected
from attack.evidence import changed, rows_of
from attack.places import Place
from attack.things import MAKERS
from clinic_web.config import ConfigError
from clinic_web.kernel import acting, bus, clock, jobs, schedule, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.routes.boards import COOKIE
from clinic_web.ui import policies, sockets
from clinic_web.ui.policies import EVENT, JOB, PERIODIC, PROGRAM, TOPIC, Policy
from clinic_web.ui.sockets import Joiner
from clinic_web.ui.web import needs
from tests.policies.conftest import House

FOREIGN = (OTHER_FACILITY, OTHER_TENANT)


def topic(policy: Policy, holder: Holder) -> str:
    """Return a topic of the holder's. A kind of thing that nobody makes is a KeyError that says so."""
    ((_prefix, thing),) = policy.things
    if thing.within == PROGRAM:
        return policy.name.rstrip(":")
    kind = "queue" if thing.kind == "board of a queue" else thing.kind
    variant = ":en:SHOW_NUMBER" if thing.kind == "board of a queue" else ""
    return f"{policy.name}{holder.place.thing(kind)}{variant}"


def joins(house: House, joiner: Joiner | None, wanted: str, *, screen: Place | None = None) -> bool:
    cookie = {"Cookie": f"{COOKIE}={screen.secrets['display']}"} if screen else {}
    with house.app.test_request_context("/", headers=cookie), house.nothing_stays():
        return sockets.may_join(joiner, wanted)


def topics(house: House) -> list[Policy]:
    return [each for each in policies.matrix(house.app) if each.kind == TOPIC]


def test_every_topic_is_heard_by_whom_the_matrix_says(house: House) -> None:
    wrong = []
    for policy in topics(house):
        for who in IN_THE_HOUSE:
            actor = house.ours.people[who].actor
            for of_whom in (OWN, *FOREIGN):
                right = policy.permission is not None and (expected(policy, actor.permissions, of_whom) == IN)
                if joins(house, Joiner(actor, None), topic(policy, house.holder(who, of_whom))) != right:
                    wrong.append(f"{policy.name} by {who} of {of_whom}: not {right}")
    assert not wrong, "\n".join(wrong)


def test_nobody_and_a_foreign_screen_hear_nothing(house: House) -> None:
    ours = house.ours
    screen = Joiner(None, ours.thing("display"))
    for policy in topics(house):
        for of_whom in (OWN, *FOREIGN):
            wanted = topic(policy, house.holder("receptionist", of_whom))
            assert not joins(house, None, wanted), f"{policy.name}: nobody hears what is {of_whom}"
            is_own = policy.permission is None and of_whom == OWN
            assert is_own or not joins(house, screen, wanted, screen=ours), f"{policy.name}: {of_whom}"


def test_odd_topics_are_nobodys(house: House) -> None:
    boss = Joiner(house.ours.as_role("administrator"), None)
    for odd in ("", ":", "queue", "queue:", "queue:x", "QUEUE:1", "none:1", "queue:" + "a" * 99, "queue:*"):
        assert not joins(house, boss, odd), odd


def test_all_work_says_for_whom_it_is_done(built_app: Flask) -> None:
    work = [each for each in policies.matrix(built_app) if each.kind in {JOB, PERIODIC, EVENT}]
    assert {each.kind for each in work} == {JOB, PERIODIC, EVENT}
    assert all(each.reason for each in work)
    with pytest.raises(ConfigError, match="does not say for whom"):
        jobs.register("matrix.try", print, queue="asked")
    with pytest.raises(ConfigError, match="does not say for whom"):
        schedule.every(timedelta(days=1), "matrix.try", print, word="Try")
    with pytest.raises(ConfigError, match="say who may join"):
        sockets.topic_rule("matrix:", lambda joiner, topic: True)
    assert "matrix:" not in sockets.rules()


def test_an_address_that_does_not_say_what_it_names_stops_the_start(built_app: Flask) -> None:
    careless = Flask("careless")
    careless.add_url_rule("/things/<uuid:thing_id>", "thing", needs("patient.view")(lambda thing_id: ""))
    with pytest.raises(ConfigError, match="nobody says what <thing_id> names"):
        policies.matrix(careless)


def test_a_kind_of_thing_that_nobody_makes_fails_these_tests_with_a_sentence(house: House) -> None:
    with pytest.raises(KeyError, match="add a maker of it to MAKERS"):
        house.ours.thing("telescope")


def foreign_event(subscription: bus.Subscription, ours: Place, theirs: Place) -> Any:
    """Return an event of our tenant that names another tenant's things wherever it names any."""
    given: dict[str, Any] = {}
    hints = typing.get_type_hints(subscription.event)
    for name in (each.name for each in dataclasses.fields(typing.cast(Any, subscription.event))):
        kind = next((each for each in typing.get_args(hints[name]) if each is not type(None)), hints[name])
        given[name] = ours.organization_id if name == "organization_id" else _value(kind, name, theirs)
    return subscription.event(**given)


def _value(kind: Any, name: str, theirs: Place) -> Any:
    now = clock.now()
    if kind is UUID:
        kinds = {"doctor": "staff", "entry": "waiting entry", "request": "user"}
        thing = name.removesuffix("_id").removeprefix("from_")
        thing = kinds.get(thing, thing)
        return theirs.thing(thing) if thing in {*theirs.things, *MAKERS} else new_id()
    values = {datetime: now + timedelta(days=1), date: now.date(), Decimal: Decimal(10), int: 1, bool: True}
    return next((value for each, value in values.items() if kind is each), "")


def theirs_now(house: House) -> dict[str, str]:
    with tenant.of(house.theirs.organization_id):
        return rows_of(db.session.connection(), house.theirs.organization_id)


def test_an_event_of_ours_does_nothing_to_the_things_of_others(house: House) -> None:
    theirs = house.theirs
    before = theirs_now(house)
    for heard in bus.subscriptions():
        event = foreign_event(heard, house.ours, theirs)
        db.session.remove()
        with house.nothing_stays():
            with (
                contextlib.suppress(DomainError, LookupError),
                tenant.of(house.ours.organization_id),
                transaction(),
            ):
                heard.handler(event)  # it is not there for our tenant
            after = theirs_now(house)
            assert not changed(before, after), f"{heard.consumer} changed {changed(before, after)}"


def test_a_job_for_a_row_that_is_not_there_does_nothing(house: House) -> None:
    before = theirs_now(house)
    for job in jobs.registered():
        if job.acts_for == acting.ROWS_TENANT and job.name != "audit.verify":  # which takes a tenant's id
            with contextlib.suppress(DomainError, LookupError):
                job.function(str(new_id()))
            with pytest.raises((ValueError, DomainError)):
                job.function("' OR 1=1 --")
    assert not changed(before, theirs_now(house))
