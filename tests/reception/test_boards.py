"""A screen is paired by its code, shows one queue's board and nothing more, and goes dark when revoked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from clinic_web.kernel import clock, ids, push, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import Busy, InvalidForm, NotFound, RuleBroken
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.reception import board_stream
from clinic_web.reception.models import Display, Queue
from clinic_web.reception.queries import board
from clinic_web.reception.routes import boards
from clinic_web.reception.service import calling, displays, walking_in
from clinic_web.reception.service.displays import Pairing
from clinic_web.reception.service.walking_in import WalkIn
from clinic_web.ui.sockets import Joiner
from tests import factories
from tests.cast import Cast, hire

Browser = Callable[[str], FlaskClient]
Told = list[tuple[str, dict[str, Any], str]]


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """What one test's walls were must not be known to the next."""
    for kept in (board_stream.stage.walls, board_stream.stage.kept):
        kept.clear()
    yield
    clock.shift(timedelta())


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Everything that goes out to sockets: event, payload, room."""
    heard: Told = []
    monkeypatch.setattr(push, "_emit", lambda event, payload, room: heard.append((event, payload, room)))
    return heard


def screen(app: Flask) -> tuple[FlaskClient, str]:
    """A screen that has just been switched on, and the code it shows."""
    client = app.test_client()
    page = client.get("/board").text
    halves = re.search(r'class="code latn"[^>]*><span>(\w{3})</span><span>(\w{3})</span>', page)
    assert halves
    return client, halves[1] + halves[2]


def pair(cast: Cast, code: str, *, queue_id: UUID | None = None, **fields: Any) -> UUID:
    pairing = Pairing(code=code, queue_id=queue_id or cast.dental_queue, name="Waiting room", **fields)
    return displays.pair(cast.people["amina"].actor, pairing, key=ids.code(20))


def paired_screen(app: Flask, cast: Cast, **fields: Any) -> tuple[FlaskClient, UUID]:
    client, code = screen(app)
    return client, pair(cast, code, **fields)


def waits(cast: Cast, first_name: str = "Ibrahim", last_name: str = "Qadri", **fields: Any) -> str:
    patient = factories.patient(
        organization_id=cast.organization_id, first_name=first_name, last_name=last_name
    )
    walk_in = WalkIn(patient_id=patient, service_id=cast.cleaning, **fields)
    opened = walking_in.open_walk_in(cast.people["amina"].actor, walk_in, key=ids.code(20))
    assert opened.ticket
    return opened.ticket


def calls_next(cast: Cast, who: str = "salma") -> calling.Called:
    called = calling.call_next(cast.people[who].actor, key=ids.code(20))
    assert called
    return called


def show_names(cast: Cast, privacy: str) -> None:
    queue = db.session.get(Queue, cast.dental_queue)
    assert queue
    with transaction():
        queue.privacy = privacy


def test_a_new_screen_shows_a_code_and_keeps_a_token_that_no_script_reads(app: Flask, cast: Cast) -> None:
    answer = app.test_client().get("/board")
    cookies = answer.headers.getlist("Set-Cookie")
    [ours] = [each for each in cookies if each.startswith("clinic-display=")]
    assert "HttpOnly" in ours and "SameSite=Lax" in ours
    display = db.session.execute(db.select(Display)).scalar_one()
    assert display.paired_at is None and display.organization_id is None
    assert ours.split(";")[0].removeprefix("clinic-display=").encode() not in display.token_hash


def test_the_same_screen_keeps_its_code_until_it_expires(app: Flask, cast: Cast) -> None:
    client, code = screen(app)
    page = client.get("/board").text
    assert code[:3] in page and code[3:] in page
    clock.shift(timedelta(minutes=16))
    assert f"<span>{code[:3]}</span><span>{code[3:]}</span>" not in client.get("/board").text
    assert db.session.scalar(db.select(db.func.count()).select_from(Display)) == 1


def test_typing_the_code_at_the_desk_turns_the_screen_into_the_board(
    app: Flask, cast: Cast, as_person: Browser, told: Told
) -> None:
    client, code = screen(app)
    before = client.get("/board/snapshot").json
    answer = as_person("amina").post(
        "/boards/pair",
        data={
            "idempotency_key": "k1",
            "code": f" {code[:3].lower()}-{code[3:]} ",
            "queue": cast.dental_queue,
            "name": "Ground floor",
            "language": "ar",
            "theme": "dark",
        },
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200 and "Ground floor" in answer.text
    display = db.session.execute(db.select(Display)).scalar_one()
    assert ("changed", f"pairing:{display.id}") in [(event, room) for event, _, room in told]
    page = client.get("/board").text
    assert 'lang="ar" dir="rtl"' in page and 'data-bs-theme="dark"' in page
    assert f'data-topic="board:{cast.dental_queue}:ar-number"' in page
    after = client.get("/board/snapshot").json
    assert before and after and before["page"] != after["page"] and "html" not in before


def test_pressing_twice_pairs_once_and_says_the_same(app: Flask, cast: Cast) -> None:
    _, code = screen(app)
    pairing = Pairing(code=code, queue_id=cast.dental_queue, name="Hall")
    amina = cast.people["amina"].actor
    assert displays.pair(amina, pairing, key="same") == displays.pair(amina, pairing, key="same")


@pytest.mark.parametrize("minutes", [16, 60])
def test_an_old_code_pairs_nothing(app: Flask, cast: Cast, minutes: int) -> None:
    _, code = screen(app)
    clock.shift(timedelta(minutes=minutes))
    with pytest.raises(RuleBroken) as refused:
        pair(cast, code)
    assert refused.value.field == "code"


def test_a_code_works_once(app: Flask, cast: Cast) -> None:
    _, code = screen(app)
    pair(cast, code)
    with pytest.raises(RuleBroken):
        pair(cast, code)


def test_codes_are_read_as_people_write_them() -> None:
    assert displays.read_code(" 7ki-o0٣ ") == "7K1003"


def test_a_wrong_form_says_what_is_wrong_and_keeps_what_was_typed(cast: Cast, as_person: Browser) -> None:
    typed = {
        "idempotency_key": "k",
        "code": "AB",
        "queue": str(cast.dental_queue),
        "name": "",
        "language": "en",
    }
    answer = as_person("amina").post("/boards/pair", data=typed, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert 'value="AB"' in answer.text and "six letters" in answer.text and "Name the screen" in answer.text
    nowhere = as_person("amina").post("/boards/pair", data=typed | {"queue": "x"})
    assert nowhere.status_code == 422 and "<!doctype" in nowhere.text.lower()


def test_another_tenants_queue_can_not_be_shown(app: Flask, cast: Cast) -> None:
    _, code = screen(app)
    pairing = Pairing(code=code, queue_id=cast.dental_queue, name="Spy")
    with pytest.raises(NotFound), tenant.of(cast.other_organization_id):
        displays.pair(cast.people["omar"].actor, pairing, key="k")


def test_another_tenants_screen_can_not_be_revoked_and_is_not_listed(
    app: Flask, cast: Cast, as_person: Browser
) -> None:
    _, display_id = paired_screen(app, cast)
    omar = as_person("omar")
    assert omar.post(f"/boards/{display_id}/revoke").status_code == 404
    assert "Waiting room" not in omar.get("/boards").text
    assert "Waiting room" in as_person("amina").get("/boards").text


def test_a_doctor_may_not_pair(cast: Cast, as_person: Browser) -> None:
    assert as_person("salma").get("/boards").status_code == 403


def test_revoking_tells_the_screen_at_once_and_its_token_opens_nothing(
    app: Flask, cast: Cast, as_person: Browser, told: Told
) -> None:
    client, display_id = paired_screen(app, cast)
    assert client.get("/board/snapshot").status_code == 200
    told.clear()
    as_person("amina").post(f"/boards/{display_id}/revoke", headers={"HX-Request": "true"})
    assert f"pairing:{display_id}" in [room for _, _, room in told]
    assert client.get("/board/snapshot").status_code == 401
    assert 'class="code latn"' in client.get("/board").text
    assert displays.still_open([display_id]) == set()


def test_a_token_that_nobody_showed_for_a_month_opens_nothing(app: Flask, cast: Cast) -> None:
    client, display_id = paired_screen(app, cast)
    clock.shift(timedelta(days=29))
    assert client.get("/board/snapshot").status_code == 200
    displays.still_open([display_id])  # as each tick of an open socket notes it
    clock.shift(timedelta(days=58))
    assert client.get("/board/snapshot").status_code == 200
    clock.shift(timedelta(days=60))
    assert client.get("/board/snapshot").status_code == 401


def test_an_administrator_sees_and_ends_the_tokens_of_all_facilities(
    app: Flask, cast: Cast, as_person: Browser
) -> None:
    client, display_id = paired_screen(app, cast)
    elsewhere = factories.facility(organization_id=cast.organization_id, name="South wing")
    with transaction():
        push.changed(organization.topic(cast.organization_id))
    hire(cast, "huda", "administrator", cast.organization_id, elsewhere)
    hire(cast, "rami", "administrator", cast.other_organization_id, None)
    huda = as_person("huda")
    page = huda.get("/admin/displays").text
    assert "Waiting room" in page and "North Garden" in page
    assert "/admin/displays" in huda.get("/admin/tokens").text
    foreign = as_person("rami")
    assert "Waiting room" not in foreign.get("/admin/displays").text
    assert foreign.post(f"/admin/displays/{display_id}/revoke").status_code == 404
    for name in ("amina", "mona", "salma"):
        assert as_person(name).get("/admin/displays").status_code == 403
        assert as_person(name).post(f"/admin/displays/{display_id}/revoke").status_code == 403
    assert huda.post(f"/boards/{display_id}/revoke").status_code == 404
    answer = huda.post(f"/admin/displays/{display_id}/revoke", headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "opens nothing any more" in answer.text
    assert client.get("/board/snapshot").status_code == 401


def test_a_desk_that_revokes_twice_is_not_told_off(app: Flask, cast: Cast) -> None:
    _, display_id = paired_screen(app, cast)
    amina = cast.people["amina"].actor
    assert displays.revoke(amina, display_id) == displays.revoke(amina, display_id) == "Waiting room"


def test_far_too_many_screens_are_refused(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(displays, "MOST_CODES", 1)
    screen(app)
    with pytest.raises(Busy):
        displays.begin_pairing("en")


def test_screens_that_nobody_paired_are_forgotten_after_a_day(app: Flask, cast: Cast) -> None:
    screen(app)
    _, paired = paired_screen(app, cast)
    clock.shift(timedelta(days=2))
    screen(app)
    left = db.session.execute(db.select(Display)).scalars().all()  # one's own, and nobody's
    assert len(left) == 2 and paired in {each.id for each in left}


def test_a_pairing_without_a_name_is_refused(cast: Cast) -> None:
    with pytest.raises(InvalidForm) as refused:
        pair(cast, "ABC234", theme="pink")
    assert set(refused.value.errors) == {"theme"}


def test_the_wall_shows_who_is_called_to_which_door_and_who_is_next(app: Flask, cast: Cast) -> None:
    client, _ = paired_screen(app, cast)
    first, second = waits(cast), waits(cast)
    called = calls_next(cast)
    html = client.get("/board/snapshot").json["html"]  # type: ignore[index]
    assert called.ticket == first
    call, _, line = html.partition('<section class="next">')
    assert first in call and second not in call and ">3<" in call and "Dr Salma" in call
    assert second in line and first not in line
    assert "call--gone" not in call


def test_yellow_ends_when_the_patient_is_in(app: Flask, cast: Cast) -> None:
    client, _ = paired_screen(app, cast)
    waits(cast)
    called = calls_next(cast)
    calling.open_visit(cast.people["salma"].actor, called.visit_id, version=called.version)
    html = client.get("/board/snapshot").json["html"]  # type: ignore[index]
    assert "call--gone" in html and "data-called-at" not in html


def test_whoever_is_still_called_stays_in_front_of_later_calls_that_are_in(app: Flask, cast: Cast) -> None:
    client, _ = paired_screen(app, cast)
    waits(cast), waits(cast)
    still = calls_next(cast, "karim")
    later = calls_next(cast, "salma")
    calling.open_visit(cast.people["salma"].actor, later.visit_id, version=later.version)
    html = client.get("/board/snapshot").json["html"]  # type: ignore[index]
    assert html.index(str(still.ticket)) < html.index(str(later.ticket))
    assert "ticket--gone" in html


def test_a_wall_that_shows_numbers_never_holds_a_name(app: Flask, cast: Cast, told: Told) -> None:
    client, _ = paired_screen(app, cast)
    waits(cast), waits(cast, "Leila", "Haddadin")
    calls_next(cast)
    everything = json.dumps([payload for _, payload, _ in told], default=str) + client.get("/board").text
    everything += client.get("/board/snapshot").text
    assert not re.search("Ibrahim|Qadri|Leila|Haddadin", everything)


@pytest.mark.parametrize(("privacy", "shown"), [("INITIALS", "I. Q."), ("NAME", "Ibrahim Qadri")])
def test_a_wall_names_people_only_as_its_queue_allows(
    app: Flask, cast: Cast, privacy: str, shown: str
) -> None:
    client, _ = paired_screen(app, cast)
    show_names(cast, privacy)
    waits(cast)
    ticket = calls_next(cast).ticket
    snapshot = client.get("/board/snapshot").json
    assert snapshot and shown in snapshot["html"] and str(ticket) in snapshot["html"]
    assert snapshot["topic"].endswith(f"en-{privacy.lower()}")


def test_initials_of_any_name() -> None:
    assert board.initials("Ibrahim Abdel Rahman Qadri") == "I. Q."
    assert board.initials("Cher") == "C." and board.initials("  ") == ""
    assert board.initials("ليلى حدادين") == "ل. ح."


def test_every_change_is_pushed_once_per_language_with_its_place(app: Flask, cast: Cast, told: Told) -> None:
    paired_screen(app, cast), paired_screen(app, cast), paired_screen(app, cast, language="ar")
    told.clear()
    waits(cast)
    calls_next(cast)
    sent = [(payload, room) for event, payload, room in told if event == "board"]
    topic = f"board:{cast.dental_queue}"
    assert [room for _, room in sent] == [f"{topic}:ar-number", f"{topic}:en-number"] * 2
    english = [payload for payload, room in sent if room.endswith("en-number")]
    assert [payload["prev"] for payload in english] == [payload["seq"] - 1 for payload in english]
    assert english[0]["seq"] == english[1]["prev"]
    assert english[1]["seq"] == push.versions([topic])[topic].seq
    assert "changed" not in [event for event, _, room in told if room.startswith("board:")]


def test_without_a_screen_nothing_is_rendered_and_nothing_asked(
    app: Flask, cast: Cast, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits(cast)
    monkeypatch.setattr(
        board_stream.board, "wall", lambda queue_id: pytest.fail("asked again within seconds")
    )
    calls_next(cast)
    assert "board" not in [event for event, _, _ in told]


def test_a_wall_that_can_not_be_rendered_stops_nobody(
    app: Flask, cast: Cast, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    paired_screen(app, cast)

    def broken(*_: object) -> str:
        raise RuntimeError("no template")

    monkeypatch.setattr(board_stream, "render", broken)
    waits(cast)
    assert calls_next(cast).ticket
    assert not board_stream.stage.rendering


def test_a_burst_is_rendered_once_and_covers_every_change(
    app: Flask, cast: Cast, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under gevent: the renderer begins after three changes have been committed."""
    paired_screen(app, cast)
    begun: list[Callable[[], None]] = []
    monkeypatch.setattr(board_stream, "_start", begun.append)
    told.clear()
    waits(cast), waits(cast)
    called = calls_next(cast)
    assert len(begun) == 1 and "board" not in [event for event, _, _ in told]
    begun[0]()
    sent = [payload for event, payload, _ in told if event == "board"]
    assert len(sent) == 1 and sent[0]["seq"] - sent[0]["prev"] == 3
    assert str(called.ticket) in sent[0]["html"]


