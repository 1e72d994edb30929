"""``/operations`` for who runs the program, ``/metrics`` for Prometheus, and the clock on every request."""

from __future__ import annotations

import hmac
import time
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.config import Settings
from clinic_web.kernel import jobs, metrics, operations, schedule
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.ui import policies, sockets
from clinic_web.ui.nav import entry
from clinic_web.ui.web import LastAct, acted, needs, open_to_all, page_or_fragment

bp = Blueprint("operations", __name__)

UNKNOWN = "unknown"  # an address that no route answers: anybody may make up as many as they like
METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}


def install(app: Flask) -> None:
    """Add the pages, and measure every request from here on: install it before what may refuse one."""
    app.register_blueprint(bp)
    app.before_request(_begin)
    app.after_request(_measure)
    operations.register_metrics()
    sockets.topic_rule(
        f"{operations.TOPIC}:",
        _may_join,
        permission="operations.view",
        names="program",
        within=policies.PROGRAM,
    )
    policies.address_names("delivery_id", "delivery", policies.PROGRAM)
    policies.address_names("filename", "file", policies.EVERYBODY, at="static")
    entry(order=90, label=N_("Operations"), endpoint="operations.page", permission="operations.view",
          is_start=False)  # fmt: skip
    with app.app_context():
        metrics.watch_pool(db.engine)


def _begin() -> None:
    g.measured_from = time.perf_counter()


def _measure(response: Response) -> Response:
    began = g.pop("measured_from", None)
    if began is not None:
        asked = request._get_current_object()  # type: ignore[attr-defined]
        route = asked.url_rule.rule if asked.url_rule else UNKNOWN
        method = asked.method if asked.method in METHODS else UNKNOWN
        metrics.requests_of(method, route, response.status_code).observe(time.perf_counter() - began)
    return response


def _may_join(joiner: sockets.Joiner, topic: str) -> bool:
    return topic == operations.TOPIC and joiner.actor is not None and joiner.actor.can("operations.view")


@bp.get("/metrics")
@open_to_all("answers only the token of METRICS_TOKEN; holds no data of anybody")
def prometheus() -> ResponseReturnValue:
    settings: Settings = current_app.config["SETTINGS"]
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.metrics_token or not hmac.compare_digest(given.encode(), settings.metrics_token.encode()):
        return Response("", 404)  # without the token nobody learns that it is here
    return Response(metrics.scrape(), content_type=metrics.CONTENT_TYPE)


@bp.get("/operations")
@needs("operations.view")
def page() -> ResponseReturnValue:
    return page_or_fragment(
        "operations/page.html",
        "operations/_operations.html",
        now=operations.now(),
        topic=operations.TOPIC,
        queue_words=jobs.QUEUE_WORDS,
        job_word=schedule.word_of,
    )


@bp.post("/operations/deliveries/<uuid:delivery_id>/retry")
@needs("operations.view")
def retry(delivery_id: UUID) -> ResponseReturnValue:
    operations.retry(delivery_id)
    return acted(LastAct(text=str(_("The delivery is due again"))), redirect=url_for(".page"))


@bp.post("/operations/deliveries/retry")
@needs("operations.view")
def retry_all() -> ResponseReturnValue:
    operations.retry_all()
    return acted(LastAct(text=str(_("All parked deliveries are due again"))), redirect=url_for(".page"))
