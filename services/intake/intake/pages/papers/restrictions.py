"""Who is to learn nothing of a person: the list, one more, one less; and an access that was refused."""

from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from contracts.consents import RestrictionGround
from fastapi import Response

from intake import policy
from intake.api import restrictions
from intake.api.restrictions import AccessBody, RestrictionBody
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import options
from intake.pages.papers import asked

router = pages.router
WHO = ("recipient", "relation", "requester_id")


@router.get("/cases/{case_id}/persons/{person_id}/restrictions")
async def listed(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """The list, and whose access was refused."""
    return await _list(case_id, person_id, visit, None)


@router.get("/cases/{case_id}/persons/{person_id}/restrictions/new")
async def choose(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """The form: who, and why."""
    return await _form(case_id, person_id, visit, None, refusal=False)


@router.post("/cases/{case_id}/persons/{person_id}/restrictions/new")
async def restrict(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """Keep somebody from learning anything of her."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _form(case_id, person_id, visit, refused, refusal=False)

    filled = Filled(visit.entered)
    return await visit.send(
        restrictions.restrict,
        then=f"cases/{case_id}/persons/{person_id}/restrictions?said=restricted",
        again=again,
        body=lambda: RestrictionBody.model_validate(asked.filled_in(filled, *WHO, "ground")),
        person_id=person_id,
    )


@router.post("/cases/{case_id}/persons/{person_id}/restrictions/{restriction_id}/lift")
async def lift(case_id: UUID, person_id: UUID, restriction_id: UUID, visit: Sent) -> Response:
    """Take somebody off the list."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _list(case_id, person_id, visit, refused)

    then = f"cases/{case_id}/persons/{person_id}/restrictions?said=restriction_lifted"
    return await visit.send(restrictions.lift, then=then, again=again, restriction_id=restriction_id)


@router.get("/cases/{case_id}/persons/{person_id}/access-refusals/new")
async def who_asked(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """The form: who asked for her data and did not get them."""
    return await _form(case_id, person_id, visit, None, refusal=True)


@router.post("/cases/{case_id}/persons/{person_id}/access-refusals/new")
async def refuse_access(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """Record that."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _form(case_id, person_id, visit, refused, refusal=True)

    filled = Filled(visit.entered)
    return await visit.send(
        restrictions.refuse_access,
        then=f"cases/{case_id}/persons/{person_id}/restrictions?said=access_refused",
        again=again,
        body=lambda: AccessBody.model_validate(asked.filled_in(filled, *WHO[1:], "ground")),
        person_id=person_id,
    )


async def _list(case_id: UUID, person_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    case, person = await asked.person_of(visit, case_id, person_id, *policy.RESTRICT)
    return visit.show(
        "papers/restrictions.html",
        refused=refused,
        case=case,
        person=person,
        called=asked.called(visit, person),
        others={other.person_id: asked.called(visit, other) for other in case.persons},
        found=await visit.ask(restrictions.restrictions, person_id=person_id),
        lifts=visit.who.has(*policy.LIFT_RESTRICTION),
    )


async def _form(case_id: UUID, person_id: UUID, visit: Visiting, refused: RefusedError | None, *, refusal: bool) -> Response:
    case, person = await asked.person_of(visit, case_id, person_id, *policy.RESTRICT)
    others = [other for other in case.persons if other.person_id != person_id]
    lists = {
        "relation": asked.relations(visit),
        "requester_id": asked.people(visit, others),
        "ground": options("restriction_ground", RestrictionGround, visit.language),
    }
    return visit.show(
        "papers/restriction.html",
        refused=refused,
        names=asked.labels(visit, "restricting", (*WHO, "ground")),
        case=case,
        person=person,
        called=asked.called(visit, person),
        filled=Filled(visit.entered),
        lists=lists,
        agencies=None if refusal else await asked.recipients(visit),
        refusal=refusal,
        key=asked.key_of(visit),
    )
