"""Is the web process ready, and who may log in to the demo centre?"""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from dev import say

COLUMNS = ["role", "username", "password", "page"]


def is_ready(host: str, port: int) -> bool:
    """Asks /readyz under the name that browsers use."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def logins_table(file: Path, public_url: str) -> str:
    """The generated logins as a table; empty where there is no demo centre."""
    try:
        logins = json.loads(file.read_text())
    except (OSError, ValueError):
        return ""
    rows = [login | {"page": public_url + login.get("start", "/")} for login in logins]
    return say.table(rows, COLUMNS)


def _reachable(host: str) -> str:
    """The address to ask for a server that listens on all addresses."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
