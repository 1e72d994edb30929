"""Every error of the API as ``application/problem+json`` (RFC 9457), also where no address was found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Response, g
from werkzeug.exceptions import HTTPException

from clinic_web.interop.errors import Refused
from clinic_web.kernel.errors import Busy, InvalidForm, NotAllowed, RuleBroken
from clinic_web.kernel.idempotency import StillRunning
from clinic_web.reception import api as reception
from clinic_web.ui.answers import RETRY_AFTER
from clinic_web.ui.texts import say

PROBLEM = "application/problem+json"
DOCS = "/api/v1/docs"
# What programs tell problems apart by: the end of ``type``, which the page of the API explains.
KINDS: dict[int, tuple[str, str]] = {
    400: ("unreadable", "The request could not be read"),
    401: ("no-token", "No open token"),
    403: ("not-allowed", "Not allowed"),
    404: ("not-found", "Not here"),
    405: ("no-such-method", "Not with this method"),
    409: ("conflict", "It moved on"),
    412: ("changed-meanwhile", "Changed meanwhile"),
    413: ("too-large", "Too large"),
    415: ("not-json", "Only JSON is read"),
    422: ("invalid", "Something is wrong in what was sent"),
    428: ("version-needed", "The version is missing"),
    429: ("too-often", "Too many requests"),
    500: ("fault", "Something went wrong"),
    503: ("busy", "Please try again in a moment"),
}
STILL_RUNNING = ("still-running", "The first request with this key is still running")
OTHER = ("refused", "Refused")


def show(status: int, sentence: str, error: Exception | None) -> Response:
    """Render an error. ``sentence`` is translated, ``error`` what was raised."""
    kind, title = STILL_RUNNING if isinstance(error, StillRunning) else KINDS.get(status, OTHER)
    body: dict[str, Any] = {
        "type": f"{DOCS}#{kind}",
        "title": title,
        "status": status,
        "detail": sentence,
        "request_id": g.get("request_id", "------"),
    }
    if wrong := list(_wrong(error)):
        body["errors"] = wrong
    if isinstance(error, reception.SlotTaken | reception.SlotRefused):
        body["nearest"] = [_slot(each) for each in error.nearest]
    response = Response(json.dumps(body, ensure_ascii=False), status, mimetype=PROBLEM)
    response.headers.update(_headers(error))
    return response


def _wrong(error: Exception | None) -> Iterator[dict[str, str]]:
    if isinstance(error, Refused):
        yield from ({each.kind: each.where, "detail": each.detail} for each in error.wrong)
    elif isinstance(error, InvalidForm):
        yield from ({"pointer": f"/{name}", "detail": say(each)} for name, each in error.errors.items())
    elif isinstance(error, RuleBroken) and error.field:
        yield {"pointer": f"/{error.field}", "detail": say(error)}


def _slot(slot: reception.Slot) -> dict[str, str]:
    return {
        "doctor_id": str(slot.doctor_id),
        "start_time": slot.start_time.isoformat(),
        "end_time": slot.end_time.isoformat(),
    }


def _headers(error: Exception | None) -> dict[str, str]:
    if isinstance(error, Refused):
        return error.headers
    if isinstance(error, NotAllowed):
        scope = f'Bearer realm="clinic-web", error="insufficient_scope", scope="{error.permission}"'
        return {"WWW-Authenticate": scope}
    if isinstance(error, Busy):
        return {"Retry-After": RETRY_AFTER}
    if isinstance(error, HTTPException):
        return {name: value for name, value in error.get_headers() if name == "Allow"}
    return {}
