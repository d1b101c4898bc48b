"""Webhooks that change their secret, are sent again from a place in the feed, and whose senders are known to be alive.

The release before this one runs on it unchanged.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    """ALTER TABLE subscription ADD COLUMN previous_secret bytea, ADD COLUMN previous_until timestamptz,
        ADD COLUMN risks text[] NOT NULL DEFAULT '{}', ADD COLUMN version integer NOT NULL DEFAULT 1""",
    "ALTER TABLE delivery ADD COLUMN lease_owner uuid",
    "CREATE TABLE sender (id uuid PRIMARY KEY, alive_until timestamptz NOT NULL)",
    """CREATE TABLE feed_event (event_id uuid PRIMARY KEY, position bigint GENERATED ALWAYS AS IDENTITY UNIQUE, type text NOT NULL,
        agency text NOT NULL, city text NOT NULL, risk text, body bytea NOT NULL, follow_id uuid NOT NULL, version bigint NOT NULL,
        heard_at timestamptz NOT NULL)""",
    "CREATE INDEX feed_of_agency ON feed_event (agency, position)",
    "CREATE INDEX feed_risk ON feed_event (follow_id, version) WHERE risk IS NOT NULL",
    "CREATE INDEX delivery_failed ON delivery (subscription_id) WHERE state = 'failed'",
    "CREATE INDEX delivery_next ON delivery (due) WHERE state = 'pending'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
