"""The register of shelters as decisions see it: which beds are free, how full the shelters are, and what is said of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Cause, Transaction
from sqlalchemy import Row, text

from placement.domain.homes import Guest, Home, Population, Room

# All secret shelters together are this one kind.
HIDDEN = "secret"
# The clock that looks again when a bed or a shelter may be given to somebody again.
ROOM_AGAIN = "room_again"
NOBODY = UUID(int=0)
# The planner takes a hundredth of all stays for current ones, whatever their number: left to itself it reads every placement or need there
# ever was to join them, or every stay there ever was in each bed. So what is current comes first, by its range, and what belongs to
# each is asked one by one.
# Not FOR UPDATE: rows that refer to a shelter may be written meanwhile.
LOCK = text("SELECT * FROM shelter ORDER BY id FOR NO KEY UPDATE")
LOOK = text("SELECT * FROM shelter ORDER BY id")
LOCK_SOME = text("SELECT * FROM shelter WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
ASIDE = text("""
    SELECT shelter.id, EXISTS (SELECT FROM closure WHERE shelter_id = shelter.id AND during @> CAST(:now AS timestamptz)) AS closed,
        array(SELECT about FROM staff_conflict WHERE shelter_id = shelter.id AND ended_at IS NULL) AS conflicts
    FROM unnest(CAST(:ids AS uuid[])) AS shelter (id)""")
ROOMS = text("""
    WITH blocked AS (SELECT DISTINCT bed_id FROM bed_block WHERE during @> CAST(:now AS timestamptz))
    SELECT room.id, room.shelter_id, room.family, room.accessible, room.isolation, unit.sexes, unit.min_age, unit.max_age, unit.boys_max_age,
        coalesce(array_agg(bed.id ORDER BY bed.id) FILTER (WHERE NOT bed.out_of_service AND blocked.bed_id IS NULL), '{}') AS beds,
        coalesce(array_agg(bed.id) FILTER (WHERE bed.overflow_approved_by IS NOT NULL), '{}') AS overflow
    FROM room LEFT JOIN unit ON unit.id = room.unit_id LEFT JOIN bed ON bed.room_id = room.id LEFT JOIN blocked ON blocked.bed_id = bed.id
    WHERE room.shelter_id = ANY(CAST(:ids AS uuid[]))
    GROUP BY room.id, unit.id ORDER BY room.id""")
GUESTS = text("""
    WITH current AS MATERIALIZED (SELECT * FROM stay WHERE during && tstzrange(CAST(:now AS timestamptz), NULL))
    SELECT current.person_id, current.case_id, current.bed_id, current.sex, current.small, bed.room_id, room.shelter_id,
        coalesce((SELECT keep_apart FROM need WHERE need.case_id = current.case_id), '{}') AS keep_apart
    FROM current JOIN bed ON bed.id = current.bed_id JOIN room ON room.id = bed.room_id
    WHERE room.shelter_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY current.person_id""")
COUNTS = text("""
    WITH used AS MATERIALIZED (
        SELECT stay.bed_id, state = 'admitted' AS inside, state = 'offered' AS offered
        FROM stay CROSS JOIN LATERAL (SELECT state FROM placement WHERE placement.id = stay.placement_id) AS its
        WHERE stay.during && tstzrange(CAST(:now AS timestamptz), NULL)),
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
    """The homes (all, or these) with their free beds: locked in id order in one statement, what they protect is read in the next ones.

    What is only looked at, to be decided again, need not be `locked`. A bed is free that nobody has or holds and that is neither cleaned
    nor out of service; one that is approved for need is free too, and named in `Room.overflow`.
    """
    shelters = await lock(tx, only) if locked else await tx.rows(LOOK)
    asked = {"ids": [row.id for row in shelters], "now": tx.now}
    aside = {row.id: row for row in await tx.rows(ASIDE, asked)}
    rooms = await tx.rows(ROOMS, asked)
    guests = await tx.rows(GUESTS, asked)
    return _homes(shelters, aside, rooms, guests)


async def lock(tx: Transaction, only: Collection[UUID] | None = None) -> Sequence[Row[Any]]:
    """Lock shelters until commit, in id order; nobody takes a bed without this."""
    return await tx.rows(LOCK) if only is None else await tx.rows(LOCK_SOME, {"ids": list(only)})


def _homes(shelters: Iterable[Row[Any]], aside: Mapping[UUID, Row[Any]], rooms: Iterable[Row[Any]], guests: Iterable[Row[Any]]) -> list[Home]:
    guests_of: dict[UUID, list[Row[Any]]] = {}
    for guest in guests:
        guests_of.setdefault(guest.room_id, []).append(guest)
    rooms_of: dict[UUID, list[tuple[Row[Any], list[Row[Any]]]]] = {}
    for room in rooms:
        rooms_of.setdefault(room.shelter_id, []).append((room, guests_of.get(room.id, [])))
    return [_home(shelter, aside[shelter.id], rooms_of.get(shelter.id, [])) for shelter in shelters]


def _home(shelter: Row[Any], aside: Row[Any], rooms: Sequence[tuple[Row[Any], Sequence[Row[Any]]]]) -> Home:
    guests = [guest for _, inside in rooms for guest in inside]
    return Home(
        id=shelter.id,
        kind=shelter.kind,
        secret=shelter.secret,
        area=shelter.area,
        sexes=frozenset(shelter.sexes),
        min_age=shelter.min_age,
        max_age=shelter.max_age,
        boys_max_age=shelter.boys_max_age,
        accepts_needs=frozenset(shelter.accepts_needs),
        grounds_required=shelter.grounds_required,
        open=shelter.open and not aside.closed,
        rooms=tuple(_room(room, inside) for room, inside in rooms),
        avoided=frozenset(person for guest in guests for person in guest.keep_apart),
        sheltered=frozenset(guest.person_id for guest in guests),
        conflicts=frozenset(aside.conflicts),
        parameters=parameters_of(shelter),
    )


def _room(room: Row[Any], guests: Sequence[Row[Any]]) -> Room:
    used = {guest.bed_id for guest in guests}
    free = tuple(bed for bed in room.beds if bed not in used)
    return Room(
        id=room.id,
        family=room.family,
        accessible=room.accessible,
        isolation=room.isolation,
        free=free,
        guests=tuple(Guest(guest.person_id, guest.case_id, guest.sex, guest.small) for guest in guests),
        serves=None if room.sexes is None else Population(frozenset(room.sexes), room.min_age, room.max_age, room.boys_max_age),
        overflow=frozenset(room.overflow).intersection(free),
    )


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

    `case_id` is the case whose cause this is, as in `matching.beds_became_free`; in a request none is needed.
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
