"""Survivors' rules and the messages to them, and the keys of which intake was told; the release before this one runs on it."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    """CREATE TABLE survivor (
        person_id uuid PRIMARY KEY, case_id uuid NOT NULL, announced bigint NOT NULL, held bigint NOT NULL, stopped boolean NOT NULL, content bytea)""",
    "CREATE INDEX ix_survivor_case_id ON survivor (case_id)",
    """CREATE TABLE survivor_message (
        id uuid PRIMARY KEY, source varchar NOT NULL, person_id uuid NOT NULL, case_id uuid NOT NULL, step integer NOT NULL, channel varchar,
        purpose varchar NOT NULL, template varchar NOT NULL, version integer, state varchar NOT NULL, reason varchar, due timestamptz NOT NULL,
        not_after timestamptz NOT NULL, attempts integer NOT NULL, claim uuid, claimed_until timestamptz, asked_by uuid, asked_at timestamptz NOT NULL,
        ended_at timestamptz,
        UNIQUE (source, person_id, step), UNIQUE (source, person_id, channel),
        CHECK (state IN ('planned', 'claimed', 'sent', 'maybe_sent', 'failed', 'officer', 'cancelled')),
        CHECK (state <> 'claimed' OR (claim IS NOT NULL AND claimed_until IS NOT NULL AND channel IS NOT NULL)))""",
    "CREATE INDEX survivor_message_due ON survivor_message (due) WHERE state = 'planned'",
    "CREATE INDEX survivor_message_claimed ON survivor_message (claimed_until) WHERE state = 'claimed'",
    "CREATE INDEX survivor_message_of_person ON survivor_message (person_id, asked_at)",
    """CREATE TABLE officer_email (
        officer uuid PRIMARY KEY, roles text[] NOT NULL, agency varchar NOT NULL, units uuid[] NOT NULL, address bytea NOT NULL, language varchar NOT NULL,
        told_to bigint NOT NULL, due timestamptz NOT NULL, set_at timestamptz NOT NULL)""",
    """CREATE TABLE officer_message (
        officer uuid, up_to bigint, id uuid NOT NULL, count integer NOT NULL, state varchar NOT NULL, reason varchar, attempts integer NOT NULL,
        claimed_at timestamptz NOT NULL, ended_at timestamptz, PRIMARY KEY (officer, up_to))""",
    "CREATE TABLE sealing_offer (kid varchar PRIMARY KEY, offered_at timestamptz NOT NULL)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
