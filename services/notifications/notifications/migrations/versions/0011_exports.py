"""Whose export was ordered; the release before this one runs against it unchanged."""

from chassis.migrate import add_export_orders

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    add_export_orders()
