"""What people type about a patient stays in pages and in PostgreSQL: it is hunted everywhere else.

The real program, as talkative as it can be told to be, is worked through by people whose patient's every
field is a word that exists nowhere else. Then all that left the program by a side door is searched for these
words: logs and the access log, addresses on pages and in headers, cookies, metrics, jobs, error pages, and
every command that went to Redis. Allowed are only pages themselves, and two things in Redis that are pages:

* ``clinic:list:…`` holds rendered lists, kept for five minutes under the rights of who may see them (ADR 3);
* ``clinic-web:board:…`` tells walls what hangs on them for everybody in the room anyway.
"""

from __future__ import annotations

import re
import threading
import time
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask.sessions import SecureCookieSessionInterface
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Result, TextClause, create_engine, text
from sqlalchemy.pool import NullPool

from clinic_web.identity import api as identity
from clinic_web.kernel.db import db
from tests import databases
from tests.browser.conftest import METRICS_TOKEN, House
from tests.browser.visitor import Visitor
from tests.cast import hire

pytestmark = pytest.mark.slow

CANARIES = {
    "first_name": "Zyxqfirst", "middle_name": "Zyxqmiddle", "last_name": "Zyxqlast",
    "phone_primary": "01098761234", "phone_secondary": "01098765678",
    "email": "zyxqmail@example.org", "address_line1": "Zyxqstreet", "address_line2": "Zyxqhouse",
    "city": "Zyxqcity", "state": "Zyxqstate", "zip_code": "zyxqzip", "country": "Zyxqland",
    "medical_history": "Zyxqillness",
}  # fmt: skip
# Every way in which one of them may be written: small or large, as a whole or as the digits of a number.
TRACE = re.compile(r"zyxq|109876[ -]?(1234|5678)", re.IGNORECASE)
PAGES_IN_REDIS = re.compile(r"clinic:list:|clinic-web:board:")
REFUSAL = "Zyxqconstraint"


@pytest.fixture
def visitor(house: House) -> Callable[[str], Visitor]:
    signer = SecureCookieSessionInterface().get_signing_serializer(house.app)
    assert signer is not None

    def enter(name: str) -> Visitor:
        token = identity.open_session(house.cast.people[name].user_id)
        cookie = signer.dumps({"_user_id": token, "_fresh": True, "csrf_token": "0123456789abcdef"})
        one = Visitor(house, f"{house.app.config['SESSION_COOKIE_NAME']}={cookie}")
        found = re.search(r'name="csrf_token" value="([^"]+)"', one.get("/account"))
        assert found
        one.csrf = found[1]
        return one

    return enter


@pytest.fixture
def redis_heard(house: House) -> Iterator[list[str]]:
    """Every command that any process sends to this Redis."""
    heard: list[str] = []
    url = house.env["REDIS_URL"]
    number = urllib.parse.urlsplit(url).path.strip("/") or "0"
    redis = Redis.from_url(url)
    monitor = redis.monitor()
    monitor.__enter__()

    def listen() -> None:
        try:
            for said in monitor.listen():
                if str(said["db"]) == number or "clinic" in str(said["command"]):
                    heard.append(str(said["command"]))
        except (OSError, RedisError, ValueError, AttributeError, TypeError):  # closed: the test is over
            return

    threading.Thread(target=listen, daemon=True).start()
    yield heard
    monitor.connection.disconnect()
    redis.close()


@pytest.fixture
def refuses(house: House) -> Iterator[Callable[[str, str], None]]:
    """``refuses(table, condition)``: PostgreSQL refuses such rows, and quotes them in its error."""
    engine = create_engine(house.env["DATABASE_OWNER_URL"], poolclass=NullPool, isolation_level="AUTOCOMMIT")
    tables: list[str] = []

    def refuse(table: str, condition: str) -> None:
        tables.append(table)
        with engine.connect() as owner:
            owner.execute(text(f'ALTER TABLE {table} ADD CONSTRAINT "no" CHECK ({condition}) NOT VALID'))

    yield refuse
    with engine.connect() as owner:
        for table in tables:
            owner.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "no"'))


