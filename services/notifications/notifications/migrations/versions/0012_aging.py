"""What goes after some time, and ways out that keep failing; the release before this one runs on it.

Kept of a feed that has gone: the risk of each case, by which later events are chosen, and up to where it has gone.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    "CREATE INDEX delivery_ended ON delivery (ended_at) WHERE state <> 'pending'",
    "CREATE INDEX delivery_pending_event ON delivery (event_id) WHERE state = 'pending'",
    "CREATE INDEX feed_heard ON feed_event (heard_at)",
    "CREATE INDEX notice_acknowledged ON notice (acknowledged_at) WHERE acknowledged_at IS NOT NULL",
    "CREATE INDEX answer_link_expired ON answer_link (expires_at)",
    "CREATE INDEX answer_link_of_notice ON answer_link (notice_id)",
    "CREATE INDEX survivor_message_ended ON survivor_message (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX officer_message_claimed ON officer_message (claimed_at)",
    "CREATE TABLE follow_risk (follow_id uuid PRIMARY KEY, risk text NOT NULL, version bigint NOT NULL)",
    """CREATE TABLE feed_horizon (
        one boolean PRIMARY KEY DEFAULT true CHECK (one), position bigint NOT NULL, heard_at timestamptz NOT NULL)""",
    """CREATE TABLE failing_way (
        way text PRIMARY KEY, failed integer NOT NULL, refused integer NOT NULL, since timestamptz NOT NULL, last timestamptz NOT NULL,
        failing_since timestamptz, reason text)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
