"""What state a bed is in: derived from who has it and what blocks it, never stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class BedState(StrEnum):
    """The state of one bed at one moment."""

    FREE = "free"
    HELD = "held"
    OCCUPIED = "occupied"
    CLEANING = "cleaning"
    OUT_OF_SERVICE = "out_of_service"


@dataclass(frozen=True, slots=True)
class Use:
    """A bed in which a person sleeps (`inside`), or that is held for her, from `since` until `until`; None is until she leaves.

    `placement_id` is the offer or stay that it is of.
    """

    person_id: UUID
    inside: bool
    since: datetime
    until: datetime | None
    placement_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A time in which a bed may be given to nobody; `kind` is the state it is in then."""

    id: UUID
    kind: BedState
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Bed:
    """A bed with everything that may decide on its state; `flagged` is one that is out of service until somebody says otherwise."""

    id: UUID
    flagged: bool = False
    uses: tuple[Use, ...] = ()
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a bed now, until when it is in it if that is known, and who has it."""

    state: BedState
    until: datetime | None = None
    use: Use | None = None


# Somebody in it comes before what blocks it: who sleeps there stays.
FIRST = (BedState.OCCUPIED, BedState.HELD, BedState.OUT_OF_SERVICE, BedState.CLEANING)


def standing(bed: Bed, now: datetime) -> Standing:
    """The state of a bed at this moment, and the first moment after it at which it is known to be in another."""
    state = _state(bed, now)
    spans: list[Use | Block] = [*bed.uses, *bed.blocks]
    edges = sorted(edge for span in spans for edge in (span.since, span.until) if edge is not None and edge > now)
    until = next((edge for edge in edges if _state(bed, edge) is not state), None)
    return Standing(state, until, next((use for use in bed.uses if _covers(use, now)), None))


def _state(bed: Bed, at: datetime) -> BedState:
    """The first of FIRST that something says of the bed, or free."""
    said = {block.kind for block in bed.blocks if _covers(block, at)}
    said |= {BedState.OCCUPIED if use.inside else BedState.HELD for use in bed.uses if _covers(use, at)}
    if bed.flagged:
        said.add(BedState.OUT_OF_SERVICE)
    return next((state for state in FIRST if state in said), BedState.FREE)


def _covers(span: Use | Block, now: datetime) -> bool:
    return span.since <= now and (span.until is None or now < span.until)


def counted(standings: Iterable[Standing]) -> dict[BedState, int]:
    """How many beds are in each state."""
    found = dict.fromkeys(BedState, 0)
    for entry in standings:
        found[entry.state] += 1
    return found
