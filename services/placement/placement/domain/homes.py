"""What a home is, and the rules that say whether it suits a household (DOMAIN.md section 5)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from placement.domain.people import ADULT, FEMALE, INFECTIOUS, MALE, UNKNOWN, WHEELCHAIR, Household, Person

OLDEST = 120
TRANSIT = frozenset({"panti_transit", "hotel_overflow"})
ACCESS_NEEDS = frozenset({WHEELCHAIR, "sensory", "care"})
HEALTH_NEEDS = frozenset({INFECTIOUS, "acute_psychiatric", "pregnant_late"})


@dataclass(frozen=True, slots=True)
class Population:
    """Whom a unit serves; ages in completed years, `boys_max_age` for boys who come with a woman where men are not served."""

    sexes: frozenset[str]
    min_age: int = 0
    max_age: int = OLDEST
    boys_max_age: int | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who stays in a room, or for whom a bed in it is held."""

    person_id: UUID
    case_id: UUID
    sex: str
    small: bool


@dataclass(frozen=True, slots=True)
class Room:
    """A room with its free beds and its guests; `serves` is its unit's population, None that of the shelter; `overflow` are beds of need."""

    id: UUID
    family: bool
    accessible: bool
    isolation: bool
    free: tuple[UUID, ...]
    guests: tuple[Guest, ...] = ()
    serves: Population | None = None
    overflow: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Home:
    """A shelter as a decision sees it; `avoided` are persons whom its guests must not meet.

    `conflicts` are persons and cases that somebody of its staff must not meet, `parameters` the shelter's own values of rules.
    """

    id: UUID
    kind: str
    secret: bool
    area: str
    sexes: frozenset[str]
    min_age: int
    max_age: int
    boys_max_age: int | None
    accepts_needs: frozenset[str]
    grounds_required: bool
    open: bool
    rooms: tuple[Room, ...]
    avoided: frozenset[UUID] = frozenset()
    sheltered: frozenset[UUID] = frozenset()
    conflicts: frozenset[UUID] = frozenset()
    parameters: Mapping[str, int] = field(default_factory=dict)

    @property
    def free_beds(self) -> int:
        """How many beds are free."""
        return sum(len(room.free) for room in self.rooms)

    @property
    def transit(self) -> bool:
        """Whether this is a transit home rather than a specialised one."""
        return self.kind in TRANSIT


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one home does not suit: the rule, and the fact it saw as a code."""

    home: UUID
    rule: str
    fact: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one home for one household: `answer` is yes, no or cost; `fact` is what it saw, as a code."""

    rule: str
    version: int
    answer: str
    fact: str = ""
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Considered:
    """One home as it was considered for one household: every rule's verdict, and the beds it was found to fit in, if any."""

    home: UUID
    verdicts: tuple[Verdict, ...]
    secret: bool = False


Rule = Callable[[Home, Household], str | None]


def is_open(home: Home, _household: Household) -> str | None:
    """A home that takes nobody now is not offered."""
    return None if home.open else "not_open"


def not_withheld(home: Home, household: Household) -> str | None:
    """A secret home is left to people's decision where somebody may be looking for it."""
    return household.withheld if home.secret else None


def no_gate(_home: Home, household: Household) -> str | None:
    """P9: who needs a hospital first is offered no home yet."""
    return "hospital_first" if household.medical_gate else None


def not_declined(home: Home, household: Household) -> str | None:
    """A home whose head said no is not asked again."""
    return "declined_before" if home.id in household.declined else None


def answers(home: Home, household: Household) -> str | None:
    """P12: a home that let the hold run out is not asked again before the next review."""
    return "no_answer_before" if home.id in household.not_now else None


def has_a_ground(home: Home, household: Household) -> str | None:
    """P7: a safe house only on one of the grounds."""
    return "no_ground" if home.grounds_required and not household.grounds else None


def population_matches(home: Home, household: Household) -> str | None:
    """P2: everyone's sex and age are served; a boy who comes with a woman is P3's."""
    for person in household.persons:
        if person.sex == UNKNOWN:
            if not {FEMALE, MALE} <= home.sexes:
                return "sex_unknown"
        elif person.sex not in home.sexes and not _boy_with_a_woman(person, household):
            return "sex_not_served"
        if not _age_served(home, person):
            return "age_not_served"
    return None


