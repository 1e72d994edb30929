"""Row-level security by tenant on every table, and the doors through it (docs/adr/0030).

A door is a SECURITY DEFINER function for what must be asked before the tenant is known: whose is this token,
this name, this screen? It answers with a tenant's id, or with what its bearer may know anyway.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import OWN_OR_NOBODYS, guard, guard_by, open_up

revision = "20261121_1900"
down_revision = "20261121_1734"
branch_labels = None
depends_on = None

OWNED = [
    "audit.access_logs",
    "audit.chains",
    "audit.changes",
    "audit.seals",
    "audit.traces",
    "audit.verifications",
    "identity.api_tokens",
    "identity.devices",
    "identity.factors",
    "identity.links",
    "identity.recovery_codes",
    "identity.role_rules",
    "identity.saved_views",
    "identity.users",
    "kernel.idempotency_keys",
    "notifications.notifications",
    "organization.clinics",
    "organization.departments",
    "organization.facilities",
    "organization.rooms",
    "organization.service_terms",
    "organization.services",
    "organization.staff",
    "organization.staff_leave",
    "organization.staff_shares",
    "organization.working_hours",
    "patients.allergies",
    "patients.conditions",
    "patients.number_counters",
    "patients.patient_links",
    "patients.patients",
    "payments.ledger_entries",
    "payments.payment_transactions",
    "payments.payments",
    "payments.receipt_prints",
    "payments.refund_limits",
    "payments.share_movements",
    "reception.appointment_moves",
    "reception.appointments",
    "reception.board_logos",
    "reception.number_blocks",
    "reception.queue_numbers",
    "reception.queue_priorities",
    "reception.queues",
    "reception.settlements",
    "reception.station_stops",
    "reception.visit_moves",
    "reception.visit_transitions",
    "reception.visits",
    "reception.waiting_entries",
    "reception.waiting_offers",
    "reports.daily_reports",
    "reports.runs",
]

# What may be nobody's: tries, challenges and requests before anybody is known, and events of the program's own.
PERHAPS_NOBODYS = [
    "identity.challenges",
    "identity.link_requests",
    "identity.login_attempts",
    "kernel.domain_events",
]

BY_PARENT = {
    "identity.sessions": ("identity.users", "parent.id = user_id"),
    "identity.user_roles": ("identity.users", "parent.id = user_id"),
    "identity.user_permissions": ("identity.users", "parent.id = user_id"),
    "organization.staff_clinics": ("organization.staff", "parent.id = staff_id"),
    "payments.receipt_counters": ("organization.facilities", "parent.id = facility_id"),
    "reception.queue_days": ("reception.queues", "parent.id = queue_id"),
    "reception.delays_told": ("reception.queues", "parent.id = queue_id"),
    "reception.next_told": ("reception.visits", "parent.id = visit_id"),
    "reception.settlement_items": ("reception.settlements", "parent.id = settlement_id"),
    "notifications.recorded_messages": ("notifications.notifications", "parent.id = notification_id"),
}
VIEWS = [
    "organization.v_facilities",
    "payments.v_payments",
    "payments.v_transactions",
    "payments.v_ledger_entries",
    "payments.v_of_patients",
    "reception.lines",
    "reception.v_visits",
    "reception.v_of_patients",
]

TENANT = """
    CREATE FUNCTION kernel.tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CAST(NULLIF(current_setting('app.tenant', true), '') AS uuid)
