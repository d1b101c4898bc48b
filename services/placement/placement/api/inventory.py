"""What is in a shelter: its units, rooms and beds, which beds may be used, and whether it takes anybody at all."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from fastapi import APIRouter
from sqlalchemy import Row

from placement import policy
from placement.api import reach
from placement.api.inventory_views import BedBoard, BedBody, BedChange, BedRow, ClosureBody, Place, UnitChoice
from placement.api.shelter_views import ClosureView, RoomBody, RoomFacts, RoomView, UnitBody, UnitFacts, UnitView
from placement.api.shelters import CHANGED_MEANWHILE, ID_IN_USE, IfMatch, add_rooms, room_views
from placement.domain.beds import BedState, counted, standing
from placement.finding import timing
from placement.store import beds, census, keeping, register

router = APIRouter()

ROOM_HAS_BEDS = "this room has beds"
UNIT_HAS_ROOMS = "this unit has rooms"
BED_WAS_USED = "this bed was used: take it out of service"
NOT_CLEANED = "this bed is not being cleaned"


# -- units ----------------------------------------------------------------------------------------------------------------------------


@router.post("/shelters/{shelter_id}/units", status_code=201)
@writes(*policy.KEEP_SHELTERS)
async def add_unit(shelter_id: UUID, body: UnitBody, tx: Transaction) -> UnitView:
    """Add a unit with a population of its own; rooms are put into it."""
    await reach.known(tx, shelter_id)
    if not await keeping.add_units(tx, [{"id": body.unit_id, "shelter_id": shelter_id, **body.columns()}]):
        raise conflict(ID_IN_USE)
    return await _unit_view(tx, body.unit_id)


@router.put("/units/{unit_id}")
@writes(*policy.KEEP_SHELTERS)
async def change_unit(unit_id: UUID, body: UnitFacts, tx: Transaction, if_match: IfMatch = None) -> UnitView:
    """Write a unit anew; 409 with both values when somebody else changed it since the version in `If-Match`."""
    if if_match is None:
        raise RefusedError(428, "send If-Match with the version that you read", [FieldProblem("If-Match", "missing")])
    await register.lock(tx, [(await _unit(tx, unit_id)).shelter_id])
    row = await _unit(tx, unit_id)
    if if_match.strip('W/"') != str(row.version):
        current = {name: getattr(row, name) for name in UnitFacts.facts()}
        raise conflict(CHANGED_MEANWHILE, version=row.version, current=current, sent=body.columns())
    await keeping.change_unit(tx, {"id": unit_id, **body.columns()})
    await reach.register_changed(tx)
    return await _unit_view(tx, unit_id)


@router.delete("/units/{unit_id}")
@writes(*policy.KEEP_SHELTERS)
async def drop_unit(unit_id: UUID, tx: Transaction) -> UnitView:
    """Delete a unit that has no room."""
    shown = UnitView.of(await _unit(tx, unit_id))
    if not await keeping.drop_unit(tx, unit_id):
        raise conflict(UNIT_HAS_ROOMS)
    return shown


# -- rooms ----------------------------------------------------------------------------------------------------------------------------


@router.post("/shelters/{shelter_id}/rooms", status_code=201)
@writes(*policy.KEEP_SHELTERS)
async def add_room(shelter_id: UUID, body: RoomBody, tx: Transaction) -> RoomView:
    """Add a room with its beds."""
    await reach.known(tx, shelter_id)
    await add_rooms(tx, shelter_id, [body])
    await reach.register_changed(tx)
    return await _room_view(tx, body.room_id)


@router.put("/rooms/{room_id}")
@writes(*policy.KEEP_SHELTERS)
async def change_room(room_id: UUID, body: RoomFacts, tx: Transaction) -> RoomView:
    """Write what a room is; those who sleep in it stay."""
    await _room(tx, room_id)
    await keeping.change_room(tx, {"id": room_id, **body.model_dump()})
    await reach.register_changed(tx)
    return await _room_view(tx, room_id)


@router.put("/rooms/{room_id}/unit")
@writes(*policy.KEEP_SHELTERS)
async def put_room_into_unit(room_id: UUID, body: UnitChoice, tx: Transaction) -> RoomView:
    """Put a room into a unit of its shelter, or out of one; those who sleep in it stay."""
    row = await _room(tx, room_id)
    await register.lock(tx, [row.shelter_id])
    if body.unit_id is not None:
        unit = await keeping.unit(tx, body.unit_id)
        if unit is None or unit.shelter_id != row.shelter_id:
            raise RefusedError(422, "the shelter has no such unit", [FieldProblem("unit_id", "not_known")])
    await keeping.set_unit(tx, room_id, body.unit_id)
    await reach.register_changed(tx)
    return await _room_view(tx, room_id)


@router.delete("/rooms/{room_id}")
@writes(*policy.KEEP_SHELTERS)
async def drop_room(room_id: UUID, tx: Transaction) -> RoomView:
    """Delete a room that has no bed."""
    await _room(tx, room_id)
    room = await _room_view(tx, room_id)
    if not await keeping.drop_room(tx, room_id):
        raise conflict(ROOM_HAS_BEDS, beds=len(room.beds))
    return room


# -- beds -----------------------------------------------------------------------------------------------------------------------------


@router.post("/rooms/{room_id}/beds", status_code=201)
@writes(*policy.KEEP_SHELTERS)
async def add_bed(room_id: UUID, body: BedBody, tx: Transaction) -> RoomView:
    """Add a bed to a room."""
    return await _with_bed(tx, room_id, body.bed_id, None)


@router.post("/rooms/{room_id}/overflow-beds", status_code=201)
@writes(*policy.APPROVE_OVERFLOW)
async def add_overflow_bed(room_id: UUID, body: BedBody, tx: Transaction) -> RoomView:
    """Add a bed for need only, above what the house is made for; who asks answers for it by name (P16)."""
    return await _with_bed(tx, room_id, body.bed_id, tx.principal.subject)


@router.put("/beds/{bed_id}")
@writes(*policy.KEEP_SHELTERS)
async def change_bed(bed_id: UUID, body: BedChange, tx: Transaction) -> RoomView:
    """Take a bed out of service, for a time or until further notice, or put it back; who sleeps in it stays."""
    row = await reach.bed_in_reach(tx, bed_id)
    since, until = body.since or tx.now, body.until
    require_later(tx, "until", until, since)
    require_later(tx, "from", body.since, tx.now)
    await register.lock(tx, [row.shelter_id])
    await beds.end_blocks(tx, bed_id, BedState.OUT_OF_SERVICE)
    # The release before this one knows no times: it is told what holds until further notice.
    await keeping.flag_bed(tx, bed_id, out_of_service=body.out_of_service and body.since is None and until is None)
    if body.out_of_service:
        await beds.block(tx, bed_id, since, until)
        if until is not None:
            register.look_again(tx, until, f"{bed_id}:{until.isoformat()}")
    await reach.register_changed(tx)
    return await _room_view(tx, row.room_id)


@router.post("/beds/{bed_id}/cleaned")
@writes(*policy.END_CLEANING)
async def bed_is_clean(bed_id: UUID, tx: Transaction) -> RoomView:
    """A bed is clean before its time: it may be given to somebody."""
    row = await reach.bed_in_reach(tx, bed_id, of_own=True)
    if not await beds.end_blocks(tx, bed_id, BedState.CLEANING):
        raise conflict(NOT_CLEANED)
    timing.beds_became_free(tx)
    return await _room_view(tx, row.room_id)


@router.delete("/beds/{bed_id}")
@writes(*policy.KEEP_SHELTERS)
async def drop_bed(bed_id: UUID, tx: Transaction) -> RoomView:
    """Delete a bed that was never used; one that was is taken out of service."""
    row = await reach.bed_in_reach(tx, bed_id)
    await register.lock(tx, [row.shelter_id])
    if not await keeping.drop_bed(tx, bed_id):
        raise conflict(BED_WAS_USED)
    return await _room_view(tx, row.room_id)


@router.get("/shelters/{shelter_id}/beds")
@reads(*policy.SEE_BEDS)
async def bed_board(shelter_id: UUID, tx: Transaction) -> BedBoard:
    """The beds of a shelter and the state of each now. Who has one is an id, for those who may see placements."""
    row = await reach.own(tx, shelter_id)
    named = tx.principal.has(*policy.SEE_ALL_PLACEMENTS) or reach.is_own_head(tx, shelter_id)
    looked = await census.newest(tx, shelter_id)
    found = [(place, standing(bed, tx.now)) for place, bed in await beds.board(tx, shelter_id)]
    absent = frozenset(looked.absent if looked else ())
    if named:
        tx.audit("read", shelter_id, ["residents"])
    return BedBoard(
        shelter_id=row.id,
        confirmed_at=looked.confirmed_at if looked else None,
        closures=tuple(map(ClosureView.of, await beds.closures(tx, shelter_id))),
        states=counted(entry for _, entry in found),
        beds=tuple(BedRow.of(Place.model_validate(place), entry, absent=absent, named=named) for place, entry in found),
    )


# -- closing --------------------------------------------------------------------------------------------------------------------------


@router.post("/shelters/{shelter_id}/closures", status_code=201)
@writes(*policy.CLOSE_SHELTER)
async def close_shelter(shelter_id: UUID, body: ClosureBody, tx: Transaction) -> ClosureView:
    """A shelter is closed, or full for the time being, until a time or until somebody opens it; who sleeps there stays."""
    await reach.own(tx, shelter_id)
    require_later(tx, "until", body.until, tx.now)
    await register.lock(tx, [shelter_id])
    closure_id = await beds.close(tx, shelter_id, body.kind, body.until)
    if body.until is not None:
        register.look_again(tx, body.until, f"{closure_id}:{body.until.isoformat()}")
    timing.set_availability(tx)
    return next(ClosureView.of(row) for row in await beds.closures(tx, shelter_id) if row.id == closure_id)


@router.post("/shelters/{shelter_id}/closures/{closure_id}/end")
@writes(*policy.CLOSE_SHELTER)
async def open_shelter(shelter_id: UUID, closure_id: UUID, tx: Transaction) -> ClosureView:
    """A shelter takes people again."""
    await reach.own(tx, shelter_id)
    shown = next((row for row in await beds.closures(tx, shelter_id) if row.id == closure_id), None)
    if shown is None or not await beds.end_closure(tx, shelter_id, closure_id):
        raise not_found("closure")
    timing.beds_became_free(tx)
    return ClosureView.of(shown).model_copy(update={"until": tx.now})


# -- what several routes need -----------------------------------------------------------------------------------------------------------


def require_later(tx: Transaction, name: str, moment: datetime | None, than: datetime) -> None:
    """Refuse a time that is over, or that comes before what it ends."""
    if moment is not None and moment <= max(than, tx.now):
        raise RefusedError(422, "this time is not ahead", [FieldProblem(name, "not_in_the_future")])


async def _unit(tx: Transaction, unit_id: UUID) -> Row[Any]:
    row = await keeping.unit(tx, unit_id)
    if row is None:
        raise not_found("unit")
    await reach.known(tx, row.shelter_id)
    return row


async def _unit_view(tx: Transaction, unit_id: UUID) -> UnitView:
    return UnitView.of(await _unit(tx, unit_id))


async def _room(tx: Transaction, room_id: UUID) -> Row[Any]:
    row = await keeping.room(tx, room_id)
    if row is None:
        raise not_found("room")
    await reach.known(tx, row.shelter_id)
    return row


async def _room_view(tx: Transaction, room_id: UUID) -> RoomView:
    row = await keeping.room(tx, room_id)
    if row is None:
        raise not_found("room")
    return (await room_views(tx, [row]))[0]


async def _with_bed(tx: Transaction, room_id: UUID, bed_id: UUID, approver: UUID | None) -> RoomView:
    await _room(tx, room_id)
    if not await keeping.add_beds(tx, [(bed_id, room_id, approver)]):
        raise conflict(ID_IN_USE)
    await reach.register_changed(tx)
    return await _room_view(tx, room_id)
