"""What placement listens to: intake's and assessment's facts about a case, and its own clocks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from chassis import Due, Inputs, Received, Transaction, witness
from chassis.store import erasure
from chassis.store.erasure import Tombstone
from contracts import household, placement
from contracts.assessment import OutcomeReached, RehabilitationCompleted, RehabilitationStarted, Reunified
from contracts.audit import IntakeSealed
from contracts.intake import Closed, ContactLost, HouseholdChanged, ReferredOut, Reopened, RiskChanged, Triaged, Withdrawn
from contracts.rights import PersonErased

from placement import nights, store
from placement.domain import needs, split
from placement.domain.needs import Need, State
from placement.domain.people import Person
from placement.domain.placements import EXPECTED, Placement, Step, destination_of_outcome, destination_of_return
from placement.finding import answers, matching, timing, waiting
from placement.finding.waiting import Looked
from placement.staying import arrivals, housing, stays, transfers
from placement.staying.stays import Departure
from placement.store import census, groups, line, register, staying

inputs = Inputs()
inputs.consumes(IntakeSealed)(witness)  # of whose audit log this store keeps the seals
ASKS = (Triaged, RiskChanged)


@inputs.consumes(Triaged, RiskChanged, HouseholdChanged, Withdrawn, ReferredOut, ContactLost, Closed, Reopened)
async def follow_intake(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Keep what intake says of a case, and offer a home to each household that needs one, or say rule by rule why there is none."""
    known = await groups.households(tx, {event.subject for event in events})
    told = dict(known)
    for event in events:
        told[event.subject] = needs.learn(told[event.subject], word_of(event))
    named = [(e.subject, e.factversion, frozenset(e.data.perpetrator_areas)) for e in events if isinstance(e.data, ASKS) and e.data.shelter_needed]
    changes = await matching.notice_areas(tx, known, named)
    told |= {case_id: replace(told[case_id], area_changes=times) for case_id, times in changes.items()}
    told |= {need.case_id: split.follow(need, told[need.part_of]) for need in known.values() if need.part_of}
    await matching.take_up(tx, known, told)
    if over := [need_id for need_id, need in told.items() if need.ended and not known[need_id].ended]:
        await transfers.take_back_for(tx, over)


