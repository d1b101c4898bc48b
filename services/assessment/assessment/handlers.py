"""What assessment listens to: intake's and placement's facts about a case, and its own clocks."""

from collections.abc import Sequence
from typing import Any

from chassis import Due, Inputs, Received, Transaction, witness
from chassis.store import erasure, exports
from chassis.store.erasure import Tombstone
from chassis.store.exports import Order
from contracts import household
from contracts.audit import PlacementSealed
from contracts.intake import Closed, ContactLost, HouseholdChanged, ReferredOut, Reopened, RiskChanged, Triaged, Withdrawn
from contracts.placement import Admitted, AdmittedDirectly, Discharged, Left
from contracts.rights import AssessmentExportOpened, ExportOrdered, PersonErased

from assessment import decisions, store
from assessment.domain import case, followups

inputs = Inputs()
inputs.consumes(PlacementSealed)(witness)  # of whose audit log this store keeps the seals


@inputs.consumes(
    AdmittedDirectly,
    Triaged,
    RiskChanged,
    HouseholdChanged,
    Admitted,
    Left,
    Discharged,
    Withdrawn,
    ReferredOut,
    ContactLost,
    Closed,
    Reopened,
)
async def learn(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Keep what others say of a case; begin the assessment of one that is at home or admitted, stop that of one that ended, and begin anew when it is reopened."""
    known = await store.cases(tx, {event.subject for event in events})
    after = dict(known)
    for event in events:
        after[event.subject] = case.learn(after[event.subject], told_by(event))
    limits = decisions.limits(tx)
    after = {case_id: case.advance(told, tx.now, limits) for case_id, told in after.items()}
    if reopened := [case_id for case_id, told in after.items() if told.round_version > known[case_id].round_version]:
        await store.begin_again(tx, reopened)
    await decisions.record(tx, known, await decisions.find_workers(tx, after))


@inputs.consumes(PersonErased)
async def forget_person(events: Sequence[Received[PersonErased]], tx: Transaction) -> None:
    """Destroy the key of an erased person's answers and take none of hers again; the case goes on with its codes."""
    await erasure.order(tx, [Tombstone(event.data.person_id, event.subject, event.data.receipt, event.time) for event in events])


@inputs.consumes(ExportOrdered)
async def open_export(events: Sequence[Received[ExportOrdered]], tx: Transaction) -> None:
    """Let this service's part of a person's export be fetched by who ordered it, and say so."""
    orders = [(e, e.data) for e in events]
    await exports.keep(tx, [Order(told.request_id, told.person_id, told.officer_id, e.subject, told.agency, told.until) for e, told in orders])
    for e, told in orders:
        opened = AssessmentExportOpened(request_id=told.request_id, person_id=told.person_id, until=told.until)
        tx.emit(opened, e.subject, key=str(e.id), cause=e.cause)


@inputs.clock("assignment")
@inputs.clock("initial")
@inputs.clock("plan")
@inputs.clock("outcome")
async def a_deadline_ran_out(due: Sequence[Due], tx: Transaction) -> None:
    """Say that a deadline was missed and set it again; a case without a worker is offered to the workers once more."""
    known = await store.cases(tx, {clock.subject for clock in due})
    after, limits = dict(known), decisions.limits(tx)
    for clock in due:
        after[clock.subject], missed = case.ran_out(after[clock.subject], clock.kind, clock.due, tx.now, limits)
        decisions.say(tx, clock.subject, missed, clock.cause)
    await decisions.record(tx, known, await decisions.find_workers(tx, after))


@inputs.clock("absence")
async def a_worker_is_away(due: Sequence[Due], tx: Transaction) -> None:
    """Let others have the cases with which somebody whose leave begins did not begin."""
    for clock in {clock.subject: clock for clock in due}.values():
        await decisions.give_to_others(tx, clock.subject, clock.cause)


@inputs.clock("followup")
async def a_followup_is_due(due: Sequence[Due], tx: Transaction) -> None:
    """Say that a follow-up is due and give it its grace time."""
    known = await store.cases(tx, {clock.subject for clock in due})
    after, limits = dict(known), decisions.limits(tx)
    for clock in due:
        after[clock.subject], came = followups.come_due(after[clock.subject], int(clock.key), tx.now, limits)
        decisions.say(tx, clock.subject, came, clock.cause)
    await decisions.record(tx, known, after)


@inputs.clock("grace")
async def a_followup_was_missed(due: Sequence[Due], tx: Transaction) -> None:
    """Say that nobody recorded a follow-up; after the last one the case is finished."""
    known = await store.cases(tx, {clock.subject for clock in due})
    after = dict(known)
    for clock in due:
        after[clock.subject], ended = followups.grace_ends(after[clock.subject], int(clock.key))
        decisions.say(tx, clock.subject, ended, clock.cause)
    await decisions.record(tx, known, after)


def told_by(event: Received[Any]) -> tuple[case.Told, ...]:
    """What an event tells, in the domain's words."""
    data, version = event.data, event.factversion
    match data:
        case Triaged() | RiskChanged():
            return (case.Triage(version, _members(data.household), data.area, data.risk.value, data.shelter_needed),)
        case HouseholdChanged():
            return (case.Household(version, _members(data.household)),)
        case Admitted():
            return (case.Entered(version, tuple(person.person_id for person in data.persons)),)
        case AdmittedDirectly():
            entered = case.Entered(version, tuple(person.person_id for person in data.persons))
            return entered, case.Triage(0, _members(data.household), data.area)
        case Left() | Discharged():
            return (case.Gone(version, data.persons),)
        case _:
            return (case.Again(version) if isinstance(data, Reopened) else case.Over(version),)


def _members(snapshot: household.Household) -> tuple[case.Member, ...]:
    return tuple(case.Member(person.person_id, person.age) for person in snapshot.persons)
