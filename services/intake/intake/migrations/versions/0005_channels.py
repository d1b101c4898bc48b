"""By which way a report came and since when its clocks run, and how often the public knocked; the release before this one runs on it."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    "ALTER TABLE case_file ADD COLUMN reporter varchar, ADD COLUMN post varchar, ADD COLUMN heard_at timestamptz",
    "CREATE TABLE knock (mark bytea, since timestamptz, times integer NOT NULL, PRIMARY KEY (mark, since))",
    """INSERT INTO clock (kind, subject, key, id, due)
        VALUES ('knocks', '00000000-0000-8000-8000-000000000006', '', gen_random_uuid(), now() + interval '1 hour') ON CONFLICT DO NOTHING""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
