"""The register of shelters: who keeps it, and what of it whom is shown. Units, rooms and beds are in `inventory`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from chassis.store.vault import KeyLostError, Vault
from fastapi import APIRouter, Depends, Header, Request
from sqlalchemy import Row

from placement import policy
from placement.api import reach
from placement.api.shelter_views import (
    AddressView,
    ClosureView,
    OccupancyRow,
    Registered,
    RoomBody,
    RoomView,
    ShelterBody,
    ShelterChange,
    ShelterFacts,
    ShelterRow,
    ShelterView,
    UnitView,
)
from placement.store import beds, census, keeping, register
from placement.store.register import HIDDEN

router = APIRouter()

CHANGED_MEANWHILE = "somebody else changed this shelter: compare and send again"
ID_IN_USE = "a unit, room or bed with one of these ids exists already"
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
        band, looked = await _secret_band(tx), _oldest(rows)
        shown.append(ShelterRow(kind=HIDDEN, secret=True, availability=band, confirmed_at=looked))
    return shown


@router.get("/shelters/{shelter_id}")
@reads(*policy.SEE_SHELTER)
async def see_shelter(shelter_id: UUID, tx: Transaction) -> ShelterView:
    """One shelter with its units, rooms and beds, without its address."""
    row = await reach.known(tx, shelter_id)
    looked = await census.newest(tx, shelter_id)
    return ShelterView(
        **facts_of(row),
        shelter_id=row.id,
        version=row.version,
        units=tuple(map(UnitView.of, await keeping.units_of(tx, [shelter_id]))),
        rooms=await room_views(tx, await keeping.rooms_of(tx, [shelter_id])),
        closures=tuple(map(ClosureView.of, await beds.closures(tx, shelter_id))),
        confirmed_at=looked.confirmed_at if looked else None,
    )


@router.get("/shelters/{shelter_id}/address")
@reads(*policy.SEE_ADDRESS)
async def see_address(shelter_id: UUID, vault: Safe, tx: Transaction) -> AddressView:
    """Where the shelter is. Every look is audited."""
    row = await reach.known(tx, shelter_id)
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
    """Register a shelter with its units, rooms and beds; one that is registered already stays as it is."""
    await tx.lock([body.shelter_id])
    if known := await register.shelter(tx, body.shelter_id):
        return Registered(shelter_id=known.id, version=known.version)
    await keeping.add_shelter(tx, {"id": body.shelter_id, **body.columns(), **await _sealed(vault, body.shelter_id, body.address, body.intake_phone)})
    units = [{"id": unit.unit_id, "shelter_id": body.shelter_id, **unit.columns()} for unit in body.units]
    if units and not await keeping.add_units(tx, units):
        raise conflict(ID_IN_USE)
    await add_rooms(tx, body.shelter_id, body.rooms)
    tx.audit("written", body.shelter_id, ["address", "intake_phone"])
    await reach.register_changed(tx)
    return Registered(shelter_id=body.shelter_id, version=1)


@router.put("/shelters/{shelter_id}")
@writes(*policy.KEEP_SHELTERS)
async def change_shelter(shelter_id: UUID, body: ShelterChange, vault: Safe, tx: Transaction, if_match: IfMatch = None) -> Registered:
    """Write a shelter anew; 409 with both values when somebody else changed it since the version in `If-Match`."""
    if if_match is None:
        raise RefusedError(428, "send If-Match with the version that you read", [FieldProblem("If-Match", "missing")])
    await tx.lock([shelter_id])
    row = await reach.known(tx, shelter_id)
    if if_match.strip('W/"') != str(row.version):
        sent = body.columns()
        raise conflict(CHANGED_MEANWHILE, version=row.version, current=columns_of(row), sent=sent)
    sealed = await _sealed(vault, shelter_id, body.address, body.intake_phone)
    version = await keeping.change_shelter(tx, {"id": shelter_id, **body.columns(), **sealed})
    if body.address or body.intake_phone:
        tx.audit("written", shelter_id, [name for name in ("address", "intake_phone") if getattr(body, name)])
    await reach.register_changed(tx)
    return Registered(shelter_id=shelter_id, version=version)


# -- what several routes need -----------------------------------------------------------------------------------------------------------


async def add_rooms(tx: Transaction, shelter_id: UUID, rooms: Sequence[RoomBody]) -> None:
    """Add rooms with their beds to a shelter: 422 for a unit that it has not, 409 for ids in use."""
    beds_in = [(bed, room.room_id, None) for room in rooms for bed in room.beds]
    if len({bed for bed, _, _ in beds_in}) < len(beds_in) or len({room.room_id for room in rooms}) < len(rooms):
        raise RefusedError(422, "an id appears twice", [FieldProblem("rooms", "id_twice")])
    units = {unit.id for unit in await keeping.units_of(tx, [shelter_id])}
    if strange := sorted({str(room.room_id) for room in rooms if room.unit_id and room.unit_id not in units}):
        raise RefusedError(422, "the shelter has no such unit", [FieldProblem(f"rooms.{room}.unit_id", "not_known") for room in strange])
    values = [{"id": room.room_id, "shelter_id": shelter_id, **room.model_dump(exclude={"room_id", "beds"})} for room in rooms]
    if not (await keeping.add_rooms(tx, values) and await keeping.add_beds(tx, beds_in)):
        raise conflict(ID_IN_USE)


async def room_views(tx: Transaction, rooms: Sequence[Row[Any]]) -> tuple[RoomView, ...]:
    """Rooms as they are shown, with their beds of need and who answers for those."""
    overflow: dict[UUID, list[Row[Any]]] = {}
    for row in await keeping.overflow_of(tx, [room.id for room in rooms]):
        overflow.setdefault(row.room_id, []).append(row)
    return tuple(RoomView.of(room, overflow.get(room.id, [])) for room in rooms)


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


def _oldest(rows: Iterable[Row[Any]]) -> datetime | None:
    """When somebody last looked in the secret shelters together: in that which waits longest, to the hour; none if one never was."""
    looked = [row.confirmed_at for row in rows if row.secret]
    return None if None in looked else min(looked, default=None) and min(looked).replace(minute=0, second=0, microsecond=0)


def facts_of(row: Row[Any]) -> dict[str, Any]:
    """What is said of a shelter, as its body has it."""
    return {name: getattr(row, name) for name in ShelterFacts.facts()} | {"parameters": register.parameters_of(row)}


def columns_of(row: Row[Any]) -> dict[str, Any]:
    """The same, as `columns` of a body has it."""
    facts = facts_of(row)
    return facts | {name: sorted(facts[name]) for name in ("sexes", "accepts_needs")}


NUMBERS = ("beds", "people", "held", "free", "out_of_service", "cleaning", "overflow")


def _occupancy(row: Row[Any]) -> OccupancyRow:
    return OccupancyRow(
        kind=row.kind,
        availability="available" if row.open and row.free else "not_available",
        shelter_id=row.id,
        name=row.name,
        closed_as=row.closed_as,
        confirmed_at=row.confirmed_at,
        **{name: getattr(row, name) for name in NUMBERS},
    )


def _occupancy_of_secret(rows: Sequence[Row[Any]], band: Any, *, counted: bool) -> OccupancyRow:
    numbers = {name: sum(getattr(row, name) for row in rows) for name in NUMBERS} if counted else {}
    return OccupancyRow(kind=HIDDEN, availability=band, confirmed_at=_oldest(rows), **numbers)
