"""A screen is set by the staff: its lines, languages, colours and head; it takes that at once."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from clinic_web.kernel import clock, ids, push
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import InvalidForm, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception import board_stream
from clinic_web.reception.models import Display, Queue, Visit
from clinic_web.reception.models.displays import ACCENTS
from clinic_web.reception.queries import board
from clinic_web.reception.service import board_settings, calling, displays, logos, walking_in
from clinic_web.reception.service.board_settings import Settings
from clinic_web.reception.service.displays import Pairing
from clinic_web.reception.service.walking_in import WalkIn
from tests import factories
from tests.cast import Cast

Browser = Callable[[str], FlaskClient]
STYLE = Path(__file__).parents[2] / "static" / "css"
USUAL = {
    "language": "en",
    "second_language": "BESIDE",
    "digits": "AUTO",
    "theme": "light",
    "accent": "green",
    "privacy": "QUEUE",
    "voice": "OFF",
}


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """What one test's walls were must not be known to the next."""
    for kept in (board_stream.stage.walls, board_stream.stage.kept):
        kept.clear()
    yield
    clock.shift(timedelta())


def paired(app: Flask, cast: Cast) -> tuple[FlaskClient, UUID]:
    client = app.test_client()
    halves = re.search(r"<span>(\w{3})</span><span>(\w{3})</span>", client.get("/board").text)
    assert halves
    pairing = Pairing(code=halves[1] + halves[2], queue_id=cast.dental_queue, name="Hall")
    return client, displays.pair(cast.people["amina"].actor, pairing, key=ids.code(20))


def wanted(*queue_ids: UUID, **fields: Any) -> Settings:
    return Settings(**{"name": "Hall", "queue_ids": queue_ids, **USUAL, **fields})


def configure(
    cast: Cast, display_id: UUID, settings: Settings, *, who: str = "amina", logo: bytes | None = None
) -> str:
    version = db.session.scalar(db.select(Display.version).where(Display.id == display_id))
    return board_settings.configure(
        cast.people[who].actor, display_id, settings, version=version or 0, logo=logo
    )


def lines(cast: Cast, number: int) -> list[UUID]:
    """The two clinics' queues and as many stations as are wanted."""
    found = [cast.dental_queue, cast.eye_queue]
    kinds = ["CASHIER", "PHARMACY", "LAB", "LAB"]
    with transaction():
        for place, kind in enumerate(kinds[: number - 2]):
            queue = Queue(
                organization_id=cast.organization_id,
                facility_id=cast.facility_id,
                kind=kind,
                prefix=f"S{place}",
                name=f"Counter {place}",
                name_ar=f"شباك {place}",
            )
            db.session.add(queue)
            db.session.flush()
            found.append(queue.id)
    return found[:number]


def waits(cast: Cast, **fields: Any) -> str:
    patient = factories.patient(organization_id=cast.organization_id, first_name="Ibrahim", last_name="Qadri")
    walk_in = WalkIn(patient_id=patient, service_id=cast.cleaning, **fields)
    opened = walking_in.open_walk_in(cast.people["amina"].actor, walk_in, key=ids.code(20))
    assert opened.ticket
    return opened.ticket


def picture(size: tuple[int, int] = (300, 80), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (180, 20, 60)).save(out, kind, comment=b"a secret")
    return out.getvalue()


def form(cast: Cast, **fields: Any) -> dict[str, Any]:
    return {"version": "2", "name": "Hall", "queues": [str(cast.dental_queue)], **USUAL, **fields}


# ---- Several lines ----


def test_a_screen_shows_its_lines_in_their_order_each_with_its_own_place(app: Flask, cast: Cast) -> None:
    client, display_id = paired(app, cast)
    configure(cast, display_id, wanted(cast.eye_queue, cast.dental_queue))
    ticket = waits(cast)
    snapshot = client.get("/board/snapshot").json
    assert snapshot and [part["topic"] for part in snapshot["parts"]] == [
        f"board:{cast.eye_queue}:en-number",
        f"board:{cast.dental_queue}:en-number",
    ]
    eye, dental = snapshot["parts"]
    assert ticket in dental["html"] and ticket not in eye["html"]
    assert dental["seq"] == push.versions([f"board:{cast.dental_queue}"])[f"board:{cast.dental_queue}"].seq
    assert "board--many" in client.get("/board").text


