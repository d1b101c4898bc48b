"""Makes placement's state again of what it said and its store lost: no bed twice, nobody in two beds, nothing without a clock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Received, Transaction
from chassis.bus.recovery import Lost, Unlearnt
from contracts import placement as facts
from contracts.event import Event
from contracts.intake import Closed, ContactLost, HouseholdChanged, ReferredOut, Reopened, RiskChanged, Triaged, Withdrawn
from contracts.vocabulary import SplitReason

from placement import handlers, retold, store
from placement.domain import needs
from placement.domain.needs import IN_FLIGHT, Need, State
from placement.domain.placements import EXPECTED, LIVE, ByHand, Placement, Said, Step
from placement.domain.relearn import (
    Answering,
    Book,
    Entering,
    Going,
    Moving,
    Offering,
    Relocating,
    Suspecting,
    Unmet,
    Waiting,
    Word,
    retell,
    split_anew,
)
from placement.domain.split import Group, follow
from placement.finding import timing
from placement.staying import arrivals, housing, transfers
from placement.staying.arrivals import LEGAL_GROUND
from placement.staying.stays import LEFT
from placement.store import groups, register, relearnt, staying
from placement.store.groups import Approved

SAID_OF_CASES = (Triaged, RiskChanged, HouseholdChanged, Withdrawn, ReferredOut, ContactLost, Closed, Reopened)
CLOCKS = ("hold", "arrival", "stay_review", "waiting_review", "no_show_review")
BED_TO_CONFIRM, NO_FREE_BED, SHELTER_UNKNOWN, LEGAL_GROUND_END = "bed_to_confirm", "no_free_bed", "shelter_unknown", "legal_ground_until"
TRANSFER_TO_REPEAT, SPLIT_AGREEMENTS, GROUP_UNKNOWN = "transfer_to_repeat", "split_agreements", "group_unknown"
# What a shelter's register was changed to is in no fact; a fact of that hour only tells which kinds had room. Who was on an answer by then
# answers or is asked again; that some of a household moved elsewhere is what their transfer says.
SAYS_NOTHING_OF_STATE = (
    facts.ClockMissed,
    facts.AvailabilityChanged,
    facts.Claimed,
    facts.CensusMissed,
)
ANSWERS = {"accepted": Step.ACCEPTED, "declined": Step.DECLINED, "expired": Step.EXPIRED, "cancelled": Step.CANCELLED}

STEPS = {
    facts.Accepted.type: Step.ACCEPTED,
    facts.OnTheWay.type: Step.ON_THE_WAY,
    facts.NoShow.type: Step.NO_SHOW,
    facts.Declined.type: Step.DECLINED,
    facts.Expired.type: Step.EXPIRED,
    facts.Cancelled.type: Step.CANCELLED,
}


async def relearn(lost: Lost, tx: Transaction) -> list[Unlearnt]:
    """Learn offers, stays and searches again; what intake said until then is heard first, so that it asks for nothing twice."""
    await register.say_bands(tx, {e.data.kind: e.data.availability.value for e in lost.own if isinstance(e.data, facts.AvailabilityChanged)})
    retold.nights(tx, lost.own)
    own = [event for event in lost.own if not isinstance(event.data, SAYS_NOTHING_OF_STATE) and not _moves_apart(event)]
    cases = sorted({event.subject for event in own})
    if not cases:
        return []
    await tx.lock(cases)
    before = await _books(tx, cases)
    heard = [event for event in lost.others if event.subject in before and isinstance(event.data, SAID_OF_CASES)]
    trail: retold.Trail = []
    books, unlearnt = _told(before, own, heard, trail)
    before = {need_id: before.get(need_id) or Book(Need(need_id)) for need_id in books}
    newest = {event.data.placement_id: event for event in own if hasattr(event.data, "placement_id")}
    unasked = {entry.id for book in books.values() for entry in book.placements.values() if entry.asks_to_move and entry.id in newest}
    books = {case_id: _timed(tx, _one_live(book, unasked)) for case_id, book in books.items()}
    unknown = await relearnt.note_shelters(tx, {entry.shelter_id for book in books.values() for entry in book.placements.values()})
    await retold.steps(tx, trail)
    slept = await _write(tx, before, books)
    live = [entry for book in books.values() for entry in book.standing]
    residents = {entry.id: books[entry.case_id].residents(entry) for entry in live}
    await relearnt.end_cleaning(tx)
    anew, without = await housing.give_beds(tx, live, residents)
    await staying.move_in(tx, [entry.id for entry in live if entry.state is Step.ADMITTED])
    # Who lives there sleeps somewhere, also in a bed that would have been cleaned.
    await register.clean(tx, slept)
    await retold.unmet_needs(tx, trail)
    # Who stays where is what the stays say; without any, it is what the placement says.
    await store.save_placements(tx, [replace(entry, members=residents[entry.id]) for entry in live if entry.id in without])
    await _agreements(tx, own)
    await _keep_splits(tx, own)
    await _set_clocks(tx, books)
    timing.beds_became_free(tx)
    unlearnt += [Unlearnt(newest[placement_id], BED_TO_CONFIRM) for placement_id in sorted(anew) if placement_id in newest]
    unlearnt += [Unlearnt(newest[placement_id], NO_FREE_BED) for placement_id in sorted(without) if placement_id in newest]
    unlearnt += [Unlearnt(newest[placement_id], TRANSFER_TO_REPEAT) for placement_id in sorted(unasked) if placement_id in newest]
    unlearnt += retold.explanations(own)
    unlearnt += [Unlearnt(event, SHELTER_UNKNOWN) for event in newest.values() if getattr(event.data, "shelter_id", None) in unknown]
    return unlearnt + [Unlearnt(event, LEGAL_GROUND_END) for event in own if _on_legal_ground(event)]


async def _books(tx: Transaction, cases: Collection[UUID]) -> dict[UUID, Book]:
    """The books of these cases and of their groups, by the ids of their needs."""
    known = await groups.households(tx, cases)
    placements, inside = await relearnt.placements_of(tx, known), await store.inside(tx, known)
    return {need_id: Book(need, placements[need_id], inside.get(need_id, {})) for need_id, need in known.items()}


def _moves_apart(event: Received[Any]) -> bool:
    """Whether a split only says that some of a household move elsewhere, which is what their transfer says."""
    return isinstance(event.data, facts.SplitApproved) and not event.data.group_ids


def _told(
    before: dict[UUID, Book], own: Sequence[Received[Any]], others: Sequence[Received[Any]], trail: retold.Trail
) -> tuple[dict[UUID, Book], list[Unlearnt]]:
    """The books after all that was lost, in the order in which it happened, noted in `trail`; of the others only what came before an own fact."""
    books, unlearnt = dict(before), list[Unlearnt]()
    last = {event.subject: event.time for event in own}
    heard = [event for event in others if event.time <= last[event.subject]]
    mine = {event.id for event in own}
    for event in sorted([*own, *heard], key=lambda event: (event.time, event.id in mine, event.factversion)):
        whole = books[event.subject]
        if event.id not in mine:
            books[event.subject] = replace(whole, need=needs.learn(whole.need, handlers.word_of(event)))
            books |= {name: replace(part, need=follow(part.need, books[event.subject].need)) for name, part in _parts(books, event.subject).items()}
        elif isinstance(event.data, facts.SplitApproved):
            for_safety = event.data.reason is SplitReason.SAFETY
            books |= split_anew(whole, _parts(books, event.subject), event.data.groups, apart=for_safety)
            unlearnt.append(Unlearnt(event, SPLIT_AGREEMENTS))
        else:
            need_id = getattr(event.data, "group_id", None) or event.subject
            # A group whose split is not known of any more: people look at it.
            book = books.get(need_id)
            after, missing = (whole, GROUP_UNKNOWN) if book is None else retell(book, _word(event))
            trail += [(event, book, after)] if book else []
            books |= {after.need.case_id: after}
            unlearnt += [Unlearnt(event, missing)] if missing else []
    return books, unlearnt


def _parts(books: Mapping[UUID, Book], case_id: UUID) -> dict[UUID, Book]:
    return {name: book for name, book in books.items() if book.need.part_of == case_id}


def _one_live(book: Book, unasked: Collection[UUID]) -> Book:
    """A case has one offer or stay at most, or the stays of those who were moved apart; an older one whose end nobody heard of has ended.

    A transfer of which something was lost (`unasked`) is taken back: those who would move stay where they are, and people ask again.
    """
    standing = {entry.id for entry in book.standing}
    asked = {e.id for e in book.placements.values() if e.asks_to_move and e.transfer_of in standing} - set(unasked)
    over = [e for e in book.placements.values() if e.state in LIVE and e.id not in standing | asked]
    ended = {e.id: replace(e, state=Step.CANCELLED) for e in over}
    return replace(book, placements={**book.placements, **ended})


def _timed(tx: Transaction, book: Book) -> Book:
    """The limits of the live one, not shorter than from now: nobody could answer or arrive while the store was away."""
    entry = book.live
    if entry is None or entry.state is Step.ADMITTED:
        return book
    hold, arrive = tx.now + timing.hold_span(tx), tx.now + tx.settings.span(hours=tx.settings.arrive_hours)
    if entry.state is Step.OFFERED:
        ladder = entry.ladder_until or timing.ladder_end(tx, entry.offered_at, book.need.risk)
        entry = replace(entry, hold_until=_later(entry.hold_until, hold), ladder_until=ladder)
    else:
        entry = replace(entry, arrive_by=_later(entry.arrive_by, arrive))
    return replace(book, placements={**book.placements, entry.id: entry})


def _later(moment: datetime | None, least: datetime) -> datetime:
    return least if moment is None else max(moment, least)


async def _write(tx: Transaction, before: dict[UUID, Book], books: dict[UUID, Book]) -> list[UUID]:
    """Write what changed; what ended is written, and its beds given back, before anything that lives. The beds in which somebody slept."""
    await store.save_needs(tx, [book.need for book in books.values()])
    changed = [e for case_id, book in books.items() for e in book.placements.values() if e != before[case_id].placements.get(e.id)]
    ended = [entry for entry in changed if entry.state not in LIVE]
    await store.save_placements(tx, ended)
    await store.free_beds(tx, [entry.id for entry in ended if entry.state is not Step.ENDED])
    slept = await store.end_stays(tx, [gone for book in books.values() for gone in book.gone])
    await store.save_placements(tx, [entry for entry in changed if entry.state in LIVE])
    return slept


async def _agreements(tx: Transaction, own: Iterable[Received[Any]]) -> None:
    admitted = [event for event in own if isinstance(event.data, (facts.Admitted, facts.AdmittedDirectly))]
    told = [(e.data.placement_id, person.person_id, person.agreement.value, e.data.admitted_at) for e in admitted for person in e.data.persons]
    await relearnt.agreements(tx, told)


async def _keep_splits(tx: Transaction, own: Iterable[Received[Any]]) -> None:
    """Keep that a household was split; who decided it, and how everyone agreed, is in no fact."""
    for event in own:
        if isinstance(event.data, facts.SplitApproved):
            parts = tuple(Group(frozenset(persons)) for persons in event.data.groups)
            said = Said(relearnt.NOBODY, event.time, relearnt.NOBODY)
            await groups.keep(tx, Approved(event.id, event.subject, parts, event.data.reason.value, (), said, event.time))


async def _set_clocks(tx: Transaction, books: dict[UUID, Book]) -> None:
    """Set the clock of each state anew, and take back those of states that are over."""
    spans = await arrivals.stay_spans(tx, {entry.shelter_id for book in books.values() for entry in book.placements.values()})
    for book in books.values():
        need, case_id = book.need, book.need.subject
        _cancel_clocks(tx, case_id, book)
        for entry in book.standing:
            kind, due = _clock_of(entry, tx.now, (entry.admitted_at or tx.now) + spans[entry.shelter_id])
            tx.set_clock(kind, case_id, due, key=arrivals.review_key(entry) if kind == arrivals.STAY_REVIEW else need.clock_key)
        if book.standing:
            continue
        if need.state is State.WAITING and need.waitlisted:
            tx.set_clock("waiting_review", case_id, _later(need.review_at, tx.now), key=need.clock_key)
        elif need.state in {State.NO_SHOW, *IN_FLIGHT}:
            timing.set_no_show_review(tx, need)
        elif need.state is State.SPLIT and need.members:
            tx.set_clock(timing.UNGROUPED, case_id, tx.now)


def _cancel_clocks(tx: Transaction, case_id: UUID, book: Book) -> None:
    for kind in CLOCKS:
        tx.cancel_clock(kind, case_id, book.need.clock_key)
    for entry in book.placements.values():
        tx.cancel_clock(arrivals.STAY_REVIEW, case_id, str(entry.id))
        if not entry.asks_to_move:
            tx.cancel_clock(transfers.TRANSFER, case_id, str(entry.id))
    for _, person, how in book.gone:
        tx.cancel_clock(arrivals.ABSENCE, case_id, str(person))
        if how != transfers.TRANSFERRED:
            tx.cancel_clock(LEGAL_GROUND, case_id, str(person))


def _clock_of(entry: Placement, now: datetime, review: datetime) -> tuple[str, datetime]:
    if entry.state is Step.ADMITTED:
        return "stay_review", _later(review, now)
    return ("arrival", _later(entry.arrive_by, now)) if entry.state in EXPECTED else ("hold", _later(entry.hold_until, now))


def _on_legal_ground(event: Received[Any]) -> bool:
    data: Event = event.data
    return isinstance(data, (facts.Admitted, facts.AdmittedDirectly)) and any(person.agreement == LEGAL_GROUND for person in data.persons)


def _word(event: Received[Any]) -> Word:
    """What a fact of placement says, in the domain's words."""
    data = event.data
    match data:
        case facts.Offered() | facts.Extended():
            offering = Offering(data.placement_id, data.shelter_id, event.time, data.hold_until, getattr(data, "persons", ()))
            by_hand = ByHand(data.by_hand, data.set_aside) if isinstance(data, facts.Offered) and data.by_hand else None
            return replace(offering, by_hand=by_hand)
        case facts.Admitted() | facts.AdmittedDirectly():
            household = handlers.persons_of(data.household.persons) if isinstance(data, facts.AdmittedDirectly) else ()
            persons = tuple(person.person_id for person in data.persons)
            return Entering(
                data.placement_id, data.shelter_id, data.admitted_at, persons, data.review_on, household, getattr(data, "re_entry", False)
            )
        case facts.Left() | facts.Discharged():
            return Going(data.placement_id, data.persons, LEFT if isinstance(data, facts.Left) else data.destination.value)
        case facts.Waitlisted():
            return Waiting(data.review_at)
        case facts.Unmet() | facts.ProbingSuspected():
            return Unmet() if isinstance(data, facts.Unmet) else Suspecting(data.changes)
        case _:
            return _of_transfer(event) or _step(event)


def _of_transfer(event: Received[Any]) -> Word | None:
    data = event.data
    match data:
        case facts.TransferOffered():
            return Offering(data.placement_id, data.shelter_id, event.time, data.hold_until, data.persons, data.from_placement_id)
        case facts.TransferAnswered():
            return Answering(data.placement_id, ANSWERS[data.answer.value])
        case facts.Transferred():
            return Relocating(data.placement_id, data.shelter_id, data.from_placement_id, data.moved_at, data.persons, data.review_on)
        case _:
            return None


def _step(event: Received[Any]) -> Moving:
    data = event.data
    reason, handover = getattr(data, "reason", None), getattr(data, "handover", None)
    until, to = getattr(data, "arrive_by", None), STEPS[event.type]
    return Moving(data.placement_id, data.shelter_id, event.time, to, reason and reason.value, until, handover and handover.value)
