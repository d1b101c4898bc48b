"""The first tables: shelters with rooms and beds, needs, placements, stays, agreements and what was said of availability."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from chassis.migrate import create_chassis_tables
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
UUIDS = ARRAY(sa.Uuid)
TEXTS = ARRAY(sa.Text)


def column(name: str, kind: Any, *, null: bool = False, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, primary_key=key)


def upgrade() -> None:
    create_chassis_tables()
    homes()
    cases()
    stays()


def homes() -> None:
    op.create_table(
        "shelter",
        column("id", sa.Uuid, key=True),
        column("name", sa.Text),
        column("kind", sa.Text),
        column("secret", sa.Boolean),
        column("area", sa.Text),
        column("sexes", TEXTS),
        column("min_age", sa.Integer),
        column("max_age", sa.Integer),
        column("boys_max_age", sa.Integer, null=True),
        column("accepts_needs", TEXTS),
        column("stay_review_days", sa.Integer),
        column("grounds_required", sa.Boolean),
        column("open", sa.Boolean),
        column("version", sa.Integer),
        column("address_sealed", sa.LargeBinary),
        column("phone_sealed", sa.LargeBinary),
    )
    op.create_table(
        "room",
        column("id", sa.Uuid, key=True),
        sa.Column("shelter_id", sa.Uuid, sa.ForeignKey("shelter.id"), nullable=False, index=True),
        column("name", sa.Text),
        column("family", sa.Boolean),
        column("accessible", sa.Boolean),
        column("isolation", sa.Boolean),
    )
    op.create_table(
        "bed",
        column("id", sa.Uuid, key=True),
        sa.Column("room_id", sa.Uuid, sa.ForeignKey("room.id"), nullable=False, index=True),
        column("out_of_service", sa.Boolean),
    )
    op.create_table("availability", column("kind", sa.Text, key=True), column("band", sa.Text))


def cases() -> None:
    op.create_table(
        "need",
        column("case_id", sa.Uuid, key=True),
        column("version", sa.BigInteger),
        column("household_version", sa.BigInteger),
        column("revision", sa.BigInteger),
        column("persons", JSONB),
        column("risk", sa.Text),
        column("grounds", TEXTS),
        column("keep_apart", UUIDS),
        column("perpetrator_areas", TEXTS),
        column("medical_gate", sa.Boolean),
        column("shelter_needed", sa.Boolean),
        column("ended", sa.Boolean),
        column("state", sa.Text),
        column("waiting_since", MOMENT, null=True),
        column("declined", UUIDS),
        column("not_now", UUIDS),
        column("settled_version", sa.BigInteger),
        column("waitlisted", sa.Boolean),
        column("review_at", MOMENT, null=True),
        column("reasons", JSONB),
    )
    op.create_index("need_waiting", "need", ["waiting_since", "case_id"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_table(
        "placement",
        column("id", sa.Uuid, key=True),
        column("case_id", sa.Uuid),
        sa.Column("shelter_id", sa.Uuid, sa.ForeignKey("shelter.id"), nullable=False),
        column("state", sa.Text),
        column("revision", sa.BigInteger),
        column("members", JSONB),
        column("offered_at", MOMENT),
        column("hold_until", MOMENT, null=True),
        column("ladder_until", MOMENT, null=True),
        column("arrive_by", MOMENT, null=True),
        column("admitted_at", MOMENT, null=True),
        column("review_on", sa.Date, null=True),
        column("reason", sa.Text, null=True),
        column("direct", sa.Boolean),
        column("decided_by", sa.Uuid, null=True),
    )
    live = sa.text("state IN ('offered', 'accepted', 'on_the_way', 'admitted')")
    op.create_index("placement_one_live", "placement", ["case_id"], unique=True, postgresql_where=live)
    op.create_index("placement_case", "placement", ["case_id"])
    op.create_index("placement_shelter", "placement", ["shelter_id", "state"])
    op.create_index("placement_held", "placement", ["hold_until"], postgresql_where=sa.text("state = 'offered'"))


def stays() -> None:
    op.create_table(
        "stay",
        sa.Column("placement_id", sa.Uuid, sa.ForeignKey("placement.id"), primary_key=True),
        column("person_id", sa.Uuid, key=True),
        sa.Column("bed_id", sa.Uuid, sa.ForeignKey("bed.id"), nullable=False, index=True),
        column("case_id", sa.Uuid),
        column("sex", sa.Text),
        column("small", sa.Boolean),
        column("during", TSTZRANGE),
        column("ended_as", sa.Text, null=True),
    )
    op.create_index("stay_person", "stay", ["person_id"])
    op.create_index("stay_during", "stay", ["during"], postgresql_using="gist")
    # A range over the key makes a plain gist index enough: no contrib module. No status takes part, so nothing can slip past it.
    op.execute("CREATE TYPE uuidrange AS RANGE (subtype = uuid)")
    op.execute("ALTER TABLE stay ADD CONSTRAINT bed_once EXCLUDE USING gist ((uuidrange(bed_id, bed_id, '[]')) WITH &&, during WITH &&)")
    op.execute("ALTER TABLE stay ADD CONSTRAINT person_once EXCLUDE USING gist ((uuidrange(person_id, person_id, '[]')) WITH &&, during WITH &&)")
    op.create_table(
        "agreement",
        sa.Column("placement_id", sa.Uuid, sa.ForeignKey("placement.id"), primary_key=True),
        column("person_id", sa.Uuid, key=True),
        column("agreement", sa.Text),
        column("legal_ground_until", sa.Date, null=True),
        column("recorded_by", sa.Uuid),
        column("recorded_at", MOMENT),
    )