def test_one_part_of_a_snapshot_can_be_asked_for_and_no_foreign_one(app: Flask, cast: Cast) -> None:
    client, display_id = paired(app, cast)
    configure(cast, display_id, wanted(cast.dental_queue, cast.eye_queue))
    topic = f"board:{cast.eye_queue}:en-number"
    part = client.get("/board/snapshot", query_string={"part": topic}).json
    assert part and part["topic"] == topic and "parts" not in part
    foreign = f"board:{ids.new_id()}:en-name"
    assert len(client.get("/board/snapshot", query_string={"part": foreign}).json["parts"]) == 2  # type: ignore[index]


def test_six_lines_cost_as_many_statements_as_one(app: Flask, cast: Cast, count_queries: Any) -> None:
    client, display_id = paired(app, cast)
    queue_ids = lines(cast, 6)
    with transaction():
        for queue in db.session.scalars(db.select(Queue)):
            queue.privacy = "INITIALS"
    waits(cast)

    def cost() -> int:
        board_stream.stage.kept.clear()
        client.get("/board/snapshot")
        board_stream.stage.kept.clear()
        with count_queries() as sent:
            assert client.get("/board/snapshot").status_code == 200
        return len([each for each in sent if "kernel.streams" not in each])  # which may be known for a second

    one = cost()
    configure(cast, display_id, wanted(*queue_ids))
    assert cost() == one <= 5


