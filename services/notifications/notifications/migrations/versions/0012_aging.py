"""What goes after some time, officers' phones, ways out that keep failing, and who hears of prevention without an account; the release before this one runs on it.

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
    """CREATE TABLE officer_phone (
        officer uuid PRIMARY KEY, channel text NOT NULL, roles text[] NOT NULL, agency text NOT NULL, units uuid[] NOT NULL, address bytea NOT NULL,
        language text NOT NULL, told_to bigint NOT NULL, due timestamptz NOT NULL, set_at timestamptz NOT NULL)""",
    """CREATE TABLE officer_text (
        officer uuid, up_to bigint, id uuid NOT NULL, count integer NOT NULL, state text NOT NULL, reason text, attempts integer NOT NULL,
        claimed_at timestamptz NOT NULL, ended_at timestamptz, PRIMARY KEY (officer, up_to))""",
    "CREATE INDEX officer_text_claimed ON officer_text (claimed_at)",
    """CREATE TABLE prevention_contact (
        id uuid PRIMARY KEY, channel text NOT NULL, mark bytea NOT NULL UNIQUE, address bytea, language text NOT NULL, audiences text[] NOT NULL,
        areas text[] NOT NULL, state text NOT NULL, confirm_token text UNIQUE, stop_token text NOT NULL UNIQUE, asked_at timestamptz NOT NULL,
        asks integer NOT NULL, asked_by uuid, confirm_until timestamptz, confirmed_at timestamptz, stopped_at timestamptz,
        CHECK (state IN ('asked', 'confirmed', 'stopped')), CHECK (address IS NOT NULL OR state = 'stopped'))""",
    """CREATE TABLE prevention_ask (mark bytea NOT NULL, since timestamptz NOT NULL, times integer NOT NULL, PRIMARY KEY (mark, since))""",
    "CREATE INDEX prevention_contact_state ON prevention_contact (state)",
    """CREATE TABLE prevention_message (
        id uuid PRIMARY KEY, contact_id uuid NOT NULL REFERENCES prevention_contact (id) ON DELETE CASCADE, source text NOT NULL, session_id uuid,
        kind text NOT NULL, channel text NOT NULL, state text NOT NULL, reason text, due timestamptz NOT NULL, not_after timestamptz NOT NULL,
        attempts integer NOT NULL, claim uuid, claimed_until timestamptz, planned_at timestamptz NOT NULL, ended_at timestamptz,
        UNIQUE (contact_id, source), CHECK (state IN ('planned', 'claimed', 'sent', 'maybe_sent', 'failed', 'cancelled')))""",
    "CREATE INDEX prevention_message_due ON prevention_message (due) WHERE state = 'planned'",
    "CREATE INDEX prevention_message_claimed ON prevention_message (claimed_until) WHERE state = 'claimed'",
    "CREATE INDEX prevention_message_of_session ON prevention_message (session_id)",
    "CREATE INDEX prevention_message_ended ON prevention_message (ended_at) WHERE ended_at IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
