"""What was done before police, courts and LPSK, which deadlines of the law follow, and when what protects a victim ends.

The steps are facts, so there is no table: their clocks can be set again from what was said.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis import Due, Received, Transaction
from contracts.incidents import LegalStep
from contracts.intake import ClockMissed, IncidentRecorded, LegalStepExpiring, LegalStepRecorded, Reopened

from intake import casebook, store
from intake.casebook import Saying
from intake.domain import legal
from intake.domain.duties import EXPIRY, SETTLED_BY, steps_taken
from intake.domain.legal import Limits, Step
from intake.domain.standing import Fact, Standing, in_order
from intake.domain.workdays import JAKARTA
from intake.store import Book
from intake.violence import incidents


def steps(facts: Iterable[Fact]) -> list[tuple[Step, datetime]]:
    """The steps that were taken, in the order in which they were recorded, and when."""
    return [(_step(fact), fact.at) for fact in in_order(facts) if fact.type == LegalStepRecorded.type]


def settled(facts: Iterable[Fact]) -> set[str]:
    """The deadlines of the law that the steps taken so far settle."""
    taken = steps_taken(facts)
    return {clock for clock, by in SETTLED_BY.items() if by & taken}


async def record(tx: Transaction, book: Book, step: Step) -> Standing:
    """Say that a step was taken, and let what follows from it be due; where the case stands then."""
    case_id = book.case.case_id
    ends = legal.ends_on(step, book.case.violence_types)
    said = LegalStepRecorded(code=LegalStep(step.code), on=step.on, expires_on=ends)
    if step.code == LegalStep.POLICE_REPORT:
        reported_at = datetime.combine(step.on, datetime.min.time(), JAKARTA)
        await tx.execute(store.POLICE_REPORT, {"case_id": case_id, "moment": book.case.police_report_at or reported_at})
        await tx.execute(store.SETTLE, {"case_id": case_id, "matter": "police_report"})
    set_clocks(tx, case_id, book.facts, [(Step(step.code, step.on, ends), tx.now)])
    tx.audit("legal_step", case_id, ["code", "on", "expires_on"])
    key = f"{step.code}:{step.on}"
    return (await casebook.grow(tx, said=[Saying(case_id, said, tx.cause_of(case_id), key)]))[case_id]


def set_clocks(tx: Transaction, case_id: UUID, facts: Sequence[Fact], taken: Iterable[tuple[Step, datetime]]) -> None:
    """Set the clocks that begin with these steps, in their order, and take back those that they settle."""
    limits = limits_of(tx)
    violence = incidents.violence_of(case_id, facts)
    by_law = legal.protected_by_law(violence, incidents.relations_of(case_id, facts))
    done = settled(facts)
    for step, at in taken:
        for clock, by in SETTLED_BY.items():
            if step.code in by:
                tx.cancel_clock(clock, case_id)
        for clock, due in legal.deadlines(step, at, limits, by_law=by_law, trafficked=legal.TRAFFICKING in violence).items():
            if clock not in done:
                tx.set_clock(clock, case_id, max(due, tx.now))
        if step.code == legal.NOT_WANTED:
            _forget_ends(tx, case_id, limits)
        elif step.expires_on:
            _forget_ends(tx, case_id, limits)
            for left, day in legal.reminders(step.expires_on, tx.now.astimezone(JAKARTA).date(), limits):
                tx.set_clock(EXPIRY, case_id, max(legal.morning(day), tx.now), str(left))


def resume(tx: Transaction, case: Any, facts: Sequence[Fact]) -> None:
    """Let the law's clocks run for a case that goes on: what was not done before it ended is due, at once where its time has passed."""
    set_clocks(tx, case.case_id, facts, steps(facts))
    if legal.sexual(incidents.violence_of(case.case_id, facts)) and "police_report" not in {*settled(facts), *case.settled}:
        due = case.opened_at + tx.settings.span(hours=tx.settings.police_report_hours)
        tx.set_clock("police_report", case.case_id, max(due, tx.now))


async def take_again(tx: Transaction, case_id: UUID, facts: Sequence[Fact], lost: Sequence[Received[Any]]) -> None:
    """Let the steps that only their facts tell of hold again: the clocks of the law, and the day of the report to the police."""
    for event in (event for event in lost if isinstance(event.data, LegalStepRecorded)):
        if event.data.code == LegalStep.POLICE_REPORT:
            await tx.execute(store.POLICE_REPORT, {"case_id": case_id, "moment": datetime.combine(event.data.on, datetime.min.time(), JAKARTA)})
            await tx.execute(store.SETTLE, {"case_id": case_id, "matter": "police_report"})
    book = (await store.books(tx, [case_id]))[case_id]
    if not book.standing.ended and any(isinstance(event.data, (LegalStepRecorded, IncidentRecorded, Reopened)) for event in lost):
        resume(tx, book.case, facts)


def limits_of(tx: Transaction) -> Limits:
    """The limits that the operator set."""
    settings = tx.settings
    return Limits(
        protection=settings.span(hours=settings.protection_hours),
        request=settings.span(hours=settings.protection_request_hours),
        rehabilitation=settings.span(days=settings.rehabilitation_days),
        reminders=settings.expiry_reminder_days,
    )


def protection(facts: Iterable[Fact]) -> Step | None:
    """What protects the victim by law now, the newest word on it; None when nothing does, or she does not want it."""
    newest = next((step for step, _ in reversed(steps(facts)) if step.code in legal.PROTECTS or step.code == legal.NOT_WANTED), None)
    return newest if newest and newest.code in legal.PROTECTS else None


async def protection_ends(due: Sequence[Due], tx: Transaction) -> None:
    """What protects a victim ends in some days: people are told; when it has ended it is a missed clock, until somebody takes the next step."""
    known = await store.books(tx, [clock.subject for clock in due])
    said: list[Saying] = []
    for clock in due:
        book = known[clock.subject]
        now = protection(book.facts)
        if book.case is None or book.standing.ended or now is None or now.expires_on is None:
            continue
        if (left := int(clock.key)) > 0:
            fact = LegalStepExpiring(code=LegalStep(now.code), expires_on=now.expires_on, number=left)
            said.append(Saying(clock.subject, fact, clock.cause, clock.key))
            continue
        said.append(Saying(clock.subject, ClockMissed(clock=EXPIRY, due_at=clock.due), clock.cause))
        tx.set_clock(EXPIRY, clock.subject, tx.now + tx.settings.span(hours=tx.settings.again_hours), clock.key)
    await casebook.grow(tx, said=said)


def _forget_ends(tx: Transaction, case_id: UUID, limits: Limits) -> None:
    for left in (*limits.reminders, 0):
        tx.cancel_clock(EXPIRY, case_id, str(left))


def _step(fact: Fact) -> Step:
    ends = fact.codes.get("expires_on")
    return Step(str(fact.codes["code"]), date.fromisoformat(fact.codes["on"]), date.fromisoformat(ends) if ends else None)
