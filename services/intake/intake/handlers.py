"""What intake listens to: agencies' referrals, what the other services say of its cases, and its own clocks."""

import functools
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chassis import Due, Inputs, Received, Transaction, witness
from chassis.inputs import Beforehand, Handler
from contracts import assessment, notifications, outcomes, placement
from contracts.agencies import Problem, Receipt, ReceiptAccepted, ReceiptIncomplete, ReceiptRejected
from contracts.audit import NotificationsSealed
from contracts.intake import ClockMissed
from contracts.rights import EXPORTS_OPENED

from intake import answering, atthedoor, casebook, knocks, opening, store
from intake.casebook import Saying
from intake.consents import sharing
from intake.consents.holding import SHARING
from intake.domain import standing
from intake.domain.duties import EXPIRY
from intake.handing_over import sending
from intake.handing_over.sending import ClientOf, HandingOver
from intake.imports import work
from intake.later import taking as later
from intake.linkage import finding
from intake.opening import Answer, Submission, VaultOf
from intake.reading import Reading, read_submission
from intake.rights import clocks as rights_clocks
from intake.rights.retention import RETENTION, Retention
from intake.sealed import rows as held
from intake.sealed import taking
from intake.violence import legal, safety

inputs = Inputs()
inputs.consumes(NotificationsSealed)(witness)  # of whose audit log this store keeps the seals
inputs.clock(SHARING)(sharing.lapse)
inputs.facts += sending.inputs.facts


def inputs_with(vault: VaultOf, client: ClientOf) -> Inputs:
    """All inputs: those of this module; and agencies' referrals, files of reports, the finding of doubles and what is handed over, for which `vault`
    gives the vault once it runs, and `client` the connection to NATS as long as there is one.
    """
    take = functools.partial(take_from_agencies, vault=vault)
    raw: dict[str, Handler] = {"REFERRALS": take}
    doubles, importing, handing_over = finding.Doubles(vault), work.Importing(vault), HandingOver(vault, client)
    clocks: dict[str, Handler] = {
        finding.LIKENESS: doubles.keep_encodings,
        finding.DOUBLES: doubles.suggest,
        finding.FORGET: doubles.forget,
        knocks.FORGET: knocks.forget,
        work.IMPORT: importing.take,
        sending.HANDOVER: handing_over.sent,
        held.HELD: taking.Held(vault, take).try_again,
    }
    beforehand: dict[str, Beforehand] = {
        finding.LIKENESS: doubles.encodings,
        finding.DOUBLES: doubles.look,
        finding.FORGET: doubles.left_over,
        work.IMPORT: importing.look,
        sending.HANDOVER: handing_over.send,
    }
    clocks |= rights_clocks.inputs.clocks
    at_once = {finding.DOUBLES: finding.AT_ONCE, work.IMPORT: work.AT_ONCE}
    known = Inputs(inputs.facts, raw, {**inputs.clocks, **clocks}, beforehand, at_once)
    retention = Retention(vault)
    return known.with_clock(RETENTION, retention.purge, retention.look)


async def take_from_agencies(messages: Sequence[Received[bytes]], tx: Transaction, vault: VaultOf) -> None:
    """Take what agencies send, sealed or not: referrals first, then what they say of them later, and answers to requests for services."""
    messages = await taking.open_all(messages, tx, vault())
    answers = [message for message in messages if message.route.endswith(answering.SUFFIX)]
    said_later = [message for message in messages if later.kind_of(message.route)]
    if referrals := [message for message in messages if message not in answers and message not in said_later]:
        await take_referrals(referrals, tx, vault)
    if said_later:
        await later.take_later(said_later, tx, vault())
    if answers:
        await answering.take_answers(answers, tx, vault())


