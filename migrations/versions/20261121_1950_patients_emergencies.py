"""Charts opened in an emergency (patients.emergencies), a flag for it in the access log, and the right to see
every patient for who had it until now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.walls import guard

revision = "20261121_1950"
down_revision = "20261121_1911"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
VIEW_ANY = "See the data of every patient, also of those one does not treat"


def upgrade() -> None:
    _emergencies()
    guard("patients.emergencies")
    _stay_as_written()
    op.execute(
        "CREATE VIEW patients.v_of_patients WITH (security_invoker = true) AS"
        " SELECT id, organization_id, patient_id FROM patients.emergencies"
    )
    _flag("'ALLOWED', 'REFUSED', 'EMERGENCY'")
    _keep_what_people_could_see()


def _emergencies() -> None:
    op.create_table(
        "emergencies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closes_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("verdict", sa.Text(), server_default="TO_REVIEW", nullable=False),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("reviewed_at", MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "kind IN ('LIFE', 'UNABLE', 'COVER', 'ADVICE', 'OTHER')", name=op.f("ck_emergencies_kind_known")
        ),
        sa.CheckConstraint(
            "verdict IN ('TO_REVIEW', 'JUSTIFIED', 'FOLLOW_UP', 'NOT_JUSTIFIED')",
            name=op.f("ck_emergencies_verdict_known"),
        ),
        sa.CheckConstraint("length(btrim(reason)) >= 10", name=op.f("ck_emergencies_reason_given")),
        sa.CheckConstraint("closes_at > opened_at", name=op.f("ck_emergencies_ends_after_it_began")),
        sa.CheckConstraint(
            "(verdict = 'TO_REVIEW') = (reviewed_by IS NULL)"
            " AND (reviewed_by IS NULL) = (reviewed_at IS NULL)",
            name=op.f("ck_emergencies_reviewed_by_somebody"),
        ),
        sa.CheckConstraint("reviewed_by <> user_id", name=op.f("ck_emergencies_reviewed_by_another")),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patients.patients.id"], name=op.f("fk_emergencies_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergencies")),
        schema="patients",
    )
    for name, columns in (
        ("ix_emergencies_of_person", ["user_id", "patient_id", "closes_at"]),
        ("ix_emergencies_list", ["organization_id", "opened_at", "id"]),
        (op.f("ix_emergencies_patient_id"), ["patient_id"]),
    ):
        op.create_index(name, "emergencies", columns, schema="patients")


def _stay_as_written() -> None:
    """The application's role has no right to; this refuses the owner, too."""
    op.execute(
        """
        CREATE FUNCTION patients.emergency_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'patients.emergencies: a row stays' USING ERRCODE = 'insufficient_privilege';
            END IF;
            IF (NEW.id, NEW.organization_id, NEW.facility_id, NEW.patient_id, NEW.user_id, NEW.kind,
                NEW.reason, NEW.opened_at, NEW.closes_at)
               IS DISTINCT FROM
               (OLD.id, OLD.organization_id, OLD.facility_id, OLD.patient_id, OLD.user_id, OLD.kind,
                OLD.reason, OLD.opened_at, OLD.closes_at)
               OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
               OR (OLD.verdict NOT IN ('TO_REVIEW', 'FOLLOW_UP') AND
                   (NEW.verdict, NEW.reviewed_by, NEW.reviewed_at, NEW.note)
                   IS DISTINCT FROM (OLD.verdict, OLD.reviewed_by, OLD.reviewed_at, OLD.note))
               OR (OLD.verdict <> 'TO_REVIEW' AND NEW.verdict = 'TO_REVIEW') THEN
                RAISE EXCEPTION 'patients.emergencies: what was written stays'
                      USING ERRCODE = 'insufficient_privilege';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER emergency_stays BEFORE UPDATE OR DELETE ON patients.emergencies"
        " FOR EACH ROW EXECUTE FUNCTION patients.emergency_stays()"
    )


def _flag(results: str) -> None:
    """The new constraint says more than the old one, so no row needs to be looked at again."""
    op.execute("ALTER TABLE audit.access_logs DROP CONSTRAINT ck_access_logs_result_known")
    op.execute(
        "ALTER TABLE audit.access_logs ADD CONSTRAINT ck_access_logs_result_known"
        f" CHECK (result IN ({results})) NOT VALID"
    )


def _keep_what_people_could_see() -> None:
    """Roles and tokens of the centres' own: who could see patients and registers them or takes their money
    goes on seeing all of them; so do programs."""
    op.execute(
        f"""
        INSERT INTO identity.permissions (id, name, resource, action, description)
        VALUES (gen_random_uuid(), 'patient.view_any', 'patient', 'view_any', '{VIEW_ANY}')
            ON CONFLICT DO NOTHING
        """
    )
    op.execute(
        """
        INSERT INTO identity.role_permissions (role_id, permission_id)
        SELECT DISTINCT r.id, n.id
          FROM identity.roles r
          JOIN identity.permissions n ON n.name = 'patient.view_any'
         WHERE r.organization_id IS NOT NULL
           AND EXISTS (SELECT FROM identity.role_permissions rp JOIN identity.permissions p
                               ON p.id = rp.permission_id
                        WHERE rp.role_id = r.id AND p.name = 'patient.view')
           AND EXISTS (SELECT FROM identity.role_permissions rp JOIN identity.permissions p
                               ON p.id = rp.permission_id
                        WHERE rp.role_id = r.id
                          AND p.name IN ('patient.register', 'payment.view', 'station.work'))
            ON CONFLICT DO NOTHING
        """
    )
    op.execute(
        """
        UPDATE identity.api_tokens SET permissions = permissions || '["patient.view_any"]'
         WHERE permissions ? 'patient.view' AND NOT permissions ? 'patient.view_any'
        """
    )
    op.execute(
        """
        UPDATE identity.users SET rights_stamp = gen_random_uuid()
         WHERE id IN (SELECT ur.user_id FROM identity.user_roles ur JOIN identity.roles r ON r.id = ur.role_id
                       WHERE r.organization_id IS NOT NULL)
        """
    )


def downgrade() -> None:
    op.execute("UPDATE identity.api_tokens SET permissions = permissions - 'patient.view_any'")
    op.execute("DROP VIEW patients.v_of_patients")
    op.drop_table("emergencies", schema="patients")
    op.execute("DROP FUNCTION patients.emergency_stays()")
    op.execute("ALTER TABLE audit.access_logs DROP CONSTRAINT ck_access_logs_result_known")
    op.execute(
        "ALTER TABLE audit.access_logs ADD CONSTRAINT ck_access_logs_result_known"
        " CHECK (result IN ('ALLOWED', 'REFUSED')) NOT VALID"
    )
