"""The technician's worklist: the day's tests, one in hand, and each step with one press."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from clinic_web.kernel.errors import N_, InvalidForm, RuleBroken
from clinic_web.lab import forms
from clinic_web.lab.charts import columns
from clinic_web.lab.models import COLLECTED, RESULTED, SCHEDULED
from clinic_web.lab.queries import one, worklist
from clinic_web.lab.queries.one import InHand
from clinic_web.lab.queries.worklist import LISTS, Day
from clinic_web.lab.routes import bp
from clinic_web.lab.service import cancelling, results, working
from clinic_web.lab.service.working import Done
from clinic_web.patients import api as patients
from clinic_web.ui.texts import language, say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs, new_key

Act = Callable[..., Done]

VIEW, WORK, SCHEDULE = "lab.view", "lab.work", "lab.schedule"
STEPS = {SCHEDULED: "lab.collect", COLLECTED: "lab.result_form", RESULTED: "lab.verify"}
FLAG_WORDS = {
    "NORMAL": N_("normal"),
    "LOW": N_("low"),
    "HIGH": N_("high"),
    "CRITICAL_LOW": N_("critically low"),
    "CRITICAL_HIGH": N_("critically high"),
    "ABNORMAL": N_("abnormal"),
}


@bp.get("")
@needs(VIEW)
def page() -> ResponseReturnValue:
    chosen = forms.id_of(request.args.get("test_in_hand"))
    held = one.in_hand(actor(), chosen) if chosen else None
    return show_page(hand=hand(held) if held else "")


@bp.get("/list")
@needs(VIEW)
def day_list() -> str:
    return render_template("lab/_day.html", **day_context())


@bp.get("/tests/<uuid:lab_order_id>")
@needs(VIEW)
def test(lab_order_id: UUID) -> ResponseReturnValue:
    held = one.in_hand(actor(), lab_order_id)
    return hand(held) if is_htmx() else show_page(hand=hand(held))


@bp.post("/tests/<uuid:lab_order_id>/arrive")
@needs(SCHEDULE)
def arrive(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, working.arrive, _("is here"), undo="lab.undo_arrive")


@bp.post("/tests/<uuid:lab_order_id>/undo-arrive")
@needs(SCHEDULE)
def undo_arrive(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, working.undo_arrive, _("is expected again"))


@bp.post("/tests/<uuid:lab_order_id>/collect")
@needs(WORK)
def collect(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, working.collect, _("the specimen is taken"), undo="lab.undo_collect")


@bp.post("/tests/<uuid:lab_order_id>/undo-collect")
@needs(WORK)
def undo_collect(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, working.undo_collect, _("the specimen is not taken yet"))


@bp.post("/tests/<uuid:lab_order_id>/verify")
@needs(WORK)
def verify(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, working.verify, _("the result is verified"), undo="lab.undo_verify")


@bp.post("/tests/<uuid:lab_order_id>/undo-verify")
@needs(WORK)
def undo_verify(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, working.undo_verify, _("the result is not verified yet"))


@bp.post("/tests/<uuid:lab_order_id>/undo-fail")
@needs(WORK)
def undo_fail(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, working.undo_fail, _("the specimen can be used after all"))


@bp.post("/tests/<uuid:lab_order_id>/collect-anew")
@needs(WORK)
def collect_anew(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, working.collect_anew, _("another specimen is wanted"))


@bp.get("/tests/<uuid:lab_order_id>/fail", endpoint="fail_form")
@needs(WORK)
def fail_form(lab_order_id: UUID) -> ResponseReturnValue:
    return _ask(lab_order_id, "fail")


@bp.post("/tests/<uuid:lab_order_id>/fail")
@needs(WORK)
def fail(lab_order_id: UUID) -> ResponseReturnValue:
    return _with_reason(lab_order_id, "fail", working.fail, _("the specimen can't be used"), "lab.undo_fail")


@bp.get("/tests/<uuid:lab_order_id>/cancel", endpoint="cancel_form")
@needs(SCHEDULE)
def cancel_form(lab_order_id: UUID) -> ResponseReturnValue:
    return _ask(lab_order_id, "cancel")


@bp.post("/tests/<uuid:lab_order_id>/cancel")
@needs(SCHEDULE)
def cancel(lab_order_id: UUID) -> ResponseReturnValue:
    return _with_reason(
        lab_order_id, "cancel", cancelling.cancel, _("the test is cancelled"), "lab.undo_cancel"
    )


@bp.post("/tests/<uuid:lab_order_id>/undo-cancel")
@needs(SCHEDULE)
def undo_cancel(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, cancelling.undo, _("is expected again"))


@bp.get("/tests/<uuid:lab_order_id>/result")
@needs(WORK)
def result_form(lab_order_id: UUID) -> ResponseReturnValue:
    return _result(lab_order_id, {})


@bp.post("/tests/<uuid:lab_order_id>/result")
@needs(WORK)
def result(lab_order_id: UUID) -> ResponseReturnValue:
    typed = request.form
    try:
        done = results.enter(
            actor(), lab_order_id, forms.lines(typed), version=forms.version_of(typed), key=form_key()
        )
    except (InvalidForm, RuleBroken) as error:
        return make_response(_result(lab_order_id, typed, form_errors(error)), error.status)
    return said(done, _("the result is entered"), undo="lab.undo_result")


@bp.post("/tests/<uuid:lab_order_id>/undo-result")
@needs(WORK)
def undo_result(lab_order_id: UUID) -> ResponseReturnValue:
    return _act(lab_order_id, results.undo, _("the result is taken back"))


def show_page(**context: Any) -> str:
    """Render the worklist; ``hand`` is what stands beside it."""
    in_hand = Markup(context.pop("hand", ""))  # noqa: S704 - rendered by our own templates
    return render_template("lab/page.html", **day_context(), hand=in_hand, **context)


def day_context() -> dict[str, Any]:
    """What the list and its chart show, as the address asks."""
    asked = request.args
    shown = asked.get("show") if asked.get("show") in LISTS else None
    found = worklist.day_of(
        actor(), forms.day_of(asked.get("day")), shown=shown, lab_test_id=forms.id_of(asked.get("test"))
    )
    return {"day": found, "address": _addresses(found), "chart": columns(found.hours, is_rtl=_is_rtl())}


def _is_rtl() -> bool:
    return language() == "ar"


def _addresses(found: Day) -> Callable[..., str]:
    here = {
        "day": found.day.isoformat() if found.day != found.today else None,
        "show": found.shown,
        "test": found.lab_test_id,
    }

    def address(endpoint: str = "lab.page", **other: Any) -> str:
        return url_for(endpoint, **{name: value for name, value in (here | other).items() if value})

    return address


def hand(held: InHand, **context: Any) -> str:
    """Render a test in hand; ``act`` is the form that stands in it."""
    values = {"act": None, "typed": {}, "errors": {}} | context
    words = {name: say(word) for name, word in FLAG_WORDS.items()}
    return render_template("lab/_test.html", held=held, flag_words=words, **values)


def answer(lab_order_id: UUID, **context: Any) -> str:
    """Render a form in hand: alone for a part of the page, beside the list otherwise."""
    shown = hand(one.in_hand(actor(), lab_order_id), **context)
    return shown if is_htmx() else show_page(hand=shown)


def said(done: Done, text: str, *, undo: str | None = None) -> ResponseReturnValue:
    """Answer an act: the line in the foot, and the test as it is now, in hand."""
    act = LastAct(
        text=text,
        who=name_of(done.patient_id) if is_htmx() else None,
        undo_url=url_for(undo, lab_order_id=done.lab_order_id) if undo else None,
        undo_fields={"version": done.version} if undo else {},
    )
    url = url_for("lab.page", test_in_hand=done.lab_order_id)
    in_hand = request.headers.get("HX-Target") == "hand"
    panel = hand(one.in_hand(actor(), done.lab_order_id)) if in_hand else None
    return acted(act, redirect=url, panel=panel)


def name_of(patient_id: UUID) -> str | None:
    card = patients.cards(actor(), [patient_id]).get(patient_id)
    return card.name if card else None


def _act(lab_order_id: UUID, act: Act, text: str, *, undo: str | None = None) -> ResponseReturnValue:
    return said(act(actor(), lab_order_id, version=forms.version_of(request.form)), text, undo=undo)


def _ask(lab_order_id: UUID, what: str) -> ResponseReturnValue:
    return answer(lab_order_id, act=what)


def _with_reason(lab_order_id: UUID, what: str, act: Act, text: str, undo: str) -> ResponseReturnValue:
    typed = request.form
    try:
        done = act(actor(), lab_order_id, forms.reason_of(typed), version=forms.version_of(typed))
    except RuleBroken as error:
        shown = answer(lab_order_id, act=what, typed=typed, errors=form_errors(error))
        return make_response(shown, error.status)
    return said(done, text, undo=undo)


def _result(lab_order_id: UUID, typed: Any, errors: dict[str, str] | None = None) -> ResponseReturnValue:
    held = one.in_hand(actor(), lab_order_id)
    values = {
        "act": "result",
        "typed": typed,
        "errors": errors or {},
        "lines": one.lines_to_fill(actor(), held),
        "key": typed.get("idempotency_key") or new_key(),
        "version": typed.get("version") or held.row.version,
    }
    shown = hand(held, **values)
    return shown if is_htmx() else show_page(hand=shown)