async def take_referrals(messages: Sequence[Received[bytes]], tx: Transaction, vault: VaultOf) -> None:
    """Open a case for each referral that can be read, once per agency and reference, and answer each with a receipt."""
    readings = [read_submission(message.body, tx.now) for message in messages]
    submissions = {
        message.id: Submission(agency_of(message.route), reading.referral, reading, message.cause, by_system=True)
        for message, reading in zip(messages, readings, strict=True)
        if reading.referral is not None
    }
    answers = dict(zip(submissions, await opening.open_cases(tx, vault(), list(submissions.values())), strict=True))
    final = [answers.get(m.id, Answer("rejected", r.problems)) for m, r in zip(messages, readings, strict=True)]
    refused = [
        (agency_of(message.route), reading.reference, answer.problems, message.body, message.cause)
        for message, reading, answer in zip(messages, readings, final, strict=True)
        if answer.receipt == "rejected"
    ]
    await opening.keep_for_the_desk(tx, vault(), refused)
    for message, reading, answer in zip(messages, readings, final, strict=True):
        subject = answer.follow_id or tx.new_id("receipt", cause=message.cause)
        tx.emit(receipt(agency_of(message.route), reading, answer), subject, cause=message.cause)


def agency_of(route: str) -> str:
    """The agency in a referral's subject, `referral.<agency>.submitted.v1`: NATS lets only that agency write there."""
    return route.split(".")[1]


def receipt(agency: str, reading: Reading, answer: Answer) -> Receipt:
    """An answer as the receipt that the agency reads."""
    problems = tuple(Problem(field=field, code=code) for field, code in answer.problems)
    if answer.follow_id is None:
        return ReceiptRejected(agency=agency, reference=reading.reference, problems=problems)
    if answer.receipt == "accepted":
        return ReceiptAccepted(agency=agency, reference=reading.reference, follow_id=answer.follow_id, warnings=problems)
    return ReceiptIncomplete(agency=agency, reference=reading.reference, follow_id=answer.follow_id, problems=problems)


@inputs.consumes(placement.AdmittedDirectly)
async def open_at_the_door(events: Sequence[Received[placement.AdmittedDirectly]], tx: Transaction) -> None:
    """Open the case of a household that a shelter let in before any report; facts that came before it are taken up."""
    await atthedoor.open_from_the_door(tx, events)


