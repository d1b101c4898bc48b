"""By which way a report came and from when its clocks run; the release before this one leaves that empty and runs on it unchanged."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = ("ALTER TABLE case_file ADD COLUMN reporter varchar, ADD COLUMN post varchar, ADD COLUMN heard_at timestamptz",)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
