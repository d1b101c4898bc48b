"""Plans per person with their services, reviews and comments; assessments one after the other; how often a deadline was missed.

Whatever the release before writes goes on: its columns are all there, and the new ones have a default.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

CHANGES = (
    """ALTER TABLE assessment_case ADD COLUMN missed jsonb NOT NULL DEFAULT '{}', ADD COLUMN assessed_risk varchar,
        ADD COLUMN incident_version bigint NOT NULL DEFAULT 0, ADD COLUMN incident_seen bigint NOT NULL DEFAULT 0""",
    "ALTER TABLE plan ADD COLUMN persons jsonb, ADD COLUMN agency varchar",
    """CREATE TABLE service (
        service_id uuid PRIMARY KEY, case_id uuid NOT NULL, person_id uuid NOT NULL, code varchar NOT NULL, provider varchar NOT NULL,
        status varchar NOT NULL, own boolean NOT NULL, reason varchar, plan_version integer NOT NULL, round_version bigint NOT NULL,
        answer_version bigint NOT NULL, heard_version bigint NOT NULL, requested_at timestamptz NOT NULL, changed_at timestamptz NOT NULL)""",
    "CREATE INDEX service_case ON service (case_id)",
    "CREATE INDEX service_provider ON service (provider, status)",
    """CREATE TABLE service_word (
        event_id uuid PRIMARY KEY, case_id uuid NOT NULL, service_id uuid NOT NULL, version bigint NOT NULL, passed_on boolean, answer varchar,
        reason varchar)""",
    "CREATE INDEX service_word_case ON service_word (case_id)",
    """CREATE TABLE plan_comment (
        comment_id uuid PRIMARY KEY, case_id uuid NOT NULL, person_id uuid NOT NULL, about varchar NOT NULL, about_id uuid, version integer NOT NULL,
        sealed bytea NOT NULL, by uuid NOT NULL, at timestamptz NOT NULL)""",
    "CREATE INDEX plan_comment_case ON plan_comment (case_id)",
    """CREATE TABLE conference (
        conference_id uuid PRIMARY KEY, case_id uuid NOT NULL, version integer NOT NULL, held_at timestamptz NOT NULL, decision varchar NOT NULL,
        present jsonb NOT NULL, recorded_by uuid NOT NULL, recorded_at timestamptz NOT NULL)""",
    "CREATE INDEX conference_case ON conference (case_id)",
    """CREATE TABLE goal_progress (
        case_id uuid NOT NULL, person_id uuid NOT NULL, goal varchar NOT NULL, at timestamptz NOT NULL, progress varchar NOT NULL,
        version integer NOT NULL, by uuid NOT NULL, PRIMARY KEY (case_id, person_id, goal, at))""",
    """CREATE TABLE plan_review (
        case_id uuid NOT NULL, at timestamptz NOT NULL, version integer NOT NULL, finding varchar NOT NULL, by uuid NOT NULL, PRIMARY KEY (case_id, at))""",
    """CREATE TABLE assessed (
        case_id uuid NOT NULL, number integer NOT NULL, kind varchar NOT NULL, band varchar NOT NULL, flags text[] NOT NULL, risk varchar,
        judged varchar, rules text[] NOT NULL, dangers text[] NOT NULL, no_instrument_reason varchar, round_version bigint NOT NULL,
        by uuid NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (case_id, number))""",
    """CREATE TABLE assessed_answer (
        case_id uuid NOT NULL, number integer NOT NULL, person_id uuid NOT NULL, instrument varchar NOT NULL, version integer NOT NULL,
        sealed bytea NOT NULL, PRIMARY KEY (case_id, number, person_id, instrument, version))""",
)


def upgrade() -> None:
    for change in CHANGES:
        op.execute(change)
