"""Two persons that may be one, side by side: linked, merged by a supervisor, or not the same, which is remembered."""

from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from chassis.web.problems import RefusedError, not_found
from fastapi import Response

from intake import policy
from intake.api import persons
from intake.api.persons import BesideView, Ground, GroundBody, PairState
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import options

router = pages.router
MOST = 50
COMPARED = ("name", "nik", "sex", "age", "phone", "address")
STEPS = {
    "link": (persons.link, "linked", {PairState.OPEN, PairState.NOT_SAME}, policy.JUDGE_PAIRS),
    "not-same": (persons.not_same, "not_same", {PairState.OPEN, PairState.LINKED}, policy.JUDGE_PAIRS),
    "merge": (persons.merge, "merged", {PairState.LINKED}, policy.MERGE),
    "unmerge": (persons.unmerge, "unmerged", {PairState.MERGED}, policy.MERGE),
}


@router.get("/candidates")
async def queue(visit: Visit) -> Response:
    """The pairs that wait for somebody to decide; for supervisors also those that were linked."""
    states = [PairState.OPEN, PairState.LINKED] if visit.who.has(*policy.MERGE) else [PairState.OPEN]
    vault = visit.request.app.state.service.vault
    found = {state: await visit.ask(persons.queue, vault=vault, state=state, limit=MOST) for state in states}
    return visit.show("pairs.html", found=found)


@router.get("/candidates/{candidate_id}")
async def beside(candidate_id: UUID, visit: Visit) -> Response:
    """Both persons of a pair, side by side."""
    return await _see(candidate_id, visit, None)


@router.post("/candidates/{candidate_id}/{step}")
async def decide(candidate_id: UUID, step: str, visit: Sent) -> Response:
    """Decide about a pair, on a ground that stays on record."""
    if step not in STEPS:
        raise not_found("step")
    route, said, _, _ = STEPS[step]
    try:
        body = read(lambda: GroundBody.model_validate({"ground": visit.field("ground") or ""}))
        await visit.tell(route, candidate_id=candidate_id, body=body, vault=visit.request.app.state.service.vault)
    except RefusedError as refused:
        return await _see(candidate_id, visit, refused)
    return visit.go(f"candidates/{candidate_id}", said=said)


async def _see(candidate_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    pair: BesideView = await visit.ask(persons.beside, candidate_id=candidate_id, vault=visit.request.app.state.service.vault)
    steps = [name for name, (_, _, states, roles) in STEPS.items() if pair.state in states and visit.who.has(*roles)]
    return visit.show(
        "pair.html",
        refused=refused,
        pair=pair,
        steps=steps,
        compared=COMPARED,
        filled=Filled(visit.entered),
        grounds=options("ground_of", Ground, visit.language),
        key=visit.fresh_key,
    )
