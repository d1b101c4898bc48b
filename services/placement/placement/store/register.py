"""The register of shelters as decisions see it: which beds are free, how full the shelters are, and what is said of it."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Cause, Transaction
from sqlalchemy import Row, text

from placement.domain.homes import Home
from placement.domain.seen import home_of

# All secret shelters together are this one kind.
HIDDEN = "secret"
# The clock that looks again when a bed or a shelter may be given to somebody again.
ROOM_AGAIN = "room_again"
NOBODY = UUID(int=0)
# The planner takes a hundredth of all stays for current ones, whatever their number: left to itself it reads every placement or need there
# ever was to join them, or every stay there ever was in each bed. So what is current comes first, by its range, and what belongs to
# each is asked one by one: as a value of its own, because of a join the planner makes a reading of everything (OFFSET 0 keeps the two apart).
# Not FOR UPDATE: rows that refer to a shelter may be written meanwhile.
LOCK = text("SELECT id FROM shelter ORDER BY id FOR NO KEY UPDATE")
LOOK = text("SELECT id FROM shelter ORDER BY id")
LOCK_SOME = text("SELECT id FROM shelter WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
# One text per home (`domain.seen` reads it): what did not change needs no reading again, and is compared as it is.
SEEN = text("""
    WITH current AS MATERIALIZED (SELECT * FROM stay WHERE during && tstzrange(CAST(:now AS timestamptz), NULL)),
    blocked AS MATERIALIZED (SELECT DISTINCT bed_id FROM bed_block WHERE during @> CAST(:now AS timestamptz)),
    free AS (
        SELECT bed.room_id, json_agg(bed.id ORDER BY bed.id) AS beds,
            json_agg(bed.id ORDER BY bed.id) FILTER (WHERE bed.overflow_approved_by IS NOT NULL) AS overflow
        FROM room JOIN bed ON bed.room_id = room.id
        WHERE room.shelter_id = ANY(CAST(:ids AS uuid[])) AND NOT bed.out_of_service
            AND bed.id NOT IN (SELECT bed_id FROM blocked) AND bed.id NOT IN (SELECT bed_id FROM current)
        GROUP BY bed.room_id),
    inside AS (
        SELECT bed.room_id, json_agg(json_build_array(current.person_id, current.case_id, current.sex, current.small,
            coalesce((SELECT to_json(keep_apart) FROM need WHERE need.case_id = current.case_id), '[]')) ORDER BY current.person_id) AS guests
        FROM current JOIN bed ON bed.id = current.bed_id JOIN room ON room.id = bed.room_id
        WHERE room.shelter_id = ANY(CAST(:ids AS uuid[]))
        GROUP BY bed.room_id),
    rooms AS (
        SELECT room.shelter_id, json_agg(json_build_object('id', room.id, 'family', room.family, 'accessible', room.accessible,
            'isolation', room.isolation, 'unit', CASE WHEN unit.id IS NOT NULL THEN json_build_object('sexes', unit.sexes, 'min_age', unit.min_age,
                'max_age', unit.max_age, 'boys_max_age', unit.boys_max_age) END,
            'free', coalesce(free.beds, '[]'), 'overflow', coalesce(free.overflow, '[]'), 'guests', coalesce(inside.guests, '[]')) ORDER BY room.id) AS rooms
        FROM room LEFT JOIN unit ON unit.id = room.unit_id LEFT JOIN free ON free.room_id = room.id LEFT JOIN inside ON inside.room_id = room.id
        WHERE room.shelter_id = ANY(CAST(:ids AS uuid[]))
        GROUP BY room.shelter_id)
    SELECT shelter.id, json_build_object('id', shelter.id, 'kind', shelter.kind, 'secret', shelter.secret, 'area', shelter.area, 'sexes', shelter.sexes,
        'min_age', shelter.min_age, 'max_age', shelter.max_age, 'boys_max_age', shelter.boys_max_age, 'accepts_needs', shelter.accepts_needs,
        'grounds_required', shelter.grounds_required, 'parameters', shelter.parameters,
        'open', shelter.open AND NOT EXISTS (SELECT FROM closure WHERE shelter_id = shelter.id AND during @> CAST(:now AS timestamptz)),
        'conflicts', array(SELECT about FROM staff_conflict WHERE shelter_id = shelter.id AND ended_at IS NULL ORDER BY about),
        'rooms', coalesce(rooms.rooms, '[]'))::text AS told
    FROM shelter LEFT JOIN rooms ON rooms.shelter_id = shelter.id
    WHERE shelter.id = ANY(CAST(:ids AS uuid[])) ORDER BY shelter.id""")
# Those who look for a bed stand in line together; the round of the waiting list alone, so that it misses nobody and nobody goes before it.
STAND = text("SELECT pg_advisory_xact_lock_shared(hashtext('naungan waiting list'))")
STAND_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('naungan waiting list'))")
COUNTS = text("""
    WITH used AS MATERIALIZED (
        SELECT bed_id, state = 'admitted' AS inside, state = 'offered' AS offered FROM (
            SELECT bed_id, (SELECT state FROM placement WHERE placement.id = stay.placement_id) AS state FROM stay
            WHERE during && tstzrange(CAST(:now AS timestamptz), NULL) OFFSET 0) AS current),
    blocked AS (
        SELECT bed_id, bool_or(kind = 'out_of_service') AS broken FROM bed_block WHERE during @> CAST(:now AS timestamptz) GROUP BY bed_id),
    closed AS (SELECT shelter_id, min(kind) AS kind FROM closure WHERE during @> CAST(:now AS timestamptz) GROUP BY shelter_id),
    told AS (
        SELECT bed.id, room.shelter_id, bed.out_of_service OR coalesce(blocked.broken, false) AS broken, blocked.bed_id IS NOT NULL AS blocked,
            bed.overflow_approved_by IS NOT NULL AS overflow, used.inside, used.offered
        FROM bed JOIN room ON room.id = bed.room_id LEFT JOIN used ON used.bed_id = bed.id LEFT JOIN blocked ON blocked.bed_id = bed.id),
    counted AS (
        SELECT shelter_id, count(*) FILTER (WHERE NOT broken) AS beds, count(*) FILTER (WHERE broken) AS out_of_service,
            count(*) FILTER (WHERE inside) AS people, count(*) FILTER (WHERE NOT inside) AS held, count(*) FILTER (WHERE offered) AS offered,
            count(*) FILTER (WHERE blocked AND NOT broken AND inside IS NULL) AS cleaning,
            count(*) FILTER (WHERE overflow AND NOT broken) AS overflow,
            count(*) FILTER (WHERE NOT broken AND NOT blocked AND inside IS NULL) AS free
        FROM told GROUP BY shelter_id)
    SELECT shelter.id, shelter.name, shelter.kind, shelter.secret, shelter.area, shelter.sexes, shelter.min_age, shelter.max_age,
        shelter.boys_max_age, shelter.accepts_needs, shelter.stay_review_days, shelter.grounds_required, shelter.version,
        shelter.open AND closed.kind IS NULL AS open, closed.kind AS closed_as,
        coalesce(counted.beds, 0) AS beds, coalesce(counted.out_of_service, 0) AS out_of_service, coalesce(counted.people, 0) AS people,
        coalesce(counted.held, 0) AS held, coalesce(counted.offered, 0) AS offered, coalesce(counted.cleaning, 0) AS cleaning, coalesce(counted.overflow, 0) AS overflow,
        coalesce(counted.free, 0) AS free,
        (SELECT confirmed_at FROM census WHERE shelter_id = shelter.id ORDER BY night DESC LIMIT 1) AS confirmed_at
    FROM shelter LEFT JOIN counted ON counted.shelter_id = shelter.id LEFT JOIN closed ON closed.shelter_id = shelter.id
    ORDER BY shelter.id""")
BANDS = text("SELECT kind, band FROM availability")
SAY_BANDS = text("""
    INSERT INTO availability (kind, band) SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:bands AS text[]))
    ON CONFLICT (kind) DO UPDATE SET band = excluded.band""")
REVIEW_DAYS = text("SELECT id, stay_review_days FROM shelter WHERE id = ANY(CAST(:ids AS uuid[]))")
SHELTER = text("SELECT * FROM shelter WHERE id = :id")
CLEAN = text("""
    INSERT INTO bed_block (id, bed_id, kind, during)
    SELECT gen_random_uuid(), bed, 'cleaning', tstzrange(CAST(:now AS timestamptz), CAST(:until AS timestamptz))
    FROM unnest(CAST(:beds AS uuid[])) AS left_behind (bed)""")


# -- what a decision sees -----------------------------------------------------------------------------------------------------------


async def homes(tx: Transaction, only: Collection[UUID] | None = None, *, locked: bool = True) -> list[Home]:
    """The homes (all, or these) with their free beds: locked in id order in one statement, what they protect is read in the next one.

    What is only looked at, to be looked at again under a lock, need not be `locked`. A bed is free that nobody has or holds and that is neither
    cleaned nor out of service; one that is approved for need is free too, and named in `Room.overflow`.
    """
    if locked:
        ids = await lock(tx, only)
    else:
        ids = await known(tx) if only is None else sorted(only)
    found = []
    for home_id, told in (await seen(tx, ids)).items():
        found.append(home_of(home_id, told))
        await asyncio.sleep(0)  # a large city does not keep others from being answered
    return found


async def known(tx: Transaction) -> list[UUID]:
    """The ids of all shelters, in order."""
    return [row.id for row in await tx.rows(LOOK)]


async def seen(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, str]:
    """What these homes are now, as one text each, by id and in order of ids."""
    return {row.id: row.told for row in await tx.rows(SEEN, {"ids": list(ids), "now": tx.now})}


async def lock(tx: Transaction, only: Collection[UUID] | None = None) -> list[UUID]:
    """Lock shelters (all, or these) until commit, in id order; nobody takes a bed without this. Their ids."""
    return [row.id for row in (await tx.rows(LOCK) if only is None else await tx.rows(LOCK_SOME, {"ids": list(only)}))]


async def stand_in_line(tx: Transaction, *, alone: bool = False) -> None:
    """Until commit, be one of those who look for a bed, or the round of the waiting list, `alone`. After the cases, before any shelter is locked.

    Who begins to wait while a round is written would otherwise be missed by it, although a bed is free.
    """
    await tx.execute(STAND_ALONE if alone else STAND)


def parameters_of(shelter: Row[Any]) -> dict[str, int]:
    """The values of rules that a shelter set for itself."""
    return dict(shelter.parameters)


async def shelter(tx: Transaction, shelter_id: UUID) -> Row[Any] | None:
    """One shelter, its address and phone sealed."""
    return await tx.row(SHELTER, {"id": shelter_id})


async def review_days(tx: Transaction, shelters: Collection[UUID]) -> dict[UUID, int]:
    """After how many days a stay in each of these shelters is reviewed."""
    return {row.id: row.stay_review_days for row in await tx.rows(REVIEW_DAYS, {"ids": list(shelters)})}


# -- after a stay -------------------------------------------------------------------------------------------------------------------


async def clean(tx: Transaction, bed_ids: Collection[UUID], case_id: UUID = NOBODY, cause: Cause | None = None) -> None:
    """Let beds in which somebody slept be cleaned before anybody else gets them, and look at the waiting list when that is done.

    `case_id` is the case whose cause this is, as in `timing.beds_became_free`; in a request none is needed.
    """
    span = tx.settings.span(minutes=tx.settings.cleaning_minutes)
    if bed_ids and span:
        until = tx.now + span
        await tx.execute(CLEAN, {"beds": sorted(set(bed_ids)), "now": tx.now, "until": until})
        look_again(tx, until, f"{min(bed_ids)}:{until.isoformat()}", case_id, cause)


def look_again(tx: Transaction, at: datetime, key: str, case_id: UUID = NOBODY, cause: Cause | None = None) -> None:
    """Have the waiting list tried, and availability looked at, when something ends by time; `key` tells it from others that do."""
    tx.set_clock(ROOM_AGAIN, NOBODY, at, key=key, cause=cause or tx.cause_of(case_id))


# -- how full they are --------------------------------------------------------------------------------------------------------------


async def counts(tx: Transaction) -> Sequence[Row[Any]]:
    """Every shelter with its beds in and out of service, the people in them, the beds held or cleaned, and those that are free now.

    `open` is whether it takes anybody now, `confirmed_at` when somebody last looked who sleeps there.
    """
    return await tx.rows(COUNTS, {"now": tx.now})


async def bands(tx: Transaction) -> dict[str, str]:
    """What was last said of each kind; never had room is full."""
    return {row.kind: row.band for row in await tx.rows(BANDS)}


async def say_bands(tx: Transaction, changed: Mapping[str, str]) -> None:
    """Keep what is said of kinds."""
    await tx.execute(SAY_BANDS, {"kinds": list(changed), "bands": list(changed.values())})
