"""The household: who belongs to it. Two officers who change it at once both see what the other one entered, and choose."""

from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from chassis.web.problems import FieldProblem, RefusedError
from fastapi import Response

from intake.api import cases, casework
from intake.api.bodies import HouseholdBody
from intake.api.views import CaseView, PersonView
from intake.pages import pages
from intake.pages.filled import OF_PERSON, Filled, person_body
from intake.pages.lists import lists

router = pages.router
PERSONAL = ("name", "nik", "phone", "address")
CONFLICT = 409


@router.get("/cases/{case_id}/household")
async def edit(case_id: UUID, visit: Visit) -> Response:
    """The form, with what is known."""
    case = await _case(case_id, visit)
    return _form(case, visit, as_entered(case.persons), None)


@router.post("/cases/{case_id}/household")
async def change(case_id: UUID, visit: Sent) -> Response:
    """Keep it; when somebody else changed it since the form was opened, both values are shown, and hers are still in the form."""
    case, filled = await _case(case_id, visit), Filled(visit.entered)
    if visit.field("more"):
        return _form(case, visit, filled.with_one_more(), None)
    stay = [place for place in range(filled.persons) if filled.one(f"persons.{place}.left") is None]
    try:
        body = read(lambda: HouseholdBody.model_validate({"persons": [_member(filled, place, case.persons) for place in stay]}))
        vault = visit.request.app.state.service.vault
        await visit.tell(casework.change_household, case_id=case_id, body=body, vault=vault, if_match=filled.one("revision"))
    except RefusedError as refused:
        if refused.status == CONFLICT and "yours" in refused.members:
            return _form(case, visit, with_newcomers(filled, case.persons), refused, both=differences(filled, case.persons))
        return _form(case, visit, filled, in_the_form(refused, stay))
    return visit.go(f"cases/{case_id}", said="household")


def as_entered(persons: list[PersonView]) -> Filled:
    """The household as a form begins with it."""
    fields: dict[str, tuple[str, ...]] = {}
    for place, person in enumerate(persons):
        fields[f"persons.{place}.person_id"] = (str(person.person_id),)
        fields[f"persons.{place}.needs"] = tuple(person.needs)
        fields |= {f"persons.{place}.{name}": (text(person, name),) for name in OF_PERSON}
    return Filled(fields)


def with_newcomers(filled: Filled, persons: list[PersonView]) -> Filled:
    """What was entered, and whoever somebody else added meanwhile: nobody leaves a household because two forms were open."""
    known = {filled.one(f"persons.{place}.person_id") for place in range(filled.persons)}
    added = as_entered([person for person in persons if str(person.person_id) not in known])
    start = filled.persons
    moved = {f"persons.{int(name.split('.')[1]) + start}.{name.split('.')[2]}": values for name, values in added.fields.items()}
    return Filled({**filled.fields, **moved})


def differences(filled: Filled, persons: list[PersonView]) -> list[tuple[int, str, str, str]]:
    """Where the form and the store differ: which person, which field, what is stored now, and what was entered."""
    stored = {str(person.person_id): person for person in persons}
    found = []
    for place in range(filled.persons):
        person = stored.get(filled.one(f"persons.{place}.person_id") or "")
        for name in OF_PERSON if person is not None else ():
            theirs, yours = text(person, name), filled.one(f"persons.{place}.{name}") or ""
            if theirs != yours:
                found.append((place, name, theirs, yours))
    return found


def text(person: PersonView | None, name: str) -> str:
    """A field of a person as a form has it; what nobody knows is empty."""
    value = getattr(person, name)
    return "" if value is None or (name == "sex" and value == "unknown") else str(value)


def _member(filled: Filled, place: int, persons: list[PersonView]) -> dict[str, Any]:
    """A member as the route takes her: of her personal fields only what was changed, for those that are left out stay as they are."""
    entered = {"sex": "unknown", **person_body(filled, place)}
    person_id = filled.one(f"persons.{place}.person_id")
    before = next((person for person in persons if str(person.person_id) == person_id), None)
    changed = {name: value for name, value in entered.items() if name not in PERSONAL or before is None or value != getattr(before, name)}
    return changed if person_id is None else {**changed, "person_id": person_id}


def in_the_form(refused: RefusedError, stay: list[int]) -> RefusedError:
    """The same refusal by the places of the form, from which those who left are not taken out."""
    return RefusedError(refused.status, refused.title, [_placed(problem, stay) for problem in refused.problems], **refused.members)


def _placed(problem: FieldProblem, stay: list[int]) -> FieldProblem:
    parts = problem.field.split(".")
    if len(parts) > 1 and parts[0] == "persons" and parts[1].isdigit():
        parts[1] = str(stay[int(parts[1])])
    return FieldProblem(".".join(parts), problem.code)


async def _case(case_id: UUID, visit: Visiting) -> CaseView:
    found: CaseView = await visit.ask(cases.case, case_id=case_id, vault=visit.request.app.state.service.vault)
    return found


def _form(
    case: CaseView, visit: Visiting, filled: Filled, refused: RefusedError | None, both: list[tuple[int, str, str, str]] | None = None
) -> Response:
    called = {
        f"persons.{place}.{name}": f"{visit.say('report.person', number=place + 1)}, {visit.say(f'field.{name}')}"
        for place in range(filled.persons)
        for name in OF_PERSON
    }
    rows = [(called[f"persons.{place}.{name}"], _shown(visit, name, theirs), _shown(visit, name, yours)) for place, name, theirs, yours in both or []]
    # After a conflict the form is about what is stored now.
    revision = case.revision if both is not None or not visit.entered else visit.field("revision")
    key = visit.fresh_key if both is not None else visit.field("key") or visit.fresh_key
    shown = {"case": case, "filled": filled, "lists": lists(visit.language), "both": rows, "revision": revision, "key": key}
    return visit.show("household.html", refused=refused, names=called, **shown)


def _shown(visit: Visiting, name: str, value: str) -> str:
    """A value as people read it."""
    if not value:
        return visit.say("frame.unknown")
    key = f"{name}.{value}"
    return visit.say(key) if name in ("role", "sex") and key in pages.words else value
