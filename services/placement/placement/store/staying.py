"""What transfers, temporary absences and second stays ask of the store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from chassis import Transaction
from sqlalchemy import text

MOVE_IN = text("""
    UPDATE stay SET during = tstzrange(lower(during), NULL), in_it = tstzrange(greatest(lower(during), CAST(:now AS timestamptz)), NULL)
    WHERE placement_id = ANY(CAST(:placements AS uuid[])) AND ended_as IS NULL AND NOT isempty(during) AND isempty(in_it)""")
STAYED = text("""
    SELECT DISTINCT stay.person_id FROM unnest(CAST(:persons AS uuid[])) AS asked (person)
    JOIN stay ON uuidrange(stay.person_id, stay.person_id, '[]') && uuidrange(asked.person, asked.person, '[]')
        AND coalesce(stay.in_it, stay.during) && tstzrange(CAST(:since AS timestamptz), NULL)
    WHERE stay.ended_as IS NOT NULL AND stay.ended_as <> 'transferred'""")
SECRET = text("SELECT id FROM shelter WHERE id = ANY(CAST(:ids AS uuid[])) AND secret")
HOUSED = text("""
    SELECT DISTINCT stay.person_id FROM unnest(CAST(:persons AS uuid[])) AS asked (person)
    JOIN stay ON uuidrange(stay.person_id, stay.person_id, '[]') && uuidrange(asked.person, asked.person, '[]')
        AND coalesce(stay.in_it, stay.during) && tstzrange(CAST(:now AS timestamptz), NULL)""")
AWAY = text("""
    SELECT placement_id, person_id, back_by FROM absence WHERE placement_id = ANY(CAST(:placements AS uuid[])) AND ended_at IS NULL""")
GO_AWAY = text("""
    INSERT INTO absence (placement_id, person_id, since, back_by, recorded_by)
    SELECT CAST(:placement AS uuid), person, CAST(:now AS timestamptz), CAST(:back_by AS timestamptz), CAST(:by AS uuid)
    FROM unnest(CAST(:persons AS uuid[])) AS person""")
COME_BACK = text("""
    UPDATE absence SET ended_at = CAST(:now AS timestamptz) FROM unnest(CAST(:placements AS uuid[]), CAST(:persons AS uuid[])) AS back (placement, person)
    WHERE placement_id = back.placement AND person_id = back.person AND ended_at IS NULL""")


async def move_in(tx: Transaction, placement_ids: Collection[UUID]) -> None:
    """The beds that were held for persons who had another one are theirs from now on, until they leave; end their other stays first."""
    await tx.execute(MOVE_IN, {"placements": list(placement_ids), "now": tx.now})


async def stayed_since(tx: Transaction, persons: Collection[UUID], since: datetime) -> set[UUID]:
    """Those of these persons who had a stay that ended after a time."""
    return {row.person_id for row in await tx.rows(STAYED, {"persons": list(persons), "since": since})}


async def housed(tx: Transaction, persons: Collection[UUID]) -> set[UUID]:
    """Those of these persons who have or hold a bed now."""
    return {row.person_id for row in await tx.rows(HOUSED, {"persons": list(persons), "now": tx.now})}


async def go_away(tx: Transaction, placement_id: UUID, persons: Collection[UUID], back_by: datetime) -> None:
    """Persons leave for some time; their beds are kept."""
    values = {"placement": placement_id, "persons": sorted(persons), "now": tx.now, "back_by": back_by, "by": tx.principal.subject}
    await tx.execute(GO_AWAY, values)


async def come_back(tx: Transaction, persons: Sequence[tuple[UUID, UUID]]) -> None:
    """The absence of each (placement, person) is over, if she was away."""
    await tx.execute(COME_BACK, {"now": tx.now, "placements": [entry[0] for entry in persons], "persons": [entry[1] for entry in persons]})


async def away(tx: Transaction, placement_ids: Collection[UUID]) -> dict[UUID, dict[UUID, datetime]]:
    """Who is away for some time, and until when: by person id, by placement id."""
    found: dict[UUID, dict[UUID, datetime]] = {}
    for row in await tx.rows(AWAY, {"placements": list(placement_ids)}):
        found.setdefault(row.placement_id, {})[row.person_id] = row.back_by
    return found


async def secret_ones(tx: Transaction, shelters: Collection[UUID]) -> set[UUID]:
    """Those of these shelters that are secret."""
    return {row.id for row in await tx.rows(SECRET, {"ids": list(shelters)})}
