"""What interop adds to the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from clinic_web.interop import doc_routes, problems, resources  # noqa: F401 - importing declares addresses
from clinic_web.interop.endpoint import bp
from clinic_web.kernel.errors import DomainError
from clinic_web.ui import answers, policies

API = "/api/"

bp.register_error_handler(DomainError, answers.refuse)  # also what a page answers with another page


class WithoutCookies:
    """WSGI: no cookie reaches the API, so no session is honoured there and no page can use one's rights."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("PATH_INFO", "").startswith(API):
            environ.pop("HTTP_COOKIE", None)
        return self._app(environ, start_response)


def wire(app: Flask) -> None:
    """Register the API, and let its errors be told as programs read them."""
    app.register_blueprint(bp)
    app.extensions["csrf"].exempt(bp)
    app.wsgi_app = WithoutCookies(app.wsgi_app)  # type: ignore[method-assign]
    answers.show_otherwise(API, problems.show)
    policies.address_names(
        "patient_id", "patient", policies.TENANT, at="api.patient", strangers=("patient.view_any",)
    )
