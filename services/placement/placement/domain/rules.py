"""The rules that say whether a home suits a household, and at what cost (DOMAIN.md section 5, P1 to P19).

Each rule is a pure function of a home and a household. It answers yes, no, or yes at a cost, and names the fact it saw as one of a closed
list of codes. A hard rule says no; the rules that only prefer never do, but where a home's own parameters say so. Whoever sleeps in which room
is decided by `rooms` with the same populations (P2, P3, P4, P8, P9). P12, P13, P17 and P18 are clocks and steps; P11, P14 and P19 are how
people decide, who sees what, and in which order the households come.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from placement.domain.homes import KIN_OR_FOSTER, OLDEST, Home, Population, Refusal, Verdict, has_beds
from placement.domain.people import ADULT, FEMALE, INFECTIOUS, MALE, UNKNOWN, WHEELCHAIR, Household, Person

# Raised whenever a rule or a cost decides otherwise than before, so that an old decision is read with the rules that made it.
RULES_VERSION = 3

YES, NO, COST = "yes", "no", "cost"
ACCESS_NEEDS = frozenset({WHEELCHAIR, "sensory", "care"})
HEALTH_NEEDS = frozenset({INFECTIOUS, "acute_psychiatric", "pregnant_late"})
ISLANDS = "31.01"
CITY = 5  # the part of an area code that names the kota or kabupaten
# `too_far` of a home's parameters: distance never counts, is a cost (the default), or rules the home out.
NEVER_FAR, FAR_COSTS, FAR_REFUSES = 0, 1, 2

# What a placement costs, the sum over all parts. Each part weighs more than all parts after it together, for a household in up to seven rooms:
# beds of need last (P16), kin and foster first for a child without carer (P10), specialised before transit, near before far (P6); then, within the
# home, as few rooms as possible, children together, and rooms for whom they are meant (P4, P8).
OVERFLOW, WITHOUT_CARER, IN_TRANSIT, FAR = 8192, 4096, 2048, 1024
ANOTHER_ROOM, CHILDREN_APART, UNSUITED_ROOM = 128, 16, 1

Rule = Callable[[Home, Household], Verdict]


def is_open(home: Home, _household: Household) -> Verdict:
    """A home that takes nobody now is not offered."""
    return _hard("closed", None if home.open else "not_open")


def not_withheld(home: Home, household: Household) -> Verdict:
    """A secret home is left to people's decision where somebody may be looking for it (`probing`)."""
    return _hard("withheld", household.withheld if home.secret else None)


def no_gate(_home: Home, household: Household) -> Verdict:
    """P9: who needs a hospital first is offered no home yet."""
    return _hard("P9", "hospital_first" if household.medical_gate else None)


def not_declined(home: Home, household: Household) -> Verdict:
    """A home whose head said no is not asked again."""
    return _hard("declined", "declined_before" if home.id in household.declined else None)


def answers(home: Home, household: Household) -> Verdict:
    """P12: a home that let the hold run out is not asked again before the next review."""
    return _hard("no_response", "no_answer_before" if home.id in household.not_now else None)


def has_a_ground(home: Home, household: Household) -> Verdict:
    """P7: a safe house only on one of the grounds."""
    return _hard("P7", "no_ground" if home.grounds_required and not household.grounds else None)


def population_matches(home: Home, household: Household) -> Verdict:
    """P2: some unit of the home serves everyone's sex and age; a boy who comes with a woman is P3's."""
    return _hard("P2", next((fact for rule, fact in _unserved(home, household) if rule == "P2"), None))


def boys_are_young_enough(home: Home, household: Household) -> Verdict:
    """P3: boys come with a woman up to the unit's own age limit; an older one goes where he is served. A supervisor may set this rule aside."""
    return _hard("P3", next((fact for rule, fact in _unserved(home, household) if rule == "P3"), None))


def away_from_perpetrator(home: Home, household: Household) -> Verdict:
    """P6: not in a kecamatan where the perpetrator lives or works."""
    return _hard("P6", "perpetrator_area" if home.area in household.perpetrator_areas else None)


