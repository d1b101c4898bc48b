"""The plan: proposed as agreed with each person, conferred on, approved or sent back by a supervisor, reviewed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from chassis import Transaction, conflict, reads, writes
from contracts import assessment as facts
from contracts.vocabulary import ConferenceDecision, Outcome, ReviewFinding
from fastapi import APIRouter, Header

from assessment import decisions, plans, policy, services
from assessment.api.answers import Safe
from assessment.api.bodies import (
    ApproveBody,
    CommentBody,
    CommentView,
    ConferenceBody,
    ConferenceView,
    OutcomeBody,
    PlanBody,
    PlanRecord,
    ProgressView,
    ReturnBody,
    ReviewBody,
    ReviewView,
)
from assessment.api.cases import changed, owned, refusing, seen
from assessment.domain import agreement, plan
from assessment.domain.agreement import PersonPlan
from assessment.domain.case import Case, FieldError
from assessment.domain.services import Wanted
from assessment.views import CaseView

router = APIRouter()
ASKEW = timedelta(minutes=5)
CHANGED = "another version of the plan was proposed meanwhile: look at it"
IfMatch = Annotated[str | None, Header(alias="If-Match", description="the version of the plan that was read; another one meanwhile is a 409")]


def _require_version(known: Case, if_match: str | None) -> None:
    """Refuse to decide on, or to write over, a version that nobody here has seen; which one there is now is said, and is there to be read."""
    if if_match is not None and if_match.strip('W/" ') != str(known.plan_version):
        raise conflict(CHANGED, version=known.plan_version, state=known.state)


@router.post("/cases/{case_id}/plan", status_code=201)
@writes(*policy.PROPOSE_PLAN)
async def propose(case_id: UUID, body: PlanBody, tx: Transaction, if_match: IfMatch = None) -> CaseView:
    """Propose a plan, or a revision of the approved one, which holds until this one is approved: for every person of the household an outcome,
    what she says to it, her goals, and the services she is to get.
    """
    before = await owned(case_id, tx)
    _require_version(before, if_match)
    outcomes = [(entry.person_id, entry.outcome.value) for entry in body.outcomes]
    with refusing():
        after, proposed = plan.propose(before, outcomes, tx.principal.subject, tx.now, decisions.limits(tx))
        wanted = {entry.person_id: _plan_of(entry, tx.principal.agency) for entry in body.outcomes}
        if problems := agreement.problems(before.members, wanted, tx.now.date()):
            raise FieldError(problems)
    persons = {entry.person_id: _kept(entry, tx.principal.agency) for entry in body.outcomes}
    await plans.propose(tx, case_id, proposed, [service.value for service in body.services], persons)
    for person in persons:
        tx.audit("write", person, ["agreement", "goals", "services"])
    return await changed(tx, before, after, "outcomes", "services")


def _plan_of(entry: OutcomeBody, own_agency: str) -> PersonPlan:
    return PersonPlan(
        entry.agreement.said() if entry.agreement else None,
        [(goal.code, goal.target) for goal in entry.goals],
        [(service.code, service.provider or own_agency) for service in entry.services],
    )


def _kept(entry: OutcomeBody, own_agency: str) -> dict[str, Any]:
    codes = entry.model_dump(mode="json", include={"agreement", "goals", "services"})
    return {**codes, "services": [{**service, "provider": service["provider"] or own_agency} for service in codes["services"]]}


@router.post("/cases/{case_id}/plan/approve")
@writes(*policy.DECIDE_PLAN)
async def approve(case_id: UUID, vault: Safe, tx: Transaction, body: ApproveBody | None = None, if_match: IfMatch = None) -> CaseView:
    """Approve the proposed plan: its services are asked of their providers, and what it does not name any more is asked of nobody."""
    await tx.lock([case_id])
    before = await seen(case_id, tx)
    _require_version(before, if_match)
    with refusing():
        proposed = await plans.latest_plan(tx, before)
        after = plan.approve(before, proposed, tx.principal.subject, tx.now, decisions.limits(tx))
    await _comment(tx, vault, before, body.comments if body else (), about="approved")
    await plans.decide(tx, case_id, proposed.version, "approved")
    outcomes = tuple(facts.PersonOutcome(person_id=person, outcome=Outcome(outcome)) for person, outcome in proposed.outcomes.items())
    tx.emit(facts.PlanApproved(version=proposed.version, outcomes=outcomes), case_id)
    row = (await plans.plans(tx, case_id))[-1]
    after = await services.plan_approved(tx, after, _wanted(row.persons or {}), row.agency)
    return await changed(tx, before, after, "outcomes")


def _wanted(persons: Mapping[str, Any]) -> list[Wanted]:
    return [Wanted(UUID(person), service["code"], service["provider"]) for person, entry in persons.items() for service in entry["services"]]


@router.post("/cases/{case_id}/plan/return")
@writes(*policy.DECIDE_PLAN)
async def send_back(case_id: UUID, body: ReturnBody, vault: Safe, tx: Transaction, if_match: IfMatch = None) -> CaseView:
    """Return the proposed plan to the worker with a reason, and in words what is to change."""
    await tx.lock([case_id])
    before = await seen(case_id, tx)
    _require_version(before, if_match)
    with refusing():
        proposed = await plans.latest_plan(tx, before)
        after = plan.send_back(before, proposed, tx.principal.subject, tx.now, decisions.limits(tx))
    await _comment(tx, vault, before, body.comments, about="returned")
    await plans.decide(tx, case_id, proposed.version, "returned", body.reason)
    tx.emit(facts.PlanReturned(version=proposed.version, reason=body.reason), case_id)
    return await changed(tx, before, after, "return_reason")


@router.post("/cases/{case_id}/conferences", status_code=201)
@writes(*policy.CONFER)
async def confer(case_id: UUID, body: ConferenceBody, vault: Safe, tx: Transaction) -> ConferenceView:
    """Record a case conference: who took part, by role and agency, and what it decided. It decides on no plan: a supervisor does."""
    await tx.lock([case_id])
    known = await seen(case_id, tx)
    with refusing():
        plan.require_open(known)
        if body.held_at > tx.now + ASKEW:
            raise FieldError([("held_at", "in_the_future")])
    present = [entry.model_dump(mode="json") for entry in body.present]
    conference_id = await plans.confer(tx, known, body.held_at, body.decision, present)
    await _comment(tx, vault, known, body.comments, about="conference", about_id=conference_id)
    tx.emit(facts.ConferenceHeld(decision=ConferenceDecision(body.decision), held_at=body.held_at), case_id)
    tx.audit("write", case_id, ["conference"])
    recorded = {"recorded_by": tx.principal.subject, "recorded_at": tx.now, "version": known.plan_version}
    return ConferenceView(conference_id=conference_id, held_at=body.held_at, decision=body.decision, present=list(body.present), **recorded)


@router.post("/cases/{case_id}/plan/review")
@writes(*policy.REVIEW_PLAN)
async def review(case_id: UUID, body: ReviewBody, tx: Transaction, if_match: IfMatch = None) -> CaseView:
    """Record a review of the approved plan and how far its goals are; the next one is due after the operator's span."""
    before = await owned(case_id, tx)
    _require_version(before, if_match)
    said = {(entry.person_id, entry.goal.value): entry.progress.value for entry in body.progress}
    with refusing():
        after = plan.reviewed(before, tx.now, decisions.limits(tx))
        approved = next((row for row in reversed(await plans.plans(tx, case_id)) if row.state == "approved"), None)
        _require_goals(said, (approved.persons or {}) if approved else {})
    # While a revision is proposed the newest version is not the one that holds.
    version = approved.version if approved else before.plan_version
    await plans.keep_review(tx, before, version, body.finding)
    await plans.keep_progress(tx, before, version, said)
    tx.emit(facts.PlanReviewed(version=version, finding=ReviewFinding(body.finding)), case_id)
    for person in {person for person, _ in said}:
        tx.audit("write", person, ["goal_progress"])
    return await changed(tx, before, after, "review")


