"""What came of a decision, to be said to others, and how a decision is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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
    """A deadline ran out."""

    clock: str
    due: datetime


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


class StateError(Exception):
    """The state of the case, of one person in it or of one follow-up does not allow this."""

    def __init__(self, state: StrEnum) -> None:
        super().__init__(state.value)
        self.state = state.value


class FieldError(Exception):
    """Some fields are wrong; `problems` are pairs of a field and a code, never a value."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in problems))
        self.problems = tuple(problems)


class OwnPlanError(Exception):
    """Whoever proposed a plan, or works on the case, does not decide on it."""


class UnknownError(Exception):
    """There is nothing of this number."""
