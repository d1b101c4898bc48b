"""Instruments that an operator adds, publishes or withdraws, and their validated wordings."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE instrument (
            code varchar NOT NULL, version integer NOT NULL, stage varchar NOT NULL, definition jsonb,
            changed_by uuid NOT NULL, changed_at timestamptz NOT NULL, PRIMARY KEY (code, version))""")
    op.execute("""
        CREATE TABLE wording (
            code varchar NOT NULL, version integer NOT NULL, language varchar NOT NULL, texts jsonb NOT NULL, source varchar NOT NULL,
            loaded_by uuid NOT NULL, loaded_at timestamptz NOT NULL, PRIMARY KEY (code, version, language))""")
