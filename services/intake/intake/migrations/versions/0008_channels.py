"""By which way a report came and since when its clocks run, how often the public knocked, and reports that come as files."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    "ALTER TABLE case_file ADD COLUMN reporter varchar, ADD COLUMN post varchar, ADD COLUMN heard_at timestamptz",
    "CREATE TABLE knock (mark bytea, since timestamptz, times integer NOT NULL, PRIMARY KEY (mark, since))",
    """CREATE TABLE import (
        import_id uuid PRIMARY KEY, agency varchar NOT NULL, officer uuid NOT NULL, roles varchar NOT NULL, state varchar NOT NULL, rows integer NOT NULL,
        done integer NOT NULL, accepted integer NOT NULL, incomplete integer NOT NULL, rejected integer NOT NULL,
        at timestamptz NOT NULL, finished_at timestamptz)""",
    "CREATE INDEX ix_import_agency ON import (agency)",
    "CREATE TABLE import_part (import_id uuid, number integer, content bytea NOT NULL, PRIMARY KEY (import_id, number))",
    """CREATE TABLE import_row (
        import_id uuid, row integer, receipt varchar NOT NULL, problems jsonb NOT NULL, PRIMARY KEY (import_id, row))""",
    """INSERT INTO clock (kind, subject, key, id, due)
        VALUES ('knocks', '00000000-0000-8000-8000-000000000006', '', gen_random_uuid(), now() + interval '1 hour') ON CONFLICT DO NOTHING""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
