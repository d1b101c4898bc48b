"""Whose keys are destroyed, and why somebody looked; the release before this one runs against it unchanged."""

from chassis.migrate import add_erasures

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    add_erasures()
