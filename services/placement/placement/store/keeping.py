"""How officers keep the register: shelters, their units, rooms and beds, and staff who must not meet somebody."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, text

NEW_SHELTER = text("""
    INSERT INTO shelter (id, name, kind, secret, area, sexes, min_age, max_age, boys_max_age, accepts_needs, stay_review_days, grounds_required,
        open, parameters, version, address_sealed, phone_sealed)
    VALUES (:id, :name, :kind, :secret, :area, CAST(:sexes AS text[]), :min_age, :max_age, :boys_max_age, CAST(:accepts_needs AS text[]),
        :stay_review_days, :grounds_required, :open, CAST(:parameters AS jsonb), 1, :address_sealed, :phone_sealed)
    ON CONFLICT DO NOTHING RETURNING id""")
CHANGE_SHELTER = text("""
    UPDATE shelter SET name = :name, kind = :kind, secret = :secret, area = :area, sexes = CAST(:sexes AS text[]), min_age = :min_age,
        max_age = :max_age, boys_max_age = :boys_max_age, accepts_needs = CAST(:accepts_needs AS text[]), stay_review_days = :stay_review_days,
        grounds_required = :grounds_required, open = :open, parameters = CAST(:parameters AS jsonb), version = version + 1,
        address_sealed = coalesce(CAST(:address_sealed AS bytea), address_sealed), phone_sealed = coalesce(CAST(:phone_sealed AS bytea), phone_sealed)
    WHERE id = :id RETURNING version""")
SHELTERS = text("SELECT * FROM shelter WHERE secret = ANY(CAST(:secret AS boolean[])) ORDER BY name, id")
SHELTERS_BY_ID = text("SELECT * FROM shelter WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id")
UNIT_FACTS = "id, shelter_id, name, sexes, min_age, max_age, boys_max_age"
NEW_UNITS = text(f"""
    INSERT INTO unit ({UNIT_FACTS}) SELECT {UNIT_FACTS} FROM jsonb_populate_recordset(NULL::unit, CAST(:rows AS jsonb))
    ON CONFLICT DO NOTHING RETURNING id""")  # noqa: S608 - names of this module's own
CHANGE_UNIT = text("""
    UPDATE unit SET name = :name, sexes = CAST(:sexes AS text[]), min_age = :min_age, max_age = :max_age, boys_max_age = :boys_max_age,
        version = version + 1
    WHERE id = :id RETURNING version""")
UNIT = text("SELECT * FROM unit WHERE id = :id")
UNITS_OF = text("""
    SELECT * FROM unit WHERE shelter_id = ANY(CAST(:ids AS uuid[])) OR id = ANY(CAST(:more AS uuid[])) ORDER BY name, id""")
DROP_UNIT = text("DELETE FROM unit WHERE id = :id AND NOT EXISTS (SELECT FROM room WHERE unit_id = unit.id) RETURNING id")
ROOM_FACTS = "id, shelter_id, unit_id, name, family, accessible, isolation"
NEW_ROOMS = text(f"""
    INSERT INTO room ({ROOM_FACTS}) SELECT {ROOM_FACTS} FROM jsonb_populate_recordset(NULL::room, CAST(:rows AS jsonb))
    ON CONFLICT DO NOTHING RETURNING id""")  # noqa: S608 - names of this module's own
CHANGE_ROOM = text("""
    UPDATE room SET name = :name, family = :family, accessible = :accessible, isolation = :isolation WHERE id = :id""")
SET_UNIT = text("UPDATE room SET unit_id = CAST(:unit AS uuid) WHERE id = :id")
ROOMS_OF = """
    SELECT room.*, array(SELECT id FROM bed WHERE room_id = room.id ORDER BY id) AS beds,
        array(SELECT bed.id FROM bed WHERE room_id = room.id AND (out_of_service OR EXISTS (
            SELECT FROM bed_block WHERE bed_id = bed.id AND kind = 'out_of_service' AND during @> CAST(:now AS timestamptz))) ORDER BY id
        ) AS out_of_service
    FROM room"""
ROOM = text(f"{ROOMS_OF} WHERE id = :id")
ROOMS_OF_SHELTERS = text(f"{ROOMS_OF} WHERE shelter_id = ANY(CAST(:ids AS uuid[])) OR id = ANY(CAST(:more AS uuid[])) ORDER BY name, id")
OVERFLOW_OF = text("""
    SELECT bed.id, bed.room_id, bed.overflow_approved_by, bed.overflow_approved_at FROM bed
    WHERE bed.room_id = ANY(CAST(:rooms AS uuid[])) AND bed.overflow_approved_by IS NOT NULL ORDER BY bed.id""")
DROP_ROOM = text("DELETE FROM room WHERE id = :id AND NOT EXISTS (SELECT FROM bed WHERE room_id = room.id) RETURNING id")
NEW_BEDS = text("""
    INSERT INTO bed (id, room_id, out_of_service, overflow_approved_by, overflow_approved_at)
    SELECT id, room, false, approver, CASE WHEN approver IS NOT NULL THEN CAST(:now AS timestamptz) END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:rooms AS uuid[]), CAST(:approvers AS uuid[])) AS new (id, room, approver)
    ON CONFLICT DO NOTHING RETURNING id""")
BED = text("SELECT bed.*, room.shelter_id FROM bed JOIN room ON room.id = bed.room_id WHERE bed.id = :id")
BEDS_OF = text("""
    SELECT bed.id, bed.room_id, bed.overflow_approved_by IS NOT NULL AS overflow FROM bed JOIN room ON room.id = bed.room_id
    WHERE room.shelter_id = ANY(CAST(:ids AS uuid[])) OR bed.id = ANY(CAST(:more AS uuid[])) ORDER BY bed.id""")
FLAG_BED = text("UPDATE bed SET out_of_service = :out_of_service WHERE id = :id")
DROP_BED = text("DELETE FROM bed WHERE id = :id AND NOT EXISTS (SELECT FROM stay WHERE bed_id = bed.id) RETURNING id")
DECLARE = text("""
    INSERT INTO staff_conflict (shelter_id, about, declared_by, declared_at) VALUES (:shelter, :about, :by, CAST(:now AS timestamptz))
    ON CONFLICT (shelter_id, about) DO UPDATE SET declared_by = excluded.declared_by, declared_at = excluded.declared_at, ended_at = NULL
    WHERE staff_conflict.ended_at IS NOT NULL""")
END_CONFLICT = text("""
    UPDATE staff_conflict SET ended_at = CAST(:now AS timestamptz) WHERE shelter_id = :shelter AND about = :about AND ended_at IS NULL
    RETURNING about""")
CONFLICTS = text("SELECT about FROM staff_conflict WHERE shelter_id = :shelter AND ended_at IS NULL ORDER BY about")


# -- shelters -----------------------------------------------------------------------------------------------------------------------


async def shelters(tx: Transaction, *, secret: bool) -> Sequence[Row[Any]]:
    """All shelters by name; the secret ones among them only if asked for."""
    return await tx.rows(SHELTERS, {"secret": [False, True] if secret else [False]})


async def shelters_by_id(tx: Transaction, ids: Collection[UUID]) -> Sequence[Row[Any]]:
    """Those of these shelters that are registered."""
    return await tx.rows(SHELTERS_BY_ID, {"ids": list(ids)})


async def add_shelter(tx: Transaction, values: Mapping[str, Any]) -> bool:
    """Register a shelter; False when its id is in use already."""
    return bool((await tx.execute(NEW_SHELTER, _as_json(values))).all())


async def change_shelter(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Write a shelter anew; sealed values that are None stay. Its new version."""
    version: int = (await tx.execute(CHANGE_SHELTER, _as_json(values))).scalar_one()
    return version


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "parameters": json.dumps(values["parameters"])}


