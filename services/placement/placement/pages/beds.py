"""The bed board: each bed of a shelter and its state now, and how old what is said of it is."""

from uuid import UUID

from chassis.web.pages import Visit
from fastapi import Response

from placement import policy
from placement.api import inventory, shelters
from placement.pages import pages

router = pages.router


@router.get("/beds")
async def overview(visit: Visit) -> Response:
    """The shelters that somebody may see; the head of a single one goes straight to its board."""
    heads = not visit.who.has(*policy.FOR_EVERY_HOUSE)
    if heads and len(visit.who.units) == 1:
        return visit.go(f"shelters/{next(iter(visit.who.units))}/beds")
    own = {unit.lower() for unit in visit.who.units}
    rows = await visit.ask(shelters.occupancy)
    return visit.show("beds.html", rows=[row for row in rows if not heads or str(row.shelter_id) in own])


@router.get("/shelters/{shelter_id}/beds")
async def board(shelter_id: UUID, visit: Visit) -> Response:
    """The beds of a shelter."""
    seen = await visit.ask(inventory.bed_board, shelter_id=shelter_id)
    rooms: dict[str, list[object]] = {}
    for bed in seen.beds:
        rooms.setdefault(f"{bed.unit} / {bed.room}" if bed.unit else bed.room, []).append(bed)
    return visit.show(
        "board.html",
        seen=seen,
        rooms=rooms,
        counts=visit.who.has(*policy.CONFIRM_NIGHT),
        door=visit.who.has(*policy.ADMIT_AT_THE_DOOR),
        keeps=visit.who.has(*policy.KEEP_SHELTERS),
    )
