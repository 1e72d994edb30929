"""Rights: which roles exist, who has which, and single permissions given to or taken from one person.

Each change is in force at the person's next request, in every process: it renews the stamp on their row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import delete, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from clinic_web.audit import api as audit
from clinic_web.events.identity import RoleChanged
from clinic_web.identity.access import (
    MANAGE,
    permission_named,
    require_at_least,
    require_manager,
    roles_for,
    user_for,
)
from clinic_web.identity.models import (
    ALLOW,
    DENY,
    Permission,
    Role,
    RolePermission,
    User,
    UserPermission,
    UserRole,
)
from clinic_web.identity.permissions import BY_NATURE, PERMISSIONS, ROLES
from clinic_web.identity.proofs import RoleRule
from clinic_web.identity.queries import permissions_of
from clinic_web.kernel import bus, clock, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction

# The default roles hold exactly what the program says; whoever has a changed one gets a new stamp.
SYNCHRONISE = text(
    """
    WITH wanted AS (
        SELECT r.id AS role_id, p.id AS permission_id
          FROM jsonb_to_recordset(CAST(:pairs AS jsonb)) AS d(role text, permission text)
          JOIN identity.roles r ON r.name = d.role AND r.organization_id IS NULL
          JOIN identity.permissions p ON p.name = d.permission
    ), gone AS (
        DELETE FROM identity.role_permissions rp USING identity.roles r
         WHERE r.id = rp.role_id AND r.organization_id IS NULL
           AND (rp.role_id, rp.permission_id) NOT IN (SELECT role_id, permission_id FROM wanted)
        RETURNING rp.role_id
    ), came AS (
        INSERT INTO identity.role_permissions (role_id, permission_id)
        SELECT role_id, permission_id FROM wanted
            ON CONFLICT DO NOTHING
        RETURNING role_id
    )
    SELECT role_id FROM gone UNION SELECT role_id FROM came
    """
)
RENEW_STAMPS_OF = text(
    "UPDATE identity.users SET rights_stamp = gen_random_uuid()"
    " WHERE id IN (SELECT user_id FROM identity.user_roles WHERE role_id = ANY(:role_ids))"
)
RENEW_STAMPS = text(
    "UPDATE identity.users SET rights_stamp = gen_random_uuid()"
    " WHERE id IN (SELECT user_id FROM identity.user_roles WHERE role_id = :role_id) RETURNING id"
)
RENEW_STAMPS_HERE = text(
    "UPDATE identity.users SET rights_stamp = gen_random_uuid() WHERE organization_id = :organization_id"
    " AND id IN (SELECT user_id FROM identity.user_roles WHERE role_id = :role_id) RETURNING id"
)


def ensure_permissions() -> None:
    """Write the permissions and the default roles of this version. Safe to run at every start."""
    permissions = [
        {"id": new_id(), "name": name, "resource": resource, "action": action, "description": description}
        for name, description in PERMISSIONS.items()
        for resource, _, action in [name.partition(".")]
    ]
    roles = [
        {"id": new_id(), "name": role.name, "description": role.description, "is_system": True}
        for role in ROLES
    ]
    pairs = [{"role": role.name, "permission": name} for role in ROLES for name in role.permissions]
    with tenant.of(tenant.NOBODY), transaction():  # roles that are no tenant's own
        new_permissions = insert(Permission).values(permissions)
        described = {"description": new_permissions.excluded.description}
        db.session.execute(new_permissions.on_conflict_do_update(index_elements=["name"], set_=described))
        db.session.execute(insert(Role).values(roles).on_conflict_do_nothing())
        changed = list(db.session.scalars(SYNCHRONISE, {"pairs": json.dumps(pairs)}))
        for _ in tenant.each() if changed else ():
            db.session.execute(RENEW_STAMPS_OF, {"role_ids": changed})


def grant_role(actor: Actor, user_id: UUID, role_name: str) -> None:
    """Give a person a role; nobody can give a right they don't have. Raises NotAllowed, NotFound."""
    require_manager(actor)
    with transaction():
        user = user_for(actor, user_id)
        [role] = roles_for(actor, [role_name])
        require_at_least(actor, permissions_of_roles([role]))
        row = {"user_id": user.id, "role_id": role.id}
        if db.session.scalar(
            insert(UserRole).values(row).on_conflict_do_nothing().returning(UserRole.role_id)
        ):
            _changed(actor, user, "role.grant", old={"role": None}, new={"role": role.name})


