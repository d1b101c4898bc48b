"""Who has which bed of a shelter and what blocks it, for the bed board; blocks of beds and closures of shelters, with their times."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, text

from placement.domain.beds import Bed, BedState, Block, Use

BEDS = text("""
    SELECT bed.id, bed.out_of_service, bed.overflow_approved_by IS NOT NULL AS overflow, room.id AS room_id, room.name AS room, unit.id AS unit_id,
        unit.name AS unit
    FROM bed JOIN room ON room.id = bed.room_id LEFT JOIN unit ON unit.id = room.unit_id
    WHERE room.shelter_id = :shelter ORDER BY unit.name NULLS FIRST, room.name, room.id, bed.id""")
# What is current comes first, as in `register`.
USES = text("""
    WITH current AS MATERIALIZED (SELECT * FROM stay WHERE during && tstzrange(CAST(:now AS timestamptz), NULL))
    SELECT current.bed_id, current.person_id, current.placement_id, (SELECT state = 'admitted' FROM placement WHERE placement.id = current.placement_id) AS inside,
        lower(during) AS since, upper(during) AS until
    FROM current JOIN bed ON bed.id = current.bed_id JOIN room ON room.id = bed.room_id
    WHERE room.shelter_id = :shelter ORDER BY since, current.person_id""")
BLOCKS = text("""
    WITH current AS MATERIALIZED (SELECT * FROM bed_block WHERE during && tstzrange(CAST(:now AS timestamptz), NULL))
    SELECT current.id, current.bed_id, current.kind, lower(during) AS since, upper(during) AS until
    FROM current JOIN bed ON bed.id = current.bed_id JOIN room ON room.id = bed.room_id
    WHERE room.shelter_id = :shelter ORDER BY since, current.id""")
BLOCK = text("""
    INSERT INTO bed_block (id, bed_id, kind, during, recorded_by)
    VALUES (:id, :bed, :kind, tstzrange(CAST(:since AS timestamptz), CAST(:until AS timestamptz)), :by)""")
# What began ends now, what has not begun yet never does.
END_BLOCKS = text("""
    UPDATE bed_block SET during = tstzrange(least(lower(during), CAST(:now AS timestamptz)), CAST(:now AS timestamptz))
    WHERE bed_id = :bed AND kind = :kind AND during && tstzrange(CAST(:now AS timestamptz), NULL) RETURNING id""")
CLOSE = text("""
    INSERT INTO closure (id, shelter_id, kind, during, recorded_by)
    VALUES (:id, :shelter, :kind, tstzrange(CAST(:now AS timestamptz), CAST(:until AS timestamptz)), :by)""")
CLOSURES = text("""
    SELECT id, kind, lower(during) AS since, upper(during) AS until FROM closure
    WHERE shelter_id = :shelter AND during @> CAST(:now AS timestamptz) ORDER BY since, id""")
PROLONG = text("UPDATE closure SET during = tstzrange(lower(during), CAST(:until AS timestamptz)) WHERE id = :id")
END_CLOSURE = text("""
    UPDATE closure SET during = tstzrange(lower(during), CAST(:now AS timestamptz))
    WHERE id = :id AND shelter_id = :shelter AND during @> CAST(:now AS timestamptz) RETURNING id""")


async def board(tx: Transaction, shelter_id: UUID) -> list[tuple[Row[Any], Bed]]:
    """Every bed of a shelter: what it is and where it stands, and what decides on its state now and later."""
    asked = {"shelter": shelter_id, "now": tx.now}
    uses, blocks = dict[UUID, list[Use]](), dict[UUID, list[Block]]()
    for row in await tx.rows(USES, asked):
        uses.setdefault(row.bed_id, []).append(Use(row.person_id, row.inside, row.since, row.until, row.placement_id))
    for row in await tx.rows(BLOCKS, asked):
        blocks.setdefault(row.bed_id, []).append(Block(row.id, BedState(row.kind), row.since, row.until))
    beds = await tx.rows(BEDS, {"shelter": shelter_id})
    return [(row, Bed(row.id, row.out_of_service, tuple(uses.get(row.id, ())), tuple(blocks.get(row.id, ())))) for row in beds]


async def block(tx: Transaction, bed_id: UUID, since: datetime, until: datetime | None) -> None:
    """Take a bed out of service for a time whose end may be open."""
    values = {"id": tx.new_id(f"block:{bed_id}"), "bed": bed_id, "kind": BedState.OUT_OF_SERVICE.value, "since": since, "until": until}
    await tx.execute(BLOCK, values | {"by": tx.principal.subject})


async def end_blocks(tx: Transaction, bed_id: UUID, kind: BedState) -> bool:
    """End what blocks a bed in this way now or later; whether something did."""
    return bool(await tx.rows(END_BLOCKS, {"bed": bed_id, "kind": kind.value, "now": tx.now}))


async def closures(tx: Transaction, shelter_id: UUID) -> Sequence[Row[Any]]:
    """Why a shelter takes nobody now, and until when."""
    return await tx.rows(CLOSURES, {"shelter": shelter_id, "now": tx.now})


async def close(tx: Transaction, shelter_id: UUID, kind: str, until: datetime | None) -> UUID:
    """Close a shelter or call it full until a time or until somebody ends that; one of a kind at a time, the later word counts."""
    for row in await closures(tx, shelter_id):
        if row.kind == kind:
            await tx.execute(PROLONG, {"id": row.id, "until": until})
            found: UUID = row.id
            return found
    made = tx.new_id(f"closure:{kind}", shelter_id)
    await tx.execute(CLOSE, {"id": made, "shelter": shelter_id, "kind": kind, "now": tx.now, "until": until, "by": tx.principal.subject})
    return made


async def end_closure(tx: Transaction, shelter_id: UUID, closure_id: UUID) -> bool:
    """Let a shelter take people again; whether this held it closed."""
    return bool(await tx.rows(END_CLOSURE, {"id": closure_id, "shelter": shelter_id, "now": tx.now}))
