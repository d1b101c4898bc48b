"""The register of shelters: who keeps it, and what of it whom is shown."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from chassis.store.vault import KeyLostError, Vault
from fastapi import APIRouter, Depends, Header, Request
from sqlalchemy import Row

from placement import matching, policy
from placement.api.shelter_views import (
    AddressView,
    BedBody,
    BedChange,
    OccupancyRow,
    Registered,
    RoomBody,
    RoomFacts,
    RoomView,
    ShelterBody,
    ShelterChange,
    ShelterFacts,
    ShelterRow,
    ShelterView,
)
from placement.store import register
from placement.store.register import HIDDEN

router = APIRouter()

CHANGED_MEANWHILE = "somebody else changed this shelter: compare and send again"
ROOM_HAS_BEDS = "this room has beds"
BED_WAS_USED = "this bed was used: take it out of service"
ID_IN_USE = "a room or bed with one of these ids exists already"
ADDRESS, PHONE = "shelter.address", "shelter.intake_phone"


def vault_of(request: Request) -> Vault:
    """The vault of the service that answers."""
    vault: Vault = request.app.state.service.vault
    return vault


Safe = Annotated[Vault, Depends(vault_of)]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="the version that was read")]


# -- reading --------------------------------------------------------------------------------------------------------------------------


@router.get("/shelters")
@reads(*policy.SEE_BANDS)
async def list_shelters(tx: Transaction) -> list[ShelterRow]:
    """All shelters and whether they have room. All secret ones are one row, but for those who place."""
    places = tx.principal.has(*policy.SEE_SECRET)
    rows = await register.counts(tx)
    shown = [ShelterRow.of(row, counted=places) for row in rows if places or not row.secret]
    if not places and any(row.secret for row in rows):
        shown.append(ShelterRow(kind=HIDDEN, secret=True, availability=await _secret_band(tx)))
    return shown


@router.get("/shelters/{shelter_id}")
@reads(*policy.SEE_SHELTER)
async def see_shelter(shelter_id: UUID, tx: Transaction) -> ShelterView:
    """One shelter with its rooms and beds, without its address."""
    row = await _known(tx, shelter_id)
    rooms = tuple(_room_view(room) for room in await register.rooms_of(tx, shelter_id))
    return ShelterView(**_facts(row), shelter_id=row.id, version=row.version, rooms=rooms)


@router.get("/shelters/{shelter_id}/address")
@reads(*policy.SEE_ADDRESS)
async def see_address(shelter_id: UUID, vault: Safe, tx: Transaction) -> AddressView:
    """Where the shelter is. Every look is audited."""
    row = await _known(tx, shelter_id)
    tx.audit("read", shelter_id, ["address", "intake_phone"])
    keys = await vault.of([shelter_id])
    if not row.address_sealed:
        raise not_found("address")
    try:
        address, phone = keys.open(shelter_id, ADDRESS, row.address_sealed), keys.open(shelter_id, PHONE, row.phone_sealed)
    except KeyLostError:
        raise not_found("address") from None
    return AddressView(shelter_id=shelter_id, address=address, intake_phone=phone)


@router.get("/occupancy")
@reads(*policy.SEE_OCCUPANCY)
async def occupancy(tx: Transaction) -> list[OccupancyRow]:
    """Beds and people per shelter; secret shelters are one row for everyone but supervisors, for those who do not place without numbers."""
    rows = await register.counts(tx)
    everything = tx.principal.has(policy.SUPERVISOR)
    shown = [_occupancy(row) for row in rows if everything or not row.secret]
    secret = [row for row in rows if row.secret]
    if secret and not everything:
        shown.append(_occupancy_of_secret(secret, await _secret_band(tx), counted=tx.principal.has(policy.OFFICER)))
    return shown


# -- keeping --------------------------------------------------------------------------------------------------------------------------


@router.post("/shelters", status_code=201)
@writes(*policy.KEEP_SHELTERS)
async def add_shelter(body: ShelterBody, vault: Safe, tx: Transaction) -> Registered:
    """Register a shelter with its rooms and beds; one that is registered already stays as it is."""
    if body.kind == HIDDEN:
        raise RefusedError(422, "this kind stands for all secret shelters", [FieldProblem("kind", "reserved")])
    await tx.lock([body.shelter_id])
    if known := await register.shelter(tx, body.shelter_id):
        return Registered(shelter_id=known.id, version=known.version)
    await register.add_shelter(
        tx, {"id": body.shelter_id, **body.columns(), **await _sealed(vault, body.shelter_id, body.address, body.intake_phone)}
    )
    await _add_rooms(tx, body.shelter_id, body.rooms)
    tx.audit("written", body.shelter_id, ["address", "intake_phone"])
    _register_changed(tx)
    return Registered(shelter_id=body.shelter_id, version=1)


@router.put("/shelters/{shelter_id}")
@writes(*policy.KEEP_SHELTERS)
async def change_shelter(shelter_id: UUID, body: ShelterChange, vault: Safe, tx: Transaction, if_match: IfMatch = None) -> Registered:
    """Write a shelter anew; 409 with both values when somebody else changed it since the version in `If-Match`."""
    if if_match is None:
        raise RefusedError(428, "send If-Match with the version that you read", [FieldProblem("If-Match", "missing")])
    await tx.lock([shelter_id])
    row = await _known(tx, shelter_id)
    if if_match.strip('W/"') != str(row.version):
        sent = body.columns()
        raise conflict(CHANGED_MEANWHILE, version=row.version, current=_plain(row), sent=sent)
    sealed = await _sealed(vault, shelter_id, body.address, body.intake_phone)
    version = await register.change_shelter(tx, {"id": shelter_id, **body.columns(), **sealed})
    if body.address or body.intake_phone:
        tx.audit("written", shelter_id, [name for name in ("address", "intake_phone") if getattr(body, name)])
    _register_changed(tx)
    return Registered(shelter_id=shelter_id, version=version)


@router.post("/shelters/{shelter_id}/rooms", status_code=201)
@writes(*policy.KEEP_SHELTERS)
async def add_room(shelter_id: UUID, body: RoomBody, tx: Transaction) -> RoomView:
    """Add a room with its beds."""
    await _known(tx, shelter_id)
    await _add_rooms(tx, shelter_id, [body])
    _register_changed(tx)
    return await _room(tx, body.room_id)


@router.put("/rooms/{room_id}")
@writes(*policy.KEEP_SHELTERS)
async def change_room(room_id: UUID, body: RoomFacts, tx: Transaction) -> RoomView:
    """Write what a room is; those who sleep in it stay."""
    await _room(tx, room_id)
    await register.change_room(tx, {"id": room_id, **body.model_dump()})
    _register_changed(tx)
    return await _room(tx, room_id)


@router.delete("/rooms/{room_id}")
@writes(*policy.KEEP_SHELTERS)
async def drop_room(room_id: UUID, tx: Transaction) -> RoomView:
    """Delete a room that has no bed."""
    room = await _room(tx, room_id)
    if not await register.drop_room(tx, room_id):
        raise conflict(ROOM_HAS_BEDS, beds=len(room.beds))
    return room


@router.post("/rooms/{room_id}/beds", status_code=201)
@writes(*policy.KEEP_SHELTERS)
async def add_bed(room_id: UUID, body: BedBody, tx: Transaction) -> RoomView:
    """Add a bed to a room."""
    await _room(tx, room_id)
    if not await register.add_beds(tx, [(body.bed_id, room_id)]):
        raise conflict(ID_IN_USE)
    _register_changed(tx)
    return await _room(tx, room_id)


@router.put("/beds/{bed_id}")
@writes(*policy.KEEP_SHELTERS)
async def change_bed(bed_id: UUID, body: BedChange, tx: Transaction) -> RoomView:
    """Take a bed out of service or put it back."""
    row = await _bed(tx, bed_id)
    await register.lock(tx, [row.shelter_id])
    await register.change_bed(tx, bed_id, out_of_service=body.out_of_service)
    _register_changed(tx)
    return await _room(tx, row.room_id)


@router.delete("/beds/{bed_id}")
@writes(*policy.KEEP_SHELTERS)
async def drop_bed(bed_id: UUID, tx: Transaction) -> RoomView:
    """Delete a bed that was never used; one that was is taken out of service."""
    row = await _bed(tx, bed_id)
    await register.lock(tx, [row.shelter_id])
    if not await register.drop_bed(tx, bed_id):
        raise conflict(BED_WAS_USED)
    return await _room(tx, row.room_id)


# -- what several routes need -----------------------------------------------------------------------------------------------------------


def _register_changed(tx: Transaction) -> None:
    """The waiting list is tried on what is new. That a shelter was registered or changed is no secret of anybody's stay: it shows at once."""
    matching.set_round(tx)
    matching.set_availability(tx, at_once=True)


