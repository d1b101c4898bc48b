"""Whose keys are destroyed, and why somebody looked; the release before this one runs against it unchanged."""

from chassis.migrate import add_erasures

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    add_erasures()
