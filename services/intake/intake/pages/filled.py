"""What stands in a form: what was entered in it, or what it begins with; and how its fields become the body of a route. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST_PERSONS = 30
DIGITS = re.compile(r"\d{1,3}", re.ASCII)
OF_PERSON = ("role", "name", "sex", "age", "nik", "phone", "address")
OF_REPORT = ("urgency", "narrative", "area", "area_kind", "occurred_at", "heard_at", "callback", "reporter", "channel")
SHELTER = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Filled:
    """The fields of a form, each with all its values."""

    fields: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str | None:
        """What stands in a field; None where nothing does."""
        return next((value for value in self.fields.get(name, ()) if value), None)

    def all(self, name: str) -> list[str]:
        """All that is chosen under one name."""
        return [value for value in self.fields.get(name, ()) if value]

    @property
    def persons(self) -> int:
        """For how many persons the form has room: at least one."""
        places = [int(name.split(".")[1]) + 1 for name in self.fields if re.fullmatch(r"persons\.\d{1,2}\.[a-z_]+", name)]
        return min(max(places, default=1), MOST_PERSONS)

    def without_last(self) -> "Filled":
        """The same without the last person, but for the first one."""
        last = f"persons.{self.persons - 1}."
        return self if self.persons == 1 else Filled({name: value for name, value in self.fields.items() if not name.startswith(last)})

    def with_one_more(self) -> "Filled":
        """The same with room for one more person."""
        return Filled({**self.fields, f"persons.{min(self.persons, MOST_PERSONS - 1)}.role": ("child",)})


def beginning(**values: str | Iterable[str]) -> Filled:
    """A form that begins with these values."""
    return Filled({name: (value,) if isinstance(value, str) else tuple(value) for name, value in values.items()})


def report_body(filled: Filled) -> dict[str, Any]:
    """The body of a report, as a referral has it: only what was entered."""
    body: dict[str, Any] = {name: value for name in OF_REPORT if (value := filled.one(name)) is not None}
    body |= {name: values for name in ("violence_types",) if (values := filled.all(name))}
    if (ppks := filled.one("ppks")) is not None:
        body["ppks"] = _number(ppks)
    persons = [person_body(filled, place) for place in range(filled.persons)]
    # The form has room for one person, and chooses her role itself: alone that says nothing. Who was added counts, though nothing is known of her.
    if len(persons) > 1 or persons[0].keys() - {"role"}:
        body["persons"] = persons
    if screen := screen_body(filled):
        body["screen"] = screen
    return body


def screen_body(filled: Filled) -> dict[str, Any]:
    """The safety screen, as far as it was answered."""
    screen: dict[str, Any] = {name: values for name in ("red_flags", "shelter_grounds") if (values := filled.all(f"screen.{name}"))}
    if (shelter := filled.one("screen.shelter_needed")) in SHELTER:
        screen["shelter_needed"] = SHELTER[shelter]
    return screen


def person_body(filled: Filled, place: int) -> dict[str, Any]:
    """What was entered of a person."""
    at = f"persons.{place}"
    person: dict[str, Any] = {name: value for name in OF_PERSON if (value := filled.one(f"{at}.{name}")) is not None}
    if needs := filled.all(f"{at}.needs"):
        person["needs"] = needs
    if "age" in person:
        person["age"] = _number(person["age"])
    return person


def _number(text: str) -> int | str:
    """A number as such; anything else as it is, so that it is refused under the field's name."""
    return int(text) if DIGITS.fullmatch(text) else text
