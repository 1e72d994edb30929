"""What every address of the API is made of: who asks, how often, with which right, about what, in which
shape.

An address is declared once, with ``endpoint``; the routes, the matrix of policies and the OpenAPI document
are made of it. The order in which it refuses is always the same: no token 401, too often 429, no right 403,
not there 404, unreadable 400 or 415, misshapen 422, no version 428, another version 412; then the service
says what it thinks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from clinic_web.identity import api as identity
from clinic_web.interop import limits, reading
from clinic_web.interop.errors import MovedOn, NotReadable, TokenNeeded, VersionNeeded
from clinic_web.interop.shapes.common import In, Out
from clinic_web.kernel import idempotency, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.unit_of_work import run_again, transaction

bp = Blueprint("api", __name__, url_prefix="/api/v1")
JSON = "application/json"
CREATED = 201

Version = Callable[..., int]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, understood. ``version`` is the one that If-Match names and that stands now."""

    who: Actor
    query: Any = None
    body: Any = None
    key: str = ""
    version: int = 0
    per_minute: int = 0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What to answer: a shape, and in the headers its ``version``, its address, the next page's."""

    shape: Out
    version: int | None = None
    location: str | None = None
    next: str | None = None


View = Callable[..., Answer]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address with one method, as it is declared.

    ``creates``: it takes an Idempotency-Key and answers 201. ``changes``: it takes If-Match. ``of`` returns
    the version of the thing that the address names, or raises NotFound. ``refuses`` are further statuses that
    its service may answer. ``shows``: the answer has an ETag.
    """

    name: str
    method: str
    path: str
    summary: str
    tag: str
    scope: str
    answers: type[Out]
    also: str | None = None
    query: type[In] | None = None
    body: type[In] | None = None
    creates: bool = False
    changes: bool = False
    shows: bool = False
    of: Version | None = None
    refuses: tuple[int, ...] = ()
    more: str = ""
    view: View = field(repr=False)

    @property
    def status(self) -> int:
        return CREATED if self.creates else 200


ENDPOINTS: list[Endpoint] = []


def endpoint(method: str, path: str, **declared: Any) -> Callable[[View], View]:
    """Declare an address of the API; see ``Endpoint``. Its name is the function's, its words the
    docstring's."""

    def declare(view: View) -> View:
        summary, _, more = (view.__doc__ or "").strip().partition("\n")
        made = Endpoint(
            name=view.__name__,
            method=method,
            path=path,
            summary=summary,
            more=" ".join(more.split()),
            view=view,
            **declared,
        )
        ENDPOINTS.append(made)
        bp.add_url_rule(path, made.name, _routed(made), methods=[method])
        return view

    return declare


def _routed(made: Endpoint) -> Callable[..., ResponseReturnValue]:
    def routed(**named: UUID) -> ResponseReturnValue:
        program = _program()
        g.actor = program.actor
        limits.count(_token_id(program.actor), program.requests_per_minute)
        program.actor.require(made.scope)
        if made.also:
            program.actor.require(made.also)
        return run_again(lambda: _answered(made, program, named))

    routed.permission = made.scope  # type: ignore[attr-defined]
    routed.also = made.also  # type: ignore[attr-defined]
    routed.by_token = True  # type: ignore[attr-defined]
    return routed


def _program() -> identity.Program:
    """Return whose token it is; the rest of the request works for their tenant. Raises TokenNeeded (401)."""
    g.actor = None
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    address = (request.remote_addr or "").partition("%")[0] or None
    if kind.lower() != "bearer" or not token.strip():
        raise TokenNeeded
    program = identity.program_of(
        token.strip(), ip_address=address, user_agent=request.headers.get("User-Agent")
    )
    if program is None:
        raise TokenNeeded
    tenant.enter(program.actor.organization_id)
    return program


def _token_id(actor: Actor) -> UUID:
    assert actor.user_id is not None  # noqa: S101 - a program is never nobody
    return actor.user_id


def _answered(made: Endpoint, program: identity.Program, named: Mapping[str, UUID]) -> Response:
    who = program.actor
    now = made.of(who, **named) if made.of else 0
    query = reading.query(made.query or In)
    body = reading.body(made.body) if made.body else None
    call = Call(who=who, query=query, body=body, per_minute=program.requests_per_minute)
    if made.creates:
        return _once(made, call, named)
    if made.changes:
        return _changed(made, call, named, now)
    return respond(made, made.view(call, **named))


def _changed(made: Endpoint, call: Call, named: Mapping[str, UUID], now: int) -> Response:
    """Change what If-Match names. Whoever changes it between our look and the change makes that a 412,
    too."""
    if "If-Match" not in request.headers:
        raise VersionNeeded
    if not request.if_match.contains(str(now)):
        raise MovedOn
    call = Call(who=call.who, query=call.query, body=call.body, version=now)
    try:
        return respond(made, made.view(call, **named))
    except StaleScreen as error:
        db.session.rollback()
        if made.of and made.of(call.who, **named) != now:
            raise MovedOn from error
        raise


def _once(made: Endpoint, call: Call, named: Mapping[str, UUID]) -> Response:
    """Do it once per key, and answer the same bytes again."""
    key = reading.idempotency_key()
    asked = {"of": {name: str(value) for name, value in named.items()}, "body": _plain(call.body)}
    call = Call(who=call.who, query=call.query, body=call.body, key=key)
    with transaction():
        try:
            claim = idempotency.claim_at_once(call.who, f"api.{made.name}", key, asked)
        except idempotency.OtherBody as error:
            raise reading.other_body() from error
        if claim.answer is not None:
            return _again(claim.answer)
        response = respond(made, made.view(call, **named))
        claim.keep({"body": response.get_data(as_text=True), "headers": _kept(response)})
        return response


def _plain(body: BaseModel | None) -> Any:
    return body.model_dump(mode="json") if body else None


KEPT = ("ETag", "Location")


def _kept(response: Response) -> dict[str, str]:
    return {name: response.headers[name] for name in KEPT if name in response.headers}


def _again(answer: Mapping[str, Any]) -> Response:
    if "body" not in answer:
        raise NotReadable(N_("This key was used for something else."))
    response = Response(answer["body"], CREATED, mimetype=JSON)
    response.headers.update(answer["headers"])
    response.headers["Idempotent-Replayed"] = "true"
    return response


def respond(made: Endpoint, answer: Answer) -> Response:
    response = Response(answer.shape.model_dump_json(), made.status, mimetype=JSON)
    if answer.version is not None:
        response.set_etag(str(answer.version))
    if answer.location:
        response.headers["Location"] = answer.location
    if answer.next:
        response.headers["Link"] = f'<{answer.next}>; rel="next"'
    return response
