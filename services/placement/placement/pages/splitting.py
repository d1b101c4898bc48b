"""A household that no house takes whole: a supervisor says who goes with whom, why, and that each of them agreed (DESIGN invariant 6).

Which house each group is offered is decided as for any household, group by group; the case's page shows where each one stands.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import get_args
from uuid import UUID

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Question
from chassis.web.pages.visit import Visiting
from contracts.vocabulary import SplitReason
from fastapi import Response

from placement.api import needs
from placement.api.placement_views import ChildGround, HouseholdView, PersonView, SplitBody
from placement.domain.people import Person
from placement.domain.split import LOOKING
from placement.pages import pages
from placement.pages.offers import choices, described

router = pages.router
MOST_GROUPS = 6


@router.get("/needs/{case_id}/split")
async def who_goes_with_whom(case_id: UUID, visit: Visit) -> Response:
    """Who goes with whom."""
    return await _form(case_id, visit, None)


@router.post("/needs/{case_id}/split")
async def split(case_id: UUID, visit: Sent) -> Response:
    """Let the household be housed in these groups."""
    try:
        seen: HouseholdView = await visit.ask(needs.see_household, case_id=case_id)
    except RefusedError as refused:
        return await _form(case_id, visit, refused)
    looking = who_looks(seen)
    return await visit.send(
        needs.split,
        then=f"needs/{case_id}?said=split",
        again=partial(_form, case_id),
        body=lambda: SplitBody.model_validate(_entered(visit, looking)),
        case_id=case_id,
    )


def who_looks(seen: HouseholdView) -> list[PersonView]:
    """Who of a household looks for a bed that nobody said yes to yet: all of one that is whole, or those in no group and in groups that look."""
    still = {group.group_id for group in seen.groups if group.state in {state.value for state in LOOKING}} | {None}
    return [person for person in seen.persons if person.group_id in still]


def _adult(person: PersonView) -> bool:
    return Person(person.person_id, person.sex, person.age, person.role).adult


def _groups(visit: Visiting, looking: Sequence[PersonView]) -> dict[str, list[PersonView]]:
    """Who was put into which group, by its number, in order; who was put into none is missed by the route."""
    found: dict[str, list[PersonView]] = {}
    for person in looking:
        if number := visit.field(f"group.{person.person_id}"):
            found.setdefault(number, []).append(person)
    return dict(sorted(found.items()))


def _entered(visit: Visiting, looking: Sequence[PersonView]) -> dict[str, object]:
    """What was entered, as the route takes it. The ground is said of every group in which children are without an adult."""
    ground = visit.field("ground")
    groups = [
        {"persons": [str(person.person_id) for person in group], "ground": None if any(map(_adult, group)) else ground}
        for group in _groups(visit, looking).values()
    ]
    if not groups:
        raise RefusedError(422, "say who goes with whom", [FieldProblem(f"groups.{person.person_id}", "in_no_group") for person in looking])
    return {"groups": groups, "reason": visit.field("reason"), "agreements": list(_agreements(visit, looking))}


def _agreements(visit: Visiting, looking: Sequence[PersonView]) -> Iterator[dict[str, object]]:
    for person in looking:
        place = f"agreements.{person.person_id}"
        if how := visit.field(place):
            yield {"person_id": person.person_id, "agreement": how, "legal_ground_until": forms.date_in(visit, f"{place}.legal_ground_until")}


def _on_the_form(refused: RefusedError, looking: Sequence[PersonView], fallback: str) -> RefusedError:
    """The same refusal with its fields called as they stand on the form, where a group is a person's choice and not a list."""
    known = {str(person.person_id) for person in looking}

    def called(field: str) -> str:
        parts = field.split(".")
        if parts[0] != "groups":
            return field
        person = next((part for part in parts if part in known), None)
        return f"group.{person}" if person else "ground" if parts[-1] == "ground" else fallback

    problems = dict.fromkeys((called(problem.field), problem.code) for problem in refused.problems)
    return RefusedError(refused.status, refused.title, [FieldProblem(*entry) for entry in problems], **refused.members)


async def _form(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: HouseholdView = await visit.ask(needs.see_household, case_id=case_id)
    looking = who_looks(seen)
    if refused is not None and looking:
        refused = _on_the_form(refused, looking, f"group.{looking[0].person_id}")
    numbers = [(str(number), visit.say("split.group", number=number)) for number in range(1, min(len(looking), MOST_GROUPS) + 1)]
    asked = [(described(person, visit), tuple(_questions(person, numbers, visit))) for person in looking]
    grounds = [(ground, visit.say(f"ground.{ground}")) for ground in get_args(ChildGround)]
    ground = Question("radios", "ground", visit.say("split.ground"), grounds, hint=visit.say("split.ground_hint"))
    reasons = [(reason.value, visit.say(f"split.{reason.value}")) for reason in SplitReason]
    last = [ground, Question("radios", "reason", visit.say("split.reason"), reasons)]
    return visit.show("split.html", refused=refused, seen=seen, asked=asked, last=last, names=_names(asked, last))


def _questions(person: PersonView, numbers: Sequence[tuple[str, str]], visit: Visiting) -> Iterator[Question]:
    """What is asked of one person: her group, and how she agreed."""
    place = f"agreements.{person.person_id}"
    agreements = [(how, visit.say(f"agreement.{how}")) for how in choices(person)]
    yield Question("choose", f"group.{person.person_id}", visit.say("split.which"), numbers)
    yield Question("choose", place, visit.say("split.agreed"), agreements)
    yield Question("date", f"{place}.legal_ground_until", visit.say("door.legal_ground_until"))


def _names(asked: Sequence[tuple[str, Sequence[Question]]], last: Sequence[Question]) -> Mapping[str, str]:
    of_persons = {question.name: f"{person}, {question.title}" for person, questions in asked for question in questions}
    return of_persons | {question.name: question.title for question in last}
