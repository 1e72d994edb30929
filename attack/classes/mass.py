"""Fields that no form has: whose it is, who made it, what it costs, which role one has."""

from __future__ import annotations

from collections.abc import Iterator

from attack.arena import HTMX, Arena, Case, Knock
from attack.classes.foreign import allowed
from attack.doors import OWN, address, filled_in
from attack.judges import no_fault

IDS = "A08 A09 A10"
WHAT = "mass assignment"


def cases(arena: Arena) -> Iterator[Case]:
    theirs = arena.theirs
    added = [
        {"organization_id": str(theirs.organization_id), "tenant": str(theirs.organization_id)},
        {"facility_id": str(theirs.facility_id), "facility": str(theirs.facility_id)},
        {"facility_id": str(arena.beside.facility_id), "id": str(theirs.thing("visit"))},
        {"created_by": str(theirs.thing("user")), "updated_by": str(theirs.thing("user"))},
        {"user_id": str(theirs.thing("user")), "clerk_id": str(theirs.thing("staff")), "actor": "system"},
        {"role": "administrator", "roles": "administrator", "is_admin": "1"},
        {"permissions": "operations.view", "permission": "user.manage", "effect": "ALLOW"},
        {"total_amount": "0.01", "price": "0.01", "paid": "true", "discount": "100", "share_percent": "100"},
        {"status": "COMPLETED", "state": "DONE", "ticket": "A-001", "queue_no": "1", "number": "1"},
        {"deleted_at": "2020-01-01", "is_system": "true", "must_change_password": "", "mfa_at": "2099-01-01"},
        {"audit_action": "none", "ip_address": "10.0.0.1", "accessed_at": "2001-01-01", "is_copy": "0"},
    ]
    for policy, who in allowed(arena, "POST"):
        path = address(policy, arena.holder(who, OWN))
        for more in added:
            form = filled_in(arena.ours, **more)
            yield Knock(f"added {', '.join(more)}", path, no_fault, who, "POST", form, headers=HTMX)
