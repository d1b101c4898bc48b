"""Survivors' own rules, which of them wait to be handed over, and the keys that they are sealed to; the release before this one runs on it."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    """CREATE TABLE safe_contact (
        person_id uuid PRIMARY KEY, case_id uuid NOT NULL, revision bigint NOT NULL, content bytea, stopped boolean NOT NULL,
        asked_at timestamptz NOT NULL, asked_by uuid)""",
    "CREATE INDEX ix_safe_contact_case_id ON safe_contact (case_id)",
    """CREATE TABLE handover (
        person_id uuid PRIMARY KEY REFERENCES safe_contact, since timestamptz NOT NULL, attempts integer NOT NULL, told_at timestamptz)""",
    """CREATE TABLE sealing_key (
        kid varchar PRIMARY KEY, subject uuid NOT NULL, public_key varchar NOT NULL, made_at timestamptz NOT NULL)""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
