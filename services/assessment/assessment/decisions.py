"""Carries out what the domain decided - rows, clocks and facts - for handlers and routes alike."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from uuid import UUID

from chassis import Cause, Transaction
from contracts import assessment as facts
from contracts import outcomes
from contracts.event import Event
from contracts.vocabulary import AssessmentFlag, FollowupResult

from assessment import roster, steps, store
from assessment.domain import assignment
from assessment.domain.case import Case, FollowupCame, FollowupEnded, FollowupTried, Given, Limits, Missed, Said, settled
from assessment.settings import AssessmentSettings


def limits(tx: Transaction) -> Limits:
    """The time limits that the operator set."""
    settings: AssessmentSettings = tx.settings
    return Limits(
        assignment=settings.span(minutes=settings.assignment_minutes),
        initial=settings.span(hours=settings.initial_hours),
        again=settings.span(hours=settings.again_hours),
        escalate=settings.span(hours=settings.escalate_hours),
        comprehensive=settings.span(days=settings.comprehensive_days),
        reassessment=settings.span(days=settings.reassessment_days),
        reassess_soon=settings.span(hours=settings.reassess_soon_hours),
        service_answer=settings.span(hours=settings.service_answer_hours),
        service_answer_high_risk=settings.span(hours=settings.service_answer_hours_high_risk),
        service_consent=settings.span(hours=settings.service_consent_hours),
        service_delivery=settings.span(days=settings.service_delivery_days),
        service_declined=settings.span(hours=settings.service_declined_hours),
        plan=settings.span(days=settings.plan_days),
        outcome=settings.span(days=settings.outcome_days),
        grace=settings.span(days=settings.grace_days),
        after_unsafe=settings.span(days=settings.after_unsafe_days),
        tries=settings.followup_tries,
        lost=settings.span(days=settings.lost_days),
        review=settings.span(days=settings.review_days),
        stay=settings.span(hours=settings.stay_hours),
        followups=tuple(settings.span(days=days) for days in settings.followup_days),
        followups_high_risk=tuple(settings.span(days=days) for days in settings.followup_days_high_risk),
    )


async def record(tx: Transaction, before: Mapping[UUID, Case], after: Mapping[UUID, Case]) -> None:
    """Write the cases that changed and let their clocks be what their deadlines say; one that is over has none."""
    now = {case_id: settled(case) for case_id, case in after.items()}
    changed = [case for case_id, case in now.items() if case != before[case_id]]
    await store.save(tx, changed)
    if over := {(case.case_id, person) for case in changed for person in _given_up(before[case.case_id], case)}:
        await steps.end(tx, over)
    for case in changed:
        earlier = before[case.case_id].deadlines
        for clock in earlier.keys() - case.deadlines.keys():
            tx.cancel_clock(*_clock(clock, case.case_id))
        for clock, due in case.deadlines.items():
            if earlier.get(clock) != due:
                kind, subject, key = _clock(clock, case.case_id)
                tx.set_clock(kind, subject, due, key)


def _given_up(before: Case, after: Case) -> set[UUID]:
    """Persons for whom something else is planned now, or nothing: what led to the old outcome leads to nothing any more."""
    goals = after.goals
    return {person for person, goal in before.goals.items() if person not in goals or goals[person].outcome != goal.outcome}


async def find_workers(tx: Transaction, cases: Mapping[UUID, Case], cause: Cause | None = None) -> dict[UUID, Case]:
    """Give those of the cases that wait to workers, say so, and return all of them as they are then."""
    if not any(map(assignment.assignable, cases.values())):
        return dict(cases)
    given = assignment.share_out(cases.values(), await roster.active_workers(tx, tx.settings.caseload), tx.now)
    if not given:
        return dict(cases)
    after, bounds = dict(cases), limits(tx)
    workers = {case_id: choice.worker for case_id, choice in given.items()}
    rounds = {case_id: cases[case_id].round for case_id in given}
    had = await roster.assigned(tx, workers, rounds, {case_id: asdict(choice) for case_id, choice in given.items()})
    for case_id, worker in workers.items():
        after[case_id], said = assignment.give(cases[case_id], worker, tx.now, bounds, anew=case_id in had)
        say(tx, case_id, said, cause)
    return after


async def give_to_others(tx: Transaction, worker_id: UUID, cause: Cause) -> None:
    """Let others have the cases of an absent worker with which she did not begin, where somebody may; who began keeps hers."""
    workers = {worker.worker_id: worker for worker in await roster.active_workers(tx)}
    if worker_id in workers and not workers[worker_id].away(tx.now):
        return  # her leave was taken back
    mine = await roster.had_by(tx, worker_id)
    await tx.lock(mine)
    known = await store.cases(tx, mine)
    free = {case.case_id: case for case in assignment.left_behind(known.values()) if case.worker == worker_id}
    waiting = {case_id: assignment.hand_back(case, tx.now, limits(tx)) for case_id, case in free.items()}
    after = await find_workers(tx, waiting, cause)
    # Where nobody else may have a case, it stays hers: better a late worker than none.
    await record(tx, free, {case_id: case for case_id, case in after.items() if case.worker is not None})


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
            rounds = {"reopened_version": said.round_version or None, "reentry": said.reentry or None}
            return facts.Assigned(worker_id=said.worker, due_at=said.due, **rounds)
        case Missed():
            return facts.ClockMissed(clock=said.clock, due_at=said.due, step=said.step, service_id=said.service)
        case _:
            return _followup_fact(said)


def _followup_fact(said: FollowupTried | FollowupCame | FollowupEnded) -> Event:
    match said:
        case FollowupTried():
            if said.decide_by is None:
                return outcomes.FollowupTried(number=said.number, tries=said.tries)
            return outcomes.FollowupLost(number=said.number, tries=said.tries, due_at=said.decide_by)
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
            return f"{said.clock}:{said.service}" if said.service else said.clock
        case FollowupCame() | FollowupEnded() | FollowupTried():
            return str(said.number)
        case _:
            return ""


def _clock(name: str, case_id: UUID) -> tuple[str, UUID, str]:
    kind, _, key = name.partition(":")
    return kind, case_id, key
