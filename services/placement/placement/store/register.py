"""The register of shelters: what a decision sees of them, how full they are, and how officers keep them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, text

from placement.domain.homes import Guest, Home, Room

# All secret shelters together are this one kind.
HIDDEN = "secret"
# Not FOR UPDATE: rows that refer to a shelter may be written meanwhile.
LOCK = text("SELECT * FROM shelter ORDER BY id FOR NO KEY UPDATE")
LOCK_SOME = text("SELECT * FROM shelter WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
ROOMS = text("""
    SELECT room.id, room.shelter_id, room.family, room.accessible, room.isolation,
        coalesce(array_agg(bed.id ORDER BY bed.id) FILTER (WHERE NOT bed.out_of_service), '{}') AS beds
    FROM room LEFT JOIN bed ON bed.room_id = room.id WHERE room.shelter_id = ANY(CAST(:ids AS uuid[]))
    GROUP BY room.id ORDER BY room.id""")
GUESTS = text("""
    SELECT stay.person_id, stay.case_id, stay.bed_id, stay.sex, stay.small, bed.room_id, room.shelter_id,
        coalesce(need.keep_apart, '{}') AS keep_apart
    FROM stay JOIN bed ON bed.id = stay.bed_id JOIN room ON room.id = bed.room_id LEFT JOIN need ON need.case_id = stay.case_id
    WHERE stay.during && tstzrange(CAST(:now AS timestamptz), NULL) AND room.shelter_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY stay.person_id""")
COUNTS = text("""
    WITH used AS (
        SELECT stay.bed_id, placement.state = 'admitted' AS inside, placement.state = 'offered' AS offered FROM stay JOIN placement ON placement.id = stay.placement_id
        WHERE stay.during && tstzrange(CAST(:now AS timestamptz), NULL))
    SELECT shelter.id, shelter.name, shelter.kind, shelter.secret, shelter.area, shelter.sexes, shelter.min_age, shelter.max_age,
        shelter.boys_max_age, shelter.accepts_needs, shelter.stay_review_days, shelter.grounds_required, shelter.open, shelter.version,
        count(bed.id) FILTER (WHERE NOT bed.out_of_service) AS beds,
        count(bed.id) FILTER (WHERE bed.out_of_service) AS out_of_service,
        count(used.bed_id) FILTER (WHERE used.inside) AS people,
        count(used.bed_id) FILTER (WHERE NOT used.inside) AS held,
        count(used.bed_id) FILTER (WHERE used.offered) AS offered,
        count(bed.id) FILTER (WHERE NOT bed.out_of_service AND used.bed_id IS NULL) AS free
    FROM shelter LEFT JOIN room ON room.shelter_id = shelter.id LEFT JOIN bed ON bed.room_id = room.id LEFT JOIN used ON used.bed_id = bed.id
    GROUP BY shelter.id ORDER BY shelter.id""")
BANDS = text("SELECT kind, band FROM availability")
SAY_BANDS = text("""
    INSERT INTO availability (kind, band) SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:bands AS text[]))
    ON CONFLICT (kind) DO UPDATE SET band = excluded.band""")
REVIEW_DAYS = text("SELECT id, stay_review_days FROM shelter WHERE id = ANY(CAST(:ids AS uuid[]))")

SHELTER = text("SELECT * FROM shelter WHERE id = :id")
NEW_SHELTER = text("""
    INSERT INTO shelter (id, name, kind, secret, area, sexes, min_age, max_age, boys_max_age, accepts_needs, stay_review_days, grounds_required,
        open, version, address_sealed, phone_sealed)
    VALUES (:id, :name, :kind, :secret, :area, CAST(:sexes AS text[]), :min_age, :max_age, :boys_max_age, CAST(:accepts_needs AS text[]),
        :stay_review_days, :grounds_required, :open, 1, :address_sealed, :phone_sealed)""")
CHANGE_SHELTER = text("""
    UPDATE shelter SET name = :name, kind = :kind, secret = :secret, area = :area, sexes = CAST(:sexes AS text[]), min_age = :min_age,
        max_age = :max_age, boys_max_age = :boys_max_age, accepts_needs = CAST(:accepts_needs AS text[]), stay_review_days = :stay_review_days,
        grounds_required = :grounds_required, open = :open, version = version + 1,
        address_sealed = coalesce(CAST(:address_sealed AS bytea), address_sealed), phone_sealed = coalesce(CAST(:phone_sealed AS bytea), phone_sealed)
    WHERE id = :id RETURNING version""")
NEW_ROOMS = text("""
    INSERT INTO room (id, shelter_id, name, family, accessible, isolation)
    SELECT id, :shelter, name, family, accessible, isolation
    FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:families AS boolean[]), CAST(:accessibles AS boolean[]),
        CAST(:isolations AS boolean[])) AS new (id, name, family, accessible, isolation)
    ON CONFLICT DO NOTHING RETURNING id""")
NEW_BEDS = text("""
    INSERT INTO bed (id, room_id, out_of_service) SELECT id, room, false FROM unnest(CAST(:ids AS uuid[]), CAST(:rooms AS uuid[])) AS new (id, room)
    ON CONFLICT DO NOTHING RETURNING id""")
ROOM = text("SELECT room.*, array(SELECT id FROM bed WHERE room_id = room.id ORDER BY id) AS beds FROM room WHERE id = :id")
ROOMS_OF = text("""
    SELECT room.*, array(SELECT id FROM bed WHERE room_id = room.id ORDER BY id) AS beds,
        array(SELECT id FROM bed WHERE room_id = room.id AND out_of_service ORDER BY id) AS out_of_service
    FROM room WHERE shelter_id = :id ORDER BY name, id""")
CHANGE_ROOM = text("UPDATE room SET name = :name, family = :family, accessible = :accessible, isolation = :isolation WHERE id = :id")
BED = text("SELECT bed.*, room.shelter_id FROM bed JOIN room ON room.id = bed.room_id WHERE bed.id = :id")
CHANGE_BED = text("UPDATE bed SET out_of_service = :out_of_service WHERE id = :id")
DROP_BED = text("DELETE FROM bed WHERE id = :id AND NOT EXISTS (SELECT FROM stay WHERE bed_id = bed.id) RETURNING id")
DROP_ROOM = text("DELETE FROM room WHERE id = :id AND NOT EXISTS (SELECT FROM bed WHERE room_id = room.id) RETURNING id")


# -- what a decision sees -----------------------------------------------------------------------------------------------------------


async def homes(tx: Transaction, only: Collection[UUID] | None = None) -> list[Home]:
    """The homes (all, or these) with their free beds: locked in id order in one statement, what they protect is read in the next ones."""
    shelters = await lock(tx, only)
    ids = {"ids": [row.id for row in shelters]}
    rooms = await tx.rows(ROOMS, ids)
    guests = await tx.rows(GUESTS, ids | {"now": tx.now})
    return _homes(shelters, rooms, guests)


async def lock(tx: Transaction, only: Collection[UUID] | None = None) -> Sequence[Row[Any]]:
    """Lock shelters until commit, in id order; nobody takes a bed without this."""
    return await tx.rows(LOCK) if only is None else await tx.rows(LOCK_SOME, {"ids": list(only)})


def _homes(shelters: Iterable[Row[Any]], rooms: Iterable[Row[Any]], guests: Iterable[Row[Any]]) -> list[Home]:
    guests_of: dict[UUID, list[Row[Any]]] = {}
    for guest in guests:
        guests_of.setdefault(guest.room_id, []).append(guest)
    rooms_of: dict[UUID, list[tuple[Row[Any], list[Row[Any]]]]] = {}
    for room in rooms:
        rooms_of.setdefault(room.shelter_id, []).append((room, guests_of.get(room.id, [])))
    return [_home(shelter, rooms_of.get(shelter.id, [])) for shelter in shelters]


def _home(shelter: Row[Any], rooms: Sequence[tuple[Row[Any], Sequence[Row[Any]]]]) -> Home:
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
        open=shelter.open,
        rooms=tuple(_room(room, inside) for room, inside in rooms),
        avoided=frozenset(person for guest in guests for person in guest.keep_apart),
        sheltered=frozenset(guest.person_id for guest in guests),
    )


def _room(room: Row[Any], guests: Sequence[Row[Any]]) -> Room:
    used = {guest.bed_id for guest in guests}
    return Room(
        id=room.id,
        family=room.family,
        accessible=room.accessible,
        isolation=room.isolation,
        free=tuple(bed for bed in room.beds if bed not in used),
        guests=tuple(Guest(guest.person_id, guest.case_id, guest.sex, guest.small) for guest in guests),
    )


async def review_days(tx: Transaction, shelters: Collection[UUID]) -> dict[UUID, int]:
    """After how many days a stay in each of these shelters is reviewed."""
    return {row.id: row.stay_review_days for row in await tx.rows(REVIEW_DAYS, {"ids": list(shelters)})}


# -- how full they are --------------------------------------------------------------------------------------------------------------


async def counts(tx: Transaction) -> Sequence[Row[Any]]:
    """Every shelter with its beds in and out of service, the people in them, the beds held, and those that are free now."""
    return await tx.rows(COUNTS, {"now": tx.now})


async def bands(tx: Transaction) -> dict[str, str]:
    """What was last said of each kind; never had room is full."""
    return {row.kind: row.band for row in await tx.rows(BANDS)}


async def say_bands(tx: Transaction, changed: Mapping[str, str]) -> None:
    """Keep what is said of kinds."""
    await tx.execute(SAY_BANDS, {"kinds": list(changed), "bands": list(changed.values())})


# -- keeping them -------------------------------------------------------------------------------------------------------------------


async def shelter(tx: Transaction, shelter_id: UUID) -> Row[Any] | None:
    """One shelter, its address and phone sealed."""
    return await tx.row(SHELTER, {"id": shelter_id})


async def add_shelter(tx: Transaction, values: Mapping[str, Any]) -> None:
    """Register a shelter."""
    await tx.execute(NEW_SHELTER, values)


async def change_shelter(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Write a shelter anew; sealed values that are None stay. Its new version."""
    version: int = (await tx.execute(CHANGE_SHELTER, values)).scalar_one()
    return version


