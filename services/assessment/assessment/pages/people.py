"""How the pages speak of persons, officers and codes: without names, which this service does not have."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from chassis.web.pages.visit import Visiting

from assessment.domain.case import ADULT


def labels(members: Iterable[Any], visit: Visiting) -> dict[UUID, str]:
    """Each person of a household as one speaks of her on these pages: her place in it, and her age."""
    return {member.person_id: _label(number, member.age, visit) for number, member in enumerate(members, 1)}


def _label(number: int, age: int | None, visit: Visiting) -> str:
    if age is None:
        return visit.say("person.unknown", number=number)
    return visit.say("person.child" if age < ADULT else "person.adult", number=number, age=age)


def officer(officer_id: UUID | None, visit: Visiting) -> str:
    """An officer as the reader knows her: herself, or the end of the id that all services know her by."""
    if officer_id is None:
        return visit.say("officer.nobody")
    return visit.say("officer.you") if officer_id == visit.who.subject else visit.say("officer.other", id=str(officer_id)[-4:].upper())


def options(visit: Visiting, words: str, codes: Iterable[str]) -> list[tuple[str, str]]:
    """Codes of a closed list with their words, as a form offers them."""
    return [(str(code), visit.say(f"{words}.{code}")) for code in codes]
