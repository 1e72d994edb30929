"""The reception desk: one screen for the day of one clinic, and its parts that refresh by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from flask import Response, after_this_request, current_app, render_template, request

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import NotFound
from clinic_web.reception.queries import desk as queries
from clinic_web.reception.queries.desk import (
    AT_THE_DESK,
    IN_LINE,
    WITH_A_DOCTOR,
    ClinicTab,
    DeskRow,
    QueueDay,
)
from clinic_web.reception.queries.rooms import Door, doors
from clinic_web.reception.routes import bp
from clinic_web.ui.headers import cookie_name
from clinic_web.ui.web import actor, is_htmx, needs

LAST_CLINIC = "desk_clinic"
A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class DoctorFilter:
    """One choice above the line: a doctor and how many wait for them."""

    doctor_id: UUID
    name: str
    name_ar: str | None
    count: int


@bp.get("/desk")
@needs("desk.view")
def desk() -> str:
    return show("reception/desk/_empty.html")


@bp.get("/desk/clinics/<uuid:clinic_id>")
@needs("desk.view")
def desk_clinic(clinic_id: UUID) -> str:
    tab = next((each for each in queries.clinics(actor()) if each.clinic.id == clinic_id), None)
    if tab is None:
        raise NotFound
    return render_template("reception/desk/_clinic.html", tab=tab, clinic_id=asked_clinic())


@bp.get("/desk/rooms")
@needs("desk.view")
def desk_rooms() -> str:
    day = queries.queue_day(actor(), clinic_in_url(), WITH_A_DOCTOR, is_named=False)
    return render_template("reception/desk/_rooms.html", **rooms_of(actor(), day))


@bp.get("/desk/expected")
@needs("desk.view")
def desk_expected() -> str:
    return render_template(
        "reception/desk/_expected.html", day=queries.queue_day(actor(), clinic_in_url(), AT_THE_DESK)
    )


@bp.get("/desk/line")
@needs("desk.view")
def desk_line() -> str:
    day = queries.queue_day(actor(), clinic_in_url(), IN_LINE)
    return render_template("reception/desk/_line.html", **line_of(day, doctor_in_url()))


def show(panel: str, *, clinic_id: UUID | None = None, **context: Any) -> str:
    """Show what is in hand: the panel alone to htmx, the whole desk around it to the address bar; to those
    who don't work at the desk, a page with nothing but the panel."""
    if is_htmx():
        return render_template(panel, clinic_id=clinic_id, **context)
    if not actor().can("desk.view"):
        return render_template("reception/desk/alone.html", panel=panel, clinic_id=clinic_id, **context)
    return render_template(
        "reception/desk/page.html", panel=panel, **{**desk_of(actor(), clinic_id), **context}
    )


def desk_of(who: Actor, clinic_id: UUID | None = None) -> dict[str, Any]:
    """Return what the whole desk shows; without a clinic there is nothing to show but that."""
    chosen, tabs = choose_clinic(who, clinic_id)
    if chosen is None:
        return {"tabs": tabs, "clinic_id": None, "doctor_id": None}
    remember(chosen)
    day = queries.queue_day(who, chosen, (*AT_THE_DESK, *IN_LINE, *WITH_A_DOCTOR))
    return {"tabs": tabs, "clinic_id": chosen} | rooms_of(who, day) | line_of(day, doctor_in_url())


def rooms_of(who: Actor, day: QueueDay) -> dict[str, Any]:
    found: list[Door] = doors(who, day)
    return {"day": day, "doors": found}


def line_of(day: QueueDay, doctor_id: UUID | None) -> dict[str, Any]:
    """The line, or one doctor's part of it; places stay those of the whole line."""
    is_shown = [row for row in day.waiting if doctor_id in (None, row.doctor_id)]
    return {
        "day": day,
        "doctor_id": doctor_id,
        "waiting": is_shown,
        "on_hold": [row for row in day.on_hold if doctor_id in (None, row.doctor_id)],
        "filters": _filters(day.waiting),
        "longest": max((row.minutes for row in day.waiting), default=0),
    }


def _filters(waiting: list[DeskRow]) -> list[DoctorFilter]:
    doctors = {row.doctor_id: row.doctor for row in waiting if row.doctor_id and row.doctor}
    found = [
        DoctorFilter(
            doctor_id,
            doctor.short_name,
            doctor.short_name_ar,
            sum(row.doctor_id == doctor_id for row in waiting),
        )
        for doctor_id, doctor in doctors.items()
        if doctor_id is not None and doctor is not None
    ]
    return sorted(found, key=lambda each: each.name)


def choose_clinic(who: Actor, clinic_id: UUID | None = None) -> tuple[UUID | None, list[ClinicTab]]:
    """Return the clinic this desk works for and all it may choose from; NotFound (404) for a foreign one."""
    tabs = queries.clinics(who)
    known = {tab.clinic.id for tab in tabs}
    wanted = clinic_id or asked_clinic()
    if wanted is not None:
        if wanted not in known:
            raise NotFound
        return wanted, tabs
    last = last_clinic()
    first = tabs[0].clinic.id if tabs else None
    return (last if last in known else first), tabs


def last_clinic() -> UUID | None:
    """Return the clinic of this browser's last visit; whoever uses it makes sure that it is still there."""
    return _as_uuid(request.cookies.get(cookie_name(LAST_CLINIC)))


def asked_clinic() -> UUID | None:
    """Return the clinic that the URL names, or that of the page which asks for a part of itself: a desk with
    two tabs open books in the clinic it looks at."""
    if request.args.get("clinic"):
        return clinic_in_url()
    page = parse_qs(urlsplit(request.headers.get("HX-Current-URL", "")).query)
    return _as_uuid(page.get("clinic", [None])[0])


def clinic_in_url() -> UUID:
    found = _as_uuid(request.args.get("clinic"))
    if found is None:
        raise NotFound
    return found


def doctor_in_url() -> UUID | None:
    """Return the doctor whose line is wanted; a malformed id is nobody's: 404."""
    typed = request.args.get("doctor")
    found = _as_uuid(typed)
    if typed and found is None:
        raise NotFound
    return found


def remember(clinic_id: UUID) -> None:
    """Open the same clinic next time."""
    if request.cookies.get(cookie_name(LAST_CLINIC)) == str(clinic_id):
        return

    @after_this_request
    def keep(response: Response) -> Response:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        response.set_cookie(
            cookie_name(LAST_CLINIC),
            str(clinic_id),
            max_age=A_YEAR,
            secure=secure,
            httponly=True,
            samesite="Lax",
        )
        return response


def _as_uuid(typed: str | None) -> UUID | None:
    try:
        return UUID(typed) if typed else None
    except ValueError:
        return None
