"""Messages that wait for a key or a release, and documents that agencies keep; the release before this one runs on it."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    """CREATE TABLE held_message (
        id uuid PRIMARY KEY, agency varchar NOT NULL, route varchar NOT NULL, reference varchar, field varchar NOT NULL, code varchar NOT NULL,
        kid varchar, mark bytea NOT NULL, content bytea NOT NULL, release varchar NOT NULL, attempts integer NOT NULL, stored_at timestamptz NOT NULL,
        held_at timestamptz NOT NULL)""",
    "CREATE UNIQUE INDEX ix_held_message_mark ON held_message (mark)",
    """CREATE TABLE attachment (
        attachment_id uuid PRIMARY KEY, case_id uuid NOT NULL, agency varchar NOT NULL, reference varchar NOT NULL, kind varchar NOT NULL,
        document varchar NOT NULL, sha256 varchar NOT NULL, media_type varchar, size bigint, received_at timestamptz NOT NULL)""",
    "CREATE INDEX ix_attachment_case_id ON attachment (case_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
