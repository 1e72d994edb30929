"""What a program sends, read strictly into its shape; a problem for each thing that is wrong, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from flask import request
from pydantic import ValidationError

from clinic_web.interop.errors import JsonOnly, Misshapen, NotReadable, Wrong
from clinic_web.interop.shapes.common import In
from clinic_web.kernel.errors import N_

Shape = TypeVar("Shape", bound=In)

JSON = "application/json"
LONGEST = 90
# A bare token, or the quoted string of the Idempotency-Key draft; written as the document says it, too.
_TOKEN = rf"[!#-[\]-~]{{1,{LONGEST}}}"
KEY = rf'^({_TOKEN}|"{_TOKEN}")$'
KEY_HEADER = "Idempotency-Key"
MOST_WRONG = 20


def query(shape: type[Shape]) -> Shape:
    """Return what the address asks. Raises Misshapen (422) with the parameters' names."""
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise Misshapen([Wrong("parameter", name, "Send this once.") for name in twice])
    try:
        return shape.model_validate_strings(request.args.to_dict())
    except ValidationError as error:
        raise Misshapen(
            [Wrong("parameter", str((each["loc"] or ("?",))[0]), each["msg"]) for each in _errors(error)]
        ) from error


def body(shape: type[Shape]) -> Shape:
    """Return the body. Raises JsonOnly (415), NotReadable (400), Misshapen (422) with JSON pointers."""
    if request.mimetype != JSON:
        raise JsonOnly
    try:
        return shape.model_validate_json(request.get_data(cache=False))
    except ValidationError as error:
        wrong = _errors(error)
        if any(each["type"] == "json_invalid" for each in wrong):
            raise NotReadable(N_("This is no JSON.")) from error
        raise Misshapen([Wrong("pointer", pointer(each["loc"]), each["msg"]) for each in wrong]) from error


def pointer(path: Iterable[str | int]) -> str:
    """Return a path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def idempotency_key() -> str:
    """Return the key. Raises NotReadable (400) without one."""
    given = request.headers.get(KEY_HEADER, "").strip(" \t")  # what HTTP allows around it, and no more
    if not re.fullmatch(KEY, given):
        sentence = N_(
            "Send an Idempotency-Key: a new one for each thing to be made, the same when you ask again."
        )
        raise NotReadable(
            sentence, wrong=[Wrong("header", KEY_HEADER, f"1 to {LONGEST} printable characters.")]
        )
    return given.strip('"')


def other_body() -> Misshapen:
    """Return the refusal of a key that came with another body before (422)."""
    return Misshapen([Wrong("header", KEY_HEADER, "This key came with another body before. Take a new one.")])


def _errors(error: ValidationError) -> list[Any]:
    return error.errors(include_url=False, include_context=False, include_input=False)[:MOST_WRONG]
