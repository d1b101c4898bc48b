"""Incidents, suspects, and what caused a fact; nothing that exists changes, so the release before this one runs on it."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    """CREATE TABLE incident (
        incident_id uuid PRIMARY KEY, case_id uuid NOT NULL, occurred_on date, area varchar, place varchar, relation varchar,
        violence_types text[] NOT NULL, acts text[], core_type varchar, narrative bytea, recorded_at timestamptz NOT NULL)""",
    "CREATE INDEX ix_incident_case_id ON incident (case_id)",
    """CREATE TABLE suspect (
        suspect_id uuid PRIMARY KEY, case_id uuid NOT NULL, relation varchar NOT NULL, age integer, areas text[] NOT NULL, same_as uuid[] NOT NULL,
        name bytea, nik bytea, address bytea, nik_index bytea, added_at timestamptz NOT NULL, removed_at timestamptz)""",
    "CREATE INDEX ix_suspect_case_id ON suspect (case_id)",
    "CREATE INDEX ix_suspect_nik_index ON suspect (nik_index) WHERE nik_index IS NOT NULL",
    "CREATE INDEX ix_suspect_same_as ON suspect USING gin (same_as)",
    # What caused a fact, by which a timeline is told in order; of facts that were kept before nobody knows it.
    "ALTER TABLE case_fact ADD COLUMN causation varchar",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
