"""What several of these forms offer to choose from, how their fields become a body, and how a refusal finds its field on the page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from chassis.web.pages.visit import Visiting
from chassis.web.problems import FieldProblem, RefusedError
from chassis.web.routes import require_role
from contracts.consents import Purpose
from contracts.vocabulary import Relation

from intake.api import agencies, cases
from intake.api.views import MASK, CaseView, PersonView
from intake.domain.standing import ENDED
from intake.domain.workdays import JAKARTA
from intake.pages.filled import Filled
from intake.pages.lists import Options, options

NONE_CHOSEN = "none_chosen"


@dataclass(frozen=True, slots=True)
class Recipients:
    """The agencies that a form offers; where nobody keeps the register, `kept` is false and another code may be entered."""

    kept: bool
    options: Options


async def case_of(visit: Visiting, case_id: UUID, *roles: str) -> CaseView:
    """A case, for a page that these roles have a use for. Raises RefusedError: 403 for others, 404 for whom the case does not exist."""
    require_role(visit.who, roles)
    found: CaseView = await visit.ask(cases.case, case_id=case_id, vault=visit.request.app.state.service.vault)
    return found


async def person_of(visit: Visiting, case_id: UUID, person_id: UUID, *roles: str) -> tuple[CaseView, PersonView]:
    """A person of a case. Raises RefusedError as `case_of`, and 404 for somebody who is not of its household."""
    case = await case_of(visit, case_id, *roles)
    found = next((person for person in case.persons if person.person_id == person_id), None)
    if found is None:
        raise RefusedError(404, "no such person in this case")
    return case, found


def goes_on(case: CaseView) -> bool:
    """Whether a case has not ended."""
    return case.state not in ENDED


async def recipients(visit: Visiting) -> Recipients:
    """Whom something may be shared with: who takes part, but for the reader's own agency."""
    found = await visit.ask(agencies.list_agencies)
    listed = [entry for entry in found.agencies if entry.active and entry.code != visit.who.agency]
    return Recipients(found.kept, [(entry.code, f"{entry.name} ({entry.code})" if entry.name else entry.code) for entry in listed])


def purposes(visit: Visiting) -> Options:
    """What something is shared for."""
    return options("purpose", Purpose, visit.language)


def relations(visit: Visiting) -> Options:
    """What somebody is to a person."""
    return options("relation", Relation, visit.language)


def called(visit: Visiting, person: PersonView) -> str:
    """A person as a form calls her: by name where it is known, and by her role and age."""
    role = visit.say(f"role.{person.role}")
    age = "" if person.age is None else f", {person.age}"
    return f"{person.name} ({role.lower()}{age})" if person.name and person.name != MASK else f"{role}{age}"


def people(visit: Visiting, persons: Iterable[PersonView]) -> Options:
    """The persons of a household to choose from."""
    return [(str(person.person_id), called(visit, person)) for person in persons]


def listed(refused: RefusedError | None, field: str, chosen: Sequence[str], offered: Options) -> RefusedError | None:
    """A refusal whose problems with a list's entries (`persons.1`: the second that was chosen) stand at the entry as the page shows it."""
    if refused is None:
        return None
    places = {value: place for place, (value, _) in enumerate(offered)}

    def moved(problem: FieldProblem) -> FieldProblem:
        name, _, place = problem.field.partition(".")
        if name != field:
            return problem
        if not place:
            return FieldProblem(field, NONE_CHOSEN) if problem.code == "missing" or not chosen else problem
        known = place.isdigit() and int(place) < len(chosen) and chosen[int(place)] in places
        return FieldProblem(f"{field}.{places[chosen[int(place)]]}" if known else field, problem.code)

    return RefusedError(refused.status, refused.title, [moved(problem) for problem in refused.problems], **refused.members)


def names_of(field: str, offered: Options) -> dict[str, str]:
    """What the entries of a list are called in an error summary."""
    return {f"{field}.{place}": text for place, (_, text) in enumerate(offered)}


def filled_in(filled: Filled, *names: str) -> dict[str, str]:
    """Of these fields those in which something stands."""
    return {name: value for name in names if (value := filled.one(name)) is not None}


def until_end_of(day: str | None) -> str | None:
    """The last minute of a day in Jakarta; what is no day as it is, so that it is refused under its field's name."""
    try:
        return None if day is None else datetime.combine(date.fromisoformat(day), time(23, 59), JAKARTA).isoformat()
    except ValueError:
        return day


def key_of(visit: Visiting) -> str:
    """The key of a form, which it keeps when it is shown again."""
    return visit.field("key") or visit.fresh_key


def labels(visit: Visiting, prefix: str, names: Iterable[str]) -> Mapping[str, str]:
    """What a page calls its fields."""
    return {name: visit.say(f"{prefix}.{name}") for name in names}


def filled_in_as(filled: Filled, at: str, names: Iterable[str]) -> dict[str, str]:
    """Of the fields below a place (`channels.0`) those in which something stands, by their own names."""
    return {name: value for name in names if (value := filled.one(f"{at}.{name}")) is not None}
