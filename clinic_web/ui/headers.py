"""Security headers of every answer, in one place."""

from __future__ import annotations

import secrets

from flask import Flask, Response, current_app, g, request

from clinic_web.config import Settings
from clinic_web.kernel.errors import N_, DomainError

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src {scripts}",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
NO_SCRIPTS_INSIDE = POLICY.format(scripts="'self'")  # of what carries none, such as every fragment
# Of a file that somebody opens by itself: it is no page, and can do nothing.
POLICY_OF_FILES = "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
FIXED = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)
ONLY_BY_TLS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
NUL = "\x00"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class CrossSite(DomainError):
    """Another site's page sent this request."""

    status = 403

    def __init__(self) -> None:
        super().__init__(N_("This request came from another site and was refused."))


def csp_nonce() -> str:
    """Return the request's nonce for the few scripts a page carries."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def refuse_cross_site() -> None:
    """Refuse what a browser says another site caused; the CSRF token guards the browsers that don't say."""
    if request.method not in SAFE_METHODS and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CrossSite


def cookie_name(name: str) -> str:
    """Return the cookie's name as it is here: under https a browser takes it from this very host only."""
    return f"__Host-{name}" if current_app.config["SESSION_COOKIE_SECURE"] else name


def emptied(response: Response) -> Response:
    """Let the browser throw away the pages that its back button could show again. Nothing else of ours is
    there: its storage holds one switch for a sound, and the device's cookie is to stay."""
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


class NotText(DomainError):
    """A character that no keyboard types and no text in PostgreSQL can hold."""

    status = 400

    def __init__(self) -> None:
        super().__init__(N_("This form is too old or incomplete. Please open the page again."))


def refuse_what_is_no_text() -> None:
    """Refuse NUL anywhere in an address or a form, before somebody looks for it in the database."""
    if b"%00" in request.query_string or NUL in request.path:
        raise NotText
    if request.method not in SAFE_METHODS and any(
        NUL in name or NUL in value for name, value in request.form.items(multi=True)
    ):
        raise NotText


def install(app: Flask, settings: Settings) -> None:
    app.before_request(refuse_cross_site)
    app.before_request(refuse_what_is_no_text)
    fixed = (*FIXED, ONLY_BY_TLS) if settings.is_https else FIXED

    @app.after_request
    def protect(response: Response) -> Response:
        headers = response.headers
        headers.extend(fixed)
        if request.endpoint == "static":
            headers.add("Content-Security-Policy", POLICY_OF_FILES)
            _say_letters(response)
        else:
            headers.setdefault("Cache-Control", "no-store")
            headers.add("Content-Security-Policy", _policy())
        return response


def _policy() -> str:
    nonce = g.get("csp_nonce")
    return POLICY.format(scripts=f"'self' 'nonce-{nonce}'") if nonce else NO_SCRIPTS_INSIDE


def _say_letters(response: Response) -> None:
    """XML such as SVG says its letters, too; Flask says it of text only."""
    if (response.mimetype or "").endswith("+xml"):
        response.content_type = f"{response.mimetype}; charset=utf-8"