async def _known(tx: Transaction, shelter_id: UUID) -> Row[Any]:
    """A shelter; a secret one is not there for those who may not see it."""
    row = await register.shelter(tx, shelter_id)
    if row is None or (row.secret and not tx.principal.has(*policy.SEE_SECRET)):
        raise not_found("shelter")
    return row


async def _room(tx: Transaction, room_id: UUID) -> RoomView:
    row = await register.room(tx, room_id)
    if row is None:
        raise not_found("room")
    await _known(tx, row.shelter_id)
    return _room_view(row)


async def _bed(tx: Transaction, bed_id: UUID) -> Row[Any]:
    row = await register.bed(tx, bed_id)
    if row is None:
        raise not_found("bed")
    await _known(tx, row.shelter_id)
    return row


async def _add_rooms(tx: Transaction, shelter_id: UUID, rooms: Sequence[RoomBody]) -> None:
    beds = [bed for room in rooms for bed in room.beds]
    if len(set(beds)) < len(beds) or len({room.room_id for room in rooms}) < len(rooms):
        raise RefusedError(422, "an id appears twice", [FieldProblem("rooms", "id_twice")])
    if not await register.add_rooms(tx, shelter_id, [{"id": room.room_id, **room.model_dump()} for room in rooms]):
        raise conflict(ID_IN_USE)


