"""What assessment listens to: intake's and placement's facts about a case, and its own clocks."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chassis import Due, Inputs, Received, Transaction, witness
from chassis.store import erasure
from chassis.store.erasure import Tombstone
from contracts import household
from contracts.audit import PlacementSealed
from contracts.intake import (
    Closed,
    ContactLost,
    HouseholdChanged,
    IncidentRecorded,
    ReferredOut,
    Reopened,
    RiskChanged,
    ServiceAnswered,
    ServiceRouted,
    SuspectRecorded,
    Triaged,
    Withdrawn,
)
from contracts.placement import Admitted, AdmittedDirectly, Discharged, Left, Transferred
from contracts.rights import PersonErased
from contracts.vocabulary import Destination

from assessment import decisions, programmes, services, steps, store
from assessment.domain import case, followups
from assessment.domain.safety import Known

inputs = Inputs()
inputs.consumes(PlacementSealed)(witness)  # of whose audit log this store keeps the seals


@inputs.consumes(
    AdmittedDirectly,
    Triaged,
    RiskChanged,
    HouseholdChanged,
    IncidentRecorded,
    SuspectRecorded,
    Admitted,
    Transferred,
    Left,
    Discharged,
    Withdrawn,
    ReferredOut,
    ContactLost,
    Closed,
    Reopened,
)
async def learn(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Keep what others say of a case; begin the assessment of one that is at home or admitted, stop that of one that ended, and begin anew one that is reopened, or of which somebody came back."""
    known = await store.cases(tx, {event.subject for event in events})
    after = dict(known)
    for event in events:
        after[event.subject] = case.learn(after[event.subject], told_by(event))
    limits = decisions.limits(tx)
    after = {case_id: case.advance(told, tx.now, limits) for case_id, told in after.items()}
    if again := [case_id for case_id, told in after.items() if told.round > known[case_id].round]:
        await store.begin_again(tx, again)
    if over := [case_id for case_id, told in after.items() if told.ended or case_id in again]:
        await programmes.leave_all(tx, over)
    await decisions.record(tx, known, await decisions.find_workers(tx, after))


@inputs.consumes(ServiceRouted, ServiceAnswered)
async def follow_services(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Keep whether the provider of a service hears of the request, and what it answered; a decline is the worker's task, silence everybody's."""
    await services.hear(tx, events)


@inputs.consumes(PersonErased)
async def forget_person(events: Sequence[Received[PersonErased]], tx: Transaction) -> None:
    """Destroy the key of an erased person's answers and take none of hers again; the case goes on with its codes."""
    await steps.forget(tx, {event.data.person_id for event in events})
    await erasure.order(tx, [Tombstone(event.data.person_id, event.subject, event.data.receipt, event.time) for event in events])


@inputs.clock("assignment")
@inputs.clock("initial")
@inputs.clock("comprehensive")
@inputs.clock("reassessment")
@inputs.clock("plan")
@inputs.clock("outcome")
@inputs.clock("service_answer")
@inputs.clock("service_consent")
@inputs.clock("service_delivery")
@inputs.clock("service_declined")
async def a_deadline_ran_out(due: Sequence[Due], tx: Transaction) -> None:
    """Say that a deadline was missed and set it again; a case without a worker is offered to the workers once more."""
    known = await store.cases(tx, {clock.subject for clock in due})
    after, limits = dict(known), decisions.limits(tx)
    for clock in due:
        name = f"{clock.kind}:{clock.key}" if clock.key else clock.kind
        after[clock.subject], missed = case.ran_out(after[clock.subject], name, clock.due, tx.now, limits)
        decisions.say(tx, clock.subject, missed, clock.cause)
    await decisions.record(tx, known, await decisions.find_workers(tx, after))


@inputs.clock("lost")
@inputs.clock(case.REVIEW)
async def a_decision_is_missing(due: Sequence[Due], tx: Transaction) -> None:
    """Say, and say again, that nobody decided on somebody who cannot be reached, or looked at a child's residential care or a carer."""
    known = await store.cases(tx, {clock.subject for clock in due})
    after, limits = dict(known), decisions.limits(tx)
    for clock in due:
        name = f"{clock.kind}:{clock.key}" if clock.key else clock.kind
        after[clock.subject], missed = case.ran_out(after[clock.subject], name, clock.due, tx.now, limits)
        decisions.say(tx, clock.subject, missed, clock.cause)
    await decisions.record(tx, known, after)


@inputs.clock(case.STAY)
async def somebody_stays_on(due: Sequence[Due], tx: Transaction) -> None:
    """Somebody is in a shelter although her outcome came true, and nothing ended that stay: the case is assessed anew."""
    known = await store.cases(tx, {clock.subject for clock in due})
    after, limits = dict(known), decisions.limits(tx)
    for clock in due:
        after[clock.subject] = case.stays_on(after[clock.subject], UUID(clock.key))
    after = {case_id: case.advance(found, tx.now, limits) for case_id, found in after.items()}
    await decisions.record(tx, known, await decisions.find_workers(tx, after, due[-1].cause))


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
            wishes = (data.risk.value, data.shelter_needed, data.keep_apart, data.perpetrator_areas)
            return (case.Triage(version, _members(data.household), data.area, *wishes),)
        case HouseholdChanged():
            return (case.Household(version, _members(data.household)),)
        case IncidentRecorded() | SuspectRecorded():
            return _perpetrator(data, version)
        case Admitted() | AdmittedDirectly() | Transferred() | Left() | Discharged():
            return _stay(data, version)
        case _:
            return _of_its_course(data, version)


def _of_its_course(data: Any, version: int) -> tuple[case.Told, ...]:
    """What else moves a case; of what says nothing of where it stands (a service's answer, somebody's erasure) there is nothing to tell."""
    match data:
        case Reopened():
            return (case.Again(version),)
        case Withdrawn() | ReferredOut() | ContactLost() | Closed():
            return (case.Over(version),)
    return ()


def _perpetrator(data: IncidentRecorded | SuspectRecorded, version: int) -> tuple[case.Told, ...]:
    if isinstance(data, SuspectRecorded):
        return (case.Perpetrator(data.suspect_id, Known(version, data.relation.value, data.areas, data.removed), suspect=True),)
    who = case.Perpetrator(data.incident_id, Known(version, data.relation and data.relation.value), suspect=False)
    return (who,) if data.correction else (who, case.Incident(version))


def _stay(data: Any, version: int) -> tuple[case.Told, ...]:
    match data:
        case Admitted() | AdmittedDirectly():
            entered = case.Entered(version, tuple(person.person_id for person in data.persons), data.admitted_at)
            return (entered,) if isinstance(data, Admitted) else (entered, case.Triage(0, _members(data.household), data.area))
        case Transferred():
            return (case.Entered(version, data.persons, data.moved_at),)
        case _:
            died = isinstance(data, Discharged) and data.destination is Destination.DIED
            return (case.Gone(version, data.persons, died),)


def _members(snapshot: household.Household) -> tuple[case.Member, ...]:
    return tuple(case.Member(person.person_id, person.age) for person in snapshot.persons)
