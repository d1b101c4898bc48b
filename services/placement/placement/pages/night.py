"""The census of the night: who sleeps there and who does not; and who goes, for some time or for good."""

from functools import partial
from uuid import UUID

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from fastapi import Response

from placement.api import inventory_nights
from placement.api.inventory_views import CensusBody, Residents
from placement.pages import pages

router = pages.router


@router.get("/shelters/{shelter_id}/night")
async def who_is_there(shelter_id: UUID, visit: Visit) -> Response:
    """Everybody who stays there, bed by bed."""
    return await _night(shelter_id, visit, None)


@router.post("/shelters/{shelter_id}/night")
async def confirm(shelter_id: UUID, visit: Sent) -> Response:
    """Say of each whether she is there."""
    return await visit.send(
        inventory_nights.confirm_night,
        then=f"shelters/{shelter_id}/beds?said=night",
        again=partial(_night, shelter_id),
        body=lambda: _census(visit),
        shelter_id=shelter_id,
    )


def _census(visit: Visiting) -> CensusBody:
    """What was entered; nobody is present or absent because a box was left alone."""
    asked = visit.fields("person")
    said = {person: visit.field(f"present.{person}") for person in asked}
    if unsaid := [person for person, where in said.items() if where is None]:
        raise RefusedError(422, "say it of everybody", [FieldProblem(f"present.{person}", "missing") for person in unsaid])
    present, absent = ([person for person, where in said.items() if where == answer] for answer in ("yes", "no"))
    return CensusBody.model_validate({"night": visit.field("night"), "present": present, "absent": absent})


async def _night(shelter_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: Residents = await visit.ask(inventory_nights.see_residents, shelter_id=shelter_id)
    names = {f"present.{row.person_id}": visit.say("night.bed", room=row.room, number=number) for number, row in enumerate(seen.residents, 1)}
    return visit.show("night.html", refused=refused, names=names, seen=seen)