def keeps_apart(home: Home, household: Household) -> Verdict:
    """P5: nobody is housed with somebody they must be kept apart from, whichever of the two said so: guests, or somebody of the staff."""
    if not household.keep_apart.isdisjoint(home.sheltered) or any(person.id in home.avoided for person in household.persons):
        return _hard("P5", "keep_apart")
    case_id = household.part_of or household.case_id
    if home.conflicts and (case_id in home.conflicts or any(person.id in home.conflicts for person in household.persons)):
        return _hard("P5", "staff_conflict")
    return _hard("P5", None)


def is_accessible(home: Home, household: Household) -> Verdict:
    """P8: what a member cannot do without must be there."""
    needs = household.needs & ACCESS_NEEDS
    if not needs <= home.accepts_needs:
        return _hard("P8", "need_not_met")
    lacking = WHEELCHAIR in needs and not any(room.accessible for room in home.rooms)
    return _hard("P8", "no_accessible_room" if lacking else None)


def can_care(home: Home, household: Household) -> Verdict:
    """P9: a health need that the home cannot meet; an infection needs an isolation room."""
    needs = household.needs & HEALTH_NEEDS
    if not needs <= home.accepts_needs:
        return _hard("P9", "health_need_not_met")
    lacking = INFECTIOUS in needs and not any(room.isolation for room in home.rooms)
    return _hard("P9", "no_isolation_room" if lacking else None)


def near_enough(home: Home, household: Household) -> Verdict:
    """P6: another kota or kabupaten is far, the islands are far from everything; it costs, or rules the home out where its parameters say so."""
    limit = home.parameters.get("too_far", FAR_COSTS)
    if household.area is None or limit == NEVER_FAR:
        return _yes("P6", "area_not_known" if household.area is None else "distance_does_not_count")
    here, there = home.area[:CITY], household.area[:CITY]
    if here == there != ISLANDS:
        return _yes("P6", "near")
    return _hard("P6", "too_far") if limit == FAR_REFUSES else _cost("P6", "far", FAR)


def specialised_first(home: Home, _household: Household) -> Verdict:
    """A specialised home comes before a transit one (DOMAIN.md 4.6)."""
    return _cost("transit", "transit", IN_TRANSIT) if home.transit else _yes("transit", "specialised")


def kin_first(home: Home, household: Household) -> Verdict:
    """P10: for a child without carer, kin and foster families come before a home."""
    if household.with_an_adult:
        return _yes("P10", "with_an_adult")
    return _yes("P10", "family") if home.kind in KIN_OR_FOSTER else _cost("P10", "residential", WITHOUT_CARER)


def has_a_bed_for_everyone(home: Home, household: Household) -> Verdict:
    """P1: a bed for everyone that nobody has or holds."""
    return _hard("P1", has_beds(home, household))


# In the order in which a home is ruled out: what it is comes before how full it is, so that "full" is only said of a home that would suit.
SUITS: tuple[Rule, ...] = (
    is_open,
    not_withheld,
    no_gate,
    not_declined,
    answers,
    has_a_ground,
    population_matches,
    boys_are_young_enough,
    away_from_perpetrator,
    near_enough,
    keeps_apart,
    is_accessible,
    can_care,
)
RULES: tuple[Rule, ...] = (*SUITS, has_a_bed_for_everyone)
# What only prefers: it never rules a home out.
PREFERS: tuple[Rule, ...] = (specialised_first, kin_first)
# What an offer that was made must still meet when more becomes known of the household.
STILL: tuple[Rule, ...] = tuple(rule for rule in SUITS if rule not in {is_open, not_declined, answers})
# What changes with who is in the home, and so while a batch is matched; the rest is as it is.
WITH_GUESTS: tuple[Rule, ...] = (keeps_apart, has_a_bed_for_everyone)


def verdicts(home: Home, household: Household) -> tuple[Verdict, ...]:
    """What every rule says of the home for the household, not only the first that refuses it."""
    return tuple(rule(home, household) for rule in (*RULES, *PREFERS))


def refusal(home: Home, household: Household, rules: Iterable[Rule] = RULES) -> Refusal | None:
    """The first of these rules that rules the home out for the household, or None."""
    for rule in rules:
        verdict = rule(home, household)
        if verdict.answer == NO:
            return Refusal(home.id, verdict.rule, verdict.fact, home.secret)
    return None