def version_in(page: str, name: str = "version") -> str:
    found = re.search(rf'name="{name}" value="(\d+)"', page)
    assert found, page[:3000]
    return found[1]


def test_what_is_typed_about_a_patient_is_found_in_no_log_address_job_or_message(
    house: House,
    visitor: Callable[[str], Visitor],
    redis_heard: list[str],
    refuses: Callable[[str, str], None],
) -> None:
    hire(house.cast, "zyxquser", "administrator", house.cast.organization_id, house.cast.facility_id)
    logs = {path: path.stat().st_size for path in Path(house.env["LOG_FOLDER"]).iterdir()}
    amina, farida, salma, mona, admin = map(visitor, ("amina", "farida", "salma", "mona", "zyxquser"))
    work_through(house, amina, farida, salma, mona, admin)
    provoke_errors(house, amina, admin, refuses)
    wait_for_the_worker()

    found: list[str] = []
    for person in (amina, farida, salma, mona, admin):
        found += [f"{where}: {words[:200]}" for where, words in person.seen if TRACE.search(words)]
    for path, size in logs.items():
        said = path.read_bytes()[size:].decode("utf-8", "replace")
        assert said, f"{path.name} says nothing: the test would see no leak"
        found += [f"{path.name}: {line[:400]}" for line in said.splitlines() if TRACE.search(line)]
    found += [f"Redis: {said[:300]}" for said in list(redis_heard) if leaks(said)]
    found += [f"Redis holds {name}" for name in kept_in_redis(house)]
    assert not found, "\n".join(found)
    assert any("PUBLISH" in said for said in redis_heard) and any("rq:job" in said for said in redis_heard)


def work_through(
    house: House, amina: Visitor, farida: Visitor, salma: Visitor, mona: Visitor, admin: Visitor
) -> None:
    """A day with the patient: each page that shows them, each act that carries their words."""
    name = f"{CANARIES['first_name']} {CANARIES['last_name']}"
    patient = register(amina, name, CANARIES["phone_primary"])
    twin = register(amina, f"{name} Zyxqtwin", "")
    change(amina, patient, 200)
    for path, typed in (
        ("/patients/find", {"q": "Zyxqfirst"}),
        ("/patients/find", {"q": CANARIES["phone_primary"]}),
        ("/patients/find", {"q": "zyxqnobody"}),
        ("/patients", {"q": "Zyxqfirst"}),
        ("/patients/alike", {"name": name, "phone": CANARIES["phone_primary"], "born": "34"}),
        ("/patients/pick", {"field": "guardian", "guardian": "Zyxqfirst"}),
        ("/appointments/list", {"q": "Zyxqfirst"}),
        ("/visits", {"q": "Zyxqfirst"}),
        (f"/patients/{patient}/merge", {"q": "Zyxqfirst"}),
        ("/patients/new", {"q": "Zyxqfirst"}),
    ):
        amina.get(path, typed)
    be_seen(house, amina, salma, patient)
    pay(farida, patient)
    book(house, amina, patient)
    lists_and_reports(mona, admin, patient)
    merged = {"merged_id": twin, "reason": "Zyxqsame"}
    merged |= {"survivor_version": version_of(patient, "patients.patients")}
    merged |= {"merged_version": version_of(twin, "patients.patients")}
    amina.press(f"/patients/{patient}/merge", merged)
    sign_in_wrongly(house)


def be_seen(house: House, amina: Visitor, salma: Visitor, patient: str) -> None:
    """From the door to the doctor's farewell."""
    cast = house.cast
    amina.get(f"/desk?clinic={cast.dental}")
    walk_in = {"service": str(cast.cleaning), "note": "Zyxqnote", "clinic": str(cast.dental)}
    walk_in |= {"priority": "EMERGENCY", "priority_reason": "Zyxqpriority", "pays": "LATER"}
    amina.press(f"/desk/hand/patient/{patient}/walk-in", walk_in)
    visit = newest("reception.visits")
    for path in (
        f"/desk/hand/visit/{visit}",
        f"/visits/{visit}/slip",
        f"/patients/{patient}",
        f"/desk/line?clinic={cast.dental}",
    ):
        amina.get(path)
    held = amina.get(f"/desk/hand/visit/{visit}?ask=hold")
    amina.press(f"/visits/{visit}/hold", {"version": version_in(held), "reason": "Zyxqhold"})
    amina.press(f"/visits/{visit}/resume", {"version": str(int(version_in(held)) + 1)})
    salma.press("/doctor/next", {})
    salma.get("/doctor")
    salma.press(f"/doctor/visits/{visit}/open", {"version": version_of(visit)})
    salma.press(f"/doctor/visits/{visit}/finish", {"version": version_of(visit)})


