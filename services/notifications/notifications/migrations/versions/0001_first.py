"""The first tables: case files, notices and who read them, ladders, subscriptions and deliveries."""

import sqlalchemy as sa
from alembic import op
from chassis import migrate
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables of the first release."""
    migrate.create_chassis_tables()
    op.create_table(
        "case_file",
        sa.Column("case_id", sa.Uuid, primary_key=True),
        sa.Column("reported_by", sa.Text),
        sa.Column("brought_by", sa.Text),
        sa.Column("responsible", sa.Text),
        sa.Column("risk", sa.Text),
        sa.Column("triage_version", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.Uuid),
        sa.Column("worker_version", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
    )
    op.execute("CREATE SEQUENCE notice_position")
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False, unique=True, server_default=sa.text("nextval('notice_position')")),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("agency", sa.Text),
        sa.Column("unit", sa.Uuid),
        sa.Column("officer", sa.Uuid),
        sa.Column("follows", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("case_id", sa.Uuid),
        sa.Column("subscription_id", sa.Uuid),
        sa.Column("placement_id", sa.Uuid),
        sa.Column("number", sa.Integer),
        sa.Column("clock", sa.Text),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("acknowledged_at", MOMENT),
        sa.Column("acknowledged_by", sa.Uuid),
        sa.Column("acknowledged_after_seconds", sa.Float),
        sa.UniqueConstraint("source", "recipient"),
    )
    op.create_index("notice_of_role", "notice", ["role", "position"])
    op.create_index("notice_of_officer", "notice", ["officer", "position"])
    op.create_index("notice_open", "notice", ["case_id"], postgresql_where=sa.text("acknowledged_at IS NULL AND follows <> 'nothing'"))
    op.create_table(
        "notice_read",
        sa.Column("notice_id", sa.Uuid, sa.ForeignKey("notice.id"), primary_key=True),
        sa.Column("officer", sa.Uuid, primary_key=True),
        sa.Column("read_at", MOMENT, nullable=False),
    )
    op.create_table(
        "ladder",
        sa.Column("placement_id", sa.Uuid, primary_key=True),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("unit", sa.Uuid, nullable=False),
        sa.Column("offered_at", MOMENT),
        sa.Column("answered", sa.Boolean, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("policy_version", sa.Integer, nullable=False),
    )
    op.create_index("ladder_open", "ladder", ["case_id"], postgresql_where=sa.text("NOT answered"))
    op.create_table(
        "subscription",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("agency", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("types", ARRAY(sa.Text), nullable=False),
        sa.Column("cities", ARRAY(sa.Text), nullable=False),
        sa.Column("secret", sa.LargeBinary),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("failed_in_a_row", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.Uuid, nullable=False),
        sa.CheckConstraint("state IN ('active', 'disabled', 'deleted')"),
        sa.CheckConstraint("secret IS NOT NULL OR state = 'deleted'"),
    )
    op.create_index("subscription_of_agency", "subscription", ["agency"])
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True),
        sa.Column("subscription_id", sa.Uuid, sa.ForeignKey("subscription.id"), nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_token", sa.Uuid),
        sa.Column("lease_until", MOMENT),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_reason", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.UniqueConstraint("subscription_id", "event_id"),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')"),
        sa.CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)"),
    )
    op.create_index("delivery_due", "delivery", ["subscription_id", "due"], postgresql_where=sa.text("state = 'pending'"))
    op.create_index("delivery_of_subscription", "delivery", ["subscription_id", "position"])
