"""The bed board: each bed of a shelter and its state now, and how old what is said of it is."""

from uuid import UUID

from chassis.web.pages import Visit
from fastapi import Response

from placement import policy
from placement.api import inventory, shelters
from placement.pages import pages

router = pages.router
# What is offered on a board, and to whom.
MAY = {
    "counts": policy.CONFIRM_NIGHT,
    "door": policy.ADMIT_AT_THE_DOOR,
    "keeps": policy.KEEP_SHELTERS,
    "sees": policy.SEE_SHELTER,
    "closes": policy.CLOSE_SHELTER,
    "cleans": policy.END_CLEANING,
    "conflicts": policy.DECLARE_CONFLICT,
}


@router.get("/beds")
async def overview(visit: Visit) -> Response:
    """The shelters that somebody may see; the head of a single one goes straight to its board."""
    heads = not visit.who.has(*policy.FOR_EVERY_HOUSE)
    if heads and len(visit.who.units) == 1:
        return visit.go(f"shelters/{next(iter(visit.who.units))}/beds")
    own = {unit.lower() for unit in visit.who.units}
    rows = await visit.ask(shelters.occupancy)
    shown = [row for row in rows if not heads or str(row.shelter_id) in own]
    return visit.show("beds.html", rows=shown, keeps=visit.who.has(*policy.KEEP_SHELTERS), sees=visit.who.has(*policy.SEE_SHELTER))


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
        may={name: visit.who.has(*roles) for name, roles in MAY.items()},
    )
