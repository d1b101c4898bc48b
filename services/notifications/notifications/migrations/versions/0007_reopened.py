"""Which word on who leads, and on the end of a case, was the newest; the release before this one writes files without them."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE case_file ADD COLUMN responsible_version bigint NOT NULL DEFAULT 0, ADD COLUMN end_version bigint NOT NULL DEFAULT 0")