def test_a_change_of_one_line_is_told_to_that_line_only(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, display_id = paired(app, cast)
    configure(cast, display_id, wanted(cast.dental_queue, cast.eye_queue))
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(push, "_emit", lambda event, payload, room: told.append((room, payload)))
    waits(cast)
    boards = [(room, payload["topic"]) for room, payload in told if room.startswith("board:")]
    assert boards == [(f"board:{cast.dental_queue}:en-number",) * 2]


def test_a_station_is_called_by_its_own_name(app: Flask, cast: Cast, as_person: Browser) -> None:
    client, display_id = paired(app, cast)
    station = lines(cast, 3)[2]
    configure(cast, display_id, wanted(cast.dental_queue, station, language="ar"))
    parts = client.get("/board/snapshot").json["parts"]  # type: ignore[index]
    assert "شباك 0" in parts[1]["html"] and "شباك 0" not in parts[0]["html"]
    assert "Counter 0" in as_person("amina").get("/boards").text


def test_a_doctor_who_runs_late_is_said_on_the_line_of_the_clinic(app: Flask, cast: Cast) -> None:
    client, display_id = paired(app, cast)
    configure(cast, display_id, wanted(cast.dental_queue, cast.eye_queue))
    for _ in range(2):
        waits(cast, doctor_id=cast.people["salma"].actor.staff_id)
    calling.call_next(cast.people["salma"].actor, key=ids.code(20))
    with transaction():
        db.session.execute(
            db.update(Visit)
            .where(Visit.status == "WAITING")
            .values(scheduled_time=clock.now() - timedelta(minutes=27))
            .values(check_in_time=clock.now() - timedelta(minutes=27))
        )
    board_stream.stage.kept.clear()
    dental, eye = client.get("/board/snapshot").json["parts"]  # type: ignore[index]
    assert "Dr Salma about 25 min late" in dental["html"] and "late" not in eye["html"]


# ---- What is set arrives ----


def test_an_open_screen_is_told_of_its_settings_and_its_page_becomes_another(
    app: Flask, cast: Cast, as_person: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, display_id = paired(app, cast)
    before = client.get("/board/snapshot").json
    told: list[str] = []
    monkeypatch.setattr(push, "_emit", lambda event, payload, room: told.append(room))
    fields = form(cast, language="ar", theme="dark", accent="wine", head_ar="مركز النور", voice="BOTH")
    answer = as_person("amina").post(f"/boards/{display_id}", data=fields, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "Hall is set" in answer.text
    assert f"pairing:{display_id}" in told and f"displays:{cast.facility_id}" in told
    after = client.get("/board/snapshot").json
    assert before and after and before["page"] != after["page"]
    page = client.get("/board").text
    assert 'lang="ar" dir="rtl"' in page and 'data-accent="wine"' in page and "مركز النور" in page
    assert 'data-voice="BOTH"' in page and "{ticket}" in page


def test_the_form_shows_what_is_set(app: Flask, cast: Cast, as_person: Browser) -> None:
    _, display_id = paired(app, cast)
    configure(cast, display_id, wanted(cast.eye_queue, head="Garden <Centre>", note="Quiet, please"))
    page = as_person("amina").get(f"/boards/{display_id}").text
    assert 'value="Garden &lt;Centre&gt;"' in page and 'value="Quiet, please"' in page
    assert f'<option value="{cast.eye_queue}" selected' in page
    assert f"/boards/{display_id}" in as_person("amina").get("/boards").text


def test_a_screen_may_say_less_of_people_than_its_line_never_more(app: Flask, cast: Cast) -> None:
    as_line = board.variant("en", "QUEUE", "AUTO", queue_privacy="NAME")
    assert as_line.name == "en-name"
    assert board.variant("en", "INITIALS", "AUTO", queue_privacy="NAME").name == "en-initials"
    assert board.variant("en", "INITIALS", "AUTO", queue_privacy="NUMBER").name == "en-number"
    assert board.variant("ar", "NUMBER", "LATN", queue_privacy="NAME").name == "ar-number-latn"
    client, display_id = paired(app, cast)
    with transaction():
        db.session.get(Queue, cast.dental_queue).privacy = "NAME"  # type: ignore[union-attr]
    configure(cast, display_id, wanted(cast.dental_queue, privacy="NUMBER"))
    waits(cast)
    assert "Ibrahim" not in client.get("/board/snapshot").text


def test_times_take_the_digits_that_the_screen_is_set_to(app: Flask, cast: Cast) -> None:
    client, display_id = paired(app, cast)
    configure(cast, display_id, wanted(cast.dental_queue, digits="ARAB"))
    for who in ("salma", "karim"):
        waits(cast)
        calling.call_next(cast.people[who].actor, key=ids.code(20))
    html = client.get("/board/snapshot").json["html"]  # type: ignore[index]
    assert re.search(r'class="at">[٠-٩]{2}:[٠-٩]{2}<', html) and "D-001" in html
    assert 'data-digits="arab"' in client.get("/board").text


# ---- Refusals ----


def test_somebody_elses_settings_are_not_overwritten(app: Flask, cast: Cast, as_person: Browser) -> None:
    _, display_id = paired(app, cast)
    configure(cast, display_id, wanted(cast.dental_queue, head="First"))
    amina = cast.people["amina"].actor
    with pytest.raises(StaleScreen):
        board_settings.configure(amina, display_id, wanted(cast.dental_queue), version=1)
    fields = form(cast, version="1", head="Mine")
    answer = as_person("amina").post(f"/boards/{display_id}", data=fields, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert 'value="Mine"' in answer.text and "<ins>First</ins>" in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [("theme", "pink"), ("accent", "red"), ("head", "x" * 61), ("note_ar", "x" * 121), ("name", " ")],
)
def test_what_can_not_be_is_refused_at_its_field(app: Flask, cast: Cast, field: str, value: str) -> None:
    _, display_id = paired(app, cast)
    with pytest.raises(InvalidForm) as refused:
        configure(cast, display_id, wanted(cast.dental_queue, **{field: value}))
    assert set(refused.value.errors) == {field}


def test_a_screen_has_between_one_and_six_lines(app: Flask, cast: Cast, as_person: Browser) -> None:
    _, display_id = paired(app, cast)
    for queue_ids in ((), [ids.new_id() for _ in range(7)]):
        with pytest.raises(InvalidForm):
            configure(cast, display_id, wanted(*queue_ids))
    fields = form(cast, queues=["", ""], head="Kept as typed")
    answer = as_person("amina").post(f"/boards/{display_id}", data=fields)
    assert answer.status_code == 422 and "between one and six" in answer.text
    assert 'value="Kept as typed"' in answer.text


def test_another_tenants_screen_and_lines_are_not_there(app: Flask, cast: Cast, as_person: Browser) -> None:
    _, display_id = paired(app, cast)
    assert as_person("omar").get(f"/boards/{display_id}").status_code == 404
    assert as_person("omar").post(f"/boards/{display_id}", data=form(cast)).status_code == 404
    with pytest.raises(NotFound):
        configure(cast, display_id, wanted(ids.new_id()))
    assert as_person("salma").get(f"/boards/{display_id}").status_code == 403
    displays.revoke(cast.people["amina"].actor, display_id)
    assert as_person("amina").get(f"/boards/{display_id}").status_code == 404
    with pytest.raises(NotFound):
        configure(cast, display_id, wanted(cast.dental_queue))


# ---- Logos ----


def test_a_logo_is_drawn_anew_and_hangs_in_the_head(app: Flask, cast: Cast, as_person: Browser) -> None:
    client, display_id = paired(app, cast)
    answer = send(as_person, cast, display_id, picture((3000, 800), "JPEG"), "logo.jpg")
    assert answer.status_code == 200
    address = re.search(r'src="(/board/logo/\w{64}\.png)"', client.get("/board").text)
    assert address
    served = client.get(address[1])
    assert served.mimetype == "image/png" and "immutable" in served.headers["Cache-Control"]
    with Image.open(io.BytesIO(served.data)) as drawn:
        assert drawn.format == "PNG" and drawn.size == (900, 240) and not drawn.info.get("comment")
    assert b"secret" not in served.data
    send(as_person, cast, display_id, None, "", version="3", no_logo="1")
    assert "/board/logo/" not in client.get("/board").text


def send(
    as_person: Browser, cast: Cast, display_id: UUID, file: bytes | None, name: str, **fields: Any
) -> TestResponse:
    data = form(cast, **fields) | ({"logo": (io.BytesIO(file), name)} if file is not None else {})
    return as_person("amina").post(
        f"/boards/{display_id}",
        data=data,
        content_type="multipart/form-data",
        headers={"HX-Request": "true"},
    )


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a picture"),
        (b"\x89PNG\r\n\x1a\n and then nothing", "not a picture"),
        (b"MZ" + bytes(2000), "not a picture"),
        (picture((8, 8)), "too small"),
        (picture()[:120], "not a picture"),
        (bytes(logos.LARGEST_FILE + 1), "500 kB"),
    ],
    ids=["svg", "no png", "program", "tiny", "cut short", "large"],
)
def test_what_is_no_logo_is_refused_and_nothing_typed_is_lost(
    app: Flask, cast: Cast, as_person: Browser, file: bytes, sentence: str
) -> None:
    _, display_id = paired(app, cast)
    answer = send(as_person, cast, display_id, file, "logo.svg", head="My head")
    assert answer.status_code == 422 and sentence in answer.text and 'value="My head"' in answer.text
    assert db.session.scalar(db.select(Display.head).where(Display.id == display_id)) is None


def test_a_picture_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logos, "MOST_PIXELS", 300 * 80 - 1)
    with pytest.raises(RuleBroken, match="4000"):
        logos.redraw(picture((300, 80)))


def test_the_same_logo_is_kept_once(cast: Cast) -> None:
    amina = cast.people["amina"].actor
    with transaction():
        assert logos.keep(amina, picture()) == logos.keep(amina, picture())


# ---- Colours ----


def test_both_texts_of_the_head_can_be_read_on_every_accent() -> None:
    """Every ground carries the clinic's name at 7:1 and its second language at 4.5:1, in both themes."""
    tokens, style = (STYLE / "tokens.css").read_text(), (STYLE / "board.css").read_text()
    grounds = dict(re.findall(r'data-accent="(\w+)"\] \{ --cw-band: (#\w{6})', style))
    assert set(grounds) == set(ACCENTS) - {"green"}  # green is the house's own
    for text, least in (("--cw-on-band", 7.0), ("--cw-on-band-2", 4.5)):
        for colour in re.findall(rf"{text}: (#\w{{6}})", tokens):
            for name, ground in grounds.items():
                assert contrast(colour, ground) >= least, (text, colour, name)


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
