"""Until when somebody is on the answer to an offer, so that its ladder waits; the release before runs against it unchanged."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("ladder", sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True))