"""

# Name and arguments → result and body. What asks by a token gets its hash.
DOORS = {
    # Who runs the program may know how many tenants there are; each job does its work for one after another.
    "kernel.tenants()": (
        "SETOF uuid",
        "RETURN QUERY SELECT o.id FROM organization.organizations o ORDER BY o.id;",
    ),
    # Deliveries are everybody's machinery; whose an event is says who works on it.
    """kernel.event_of(wanted uuid, OUT organization_id uuid, OUT event_type text,
                       OUT occurred_at timestamptz, OUT event_data jsonb)""": (
        "record",
        """SELECT e.organization_id, e.event_type, e.occurred_at, e.event_data
             INTO organization_id, event_type, occurred_at, event_data
             FROM kernel.domain_events e WHERE e.id = wanted;""",
    ),
    # Every request pays for this one. Besides who it is it says where the stream of their house stands.
    """identity.session_of(hash bytea, now timestamptz, idle_since timestamptz, OUT organization_id uuid,
                           OUT last_seen_at timestamptz, OUT rights_stamp uuid, OUT topic text,
                           OUT epoch uuid, OUT seq bigint)""": (
        "record",
        """SELECT u.organization_id, s.last_seen_at, u.rights_stamp, house.topic, house.epoch, house.seq
             INTO organization_id, last_seen_at, rights_stamp, topic, epoch, seq
             FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
                  LEFT JOIN kernel.streams house ON house.topic = 'organization:' || u.organization_id
            WHERE s.token_hash = hash AND s.revoked_at IS NULL AND s.expires_at > now
              AND s.last_seen_at > idle_since AND u.status = 'ACTIVE' AND u.deleted_at IS NULL;""",
    ),
    # What a process that holds sockets of several tenants asks for all of them at once.
    "identity.open_sessions(ids uuid[], now timestamptz, idle_since timestamptz)": (
        "TABLE (id uuid, rights_stamp uuid)",
        """RETURN QUERY SELECT s.id, u.rights_stamp
             FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
            WHERE s.id = ANY(ids) AND s.revoked_at IS NULL AND s.expires_at > now
              AND s.last_seen_at > idle_since AND u.status = 'ACTIVE' AND u.deleted_at IS NULL;""",
    ),
    "identity.tenant_of_username(typed text)": (
        "uuid",
        """RETURN (SELECT u.organization_id FROM identity.users u
                   WHERE lower(u.username) = typed AND u.deleted_at IS NULL);""",
    ),
    "identity.tenant_of_address(typed text)": (
        "uuid",
        """RETURN (SELECT u.organization_id FROM identity.users u
                   WHERE (lower(u.username) = typed OR lower(u.email) = typed)
                     AND u.status = 'ACTIVE' AND u.deleted_at IS NULL
                   ORDER BY lower(u.username) = typed DESC, u.id LIMIT 1);""",
    ),
    "identity.tenant_of_challenge(hash bytea)": (
        "uuid",
        "RETURN (SELECT c.organization_id FROM identity.challenges c WHERE c.token_hash = hash);",
    ),
    "identity.tenant_of_link(hash bytea)": (
        "uuid",
        "RETURN (SELECT l.organization_id FROM identity.links l WHERE l.token_hash = hash);",
    ),
    "identity.tenant_of_passkey(credential bytea)": (
        "uuid",
        "RETURN (SELECT f.organization_id FROM identity.factors f WHERE f.credential_id = credential);",
    ),
    "identity.tenant_of_api_token(hash bytea)": (
        "uuid",
        "RETURN (SELECT t.organization_id FROM identity.api_tokens t WHERE t.token_hash = hash);",
    ),
    # One address asks for letters to people of several tenants.
    "identity.letters_asked(address inet, since timestamptz, OUT number bigint, OUT first timestamptz)": (
        "record",
        """SELECT count(*), min(r.requested_at) INTO number, first
             FROM identity.link_requests r WHERE r.ip_address = address AND r.requested_at > since;""",
    ),
    "reception.tenant_of_display(hash bytea)": (
        "uuid",
        "RETURN (SELECT d.organization_id FROM reception.displays d WHERE d.token_hash = hash);",
    ),
    "reception.open_displays(ids uuid[])": (
        "TABLE (id uuid, last_seen_at timestamptz)",
        """RETURN QUERY SELECT d.id, d.last_seen_at FROM reception.displays d
            WHERE d.id = ANY(ids) AND d.revoked_at IS NULL;""",
    ),
    # A logo's address is the hash of its bytes, and it hangs on the wall anyway.
    "reception.logo(wanted text)": (
        "bytea",
        "RETURN (SELECT l.image FROM reception.board_logos l WHERE l.digest = wanted LIMIT 1);",
    ),
}
NOTE_SEEN = """
    CREATE FUNCTION reception.note_displays_seen(ids uuid[], now timestamptz) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
    BEGIN ATOMIC
        UPDATE reception.displays SET last_seen_at = now WHERE id = ANY(ids);
    END
