"""Whether the store was restored, and what its recovery left to people; the release before this one runs against it unchanged."""

from chassis.migrate import add_recovery

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    add_recovery()
