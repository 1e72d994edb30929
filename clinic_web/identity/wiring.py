"""Registers identity with the program."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from clinic_web.config import Settings
from clinic_web.identity import api, band, jobs, listing, login
from clinic_web.identity.access import MANAGE
from clinic_web.identity.admin_routes import bp as users
from clinic_web.identity.attempt_routes import bp as attempts
from clinic_web.identity.link_routes import bp as links_bp
from clinic_web.identity.passkey_routes import bp as passkeys
from clinic_web.identity.ports import ports as identity_ports
from clinic_web.identity.proof_routes import ask_proof
from clinic_web.identity.proof_routes import bp as proof
from clinic_web.identity.role_routes import bp as roles
from clinic_web.identity.routes import bp
from clinic_web.identity.security_routes import bp as security
from clinic_web.identity.service import challenges, factors, links
from clinic_web.identity.service.views import views_of
from clinic_web.identity.token_routes import bp as tokens
from clinic_web.identity.view_routes import bp as views
from clinic_web.kernel import acting, schedule, tenant
from clinic_web.kernel import jobs as background
from clinic_web.kernel.errors import N_
from clinic_web.ui import admin, policies
from clinic_web.ui.ports import ports
from clinic_web.ui.who import ProofNeeded

DAY, HOUR, SWEEP = timedelta(days=1), timedelta(hours=1), timedelta(seconds=30)


def wire(app: Flask) -> None:
    login.install(app)
    app.jinja_env.globals["my_facilities"] = band.my_facilities
    settings: Settings = app.config["SETTINGS"]
    identity_ports.public_url = settings.public_url
    identity_ports.can_mail = settings.smtp_url is not None
    for blueprint in (bp, proof, security, passkeys, links_bp, users, attempts, tokens, roles, views):
        app.register_blueprint(blueprint)
    app.register_error_handler(ProofNeeded, ask_proof)
    _list_pages()
    _say_what_addresses_name()
    _bind_ports()
    _plan_jobs()


def _list_pages() -> None:
    admin.section(
        order=100,
        label=N_("Users"),
        why=N_("Who may sign in, in which language, and with which roles."),
        icon="people",
        endpoint="users.users",
        permission=MANAGE,
        state=lambda actor: admin.State(listing.count_people(actor)),
    )
    admin.section(
        order=110,
        label=N_("Roles and rights"),
        why=N_("What each role may do. A centre can add roles of its own."),
        icon="shield-check",
        endpoint="roles.roles",
        permission=MANAGE,
    )
    admin.section(
        order=120,
        label=N_("Sign-ins"),
        why=N_("Who tried to sign in, who has to wait, and where people are signed in."),
        icon="lock",
        endpoint="attempts.tries",
        permission=MANAGE,
    )
    admin.section(
        order=130,
        label=N_("Other programs"),
        why=N_("Tokens with which other programs read here, with few rights and for some time."),
        icon="list-ul",
        endpoint="tokens.tokens",
        permission=MANAGE,
    )


def _say_what_addresses_name() -> None:
    for part, kind in (("user_id", "user"), ("role_id", "role"), ("token_id", "token of a program")):
        policies.address_names(part, kind, policies.TENANT)
    for part, kind in (("device_id", "device"), ("factor_id", "factor")):
        policies.address_names(part, kind, policies.PERSON)
    policies.address_names("session_id", "session", policies.PERSON, beyond=MANAGE)
    policies.address_names("session_id", "session", policies.TENANT, at="attempts.")
    policies.address_names("view_id", "kept view", policies.PERSON)
    policies.address_names("token", "link in a letter", policies.SECRET)


def _bind_ports() -> None:
    ports.actor = login.load_actor
    ports.remember = login.remember
    ports.forget = login.forget
    ports.session_id = login.session_id
    ports.is_fresh = login.is_fresh
    ports.language = login.language
    ports.theme = login.theme
    ports.begin_session = login.begin
    ports.names_of = api.names_of
    ports.views_of = views_of
    ports.session_rights = api.open_session_rights


def _plan_jobs() -> None:
    for interval, name, run, word in (
        (DAY, "identity.forget_old_sign_ins", jobs.forget_old_sign_ins, N_("Forget old sign-ins")),
        (DAY, "identity.seal_again", factors.seal_again, N_("Seal secrets with the newest key")),
        (DAY, "identity.forget_old_links", links.forget_old, N_("Forget old links")),
        (HOUR, "identity.forget_old_challenges", challenges.forget_old, N_("Forget sign-ins half done")),
        (SWEEP, "identity.answer_the_rest", links.answer_the_rest, N_("Answer forgotten passwords")),
    ):
        schedule.every(
            interval, name, tenant.in_each(run, and_nobody=True), word=word, acts_for=acting.EACH_TENANT
        )
    background.register("identity.answer", jobs.answer, queue="outside", acts_for=acting.ROWS_TENANT)
