"""What is asked of households that were split: the needs of a case with its groups, and the record of who let them be split, when and why."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import or_, select, text

from placement.domain.needs import Need, State
from placement.domain.placements import Agreed, Said
from placement.domain.split import Group
from placement.store import NEED, need_of

PARTS = text("SELECT case_id, part_of FROM need WHERE part_of = ANY(CAST(:cases AS uuid[])) ORDER BY case_id")
KEEP = text("""
    INSERT INTO household_split (id, case_id, groups, reason, agreements, decided_by, decided_at, recorded_by, recorded_at)
    VALUES (:id, :case_id, CAST(:groups AS jsonb), :reason, CAST(:agreements AS jsonb), :by, CAST(:at AS timestamptz), :recorded_by,
        CAST(:now AS timestamptz))
    ON CONFLICT DO NOTHING""")
SPLITS = text("SELECT * FROM household_split WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY recorded_at, id")


@dataclass(frozen=True, slots=True)
class Approved:
    """A split as it was approved: groups in their order, why, how each agreed, and who decided it."""

    id: UUID
    case_id: UUID
    groups: tuple[Group, ...]
    reason: str
    agreements: tuple[Agreed, ...]
    said: Said
    recorded_at: datetime


async def households(tx: Transaction, cases: Collection[UUID]) -> dict[UUID, Need]:
    """The needs of these cases and of all their groups, by their ids; a case never heard of has a blank one."""
    ids = list(cases)
    rows = await tx.rows(select(NEED).where(or_(NEED.c.case_id.in_(ids), NEED.c.part_of.in_(ids))))
    found = {row.case_id: need_of(row) for row in rows}
    return {**{case_id: found.get(case_id) or Need(case_id) for case_id in ids}, **found}


async def ungrouped(tx: Transaction) -> list[Need]:
    """The households that were split and of which somebody is in no group, in order of their cases."""
    found = await tx.rows(select(NEED).where(NEED.c.state == State.SPLIT.value).order_by(NEED.c.case_id))
    return [need for need in map(need_of, found) if need.members]


async def parts(tx: Transaction, cases: Iterable[UUID]) -> dict[UUID, UUID]:
    """The ids of the needs of these cases, of the whole and of its groups, each with its case."""
    whole = {case_id: case_id for case_id in cases}
    return whole | {row.case_id: row.part_of for row in await tx.rows(PARTS, {"cases": list(whole)})}


async def keep(tx: Transaction, approved: Approved) -> None:
    """Keep who let a household be split, when, why, and how everyone agreed."""
    values = {
        "id": approved.id,
        "case_id": approved.case_id,
        "groups": json.dumps([{"persons": sorted(map(str, group.persons)), "ground": group.ground} for group in approved.groups]),
        "reason": approved.reason,
        "agreements": json.dumps([{"person": str(e.person_id), "how": e.how, "until": e.until and e.until.isoformat()} for e in approved.agreements]),
        "by": approved.said.by,
        "at": approved.said.at,
        "recorded_by": approved.said.recorded_by,
        "now": approved.recorded_at,
    }
    await tx.execute(KEEP, values)


async def splits(tx: Transaction, cases: Collection[UUID]) -> dict[UUID, list[Approved]]:
    """How these cases were split, by case id, the oldest first."""
    found: dict[UUID, list[Approved]] = {}
    for row in await tx.rows(SPLITS, {"cases": list(cases)}):
        groups = tuple(Group(frozenset(map(UUID, entry["persons"])), entry["ground"]) for entry in row.groups)
        agreed = tuple(_agreed(entry) for entry in row.agreements)
        said = Said(row.decided_by, row.decided_at, row.recorded_by)
        found.setdefault(row.case_id, []).append(Approved(row.id, row.case_id, groups, row.reason, agreed, said, row.recorded_at))
    return found


def _agreed(entry: Mapping[str, Any]) -> Agreed:
    until = entry["until"]
    return Agreed(UUID(entry["person"]), entry["how"], until and datetime.fromisoformat(until).date())