def pay(farida: Visitor, patient: str) -> None:
    payment = newest("payments.payments")
    for path in ("/payments", f"/payments/{payment}/panel", f"/payments/of-patient/{patient}"):
        farida.get(path, {})
    farida.get("/payments", {"q": "Zyxqfirst"})
    farida.press(f"/payments/{payment}/take", {"amount": "450", "method": "CASH", "handed_over": "500"})
    receipt = newest("payments.payment_transactions")
    farida.get(f"/payments/{payment}/receipts/{receipt}")
    farida.get(f"/payments/{payment}/receipts/{receipt}.pdf")
    refund = {"amount": "50", "method": "CASH", "reason": "Zyxqrefund"}
    farida.press(f"/payments/{payment}/refund", refund)


def register(amina: Visitor, name: str, phone: str) -> str:
    fields = {"name": name, "phone": phone, "born": "34", "gender": "FEMALE"}
    page = amina.press("/patients", fields, status=200) if phone else anyway(amina, fields)
    assert "taken-in-hand" in page
    return newest("patients.patients")


def anyway(amina: Visitor, fields: dict[str, str]) -> str:
    """There is one of almost the same name: who registers is shown it, and says that it is another."""
    page = amina.press("/patients", fields, status=422)
    shown = re.search(r'name="(anyway|shown)" value="([^"]+)"', page)
    assert shown
    return amina.press("/patients", fields | {shown[1]: shown[2]})


def change(amina: Visitor, patient: str, status: int, **others: str) -> None:
    page = amina.get(f"/patients/{patient}/edit")
    opened = re.search(r'name="opened" value="([^"]*)"', page)
    fields = (
        CANARIES | {"gender": "FEMALE", "born": "34", "is_active": "1", "version": version_in(page)} | others
    )
    amina.press(
        f"/patients/{patient}", fields | {"opened": unescape(opened[1]) if opened else ""}, status=status
    )


def book(house: House, amina: Visitor, patient: str) -> None:
    """Tomorrow at ten, moved into a note, then cancelled: the patient is written to about it."""
    from tests.reception.desk import Desk

    start = Desk(house.cast).tomorrow(10).isoformat()
    booked = {"service": str(house.cast.cleaning), "slot": f"{house.cast.salma}|{start}", "note": "Zyxqwish"}
    booked |= {"clinic": str(house.cast.dental), "patient": patient}
    amina.press("/appointments/book", booked)
    appointment = newest("reception.appointments")
    page = amina.get(f"/appointments/{appointment}?ask=cancel")
    cancelled = {"version": version_in(page), "reason": "Zyxqcancelled"}
    amina.press(f"/appointments/{appointment}/cancel", cancelled)


def lists_and_reports(mona: Visitor, admin: Visitor, patient: str) -> None:
    kept = {"list": "patients", "name": "Zyxqview", "query": "?q=Zyxqfirst"}
    mona.press("/views", kept)
    mona.get("/views?list=patients")
    mona.get("/patients?q=Zyxqfirst&sort=-name")  # written by hand, or without scripts: nothing repeats it
    mona.get("/patients.csv")
    mona.get("/reports")
    mona.press("/reports/make", {"from": "2026-01-01", "to": "2026-01-02"})
    for path in ("/audit", f"/audit?patient={patient}", "/audit/changes", "/admin/users", "/admin/sign-ins"):
        admin.get(path)


