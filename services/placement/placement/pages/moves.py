"""Whose move it is: what waits in placement for whom, the most urgent first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from placement.api.placement_views import PlacementView
from placement.domain.placements import JAKARTA, REVIEW_AHEAD, REVIEW_BY, Step


class What(StrEnum):
    """What is to be done."""

    ANSWER = "answer"
    SEND_OFF = "send_off"
    ADMIT = "admit"
    MOVE = "move"
    COME_BACK = "come_back"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Move:
    """One matter: what is to be done about which placement, by when, and whether that is the reader's move."""

    what: What
    due: datetime | None
    yours: bool
    placement: PlacementView

    def late(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.due is not None and self.due < now


HEADS = frozenset({What.ANSWER, What.ADMIT, What.MOVE, What.COME_BACK, What.REVIEW})


def moves(placements: Iterable[PlacementView], now: datetime, *, heads: bool) -> list[Move]:
    """What waits: first the reader's own, of these the first that is due; `heads` is whether who reads answers for a shelter."""
    found = [move for entry in placements if (move := _move(entry, now, heads=heads)) is not None]
    return sorted(found, key=lambda move: (not move.yours, move.due is None, move.due or now, move.placement.placement_id))


def _move(entry: PlacementView, now: datetime, *, heads: bool) -> Move | None:
    what, due = _waits(entry, now)
    return None if what is None else Move(what, due, (what in HEADS) == heads, entry)


def _waits(entry: PlacementView, now: datetime) -> tuple[What | None, datetime | None]:
    match entry.state:
        case Step.OFFERED:
            return What.ANSWER, entry.hold_until
        case Step.ACCEPTED if entry.transfer_of is not None:
            return What.MOVE, entry.arrive_by
        case Step.ACCEPTED:
            return What.SEND_OFF, entry.arrive_by
        case Step.ON_THE_WAY:
            return What.ADMIT, entry.arrive_by
        case Step.ADMITTED:
            return _inside(entry, now)
        case _:
            return None, None


def _inside(entry: PlacementView, now: datetime) -> tuple[What | None, datetime | None]:
    """Of a household that is in: who has not come back in time, or the review of its stay."""
    late = [member.away_until for member in entry.members if member.away_until is not None and member.away_until < now]
    if late:
        return What.COME_BACK, min(late)
    if entry.review_on is None:
        return None, None
    review = datetime.combine(entry.review_on, REVIEW_BY, JAKARTA)
    return (What.REVIEW, review) if review - REVIEW_AHEAD <= now else (None, None)
