"""What must be true of messages: each goes out once, and none is forgotten."""

from __future__ import annotations

from clinic_web.cli.invariants.invariant import Invariant

MESSAGES = "SELECT count(*) FROM notifications.notifications WHERE updated_at >= %(since)s"

ALL = (
    Invariant(
        name="messages.once",
        promise="a message went out at most once, and none that waits has gone out",
        counted=MESSAGES,
        broken="""
            SELECT n.id::text, n.template || ' is ' || n.status || ' and was sent ' || count(t.id) || ' times'
              FROM notifications.notifications n
              JOIN notifications.notification_delivery_log t ON t.notification_id = n.id AND t.outcome = 'SENT'
             WHERE n.updated_at >= %(since)s
             GROUP BY n.id HAVING count(t.id) > 1 OR n.status = 'PENDING'
        """,
    ),
    Invariant(
        name="messages.in_time",
        promise="no message waits past its time",
        counted=MESSAGES + " AND status = 'PENDING'",
        # Tries are minutes apart, and a worker may have it in hand.
        broken="""
            SELECT id::text, template || ' was due at ' || due_at || ', failed ' || retry_count || ' times'
              FROM notifications.notifications
             WHERE status = 'PENDING' AND due_at < %(now)s - interval '10 minutes'
               AND COALESCE(claimed_until, '-infinity') < %(now)s
        """,
    ),
)
