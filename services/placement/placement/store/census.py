"""Who sleeps in a shelter, who was found there at night, and the clocks that ask for it."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, text

CLOCK = "census"
# What is current comes first, as in `register`.
RESIDENTS = text("""
    WITH current AS MATERIALIZED (SELECT * FROM stay WHERE during @> CAST(:now AS timestamptz))
    SELECT current.person_id, current.bed_id, room.name AS room, lower(coalesce(current.in_it, current.during)) AS since
    FROM current JOIN bed ON bed.id = current.bed_id JOIN room ON room.id = bed.room_id
    WHERE room.shelter_id = :shelter AND (SELECT state = 'admitted' FROM placement WHERE placement.id = current.placement_id)
    ORDER BY room.name, current.bed_id""")
RECORD = text("""
    INSERT INTO census (shelter_id, night, present, absent, confirmed_by, confirmed_at)
    VALUES (:shelter, :night, CAST(:present AS uuid[]), CAST(:absent AS uuid[]), :by, CAST(:now AS timestamptz))
    ON CONFLICT (shelter_id, night) DO UPDATE SET present = excluded.present, absent = excluded.absent, confirmed_by = excluded.confirmed_by,
        confirmed_at = excluded.confirmed_at""")
NEWEST = text("SELECT * FROM census WHERE shelter_id = :shelter ORDER BY night DESC LIMIT 1")
# Nobody need look at a shelter that is closed for good and in which nobody stays.
UNCONFIRMED = text("""
    WITH lived_in AS MATERIALIZED (
        SELECT DISTINCT room.shelter_id FROM (SELECT DISTINCT bed_id FROM stay WHERE during @> CAST(:now AS timestamptz)) AS current
        JOIN bed ON bed.id = current.bed_id JOIN room ON room.id = bed.room_id)
    SELECT shelter.id FROM shelter WHERE id = ANY(CAST(:ids AS uuid[]))
        AND NOT EXISTS (SELECT FROM census WHERE shelter_id = shelter.id AND night = :night)
        AND (shelter.open OR id IN (SELECT shelter_id FROM lived_in))""")
UNASKED = text("SELECT id FROM shelter WHERE NOT EXISTS (SELECT FROM clock WHERE kind = :kind AND subject = shelter.id) ORDER BY id")


async def residents(tx: Transaction, shelter_id: UUID) -> Sequence[Row[Any]]:
    """Who stays in a shelter: ids, beds and since when."""
    return await tx.rows(RESIDENTS, {"shelter": shelter_id, "now": tx.now})


async def record(tx: Transaction, shelter_id: UUID, night: date, present: Collection[UUID], absent: Collection[UUID]) -> None:
    """Keep who was there that night; a later word replaces an earlier one."""
    found = {"present": sorted(present), "absent": sorted(absent)}
    await tx.execute(RECORD, {"shelter": shelter_id, "night": night, "by": tx.principal.subject, "now": tx.now} | found)


async def newest(tx: Transaction, shelter_id: UUID) -> Row[Any] | None:
    """The last night of a shelter that was confirmed."""
    return await tx.row(NEWEST, {"shelter": shelter_id})


async def unconfirmed(tx: Transaction, shelters: Collection[UUID], night: date) -> set[UUID]:
    """Those of these shelters that take people, or have some, and were not confirmed for this night."""
    return {row.id for row in await tx.rows(UNCONFIRMED, {"ids": list(shelters), "night": night, "now": tx.now})}


async def unasked(tx: Transaction) -> list[UUID]:
    """Shelters that no clock asks about: those that are new, or were registered by a release that did not ask."""
    return [row.id for row in await tx.rows(UNASKED, {"kind": CLOCK})]
