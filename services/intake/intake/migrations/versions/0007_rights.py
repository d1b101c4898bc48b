"""Holds, requests for one's rights, who looked without taking part, whose keys are destroyed; nothing that exists changes."""

from alembic import op
from chassis.migrate import add_erasures

revision = "0007"
down_revision = "0006"

TABLES = (
    """CREATE TABLE legal_hold (
        hold_id uuid PRIMARY KEY, case_id uuid NOT NULL, person_id uuid, ground varchar NOT NULL, review_on date NOT NULL,
        set_at timestamptz NOT NULL, set_by uuid, lifted_at timestamptz, lifted_by uuid)""",
    "CREATE INDEX ix_legal_hold_case_id ON legal_hold (case_id)",
    """CREATE TABLE right_request (
        request_id uuid PRIMARY KEY, case_id uuid NOT NULL, person_id uuid NOT NULL, kind varchar NOT NULL, asked_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL, taken_by uuid, answer varchar, refusal varchar, answered_at timestamptz, answered_by uuid)""",
    "CREATE INDEX ix_right_request_person_id ON right_request (person_id)",
    """CREATE TABLE glass (
        grant_id uuid PRIMARY KEY, case_id uuid NOT NULL, officer uuid NOT NULL, agency varchar, reason varchar NOT NULL,
        broken_at timestamptz NOT NULL, until timestamptz NOT NULL, ended_at timestamptz)""",
    "CREATE INDEX ix_glass_case_id ON glass (case_id)",
    # What is past its retention is looked for every day, from the first day of this release on.
    """INSERT INTO clock (kind, subject, key, id, due)
        VALUES ('retention', '00000000-0000-8000-8000-000000000008', '', gen_random_uuid(), now() + interval '1 day') ON CONFLICT DO NOTHING""",
)


def upgrade() -> None:
    add_erasures()
    for statement in TABLES:
        op.execute(statement)
