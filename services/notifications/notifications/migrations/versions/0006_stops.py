"""Feeds that stopped, so that nothing that waits for a webhook is sent after it; the release before this one runs on it."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    "CREATE TABLE feed_stop (follow_id uuid PRIMARY KEY, version bigint NOT NULL)",
    "ALTER TABLE delivery ADD COLUMN follow_id uuid, ADD COLUMN version bigint",
    # What waits already is older than any stop to come.
    """UPDATE delivery SET follow_id = CAST(CAST(convert_from(body, 'UTF8') AS jsonb) ->> 'subject' AS uuid), version = 0 WHERE state <> 'delivered'""",
    "CREATE INDEX delivery_of_follow ON delivery (follow_id) WHERE state = 'pending'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
