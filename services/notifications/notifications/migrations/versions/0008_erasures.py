"""Whose keys are destroyed, and why somebody looked; the release before this one runs against it unchanged."""

from chassis.migrate import add_erasures

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    add_erasures()
