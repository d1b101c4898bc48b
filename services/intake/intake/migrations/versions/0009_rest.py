"""Whose export was ordered, as every store has it; the release before this one runs against it unchanged."""

from chassis.migrate import add_export_orders

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    add_export_orders()
