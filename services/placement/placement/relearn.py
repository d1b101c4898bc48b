"""Makes placement's state again of what it said and its store lost: no bed twice, nobody in two beds, nothing without a clock."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Received, Transaction
from chassis.bus.recovery import Lost, Unlearnt
from contracts import placement as facts
from contracts.event import Event
from contracts.intake import Closed, HouseholdChanged, ReferredOut, RiskChanged, Triaged, Withdrawn

from placement import arrivals, handlers, housing, matching, retold, store, transfers
from placement.arrivals import LEGAL_GROUND
from placement.domain import needs
from placement.domain.needs import IN_FLIGHT, State
from placement.domain.placements import EXPECTED, LIVE, ByHand, Placement, Step
from placement.domain.relearn import Answering, Book, Entering, Going, Moving, Offering, Relocating, Suspecting, Unmet, Waiting, Word, retell
from placement.stays import LEFT
from placement.store import register, relearnt, staying

SAID_OF_CASES = (Triaged, RiskChanged, HouseholdChanged, Withdrawn, ReferredOut, Closed)
CLOCKS = ("hold", "arrival", "stay_review", "waiting_review", "no_show_review")
BED_TO_CONFIRM, NO_FREE_BED, SHELTER_UNKNOWN, LEGAL_GROUND_END = "bed_to_confirm", "no_free_bed", "shelter_unknown", "legal_ground_until"
TRANSFER_TO_REPEAT = "transfer_to_repeat"
# What a shelter's register was changed to is in no fact; a fact of that hour only tells which kinds had room. Who was on an answer by then
# answers or is asked again; that a household lives apart is what its transfer says.
SAYS_NOTHING_OF_STATE = (
    facts.ClockMissed,
    facts.AvailabilityChanged,
    facts.Claimed,
    facts.SplitApproved,
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
    own = [event for event in lost.own if not isinstance(event.data, SAYS_NOTHING_OF_STATE)]
    cases = sorted({event.subject for event in own})
    if not cases:
        return []
    await tx.lock(cases)
    before = await _books(tx, cases)
    trail: retold.Trail = []
    books, unlearnt = _told(before, own, [e for e in lost.others if e.subject in before and isinstance(e.data, SAID_OF_CASES)], trail)
    newest = {event.data.placement_id: event for event in own if hasattr(event.data, "placement_id")}
    unasked = {entry.id for book in books.values() for entry in book.placements.values() if entry.asks_to_move and entry.id in newest}
    books = {case_id: _timed(tx, _one_live(book, unasked)) for case_id, book in books.items()}
    unknown = await relearnt.note_shelters(tx, {entry.shelter_id for book in books.values() for entry in book.placements.values()})
    await retold.steps(tx, trail)
    slept = await _write(tx, before, books)
    live = [entry for book in books.values() for entry in book.standing]
    residents = {entry.id: books[entry.case_id].residents(entry) for entry in live}
    anew, without = await housing.give_beds(tx, live, residents)
    await staying.move_in(tx, [entry.id for entry in live if entry.state is Step.ADMITTED])
    # Who lives there sleeps somewhere, also in a bed that would have been cleaned.
    await register.clean(tx, slept)
    await retold.unmet_needs(tx, trail)
    # Who stays where is what the stays say; without any, it is what the placement says.
    await store.save_placements(tx, [replace(entry, members=residents[entry.id]) for entry in live if entry.id in without])
    await _agreements(tx, own)
    await _set_clocks(tx, books)
    matching.beds_became_free(tx)
    unlearnt += [Unlearnt(newest[placement_id], BED_TO_CONFIRM) for placement_id in sorted(anew) if placement_id in newest]
    unlearnt += [Unlearnt(newest[placement_id], NO_FREE_BED) for placement_id in sorted(without) if placement_id in newest]
    unlearnt += [Unlearnt(newest[placement_id], TRANSFER_TO_REPEAT) for placement_id in sorted(unasked) if placement_id in newest]
    unlearnt += retold.explanations(own)
    unlearnt += [Unlearnt(event, SHELTER_UNKNOWN) for event in newest.values() if getattr(event.data, "shelter_id", None) in unknown]
    return unlearnt + [Unlearnt(event, LEGAL_GROUND_END) for event in own if _on_legal_ground(event)]


async def _books(tx: Transaction, cases: Collection[UUID]) -> dict[UUID, Book]:
    known, placements, inside = await store.needs(tx, cases), await relearnt.placements_of(tx, cases), await store.inside(tx, cases)
    return {case_id: Book(known[case_id], placements[case_id], inside.get(case_id, {})) for case_id in cases}


def _told(
    before: dict[UUID, Book], own: Sequence[Received[Any]], others: Sequence[Received[Any]], trail: retold.Trail
) -> tuple[dict[UUID, Book], list[Unlearnt]]:
    """The books after all that was lost, in the order in which it happened, noted in `trail`; of the others only what came before an own fact."""
    books, unlearnt = dict(before), list[Unlearnt]()
    last = {event.subject: event.time for event in own}
    heard = [event for event in others if event.time <= last[event.subject]]
    mine = {event.id for event in own}
    for event in sorted([*own, *heard], key=lambda event: (event.time, event.id in mine, event.factversion)):
        book = books[event.subject]
        if event.id in mine:
            books[event.subject], missing = retell(book, _word(event))
            trail.append((event, book, books[event.subject]))
            unlearnt += [Unlearnt(event, missing)] if missing else []
        else:
            books[event.subject] = replace(book, need=needs.learn(book.need, handlers.word_of(event)))
    return books, unlearnt


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
    hold, arrive = tx.now + matching.hold_span(tx), tx.now + tx.settings.span(hours=tx.settings.arrive_hours)
    if entry.state is Step.OFFERED:
        ladder = entry.ladder_until or matching.ladder_end(tx, entry.offered_at, book.need.risk)
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


async def _set_clocks(tx: Transaction, books: dict[UUID, Book]) -> None:
    """Set the clock of each state anew, and take back those of states that are over."""
    spans = await arrivals.stay_spans(tx, {entry.shelter_id for book in books.values() for entry in book.placements.values()})
    for case_id, book in books.items():
        _cancel_clocks(tx, case_id, book)
        for entry in book.standing:
            kind, due = _clock_of(entry, tx.now, (entry.admitted_at or tx.now) + spans[entry.shelter_id])
            tx.set_clock(kind, case_id, due, key=arrivals.review_key(entry))
        if book.standing:
            continue
        if book.need.state is State.WAITING and book.need.waitlisted:
            tx.set_clock("waiting_review", case_id, _later(book.need.review_at, tx.now))
        elif book.need.state in {State.NO_SHOW, *IN_FLIGHT}:
            matching.set_no_show_review(tx, case_id)


def _cancel_clocks(tx: Transaction, case_id: UUID, book: Book) -> None:
    for kind in CLOCKS:
        tx.cancel_clock(kind, case_id)
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
