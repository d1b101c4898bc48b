"""The record of a lost hour: what the facts still tell of it, and what people are asked because nobody else knows.

The ledger of unmet needs, the times of all steps and the nights that nobody confirmed follow from the facts. Why a home was offered or not does
not, nor does what the register of shelters was changed to: the first is listed decision by decision, the second house by house.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from chassis import Received, Transaction
from chassis.bus.recovery import Unlearnt, Unsaid
from contracts import placement as facts

from placement.domain import ledger
from placement.domain.relearn import Book
from placement.nights import hours_of
from placement.store import census, relearnt

EXPLANATION, INVENTORY = relearnt.EXPLANATION, "inventory"
EXPLAINED = (facts.Offered, facts.TransferOffered, facts.Waitlisted)
# One lost fact after the other, with the book of its case before and after it.
Trail: TypeAlias = list[tuple[Received[Any], Book, Book]]


async def steps(tx: Transaction, trail: Trail) -> None:
    """Keep when each lost step was taken; before the placements are written, whose steps would otherwise be of today."""
    taken = [
        (entry.id, entry.state.value, event.time)
        for event, before, after in trail
        for entry in after.placements.values()
        if entry.id not in before.placements or before.placements[entry.id].state is not entry.state
    ]
    await relearnt.note_steps(tx, taken)


async def unmet_needs(tx: Transaction, trail: Trail) -> None:
    """Let the ledger of unmet needs say what it said, line by line."""
    told = [
        entry
        for event, before, after in trail
        if (entry := ledger.retold(before.need, after.need, event.time, _refusals(event.data), getattr(event.data, "shelter_id", None)))
    ]
    await relearnt.tell_ledger(tx, told)


def nights(tx: Transaction, own: Iterable[Received[Any]]) -> None:
    """Nobody is told again that a night was not confirmed: the next one is asked for."""
    for event in own:
        if isinstance(event.data, facts.CensusMissed):
            tx.set_clock(census.CLOCK, event.subject, hours_of(tx.settings).next_deadline(event.time))


def explanations(own: Iterable[Received[Any]]) -> list[Unlearnt]:
    """The decisions whose reasons are lost, each by the fact that said it."""
    return [Unlearnt(event, EXPLANATION) for event in own if isinstance(event.data, EXPLAINED)]


async def untold(tx: Transaction) -> Sequence[Unsaid]:
    """Every house that is registered: its rooms and beds, what blocks or closes it, whom its staff must not meet and who is away may be of before."""
    return [Unsaid(shelter_id, INVENTORY) for shelter_id in await relearnt.registered(tx)]


def _refusals(data: Any) -> dict[str, int]:
    return {entry.rule: entry.shelters for entry in getattr(data, "refusals", ())}
