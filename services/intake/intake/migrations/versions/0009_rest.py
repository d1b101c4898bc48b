"""Whose export was ordered, as every store has it, and the register of agencies; the release before this one runs against it unchanged."""

from alembic import op
from chassis.migrate import add_export_orders

revision = "0009"
down_revision = "0008"


STATEMENTS = (
    """CREATE TABLE agency (
        code varchar NOT NULL, version integer NOT NULL, agency_id uuid NOT NULL, name varchar, kind varchar NOT NULL, units text[] NOT NULL,
        areas text[] NOT NULL, active boolean NOT NULL, changed_at timestamptz NOT NULL, changed_by uuid, PRIMARY KEY (code, version))""",
)


def upgrade() -> None:
    add_export_orders()
    for statement in STATEMENTS:
        op.execute(statement)
