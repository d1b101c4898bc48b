"""The routes by which people decide whether two persons are one: look at both, link, say that they are not the same, merge, undo a merge.

Nobody learns here that a person is known elsewhere: a pair exists for an officer only if her agency takes part in both cases, and for the
supervisors of the desk agency, who see all. A merge is an alias: no row of either person changes, so undoing it leaves nothing behind.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from chassis import Transaction, conflict, not_found, reads, writes
from chassis.store.vault import Vault
from contracts.intake import Identity, Merged, Unmerged
from fastapi import APIRouter, Query
from pydantic import BaseModel

from intake import casebook, policy
from intake.api import cases
from intake.api.bodies import Body
from intake.api.views import PersonView
from intake.casebook import Saying
from intake.consents.records import hidden
from intake.handing_over import sending as handing_over
from intake.linkage import finding, pairs
from intake.linkage.likeness import probability
from intake.linkage.pairs import LINKED, MERGED, NOT_SAME, OPEN
from intake.opening import PERSONAL, Safe

# From which states a pair may be brought into which: merging is never the first step.
CONTRADICTION = "people said of two of these persons that they are not the same: settle that pair first"
OTHER_STATE = "this pair is in another state"
STEPS = {LINKED: {OPEN, NOT_SAME}, NOT_SAME: {OPEN, LINKED}, MERGED: {LINKED}}


class PairState(StrEnum):
    """What people decided about a pair so far."""

    OPEN = OPEN
    LINKED = LINKED
    MERGED = MERGED
    NOT_SAME = NOT_SAME


class Ground(StrEnum):
    """Why somebody decided so."""

    DOCUMENTS = "documents"
    PERSON_SAID = "person_said"
    FAMILY_SAID = "family_said"
    KNOWN_TO_OFFICER = "known_to_officer"
    FIELDS = "fields"
    MISTAKE = "mistake"


class GroundBody(Body):
    """Why."""

    ground: Ground = Ground.FIELDS


class StepView(BaseModel):
    """One decision about a pair."""

    state: PairState
    ground: Ground
    by: UUID
    agency: str
    at: datetime


class PairView(BaseModel):
    """Two persons that may be one; which fields agree and differ as codes, never their values. `first` is the one they go by when merged."""

    candidate_id: UUID
    first: UUID
    first_case: UUID
    second: UUID
    second_case: UUID
    probability: float
    agree: list[str]
    differ: list[str]
    state: PairState
    steps: list[StepView]
    found_at: datetime


class BesideView(PairView):
    """A pair with what is known of both, side by side."""

    persons: list[PersonView]


class OneView(BaseModel):
    """Everybody whom merges make one with a person, and the id that they go by."""

    person_id: UUID
    same_as: UUID
    persons: list[UUID]


router = APIRouter(tags=["persons"])


@router.get("/persons/{person_id}/candidates")
@reads(*policy.SEE_PAIRS)
async def candidates(person_id: UUID, vault: Safe, tx: Transaction) -> list[PairView]:
    """Who may be the same as a person, the likeliest first; only of cases that you may see both of."""
    await _seen_person(tx, person_id)
    rows = await _not_erased(vault, await tx.rows(pairs.OF_PERSON, _asker(tx) | {"person_id": person_id}))
    tx.audit("candidates_read", person_id, sorted({name for row in rows for name in (*row.agree, *row.differ)}))
    return [_view(row) for row in rows]


@router.get("/persons/{person_id}/same")
@reads(*policy.SEE_PAIRS)
async def same(person_id: UUID, tx: Transaction) -> OneView:
    """The id that a person goes by, after merges; and whom of them you may see."""
    await _seen_person(tx, person_id)
    members = await pairs.one(tx, [person_id])
    seen = [other for other in members if await tx.row(pairs.MEMBER, _asker(tx) | {"person_id": other})]
    return OneView(person_id=person_id, same_as=min(seen), persons=sorted(seen))


@router.get("/candidates")
@reads(*policy.SEE_PAIRS)
async def queue(vault: Safe, tx: Transaction, state: PairState = PairState.OPEN, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[PairView]:
    """The pairs that wait for somebody to decide, the likeliest first; only those that you may see both cases of."""
    rows = await _not_erased(vault, await tx.rows(pairs.OF_STATE, _asker(tx) | {"state": state, "most": limit}))
    for row in rows:
        tx.audit("candidate_read", row.candidate_id, [*row.agree, *row.differ])
    return [_view(row) for row in rows]


@router.get("/candidates/{candidate_id}")
@reads(*policy.SEE_PAIRS)
async def beside(candidate_id: UUID, vault: Safe, tx: Transaction) -> BesideView:
    """Both persons of a pair side by side, with their names and numbers; this look is on record for both."""
    row = await _pair(tx, vault, candidate_id)
    known = {person.person_id: person for person in await pairs.members(tx, [row.first_case, row.second_case])}
    keys = await vault.of([row.first, row.second])
    kept = await hidden(tx, [row.first, row.second])
    persons = [
        cases.person_view(known[person_id], None if person_id in kept else keys) for person_id in (row.first, row.second) if person_id in known
    ]
    for person in persons:
        tx.audit("candidate_compared", person.person_id, () if person.person_id in kept else PERSONAL)
    return BesideView(**_view(row).model_dump(), persons=persons)


@router.post("/candidates/{candidate_id}/link")
@writes(*policy.JUDGE_PAIRS)
async def link(candidate_id: UUID, body: GroundBody, vault: Safe, tx: Transaction) -> PairView:
    """They are probably one: the two are shown beside each other from now on, and a supervisor may merge them."""
    return await _decide(tx, vault, candidate_id, LINKED, ground=body.ground)


@router.post("/candidates/{candidate_id}/not-same")
@writes(*policy.JUDGE_PAIRS)
async def not_same(candidate_id: UUID, body: GroundBody, vault: Safe, tx: Transaction) -> PairView:
    """They are two. They are not suggested again, unless later data make it over a hundred times likelier than it looked now."""
    return await _decide(tx, vault, candidate_id, NOT_SAME, ground=body.ground)


@router.post("/candidates/{candidate_id}/merge")
@writes(*policy.MERGE)
async def merge(candidate_id: UUID, body: GroundBody, vault: Safe, tx: Transaction) -> PairView:
    """They are one, and go by the older id. Refused when that would make one of two whom people said are not the same."""
    seen = await _pair(tx, vault, candidate_id)
    members = await pairs.one(tx, [seen.first, seen.second])
    apart = await tx.row(pairs.APART, {"persons": sorted(members)})
    if apart is not None:
        raise conflict(CONTRADICTION, candidate_id=str(apart.candidate_id))
    view = await _decide(tx, vault, candidate_id, MERGED, ground=body.ground)
    await handing_over.stop_together(tx, members)
    await _say(tx, view, Merged)
    await finding.tell_if_both_housed(tx, [seen.first], tx.cause_of(seen.first))
    return view


@router.post("/candidates/{candidate_id}/unmerge")
@writes(*policy.MERGE)
async def unmerge(candidate_id: UUID, body: GroundBody, vault: Safe, tx: Transaction) -> PairView:
    """Undo a merge completely: each is who she was, and the pair is linked again."""
    view = await _decide(tx, vault, candidate_id, LINKED, ground=body.ground, undo=True)
    await _say(tx, view, Unmerged)
    return view


async def _say(tx: Transaction, pair: PairView, kind: type[Identity]) -> None:
    """Say of the newer person's case that she is, or is not any more, the older one; ids only."""
    fact = kind(person_id=pair.second, same_as=pair.first)
    await casebook.grow(tx, said=[Saying(pair.second_case, fact, tx.cause_of(pair.second_case))])


