"""What people do with cases: the case list, the plan, its outcomes and the follow-ups."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from contracts import assessment as facts
from contracts.vocabulary import Outcome
from fastapi import APIRouter, Query

from assessment import decisions, plans, policy, roster, store
from assessment.domain import case, followups, plan
from assessment.domain.case import Case, State
from assessment.views import (
    CaseDetail,
    CaseView,
    FollowupBody,
    FollowupView,
    PersonBody,
    PlanView,
    ReunifyBody,
)

router = APIRouter()

WRONG_STATE = "the state does not allow this"
WRONG_FIELDS = "some fields are missing or wrong: correct them and send again"
OWN_PLAN = "who proposed a plan, or works on the case, does not decide on it"


@contextmanager
def refusing() -> Iterator[None]:
    """Answer what the domain refuses: 409 with the state, 422 with the fields, 403, or 404."""
    try:
        yield
    except case.StateError as error:
        raise conflict(WRONG_STATE, state=error.state) from None
    except case.FieldError as error:
        problems = [FieldProblem(name, code) for name, code in error.problems]
        raise RefusedError(422, WRONG_FIELDS, problems) from None
    except case.OwnPlanError:
        raise RefusedError(403, OWN_PLAN) from None
    except case.UnknownError:
        raise not_found("follow-up") from None


async def seen(case_id: UUID, tx: Transaction) -> Case:
    """A case for those who may see it: a supervisor any, a worker her own. Raises 404 otherwise."""
    known = (await store.cases(tx, [case_id]))[case_id]
    if known == Case(case_id):
        raise not_found("case")
    if not tx.principal.has(policy.SUPERVISOR):
        await _require_own(known, tx)
    return known


async def owned(case_id: UUID, tx: Transaction) -> Case:
    """The worker's own case, locked. Raises 404 for one that is not hers."""
    await tx.lock([case_id])
    known = (await store.cases(tx, [case_id]))[case_id]
    await _require_own(known, tx)
    return known


async def _require_own(known: Case, tx: Transaction) -> None:
    worker = known.worker or await roster.last_worker(tx, known.case_id)
    if worker != tx.principal.subject:
        raise not_found("case")


async def changed(tx: Transaction, before: Case, after: Case, *fields: str) -> CaseView:
    """Write what was decided on one case, audit which fields the principal wrote, and show the case."""
    await decisions.record(tx, {before.case_id: before}, {after.case_id: after})
    tx.audit("write", before.case_id, fields)
    return CaseView.now(after)


# -- cases ------------------------------------------------------------------------------------------------------------------------


@router.get("/cases")
@reads(*policy.SEE_CASES)
async def list_cases(
    tx: Transaction, state: State | None = None, most: Annotated[int, Query(ge=1, le=1000)] = 200, *, mine: bool = False
) -> list[CaseView]:
    """The work list, the next due first: a worker's own cases; for a supervisor all, or with `mine` her own."""
    all_cases = tx.principal.has(policy.SUPERVISOR) and not mine
    return [CaseView.of(row) for row in await store.listed(tx, None if all_cases else tx.principal.subject, state, most)]


@router.get("/cases/{case_id}")
@reads(*policy.SEE_CASES)
async def see_case(case_id: UUID, tx: Transaction) -> CaseDetail:
    """All of a case but the answers."""
    known = await seen(case_id, tx)
    tx.audit("read", case_id, ["members", "band", "flags", "plans", "followups"])
    versions = tuple(PlanView.model_validate(row, from_attributes=True) for row in await plans.plans(tx, case_id))
    return CaseDetail.all_of(known, await store.completion(tx, case_id), versions)


# -- outcomes ---------------------------------------------------------------------------------------------------------------------


@router.post("/cases/{case_id}/reunify")
@writes(*policy.RECORD_OUTCOME)
async def reunify(case_id: UUID, body: ReunifyBody, tx: Transaction) -> CaseView:
    """A person went home, to kin or to another region, as planned and after both checks."""
    before = await owned(case_id, tx)
    checks: Mapping[str, bool] = {"home_visit_done": body.home_visit_done, "risk_rechecked": body.risk_rechecked}
    with refusing():
        after = plan.reunify(before, body.person_id, **checks, now=tx.now, limits=decisions.limits(tx))
    fact = facts.Reunified(person_id=body.person_id, receiver=body.receiver, receiving_area=body.receiving_area)
    tx.emit(fact, case_id)
    return await changed(tx, before, after, "receiver", "receiving_area")


@router.post("/cases/{case_id}/rehabilitation/start")
@writes(*policy.RECORD_OUTCOME)
async def start_rehabilitation(case_id: UUID, body: PersonBody, tx: Transaction) -> CaseView:
    """A person began the planned social rehabilitation, which ends her stay in the shelter."""
    before = await owned(case_id, tx)
    with refusing():
        after = plan.start_rehabilitation(before, body.person_id, tx.now, decisions.limits(tx))
    tx.emit(facts.RehabilitationStarted(person_id=body.person_id), case_id)
    return await changed(tx, before, after, "rehabilitation")


@router.post("/cases/{case_id}/rehabilitation/complete")
@writes(*policy.RECORD_OUTCOME)
async def complete_rehabilitation(case_id: UUID, body: PersonBody, tx: Transaction) -> CaseView:
    """A person completed social rehabilitation."""
    before = await owned(case_id, tx)
    with refusing():
        after = plan.complete_rehabilitation(before, body.person_id, tx.now, decisions.limits(tx))
    tx.emit(facts.RehabilitationCompleted(person_id=body.person_id), case_id)
    return await changed(tx, before, after, "rehabilitation")


@router.post("/cases/{case_id}/outcome")
@writes(*policy.RECORD_OUTCOME)
async def reach(case_id: UUID, body: PersonBody, tx: Transaction) -> CaseView:
    """A person's planned outcome came true, other than going home or rehabilitation."""
    before = await owned(case_id, tx)
    with refusing():
        after, outcome = plan.reach(before, body.person_id, tx.now, decisions.limits(tx))
    tx.emit(facts.OutcomeReached(person_id=body.person_id, outcome=Outcome(outcome)), case_id)
    return await changed(tx, before, after, "outcome")


# -- follow-ups -------------------------------------------------------------------------------------------------------------------


@router.get("/cases/{case_id}/followups")
@reads(*policy.SEE_CASES)
async def list_followups(case_id: UUID, tx: Transaction) -> list[FollowupView]:
    """The follow-ups of a case."""
    known = await seen(case_id, tx)
    tx.audit("read", case_id, ["followups"])
    return [FollowupView.of(followup) for followup in known.followups]


@router.post("/cases/{case_id}/followups/{number}/done")
@writes(*policy.FOLLOW_UP)
async def followup_done(case_id: UUID, number: int, body: FollowupBody, tx: Transaction) -> CaseView:
    """Record a follow-up, on its day or before; after an unsafe one another comes soon."""
    before = await owned(case_id, tx)
    with refusing():
        after, said = followups.done(before, number, body.result.value, tx.now, decisions.limits(tx))
    decisions.say(tx, case_id, said)
    return await changed(tx, before, after, "followups")
