"""A role's inbox is read by position without passing over what is addressed to single officers: for social workers that is nearly everything."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    unaddressed = sa.text("officer IS NULL AND follows <> 'worker'")
    op.create_index("notice_of_role_alone", "notice", ["role", "position"], postgresql_where=unaddressed, if_not_exists=True)