# -- units --------------------------------------------------------------------------------------------------------------------------


async def add_units(tx: Transaction, units: Sequence[Mapping[str, Any]]) -> bool:
    """Add units (`id shelter_id name sexes min_age max_age boys_max_age`); False when some id is in use already."""
    return len(await tx.rows(NEW_UNITS, {"rows": json.dumps(units, default=str)})) == len(units)


async def change_unit(tx: Transaction, values: Mapping[str, Any]) -> int:
    """Write what a unit is and whom it serves; who sleeps in it stays. Its new version."""
    version: int = (await tx.execute(CHANGE_UNIT, values)).scalar_one()
    return version


async def unit(tx: Transaction, unit_id: UUID) -> Row[Any] | None:
    """One unit."""
    return await tx.row(UNIT, {"id": unit_id})


async def units_of(tx: Transaction, shelters: Collection[UUID], more: Collection[UUID] = ()) -> Sequence[Row[Any]]:
    """The units of these shelters, and `more` by their own ids."""
    return await tx.rows(UNITS_OF, {"ids": list(shelters), "more": list(more)})


async def drop_unit(tx: Transaction, unit_id: UUID) -> bool:
    """Delete a unit that has no room; whether it was."""
    return await tx.row(DROP_UNIT, {"id": unit_id}) is not None


