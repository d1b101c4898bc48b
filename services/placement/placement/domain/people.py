"""Who looks for a bed: persons as little as a bed needs to know, and the household that stays together."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

ADULT = 18  # UU 35/2014: a child is under 18
SMALL_CHILD = 7  # sleeps with its carer, whatever the sex

FEMALE, MALE, UNKNOWN = "female", "male", "unknown"
CHILD = "child"
WHEELCHAIR, INFECTIOUS = "wheelchair", "infectious"
RISKS = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Person:
    """One member of a household; `age` in completed years."""

    id: UUID
    sex: str
    age: int | None = None
    role: str = "victim"
    needs: frozenset[str] = frozenset()

    @property
    def adult(self) -> bool:
        """Whether this is an adult; an unknown age is taken as what the role says."""
        return self.role != CHILD if self.age is None else self.age >= ADULT

    @property
    def small(self) -> bool:
        """Whether this is a small child."""
        return self.age is not None and self.age < SMALL_CHILD


@dataclass(frozen=True, slots=True)
class Household:
    """Those who are to be housed together, and what decides where; `declined` and `not_now` are homes that said no or nothing.

    `area` is where they are to be fetched, `channel` how they came, `overrides` the rules that a supervisor set aside for them,
    `withheld` why secret homes are left to people's decision, `part_of` the case of which this is one group of a split household.
    """

    case_id: UUID
    persons: tuple[Person, ...]
    waiting_since: datetime
    grounds: frozenset[str] = frozenset()
    keep_apart: frozenset[UUID] = frozenset()
    perpetrator_areas: frozenset[str] = frozenset()
    medical_gate: bool = False
    declined: frozenset[UUID] = frozenset()
    not_now: frozenset[UUID] = frozenset()
    risk: str = "medium"
    channel: str | None = None
    area: str | None = None
    overrides: frozenset[str] = frozenset()
    withheld: str | None = None
    part_of: UUID | None = None

    # What follows from the persons, worked out once: everything that some member needs, and whether an adult, or an adult woman, is among them.
    needs: frozenset[str] = field(init=False, compare=False, repr=False)
    with_an_adult: bool = field(init=False, compare=False, repr=False)
    with_a_woman: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Work out what follows from the persons."""
        follows = {
            "needs": frozenset[str]().union(*(person.needs for person in self.persons)),
            "with_an_adult": any(person.adult for person in self.persons),
            "with_a_woman": any(person.adult and person.sex == FEMALE for person in self.persons),
        }
        for name, value in follows.items():
            object.__setattr__(self, name, value)


def in_order(households: Iterable[Household]) -> list[Household]:
    """The waiting list: the highest risk first, then who has waited longest, whatever was refused before (P15, P19)."""
    return sorted(households, key=rank)


def rank(household: Household) -> tuple[int, datetime, UUID, bool, int, UUID]:
    """The place of a household in the waiting list; a level of risk that is not known comes with the medium one.

    Groups of a household that was split have its place; among them those with children come first, then the larger ones, for whom there are
    fewer homes.
    """
    risk, case_id = RISKS.get(household.risk, RISKS["medium"]), household.part_of or household.case_id
    grown = all(person.adult for person in household.persons)
    return risk, household.waiting_since, case_id, grown, -len(household.persons), household.case_id
