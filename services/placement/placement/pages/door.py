"""At the door: people are let in whom nobody reported yet; at night, with one hand, and whatever the rules would say."""

from functools import partial
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from contracts.vocabulary import Agreement, HouseholdRole, Sex
from fastapi import Response

from placement.api import stays
from placement.api.placement_views import AdmissionBody
from placement.pages import pages

router = pages.router
PERSONS = 5
PARTS = ("sex", "age", "role", "agreement", "legal_ground_until")


@router.get("/shelters/{shelter_id}/door")
async def who_stands_there(shelter_id: UUID, visit: Visit) -> Response:
    """Who stands at the door."""
    return await _form(shelter_id, visit, None)


@router.post("/shelters/{shelter_id}/door")
async def let_in(shelter_id: UUID, visit: Sent) -> Response:
    """Let them in: intake opens the case from it."""
    entered = {"shelter_id": shelter_id, "brought_by": visit.field("brought_by"), "area": visit.field("area"), "persons": _persons(visit)}
    return await visit.send(
        stays.admit_at_the_door,
        then=f"shelters/{shelter_id}/beds?said=door",
        again=partial(_form, shelter_id),
        body=lambda: AdmissionBody.model_validate({name: value for name, value in entered.items() if value is not None}),
    )


def _persons(visit: Visiting) -> list[dict[str, str]]:
    """Those of whom anything was entered, in their order; the first is always asked about."""
    rows = [{part: value for part in PARTS if (value := visit.field(f"persons.{number}.{part}"))} for number in range(PERSONS)]
    return [row for number, row in enumerate(rows) if row or number == 0]


async def _form(shelter_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    labels = {f"persons.{number}": visit.say("door.person", number=number + 1) for number in range(PERSONS)}
    names = labels | {f"{place}.{part}": f"{label}, {visit.say(f'door.{part}')}" for place, label in labels.items() for part in PARTS}
    if refused is not None and any(problem.field.startswith("persons.") for problem in refused.problems):
        # A list without a person that can be read counts as too short, too; what is wrong is said of the person.
        wrong = [problem for problem in refused.problems if problem.field != "persons"]
        refused = RefusedError(refused.status, refused.title, wrong, **refused.members)
    choices = {"sex": list(Sex), "role": list(HouseholdRole), "agreement": list(Agreement)}
    return visit.show("door.html", refused=refused, names=names, labels=labels, shelter_id=shelter_id, choices=choices)
