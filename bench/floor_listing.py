"""What a kept list is measured against: routes that do nothing but what each view of a list has to do.

``program()`` is the program with one bare route more: the same session look-up and rights as every route, the
same row in the access log, and a string of that size. ``listing()`` does the two statements by bare psycopg
under a bare Flask: no signed cookie, no CSRF, no headers, no languages.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from flask import Flask

from bench.floor import Pool, _seen, _who_asks
from bench.floor_sql import WITNESS
from clinic_web.app import create_app
from clinic_web.audit import api as audit
from clinic_web.ui.web import actor, needs


def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(Path(os.environ["FLOOR_FACTS"]).read_text())
    return facts


def program() -> Flask:
    app, facts = create_app(), _facts()
    page, ids = "x" * facts["size"], json.dumps({"ids": facts["ids"]})

    @app.get("/bare")
    @needs("visit.view")
    def bare() -> str:
        audit.saw_list(audit.list_view(actor(), "visit.list", "visit", ids))
        return page

    return app


def listing() -> Flask:
    app, facts = Flask("floor"), _facts()
    pool = Pool(os.environ["DATABASE_URL"], facts["place"]["organization_id"])
    page, metadata = "x" * facts["size"], {"ids": facts["ids"]}

    @app.get("/healthz")
    def healthz() -> str:
        return "alive"

    @app.get("/bare")
    def bare() -> str:
        with pool.connection() as connection:
            cursor = connection.cursor()
            values = _who_asks(cursor, facts) | {"action": "visit.list"}
            seen = _seen(values, "visit", None) | {"resource_id": None, "metadata": metadata}
            cursor.execute(WITNESS, {"witnesses": json.dumps([seen])})
        return page

    return app