def refused_by(found: Iterable[Verdict]) -> Verdict | None:
    """The first verdict that says no."""
    return next((verdict for verdict in found if verdict.answer == NO), None)


def cost_of(found: Iterable[Verdict]) -> int:
    """What these verdicts cost together."""
    return sum(verdict.cost for verdict in found)


# -- persons and populations --------------------------------------------------------------------------------------------------------


def serves(population: Population, person: Person, household: Household) -> bool:
    """Whether a person may sleep where this population is served (P2, P3)."""
    return unserved(population, person, with_a_woman=household.with_a_woman, any_boy="P3" in household.overrides) is None


@lru_cache(maxsize=65536)
def _unserved_kind(population: Population, sex: str, age: int | None, *, adult: bool, with_a_woman: bool, any_boy: bool) -> tuple[str, str] | None:
    """Why not, as (rule, fact)."""
    boy = sex == MALE and not adult
    if sex == UNKNOWN:
        if not {FEMALE, MALE} <= population.sexes:
            return "P2", "sex_unknown"
    elif sex not in population.sexes and not (boy and with_a_woman):
        return "P2", "sex_not_served"
    lowest, highest = (age, age) if age is not None else (ADULT, OLDEST) if adult else (0, ADULT - 1)
    if not (population.min_age <= highest and lowest <= population.max_age):
        return "P2", "age_not_served"
    if not boy or any_boy:
        return None
    if population.boys_max_age is None:
        return None if MALE in population.sexes else ("P3", "no_boys")
    return ("P3", "boy_too_old") if age is not None and age > population.boys_max_age else None


def unserved(population: Population, person: Person, *, with_a_woman: bool, any_boy: bool) -> tuple[str, str] | None:
    """Why a person may not sleep where this population is served, as (rule, fact), or None."""
    return _unserved_kind(population, person.sex, person.age, adult=person.adult, with_a_woman=with_a_woman, any_boy=any_boy)


def _unserved(home: Home, household: Household) -> list[tuple[str, str]]:
    """Of each member whom no unit of the home serves, what came nearest: a boy over the limit is P3's, anybody else P2's."""
    with_a_woman, any_boy = household.with_a_woman, "P3" in household.overrides
    found = (_unserved_in(home, person, with_a_woman=with_a_woman, any_boy=any_boy) for person in household.persons)
    return [reason for reason in found if reason is not None]


def _unserved_in(home: Home, person: Person, *, with_a_woman: bool, any_boy: bool) -> tuple[str, str] | None:
    """Why no unit of the home serves a person, or None. Persons who are alike for it are many: the answer is remembered with the home."""
    alike = (person.sex, person.age, person.adult, with_a_woman, any_boy)
    if alike not in home.memo:
        reasons = [unserved(population, person, with_a_woman=with_a_woman, any_boy=any_boy) for population in home.populations]
        home.memo[alike] = None if None in reasons else max(reason for reason in reasons if reason)
    found: tuple[str, str] | None = home.memo[alike]
    return found


# -- verdicts -------------------------------------------------------------------------------------------------------------------------


def of_rooms(fact: str, cost: int = 0) -> Verdict:
    """P4: what was found of the rooms: `fits` at a cost, `rooms_do_not_fit`, or `not_tried` because a better home was found before."""
    if fact == "rooms_do_not_fit":
        return _hard("P4", fact)
    return _cost("P4", fact, cost) if cost else _yes("P4", fact)


def of_overflow(beds: int) -> Verdict:
    """P16: how many beds of need the household would take."""
    return _cost("P16", "overflow_beds", beds * OVERFLOW) if beds else _yes("P16", "ordinary_beds")


@lru_cache(maxsize=1024)
def _verdict(rule: str, answer: str, fact: str, cost: int) -> Verdict:
    return Verdict(rule, RULES_VERSION, answer, fact, cost)


def _hard(rule: str, fact: str | None) -> Verdict:
    return _verdict(rule, NO, fact, 0) if fact else _verdict(rule, YES, "", 0)


def _yes(rule: str, fact: str) -> Verdict:
    return _verdict(rule, YES, fact, 0)


def _cost(rule: str, fact: str, cost: int) -> Verdict:
    return _verdict(rule, COST, fact, cost)