def test_a_snapshot_is_never_older_than_its_number(app: Flask, cast: Cast) -> None:
    client, _ = paired_screen(app, cast)
    topic = f"board:{cast.dental_queue}"
    for _ in range(3):
        ticket = waits(cast)
        snapshot = client.get("/board/snapshot").json
        assert snapshot and snapshot["seq"] == push.versions([topic])[topic].seq
        assert snapshot["epoch"] == push.versions([topic])[topic].epoch
        assert ticket in snapshot["html"]


def test_two_hundred_screens_that_come_back_cost_one_rendering(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = paired_screen(app, cast)
    board_stream.stage.kept.clear()
    rendered: list[str] = []
    really = board_stream.render
    monkeypatch.setattr(board_stream, "render", lambda *what: rendered.append("once") or really(*what))
    for _ in range(20):
        assert client.get("/board/snapshot").status_code == 200
    assert rendered == ["once"]


def test_the_day_turns_by_the_facilitys_clock(app: Flask, cast: Cast) -> None:
    client, _ = paired_screen(app, cast)
    waits(cast)
    ticket = str(calls_next(cast).ticket)
    today = client.get("/board/snapshot").json
    assert today and ticket in today["html"]
    midnight = datetime.fromisoformat(today["valid_until"])
    assert clock.local(midnight, "Africa/Cairo").strftime("%H:%M") == "00:00"
    clock.shift(midnight - clock.now() + timedelta(seconds=1))
    tomorrow = client.get("/board/snapshot").json
    assert tomorrow and ticket not in tomorrow["html"] and "Please take a seat" in tomorrow["html"]
    assert tomorrow["seq"] == today["seq"] and tomorrow["valid_until"] != today["valid_until"]


def test_midnight_is_right_where_the_clock_skips_it() -> None:
    """In Cairo summer time begins at midnight: 00:00 does not exist on 24 April 2026."""
    end = board.end_of(datetime(2026, 4, 23).date(), "Africa/Cairo")  # noqa: DTZ001 - a calendar day
    assert clock.local(end, "Africa/Cairo").strftime("%d %H:%M") == "24 01:00"


def test_only_the_paired_screen_may_join_its_board(app: Flask, cast: Cast) -> None:
    client, display_id = paired_screen(app, cast)
    token = client.get_cookie("clinic-display").value  # type: ignore[union-attr]
    mine = f"board:{cast.dental_queue}:en-number"
    nobody = Joiner(None, None)

    def joins(
        topic: str, cookie: str | None, rule: Callable[[Joiner, str], bool] = boards.may_join_board
    ) -> bool:
        headers = {"Cookie": f"clinic-display={cookie}"} if cookie else {}
        with app.test_request_context("/socket.io/", headers=headers):
            return rule(nobody, topic)

    assert joins(mine, token)
    assert not joins(mine, None) and not joins(mine, "guessed")
    assert not joins(f"board:{cast.dental_queue}:en-name", token)
    assert not joins(f"board:{cast.dental_queue}:ar-number", token)
    assert not joins(f"board:{cast.eye_queue}:en-number", token)
    assert joins(f"pairing:{display_id}", token, boards.may_join_own)
    assert not joins(f"pairing:{ids.new_id()}", token, boards.may_join_own)
    displays.revoke(cast.people["amina"].actor, display_id)
    assert not joins(mine, token)


def test_people_hear_of_their_own_facilitys_screens_only(app: Flask, cast: Cast) -> None:
    topic = f"displays:{cast.facility_id}"
    people = cast.people
    assert boards.may_join_list(Joiner(people["amina"].actor, None), topic)
    with tenant.of(cast.other_organization_id):
        assert not boards.may_join_list(Joiner(people["omar"].actor, None), topic)
    assert not boards.may_join_list(Joiner(people["salma"].actor, None), topic)


def test_an_open_socket_is_noted_as_seen_once_a_minute(app: Flask, cast: Cast, as_person: Browser) -> None:
    _, display_id = paired_screen(app, cast)
    seen = db.select(Display.last_seen_at).where(Display.id == display_id)
    first = db.session.scalar(seen)
    assert displays.still_open([display_id]) == {display_id} and db.session.scalar(seen) == first
    clock.shift(timedelta(minutes=2))
    assert displays.still_open([display_id]) == {display_id}
    assert db.session.scalar(seen) != first
    assert "not seen since" not in as_person("amina").get("/boards").text
    clock.shift(timedelta(minutes=10))
    assert "not seen since" in as_person("amina").get("/boards").text
