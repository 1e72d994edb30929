"""The program with two routes more, which do nothing but what guards and notes a request."""

from __future__ import annotations

from flask import Flask

from clinic_web.app import create_app
from clinic_web.audit import api as audit
from clinic_web.ui.web import actor, needs, open_to_all

OPEN, GUARDED = "/bench/open", "/bench/guarded"


def app() -> Flask:
    """The program, and ``GUARDED``: session, right, tenant of the transaction, a row of the access log as
    lists leave it."""
    program = create_app()

    @program.get(OPEN)
    @open_to_all("measured: says a word")
    def say_a_word() -> str:
        return "Hello"

    @program.get(GUARDED)
    @needs("patient.view")
    def say_it_to_who_may() -> str:
        audit.saw_list(audit.list_view(actor(), "bench", "patient", None))
        return "Hello"

    return program