async def _sealed(vault: Vault, shelter_id: UUID, address: str | None, phone: str | None) -> dict[str, bytes | None]:
    """Address and phone sealed for this shelter; what is None stays None."""
    keys = await vault.new([shelter_id])
    return {
        "address_sealed": keys.seal(shelter_id, ADDRESS, address) if address else None,
        "phone_sealed": keys.seal(shelter_id, PHONE, phone) if phone else None,
    }


async def _secret_band(tx: Transaction) -> Any:
    """What was last said of the secret shelters together, not what holds at this moment."""
    return "available" if (await register.bands(tx)).get(HIDDEN) == "available" else "not_available"


def _facts(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ShelterFacts.model_fields}


def _plain(row: Row[Any]) -> dict[str, Any]:
    return ShelterFacts(**_facts(row)).columns()


def _room_view(row: Row[Any]) -> RoomView:
    out_of_service = tuple(row._mapping.get("out_of_service", ()))  # noqa: SLF001 - SQLAlchemy's public name for it
    return RoomView(
        room_id=row.id,
        name=row.name,
        family=row.family,
        accessible=row.accessible,
        isolation=row.isolation,
        beds=tuple(row.beds),
        out_of_service=out_of_service,
    )


def _occupancy(row: Row[Any]) -> OccupancyRow:
    return OccupancyRow(
        kind=row.kind,
        availability="available" if row.open and row.free else "not_available",
        shelter_id=row.id,
        name=row.name,
        beds=row.beds,
        people=row.people,
        held=row.held,
        free=row.free,
        out_of_service=row.out_of_service,
    )


def _occupancy_of_secret(rows: Sequence[Row[Any]], band: Any, *, counted: bool) -> OccupancyRow:
    names = ("beds", "people", "held", "free", "out_of_service") if counted else ()
    return OccupancyRow(kind=HIDDEN, availability=band, **{name: sum(getattr(row, name) for row in rows) for name in names})
