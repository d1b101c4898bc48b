"""What came of a decision, to be said to others."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Given:
    """A social worker has the case; `anew` when another had it before."""

    worker: UUID
    due: datetime
    anew: bool = False
    round_version: int = 0
    reentry: int = 0


@dataclass(frozen=True, slots=True)
class Missed:
    """A deadline ran out, for the `step`-th time since it was set; `service` when it is that of one service."""

    clock: str
    due: datetime
    step: int = 1
    service: UUID | None = None


@dataclass(frozen=True, slots=True)
class FollowupCame:
    """A follow-up is due."""

    number: int
    due: datetime


@dataclass(frozen=True, slots=True)
class FollowupEnded:
    """A follow-up was done with a result, or missed (no result); `last` when no other is planned."""

    number: int
    result: str | None
    last: bool


@dataclass(frozen=True, slots=True)
class FollowupTried:
    """Somebody tried to follow up and reached nobody; `decide_by` once that was tried often enough, and a supervisor is to decide."""

    number: int
    tries: int
    decide_by: datetime | None = None


Said = FollowupTried | Given | Missed | FollowupCame | FollowupEnded