def remove_role(actor: Actor, user_id: UUID, role_name: str) -> None:
    """Take a role from a person. Raises NotAllowed, NotFound."""
    require_manager(actor)
    with transaction():
        user = user_for(actor, user_id)
        [role] = roles_for(actor, [role_name])
        require_at_least(actor, permissions_of_roles([role]))
        taken = delete(UserRole).where(UserRole.user_id == user.id, UserRole.role_id == role.id)
        if db.session.scalar(taken.returning(UserRole.role_id)):
            _changed(actor, user, "role.remove", old={"role": role.name}, new={"role": None})
            require_still_manager(actor, user.id)


def allow(actor: Actor, user_id: UUID, permission: str, *, because: str = "") -> None:
    """Give one permission to one person, beside their roles. Raises NotAllowed, NotFound."""
    require_manager(actor)
    require_at_least(actor, [permission])
    _set_exception(actor, user_id, permission, ALLOW, because)


def deny(actor: Actor, user_id: UUID, permission: str, *, because: str = "") -> None:
    """Take one permission from one person, whatever their roles say. Raises NotAllowed, NotFound, 422."""
    require_manager(actor)
    if permission in BY_NATURE:
        raise RuleBroken(N_("Everybody who signs in has this right."), field="permission")
    _set_exception(actor, user_id, permission, DENY, because)


def as_by_role(actor: Actor, user_id: UUID, permission: str) -> None:
    """End what ``allow`` or ``deny`` said: the roles decide again. Raises NotAllowed, NotFound."""
    require_manager(actor)
    require_at_least(actor, [permission])
    _set_exception(actor, user_id, permission, None)


def _set_exception(
    actor: Actor, user_id: UUID, permission_name: str, effect: str | None, because: str = ""
) -> None:
    with transaction():
        user = user_for(actor, user_id)
        key = {"user_id": user.id, "permission_id": permission_named(permission_name).id}
        row = db.session.get(UserPermission, key)
        old = row.effect if row else None
        if effect == old:
            return
        if row:
            db.session.delete(row)
            db.session.flush()
        if effect:
            db.session.add(UserPermission(**key, effect=effect, reason=because or None))
        new = {permission_name: effect} | ({"reason": because} if because else {})
        _changed(actor, user, "permission.set", old={permission_name: old}, new=new)
        require_still_manager(actor, user.id)


def create_role(actor: Actor, name: str, permissions: Collection[str], *, description: str = "") -> UUID:
    """Make a role of the tenant's own. Raises NotAllowed, NotFound, RuleBroken (name taken)."""
    require_manager(actor)
    role = Role(
        id=new_id(),
        organization_id=actor.organization_id,
        name=name,
        description=description,
        created_by=actor.user_id,
    )
    with transaction():
        _require_free_name(actor, name)
        db.session.add(role)
        db.session.flush()
        change_role(actor, name, permissions)
    return role.id


def change_role(actor: Actor, role_name: str, permissions: Collection[str]) -> None:
    """Let one of the tenant's own roles hold exactly ``permissions``; a default role is every tenant's (422).

    Raises NotAllowed (a right that the actor does not have), NotFound, RuleBroken.
    """
    require_manager(actor)
    require_at_least(actor, permissions)
    with transaction():
        [role] = roles_for(actor, [role_name])
        if role.organization_id is None:
            raise RuleBroken(N_("This role belongs to every centre. Please make one of your own."))
        db.session.refresh(role, with_for_update=True)  # two who change it at once: one after the other
        old = permissions_of_roles([role])
        ids = [permission_named(name).id for name in sorted(set(permissions))]
        db.session.execute(delete(RolePermission).where(RolePermission.role_id == role.id))
        db.session.add_all(RolePermission(role_id=role.id, permission_id=each) for each in ids)
        db.session.flush()
        for user_id in db.session.scalars(RENEW_STAMPS, {"role_id": role.id}):
            bus.publish(RoleChanged(organization_id=actor.organization_id, user_id=user_id), actor)
        audit.changed(actor, "role.change", "role", role.id, old=_listed(old), new=_listed(permissions))
        require_still_manager(actor, actor.user_id)


def require_still_manager(actor: Actor, user_id: UUID | None) -> None:
    """Refuse what takes one's own right to give access: nobody might be left who has it."""
    if actor.user_id is None or user_id != actor.user_id:
        return
    db.session.flush()
    if MANAGE not in permissions_of(actor.user_id):
        raise RuleBroken(
            N_("You would lose your own right to give access. Another administrator can do this.")
        )


