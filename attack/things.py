"""One of each kind of thing that an address of the program can name, made in a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import select

from attack.inventory_things import adjustment, batch, item_in_stock, medicine
from attack.lab_things import catalogued_test, order_of_tests, ordered_test
from attack.places import Place, hire, issue_token, things_of
from clinic_web.audit import api as audit
from clinic_web.audit.models import AccessLog, Change
from clinic_web.billing import api as billing
from clinic_web.billing.service import visits
from clinic_web.identity import api as identity
from clinic_web.identity.models import Role
from clinic_web.identity.queries import hash_of
from clinic_web.identity.tokens import ApiToken
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import PARKED, Delivery, DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications.models import FAILED, NO_ADDRESS, Notification
from clinic_web.orders import api as orders
from clinic_web.orders.api import Line, NewOrder
from clinic_web.organization import api as organization
from clinic_web.organization.api import NewLeave
from clinic_web.organization.models import Department
from clinic_web.patients import api as patients
from clinic_web.patients.merging import Merge, merge
from clinic_web.patients.models import KINDS, Emergency
from clinic_web.payments import api as payments
from clinic_web.pharmacy.models import Dispensing, Prescription
from clinic_web.portal.models import Account, Invitation
from clinic_web.reception.models import Settlement, Visit, WaitingOffer
from clinic_web.reception.models.displays import Display, DisplayQueue
from clinic_web.reception.service import blocks, booking, settings, station_joining, waiting
from clinic_web.reception.service.booking import Booking
from clinic_web.reception.service.displays import token_hash
from clinic_web.reception.service.settings import NewStation
from clinic_web.reception.service.waiting import Wish
from clinic_web.reports.models import Run


def _of_desk(place: Place) -> Actor:
    return place.as_role("receptionist")


def _appointment(place: Place) -> UUID:
    start = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    asked = Booking(
        patient_id=place.patient(), service_id=place.thing("service"), doctor_id=place.thing("staff"),
        start_time=start,
    )  # fmt: skip
    return booking.book(_of_desk(place), asked, key=str(uuid4())).appointment_id


def _payment(place: Place) -> UUID:
    visit = place.thing("visit")
    return payments.owed_for_visits(_of_desk(place), [visit])[visit].payment_id


def _bill(place: Place) -> UUID:
    visit = place.thing("visit")
    visits.settle_visit(_of_desk(place), visit)
    return billing.bills_of_visits(_of_desk(place), [visit])[visit][0].id


def _receipt(place: Place) -> UUID:
    taken = payments.take(
        place.as_role("cashier"), payment_id=place.thing("payment"), amount=Decimal(10), method="CASH",
        key=str(uuid4()),
    )  # fmt: skip
    return taken.transaction_id


def _station(place: Place) -> UUID:
    new = NewStation(kind="CASHIER", name=f"{place.mark} cashier", name_ar=None, prefix="K")
    return settings.open_station(place.as_role("manager"), new, key=str(uuid4()))


def _stop(place: Place) -> UUID:
    doctor = place.as_role("doctor")
    return station_joining.send(doctor, place.visit(), place.thing("station"), key=str(uuid4())).stop_id


def _entry(place: Place) -> UUID:
    today = clock.now().date()
    wish = Wish(
        patient_id=place.patient(), service_id=place.thing("service"), from_date=today,
        until_date=today + timedelta(days=20), note=place.mark,
    )  # fmt: skip
    return waiting.put_on_list(_of_desk(place), wish, key=str(uuid4())).entry_id


def _offer(place: Place) -> UUID:
    now = clock.now()
    offer = WaitingOffer(
        id=new_id(), organization_id=place.organization_id, clinic_id=place.thing("clinic"),
        entry_id=place.thing("waiting entry"), doctor_id=place.thing("staff"),
        start_time=now + timedelta(days=2), end_time=now + timedelta(days=2, minutes=20), offered_at=now,
        expires_at=now + timedelta(days=1),
    )  # fmt: skip
    return place.add(offer)


def _settlement(place: Place) -> UUID:
    now = clock.now()
    row = Settlement(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        clinic_id=place.thing("clinic"), doctor_id=place.thing("staff"), starts_at=now,
        ends_at=now + timedelta(hours=1), reason=place.mark, items=1, state="FAILED", due_at=now,
        created_at=now,
    )  # fmt: skip
    return place.add(row)


def _leave(place: Place) -> UUID:
    begins = clock.now() + timedelta(days=40)
    new = NewLeave(
        staff_id=place.thing("staff"), starts_at=begins, ends_at=begins + timedelta(days=1), note=place.mark
    )
    return organization.add_leave(place.system, new)


def _display(place: Place) -> UUID:
    token, now = f"screen-{new_id().hex}", clock.now()
    place.secrets["display"] = token
    row = Display(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        name=f"{place.mark} screen", token_hash=token_hash(token), code_expires_at=now, paired_at=now,
        last_seen_at=now,
    )  # fmt: skip
    with transaction():
        db.session.add(row)
        db.session.flush()
        db.session.add(DisplayQueue(display_id=row.id, place=0, queue_id=place.thing("queue")))
    return row.id


def _merge(place: Place) -> UUID:
    one, other = place.patient(), place.patient()
    desk = _of_desk(place)
    wanted = Merge(
        survivor_id=one, merged_id=other, from_merged=(), reason=place.mark,
        survivor_version=patients.card(desk, one).version, merged_version=patients.card(desk, other).version,
    )  # fmt: skip
    return merge(desk, wanted, key=str(uuid4())).link_id


def _role(place: Place) -> UUID:
    name = f"helper-{new_id().hex[-8:]}"
    identity.create_role(place.system, name, ["visit.view"], description=place.mark)
    found = db.session.scalar(select(Role.id).where(Role.name == name))
    assert found is not None
    return found


def _user(place: Place) -> UUID:
    someone = hire(place, "", f"somebody-{new_id().hex[-8:]}", [])
    place.people["of the place"] = someone
    return someone.user_id


def _session(place: Place) -> UUID:
    place.thing("user")
    return things_of(place, place.people["of the place"])["session"]


def _token(place: Place) -> UUID:
    reading = {name for name in identity.PERMISSIONS if identity.may_be_named(name)}
    token = issue_token(place, sorted(reading & place.as_role("administrator").permissions))
    place.secrets["token"] = token
    found = db.session.scalar(select(ApiToken.id).where(ApiToken.token_hash == hash_of(token)))
    assert found is not None
    return found


def _access(place: Place) -> UUID:
    thing = new_id()
    with transaction():
        audit.saw(place.as_role("doctor"), "patient.view", "patient", thing)
    found = db.session.scalar(select(AccessLog.id).where(AccessLog.resource_id == thing))
    assert found is not None
    return found


def _change(place: Place) -> UUID:
    thing = new_id()
    with transaction():
        new = {"name": place.mark}
        audit.changed(place.as_role("administrator"), "user.change", "user", thing, old=None, new=new)
    found = db.session.scalar(select(Change.id).where(Change.resource_id == thing))
    assert found is not None
    return found


def _run(place: Place) -> UUID:
    yesterday = clock.now().date() - timedelta(days=1)
    row = Run(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id, reason="HAND",
        first_day=yesterday, last_day=yesterday, state="FAILED", due_at=clock.now(), created_at=clock.now(),
    )  # fmt: skip
    return place.add(row)


def _department(place: Place) -> UUID:
    row = Department(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id, code="D1",
        name=f"{place.mark} department",
    )  # fmt: skip
    return place.add(row)


def _delivery(place: Place) -> UUID:
    now = clock.now()
    event = DomainEvent(
        id=new_id(), organization_id=place.organization_id, event_type="visit.called", aggregate_type="visit",
        aggregate_id=new_id(), event_data={}, occurred_at=now,
    )  # fmt: skip
    place.add(event)
    return place.add(
        Delivery(
            id=new_id(),
            event_id=event.id,
            consumer="nobody:visit.called",
            queue="events",
            state=PARKED,
            attempts=8,
            due_at=now,
            parked_at=now,
            last_error="ValueError",
        )
    )


def _prescription(place: Place) -> UUID:
    """Something that is held: of a batch whose books lie elsewhere."""
    now = clock.now()
    row = Prescription(
        order_id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        patient_id=place.patient(), clinic_id=place.thing("clinic"), doctor_id=place.thing("staff"),
        status="RESERVED", reserved_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    with transaction():
        db.session.add(row)
        db.session.flush()
    return row.order_id


def _dispensing(place: Place) -> UUID:
    order = place.thing("prescription")
    row = Dispensing(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id, order_id=order,
        patient_id=place.thing("patient"), kind="HANDED_OVER", is_whole=False, dispensed_at=clock.now(),
    )  # fmt: skip
    return place.add(row)


def _emergency(place: Place) -> UUID:
    now = clock.now()
    row = Emergency(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        patient_id=place.patient(), user_id=place.people["doctor"].user_id, kind=KINDS[0],
        reason=f"an emergency at {place.mark}", opened_at=now, closes_at=now + timedelta(hours=1),
    )  # fmt: skip
    return place.add(row)


def _account(place: Place) -> UUID:
    holder = hire(place, "patient", f"patient-{new_id().hex[-8:]}", ["patient"])
    row = Account(
        id=new_id(), organization_id=place.organization_id, user_id=holder.user_id,
        patient_id=place.thing("patient"), relation="SELF",
    )  # fmt: skip
    return place.add(row)


def _invitation(place: Place) -> UUID:
    row = Invitation(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        patient_id=place.thing("patient"), relation="SELF", expires_at=clock.now() + timedelta(days=1),
    )  # fmt: skip
    return place.add(row)


def _message(place: Place) -> UUID:
    row = Notification(
        id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id,
        patient_id=place.thing("patient"), template="medicine_ready", reference=f"order:{new_id()}", data={},
        status=FAILED, failure=NO_ADDRESS, due_at=clock.now(),
    )  # fmt: skip
    return place.add(row)


def _order(place: Place) -> UUID:
    """Written in a visit of its own, which the place's doctor sees."""
    visit = db.session.get_one(Visit, place.visit())
    with transaction():
        visit.doctor_id = place.thing("staff")
    doctor = replace(place.as_role("doctor"), staff_id=visit.doctor_id)
    line = Line(item_id=place.thing("medicine"))
    new = NewOrder(order_type="PRESCRIPTION", visit_id=visit.id, lines=(line,))
    return orders.place(doctor, new, key=str(uuid4())).order_id


