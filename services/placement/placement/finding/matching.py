"""Brings households and homes together: rows, clocks and facts of what the domain decided, for handlers and routes alike.

Locks are taken in one order everywhere: the cases, then the shelters. Where several cases are decided on by one clock that is not
theirs, that clock is passed as `cause`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from chassis import Cause, Transaction
from contracts import placement as facts
from contracts.vocabulary import Availability, CancelReason

from placement import store
from placement.domain.assign import at_once
from placement.domain.explain import Decided, How
from placement.domain.homes import Home, Refusal, summary
from placement.domain.needs import IN_FLIGHT, Need, State, Turn, enter, no_answer, reconsider
from placement.domain.offers import Hold, Offer, first_hold, next_hold
from placement.domain.people import Household
from placement.domain.placements import ByHand, Placement, Step, move
from placement.domain.probing import left_to_people, suspected, withheld
from placement.domain.rules import STILL, refusal
from placement.finding import timing
from placement.store import reasons, register
from placement.store.register import HIDDEN

# So often homes are looked at without a lock before all of them are locked.
MOST_LOOKS = 3


# -- cases --------------------------------------------------------------------------------------------------------------------------


async def take_up(tx: Transaction, known: Mapping[UUID, Need], told: Mapping[UUID, Need]) -> None:
    """Decide again on cases of which more is told than was known: take offers back, begin or end a search, offer homes."""
    live = await store.live(tx, told)
    flying = {case_id: live[case_id] for case_id, need in told.items() if need.state in IN_FLIGHT}
    if flying:
        await register.stand_in_line(tx)
    homes = {home.id: home for home in await register.homes(tx)} if flying else {}
    turns = [_reconsidered(tx, need, flying.get(case_id), homes) for case_id, need in told.items()]
    heard = {case_id: need.version for case_id, need in told.items()}
    await take_back(tx, [(flying[turn.need.case_id], turn.cancel) for turn in turns if turn.cancel], heard)
    for turn in turns:
        if turn.unmet:
            say_unmet(tx, known[turn.need.case_id], heard[turn.need.case_id])
    await search(tx, known, {turn.need.case_id: turn.need for turn in turns})


def _reconsidered(tx: Transaction, need: Need, offer: Placement | None, homes: Mapping[UUID, Home]) -> Turn:
    if offer is None:
        return reconsider(need)
    # A group is not another one because somebody else of the household is.
    changed = (need.part_of is None and offer.revision != need.revision) or set(offer.members) != set(need.members)
    home, offered = homes[offer.shelter_id], offer.state is Step.OFFERED and not offer.overrides
    household = replace(household_of(tx, need) if offered else need.household(tx.now), overrides=offer.set_aside)
    against = refusal(home, household, STILL)
    if against and offer.state is not Step.OFFERED and left_to_people(home, against):
        say(tx, facts.ProbingSuspected(changes=max(1, need.area_changes)), need, key="accepted")
        against = None
    return reconsider(need, changed=changed, still_suits=against is None)


async def notice_areas(tx: Transaction, known: Mapping[UUID, Need], named: Iterable[tuple[UUID, int, frozenset[str]]]) -> dict[UUID, int]:
    """Keep the areas that cases named; how often each changed them. One that does so too often may be looking for a secret house: a supervisor is told."""
    counted = await reasons.hear_areas(tx, named)
    for case_id, times in counted.items():
        if suspected(known[case_id].area_changes, times, timing.limits(tx)):
            tx.emit(facts.ProbingSuspected(changes=times), known[case_id].subject)
    return counted


def household_of(tx: Transaction, need: Need) -> Household:
    """Those who look for a home, with why secret homes are left out for them, if they are."""
    return replace(need.household(tx.now), withheld=withheld(need.perpetrator_areas, need.area_changes, timing.limits(tx)))


async def search(tx: Transaction, known: Mapping[UUID, Need], now: Mapping[UUID, Need], cause: Cause | None = None) -> None:
    """Offer homes to those of the cases that wait, and write all of them as they are then.

    The coming round does it when beds became free that the waiting list was not tried on yet, so that nobody goes before it; and when several
    come together for whom there is no answer at once that is surely the best.
    """
    seekers = [need for need in now.values() if need.state is State.WAITING]
    after = dict(now)
    if seekers:
        needs = waiting_from(tx, seekers)
        decided = await decide(tx, [household_of(tx, need) for need in needs.values()])
        if decided is None:
            timing.set_round(tx, seekers[0].subject)
        else:
            after |= await settle(tx, needs, decided, cause=cause)
    await record(tx, known, after)


async def decide(tx: Transaction, households: Sequence[Household]) -> Decided | None:
    """The surely best homes for a few (locked) households, of which those that are offered are locked; None when the coming round decides.

    It is decided on what is only looked at. A home that is not the same any more when it is locked is let go, and all is decided again; the last
    time every home is locked before.
    """
    await register.stand_in_line(tx)
    for _ in range(MOST_LOOKS):
        homes = await register.homes(tx, locked=False)
        decisions = at_once(homes, households)
        if decisions is None:
            return None
        async with tx.connection.begin_nested() as locks:
            chosen = {decision.home for decision in decisions if isinstance(decision, Offer)}
            if not chosen or await _as_seen(tx, homes, chosen):
                return None if await store.round_ahead(tx) else Decided(How.TOGETHER, homes, decisions)
            await locks.rollback()
    homes = await register.homes(tx)
    decisions = None if await store.round_ahead(tx) else at_once(homes, households)
    return None if decisions is None else Decided(How.TOGETHER, homes, decisions)


async def _as_seen(tx: Transaction, homes: Iterable[Home], chosen: Collection[UUID]) -> bool:
    """Lock the chosen homes; whether they are as they were seen."""
    locked = {home.id: home for home in await register.homes(tx, chosen)}
    return all(locked[home.id] == home for home in homes if home.id in locked)


def waiting_from(tx: Transaction, seekers: Iterable[Need]) -> dict[UUID, Need]:
    """The seekers by case id; who never waited before waits from now."""
    return {need.case_id: replace(need, waiting_since=need.waiting_since or tx.now) for need in seekers}


async def settle(tx: Transaction, needs: Mapping[UUID, Need], decided: Decided, cause: Cause | None = None) -> dict[UUID, Need]:
    """Keep what was decided, make the offers of it, and let the others wait; the needs as they are then, not yet written."""
    decisions = decided.decisions
    made_as = {d.household.case_id: new_id(tx, "decision", d.household, cause) for d in decisions}
    if any(isinstance(d, Offer) or d.reasons != needs[d.household.case_id].reasons for d in decisions):
        await reasons.keep(tx, decided, made_as)
    free = {home.id: home.free_beds for home in decided.homes}
    offered = await offer(tx, needs, [d for d in decisions if isinstance(d, Offer)], free, made_as=made_as, cause=cause)
    waiting = [_wait(tx, needs[d.household.case_id], d.reasons, cause) for d in decisions if not isinstance(d, Offer)]
    return offered | {need.case_id: need for need in waiting}


async def offer(
    tx: Transaction,
    needs: Mapping[UUID, Need],
    offers: Sequence[Offer],
    free: Mapping[UUID, int],
    *,
    made_as: Mapping[UUID, UUID],
    cause: Cause | None,
) -> dict[UUID, Need]:
    """Make offers on homes that had so many beds free; the needs as they are then, not yet written."""
    made = [(make_offer(tx, needs[o.household.case_id], o, made_as[o.household.case_id], cause), o) for o in offers]
    if made:
        await store.save_placements(tx, [entry for entry, _ in made])
        await store.hold_beds(tx, made, {entry.id: entry.hold_until for entry, _ in made})
        used = Counter(offer.home for offer in offers for _ in offer.beds)
        if any(free[home] == count for home, count in used.items()):
            timing.set_availability(tx, made[0][0].subject, cause)
    return {entry.case_id: enter(needs[entry.case_id], State.OFFERED) for entry, _ in made}


async def keep_alone(tx: Transaction, homes: Sequence[Home], answer: Offer) -> UUID:
    """Keep a decision that people had made for one household on these homes, so that it can be explained; the id under which it is kept."""
    case_id = answer.household.case_id
    kept_as = tx.new_id("decision", case_id)
    await reasons.keep(tx, Decided(How.IN_TURN, homes, [answer]), {case_id: kept_as})
    return kept_as


async def record(tx: Transaction, known: Mapping[UUID, Need], after: Mapping[UUID, Need]) -> None:
    """Write the needs that changed, and let the clocks of their states be set or taken back."""
    changed = [need for case_id, need in after.items() if need != known.get(case_id)]
    await store.save_needs(tx, changed)
    await reasons.follow(tx, known, changed)
    for need in changed:
        earlier = known[need.case_id].state if need.case_id in known else State.NONE
        if earlier is State.WAITING and need.state is not State.WAITING:
            tx.cancel_clock("waiting_review", need.subject, need.clock_key)
        if need.state is State.NO_SHOW and earlier is not State.NO_SHOW:
            timing.set_no_show_review(tx, need)
        elif earlier is State.NO_SHOW and need.state is not State.NO_SHOW:
            tx.cancel_clock("no_show_review", need.subject, need.clock_key)
        if need.split:
            _ask_for_groups(tx, known.get(need.case_id), need)


def _ask_for_groups(tx: Transaction, known: Need | None, need: Need) -> None:
    """Who joins a household that was split is in no group until people say in which: they are told at once, and again."""
    if need.state is not State.SPLIT or not need.members:
        tx.cancel_clock(timing.UNGROUPED, need.case_id)
    elif known is None or known.state is not State.SPLIT or {*known.members} != {*need.members}:
        tx.set_clock(timing.UNGROUPED, need.case_id, tx.now)


def new_id(tx: Transaction, key: str, of: Household | Need, cause: Cause | None = None) -> UUID:
    """An id for something of a need: what is decided about a group has the cause of its case."""
    return tx.new_id(key, of.case_id, cause or tx.cause_of(of.part_of or of.case_id))


def say(tx: Transaction, fact: facts.GroupEvent, about: Need | Placement, *, key: str = "", cause: Cause | None = None) -> None:
    """State a fact about a household under its case; one about a group of a split household names the group, and is told apart by it."""
    named = fact if about.part_of is None else fact.model_copy(update={"group_id": about.case_id})
    tx.emit(named, about.subject, key=f"{key}|{about.clock_key}" if about.clock_key else key, cause=cause)


def make_offer(
    tx: Transaction, need: Need, offer: Offer, decision_id: UUID | None = None, cause: Cause | None = None, *, by_hand: ByHand | None = None
) -> Placement:
    """A placement that offers these beds, with its clock and its fact; neither it nor its hold is written yet."""
    hold = first_hold(tx.now, timing.hold_span(tx, need), timing.ladder_span(tx, need.risk))
    made = Placement(
        id=new_id(tx, "placement", need, cause),
        case_id=need.case_id,
        shelter_id=offer.home,
        state=Step.OFFERED,
        revision=need.revision,
        members=need.members,
        offered_at=tx.now,
        hold_until=hold.until,
        ladder_until=hold.ladder_until,
        part_of=need.part_of,
        decision_id=decision_id,
        overrides=by_hand.kept if by_hand else (),
    )
    fact = facts.Offered(
        placement_id=made.id,
        shelter_id=made.shelter_id,
        persons=tuple(person.id for person in need.members),
        hold_until=hold.until,
        by_hand=by_hand.reason if by_hand else None,
        set_aside=by_hand.set_aside if by_hand else (),
    )
    say(tx, fact, need, cause=cause)
    tx.set_clock("hold", need.subject, hold.until, key=need.clock_key, cause=cause)
    return made


def _wait(tx: Transaction, need: Need, reasons: tuple[Refusal, ...], cause: Cause | None) -> Need:
    if need.waitlisted:
        return replace(need, reasons=reasons)
    return replace(need, waitlisted=True, review_at=say_waiting(tx, need, summary(reasons), cause), reasons=reasons)


def say_waiting(tx: Transaction, need: Need, refusals: Mapping[str, int], cause: Cause | None) -> datetime:
    """Say that a household waits, and set its next review; when that is."""
    review_at = timing.set_waiting_review(tx, need, cause)
    say(tx, facts.Waitlisted(refusals=_counted(refusals), review_at=review_at), need, cause=cause)
    return review_at


def say_unmet(tx: Transaction, need: Need, heard: int) -> None:
    """State that a household that waited got no bed, though the triage of version `heard` was known."""
    say(tx, facts.Unmet(refusals=_counted(summary(need.reasons)), triage_version=heard), need)


def _counted(refusals: Mapping[str, int]) -> tuple[facts.Refusal, ...]:
    return tuple(facts.Refusal(rule=rule, shelters=count) for rule, count in refusals.items())


# -- offers that end ------------------------------------------------------------------------------------------------------------------


async def take_back(tx: Transaction, offers: Sequence[tuple[Placement, str]], heard: Mapping[UUID, int], by: UUID | None = None) -> None:
    """Cancel offers, each for its reason; `heard` are the versions of the triages known by then, by case id."""
    cancelled = [replace(move(offer, Step.CANCELLED, by), reason=reason) for offer, reason in offers]
    for offer in cancelled:
        reason, version = CancelReason(offer.reason or ""), heard[offer.case_id]
        say(tx, facts.Cancelled(placement_id=offer.id, shelter_id=offer.shelter_id, reason=reason, triage_version=version), offer)
    await let_go(tx, cancelled)


async def let_go(tx: Transaction, ended: Sequence[Placement]) -> None:
    """Write offers that ended without an admission, and give their beds back."""
    if not ended:
        return
    await store.save_placements(tx, ended)
    await store.free_beds(tx, [offer.id for offer in ended])
    for offer in ended:
        tx.cancel_clock("hold", offer.subject, offer.clock_key)
        tx.cancel_clock("arrival", offer.subject, offer.clock_key)
    timing.beds_became_free(tx, ended[0].subject)


async def answer_for_silence(tx: Transaction, lapsed: Sequence[Placement]) -> None:
    """Extend the holds whose ladder still runs and whose beds nobody took; the others expire, and their households wait again."""
    await register.lock(tx, {offer.shelter_id for offer in lapsed})
    taken = await store.taken_by_others(tx, [offer.id for offer in lapsed])
    holds = {offer.id: None if offer.id in taken else next_hold(offer.hold, tx.now, timing.hold_span(tx)) for offer in lapsed}
    await _extend(tx, [(offer, hold) for offer in lapsed if (hold := holds[offer.id])])
    await _expire(tx, [offer for offer in lapsed if holds[offer.id] is None])


async def _extend(tx: Transaction, longer: Sequence[tuple[Placement, Hold]]) -> None:
    if longer:
        await store.save_placements(tx, [replace(offer, hold_until=hold.until) for offer, hold in longer])
        await store.extend(tx, {offer.id: hold.until for offer, hold in longer})
    for offer, hold in longer:
        tx.set_clock("hold", offer.subject, hold.until, key=offer.clock_key)
        say(tx, facts.Extended(placement_id=offer.id, shelter_id=offer.shelter_id, hold_until=hold.until), offer)


async def _expire(tx: Transaction, offers: Sequence[Placement]) -> None:
    known = await store.needs(tx, [offer.case_id for offer in offers])
    await let_go(tx, [replace(offer, state=Step.EXPIRED) for offer in offers])
    await record(tx, known, {offer.case_id: no_answer(known[offer.case_id], offer.shelter_id) for offer in offers})
    for offer in offers:
        say(tx, facts.Expired(placement_id=offer.id, shelter_id=offer.shelter_id), offer)


# -- availability ---------------------------------------------------------------------------------------------------------------------


async def say_availability(tx: Transaction, cause: Cause, *, secret: bool) -> None:
    """State which kinds of shelter filled up or have room again; the secret ones, as one kind, only when asked to."""
    bands: dict[str, str] = {}
    for row in await register.counts(tx):
        kind = HIDDEN if row.secret else row.kind
        if kind != HIDDEN or secret:
            # An offer that nobody said yes to yet shows nowhere: who asked for it would learn from it where she was offered one.
            has_room = row.open and row.free + row.offered > 0
            bands[kind] = Availability.AVAILABLE if has_room else bands.get(kind, Availability.FULL)
    said = await register.bands(tx)
    changed = {kind: band for kind, band in bands.items() if band != said.get(kind)}
    if changed:
        await register.say_bands(tx, changed)
    for kind, band in changed.items():
        fact = facts.AvailabilityChanged(kind=kind, availability=Availability(band))
        tx.emit(fact, uuid5(NAMESPACE_URL, f"naungan:shelter:{kind}"), cause=cause)
