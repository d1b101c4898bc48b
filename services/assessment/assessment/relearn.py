"""Makes assessment's state again of what it said and its store lost: worker, stage, plan and follow-ups; never answers, which no fact has."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis import Received, Transaction
from chassis.bus.recovery import Lost, Unlearnt
from contracts import assessment as facts
from contracts import outcomes

from assessment import assessed, decisions, handlers, plans, relearnt, roster, services, store
from assessment.domain import case
from assessment.domain.case import Case, Progress
from assessment.domain.reassessment import Kind
from assessment.domain.relearn import (
    SOMEBODY,
    Approved,
    Concluded,
    Due,
    Followed,
    Gave,
    GaveUp,
    Overran,
    Resumed,
    Returned,
    Reviewed,
    Tried,
    Went,
    Word,
    retell,
)

ANSWERS, SERVICES, WORKER_UNKNOWN = "answers", "services_of_the_plan", "worker_unknown"


async def relearn(lost: Lost, tx: Transaction) -> list[Unlearnt]:
    """Learn the cases again; what others said until then is heard first, so that nothing is begun twice."""
    cases = sorted({event.subject for event in lost.own})
    if not cases:
        return []
    await tx.lock(cases)
    before = await store.cases(tx, cases)
    after, unlearnt = _told(tx, before, lost)
    await decisions.record(tx, before, after)
    workers = {row.worker_id for row in await roster.workers(tx)}
    for event in lost.own:
        await _keep(tx, event, after[event.subject].round)
        missing_rows = await relearnt.keep(tx, event)
        unlearnt += [Unlearnt(event, missing) for missing in (*_missing(event, workers), *missing_rows)]
    await services.time_again(tx, cases)
    return unlearnt


def _told(tx: Transaction, before: Mapping[UUID, Case], lost: Lost) -> tuple[dict[UUID, Case], list[Unlearnt]]:
    """The cases after all that was lost, in the order in which it happened; of the others' only what came before an own fact."""
    limits, after, unlearnt = decisions.limits(tx), dict(before), list[Unlearnt]()
    last = {event.subject: event.time for event in lost.own}
    heard = [event for event in lost.others if event.subject in last and event.time <= last[event.subject]]
    mine = {event.id for event in lost.own}
    for event in sorted([*lost.own, *heard], key=lambda event: (event.time, event.id in mine, event.factversion)):
        known = after[event.subject]
        if event.id not in mine:
            after[event.subject] = case.advance(case.learn(known, handlers.told_by(event)), event.time, limits)
        elif (word := _word(event)) is not None:
            after[event.subject], missing = retell(known, word, event.time, limits)
            unlearnt += [Unlearnt(event, missing)] if missing else []
    return after, unlearnt


def _word(event: Received[Any]) -> Word | None:
    """What a fact of assessment says, in the domain's words; None when it says nothing of where the case stands."""
    data = event.data
    match data:
        case facts.Assigned() | facts.Reassigned():
            return Gave(data.worker_id)
        case facts.Completed():
            return Concluded(Kind(data.kind or Kind.COMPREHENSIVE), data.risk.value if data.risk else None)
        case facts.PlanApproved():
            return Approved(data.version, {entry.person_id: entry.outcome.value for entry in data.outcomes})
        case facts.PlanReturned():
            return Returned(data.version)
        case _:
            return _later_word(data)


def _later_word(data: Any) -> Word | None:
    match data:
        case facts.RehabilitationStarted():
            return Went(data.person_id, Progress.REHABILITATING)
        case facts.Reunified() | facts.RehabilitationCompleted() | facts.OutcomeReached():
            outcome = data.outcome.value if isinstance(data, facts.OutcomeReached) else None
            return Went(data.person_id, Progress.REACHED, outcome, getattr(data, "review_days", None))
        case outcomes.OutcomeAbandoned():
            return GaveUp(data.person_id, data.reason.value)
        case outcomes.OutcomePrepared() if data.step is outcomes.Preparation.REVIEW:
            return Reviewed(data.person_id)
        case facts.ClockMissed():
            return Overran(data.clock, data.due_at)
        case _:
            return _followup_word(data)


def _followup_word(data: Any) -> Word | None:
    match data:
        case facts.FollowupDue():
            return Due(data.number)
        case facts.FollowupDone() | facts.FollowupMissed():
            return Followed(data.number, data.result.value if isinstance(data, facts.FollowupDone) else None)
        case facts.ClockMissed():
            return Overran(data.clock, data.due_at, data.service_id)
        case outcomes.FollowupTried() | outcomes.FollowupLost():
            return Tried(data.number)
        case outcomes.FollowupResumed():
            return Resumed()
    return None


async def _keep(tx: Transaction, event: Received[Any], round_version: int) -> None:
    """Write the rows beside the case that a fact tells of; who decided is in no fact."""
    data, case_id = event.data, event.subject
    match data:
        case facts.Assigned() | facts.Reassigned():
            told = ((getattr(data, "reentry", None) or 0) << 40) + (getattr(data, "reopened_version", None) or 0)
            await roster.assigned(tx, {case_id: data.worker_id}, {case_id: told})
        case facts.Completed():
            await store.complete_again(tx, case_id, data.band.value, [flag.value for flag in data.flags], by=SOMEBODY, at=event.time)
            await assessed.keep_again(tx, case_id, data, round_version, by=SOMEBODY, at=event.time)
        case facts.ServiceEvent():
            await services.learn_again(tx, event, round_version)
        case facts.AlertRaised():
            await store.raise_alerts(tx, case_id, data.person_id, [data.flag.value])
        case facts.PlanApproved():
            outcomes = {str(entry.person_id): entry.outcome.value for entry in data.outcomes}
            await plans.plan_again(tx, case_id, data.version, outcomes, ("approved", None), by=SOMEBODY, at=event.time)
        case facts.PlanReturned():
            await plans.plan_again(tx, case_id, data.version, {}, ("returned", data.reason.value), by=SOMEBODY, at=event.time)


def _missing(event: Received[Any], workers: Iterable[UUID]) -> Sequence[str]:
    """What a fact does not say, though it was known."""
    match event.data:
        case facts.Completed():
            return (ANSWERS,)
        case facts.PlanApproved() | facts.PlanReturned():
            return (SERVICES,)
        case facts.Assigned() | facts.Reassigned() as data if data.worker_id not in set(workers):
            return (WORKER_UNKNOWN,)
    return ()
