"""The OpenAPI 3.1 document, made of what ``endpoint`` was told: there is no second place where the API is
said."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from openapi_pydantic import (
    Components,
    Contact,
    Header,
    Info,
    MediaType,
    OpenAPI,
    Operation,
    Parameter,
    PathItem,
    Reference,
    RequestBody,
    Response,
    Schema,
    SecurityScheme,
    Tag,
)
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from clinic_web.interop.endpoint import ENDPOINTS, JSON, Endpoint
from clinic_web.interop.problems import KINDS, PROBLEM
from clinic_web.interop.reading import KEY, KEY_HEADER
from clinic_web.interop.shapes.common import In, Problem

PREFIX = "/api/v1"
PART = re.compile(r"<uuid:(\w+)>")
REF = "#/components/schemas/{model}"
BEARER = "token"
ABOUT = (
    "Appointments, visits, payments and what belongs to them, for other programs. Each request carries a"
    " token that an administrator of the clinic has made (*Other programs*), with its rights, its facility"
    " and its expiry. Ids are UUIDs, moments ISO 8601 with their offset, sums of money texts beside a"
    " currency. What is another facility's or tenant's is not there: 404."
)
WHY = {
    400: "The body is no JSON, or a header is missing or can't be read.",
    401: "No token, or one that is expired, revoked or unknown.",
    403: "The token lacks the right, or the chart is closed to it.",
    404: "Not here: what the address names, or what the body does.",
    409: "It moved on; or the first request with this key is still running.",
    412: "It was changed since the version that If-Match names.",
    413: "More than a mebibyte.",
    415: "The body is not JSON.",
    422: "Something does not have the documented shape, or breaks a rule: `errors` says where.",
    428: "If-Match is missing.",
    429: "Too many requests in this minute: Retry-After says when it goes on.",
    500: "A fault of ours.",
    503: "The database was not to be had in time: nothing was changed, Retry-After says when to ask again.",
}
ETAG = "The version, to be sent as If-Match with the next change."
HEADERS = {
    401: {"WWW-Authenticate": "What was missing."},
    403: {"WWW-Authenticate": "Which right was missing, where one was."},
    429: {"Retry-After": "Seconds."},
    503: {"Retry-After": "Seconds."},
}


@cache
def document() -> dict[str, Any]:
    """Return the document as plain data."""
    made = OpenAPI(
        openapi="3.1.1",
        info=Info(
            title="Clinic Web",
            version="1",
            description=ABOUT,
            contact=Contact(name="The clinic's administrator"),
        ),
        tags=[Tag(name=name) for name in dict.fromkeys(each.tag for each in ENDPOINTS)],
        paths=_paths(),
        components=Components(
            schemas=_schemas(),
            securitySchemes={
                BEARER: SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="An administrator makes it under *Other programs*; its scopes are rights.",
                )
            },
        ),
        security=[{BEARER: []}],
    )
    data: dict[str, Any] = made.model_dump(mode="json", by_alias=True, exclude_none=True)
    return data


def _paths() -> dict[str, PathItem]:
    paths: dict[str, dict[str, Operation]] = {}
    for each in ENDPOINTS:
        paths.setdefault(PREFIX + PART.sub(r"{\1}", each.path), {})[each.method.lower()] = _operation(each)
    return {path: PathItem.model_validate(methods) for path, methods in paths.items()}


def _operation(made: Endpoint) -> Operation:
    return Operation(
        operationId=made.name,
        tags=[made.tag],
        summary=made.summary,
        description=" ".join(filter(None, (made.more, f"Needs {_scopes(made)}."))),
        security=[{BEARER: [each for each in (made.scope, made.also) if each]}],
        parameters=_parameters(made),
        requestBody=_body(made),
        responses=_responses(made),
    )


def _scopes(made: Endpoint) -> str:
    return " and ".join(f"`{each}`" for each in (made.scope, made.also) if each)


def _parameters(made: Endpoint) -> list[Parameter | Reference]:
    found: list[Parameter | Reference] = [
        _parameter(name, "path", {"type": "string", "format": "uuid"}, is_required=True)
        for name in PART.findall(made.path)
    ]
    if made.query:
        found += _of_query(made.query)
    if made.creates:
        key = {"type": "string", "pattern": KEY}
        about = "A new one for each thing to be made; the same again gives the first answer again."
        found.append(_parameter(KEY_HEADER, "header", key, is_required=True, about=about))
    if made.changes:
        about = "The ETag of what is to be changed, as it was read."
        found.append(_parameter("If-Match", "header", {"type": "string"}, is_required=True, about=about))
    return found


def _parameter(
    name: str, where: str, schema: dict[str, Any], *, is_required: bool = False, about: str | None = None
) -> Parameter:
    return Parameter.model_validate(
        {"name": name, "in": where, "required": is_required, "schema": schema, "description": about}
    )


def _of_query(shape: type[In]) -> list[Parameter]:
    """A parameter for each field. What may be left out is not null there: it is not sent."""
    whole = shape.model_json_schema()
    found = []
    for name, schema in whole["properties"].items():
        plain = _inlined({**schema}, whole.get("$defs", {}))
        plain.pop("title", None)
        about = plain.pop("description", None)
        if plain.get("default", 0) is None:
            plain.pop("default")
        is_required = name in whole.get("required", ())
        found.append(_parameter(name, "query", plain, is_required=is_required, about=about))
    return found


def _inlined(schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    options = [each for each in schema.pop("anyOf", ()) if each.get("type") != "null"]
    if len(options) == 1:
        schema |= options[0]
    if "$ref" in schema:
        schema |= known[schema.pop("$ref").rsplit("/", 1)[1]]
    return schema


def _body(made: Endpoint) -> RequestBody | None:
    if made.body is None:
        return None
    return RequestBody(required=True, content={JSON: _content(made.body)})


def _content(shape: type[BaseModel]) -> MediaType:
    return MediaType.model_validate({"schema": {"$ref": REF.format(model=_name(shape))}})


def _responses(made: Endpoint) -> dict[str, Response | Reference]:
    headers = {"ETag": ETAG} if made.shows else {}
    if made.creates:
        headers |= {
            "Idempotent-Replayed": "`true` where this is the first answer again.",
            "Location": "Where it is from now on.",
        }
    if _is_list(made):
        headers |= {"Link": 'The next page, as rel="next".'}
    right = Response.model_validate(
        {
            "description": "It was made." if made.creates else "As it is now.",
            "headers": _headers(headers),
            "content": {JSON: _content(made.answers)},
        }
    )
    wrong = {str(status): _problem(status) for status in refusals(made)}
    return {str(made.status): right, **wrong}


def _is_list(made: Endpoint) -> bool:
    return "next" in made.answers.model_fields


def _headers(about: dict[str, str]) -> dict[str, Header | Reference] | None:
    made: dict[str, Header | Reference] = {
        name: Header.model_validate({"description": text, "schema": {"type": "string"}})
        for name, text in about.items()
    }
    return made or None


def refusals(made: Endpoint) -> list[int]:
    """Return every status besides the right one that the address may answer."""
    found = {401, 403, 422, 429, 500, 503, *made.refuses}
    if "<" in made.path:
        found.add(404)
    if made.body:
        found |= {400, 413, 415}
    if made.method == "GET":
        found.add(400)
    if made.creates:
        found |= {400, 409}
    if made.changes:
        found |= {409, 412, 428}
    return sorted(found)


def _problem(status: int) -> Response:
    return Response.model_validate(
        {
            "description": WHY.get(status, KINDS[status][1]),
            "headers": _headers(HEADERS.get(status, {})),
            "content": {PROBLEM: _content(Problem)},
        }
    )


def _schemas() -> dict[str, Schema]:
    shapes: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for each in ENDPOINTS:
        shapes.append((each.answers, "serialization"))
        if each.body:
            shapes.append((each.body, "validation"))
    _, made = models_json_schema(list(dict.fromkeys(shapes)), ref_template=REF)
    return {_plain(name): Schema.model_validate(_renamed(schema)) for name, schema in made["$defs"].items()}


def _name(shape: type[BaseModel]) -> str:
    """A page of appointments is called ``Page_Appointment_``, as pydantic names it in a document."""
    return _plain(shape.__name__)


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)


def _renamed(schema: Any) -> Any:
    """Return the schema with its references as the names are written here."""
    if isinstance(schema, dict):
        return {
            key: REF.format(model=_plain(value.rsplit("/", 1)[1])) if key == "$ref" else _renamed(value)
            for key, value in schema.items()
        }
    return [_renamed(each) for each in schema] if isinstance(schema, list) else schema
