"""The least that could answer a kept list: who asks, one row in the access log, a string of that size.

Both statements are the program's own, by bare psycopg; there is no cache, no rights, no page around it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from flask import Flask

from bench.floor import Pool, _seen, _who_asks
from bench.floor_sql import WITNESS


def listing() -> Flask:
    app = Flask("floor")
    facts = json.loads(Path(os.environ["FLOOR_FACTS"]).read_text())
    pool = Pool(os.environ["DATABASE_URL"])
    page, metadata = "x" * facts["size"], {"ids": facts["ids"]}

    @app.get("/healthz")
    def healthz() -> str:
        return "alive"

    @app.get("/visits")
    def visits() -> str:
        with pool.cursor() as cursor:
            values = _who_asks(cursor, facts) | {"action": "visit.list"}
            seen = _seen(values, "visit", None) | {"resource_id": None, "metadata": metadata}
            cursor.execute(WITNESS, {"witnesses": json.dumps([seen])})
        return page

    return app
