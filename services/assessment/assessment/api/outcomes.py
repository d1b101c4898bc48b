"""How each person's planned outcome comes true: the steps before it, a supervisor's approval, the outcome itself, or that it is given up."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, reads, writes
from contracts import assessment as facts
from contracts.outcomes import AbandonReason, OutcomeAbandoned, OutcomePrepared, Preparation
from contracts.vocabulary import Outcome, Relation
from fastapi import APIRouter

from assessment import decisions, policy, programmes, steps
from assessment.api.cases import WRONG_FIELDS, changed, owned, refusing, seen
from assessment.api.outcome_views import (
    AbandonBody,
    ApprovalBody,
    CompleteRehabilitationBody,
    PersonBody,
    PreparationBody,
    ReviewBody,
    WayView,
)
from assessment.domain import outcomes, preparation, rehabilitation
from assessment.domain.assignment import WIB
from assessment.domain.case import Case, FieldError
from assessment.domain.preparation import Step
from assessment.views import CaseView

router = APIRouter()


@router.get("/cases/{case_id}/outcomes")
@reads(*policy.SEE_CASES)
async def ways(case_id: UUID, tx: Transaction) -> list[WayView]:
    """How far each person is on the way to her outcome, and what stands in the way."""
    known = await seen(case_id, tx)
    tx.audit("read", case_id, ["outcomes"])
    taken = await steps.of_case(tx, case_id)
    return [WayView.of(known, person, taken.get(person, [])) for person in sorted(known.goals)]


@router.post("/cases/{case_id}/preparations", status_code=201)
@writes(*policy.RECORD_OUTCOME)
async def prepare(case_id: UUID, body: PreparationBody, tx: Transaction) -> list[WayView]:
    """Record a step on the way to an outcome; the newest word on each step holds. Nobody is handed over to whom she must not meet."""
    known = await owned(case_id, tx)
    said = body.step.model_dump(mode="json", exclude_none=True, exclude={"kind", "reference"})
    if "on" in said and date.fromisoformat(said["on"]) > (tx.now + WIB).date():
        raise RefusedError(422, WRONG_FIELDS, [FieldProblem("step.on", "in_the_future")])
    with refusing():
        try:
            for person in body.persons:
                preparation.check(known, person, Step(body.step.kind), said)
        except FieldError as error:
            raise FieldError([(name if name == "person_id" else f"step.{name}", code) for name, code in error.problems]) from None
    await _take(tx, case_id, body.persons, Preparation(body.step.kind), said, reference=getattr(body.step, "reference", None))
    taken = await steps.of_case(tx, case_id)
    return [WayView.of(known, person, taken.get(person, [])) for person in body.persons]


@router.post("/cases/{case_id}/outcomes/approve")
@writes(*policy.DECIDE_PLAN)
async def approve(case_id: UUID, body: ApprovalBody, tx: Transaction) -> WayView:
    """A supervisor who does not work on the case approves an outcome where the risk, the area or the receiver asks for it; whatever is recorded later undoes it."""
    await tx.lock([case_id])
    known = await seen(case_id, tx)
    said = body.model_dump(mode="json", exclude_none=True, exclude={"person_id"})
    taken = (await steps.of_case(tx, case_id)).get(body.person_id, [])
    with refusing():
        preparation.approve(known, body.person_id, taken, said, tx.principal.subject)
    await _take(tx, case_id, [body.person_id], Preparation.APPROVAL, said)
    return WayView.of(known, body.person_id, (await steps.of_case(tx, case_id))[body.person_id])


@router.post("/cases/{case_id}/reunify")
@writes(*policy.RECORD_OUTCOME)
async def reunify(case_id: UUID, body: PersonBody, tx: Transaction) -> CaseView:
    """A person was handed over: home, to kin or a foster family, or to another region. 422 names all that stands in the way."""
    before = await owned(case_id, tx)
    taken = (await steps.of_case(tx, case_id)).get(body.person_id, [])
    with refusing():
        after = outcomes.hand_over(before, body.person_id, taken, tx.now, decisions.limits(tx))
    found = preparation.newest(taken)
    receiver, check = found[Step.RECEIVER].codes, found.get(Step.CARER_CHECK)
    planned = Outcome(before.goals[body.person_id].outcome)
    fact = facts.Reunified(
        person_id=body.person_id,
        receiver=Relation(receiver["receiver"]),
        receiving_area=receiver["receiving_area"],
        outcome=planned,
        review_days=check.codes["review_days"] if check and planned is Outcome.KIN_OR_FOSTER_CARE else None,
    )
    tx.emit(fact, case_id)
    return await changed(tx, before, after, "receiver", "receiving_area")


@router.post("/cases/{case_id}/rehabilitation/start")
@writes(*policy.RECORD_OUTCOME)
async def start_rehabilitation(case_id: UUID, body: PersonBody, tx: Transaction) -> CaseView:
    """A person who agreed to it began the planned social rehabilitation, which ends her stay in the shelter."""
    before = await owned(case_id, tx)
    taken = (await steps.of_case(tx, case_id)).get(body.person_id, [])
    with refusing():
        after = rehabilitation.start(before, body.person_id, taken, tx.now, decisions.limits(tx))
    tx.emit(facts.RehabilitationStarted(person_id=body.person_id), case_id)
    return await changed(tx, before, after, "rehabilitation")


@router.post("/cases/{case_id}/rehabilitation/complete")
@writes(*policy.COMPLETE_REHABILITATION)
async def complete_rehabilitation(case_id: UUID, body: CompleteRehabilitationBody, tx: Transaction) -> CaseView:
    """A person completed social rehabilitation, by rule; or a supervisor says why it is complete without that."""
    before = await _concerned(case_id, tx)
    if body.because is not None and not tx.principal.has(policy.SUPERVISOR):
        raise RefusedError(403, "only a supervisor completes a rehabilitation that is not complete by rule", [FieldProblem("because", "not_yours")])
    known = [programmes.enrolment(row) for row in await programmes.of_case(tx, case_id) if row.person_id == body.person_id]
    with refusing():
        after = rehabilitation.complete(before, body.person_id, known, tx.now, decisions.limits(tx), because=body.because, by=tx.principal.subject)
    tx.emit(facts.RehabilitationCompleted(person_id=body.person_id), case_id)
    return await changed(tx, before, after, "rehabilitation")


@router.post("/cases/{case_id}/outcome")
@writes(*policy.RECORD_OUTCOME)
async def reach(case_id: UUID, body: PersonBody, tx: Transaction) -> CaseView:
    """A person's planned outcome came true, other than going home or rehabilitation. 422 names all that stands in the way."""
    before = await owned(case_id, tx)
    taken = (await steps.of_case(tx, case_id)).get(body.person_id, [])
    with refusing():
        after, outcome = outcomes.reach(before, body.person_id, taken, tx.now, decisions.limits(tx))
    tx.emit(facts.OutcomeReached(person_id=body.person_id, outcome=Outcome(outcome)), case_id)
    return await changed(tx, before, after, "outcome")


