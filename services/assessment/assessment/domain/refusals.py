"""What the domain refuses, and what it says with it: never a value."""

from collections.abc import Sequence
from enum import StrEnum


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
