"""When a secret house may not be offered by the system alone, because who asks may be looking for it."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from placement.domain.homes import Home, Refusal

CHANGED, TOO_MANY = "areas_changed_often", "too_many_areas"


@dataclass(frozen=True, slots=True)
class Limits:
    """How often one case may name other areas of a perpetrator, and how many it may name at once."""

    changes: int
    areas: int


def changes(named: Collection[frozenset[str]]) -> int:
    """How often the named areas changed, told in the order of their versions; the first ones are no change."""
    return sum(one != other for one, other in pairwise(named))


def withheld(areas: Collection[str], area_changes: int, limits: Limits) -> str | None:
    """Why secret houses are left out until a person decides, or None."""
    if area_changes > limits.changes:
        return CHANGED
    return TOO_MANY if len(areas) > limits.areas else None


def suspected(before: int, after: int, limits: Limits) -> bool:
    """Whether one more change is to be told to a supervisor."""
    return after > max(before, limits.changes)


def left_to_people(home: Home, against: Refusal) -> bool:
    """Whether what now stands against a home whose head said yes is for people to decide on.

    Taken back by the system, a secret house would tell by it in which area it lies or who is in it; that a hospital comes first tells nothing.
    """
    return home.secret and against.fact != "hospital_first"
