"""What somebody may do changes while they work."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from copy import deepcopy
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from clinic_web.config import Settings
from clinic_web.identity import api, queries
from clinic_web.identity.permissions import EVERYBODY, PERMISSIONS, ROLES
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotAllowed, NotFound, RuleBroken
from tests import databases
from tests.cast import Cast
from tests.identity.conftest import signed_in


@pytest.fixture
def amina(cast: Cast) -> str:
    """The token of a session of Amina's."""
    return signed_in(cast.people["amina"].user_id).token


def rights(token: str) -> frozenset[str]:
    user = api.actor_of_token(token)
    assert user is not None
    return user.actor.permissions


def test_a_receptionist_has_a_receptionists_rights(amina: str) -> None:
    [receptionist] = [role for role in ROLES if role.name == "receptionist"]
    assert rights(amina) == receptionist.permissions | EVERYBODY
    assert "visit.open" not in rights(amina) and "appointment.book" in rights(amina)


def test_asking_who_it_is_costs_one_statement(amina: str, count_queries: Callable) -> None:
    rights(amina)
    with count_queries() as queries_made:
        rights(amina)
    assert len(queries_made) == 1


def test_the_one_statement_goes_by_unique_keys(amina: str, settings: Settings) -> None:
    """What a function reads is in no plan; so its body is explained, as its owner runs it."""
    body = db.session.scalar(text("SELECT prosrc FROM pg_proc WHERE proname = 'session_of'"))
    asked = re.sub(r"INTO .*?\n", "", body[body.index("SELECT") : body.index(";")], flags=re.S)
    now = clock.now()
    for name, value in (
        ("= hash", f"= '\\x{queries.hash_of(amina).hex()}'"),
        ("> now", f"> '{now}'"),
        ("> idle_since", f"> '{now - queries.IDLE_LIMIT}'"),
    ):
        assert name in asked
        asked = asked.replace(name, value)
    engine = create_engine(settings.database_owner_url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.execute(text("EXPLAIN " + asked)).scalars())
    engine.dispose()
    assert "uq_sessions_token_hash" in plan and "pk_users" in plan and "Seq Scan" not in plan


def test_a_new_role_is_in_force_at_the_next_request(amina: str, cast: Cast, boss: Actor) -> None:
    assert "visit.open" not in rights(amina)
    api.grant_role(boss, cast.people["amina"].user_id, "doctor")
    assert "visit.open" in rights(amina)
    api.remove_role(boss, cast.people["amina"].user_id, "doctor")
    assert "visit.open" not in rights(amina)


def test_a_process_that_remembers_older_rights_notices(amina: str, cast: Cast, boss: Actor) -> None:
    rights(amina)
    remembered = deepcopy(queries._remembered)
    api.remove_role(boss, cast.people["amina"].user_id, "receptionist")
    assert rights(amina) == EVERYBODY
    queries._remembered.update(remembered)  # another process, which has not asked since
    assert rights(amina) == EVERYBODY


def test_a_denial_wins_over_every_role(amina: str, cast: Cast, boss: Actor) -> None:
    person = cast.people["amina"].user_id
    api.deny(boss, person, "payment.take")
    assert "payment.take" not in rights(amina)
    api.grant_role(boss, person, "cashier")
    assert "payment.take" not in rights(amina)
    api.as_by_role(boss, person, "payment.take")
    assert "payment.take" in rights(amina)


def test_one_permission_may_be_given_beside_the_roles(amina: str, cast: Cast, boss: Actor) -> None:
    person = cast.people["amina"].user_id
    api.allow(boss, person, "report.view")
    assert "report.view" in rights(amina)
    api.deny(boss, person, "report.view")
    assert "report.view" not in rights(amina)


def test_a_role_of_ones_own_changes_all_who_have_it(amina: str, cast: Cast, boss: Actor) -> None:
    person = cast.people["amina"].user_id
    api.create_role(boss, "night desk", ["report.view"])
    api.grant_role(boss, person, "night desk")
    assert "report.view" in rights(amina)
    api.change_role(boss, "night desk", ["audit.view"])
    assert "report.view" not in rights(amina) and "audit.view" in rights(amina)
    told = text("SELECT aggregate_id FROM kernel.domain_events WHERE event_type = 'role.changed'")
    assert list(db.session.scalars(told)) == [person, person]  # granted, changed


def test_a_role_that_every_centre_has_is_not_one_centres_to_change(boss: Actor) -> None:
    with pytest.raises(RuleBroken):
        api.change_role(boss, "receptionist", ["audit.view"])


def test_a_role_of_another_centre_is_not_there(cast: Cast, boss: Actor) -> None:
    api.create_role(boss, "night desk", ["report.view"])
    elsewhere = Actor(organization_id=cast.other_organization_id)
    with pytest.raises(NotFound):
        api.grant_role(elsewhere, cast.people["omar"].user_id, "night desk")


