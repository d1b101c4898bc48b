"""Households that a supervisor lets be housed in groups; the release before runs on it unchanged."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for name in ("apart", "kept_from"):
        op.add_column("need", sa.Column(name, ARRAY(sa.Uuid), nullable=False, server_default=sa.text("'{}'")))
    op.create_index("need_split", "need", ["case_id"], postgresql_where=sa.text("state = 'split'"))
    op.create_table(
        "household_split",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("case_id", sa.Uuid, nullable=False, index=True),
        sa.Column("groups", JSONB, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("agreements", JSONB, nullable=False),
        sa.Column("decided_by", sa.Uuid, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    )
