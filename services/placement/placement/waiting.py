"""The round of the waiting list: decided on a snapshot while no transaction is open, and written as far as it still holds.

A round of a lone household, or one that the cheap steps decide, is decided where it is written. Anything else is decided by the solver's process
before the round's clock is claimed: nothing is locked meanwhile, and what a crash leaves is a clock that is due.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from chassis import Due, Transaction

from placement import matching, store
from placement.domain.assign import at_once
from placement.domain.explain import Decided, How
from placement.domain.homes import Home
from placement.domain.needs import State
from placement.domain.people import Household
from placement.domain.recheck import recheck
from placement.store import register
from placement.worker import Worker

# After so many answers in a row that did not hold, the households are decided on one by one.
MOST_TURNS = 3
Snapshot = tuple[list[Home], list[Household], float]

worker = Worker()


async def look(due: Sequence[Due], read: Callable[[Callable[[Transaction], Awaitable[Snapshot]]], Awaitable[Snapshot]]) -> Decided | None:
    """What the whole waiting list gets, decided while nothing is locked; None when it is decided at once, where it is written."""
    homes, households, seconds = await read(_snapshot)
    if not households or matching.turn_of(due) > MOST_TURNS or at_once(homes, households) is not None:
        return None
    found = await worker.matched(homes, households, seconds)
    return None if found is None else Decided(How.SOLVED, homes, found.decisions)


async def _snapshot(tx: Transaction) -> Snapshot:
    households = [matching.household_of(tx, need) for need in await store.waiting(tx)]
    homes = await register.homes(tx, locked=False) if households else []
    return homes, households, tx.settings.match_seconds


async def answer(tx: Transaction, cases: Sequence[UUID], found: Decided | None, due: Sequence[Due]) -> None:
    """Write what was found for these (locked) cases as far as it holds, and have another round for the rest; without an answer decide now."""
    cause = due[-1].cause
    known = await store.needs(tx, cases)
    needs = matching.waiting_from(tx, [need for need in known.values() if need.state is State.WAITING])
    if not needs:
        return
    homes = await register.homes(tx)
    households = [matching.household_of(tx, need) for need in needs.values()]
    if found is None:
        decisions = at_once(homes, households)
        if decisions is None:
            await matching.record(tx, known, await matching.place(tx, homes, list(needs.values()), cause))
            return
        await matching.record(tx, known, await matching.settle(tx, needs, Decided(How.TOGETHER, homes, decisions), cause=cause))
        return
    held, again = recheck(homes, households, found.decisions)
    if again:
        matching.set_round(tx, cause=cause, turn=matching.turn_of(due) + 1)
    await matching.record(tx, known, await matching.settle(tx, needs, found, held, cause))