# -- rooms --------------------------------------------------------------------------------------------------------------------------


async def add_rooms(tx: Transaction, rooms: Sequence[Mapping[str, Any]]) -> bool:
    """Add rooms without beds (`id shelter_id unit_id name family accessible isolation`); False when some id is in use already."""
    return len(await tx.rows(NEW_ROOMS, {"rows": json.dumps(rooms, default=str)})) == len(rooms)


async def room(tx: Transaction, room_id: UUID) -> Row[Any] | None:
    """One room with the ids of its beds, and of those that are out of service now."""
    return await tx.row(ROOM, {"id": room_id, "now": tx.now})


async def rooms_of(tx: Transaction, shelters: Collection[UUID], more: Collection[UUID] = ()) -> Sequence[Row[Any]]:
    """The rooms of these shelters with the ids of their beds, and `more` by their own ids."""
    return await tx.rows(ROOMS_OF_SHELTERS, {"ids": list(shelters), "more": list(more), "now": tx.now})


async def overflow_of(tx: Transaction, rooms: Collection[UUID]) -> Sequence[Row[Any]]:
    """The beds of need in these rooms, with who approved them when."""
    return await tx.rows(OVERFLOW_OF, {"rooms": list(rooms)})


async def change_room(tx: Transaction, values: Mapping[str, Any]) -> None:
    """Write what a room is."""
    await tx.execute(CHANGE_ROOM, values)


async def set_unit(tx: Transaction, room_id: UUID, unit_id: UUID | None) -> None:
    """Put a room into a unit, or out of one: then it serves whom the shelter serves."""
    await tx.execute(SET_UNIT, {"id": room_id, "unit": unit_id})


async def drop_room(tx: Transaction, room_id: UUID) -> bool:
    """Delete a room that has no bed; whether it was."""
    return await tx.row(DROP_ROOM, {"id": room_id}) is not None


# -- beds ---------------------------------------------------------------------------------------------------------------------------


async def add_beds(tx: Transaction, beds: Sequence[tuple[UUID, UUID, UUID | None]]) -> bool:
    """Add beds as (bed, room, who approved it as a bed of need); False when some id is in use already."""
    ids, rooms, approvers = ([entry[place] for entry in beds] for place in range(3))
    return len(await tx.rows(NEW_BEDS, {"ids": ids, "rooms": rooms, "approvers": approvers, "now": tx.now})) == len(beds)


async def bed(tx: Transaction, bed_id: UUID) -> Row[Any] | None:
    """One bed with its shelter."""
    return await tx.row(BED, {"id": bed_id})


async def beds_of(tx: Transaction, shelters: Collection[UUID], more: Collection[UUID] = ()) -> Sequence[Row[Any]]:
    """The beds of these shelters with their rooms, and `more` by their own ids."""
    return await tx.rows(BEDS_OF, {"ids": list(shelters), "more": list(more)})


async def flag_bed(tx: Transaction, bed_id: UUID, *, out_of_service: bool) -> None:
    """Say of a bed what the release before this one reads; the times are in `beds.block`."""
    await tx.execute(FLAG_BED, {"id": bed_id, "out_of_service": out_of_service})


async def drop_bed(tx: Transaction, bed_id: UUID) -> bool:
    """Delete a bed that was never used; whether it was."""
    return await tx.row(DROP_BED, {"id": bed_id}) is not None


# -- conflicts of the staff ---------------------------------------------------------------------------------------------------------


async def declare_conflict(tx: Transaction, shelter_id: UUID, about: UUID) -> None:
    """Somebody of the staff must not meet a person or a case (P5); who is not told."""
    await tx.execute(DECLARE, {"shelter": shelter_id, "about": about, "by": tx.principal.subject, "now": tx.now})


async def end_conflict(tx: Transaction, shelter_id: UUID, about: UUID) -> bool:
    """That is over; whether it was declared."""
    return await tx.row(END_CONFLICT, {"shelter": shelter_id, "about": about, "now": tx.now}) is not None


async def conflicts(tx: Transaction, shelter_id: UUID) -> list[UUID]:
    """Whom the staff of a shelter must not meet."""
    return [row.about for row in await tx.rows(CONFLICTS, {"shelter": shelter_id})]