@router.post("/cases/{case_id}/outcomes/abandon")
@writes(*policy.GIVE_UP_OUTCOME)
async def abandon(case_id: UUID, body: AbandonBody, tx: Transaction) -> CaseView:
    """What was planned for a person, or came true and did not last, is given up: a new plan for her is due. Her programmes end with it."""
    before = await _concerned(case_id, tx)
    with refusing():
        after, gone = outcomes.abandon(before, body.person_id, body.reason.value, tx.now, decisions.limits(tx))
    await programmes.leave_all(tx, [case_id], body.person_id)
    planned = Outcome(gone.outcome) if gone.outcome else None
    tx.emit(OutcomeAbandoned(person_id=body.person_id, reason=AbandonReason(body.reason), outcome=planned, due_at=gone.due), case_id)
    return await changed(tx, before, after, "outcome", "reason")


@router.post("/cases/{case_id}/reviews", status_code=201)
@writes(*policy.RECORD_OUTCOME)
async def review(case_id: UUID, body: ReviewBody, tx: Transaction) -> CaseView:
    """People looked again at a child's residential care, and say why it is not with kin or a foster family; or at a carer."""
    before = await owned(case_id, tx)
    with refusing():
        after = outcomes.reviewed(before, body.person_id, tx.now, decisions.limits(tx))
    await _take(tx, case_id, [body.person_id], Preparation.REVIEW, {"why": body.why.value})
    return await changed(tx, before, after, "review")


async def _concerned(case_id: UUID, tx: Transaction) -> Case:
    """The case, locked, for its worker or a supervisor."""
    await tx.lock([case_id])
    return await seen(case_id, tx)


async def _take(
    tx: Transaction, case_id: UUID, persons: Iterable[UUID], step: Preparation, said: dict[str, Any], *, reference: str | None = None
) -> None:
    """Keep a step and say it; the reference number stays here."""
    by = tx.principal.subject
    await steps.take(tx, case_id, set(persons), step.value, said, reference=reference, by=by, at=tx.now)
    for person in sorted(set(persons)):
        fact = OutcomePrepared.model_validate({**said, "person_id": person, "step": step, "recorded_by": by})
        tx.emit(fact, case_id, key=f"{person}|{step.value}")
        tx.audit("write", person, [step.value])
