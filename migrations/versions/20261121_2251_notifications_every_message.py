"""Create what every message to a patient needs: wordings, wishes, a row for each try."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.walls import guard

revision = "20261121_2251"
down_revision = "20261121_2241"
branch_labels = None
depends_on = None

TABLE = "notifications"
NEW = (
    sa.Column("facility_id", sa.Uuid(), nullable=True),
    sa.Column("template_id", sa.Uuid(), nullable=True),
    sa.Column("reference_type", sa.Text(), nullable=True),
    sa.Column("reference_id", sa.Uuid(), nullable=True),
    sa.Column("notification_type", sa.Text(), nullable=True),
    sa.Column("recipient", sa.Text(), nullable=True),
    sa.Column("subject", sa.Text(), nullable=True),
    sa.Column("message", sa.Text(), nullable=True),
    sa.Column("failure", sa.Text(), nullable=True),
    sa.Column("max_retries", sa.Integer(), server_default="5", nullable=False),
    sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
    sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("external_id", sa.Text(), nullable=True),
)
FAILURES = "'NO_ADDRESS', 'REFUSED', 'GIVEN_UP', 'PAST', 'SETTLED', 'UNWANTED', 'GONE'"


def stamps() -> list[sa.Column[object]]:
    return [
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "notification_templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("template_name", sa.Text(), nullable=False),
        sa.Column("notification_type", sa.Text(), server_default="ALL", nullable=False),
        sa.Column("event_trigger", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body_template", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        *stamps(),
        sa.CheckConstraint(
            "notification_type IN ('ALL')", name=op.f("ck_notification_templates_notification_type_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_templates")),
        sa.UniqueConstraint(
            "organization_id",
            "template_name",
            name=op.f("uq_notification_templates_organization_id_template_name"),
        ),
        sa.UniqueConstraint(
            "organization_id",
            "event_trigger",
            "language",
            name=op.f("uq_notification_templates_organization_id_event_trigger_language"),
        ),
        schema="notifications",
    )
    op.create_table(
        "notification_preferences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), server_default="AUTO", nullable=False),
        sa.Column(
            "off", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        *stamps(),
        sa.CheckConstraint(
            "channel IN ('AUTO', 'SMS', 'EMAIL', 'NONE')",
            name=op.f("ck_notification_preferences_channel_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_preferences")),
        sa.UniqueConstraint("patient_id", name=op.f("uq_notification_preferences_patient_id")),
        schema="notifications",
    )
    _widen()
    op.create_table(
        "notification_delivery_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('SENT', 'LATER', 'REFUSED', 'LOST')",
            name=op.f("ck_notification_delivery_log_outcome_known"),
        ),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.notifications.id"],
            name=op.f("fk_notification_delivery_log_notification_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_delivery_log")),
        schema="notifications",
    )
    op.create_index(
        op.f("ix_notification_delivery_log_notification_id"),
        "notification_delivery_log",
        ["notification_id"],
        unique=False,
        schema="notifications",
    )
    for table in ("notification_templates", "notification_preferences", "notification_delivery_log"):
        guard(f"notifications.{table}")
    op.execute(
        "CREATE VIEW notifications.v_of_patients WITH (security_invoker = true) AS"
        " SELECT id, organization_id, patient_id FROM notifications.notifications WHERE patient_id IS NOT NULL"
    )


def _widen() -> None:
    for column in NEW:
        op.add_column(TABLE, column.copy(), schema="notifications")
    op.alter_column(TABLE, "attempts", new_column_name="retry_count", schema="notifications")
    op.alter_column(TABLE, "last_error", new_column_name="error_message", schema="notifications")
    for column in ("channel", "language"):
        op.alter_column(TABLE, column, nullable=True, schema="notifications")
    op.execute(
        """
        UPDATE notifications.notifications
           SET retry_count = CASE WHEN status = 'PENDING' THEN retry_count
                                  ELSE greatest(retry_count - 1, 0) END,
               notification_type = CASE channel WHEN 'SMTP' THEN 'EMAIL' ELSE 'SMS' END,
               reference_type = CASE WHEN reference LIKE '%:%' THEN split_part(reference, ':', 1) END,
               reference_id = CASE WHEN reference LIKE '%:%'
                                   THEN CAST(split_part(reference, ':', 2) AS uuid) END,
               facility_id = CAST(data ->> 'facility_id' AS uuid),
               failure = CASE WHEN status <> 'FAILED' THEN NULL
                              WHEN error_message = 'no phone number' THEN 'NO_ADDRESS'
                              WHEN error_message = 'the time is past' THEN 'PAST'
                              WHEN error_message = 'settled meanwhile' THEN 'SETTLED'
                              WHEN error_message = 'nobody to write to' THEN 'GONE'
                              WHEN error_message LIKE 'SMTP 5%' THEN 'REFUSED' ELSE 'GIVEN_UP' END
        """
    )
    op.create_check_constraint(
        op.f("ck_notifications_failure_known"), TABLE, f"failure IN ({FAILURES})", schema="notifications"
    )
    op.create_check_constraint(
        op.f("ck_notifications_notification_type_known"),
        TABLE,
        "notification_type IN ('SMS', 'EMAIL')",
        schema="notifications",
    )
    op.create_foreign_key(
        op.f("fk_notifications_template_id"),
        TABLE,
        "notification_templates",
        ["template_id"],
        ["id"],
        source_schema="notifications",
        referent_schema="notifications",
    )
    for columns in (["organization_id", "created_at", "id"], ["patient_id", "created_at"]):
        op.create_index(op.f(f"ix_notifications_{'_'.join(columns)}"), TABLE, columns, schema="notifications")


def downgrade() -> None:
    op.execute("DROP VIEW notifications.v_of_patients")
    op.execute("DROP TABLE notifications.notification_delivery_log")
    for column in NEW:
        op.drop_column(TABLE, column.name, schema="notifications")
    op.execute("UPDATE notifications.notifications SET channel = COALESCE(channel, 'RECORD')")
    op.execute("UPDATE notifications.notifications SET language = COALESCE(language, '')")
    for name in ("channel", "language"):
        op.alter_column(TABLE, name, nullable=False, schema="notifications")
    op.alter_column(TABLE, "retry_count", new_column_name="attempts", schema="notifications")
    op.alter_column(TABLE, "error_message", new_column_name="last_error", schema="notifications")
    op.execute("DROP INDEX notifications.ix_notifications_organization_id_created_at_id")
    op.execute("DROP INDEX notifications.ix_notifications_patient_id_created_at")
    op.execute("DROP TABLE notifications.notification_preferences, notifications.notification_templates")
