"""The way to the portal's own sign-in, for each page of patients, whichever module it is of."""

from __future__ import annotations

from urllib.parse import quote

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from clinic_web.ui.private import this_address
from clinic_web.ui.web import SignInNeeded, is_htmx


def lead_to_door(_error: SignInNeeded) -> ResponseReturnValue:
    """Lead a person to the portal's own sign-in page, and back to where they were."""
    here = this_address() if request.method == "GET" and not is_htmx() else ""
    target = url_for("portal.login") + (f"?next={quote(here)}" if here else "")
    if is_htmx():
        return "", 401, {"HX-Redirect": target}
    if request.accept_mimetypes.best == "application/json":
        return {"error": "signed-out"}, 401
    return redirect(target)
