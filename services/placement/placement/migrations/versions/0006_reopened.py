"""Which word on the end of a case was the newest, so that a case can be reopened; the release before this one writes needs without it."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE need ADD COLUMN end_version bigint NOT NULL DEFAULT 0")
