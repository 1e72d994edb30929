"""Say on a patient's own row whether it is merged with another: who locks the row knows then, for sure."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261121_1601"
down_revision = "20261121_1600"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "patients",
        sa.Column("is_linked", sa.Boolean(), server_default="false", nullable=False),
        schema="patients",
    )
    op.execute(
        """
        UPDATE patients.patients SET is_linked = true
         WHERE id IN (SELECT survivor_id FROM patients.patient_links WHERE closed_at IS NULL
                       UNION SELECT merged_id FROM patients.patient_links WHERE closed_at IS NULL)
        """
    )
    op.execute(
        """
        CREATE FUNCTION patients.say_who_is_linked() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE patients.patients p
               SET is_linked = EXISTS (SELECT FROM patients.patient_links l
                                        WHERE l.closed_at IS NULL AND p.id IN (l.survivor_id, l.merged_id))
             WHERE p.id IN (NEW.survivor_id, NEW.merged_id);
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER say_who_is_linked AFTER INSERT OR UPDATE OF closed_at ON patients.patient_links
           FOR EACH ROW EXECUTE FUNCTION patients.say_who_is_linked()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER say_who_is_linked ON patients.patient_links")
    op.execute("DROP FUNCTION patients.say_who_is_linked()")
    op.drop_column("patients", "is_linked", schema="patients")
