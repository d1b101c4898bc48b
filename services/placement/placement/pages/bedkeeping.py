"""Keeping single beds: added, clean, out of use for a time or until further notice, back in use, removed."""

from functools import partial
from uuid import UUID

from chassis import FieldProblem, RefusedError, not_found
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from fastapi import Response

from placement import policy
from placement.api import inventory
from placement.api.inventory_views import BedBoard, BedBody, BedChange, BedRow
from placement.domain.beds import BedState
from placement.pages import pages
from placement.pages.house import new_id, show_room

router = pages.router
AT = "/shelters/{shelter_id}"
ROOM, BED = AT + "/rooms/{room_id}", AT + "/beds/{bed_id}"


@router.post(ROOM + "/beds")
async def add_bed(shelter_id: UUID, room_id: UUID, visit: Sent) -> Response:
    """Add a bed to a room."""
    return await visit.send(
        inventory.add_bed,
        then=f"shelters/{shelter_id}/rooms/{room_id}?said=bed",
        again=partial(show_room, shelter_id, room_id),
        body=lambda: BedBody(bed_id=new_id(visit, "bed")),
        room_id=room_id,
    )


@router.post(ROOM + "/overflow-beds")
async def add_overflow_bed(shelter_id: UUID, room_id: UUID, visit: Sent) -> Response:
    """Add a bed of need: who does this answers for it (P16)."""
    return await visit.send(
        inventory.add_overflow_bed,
        then=f"shelters/{shelter_id}/rooms/{room_id}?said=overflow",
        again=partial(show_room, shelter_id, room_id),
        body=lambda: BedBody(bed_id=new_id(visit, "overflow")),
        room_id=room_id,
    )


@router.get(BED)
async def see_bed(shelter_id: UUID, bed_id: UUID, visit: Visit) -> Response:
    """A bed, its state, and what can be done about it."""
    return await _see(shelter_id, bed_id, visit, None)


@router.post(BED + "/cleaned")
async def cleaned(shelter_id: UUID, bed_id: UUID, visit: Sent) -> Response:
    """It is clean: it may be given to somebody."""
    again = partial(_see, shelter_id, bed_id)
    return await visit.send(inventory.bed_is_clean, then=f"shelters/{shelter_id}/beds?said=cleaned", again=again, bed_id=bed_id)


@router.get(BED + "/out")
async def from_when(shelter_id: UUID, bed_id: UUID, visit: Visit) -> Response:
    """From and until when a bed is out of use."""
    return await _out(shelter_id, bed_id, visit, None)


@router.post(BED + "/out")
async def take_out(shelter_id: UUID, bed_id: UUID, visit: Sent) -> Response:
    """Take it out of use; who sleeps in it stays."""
    return await visit.send(
        inventory.change_bed,
        then=f"shelters/{shelter_id}/beds/{bed_id}?said=out",
        again=partial(_out, shelter_id, bed_id),
        body=lambda: BedChange.model_validate(
            {"out_of_service": True, "from": forms.moment_in(visit, "from"), "until": forms.moment_in(visit, "until")}
        ),
        bed_id=bed_id,
    )


@router.post(BED + "/back")
async def put_back(shelter_id: UUID, bed_id: UUID, visit: Sent) -> Response:
    """Put it back into use."""
    return await visit.send(
        inventory.change_bed,
        then=f"shelters/{shelter_id}/beds/{bed_id}?said=in_use",
        again=partial(_see, shelter_id, bed_id),
        body=lambda: BedChange(out_of_service=False),
        bed_id=bed_id,
    )


@router.post(BED + "/remove")
async def remove(shelter_id: UUID, bed_id: UUID, visit: Sent) -> Response:
    """Remove a bed that was never used."""
    bed = await _bed(shelter_id, bed_id, visit)
    then = f"shelters/{shelter_id}/rooms/{bed.room_id}?said=removed"

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        if refused is not None and refused.status == 409:  # noqa: PLR2004 - a conflict, and there is one that it can be
            refused = RefusedError(409, refused.title, [FieldProblem("bed_id", "bed_was_used")])
        return await _see(shelter_id, bed_id, visit, refused)

    return await visit.send(inventory.drop_bed, then=then, again=again, bed_id=bed_id)


async def _bed(shelter_id: UUID, bed_id: UUID, visit: Visiting) -> BedRow:
    board: BedBoard = await visit.ask(inventory.bed_board, shelter_id=shelter_id)
    found = next((bed for bed in board.beds if bed.bed_id == bed_id), None)
    if found is None:
        raise not_found("bed")
    return found


async def _see(shelter_id: UUID, bed_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    bed, keeps = await _bed(shelter_id, bed_id, visit), visit.who.has(*policy.KEEP_SHELTERS)
    can = {
        "cleaned": bed.state is BedState.CLEANING and visit.who.has(*policy.END_CLEANING),
        "out": keeps and bed.state is not BedState.OUT_OF_SERVICE,
        "back": keeps and bed.state is BedState.OUT_OF_SERVICE,
        "remove": keeps and bed.state is BedState.FREE,
        "keep": keeps,
    }
    return visit.show("bed.html", refused=refused, shelter_id=shelter_id, bed=bed, can=can)


async def _out(shelter_id: UUID, bed_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    bed = await _bed(shelter_id, bed_id, visit)
    at = f"shelters/{shelter_id}/beds/{bed_id}"
    told = [visit.say("bed.stays")] if bed.state in {BedState.OCCUPIED, BedState.HELD} else []
    questions = [
        Question("moment", "from", visit.say("bed.from"), hint=visit.say("bed.from_hint")),
        Question("moment", "until", visit.say("bed.until"), hint=visit.say("bed.until_hint")),
    ]
    return forms.show(visit, Form(visit.say("bed.out"), questions, visit.say("bed.out"), f"{at}/out", at, told=told), refused)