@inputs.consumes(
    placement.Waitlisted,
    placement.Offered,
    placement.Extended,
    placement.Declined,
    placement.Expired,
    placement.Cancelled,
    placement.Unmet,
    placement.Accepted,
    placement.OnTheWay,
    placement.NoShow,
    placement.Admitted,
    placement.SplitApproved,
    placement.Transferred,
    placement.Left,
    placement.Discharged,
    assessment.Assigned,
    assessment.Reassigned,
    assessment.AlertRaised,
    assessment.Completed,
    assessment.PlanReturned,
    assessment.PlanApproved,
    assessment.ServiceRequested,
    assessment.ServiceAccepted,
    assessment.ServiceDeclined,
    assessment.ServiceDelivered,
    assessment.ConferenceHeld,
    assessment.PlanReviewed,
    assessment.Reunified,
    assessment.RehabilitationStarted,
    assessment.RehabilitationCompleted,
    assessment.OutcomeReached,
    outcomes.OutcomeAbandoned,
    assessment.FollowupDue,
    assessment.FollowupDone,
    assessment.FollowupMissed,
    outcomes.FollowupLost,
    notifications.Delivered,
    notifications.Failed,
    notifications.Acknowledged,
    notifications.Escalated,
    *EXPORTS_OPENED,
)
async def take_up(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Keep what the others say of a case, stand it anew and tell its agencies; a survivor's no to a bed ends the search for one."""
    await casebook.grow(tx, received=events)
    for event in events:
        if isinstance(event.data, placement.Admitted):
            await finding.tell_if_both_housed(tx, [entry.person_id for entry in event.data.persons], event.cause)


@inputs.consumes(placement.AvailabilityChanged)
async def note_availability(events: Sequence[Received[placement.AvailabilityChanged]], tx: Transaction) -> None:
    """Keep the newest word on each kind of shelter."""
    newest = {event.subject: event for event in sorted(events, key=lambda event: event.factversion)}
    rows = [
        {"subject": subject, "kind": event.data.kind, "availability": event.data.availability, "factversion": event.factversion}
        for subject, event in newest.items()
    ]
    await store.apply(tx, store.HEAR_AVAILABILITY, rows)


@inputs.clock("triage")
async def triage_overdue(due: Sequence[Due], tx: Transaction) -> None:
    """Nobody triaged in time: say so; a high risk is triaged by the rule floor, so that help does not wait for a desk."""
    known = await store.books(tx, [clock.subject for clock in due])
    said: list[Saying] = []
    for clock in due:
        book = known[clock.subject]
        if book.case is None or book.standing.ended or book.standing.asked:
            continue
        said.append(_missed(clock, clock.subject))
        by_floor = casebook.triage_by_floor(tx, book.case, casebook.household_of(book.case, book.persons))
        if book.standing.triage or not by_floor.urgent:
            # Of a case that was reopened the first report's screen says nothing of today: people triage it.
            risk = book.standing.risk or by_floor.risk
            tx.set_clock("triage", clock.subject, tx.now + casebook.triage_span(tx.settings, risk, tx.now))
            continue
        said.append(Saying(clock.subject, by_floor, clock.cause))
        # What is known of suspects is added to what the floor says, as soon as that is said.
        tx.set_clock(casebook.SAFETY, clock.subject, tx.now)
    await casebook.grow(tx, said=said)


@inputs.clock("outreach")
async def outreach_overdue(due: Sequence[Due], tx: Transaction) -> None:
    """An outreach team has not reported its result."""
    await _remind(tx, due, lambda book: bool(book.standing.team))


@inputs.clock("police_report")
async def police_report_overdue(due: Sequence[Due], tx: Transaction) -> None:
    """A case of sexual violence is not reported to the police within the limit of UU TPKS art. 41."""
    await _remind(tx, due, lambda book: "police_report" not in book.case.settled)


@inputs.clock("protection")
async def protection_overdue(due: Sequence[Due], tx: Transaction) -> None:
    """The police did not protect a victim within a day of her report, or nobody wrote it down (UU TPKS 42, UU PKDRT 16)."""
    await _remind(tx, due, lambda book: "protection" not in legal.settled(book.facts))


@inputs.clock("protection_request")
async def request_overdue(due: Sequence[Due], tx: Transaction) -> None:
    """Nobody asked LPSK or a court to protect her beyond the days of the police."""
    await _remind(tx, due, lambda book: "protection_request" not in legal.settled(book.facts))


@inputs.clock("rehabilitation")
async def rehabilitation_overdue(due: Sequence[Due], tx: Transaction) -> None:
    """A victim of trafficking asked for rehabilitation, and a week later it has not begun, or nobody wrote it down (UU TPPO 52)."""
    await _remind(tx, due, lambda book: "rehabilitation" not in legal.settled(book.facts))


inputs.clock(EXPIRY)(legal.protection_ends)
inputs.clock(casebook.SAFETY)(safety.look_again)


@inputs.clock("closure")
async def closure_overdue(due: Sequence[Due], tx: Transaction) -> None:
    """No supervisor closed a case after its last follow-up."""
    await _still_waits(tx, due)


@inputs.clock("closure_approval")
async def closure_undecided(due: Sequence[Due], tx: Transaction) -> None:
    """No supervisor decided on a closure that an officer proposed."""
    await _still_waits(tx, due)


@inputs.clock("transfer_answer")
async def transfer_unanswered(due: Sequence[Due], tx: Transaction) -> None:
    """The agency that was asked to lead a case did not answer."""
    await _still_waits(tx, due)


@inputs.clock("risk_review")
async def risk_not_reviewed(due: Sequence[Due], tx: Transaction) -> None:
    """Nobody judged the risk anew after another incident."""
    await _still_waits(tx, due)


@inputs.clock("joiner")
async def joiner_without_bed(due: Sequence[Due], tx: Transaction) -> None:
    """Somebody joined a household in a shelter, and nobody said where she sleeps."""
    await _still_waits(tx, due)


@inputs.clock(casebook.CONTACT_RETRY)
async def try_to_reach_her(due: Sequence[Due], tx: Transaction) -> None:
    """It is time to try again to reach somebody who was lost, and said so a few times, each later than the one before."""
    known = await store.books(tx, [clock.subject for clock in due])
    lost = [clock for clock in due if (book := known[clock.subject]).case and book.standing.state == standing.State.CONTACT_LOST]
    days = tx.settings.contact_retry_days
    for clock in lost:
        if (number := int(clock.key)) < len(days):
            tx.set_clock(clock.kind, clock.subject, tx.now + tx.settings.span(days=days[number]), str(number + 1))
    await casebook.grow(tx, said=[_missed(clock, clock.subject) for clock in lost])


OF_OPEN_CASES = frozenset({"incomplete", "resent"})


@inputs.clock("desk")
async def desk_overdue(due: Sequence[Due], tx: Transaction) -> None:
    """Nobody dealt with an incomplete or refused submission."""
    tasks = await store.tasks(tx, [clock.subject for clock in due])
    cases = [task.case_id for task in tasks.values() if task.case_id]
    await tx.lock(cases)
    known = await store.books(tx, cases)
    said: list[Saying] = []
    for clock in due:
        task = tasks.get(clock.subject)
        ended = bool(task and task.case_id and known[task.case_id].standing.ended)
        # What an agency says of a case that ended may be a reason to open it again.
        if task is None or task.done_at or (ended and task.kind in OF_OPEN_CASES):
            continue
        tx.set_clock("desk", clock.subject, tx.now + tx.settings.span(hours=tx.settings.again_hours))
        if task.case_id and not ended:
            said.append(_missed(clock, task.case_id))
        else:
            tx.emit(ClockMissed(clock="incomplete", due_at=clock.due), clock.subject)
    await casebook.grow(tx, said=said)


@inputs.clock("orphan")
async def case_unknown(due: Sequence[Due], tx: Transaction) -> None:
    """Facts came of a case that nobody reported."""
    known = await store.books(tx, [clock.subject for clock in due])
    unknown = [clock for clock in due if known[clock.subject].case is None]
    for clock in unknown:
        tx.set_clock("orphan", clock.subject, tx.now + tx.settings.span(hours=tx.settings.again_hours))
    await casebook.grow(tx, said=[_missed(clock, clock.subject) for clock in unknown])


# How a clock is called in what is said of it, where that differs from its kind.
CALLED = {"desk": "incomplete", "orphan": "unknown_case"}


def _missed(clock: Due, case_id: UUID) -> Saying:
    return Saying(case_id, ClockMissed(clock=CALLED.get(clock.kind, clock.kind), due_at=clock.due), clock.cause)


async def _still_waits(tx: Transaction, due: Sequence[Due]) -> None:
    """Remind of a matter that goes by the name of its clock, while its case waits for it."""
    await _remind(tx, due, lambda book: due[0].kind in book.standing.waiting_for)


async def _remind(tx: Transaction, due: Sequence[Due], still_open: Any) -> None:
    """Say that clocks ran out whose matter is still open, and let them run again."""
    known = await store.books(tx, [clock.subject for clock in due])
    missed = [clock for clock in due if (book := known[clock.subject]).case and not book.standing.ended and still_open(book)]
    for clock in missed:
        tx.set_clock(clock.kind, clock.subject, tx.now + tx.settings.span(hours=tx.settings.again_hours))
    await casebook.grow(tx, said=[_missed(clock, clock.subject) for clock in missed])
