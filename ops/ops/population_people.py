"""What an invented person is called and told by: names, numbers, needs and family of people who do not exist.

Names are joined syllables, every NIK is of province 00, phones are of an area code 000, addresses are on a Jalan Contoh. Every
NIK is well formed but for its province.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar

from ops import population_figures as figures

T = TypeVar("T")
Body = dict[str, Any]

ADULT: Final = 18


def person(rng: Random, as_of: datetime, role: str, sex: str, age: int) -> Body:
    """One invented person; what an agency often does not know is left out."""
    body: Body = {"role": role, "name": name(rng, sex), "sex": sex, "age": age, "needs": needs(rng, sex, age)}
    body |= {"phone": phone(rng), "address": f"Jalan Contoh {rng.choice(figures.STREETS)} {rng.randint(1, 180)}"}
    if rng.random() >= figures.NO_NIK_SHARE:
        body["nik"] = nik(rng, as_of, sex, age)
    unknown = {field for field, share in figures.UNKNOWN_SHARES.items() if rng.random() < share}
    if role == "victim":
        unknown.discard("age")
    if age < ADULT:
        unknown.add("phone")
    return {field: value for field, value in body.items() if field not in unknown}


def children_of(rng: Random, as_of: datetime, age: int, share: float) -> list[Body]:
    """The children who come along with an adult, if any do."""
    if rng.random() >= share:
        return []
    oldest = min(ADULT - 1, age - 17)
    ages = [rng.randint(0, oldest) for _ in range(pick(rng, figures.CHILDREN_WITH_HER))]
    return [person(rng, as_of, "child", rng.choice(("female", "male")), years) for years in ages]


def family_of_child(rng: Random, as_of: datetime, age: int, relation: str) -> list[Body]:
    """The carer and the siblings who come along with a child, if any do."""
    family: list[Body] = []
    parent = relation == "orang tua"
    if rng.random() < (figures.CHILD_WITH_CARER_SHARE_PARENT if parent else figures.CHILD_WITH_CARER_SHARE):
        family.append(person(rng, as_of, "carer", "female", age + rng.randint(19, 40)))
    if rng.random() < figures.SIBLING_SHARE:
        role = "victim" if rng.random() < figures.SIBLING_IS_VICTIM_SHARE else "child"
        sibling = min(max(age + rng.randint(-5, 5), 0), ADULT - 1)
        family.append(person(rng, as_of, role, rng.choice(("female", "male")), sibling))
    return family


def needs(rng: Random, sex: str, age: int) -> list[str]:
    """What a shelter must be able to offer this person."""
    found = [need for need, share in figures.NEEDS_SHARES.items() if rng.random() < share]
    if age <= 1:
        found.append("infant")
    if age >= figures.ELDERLY and "care" not in found and rng.random() < figures.ELDERLY_CARE_SHARE:
        found.append("care")
    if sex == "female" and age in figures.PREGNANCY_AGES and (pregnancy := pick(rng, figures.PREGNANCY_SHARES)):
        found.append(pregnancy)
    return found


def name(rng: Random, sex: str) -> str:
    """A name of nobody: joined syllables."""
    ends = figures.FEMALE_ENDS if sex == "female" else figures.MALE_ENDS
    words = [rng.choice(figures.STARTS) + rng.choice(figures.MIDDLES) + rng.choice(ends)]
    if rng.random() < figures.TWO_NAMES_SHARE:
        words.append(rng.choice(figures.STARTS) + rng.choice(figures.MIDDLES) + rng.choice(figures.MIDDLES) + rng.choice(ends))
    return " ".join(words)


def nik(rng: Random, as_of: datetime, sex: str, age: int) -> str:
    """A well-formed NIK of province 00, which does not exist; a few do not agree with the age."""
    years = age if rng.random() >= figures.NIK_BIRTH_DATE_DIFFERS_SHARE else rng.randint(0, 90)
    born: date = as_of.date() - timedelta(days=int((years + rng.random() * 0.99) * 365.25) + 1)
    day = born.day + (40 if sex == "female" else 0)
    return f"00{rng.randint(1, 79):02d}{rng.randint(1, 20):02d}{day:02d}{born:%m%y}{rng.randint(1, 9999):04d}"


def phone(rng: Random) -> str:
    """A number of an area code that does not exist."""
    return f"+62 000 {rng.randint(1000, 8999)} {rng.randint(0, 9999):04d}"


def pick(rng: Random, weights: Mapping[T, float]) -> T:
    """One of these, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]
