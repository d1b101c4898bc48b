"""The first tables: workers, cases, assignments, answers, alerts, completed assessments and plans."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from chassis.migrate import create_chassis_tables
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def column(name: str, kind: Any, *, null: bool = False, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, primary_key=key)


def upgrade() -> None:
    create_chassis_tables()
    op.create_table(
        "worker", column("worker_id", sa.Uuid, key=True), column("agency", sa.Text), column("areas", ARRAY(sa.Text)), column("active", sa.Boolean)
    )
    op.create_table(
        "assessment_case",
        column("case_id", sa.Uuid, key=True),
        column("household_version", sa.BigInteger),
        column("members", JSONB),
        column("triage_version", sa.BigInteger),
        column("area", sa.Text, null=True),
        column("risk", sa.Text, null=True),
        column("shelter_needed", sa.Boolean, null=True),
        column("at_home", sa.Boolean),
        column("admitted", sa.Boolean),
        column("stays", JSONB),
        column("sheltered", sa.Boolean),
        column("ended", sa.Boolean),
        column("state", sa.Text),
        column("worker_id", sa.Uuid, null=True),
        column("due_at", MOMENT, null=True),
        column("plan_version", sa.Integer),
        column("goals", JSONB),
        column("followups", JSONB),
        column("deadlines", JSONB),
    )
    op.create_index("assessment_case_worker", "assessment_case", ["worker_id", "state"])
    op.create_index("assessment_case_state", "assessment_case", ["state", "due_at"])
    op.create_table(
        "assignment",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        column("case_id", sa.Uuid),
        column("worker_id", sa.Uuid),
        column("at", MOMENT),
    )
    op.create_index("assignment_case", "assignment", ["case_id", "position"])
    op.create_table(
        "answer",
        column("case_id", sa.Uuid, key=True),
        column("person_id", sa.Uuid, key=True),
        column("instrument", sa.Text, key=True),
        column("version", sa.Integer, key=True),
        column("sealed", sa.LargeBinary),
        column("changed_by", sa.Uuid),
        column("changed_at", MOMENT),
    )
    op.create_table(
        "alert", column("case_id", sa.Uuid, key=True), column("person_id", sa.Uuid, key=True), column("flag", sa.Text, key=True), column("at", MOMENT)
    )
    op.create_table(
        "completion",
        column("case_id", sa.Uuid, key=True),
        column("band", sa.Text),
        column("flags", ARRAY(sa.Text)),
        column("no_instrument_reason", sa.Text, null=True),
        column("completed_by", sa.Uuid),
        column("completed_at", MOMENT),
    )
    op.create_table(
        "plan",
        column("case_id", sa.Uuid, key=True),
        column("version", sa.Integer, key=True),
        column("outcomes", JSONB),
        column("services", ARRAY(sa.Text)),
        column("state", sa.Text),
        column("proposed_by", sa.Uuid),
        column("proposed_at", MOMENT),
        column("decided_by", sa.Uuid, null=True),
        column("decided_at", MOMENT, null=True),
        column("return_reason", sa.Text, null=True),
    )
