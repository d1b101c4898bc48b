"""Units, closed and cleaned beds, who was there at night, transfers, reasons and the ledger of unmet needs; the release before runs on it unchanged."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def column(name: str, kind: Any, *, null: bool = False, key: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, primary_key=key, server_default=sa.text(default) if default else None)


def upgrade() -> None:
    homes()
    cases()
    stays()
    reasons()
    lists()


def homes() -> None:
    op.create_table(
        "unit",
        column("id", sa.Uuid, key=True),
        sa.Column("shelter_id", sa.Uuid, sa.ForeignKey("shelter.id"), nullable=False, index=True),
        column("name", sa.Text),
        column("sexes", ARRAY(sa.Text)),
        column("min_age", sa.Integer),
        column("max_age", sa.Integer),
        column("boys_max_age", sa.Integer, null=True),
        column("version", sa.Integer, default="1"),
    )
    op.add_column("shelter", column("parameters", JSONB, default="'{}'"))
    op.add_column("room", sa.Column("unit_id", sa.Uuid, sa.ForeignKey("unit.id"), nullable=True))
    op.add_column("bed", column("overflow_approved_by", sa.Uuid, null=True))
    op.add_column("bed", column("overflow_approved_at", MOMENT, null=True))
    # Nobody stands behind half an approval.
    op.create_check_constraint("overflow_has_an_approver", "bed", "(overflow_approved_by IS NULL) = (overflow_approved_at IS NULL)")
    # A bed that is cleaned or out of service, and a shelter that is closed or full, for a time whose end may be open.
    op.create_table(
        "bed_block",
        column("id", sa.Uuid, key=True),
        sa.Column("bed_id", sa.Uuid, sa.ForeignKey("bed.id", ondelete="CASCADE"), nullable=False, index=True),
        column("kind", sa.Text),
        column("during", TSTZRANGE),
        column("recorded_by", sa.Uuid, null=True),
        sa.CheckConstraint("kind IN ('cleaning', 'out_of_service')", name="bed_block_kind"),
    )
    op.create_index("bed_block_during", "bed_block", ["during"], postgresql_using="gist")
    op.create_table(
        "closure",
        column("id", sa.Uuid, key=True),
        sa.Column("shelter_id", sa.Uuid, sa.ForeignKey("shelter.id"), nullable=False, index=True),
        column("kind", sa.Text),
        column("during", TSTZRANGE),
        column("recorded_by", sa.Uuid, null=True),
        sa.CheckConstraint("kind IN ('closed', 'full')", name="closure_kind"),
    )
    op.create_table(
        "census",
        sa.Column("shelter_id", sa.Uuid, sa.ForeignKey("shelter.id"), primary_key=True),
        column("night", sa.Date, key=True),
        column("present", ARRAY(sa.Uuid)),
        column("absent", ARRAY(sa.Uuid)),
        column("confirmed_by", sa.Uuid),
        column("confirmed_at", MOMENT),
    )
    # Shelters that are registered already are asked who slept there, too: first for the coming night, by nine in Jakarta.
    op.execute("""
        INSERT INTO clock (kind, subject, key, id, due)
        SELECT 'census', id, '', gen_random_uuid(), (date_trunc('day', now() AT TIME ZONE INTERVAL '7 hours') + interval '1 day 9 hours') AT TIME ZONE INTERVAL '7 hours'
        FROM shelter ON CONFLICT DO NOTHING""")
    # Somebody of the staff must not meet a person or a case: which is told, who of the staff is not.
    op.create_table(
        "staff_conflict",
        sa.Column("shelter_id", sa.Uuid, sa.ForeignKey("shelter.id"), primary_key=True),
        column("about", sa.Uuid, key=True),
        column("declared_by", sa.Uuid),
        column("declared_at", MOMENT),
        column("ended_at", MOMENT, null=True),
    )


def cases() -> None:
    op.add_column("need", column("channel", sa.Text, null=True))
    op.add_column("need", column("area", sa.Text, null=True))
    op.add_column("need", column("part_of", sa.Uuid, null=True))
    op.add_column("need", column("area_changes", sa.Integer, default="0"))
    op.create_index("need_part_of", "need", ["part_of"], postgresql_where=sa.text("part_of IS NOT NULL"))
    for name in ("transfer_of", "part_of", "claimed_by", "recorded_by", "decision_id"):
        op.add_column("placement", column(name, sa.Uuid, null=True))
    for name in ("claimed_until", "decided_at"):
        op.add_column("placement", column(name, MOMENT, null=True))
    op.add_column("placement", column("handover", sa.Text, null=True))
    op.add_column("placement", column("overrides", JSONB, default="'[]'"))
    op.add_column("placement", column("re_entry", sa.Boolean, default="false"))
    live = "state IN ('offered', 'accepted', 'on_the_way', 'admitted')"
    op.drop_index("placement_one_live", "placement")
    op.create_index("placement_one_live", "placement", ["case_id"], unique=True, postgresql_where=sa.text(f"{live} AND transfer_of IS NULL"))
    op.create_index(
        "placement_one_transfer", "placement", ["transfer_of"], unique=True, postgresql_where=sa.text(f"{live} AND transfer_of IS NOT NULL")
    )


def lists() -> None:
    # The newest first, of all, of one shelter and in one state: without these each list sorts everything that ever was.
    op.create_index("placement_newest", "placement", [sa.text("offered_at DESC"), "id"])
    op.create_index("placement_shelter_newest", "placement", ["shelter_id", sa.text("offered_at DESC"), "id"])
    op.create_index("placement_state_newest", "placement", ["state", sa.text("offered_at DESC"), "id"])


def stays() -> None:
    # Who is to be transferred has a bed held while she sleeps in another one: `in_it` says when she herself is in this one, if not all the time.
    op.add_column("stay", column("in_it", TSTZRANGE, null=True))
    op.execute("ALTER TABLE stay DROP CONSTRAINT person_once")
    op.execute(
        "ALTER TABLE stay ADD CONSTRAINT person_once EXCLUDE USING gist"
        " ((uuidrange(person_id, person_id, '[]')) WITH &&, (coalesce(in_it, during)) WITH &&)"
    )
    op.create_index("stay_open", "stay", ["case_id"], postgresql_where=sa.text("ended_as IS NULL"))
    # Somebody stays here and is away for some time; her bed is kept.
    op.create_table(
        "absence",
        sa.Column("placement_id", sa.Uuid, sa.ForeignKey("placement.id"), primary_key=True),
        column("person_id", sa.Uuid, key=True),
        column("since", MOMENT, key=True),
        column("back_by", MOMENT),
        column("ended_at", MOMENT, null=True),
        column("recorded_by", sa.Uuid),
    )


def reasons() -> None:
    # What a decision saw of one home, once for all decisions that saw the same; `id` is derived from the content.
    op.create_table("home_seen", column("id", sa.Uuid, key=True), column("seen", JSONB))
    op.create_table(
        "decision",
        column("id", sa.Uuid, key=True),
        column("case_id", sa.Uuid),
        column("made_at", MOMENT),
        column("rules_version", sa.Integer),
        column("household", JSONB),
        column("homes", ARRAY(sa.Uuid)),
        column("considered", JSONB),
        column("shelter_id", sa.Uuid, null=True),
        column("how", sa.Text),
        column("together_with", ARRAY(sa.Uuid), default="'{}'"),
    )
    op.create_index("decision_case", "decision", ["case_id", "made_at"])
    op.create_table(
        "unmet_need",
        column("id", sa.Uuid, key=True),
        column("case_id", sa.Uuid),
        column("since", MOMENT),
        column("persons", sa.Integer),
        column("risk", sa.Text),
        column("refusals", JSONB),
        column("ended_at", MOMENT, null=True),
        column("ended_as", sa.Text, null=True),
        column("shelter_id", sa.Uuid, null=True),
    )
    op.create_index("unmet_need_open", "unmet_need", ["case_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index("unmet_need_since", "unmet_need", ["since"])
    op.create_index("decision_made", "decision", ["made_at"])
    op.create_index("unmet_need_case", "unmet_need", ["case_id"])
    # The areas that each version of a case named, so that how often they changed does not depend on the order in which it was heard.
    op.create_table(
        "area_heard",
        column("case_id", sa.Uuid, key=True),
        column("version", sa.BigInteger, key=True),
        column("areas", ARRAY(sa.Text)),
        column("cleared", sa.Boolean, default="false"),
    )
    # When each placement came into each state.
    op.create_table(
        "placement_step",
        column("placement_id", sa.Uuid, key=True),
        column("step", sa.Text, key=True),
        column("at", MOMENT),
    )
    op.create_index("placement_offered", "placement", ["offered_at"])
    op.create_index("placement_admitted", "placement", ["admitted_at"], postgresql_where=sa.text("admitted_at IS NOT NULL"))