def edit_role(
    actor: Actor,
    role_id: UUID,
    *,
    name: str,
    description: str,
    permissions: Collection[str],
    version: int,
) -> None:
    """Rename one of the tenant's own roles and let it hold exactly ``permissions``.

    Raises StaleScreen (409), NotAllowed, NotFound, RuleBroken (422: a system role, a name that is taken).
    """
    require_manager(actor)
    with transaction():
        role = own_role(actor, role_id)
        now = {"name": role.name, "description": role.description, **_listed(permissions_of_roles([role]))}
        wanted = {"name": name, "description": description, **_listed(permissions)}
        if now == wanted:
            return
        if role.version != version:
            changes = {each: (wanted[each], now[each]) for each in now if wanted[each] != now[each]}
            raise StaleScreen(N_("Somebody else changed this while you worked."), changes)
        _require_free_name(actor, name, but=role_id)
        role.name, role.description = name, description
        role.updated_by, role.updated_at = actor.user_id, clock.now()
        db.session.flush()
        change_role(actor, name, permissions)


def require_factor(actor: Actor, role_id: UUID, *, is_required: bool) -> str:
    """Demand a second factor of everybody of a role in the actor's tenant, or no longer; return its name.

    Who lacks one can do nothing but set one up from the next request on. Raises NotFound.
    """
    require_manager(actor)
    with transaction():
        name = db.session.scalar(
            select(Role.name).where(
                Role.id == role_id,
                or_(Role.organization_id.is_(None), Role.organization_id == actor.organization_id),
            )
        )
        if name is None:
            raise NotFound
        values = {"requires_second_factor": is_required, "updated_by": actor.user_id}
        rule = insert(RoleRule).values(organization_id=actor.organization_id, role_id=role_id, **values)
        db.session.execute(
            rule.on_conflict_do_update(
                index_elements=["organization_id", "role_id"], set_=values | {"updated_at": clock.now()}
            )
        )
        renewed = {"role_id": role_id, "organization_id": actor.organization_id}
        for user_id in db.session.scalars(RENEW_STAMPS_HERE, renewed):
            bus.publish(RoleChanged(organization_id=actor.organization_id, user_id=user_id), actor)
        new = {"second_factor": "required" if is_required else "by choice"}
        audit.changed(actor, "role.require_factor", "role", role_id, old=None, new=new)
    return name


def delete_role(actor: Actor, role_id: UUID, *, version: int) -> str:
    """Delete one of the tenant's own roles that nobody has; return its name.

    Raises RuleBroken (422: a system role, or who still has it), StaleScreen (409), NotFound.
    """
    require_manager(actor)
    with transaction():
        role = own_role(actor, role_id)
        if role.version != version:
            raise StaleScreen(N_("Somebody else changed this while you worked."))
        people = select(User.username).join(UserRole, UserRole.user_id == User.id)
        names = sorted(db.session.scalars(people.where(UserRole.role_id == role_id)))
        if names:
            raise RuleBroken(N_("These people still have this role: %(names)s"), names=", ".join(names))
        old = {"name": role.name, **_listed(permissions_of_roles([role]))}
        db.session.execute(delete(RolePermission).where(RolePermission.role_id == role_id))
        db.session.delete(role)
        audit.changed(actor, "role.delete", "role", role_id, old=old, new=None)
        return str(old["name"])


def own_role(actor: Actor, role_id: UUID) -> Role:
    """Return one of the tenant's own roles, locked. Raises NotFound, RuleBroken for a system role."""
    role = db.session.scalar(
        select(Role)
        .where(
            Role.id == role_id,
            or_(Role.organization_id.is_(None), Role.organization_id == actor.organization_id),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if role is None:
        raise NotFound
    if role.organization_id is None:
        raise RuleBroken(N_("This role belongs to every centre. Please make one of your own."))
    return role


def _require_free_name(actor: Actor, name: str, *, but: UUID | None = None) -> None:
    """A role of one's own never hides a system role: the same word would mean two things."""
    taken = select(Role.id).where(
        or_(Role.organization_id.is_(None), Role.organization_id == actor.organization_id), Role.name == name
    )
    if set(db.session.scalars(taken)) - {but}:
        raise RuleBroken(N_("There is a role of this name."), field="name")


def permissions_of_roles(roles: Iterable[Role]) -> set[str]:
    """Return the names of all permissions that the roles hold."""
    held = select(Permission.name).join(RolePermission, RolePermission.permission_id == Permission.id)
    return set(db.session.scalars(held.where(RolePermission.role_id.in_([role.id for role in roles]))))


def _changed(
    actor: Actor, user: User, action: str, *, old: dict[str, str | None], new: dict[str, str | None]
) -> None:
    user.rights_changed()
    user.updated_by = actor.user_id
    bus.publish(RoleChanged(organization_id=user.organization_id, user_id=user.id), actor)
    audit.changed(actor, action, "user", user.id, old=old, new=new)


def _listed(names: Iterable[str]) -> dict[str, str]:
    return {"permissions": ", ".join(sorted(names))}
