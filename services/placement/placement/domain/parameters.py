"""Which rules a shelter may set values of its own for, within which bounds, and what each value means."""

from collections.abc import Mapping
from dataclasses import dataclass

from placement.domain.rules import FAR_COSTS, FAR_REFUSES, NEVER_FAR


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a shelter may set: the least and the most it may be, and what it says."""

    least: int
    most: int
    meaning: str


# The rules read these from `Home.parameters`; where a shelter says nothing, the rule's own default holds.
PARAMETERS: Mapping[str, Parameter] = {
    "boys_max_age": Parameter(0, 17, "P3: the oldest boy who may come with a woman, in the place of the shelter's own limit"),
    "too_far": Parameter(
        NEVER_FAR,
        FAR_REFUSES,
        f"P6: another kota or kabupaten never counts ({NEVER_FAR}), is a cost ({FAR_COSTS}), rules the shelter out ({FAR_REFUSES})",
    ),
}


def out_of_bounds(values: Mapping[str, int]) -> list[tuple[str, str]]:
    """What is wrong with these values, as (name, code); empty when all may be set."""
    problems: list[tuple[str, str]] = []
    for name, value in values.items():
        known = PARAMETERS.get(name)
        if known is None:
            problems.append((name, "not_known"))
        elif not known.least <= value <= known.most:
            problems.append((name, "out_of_bounds"))
    return problems
