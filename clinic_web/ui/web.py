"""What a route is made of: the right it needs, the page or fragment it shows, the answer to an act.

A view names its permission with ``needs`` or says with ``open_to_all`` why it needs none; ``app`` refuses to
start when one does neither.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response, flash, get_template_attribute, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError

from clinic_web.kernel import tenant
from clinic_web.kernel.errors import Busy, DomainError, InvalidForm, RuleBroken
from clinic_web.kernel.unit_of_work import run_again
from clinic_web.ui.ports import ports
from clinic_web.ui.texts import say
from clinic_web.ui.who import SignInNeeded, actor, actor_or_none, place, require_fresh

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

__all__ = [
    "LastAct",
    "SignInNeeded",
    "acted",
    "actor",
    "actor_or_none",
    "form_errors",
    "form_key",
    "is_htmx",
    "needs",
    "new_key",
    "open_to_all",
    "page_or_fragment",
    "place",
    "see_other",
]

ACT = "act"  # the category under which the last act is flashed to a browser without JavaScript


def needs(
    permission: str, *, also: str | None = None, fresh: bool = False, remembers: bool = False
) -> Callable[[View], View]:
    """Let a view be used only by people who are signed in and have ``permission`` (``resource.action``).

    ``also``: a second right that it takes, such as seeing what is exported. ``fresh``: a dangerous act;
    whoever has not proved for half an hour who they are is asked to, and goes on. ``remembers``: one of the
    busiest presses, whose own statement proves who asks (a ``ProvingStatement``).
    """

    def guard(view: View) -> View:
        view = _freshly(view) if fresh else view

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            who = actor()
            who.require(permission)
            if also is not None:
                who.require(also)
            return run_again(lambda: view(*args, **kwargs))

        made = _remembering(guarded) if remembers else guarded
        made.permission = permission  # type: ignore[attr-defined]
        made.also = also  # type: ignore[attr-defined]
        return cast(View, made)

    return guard


def _remembering(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Begin with who this process remembers; begin again with who PostgreSQL knows, if that was not so."""

    @wraps(view)
    def remembered(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if ports.remember():
            try:
                return _proved(view, *args, **kwargs)
            except tenant.NotProved:
                ports.forget()
        return view(*args, **kwargs)

    return remembered


def _proved(view: Callable[..., ResponseReturnValue], *args: Any, **kwargs: Any) -> ResponseReturnValue:
    """Return what the view answers, or raise what it raises, once it is proved who asks. Raises NotProved.

    A connection that PostgreSQL closed meanwhile shows at the first statement, here the act itself. It has a
    key, so it may be repeated.
    """
    try:
        answer = view(*args, **kwargs)
    except tenant.NotProved:
        raise
    except Exception as error:
        if tenant.is_unproved() and _lost_connection(error):
            raise tenant.NotProved from error
        tenant.require_proof()
        raise
    tenant.require_proof()
    return answer


def _lost_connection(error: Exception) -> bool:
    cause = error.__cause__ if isinstance(error, Busy) else error
    return isinstance(cause, DBAPIError) and cause.connection_invalidated


def _freshly(view: View) -> View:
    """A wrapper of its own, so that other views don't pay for a question."""

    @wraps(view)
    def proved(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        require_fresh()
        return view(*args, **kwargs)

    proved.needs_proof = True  # type: ignore[attr-defined]
    return cast(View, proved)


def open_to_all(reason: str) -> Callable[[View], View]:
    """Let a view be used without signing in; ``reason`` says what protects it instead."""

    def guard(view: View) -> View:
        @wraps(view)
        def opened(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            return run_again(lambda: view(*args, **kwargs))

        opened.open_to_all = reason  # type: ignore[attr-defined]
        return cast(View, opened)

    return guard


def is_htmx() -> bool:
    """Return whether a part of the page asks, rather than the address bar."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def page_or_fragment(page: str, fragment: str, **context: Any) -> str:
    """Render the fragment for htmx and the whole page otherwise, from the same context."""
    return render_template(fragment if is_htmx() else page, **context)


@dataclass(frozen=True, kw_only=True)
class LastAct:
    """The line in the foot: what just happened, and how to undo it.

    ``text`` is translated and without personal data, because it may travel in a cookie to a browser without
    JavaScript; ``who`` is added only to an answer that is shown at once. ``undo_fields`` are the undo form's
    hidden fields (a version, a key).
    """

    text: str
    ticket: str | None = None
    ticket_state: str | None = None
    who: str | None = None
    undo_url: str | None = None
    undo_fields: Mapping[str, str | int] = field(default_factory=dict)


def acted(act: LastAct, *, redirect: str, panel: str | None = None, status: int = 200) -> Response:
    """Answer a successful act: htmx gets the panel (if any) and the last act, a plain browser a redirect.

    The other parts of the page are not rendered here: they fetch themselves when their topic changes.
    """
    if not is_htmx():
        flash(asdict(act) | {"who": None}, ACT)  # type: ignore[arg-type]
        return see_other(redirect)
    # The macro alone: a line without the page's context (place, navigation) around it.
    line = get_template_attribute("ui/act.html", "last_act")(act, oob=panel is not None)
    body = f"{panel or ''}{line}"
    response = make_response(body, status)
    response.headers["HX-Trigger"] = "acted"
    return response


def see_other(url: str) -> Response:
    """Redirect with 303, so that reloading the next page does not send the form again."""
    return cast(Response, redirect(url, code=303))


def form_errors(error: DomainError) -> dict[str, str]:
    """Return translated sentences by field; what belongs to no field is under the empty name."""
    if isinstance(error, InvalidForm):
        return {name: say(each) for name, each in error.errors.items()}
    name = error.field if isinstance(error, RuleBroken) else None
    return {name or "": say(error)}


def form_key() -> str | None:
    """Return the idempotency key that the form carries."""
    return request.form.get("idempotency_key") or request.headers.get("Idempotency-Key")


def new_key() -> str:
    """Return a fresh idempotency key for a form."""
    return str(uuid.uuid4())