"""
# LIKE reaches no index behind the wall. These functions look behind it, for the tenant's own patients.
NAMES = r"""
    CREATE FUNCTION patients.find_own(words text[], most integer) RETURNS TABLE (id uuid, place bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    BEGIN
        RETURN QUERY SELECT f.id, f.place FROM patients.find_by_name(kernel.tenant(), words, most) f;
    END
    $$
"""
PHONES = r"""
    CREATE FUNCTION patients.with_phone(beginning text, ending text, most integer)
    RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog SET jit = off AS $$
    DECLARE
        tenant uuid := kernel.tenant();
    BEGIN
        IF beginning IS NOT NULL THEN
            RETURN QUERY
            SELECT p.id FROM patients.patients p
             WHERE p.organization_id = tenant AND p.deleted_at IS NULL
               AND p.phone_digits ~>=~ beginning AND p.phone_digits ~<~ (beginning || chr(1114111))
             LIMIT most;
        ELSE
            RETURN QUERY
            SELECT p.id FROM patients.patients p
             WHERE p.organization_id = tenant AND p.deleted_at IS NULL
               AND reverse(p.phone_digits) ~>=~ reverse(ending)
               AND reverse(p.phone_digits) ~<~ (reverse(ending) || chr(1114111))
             LIMIT most;
        END IF;
    END
    $$
"""


def upgrade() -> None:
    op.execute(TENANT)
    _tell_tries_apart()
    for table in OWNED:
        guard(table)
    for table in PERHAPS_NOBODYS:
        guard(table, OWN_OR_NOBODYS)
    guard("organization.organizations", "id = kernel.tenant()")
    guard("reception.displays", also_seen="organization_id IS NULL", own=OWN_OR_NOBODYS)
    guard("identity.roles", also_seen="organization_id IS NULL", own=OWN_OR_NOBODYS)
    for table, (parent, condition) in BY_PARENT.items():
        guard_by(table, parent, condition)
    guard_by("reception.display_queues", "reception.displays", "parent.id = display_id")
    guard(
        "identity.role_permissions",
        f"EXISTS (SELECT FROM identity.roles r WHERE r.id = role_id AND r.{OWN_OR_NOBODYS})",
        also_seen="EXISTS (SELECT FROM identity.roles r WHERE r.id = role_id)",
    )
    for view in VIEWS:
        op.execute(f"ALTER VIEW {view} SET (security_invoker = true)")
    for head, (result, body) in DOORS.items():
        op.execute(_door(head, result, body))
    op.execute(NOTE_SEEN)
    for function in (NAMES, PHONES):
        op.execute(sa.text(function.replace(":", r"\:")))


def _door(head: str, result: str, body: str) -> sa.TextClause:
    returns = "" if result == "record" else f"RETURNS {result}"
    return sa.text(
        f"CREATE FUNCTION {head} {returns} LANGUAGE plpgsql STABLE SECURITY DEFINER"
        f" SET search_path = pg_catalog AS $$ BEGIN {body} END $$".replace(":", r"\:")
    )


def _tell_tries_apart() -> None:
    """A try belongs to the tenant whose user name was typed, and to nobody where it is nobody's."""
    op.add_column(
        "login_attempts",
        sa.Column("organization_id", sa.Uuid(), server_default=sa.text("kernel.tenant()"), nullable=True),
        schema="identity",
    )
    op.execute(
        """
        UPDATE identity.login_attempts a SET organization_id = u.organization_id
          FROM identity.users u WHERE lower(u.username) = a.email AND u.deleted_at IS NULL
        """
    )


def downgrade() -> None:
    for function in ("patients.find_own", "patients.with_phone"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP FUNCTION reception.note_displays_seen")
    for head in DOORS:
        op.execute(f"DROP FUNCTION {head.partition('(')[0]}")
    for view in VIEWS:
        op.execute(f"ALTER VIEW {view} SET (security_invoker = false)")
    others = ("organization.organizations", "reception.displays", "identity.roles")
    by_parent = (*BY_PARENT, "reception.display_queues", "identity.role_permissions")
    for table in (*by_parent, *OWNED, *PERHAPS_NOBODYS, *others):
        open_up(table)
    op.drop_column("login_attempts", "organization_id", schema="identity")
    op.execute("DROP FUNCTION kernel.tenant")