MAKERS: dict[str, Callable[[Place], UUID]] = {
    "patient": Place.patient,
    "other patient": Place.patient,
    "visit": Place.visit,
    "appointment": _appointment,
    "medicine": medicine,
    "order": _order,
    "payment": _payment,
    "receipt": _receipt,
    "bill": _bill,
    "station": _station,
    "stop at a station": _stop,
    "waiting entry": _entry,
    "offer": _offer,
    "settlement": _settlement,
    "leave": _leave,
    "display": _display,
    "block of numbers": lambda place: (
        blocks.reserve(_of_desk(place), place.thing("queue"), 3, "power cut", key=str(uuid4())).block_id
    ),
    "merge of patients": _merge,
    "role": _role,
    "user": _user,
    "session": _session,
    "token of a program": _token,
    "access": _access,
    "change": _change,
    "run of reports": _run,
    "department": _department,
    "delivery": _delivery,
    "emergency": _emergency,
    "prescription": _prescription,
    "dispensing": _dispensing,
    "account of the portal": _account,
    "invitation to the portal": _invitation,
    "test of the catalogue": catalogued_test,
    "order of tests": order_of_tests,
    "item in stock": item_in_stock,
    "batch": batch,
    "stock adjustment": adjustment,
    "message": _message,
    "test of an order": ordered_test,
}
