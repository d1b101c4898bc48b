"""Erasing a person for good, with what stands against it; and the holds by which the law keeps data."""

from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from chassis.web.problems import RefusedError
from contracts.rights import ErasureGround, HoldGround
from fastapi import Response

from intake import policy
from intake.api import rights
from intake.api.rights import ErasureBody, HoldBody, HoldView
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import options
from intake.pages.papers import asked
from intake.pages.papers.people import erasure_of

router = pages.router
MOST = 500


@router.get("/cases/{case_id}/persons/{person_id}/erasure")
async def consider(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """What an erasure means, and what stands against it."""
    return await _erasure(case_id, person_id, visit, None)


@router.post("/cases/{case_id}/persons/{person_id}/erasure")
async def erase(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """Erase her; the receipt is shown for her to keep."""
    filled = Filled(visit.entered)
    try:
        body = read(lambda: ErasureBody.model_validate(erasure_body(filled)))
        done = await visit.tell(rights.erase_person, person_id=person_id, body=body)
    except RefusedError as refused:
        return await _erasure(case_id, person_id, visit, refused)
    return visit.show("papers/erased.html", case_id=case_id, receipts=done["receipts"])


@router.get("/holds")
async def holds(visit: Visit) -> Response:
    """What the law keeps, the next to be looked at first."""
    return visit.show("papers/holds.html", found=await visit.ask(rights.holds, limit=MOST))


@router.get("/cases/{case_id}/holds/new")
async def choose(case_id: UUID, visit: Visit) -> Response:
    """The form: of whom, why, and when somebody looks again."""
    return await _hold(case_id, visit, None)


@router.post("/cases/{case_id}/holds/new")
async def hold(case_id: UUID, visit: Sent) -> Response:
    """Let the law keep it."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _hold(case_id, visit, refused)

    filled = Filled(visit.entered)
    return await visit.send(
        rights.hold,
        then="holds?said=hold_set",
        again=again,
        body=lambda: HoldBody.model_validate(asked.filled_in(filled, "person_id", "ground", "review_on")),
        case_id=case_id,
    )


@router.get("/holds/{hold_id}/lift")
async def consider_lifting(hold_id: UUID, visit: Visit) -> Response:
    """What lifting it means."""
    return await _lifting(hold_id, visit, None)


@router.post("/holds/{hold_id}/lift")
async def lift(hold_id: UUID, visit: Sent) -> Response:
    """The law keeps this no longer."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _lifting(hold_id, visit, refused)

    return await visit.send(rights.lift, then="holds?said=hold_lifted", again=again, hold_id=hold_id)


def erasure_body(filled: Filled) -> dict[str, Any]:
    """The body of the route, as far as it was entered."""
    kept = {"yes": True, "no": False}.get(filled.one("keep_texts") or "")
    return asked.filled_in(filled, "ground") | ({} if kept is None else {"keep_texts": kept})


async def _erasure(case_id: UUID, person_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    case, person = await asked.person_of(visit, case_id, person_id, *policy.ERASE)
    found: list[HoldView] = await visit.ask(rights.holds, limit=MOST)
    return visit.show(
        "papers/erasure.html",
        refused=refused,
        names=asked.labels(visit, "erasing", ("ground", "keep_texts")),
        case=case,
        person=person,
        called=asked.called(visit, person),
        against=[entry for entry in found if entry.case_id == case_id and entry.person_id in (None, person_id)],
        erased=await erasure_of(visit, person_id),
        others=[asked.called(visit, other) for other in case.persons if other.person_id != person_id],
        filled=Filled(visit.entered),
        lists={
            "ground": options("erasure_ground", ErasureGround, visit.language),
            "keep_texts": options("keep_texts", ("yes", "no"), visit.language),
        },
        key=asked.key_of(visit),
    )


async def _hold(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    case = await asked.case_of(visit, case_id, *policy.HOLD)
    lists = {"person_id": asked.people(visit, case.persons), "ground": options("hold_ground", HoldGround, visit.language)}
    names = asked.labels(visit, "holding", ("person_id", "ground", "review_on"))
    filled = Filled(visit.entered)
    return visit.show("papers/hold.html", refused=refused, names=names, case=case, filled=filled, lists=lists, key=asked.key_of(visit))


async def _lifting(hold_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    holds = await visit.ask(rights.holds, limit=MOST)
    found = next((entry for entry in holds if entry.hold_id == hold_id), None)
    if found is None:
        raise RefusedError(404, "no such hold")
    return visit.show("papers/lift.html", refused=refused, found=found, key=asked.key_of(visit))
