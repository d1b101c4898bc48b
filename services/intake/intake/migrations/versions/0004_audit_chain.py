"""The audit log is linked row by row, and sealed with another service; the release before this one writes to it unchanged."""

from chassis.migrate import add_audit_chain

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    add_audit_chain()