async def _decide(tx: Transaction, vault: Vault, candidate_id: UUID, state: str, *, ground: Ground, undo: bool = False) -> PairView:
    """Bring a pair into a state, as a step that stays on record. Raises 404 as `_pair`, 409 when it is in another state than this needs."""
    seen = await _pair(tx, vault, candidate_id)
    await tx.lock([seen.first, seen.second])
    row = await _pair(tx, vault, candidate_id)
    if row.state not in ({MERGED} if undo else STEPS[state]):
        raise conflict(OTHER_STATE, state=row.state)
    who = tx.principal
    step = StepView(state=PairState(state), ground=ground, by=who.subject, agency=who.agency, at=tx.now)
    await tx.execute(pairs.DECIDE, {"candidate_id": candidate_id, "state": state, "now": tx.now, "step": f"[{step.model_dump_json()}]"})
    for person_id in (row.first, row.second):
        tx.audit(f"candidate_{state}", person_id)
    return _view(row).model_copy(update={"state": PairState(state), "steps": [*_view(row).steps, step]})


def _asker(tx: Transaction) -> dict[str, Any]:
    """Whose pairs these may be: all, for supervisors of the desk agency; else those of cases that the asker's agency takes part in."""
    who = tx.principal
    return {"agency": who.agency, "everywhere": who.has(policy.SUPERVISOR) and who.agency == tx.settings.desk_agency}


async def _seen_person(tx: Transaction, person_id: UUID) -> None:
    if await tx.row(pairs.MEMBER, _asker(tx) | {"person_id": person_id}) is None:
        raise not_found("person")


async def _pair(tx: Transaction, vault: Vault, candidate_id: UUID) -> Any:
    """A pair that the asker may know of; to everybody else, and once either was erased, it does not exist. Raises 404."""
    rows = await _not_erased(vault, await tx.rows(pairs.ONE_OF_THEM, _asker(tx) | {"candidate_id": candidate_id}))
    if not rows:
        raise not_found("candidate")
    return rows[0]


async def _not_erased(vault: Vault, rows: Any) -> list[Any]:
    """Those pairs of which both persons still have a key."""
    known = await pairs.with_keys(vault, {person for row in rows for person in (row.first, row.second)})
    return [row for row in rows if row.first in known and row.second in known]


def _view(row: Any) -> PairView:
    return PairView.model_validate({**row._asdict(), "probability": round(probability(row.bits), 3)})
