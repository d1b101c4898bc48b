"""The ledger of unmet needs: when a household's need for a bed begins to be unmet, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from placement.domain.homes import summary
from placement.domain.needs import Need, State


class Ending(StrEnum):
    """What became of an unmet need."""

    HOUSED = "housed"
    DECLINED = "declined"  # the survivor said no to a bed that came later
    WITHDRAWN = "withdrawn"  # the case is over
    LOST = "lost"  # she did not come or could not be reached, and people ended the search
    SPLIT = "split"  # the household is housed in groups, each of which has a line of its own
    SETTLED = "settled"  # people ended the search, or no shelter is needed any more


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the ledger as it is written: it begins, it ends, or both; `refusals` count the homes that each rule refused."""

    case_id: UUID
    persons: int
    risk: str
    refusals: dict[str, int]
    ended_as: Ending | None = None
    only_if_begun: bool = False


ENDINGS = {
    State.ADMITTED: Ending.HOUSED,
    State.DECLINED: Ending.DECLINED,
    State.ENDED: Ending.WITHDRAWN,
    State.SETTLED: Ending.SETTLED,
    State.NONE: Ending.SETTLED,
    State.SPLIT: Ending.SPLIT,
}
LOOKING = frozenset({State.WAITING, State.NO_SHOW})


def line(before: Need, after: Need) -> Line | None:
    """What the ledger says of a need that was and is, or None when it says nothing.

    A need that ends without a bed is told even if it never was on the waiting list; one that was being met leaves a line only if it
    had begun one.
    """
    ended = ending(before, after)
    if ended is None and not after.waitlisted:
        return None
    reasons = after.reasons or before.reasons
    unmet = before.state in LOOKING and ended in {Ending.WITHDRAWN, Ending.LOST, Ending.SETTLED}
    return Line(
        after.case_id, len(after.members or before.members), after.risk, summary(reasons), ended, only_if_begun=ended is not None and not unmet
    )


def ending(before: Need, after: Need) -> Ending | None:
    """How an unmet need ends when a need goes from one state to another; None while it goes on, or nothing was sought."""
    if before.state is after.state or before.state in {State.NONE, State.ADMITTED, State.SPLIT, State.SETTLED, State.ENDED}:
        return None
    if before.state is State.NO_SHOW and after.state is State.SETTLED:
        return Ending.LOST
    return ENDINGS.get(after.state)


@dataclass(frozen=True, slots=True)
class Retold:
    """A line as a lost fact tells it again: since or until when, and in which shelter somebody was housed."""

    line: Line
    at: datetime
    shelter_id: UUID | None


def retold(before: Need, after: Need, at: datetime, refusals: Mapping[str, int], shelter_id: UUID | None) -> Retold | None:
    """What the ledger says of a need before and after a fact of that time; `refusals` and the shelter are those that the fact names, if any."""
    entry = line(before, after)
    if entry is None:
        return None
    housed = entry.ended_as is Ending.HOUSED
    return Retold(replace(entry, refusals=dict(refusals) or entry.refusals), at, shelter_id if housed else None)
