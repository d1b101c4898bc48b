"""The work list reads what there is to do, and not what is over."""

from alembic import op

revision = "0011"
down_revision = "0010"

WORK = "state NOT IN ('not_started', 'finished', 'stopped')"


def upgrade() -> None:
    op.execute(f"CREATE INDEX assessment_case_work ON assessment_case (due_at NULLS LAST, case_id) WHERE {WORK}")
    op.execute(f"CREATE INDEX assessment_case_own_work ON assessment_case (worker_id, due_at NULLS LAST, case_id) WHERE {WORK}")
