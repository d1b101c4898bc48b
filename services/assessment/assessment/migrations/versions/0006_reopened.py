"""Which word on the end of a case was the newest, and which reopening its assessment follows; the release before this one writes cases without them."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE assessment_case ADD COLUMN end_version bigint NOT NULL DEFAULT 0, ADD COLUMN round_version bigint NOT NULL DEFAULT 0")
