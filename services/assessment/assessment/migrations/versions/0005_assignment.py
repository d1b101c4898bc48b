"""What matters of a social worker for a case: skills, languages, limit, hours, leaves, conflicts; who began with a case, gave it back, and why who got it."""

from alembic import op

revision = "0005"
down_revision = "0004"

CHANGES = (
    """ALTER TABLE worker ADD COLUMN skills text[] NOT NULL DEFAULT '{}', ADD COLUMN languages text[] NOT NULL DEFAULT '{}',
        ADD COLUMN most_cases integer, ADD COLUMN shifts jsonb NOT NULL DEFAULT '[]', ADD COLUMN leaves jsonb NOT NULL DEFAULT '[]'""",
    "ALTER TABLE assessment_case ADD COLUMN claimed boolean NOT NULL DEFAULT false",
    "ALTER TABLE assignment ADD COLUMN why jsonb, ADD COLUMN round bigint NOT NULL DEFAULT 0",
    """CREATE TABLE worker_conflict (
        worker_id uuid NOT NULL, about uuid NOT NULL, declared_at timestamptz NOT NULL, declared_by uuid NOT NULL, ended_at timestamptz,
        PRIMARY KEY (worker_id, about))""",
    """CREATE TABLE handed_back (
        case_id uuid NOT NULL, worker_id uuid NOT NULL, reason varchar NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (case_id, worker_id))""",
)


def upgrade() -> None:
    for change in CHANGES:
        op.execute(change)