@inputs.consumes(Reunified, RehabilitationStarted, RehabilitationCompleted, OutcomeReached)
async def discharge(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """End the stay of each person whose plan came true, unless it began after that: she came back then, and her case is assessed anew."""
    cases = await groups.parts(tx, {event.subject for event in events})
    inside = await store.inside(tx, cases)
    homes = await store.lived_in(tx, {placement_id for persons in inside.values() for placement_id in persons.values()})
    going = {(event.subject, event.data.person_id): event for event in sorted(events, key=lambda event: event.time)}
    departures = [
        Departure(need_id, placement_id, person_id, _destination(fact.data))
        for need_id, persons in inside.items()
        for person_id, placement_id in persons.items()
        if (fact := going.get((cases[need_id], person_id))) and (homes[placement_id].admitted_at or fact.time) <= fact.time
    ]
    await stays.depart(tx, departures)


@inputs.consumes(PersonErased)
async def forget_person(events: Sequence[Received[PersonErased]], tx: Transaction) -> None:
    """Keep that a person was erased, and have no key of hers: of residents placement has codes alone, and a stay goes on."""
    await erasure.order(tx, [Tombstone(event.data.person_id, event.subject, event.data.receipt, event.time) for event in events])


@inputs.clock("match", beforehand=waiting.look)
async def try_the_waiting_list(due: Sequence[Due], tx: Transaction, found: Looked | None) -> None:
    """Beds may have become free: give them to those whose own are in doubt, then offer them to the waiting list, the riskiest first."""
    bedless = await housing.bedless(tx)
    cases = found.found.cases if found else await line.waiting(tx)
    await tx.lock([*await line.subjects(tx, cases), *bedless])
    await register.stand_in_line(tx, alone=True)
    if bedless:
        await housing.ask_again(tx, bedless, due[-1].cause)
    await waiting.answer(tx, found, due, cases)


@inputs.clock("hold")
async def nobody_answered(due: Sequence[Due], tx: Transaction) -> None:
    """Extend the hold while the ladder runs; after that it expires and the next home is tried."""
    offers = await store.live(tx, set(map(need_of, due)))
    lapsed = [offer for offer in offers.values() if offer.state is Step.OFFERED and offer.hold.until <= tx.now]
    if lapsed:
        await matching.answer_for_silence(tx, lapsed)


@inputs.clock("arrival")
async def nobody_came(due: Sequence[Due], tx: Transaction) -> None:
    """A household did not arrive in time."""
    offers = await store.live(tx, set(map(need_of, due)))
    missed = [offer for offer in offers.values() if offer.state in EXPECTED and offer.arrive_by and offer.arrive_by <= tx.now]
    if missed:
        await answers.did_not_come(tx, missed)


@inputs.clock("waiting_review")
async def still_waiting(due: Sequence[Due], tx: Transaction) -> None:
    """Say that a household waits too long, and try again, also the homes that did not answer."""
    known = await store.needs(tx, set(map(need_of, due)))
    told: dict[Any, Need] = {}
    for clock in due:
        need = known[need_of(clock)]
        if need.state is State.WAITING:
            _say_missed(tx, clock, "waiting", need)
            told[need.case_id] = replace(need, not_now=frozenset(), review_at=timing.set_waiting_review(tx, need))
    await matching.search(tx, known, told)


@inputs.clock("no_show_review")
async def still_not_here(due: Sequence[Due], tx: Transaction) -> None:
    """Say that nobody decided how a household that did not come goes on."""
    known = await store.needs(tx, set(map(need_of, due)))
    for clock in due:
        if (need := known[need_of(clock)]).state is State.NO_SHOW:
            _say_missed(tx, clock, "no_show", need)
            timing.set_no_show_review(tx, need)


@inputs.clock(timing.UNGROUPED)
async def in_no_group(due: Sequence[Due], tx: Transaction) -> None:
    """Say, and say again, that persons joined a household that is housed in groups and are in none of them: people decide where."""
    known = await store.needs(tx, {clock.subject for clock in due})
    for clock in due:
        if (need := known[clock.subject]).state is State.SPLIT and need.members:
            _say_missed(tx, clock, timing.UNGROUPED)
            tx.set_clock(timing.UNGROUPED, clock.subject, tx.now + timing.review_span(tx, need))


@inputs.clock(arrivals.STAY_REVIEW)
async def stay_is_due_for_review(due: Sequence[Due], tx: Transaction) -> None:
    """Say that a stay is to be reviewed, and set the next review; nobody is ever evicted by a clock (P17)."""
    own, keyed = await store.live(tx, {clock.subject for clock in due}), await store.lived_in(tx, {UUID(clock.key) for clock in due if clock.key})
    found = [(clock, keyed.get(UUID(clock.key)) if clock.key else own.get(clock.subject)) for clock in due]
    spans = await arrivals.stay_spans(tx, {stay.shelter_id for _, stay in found if stay})
    for clock, stay in found:
        if stay is not None:
            _say_missed(tx, clock, arrivals.STAY_REVIEW, stay)
            tx.set_clock(arrivals.STAY_REVIEW, clock.subject, tx.now + spans[stay.shelter_id], key=clock.key)


@inputs.clock(transfers.TRANSFER)
async def nobody_moved(due: Sequence[Due], tx: Transaction) -> None:
    """A transfer got no answer, or nobody moved, in time: the beds held for it are free again, and the stay goes on as it was."""
    asked, keys = await store.transfers(tx, await groups.parts(tx, {clock.subject for clock in due})), {clock.key for clock in due}
    await transfers.expire(tx, [entry for entry in asked if str(entry.id) in keys and entry.lapses_at and entry.lapses_at <= tx.now])


@inputs.clock(arrivals.ABSENCE)
async def not_back_in_time(due: Sequence[Due], tx: Transaction) -> None:
    """Say every day that somebody who was away for some time is not back; her bed is kept until people decide."""
    inside = await _inside(tx, due)
    away = await staying.away(tx, set(inside.values()))
    for clock in due:
        home = inside.get((clock.subject, UUID(clock.key)))
        if home is not None and UUID(clock.key) in away.get(home, {}):
            _say_missed(tx, clock, arrivals.ABSENCE)
            tx.set_clock(arrivals.ABSENCE, clock.subject, tx.now + tx.settings.span(days=1), key=clock.key)


@inputs.clock(arrivals.LEGAL_GROUND)
async def legal_ground_ended(due: Sequence[Due], tx: Transaction) -> None:
    """Say that the legal ground on which a person was admitted ended."""
    inside = await _inside(tx, due)
    for clock in due:
        if (clock.subject, UUID(clock.key)) in inside:
            _say_missed(tx, clock, arrivals.LEGAL_GROUND)
            tx.set_clock(arrivals.LEGAL_GROUND, clock.subject, tx.now + tx.settings.span(days=1), key=clock.key)


@inputs.clock(housing.UNHOUSED)
async def ask_for_beds_again(due: Sequence[Due], tx: Transaction) -> None:
    """Beds of a household are in doubt since the store was restored: see whether there are some now."""
    await housing.ask_again(tx, {clock.subject for clock in due})


@inputs.clock("availability")
async def say_availability(due: Sequence[Due], tx: Transaction) -> None:
    """Say which kinds of shelter filled up or have room again; of the secret ones only at their even times."""
    await matching.say_availability(tx, due[-1].cause, secret=any(clock.key.startswith(register.HIDDEN) for clock in due))


@inputs.clock(register.ROOM_AGAIN)
async def room_again(due: Sequence[Due], tx: Transaction) -> None:
    """A bed is clean or in service again, or a shelter open: try the waiting list."""
    timing.beds_became_free(tx, cause=due[-1].cause)


@inputs.clock(census.CLOCK)
async def nobody_looked(due: Sequence[Due], tx: Transaction) -> None:
    """Say of each shelter that nobody confirmed in time who slept there, and ask again for the next night."""
    hours = nights.hours_of(tx.settings)
    night = hours.overdue(tx.now)
    missed = await census.unconfirmed(tx, [clock.subject for clock in due], night)
    for clock in due:
        if clock.subject in missed:
            tx.emit(placement.CensusMissed(shelter_id=clock.subject, night=night), clock.subject)
        tx.set_clock(census.CLOCK, clock.subject, hours.next_deadline(tx.now))
    for shelter_id in set(await census.unasked(tx)) - {clock.subject for clock in due}:
        tx.set_clock(census.CLOCK, shelter_id, hours.next_deadline(tx.now), cause=due[-1].cause)


def need_of(clock: Due) -> UUID:
    """The need that a clock is about: of a household that was split, its key names the group."""
    return UUID(clock.key) if clock.key else clock.subject


async def _inside(tx: Transaction, due: Sequence[Due]) -> dict[tuple[UUID, UUID], UUID]:
    """In which placement each person of these clocks' cases stays, whatever her group, by case and person."""
    cases = await groups.parts(tx, {clock.subject for clock in due})
    found = await store.inside(tx, cases)
    return {(cases[need_id], person): home for need_id, persons in found.items() for person, home in persons.items()}


def _say_missed(tx: Transaction, clock: Due, name: str, about: Need | Placement | None = None) -> None:
    missed = placement.ClockMissed(clock=name, due_at=clock.due, group_id=about.case_id if about and about.part_of else None)
    tx.emit(missed, clock.subject, key=clock.key, cause=clock.cause)


def word_of(event: Received[Any]) -> needs.Word:
    """What a fact of intake says, in the domain's words."""
    data, version = event.data, event.factversion
    match data:
        case Triaged() | RiskChanged():
            return needs.Triage(
                version=version,
                at=event.time,
                revision=data.household.revision,
                persons=persons_of(data.household.persons),
                risk=data.risk.value,
                grounds=frozenset(ground.value for ground in data.shelter_grounds),
                keep_apart=frozenset(data.keep_apart),
                perpetrator_areas=frozenset(data.perpetrator_areas),
                medical_gate=data.medical_gate,
                shelter_needed=data.shelter_needed,
                channel=data.channel.value if data.channel else None,
                area=data.area,
            )
        case HouseholdChanged():
            return needs.Members(version, data.household.revision, persons_of(data.household.persons))
        case Reopened():
            return needs.Again(version)
        case _:
            return needs.Over(version)


def persons_of(snapshot: Iterable[household.Person]) -> tuple[Person, ...]:
    """The members of a household snapshot, in the domain's words."""
    return tuple(
        Person(member.person_id, member.sex.value, member.age, member.role.value, frozenset(need.value for need in member.needs))
        for member in snapshot
    )


def _destination(data: Any) -> str:
    match data:
        case Reunified():
            return destination_of_return(data.receiver.value, data.receiving_area)
        case OutcomeReached():
            return destination_of_outcome(data.outcome.value)
        case _:
            return destination_of_outcome("rehabilitation")
