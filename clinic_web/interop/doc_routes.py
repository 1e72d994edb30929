"""The API explained: the OpenAPI document for programs, and the same as a page for people."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Response, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from clinic_web.interop.endpoint import JSON, bp
from clinic_web.interop.problems import KINDS, STILL_RUNNING
from clinic_web.ui.web import open_to_all

CODE, EMPHASIS = re.compile(r"``?([^`]+)``?"), re.compile(r"\*([^*]+)\*")


@dataclass(frozen=True)
class Shown:
    """One address with one method; ``body`` and ``answer`` are names of shapes."""

    method: str
    path: str
    of: dict[str, Any]
    body: str | None
    answer: str | None


@bp.get("/openapi.json")
@open_to_all("says what the API looks like, and nothing of anybody")
def openapi() -> ResponseReturnValue:
    return Response(_as_json(), mimetype=JSON)


@bp.get("/docs")
@open_to_all("says what the API looks like, and nothing of anybody")
def docs() -> str:
    return render_template(
        "interop/docs.html",
        api=_document(),
        calls=_calls(),
        kinds=KINDS,
        why=_why(),
        still_running=STILL_RUNNING,
        kind_of=kind_of,
        shape_link=shape_link,
        said=said,
    )


def _document() -> dict[str, Any]:
    # Only who reads it needs the library it is made with: each start of a process would wait for it.
    from clinic_web.interop.document import document

    return document()


def _why() -> dict[int, str]:
    from clinic_web.interop.document import WHY

    return WHY


@cache
def _as_json() -> str:
    return json.dumps(_document(), ensure_ascii=False, indent=1)


@cache
def _calls() -> list[Shown]:
    return [
        Shown(method.upper(), path, of, _shape_in(of.get("requestBody")), _shape_in(_right_answer(of)))
        for path, methods in _document()["paths"].items()
        for method, of in methods.items()
    ]


def _right_answer(of: dict[str, Any]) -> dict[str, Any] | None:
    return next((answer for status, answer in of["responses"].items() if status.startswith("2")), None)


def _shape_in(part: dict[str, Any] | None) -> str | None:
    return _name_of(part["content"][JSON]["schema"]) if part else None


def _name_of(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[1]


def kind_of(schema: dict[str, Any]) -> Markup:
    """Return what a field holds, in a few words; a shape as a link to it."""
    if "$ref" in schema:
        return shape_link(_name_of(schema))
    if "anyOf" in schema:
        return Markup(" | ").join(kind_of(each) for each in schema["anyOf"])
    if "items" in schema:
        return Markup("[{}]").format(kind_of(schema["items"]))
    if "enum" in schema:
        return Markup(", ").join(Markup("<code>{}</code>").format(each) for each in schema["enum"])
    words = [schema.get("type", ""), schema.get("format", "")]
    return Markup("{}").format(" ".join(filter(None, words)))


def said(text: str) -> Markup:
    """Return a sentence of the document as HTML: what stands between backticks is code, *this* is a name."""
    return Markup(EMPHASIS.sub(r"<i>\1</i>", CODE.sub(r"<code>\1</code>", str(escape(text)))))  # noqa: S704 - escaped


def shape_link(name: str | None) -> Markup:
    return Markup('<a href="#shape-{0}"><code>{0}</code></a>').format(name) if name else Markup("")
