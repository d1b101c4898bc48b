"""Agencies' feeds by number, the numbers that SIMFONI gave to cases, and what was published of a month; the release before this one runs on it."""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    """CREATE TABLE feed_entry (
        agency varchar NOT NULL, number bigint NOT NULL, event_id uuid NOT NULL UNIQUE, follow_id uuid NOT NULL, type varchar NOT NULL,
        version bigint NOT NULL, said_at timestamptz NOT NULL, PRIMARY KEY (agency, number))""",
    "CREATE INDEX ix_feed_entry_follow_id ON feed_entry (follow_id, version)",
    "CREATE INDEX ix_feed_entry_agency ON feed_entry (agency, follow_id)",
    "CREATE TABLE feed_mark (one smallint PRIMARY KEY CHECK (one = 1), settled bigint NOT NULL, seen bigint NOT NULL, bound bigint)",
    # Whoever writes has to have ended, so that what is numbered here is all that was said up to the mark.
    "LOCK TABLE outbox IN SHARE MODE",
    "CREATE INDEX outbox_agencies ON outbox (position) WHERE stream = 'AGENCIES'",
    """INSERT INTO feed_entry SELECT split_part(route, '.', 2), row_number() OVER (PARTITION BY split_part(route, '.', 2) ORDER BY position),
        id, subject, type, factversion, time FROM outbox WHERE stream = 'AGENCIES'""",
    """INSERT INTO feed_mark SELECT 1, coalesce(max(position), 0), coalesce(max(position), 0), NULL FROM outbox WHERE stream = 'AGENCIES'""",
    """CREATE TABLE simfoni_number (
        case_id uuid PRIMARY KEY, number varchar NOT NULL UNIQUE, recorded_at timestamptz NOT NULL, recorded_by uuid NOT NULL,
        recorded_for varchar NOT NULL)""",
    "CREATE TABLE public_count (month varchar PRIMARY KEY, counts jsonb NOT NULL, said_at timestamptz NOT NULL)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
