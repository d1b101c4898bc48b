"""Keeping a shelter: whom it takes and for how long until a stay is reviewed. Two who change it at once see both values, and the second decides."""

from functools import partial
from typing import Any
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from contracts.vocabulary import Need
from fastapi import Response

from placement.api import shelters
from placement.api.shelter_views import ShelterChange, ShelterView
from placement.pages import pages

router = pages.router
NUMBERS = ("min_age", "max_age", "boys_max_age", "stay_review_days")
FIELDS = ("name", *NUMBERS, "accepts_needs", "open")


@router.get("/shelters/{shelter_id}/edit")
async def edit(shelter_id: UUID, visit: Visit) -> Response:
    """A shelter as it is, to be changed."""
    return await _form(shelter_id, visit, None)


@router.post("/shelters/{shelter_id}/edit")
async def save(shelter_id: UUID, visit: Sent) -> Response:
    """Change a shelter, unless somebody did since this form was shown."""
    try:
        known: ShelterView = await visit.ask(shelters.see_shelter, shelter_id=shelter_id)
    except RefusedError as refused:
        return await _form(shelter_id, visit, refused)
    return await visit.send(
        shelters.change_shelter,
        then=f"shelters/{shelter_id}/beds?said=shelter",
        again=partial(_form, shelter_id),
        body=lambda: ShelterChange.model_validate({**_facts(known), **_entered(visit)}),
        shelter_id=shelter_id,
        vault=visit.request.app.state.service.vault,
        if_match=visit.field("version"),
    )


def _facts(known: ShelterView) -> dict[str, Any]:
    """What the form does not ask about stays as it is; that nothing of it changed since is what the version is for."""
    return {name: getattr(known, name) for name in ShelterChange.facts()}


def _entered(visit: Visiting) -> dict[str, Any]:
    numbers = {name: visit.field(name) for name in NUMBERS}
    return {"name": visit.field("name"), **numbers, "accepts_needs": visit.fields("accepts_needs"), "open": visit.field("open") == "yes"}


async def _form(shelter_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    known: ShelterView = await visit.ask(shelters.see_shelter, shelter_id=shelter_id)
    shown = {name: getattr(known, name) for name in FIELDS}
    entered = _entered(visit) if visit.entered else shown
    both: list[tuple[str, str, str]] = []
    if refused is not None and "current" in refused.members:
        theirs, mine = refused.members["current"], refused.members["sent"]
        both = [
            (visit.say(f"shelter.{name}"), _as_text(theirs[name], visit), _as_text(mine[name], visit))
            for name in FIELDS
            if theirs[name] != mine[name]
        ]
    return visit.show("edit.html", refused=refused, shelter_id=shelter_id, version=known.version, entered=entered, both=both, needs=list(Need))


def _as_text(value: Any, visit: Visiting) -> str:
    """A value as people read it."""
    match value:
        case None | [] | ():
            return visit.say("shelter.nothing")
        case bool():
            return visit.say("shelter.yes" if value else "shelter.no")
        case list() | tuple():
            return ", ".join(visit.say(f"need.{need}") for need in sorted(value))
        case _:
            return str(value)