def boys_are_young_enough(home: Home, household: Household) -> str | None:
    """P3: boys come with a woman up to the home's own age limit."""
    for person in household.persons:
        if person.sex != MALE or person.adult:
            continue
        if home.boys_max_age is None:
            if MALE not in home.sexes:
                return "no_boys"
        elif person.age is not None and person.age > home.boys_max_age:
            return "boy_too_old"
    return None


def far_from_perpetrator(home: Home, household: Household) -> str | None:
    """P6: not in a kecamatan where the perpetrator lives or works."""
    return "perpetrator_area" if home.area in household.perpetrator_areas else None


def keeps_apart(home: Home, household: Household) -> str | None:
    """P5: nobody is housed with somebody they must be kept apart from, whichever of the two said so."""
    if household.keep_apart & home.sheltered or any(person.id in home.avoided for person in household.persons):
        return "keep_apart"
    return None


def is_accessible(home: Home, household: Household) -> str | None:
    """P8: what a member cannot do without must be there."""
    needs = household.needs & ACCESS_NEEDS
    if not needs <= home.accepts_needs:
        return "need_not_met"
    if WHEELCHAIR in needs and not any(room.accessible for room in home.rooms):
        return "no_accessible_room"
    return None


def can_care(home: Home, household: Household) -> str | None:
    """P9: a health need that the home cannot meet; an infection needs an isolation room."""
    needs = household.needs & HEALTH_NEEDS
    if not needs <= home.accepts_needs:
        return "health_need_not_met"
    if INFECTIOUS in needs and not any(room.isolation for room in home.rooms):
        return "no_isolation_room"
    return None


def has_beds(home: Home, household: Household) -> str | None:
    """P1: a bed for everyone that nobody has or holds."""
    return "not_enough_beds" if home.free_beds < len(household.persons) else None


# In the order in which a home is ruled out: what it is comes before how full it is, so that "full" is only said of a home that would suit.
SUITS: Mapping[Rule, str] = {
    is_open: "closed",
    not_withheld: "withheld",
    no_gate: "P9",
    not_declined: "declined",
    answers: "no_response",
    has_a_ground: "P7",
    population_matches: "P2",
    boys_are_young_enough: "P3",
    far_from_perpetrator: "P6",
    keeps_apart: "P5",
    is_accessible: "P8",
    can_care: "P9",
}
RULES: Mapping[Rule, str] = {**SUITS, has_beds: "P1"}
# What an offer that was made must still meet when more becomes known of the household.
STILL: Mapping[Rule, str] = {rule: code for rule, code in SUITS.items() if rule not in {is_open, not_declined, answers}}


def refusal(home: Home, household: Household, rules: Mapping[Rule, str] = RULES) -> Refusal | None:
    """The first of these rules that rules the home out for the household, or None."""
    for rule, code in rules.items():
        if fact := rule(home, household):
            return Refusal(home.id, code, fact, home.secret)
    return None


def summary(refusals: Iterable[Refusal]) -> dict[str, int]:
    """How many homes each rule ruled out. Secret homes are one, with no rule named, so that nothing can be inferred about them."""
    counted: dict[str, int] = {}
    for entry in refusals:
        if entry.secret:
            counted["secret"] = 1
        else:
            counted[entry.rule] = counted.get(entry.rule, 0) + 1
    return dict(sorted(counted.items()))


def taken(home: Home, household: Household, beds: Mapping[UUID, UUID]) -> Home:
    """The home after the household took these beds (bed ids by person id)."""
    used = set(beds.values())
    rooms = tuple(_room_taken(room, household, beds) if used.intersection(room.free) else room for room in home.rooms)
    return replace(home, rooms=rooms, sheltered=home.sheltered | beds.keys(), avoided=home.avoided | household.keep_apart)


def _room_taken(room: Room, household: Household, beds: Mapping[UUID, UUID]) -> Room:
    inside = [person for person in household.persons if beds[person.id] in room.free]
    guests = tuple(Guest(person.id, household.case_id, person.sex, person.small) for person in inside)
    used = {beds[person.id] for person in inside}
    return replace(room, free=tuple(bed for bed in room.free if bed not in used), guests=room.guests + guests)


def _boy_with_a_woman(person: Person, household: Household) -> bool:
    return person.sex == MALE and not person.adult and household.with_a_woman


def _age_served(home: Home, person: Person) -> bool:
    if person.age is not None:
        return home.min_age <= person.age <= home.max_age
    lowest, highest = (ADULT, OLDEST) if person.adult else (0, ADULT - 1)
    return home.min_age <= highest and lowest <= home.max_age