def sign_in_wrongly(house: House) -> None:
    """People type their passwords into the wrong field, and names of patients into both."""
    nobody = Visitor(house, "")
    page = nobody._send("GET", "/login", {}, None, 200)
    cookie = next(words for where, words in nobody.seen if where.endswith("Set-Cookie") and words)
    assert "csrf" in cookie and "csrf_token" in page
    for path, fields in (("/login", {"username": "zyxquser", "password": "Zyxqpassword"}),
                         ("/login/forgotten", {"username": "zyxquser"})):  # fmt: skip
        nobody.press(path, fields, status=400)  # without the form's token: logged, and refused


def provoke_errors(house: House, amina: Visitor, admin: Visitor, refuses: Callable[[str, str], None]) -> None:
    """Bugs (500), refusals and absences (403, 404, 422, 400) while the words are in the form."""
    patient = newest("patients.patients")
    amina.press("/patients", {"name": "", "phone": CANARIES["phone_primary"]}, status=422)
    amina.press("/admin/users", {"first_name": "Zyxqfirst"}, status=403)
    amina.press(f"/patients/{uuid4()}", CANARIES, status=404)
    amina.get("/patients", {"q": "Zyxqfirst", "sort": "nonsense"}, status=422)
    refuses("patients.patients", "city IS DISTINCT FROM 'Zyxqbug'")
    refuses("notifications.recorded_messages", "body NOT ILIKE '%zyxq%'")
    page = register(amina, "Zyxqother Zyxqbug", "01098765678")
    change(amina, page, 500, city="Zyxqbug", phone_primary="01098765678", phone_secondary="")
    book(house, amina, page)
    metrics = Visitor(house, "")
    text_ = metrics._send("GET", "/metrics", {"Authorization": f"Bearer {METRICS_TOKEN}"}, None, 200)
    amina.seen += [("/metrics", text_), *metrics.seen]
    assert "clinic_http_request_seconds" in text_
    assert patient


def wait_for_the_worker() -> None:
    """Until what was committed has been told, and the letter that PostgreSQL refuses was tried."""
    tried = text(
        "SELECT count(*) FROM notifications.notifications"
        " WHERE claimed_until IS NOT NULL OR status <> 'PENDING'"
    )
    due = text("SELECT count(*) FROM kernel.deliveries WHERE state = 'DUE' AND attempts = 0")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if as_owner(tried).scalar() and not as_owner(due).scalar():
            return
        time.sleep(0.2)
    raise AssertionError("the worker did not come")


def leaks(said: str) -> bool:
    return bool(TRACE.search(said)) and not PAGES_IN_REDIS.search(said)


def kept_in_redis(house: House) -> list[str]:
    """Names of what Redis holds with one of the words in it, in the name or in the value."""
    redis = Redis.from_url(house.env["REDIS_URL"])
    found = []
    for key in redis.scan_iter():
        name = key.decode("utf-8", "replace")
        said = f"{name} {(redis.dump(key) or b'').decode('latin-1')} {unpacked(redis, key)}"
        if leaks(said):
            found.append(name)
    redis.close()
    return found


def unpacked(redis: Redis, key: bytes) -> str:
    """RQ packs what a job is called with."""
    if redis.type(key) != b"hash":
        return ""
    values = redis.hgetall(key).values()
    return " ".join(_inflated(value) for value in values)


def _inflated(value: bytes) -> str:
    try:
        return zlib.decompress(value).decode("utf-8", "replace")
    except zlib.error:
        return value.decode("utf-8", "replace")


def as_owner(statement: TextClause, **values: str) -> Result[Any]:
    """Ask as the tables' owner, from whom no tenant is hidden."""
    url = db.engine.url.database
    engine = create_engine(databases.owner_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        return connection.execute(statement, values).freeze()()


def newest(table: str) -> str:
    asked = text(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 1")  # noqa: S608 - named in this file
    return str(as_owner(asked).scalar())


def version_of(row: str, table: str = "reception.visits") -> str:
    asked = text(f"SELECT version FROM {table} WHERE id = :id")  # noqa: S608 - named in this file
    return str(as_owner(asked, id=row).scalar())
