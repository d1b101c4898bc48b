"""Carries out what the domain decided - rows, clocks and facts - for handlers and routes alike."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from chassis import Cause, Transaction
from contracts import assessment as facts
from contracts.event import Event
from contracts.vocabulary import AssessmentFlag, FollowupResult

from assessment import store
from assessment.domain import assignment
from assessment.domain.case import Case, FollowupCame, FollowupEnded, Given, Limits, Missed, Said
from assessment.settings import AssessmentSettings


def limits(tx: Transaction) -> Limits:
    """The time limits that the operator set."""
    settings: AssessmentSettings = tx.settings
    return Limits(
        assignment=settings.span(minutes=settings.assignment_minutes),
        initial=settings.span(hours=settings.initial_hours),
        again=settings.span(hours=settings.again_hours),
        plan=settings.span(days=settings.plan_days),
        outcome=settings.span(days=settings.outcome_days),
        grace=settings.span(days=settings.grace_days),
        after_unsafe=settings.span(days=settings.after_unsafe_days),
        followups=tuple(settings.span(days=days) for days in settings.followup_days),
        followups_high_risk=tuple(settings.span(days=days) for days in settings.followup_days_high_risk),
    )


async def record(tx: Transaction, before: Mapping[UUID, Case], after: Mapping[UUID, Case]) -> None:
    """Write the cases that changed and let their clocks be what their deadlines say."""
    changed = [case for case_id, case in after.items() if case != before[case_id]]
    await store.save(tx, changed)
    for case in changed:
        earlier = before[case.case_id].deadlines
        for clock in earlier.keys() - case.deadlines.keys():
            tx.cancel_clock(*_clock(clock, case.case_id))
        for clock, due in case.deadlines.items():
            if earlier.get(clock) != due:
                kind, subject, key = _clock(clock, case.case_id)
                tx.set_clock(kind, subject, due, key)


async def find_workers(tx: Transaction, cases: Mapping[UUID, Case]) -> dict[UUID, Case]:
    """Give those of the cases that wait to workers, say so, and return all of them as they are then."""
    if not any(map(assignment.assignable, cases.values())):
        return dict(cases)
    given = assignment.share_out(cases.values(), await store.active_workers(tx))
    after, bounds = dict(cases), limits(tx)
    for case_id, worker in given.items():
        after[case_id], said = assignment.give(cases[case_id], worker, tx.now, bounds)
        say(tx, case_id, said)
    if given:
        await store.assigned(tx, given)
    return after


def say(tx: Transaction, case_id: UUID, said: Said | None, cause: Cause | None = None) -> None:
    """State what the domain said, if it said anything."""
    if said is not None:
        tx.emit(_fact(said), case_id, key=_key(said), cause=cause)


def alerts(tx: Transaction, case_id: UUID, person_id: UUID, flags: Iterable[str]) -> None:
    """State alerts of one person."""
    for flag in flags:
        tx.emit(facts.AlertRaised(flag=AssessmentFlag(flag), person_id=person_id), case_id, key=f"{person_id}|{flag}")


def _fact(said: Said) -> Event:
    match said:
        case Given():
            if said.anew:
                return facts.Reassigned(worker_id=said.worker, due_at=said.due)
            return facts.Assigned(worker_id=said.worker, due_at=said.due, reopened_version=said.round_version or None)
        case Missed():
            return facts.ClockMissed(clock=said.clock, due_at=said.due)
        case FollowupCame():
            return facts.FollowupDue(number=said.number, due_at=said.due)
        case FollowupEnded():
            if said.result is None:
                return facts.FollowupMissed(number=said.number, last=said.last)
            return facts.FollowupDone(number=said.number, result=FollowupResult(said.result), last=said.last)


def _key(said: Said) -> str:
    """Several of one type may follow from one cause, but not with the same key."""
    match said:
        case Missed():
            return said.clock
        case FollowupCame() | FollowupEnded():
            return str(said.number)
        case _:
            return ""


def _clock(name: str, case_id: UUID) -> tuple[str, UUID, str]:
    kind, _, key = name.partition(":")
    return kind, case_id, key
