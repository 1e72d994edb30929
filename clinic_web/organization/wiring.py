"""How organization is plugged in: its pages below ``/admin``, its live topic, where a person works."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Flask

from clinic_web.kernel import unit_of_work
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.organization import directory
from clinic_web.organization.access import MANAGE
from clinic_web.organization.routes import bp
from clinic_web.organization.routes.overview import state_of
from clinic_web.organization.setting_up.kinds import KINDS
from clinic_web.ui import admin, policies, sockets
from clinic_web.ui.nav import entry
from clinic_web.ui.ports import Place, ports

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner


def wire(app: Flask) -> None:
    """Let a commit of this process renew the directory at once; name the place in the band."""
    unit_of_work.after_commit(directory.forget_changed)
    ports.place = place_of
    app.register_blueprint(bp)
    sockets.topic_rule(
        directory.TOPIC, may_join, permission="account.own", names="tenant", within=policies.TENANT
    )
    for part, named in (
        ("row_id", "thing of the set-up"),
        ("staff_id", "staff"),
        ("clinic_id", "clinic"),
        ("leave_id", "leave"),
    ):
        policies.address_names(part, named, policies.TENANT, at="organization.")
    entry(order=90, label=N_("Set-up"), endpoint="organization.admin", permission=MANAGE, is_start=False)
    for kind in KINDS.values():
        at = {} if kind.is_single else {"name": kind.name}
        admin.section(
            order=kind.order,
            label=kind.title,
            why=kind.why,
            icon=kind.icon,
            endpoint="organization.organization" if kind.is_single else "organization.things",
            permission=MANAGE,
            state=partial(state_of, kind.name),
            **at,
        )
    admin.section(
        order=80,
        label=N_("Working hours"),
        why=N_("When doctors see patients: a week for each clinic, valid from a day on."),
        icon="calendar-week",
        endpoint="organization.hours_list",
        permission=MANAGE,
        state=partial(state_of, "hours"),
    )
    admin.section(
        order=85,
        label=N_("Leave"),
        why=N_("When doctors are away. Who has an appointment then is shown, and nothing is lost."),
        icon="calendar-x",
        endpoint="organization.leave",
        permission=MANAGE,
    )


def may_join(joiner: Joiner, topic: str) -> bool:
    """Who works here hears the changes of their own organization."""
    actor = joiner.actor
    return actor is not None and actor.can("account.own") and topic == directory.topic(actor.organization_id)


def place_of(actor: Actor) -> Place | None:
    """Return where the actor works; None for somebody who is of no facility yet."""
    if actor.facility_id is None:
        return None
    here = directory.facility(actor)
    return Place(here.name, here.timezone, here.currency, tuple(here.languages), here.name_ar)
