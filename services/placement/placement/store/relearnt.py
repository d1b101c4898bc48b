"""What only a recovery asks of the store: all placements of cases, open stays, shelters nobody knows any more, and doubt about beds."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from uuid import UUID

from chassis import Transaction
from sqlalchemy import select, text

from placement.domain.ledger import Retold
from placement.domain.placements import LIVE, Placement
from placement.store import PLACEMENT, placement_of

# Who recorded an agreement that only a fact tells of.
NOBODY = UUID(int=0)
# Secret until somebody says what it is: nothing about it may be shown. It suits nobody and is closed.
UNKNOWN_SHELTER = text("""
    INSERT INTO shelter (id, name, kind, secret, area, sexes, min_age, max_age, accepts_needs, stay_review_days, grounds_required, open, version,
        address_sealed, phone_sealed)
    SELECT id, '?', 'unknown', true, '00.00.00', '{}', 0, 0, '{}', 30, true, false, 1, '', ''
    FROM unnest(CAST(:ids AS uuid[])) AS missing (id) ORDER BY id ON CONFLICT DO NOTHING RETURNING id""")
CLOSE = text("UPDATE shelter SET open = false, version = version + 1 WHERE id = ANY(CAST(:ids AS uuid[])) AND open")
OPEN_STAYS = text("""
    SELECT placement_id, person_id, bed_id FROM stay
    WHERE placement_id = ANY(CAST(:ids AS uuid[])) AND ended_as IS NULL AND NOT isempty(during)""")
FORGET_HOLDS = text("DELETE FROM stay WHERE placement_id = ANY(CAST(:ids AS uuid[])) AND ended_as IS NULL")
AGREE = text("""
    INSERT INTO agreement (placement_id, person_id, agreement, recorded_by, recorded_at)
    SELECT placement, person, how, :by, at FROM unnest(CAST(:placements AS uuid[]), CAST(:persons AS uuid[]), CAST(:hows AS text[]),
        CAST(:ats AS timestamptz[])) AS new (placement, person, how, at) ON CONFLICT DO NOTHING""")
WITHOUT_BEDS = text("""
    SELECT id FROM placement WHERE state = ANY(CAST(:live AS text[]))
        AND (case_id = ANY(CAST(:cases AS uuid[])) OR case_id IN (SELECT case_id FROM need WHERE part_of = ANY(CAST(:cases AS uuid[]))))
        AND (transfer_of IS NULL OR state = 'admitted')
        AND NOT EXISTS (SELECT FROM stay WHERE placement_id = placement.id AND ended_as IS NULL AND NOT isempty(during))""")
CLEANED = text("""
    UPDATE bed_block SET during = tstzrange(lower(during), CAST(:now AS timestamptz)) WHERE kind = 'cleaning' AND during @> CAST(:now AS timestamptz)""")
# The code of a decision whose reasons a restore lost.
EXPLANATION = "explanation"
NOTE_STEPS = text("""
    INSERT INTO placement_step (placement_id, step, at)
    SELECT * FROM unnest(CAST(:placements AS uuid[]), CAST(:steps AS text[]), CAST(:ats AS timestamptz[])) ON CONFLICT DO NOTHING""")
BEGIN = text("""
    INSERT INTO unmet_need (id, case_id, since, persons, risk, refusals)
    SELECT gen_random_uuid(), case_id, at, persons, risk, refusals
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS new (case_id uuid, at timestamptz, persons integer, risk text, refusals jsonb)
    ON CONFLICT (case_id) WHERE ended_at IS NULL DO NOTHING""")
END = text("""
    UPDATE unmet_need SET ended_at = gone.at, ended_as = gone.ended_as, shelter_id = gone.shelter_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS gone (case_id uuid, at timestamptz, ended_as text, shelter_id uuid)
    WHERE unmet_need.case_id = gone.case_id AND unmet_need.ended_at IS NULL""")
REGISTERED = text("SELECT id FROM shelter WHERE kind <> 'unknown' ORDER BY id")
LOST_EXPLANATION = text("""
    SELECT max(outbox.time) AS at FROM recovery_task JOIN outbox ON outbox.id = recovery_task.event_id
    WHERE recovery_task.missing = :missing AND recovery_task.subject = :subject
        AND (CAST(:placement AS text) IS NULL OR convert_from(outbox.body, 'utf8')::jsonb ->> 'placement_id' = :placement)""")


async def placements_of(tx: Transaction, cases: Collection[UUID]) -> dict[UUID, dict[UUID, Placement]]:
    """All placements of these cases, by case id and placement id."""
    found: dict[UUID, dict[UUID, Placement]] = {case_id: {} for case_id in cases}
    for row in await tx.rows(select(PLACEMENT).where(PLACEMENT.c.case_id.in_(cases))):
        found[row.case_id][row.id] = placement_of(row)
    return found


async def without_beds(tx: Transaction, cases: Collection[UUID]) -> list[Placement]:
    """The live placements of these cases that have no bed."""
    parameters = {"cases": list(cases), "live": [step.value for step in LIVE]}
    found = [row.id for row in await tx.rows(WITHOUT_BEDS, parameters)]
    return [placement_of(row) for row in await tx.rows(select(PLACEMENT).where(PLACEMENT.c.id.in_(found)))]


async def note_shelters(tx: Transaction, shelters: Collection[UUID]) -> set[UUID]:
    """Keep the ids of shelters that the register does not have (any more); those that it did not have."""
    return {row.id for row in await tx.rows(UNKNOWN_SHELTER, {"ids": sorted(shelters)})}


async def close_shelters(tx: Transaction, shelters: Collection[UUID]) -> None:
    """Let these shelters be offered to nobody until an officer opens them again."""
    await tx.execute(CLOSE, {"ids": list(shelters)})


async def open_stays(tx: Transaction, placement_ids: Collection[UUID]) -> dict[UUID, dict[UUID, UUID]]:
    """Who has or holds which bed now: bed ids by person id, by placement id."""
    found: dict[UUID, dict[UUID, UUID]] = {}
    for row in await tx.rows(OPEN_STAYS, {"ids": list(placement_ids)}):
        found.setdefault(row.placement_id, {})[row.person_id] = row.bed_id
    return found


async def forget_holds(tx: Transaction, placement_ids: Collection[UUID]) -> None:
    """Forget the beds of placements that get others."""
    await tx.execute(FORGET_HOLDS, {"ids": list(placement_ids)})


async def agreements(tx: Transaction, told: Sequence[tuple[UUID, UUID, str, datetime]]) -> None:
    """Keep how persons agreed, as a fact told it: (placement, person, how, when)."""
    names: Mapping[str, int] = {"placements": 0, "persons": 1, "hows": 2, "ats": 3}
    await tx.execute(AGREE, {name: [entry[place] for entry in told] for name, place in names.items()} | {"by": NOBODY})


async def end_cleaning(tx: Transaction) -> None:
    """No bed is being cleaned any more: an officer may have said in the lost hour that one was ready, and somebody may sleep in it; no fact tells."""
    await tx.execute(CLEANED, {"now": tx.now})


# -- the record -----------------------------------------------------------------------------------------------------------------------


async def note_steps(tx: Transaction, taken: Sequence[tuple[UUID, str, datetime]]) -> None:
    """Keep when placements came into states: (placement, state, when); what is known already stays."""
    if taken:
        placements, steps, ats = zip(*taken, strict=True)
        await tx.execute(NOTE_STEPS, {"placements": list(placements), "steps": list(steps), "ats": list(ats)})


async def tell_ledger(tx: Transaction, told: Iterable[Retold]) -> None:
    """Write lines of the ledger in their order; one that is open already is not begun again."""
    by_case: dict[UUID, list[Retold]] = {}
    for entry in told:
        by_case.setdefault(entry.line.case_id, []).append(entry)
    for turn in zip_longest(*by_case.values()):
        lines = [entry for entry in turn if entry is not None]
        if begun := [_ledger_row(entry) for entry in lines if not entry.line.only_if_begun]:
            await tx.execute(BEGIN, {"rows": json.dumps(begun)})
        if ended := [_ledger_row(entry) for entry in lines if entry.line.ended_as]:
            await tx.execute(END, {"rows": json.dumps(ended)})


def _ledger_row(entry: Retold) -> dict[str, object]:
    line = entry.line
    values = {"case_id": str(line.case_id), "at": entry.at.isoformat(), "persons": line.persons, "risk": line.risk, "refusals": line.refusals}
    return values | {"ended_as": line.ended_as, "shelter_id": str(entry.shelter_id) if entry.shelter_id else None}


async def registered(tx: Transaction) -> list[UUID]:
    """The shelters of the register, but for those of which only the id is known."""
    return [row.id for row in await tx.rows(REGISTERED)]


async def explanation_lost(tx: Transaction, subject: UUID, placement_id: UUID | None = None) -> datetime | None:
    """When the last decision about a case (and placement) was made whose reasons a restore lost, or None."""
    asked = {"missing": EXPLANATION, "subject": subject, "placement": str(placement_id) if placement_id else None}
    row = await tx.row(LOST_EXPLANATION, asked)
    found: datetime | None = row.at if row else None
    return found
