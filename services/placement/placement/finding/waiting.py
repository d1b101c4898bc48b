"""The round of the waiting list: decided on a snapshot while no transaction is open, and written as far as it still holds.

A round of a lone household, or one that the cheap steps decide, is decided where it is written. Anything else is decided by the solver's process
before the round's clock is claimed: nothing is locked meanwhile, and what a crash leaves is a clock that is due. Of a long list a round decides on a
block (`rounds`), and another round follows; homes and households stay the texts that the store tells, so that a list takes neither memory nor time
from those who ask for something else.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from chassis import Cause, Due, Transaction

from placement import store
from placement.domain import assign, rounds
from placement.domain.explain import How
from placement.domain.homes import Home, taken
from placement.domain.offers import Offer, offer_home
from placement.domain.people import Household, rank
from placement.domain.recheck import still_hold
from placement.domain.rounds import Found, Line
from placement.domain.seen import Listed, home_of, listed_of, with_reasons
from placement.finding import matching, timing
from placement.finding.worker import Terms, Worker
from placement.store import line, reasons, register

# After so many answers in a row that did not hold, the households are decided on one by one: so many are written, then another round follows.
MOST_TURNS = 3
MOST_HERE = 100
# So many households are read, or written in one statement, before others have a turn.
SOME = 20

T = TypeVar("T")

worker = Worker()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Homes, and everybody who waits with their marks, as the store tells them."""

    homes: Mapping[UUID, str]
    waiting: Mapping[UUID, str]
    marks: Collection[UUID]
    terms: Terms


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found for the block of a round, on which snapshot, and whether the list goes on behind it."""

    snapshot: Snapshot
    found: Found
    more: bool


Read = Callable[[Callable[[Transaction], Awaitable[Any]]], Awaitable[Any]]


async def look(due: Sequence[Due], read: Read) -> Looked | None:
    """What the waiting list gets, decided while nothing is locked; None when it is decided at once, where it is written."""
    seen: Snapshot = await read(_snapshot)
    if not seen.waiting or timing.turn_of(due) > MOST_TURNS or _at_once(seen):
        return None
    block, more = list(seen.waiting), False
    if len(block) > rounds.BLOCK:
        chosen = await worker.chosen(seen.homes, list(seen.waiting.values()), seen.terms)
        if chosen is None:
            return None
        block, more = chosen
    kept = await read(lambda tx: line.reasons_of(tx, block))
    found = await worker.matched(seen.homes, [(seen.waiting[case_id], kept[case_id]) for case_id in block if case_id in kept], seen.terms)
    return None if found is None else Looked(seen, found, more)


async def _snapshot(tx: Transaction) -> Snapshot:
    listed = await line.listed(tx)
    homes = await register.seen(tx, await register.known(tx)) if listed else {}
    return Snapshot(homes, {row.case_id: row.told for row in listed}, [row.mark for row in listed], _terms(tx))


def _terms(tx: Transaction) -> Terms:
    return Terms(tx.settings.match_seconds, tx.now, timing.limits(tx), rounds.BLOCK)


def _at_once(seen: Snapshot) -> bool:
    if len(seen.waiting) > 1 and len(seen.waiting) * len(seen.homes) > assign.AT_ONCE:
        return False
    homes = [home_of(home_id, told) for home_id, told in seen.homes.items()]
    households = [listed_of(told, seen.terms.limits, seen.terms.now).household for told in seen.waiting.values()]
    return assign.at_once(homes, households) is not None


async def answer(tx: Transaction, looked: Looked | None, due: Sequence[Due], locked: Collection[UUID]) -> None:
    """Write what was found for the locked cases as far as it holds, and have another round for the rest; without an answer decide now."""
    cause, turn = due[-1].cause, 0
    if looked is None:
        found, more = await _decide_here(tx, locked)
        await _write(tx, found, found.lines, found.offers, cause)
    else:
        found, unseen = looked.found, await line.unseen(tx, looked.snapshot.marks)
        lines, offers = await _unchanged(tx, found, [listed_of(row.told, timing.limits(tx), tx.now).household for row in unseen])
        held = await _held(tx, looked.snapshot.homes, offers)
        await _write(tx, found, lines, held, cause)
        more = looked.more or bool(unseen) or len(held) < len(found.offers)
        turn = timing.turn_of(due) + 1 if len(held) < len(found.offers) else 0
    if more:
        timing.set_round(tx, cause=cause, turn=turn)


async def _unchanged(tx: Transaction, found: Found, unseen: Sequence[Household]) -> tuple[list[Line], list[Offer]]:
    """The lines of those who wait as they did, and of these the offers before which nobody goes of those who were not seen like that."""
    waiting = await line.waiting(tx, found.cases) - {household.case_id for household in unseen}
    lines = [entry for entry in found.lines if entry.case_id in waiting]
    first = min(map(rank, unseen), default=None)
    return lines, [entry.offer for entry in lines if entry.offer and (first is None or rank(entry.offer.household) < first)]


async def _held(tx: Transaction, seen: Mapping[UUID, str], offers: Sequence[Offer]) -> list[Offer]:
    """The offers that hold, their homes locked: all of a home that is as it was seen, and of another those that suit it still."""
    by_home: dict[UUID, list[Offer]] = {}
    for offer in offers:
        by_home.setdefault(offer.home, []).append(offer)
    if not by_home:
        return []
    now = await register.seen(tx, await register.lock(tx, by_home))
    held: set[UUID] = set()
    for home_id, told in now.items():
        wanted = by_home[home_id] if told == seen[home_id] else still_hold(home_of(home_id, told), by_home[home_id])
        held |= {offer.household.case_id for offer in wanted}
        await asyncio.sleep(0)
    return [offer for offer in offers if offer.household.case_id in held]


async def _write(tx: Transaction, found: Found, lines: Sequence[Line], held: Sequence[Offer], cause: Cause) -> None:
    """Write what a round found: the `lines` of those (locked) who wait as they did, and the offers that are `held`; the others of them wait on."""
    if not lines:
        return
    made_as = {entry.case_id: tx.new_id("decision", entry.case_id, cause) for entry in found.lines}
    await reasons.keep_lines(tx, found, made_as)
    waiting = [entry for entry in lines if entry.offer is None]
    known = await store.needs(tx, [o.household.case_id for o in held] + [entry.case_id for entry in waiting if not entry.told], reasons=False)
    needs = matching.waiting_from(tx, known.values())
    left = Counter(found.free)
    for some in _slices(held):
        await matching.record(tx, known, await matching.offer(tx, needs, some, left, made_as=made_as, cause=cause))
        left.subtract(offer.home for offer in some for _ in offer.beds)
    for told in _slices(waiting):
        reviews = {entry.case_id: matching.say_waiting(tx, needs[entry.case_id], entry.counts or {}, cause) for entry in told if not entry.told}
        await line.say_why(tx, told, reviews)
        await reasons.begin(tx, [reasons.unmet_line(entry.case_id, entry.persons, entry.risk, entry.counts or {}) for entry in told])


def _slices(entries: Sequence[T]) -> Iterator[Sequence[T]]:
    """A few at a time, so that others are answered in between."""
    return (entries[start : start + SOME] for start in range(0, len(entries), SOME))


# -- decided where it is written ------------------------------------------------------------------------------------------------------


async def _decide_here(tx: Transaction, locked: Collection[UUID]) -> tuple[Found, bool]:
    """Decide on the list under locks: together where that is done at once, otherwise one by one until some are written.

    And whether it goes on: also with who began to wait before the round had the line for itself, and is not locked.
    """
    everybody = await _in_order(tx)
    listed = [entry for entry in everybody if entry.household.case_id in locked]
    homes = await register.homes(tx) if listed else []
    decisions = assign.at_once(homes, [entry.household for entry in listed])
    if decisions is None:
        found, more = await _one_by_one(tx, homes, listed)
        return found, more or len(listed) < len(everybody)
    kept = await line.reasons_of(tx, [entry.household.case_id for entry in listed])
    entries = {c: with_reasons(entry, kept[c]) for entry in listed if (c := entry.household.case_id) in kept}
    lines = [made for decision in decisions if (made := rounds.line_of(entries[decision.household.case_id], decision))]
    return rounds.found_of(How.TOGETHER, homes, lines), len(listed) < len(everybody)


async def _in_order(tx: Transaction) -> list[Listed]:
    terms, listed = _terms(tx), list[Listed]()
    for row in await line.listed(tx):
        listed.append(listed_of(row.told, terms.limits, terms.now))
        if len(listed) % SOME == 0:
            await asyncio.sleep(0)
    return sorted(listed, key=lambda entry: rank(entry.household))


async def _one_by_one(tx: Transaction, homes: Sequence[Home], listed: Sequence[Listed]) -> tuple[Found, bool]:
    left, lines = {home.id: home for home in homes}, list[Line]()
    for start in range(0, len(listed), SOME):
        if len(lines) >= MOST_HERE:
            return rounds.found_of(How.IN_TURN, homes, lines), True
        some = listed[start : start + SOME]
        kept = await line.reasons_of(tx, [entry.household.case_id for entry in some])
        for entry in some:
            decision = offer_home(left.values(), entry.household)
            if isinstance(decision, Offer):
                left[decision.home] = taken(left[decision.home], entry.household, decision.beds)
            if made := rounds.line_of(with_reasons(entry, kept[entry.household.case_id]), decision):
                lines.append(made)
            await asyncio.sleep(0)  # a long list does not keep others from being answered
    return rounds.found_of(How.IN_TURN, homes, lines), False
