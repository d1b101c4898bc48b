"""Webhooks that change their secret and are sent again, whose senders are known to be alive; what officers chose to be told.

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
    """CREATE TABLE preference (officer uuid NOT NULL, version integer NOT NULL, current boolean NOT NULL, agency text NOT NULL, roles text[] NOT NULL,
        kinds text[] NOT NULL, muted text[] NOT NULL, areas text[] NOT NULL, risks text[] NOT NULL, own_cases boolean NOT NULL, pace text NOT NULL,
        digest_at time NOT NULL, quiet_from time, quiet_until time, policy_version integer NOT NULL, chosen_at timestamptz NOT NULL,
        PRIMARY KEY (officer, version))""",
    "CREATE UNIQUE INDEX preference_current ON preference (officer) WHERE current",
    "CREATE INDEX preference_of_agency ON preference (agency) WHERE current",
    """CREATE TABLE case_area (case_id uuid PRIMARY KEY, reported_area text, triaged_area text, triage_version bigint NOT NULL,
        reported_on date)""",
    "ALTER TABLE notice ADD COLUMN held_until timestamptz, ADD COLUMN merged_into uuid REFERENCES notice (id), ADD COLUMN channels text, ADD COLUMN session_id uuid",
    "CREATE TABLE escalation_policy (version integer PRIMARY KEY, body jsonb NOT NULL, valid_from timestamptz NOT NULL, made_by uuid NOT NULL)",
    """CREATE TABLE on_call (id uuid PRIMARY KEY, role text NOT NULL, agency text NOT NULL, unit uuid, officer uuid NOT NULL,
        starts timestamptz NOT NULL, ends timestamptz NOT NULL, made_by uuid NOT NULL, made_at timestamptz NOT NULL, taken_back_at timestamptz,
        CHECK (starts < ends))""",
    "CREATE INDEX on_call_plan ON on_call (ends) WHERE taken_back_at IS NULL",
    """CREATE TABLE answer_link (token text PRIMARY KEY, notice_id uuid NOT NULL REFERENCES notice (id), placement_id uuid NOT NULL, officer uuid,
        made_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, used_at timestamptz, answer text)""",
    "CREATE INDEX case_area_month ON case_area (reported_on)",
    """CREATE TABLE prevention_session (id uuid PRIMARY KEY, title text NOT NULL, note text NOT NULL, place text NOT NULL, area text NOT NULL,
        audiences text[] NOT NULL, starts_at timestamptz NOT NULL, announced_at timestamptz NOT NULL, announced_by uuid NOT NULL,
        cancelled_at timestamptz, attended integer, attended_children integer, attendance_by uuid, CHECK (attended_children <= attended))""",
    "CREATE INDEX prevention_to_come ON prevention_session (starts_at)",
    """CREATE TABLE prevention_opt_in (officer uuid PRIMARY KEY, role text NOT NULL, audiences text[] NOT NULL, areas text[] NOT NULL,
        since timestamptz NOT NULL)""",
    "CREATE INDEX notice_held ON notice (held_until) WHERE held_until IS NOT NULL",
    "CREATE INDEX notice_merged ON notice (merged_into) WHERE merged_into IS NOT NULL",
    "CREATE INDEX notice_of_matter ON notice (case_id, kind, recipient) WHERE acknowledged_at IS NULL AND merged_into IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
