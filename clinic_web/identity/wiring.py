"""Registers identity with the program."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.identity import api, jobs, login
from clinic_web.identity.routes import bp
from clinic_web.kernel import schedule
from clinic_web.ui.ports import ports


def wire(app: Flask) -> None:
    login.install(app)
    app.register_blueprint(bp)
    ports.actor = login.load_actor
    ports.session_id = login.session_id
    ports.language = login.language
    ports.theme = login.theme
    ports.names_of = api.names_of
    ports.session_rights = api.open_session_rights
    schedule.every(timedelta(days=1), "identity.forget_old_sign_ins", jobs.forget_old_sign_ins)