async def add_rooms(tx: Transaction, shelter_id: UUID, rooms: Sequence[Mapping[str, Any]]) -> bool:
    """Add rooms with their beds (`id name family accessible isolation beds`); False when some id is in use already."""
    columns = {f"{plural}": [room[name] for room in rooms] for name, plural in _ROOM_COLUMNS.items()}
    made = await tx.rows(NEW_ROOMS, columns | {"shelter": shelter_id})
    return len(made) == len(rooms) and await add_beds(tx, [(bed, room["id"]) for room in rooms for bed in room["beds"]])


_ROOM_COLUMNS = {"id": "ids", "name": "names", "family": "families", "accessible": "accessibles", "isolation": "isolations"}


async def add_beds(tx: Transaction, beds: Sequence[tuple[UUID, UUID]]) -> bool:
    """Add beds as (bed, room); False when some id is in use already."""
    made = await tx.rows(NEW_BEDS, {"ids": [bed for bed, _ in beds], "rooms": [room for _, room in beds]})
    return len(made) == len(beds)


async def room(tx: Transaction, room_id: UUID) -> Row[Any] | None:
    """One room with the ids of its beds."""
    return await tx.row(ROOM, {"id": room_id})


async def rooms_of(tx: Transaction, shelter_id: UUID) -> Sequence[Row[Any]]:
    """The rooms of a shelter with the ids of their beds."""
    return await tx.rows(ROOMS_OF, {"id": shelter_id})


async def change_room(tx: Transaction, values: Mapping[str, Any]) -> None:
    """Write what a room is."""
    await tx.execute(CHANGE_ROOM, values)


async def bed(tx: Transaction, bed_id: UUID) -> Row[Any] | None:
    """One bed with its shelter."""
    return await tx.row(BED, {"id": bed_id})


async def change_bed(tx: Transaction, bed_id: UUID, *, out_of_service: bool) -> None:
    """Take a bed out of service, or put it back; who sleeps in it stays."""
    await tx.execute(CHANGE_BED, {"id": bed_id, "out_of_service": out_of_service})


async def drop_bed(tx: Transaction, bed_id: UUID) -> bool:
    """Delete a bed that was never used; whether it was."""
    return await tx.row(DROP_BED, {"id": bed_id}) is not None


async def drop_room(tx: Transaction, room_id: UUID) -> bool:
    """Delete a room that has no bed; whether it was."""
    return await tx.row(DROP_ROOM, {"id": room_id}) is not None