def _require_goals(said: Mapping[tuple[UUID, str], str], persons: Mapping[str, Any]) -> None:
    goals = {(UUID(person), goal["code"]) for person, entry in persons.items() for goal in entry["goals"]}
    if problems := [(f"progress.{person}.{goal}", "not_in_plan") for person, goal in said if (person, goal) not in goals]:
        raise FieldError(problems)


@router.get("/cases/{case_id}/plan/record")
@reads(*policy.SEE_CASES)
async def see_record(case_id: UUID, vault: Safe, tx: Transaction) -> PlanRecord:
    """What belongs to the plans of a case, comments in clear, for the worker who has it and for supervisors."""
    await seen(case_id, tx)
    tx.audit("read", case_id, ["conferences", "reviews", "goal_progress"])
    comments = await plans.comments(tx, vault, case_id)
    for person in {row.person_id for row, _ in comments}:
        tx.audit("read", person, ["comments"])
    return PlanRecord(
        conferences=[ConferenceView.model_validate(row, from_attributes=True) for row in await plans.conferences(tx, case_id)],
        reviews=[ReviewView.model_validate(row, from_attributes=True) for row in await plans.reviews(tx, case_id)],
        progress=[ProgressView.model_validate(row, from_attributes=True) for row in await plans.progress(tx, case_id)],
        comments=[CommentView.model_validate({**row._asdict(), "text": text}) for row, text in comments],
    )


async def _comment(tx: Transaction, vault: Safe, known: Case, comments: Sequence[CommentBody], *, about: str, about_id: UUID | None = None) -> None:
    members = {member.person_id for member in known.members}
    named = [entry.person_id for entry in comments]
    problems = [(f"comments.{n}.person_id", "not_in_household") for n, person in enumerate(named) if person not in members]
    problems += [(f"comments.{n}.person_id", "duplicate") for n, person in enumerate(named) if person in named[:n]]
    with refusing():
        if problems:
            raise FieldError(problems)
    await plans.comment(tx, vault, known, {entry.person_id: entry.text for entry in comments}, about=about, about_id=about_id)