def test_another_centres_person_is_not_there(cast: Cast, boss: Actor) -> None:
    acts: list[Callable[[UUID], object]] = [
        lambda person: api.grant_role(boss, person, "doctor"),
        lambda person: api.remove_role(boss, person, "receptionist"),
        lambda person: api.deny(boss, person, "visit.call"),
        lambda person: api.set_password(boss, person, "nine-grey-pelicans"),
        lambda person: api.disable_user(boss, person),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act(cast.people["omar"].user_id)


@pytest.mark.parametrize("name", ["amina", "mona", "salma"])
def test_who_does_not_manage_people_changes_nobodys_rights(cast: Cast, name: str) -> None:
    actor, person = cast.people[name].actor, cast.people["farida"].user_id
    acts: list[Callable[[], object]] = [
        lambda: api.grant_role(actor, person, "administrator"),
        lambda: api.remove_role(actor, person, "cashier"),
        lambda: api.allow(actor, person, "visit.call"),
        lambda: api.deny(actor, person, "visit.call"),
        lambda: api.create_role(actor, "mine", []),
        lambda: api.set_password(actor, person, "nine-grey-pelicans"),
        lambda: api.disable_user(actor, person),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()


def test_nobody_hands_out_a_right_they_do_not_have(cast: Cast, boss: Actor) -> None:
    person = cast.people["amina"].user_id
    with pytest.raises(NotAllowed):
        api.grant_role(boss, person, "operator")  # shows all tenants
    with pytest.raises(NotAllowed):
        api.allow(boss, person, "operations.view")
    with pytest.raises(NotAllowed):
        api.create_role(boss, "all tenants", ["operations.view"])


def test_who_lost_a_right_cannot_take_it_back_through_another_person(cast: Cast, boss: Actor) -> None:
    assert boss.user_id is not None
    other = api.create_user(
        cast.system,
        username="second",
        password="nine-grey-pelicans",
        first_name="S",
        last_name="B",
        roles=["administrator"],
        facility_id=None,
    )
    api.deny(cast.system, boss.user_id, "audit.view")
    weaker = signed_in(boss.user_id).actor
    with pytest.raises(NotAllowed):
        api.set_password(weaker, other, "ten-green-bottles")


def test_a_change_of_rights_leaves_old_and_new_values(cast: Cast, boss: Actor) -> None:
    person = cast.people["amina"].user_id
    api.grant_role(boss, person, "doctor")
    api.grant_role(boss, person, "doctor")  # they have it: nothing changes, nothing is noted
    rows = db.session.execute(
        text(
            "SELECT user_id, old_values, new_values FROM audit.changes"
            " WHERE resource_id = :id AND action = 'role.grant'"
        ),
        {"id": person},
    ).all()
    assert rows == [(boss.user_id, {"role": None}, {"role": "doctor"})]


def test_writing_the_permissions_again_changes_nothing(amina: str) -> None:
    before = api.actor_of_token(amina)
    api.ensure_permissions()
    after = api.actor_of_token(amina)
    assert before is not None and after is not None and before.rights_stamp == after.rights_stamp


def test_a_new_versions_roles_are_in_force_at_the_next_request(amina: str) -> None:
    before = api.actor_of_token(amina)
    with tenant.of(tenant.NOBODY):  # as a new version finds them; no tenant may change these
        taken = db.session.execute(
            text(
                "DELETE FROM identity.role_permissions USING identity.permissions p"
                " WHERE p.id = permission_id AND p.name = 'visit.call'"
            )
        )
        assert taken.rowcount > 0  # type: ignore[attr-defined]
        api.ensure_permissions()
    after = api.actor_of_token(amina)
    assert before is not None and after is not None and before.rights_stamp != after.rights_stamp
    assert "visit.call" in after.actor.permissions


def test_every_role_holds_only_permissions_that_exist() -> None:
    for role in ROLES:
        assert role.permissions <= set(PERMISSIONS)
    assert all(name.count(".") == 1 for name in PERMISSIONS)


def test_what_everybody_has_cannot_be_taken(cast: Cast, boss: Actor) -> None:
    with pytest.raises(RuleBroken):
        api.deny(boss, cast.people["amina"].user_id, api.OWN_ACCOUNT)


def test_a_migrated_database_has_roles_and_rights_without_being_asked() -> None:
    """A tenant that exists already gets the roles of a newer version with its migrations."""
    name = f"clinic_test_roles_{os.getpid()}"
    databases.create_copy(name)
    engine = create_engine(databases.owner_url(name), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text(ROLES_WITH), {"permission": "audit.view"})
            assert {"administrator", "auditor"} == set(rows.scalars())
    finally:
        databases.drop(name)


ROLES_WITH = """
    SELECT r.name FROM identity.roles r
      JOIN identity.role_permissions rp ON rp.role_id = r.id
      JOIN identity.permissions p ON p.id = rp.permission_id
     WHERE p.name = :permission AND r.organization_id IS NULL
"""
