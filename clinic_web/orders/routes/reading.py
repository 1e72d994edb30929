"""Looking at orders: one with its history, a visit's, a patient's, what who fulfils it needs."""

from __future__ import annotations

from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from clinic_web.orders import words
from clinic_web.orders.live import order_topic, visit_topic
from clinic_web.orders.queries import shown
from clinic_web.orders.routes import bp
from clinic_web.patients import api as patients
from clinic_web.ui.web import actor, needs, page_or_fragment


@bp.get("/orders/<uuid:order_id>")
@needs("order.view")
def order(order_id: UUID) -> str:
    whole = shown.whole(actor(), order_id)
    return page_or_fragment(
        "orders/page.html",
        "orders/_whole.html",
        order=whole.order,
        history=words.worth_telling(whole.history),
        topic=order_topic(order_id),
    )


@bp.get("/orders/<uuid:order_id>/panel")
@needs("order.view")
def panel(order_id: UUID) -> str:
    """For who fulfils it: directions, who ordered it, what the patient is allergic to."""
    whole = shown.whole(actor(), order_id)
    allergies = patients.allergies_of(actor(), [whole.order.patient_id])
    return page_or_fragment(
        "orders/panel_page.html", "orders/_panel.html", order=whole.order, allergies=allergies,
        topic=order_topic(order_id),
    )  # fmt: skip


@bp.get("/visits/<uuid:visit_id>/orders")
@needs("order.view")
def of_visit(visit_id: UUID) -> str:
    """The region of a visit that loads itself: its orders and what writes new ones."""
    return page_or_fragment("orders/visit_page.html", "orders/_visit.html", **_of_visit(visit_id))


@bp.get("/visits/<uuid:visit_id>/orders/lines")
@needs("order.view")
def lines_of_visit(visit_id: UUID) -> str:
    return render_template("orders/_of_visit.html", **_of_visit(visit_id))


def _of_visit(visit_id: UUID) -> dict[str, object]:
    found = shown.of_visit(actor(), visit_id)
    is_own = actor().staff_id in (found.visit.attending_id, found.visit.doctor_id)
    return {
        "visit": found.visit,
        "orders": found.orders,
        "topic": visit_topic(visit_id),
        "may_write": is_own and actor().staff_id is not None and actor().can("order.write"),
    }


@bp.get("/patients/<uuid:patient_id>/orders")
@needs("order.view")
def patient_orders(patient_id: UUID) -> ResponseReturnValue:
    page = max(1, request.args.get("page", type=int, default=1))
    found = shown.of_patient(actor(), patient_id, page)
    return page_or_fragment("orders/patient_page.html", "orders/_patient.html", found=found)
