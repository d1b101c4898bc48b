"""The plan of a case: proposed person by person, shown to who decides on it, approved or sent back with words."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from contracts.services import ServiceCode
from contracts.vocabulary import Outcome, ReturnReason
from fastapi import Response

from assessment import policy
from assessment.api import cases, plans
from assessment.api.bodies import PlanBody, ReturnBody
from assessment.domain.agreement import ADULT, CONSENTS, Agreed, Consenter, GoalCode, Measure, NotAgreed, OwnView
from assessment.domain.case import State
from assessment.pages import pages
from assessment.pages.case import completed, vault
from assessment.pages.fields import relocated
from assessment.pages.people import labels, officer, options
from assessment.pages.planform import GOAL, SERVICE, entered, rows_shown, shown
from assessment.views import CaseDetail, MemberView, PlanView

router = pages.router
CHANGED = 409
NO_OUTCOMES = "a plan names an outcome for each person"


@router.get("/cases/{case_id}/plan")
async def see(case_id: UUID, visit: Visit) -> Response:
    """The newest version of the plan, what was said of it, and those before it."""
    return await _see(case_id, visit, None)


@router.get("/cases/{case_id}/plan/propose")
async def draw_up(case_id: UUID, visit: Visit) -> Response:
    """The plan, to be proposed or revised."""
    return await _form(case_id, visit, None)


@router.post("/cases/{case_id}/plan/propose")
async def propose(case_id: UUID, visit: Sent) -> Response:
    """Propose the plan to a supervisor; a version that somebody else proposed meanwhile is shown beside it."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    told, places = entered(visit, [member.person_id for member in seen.members])
    try:
        await visit.tell(plans.propose, case_id=case_id, body=_body(told, seen), if_match=visit.field("version"))
    except RefusedError as refused:
        return await _form(case_id, visit, relocated(refused, places))
    return visit.go(f"cases/{case_id}/plan", said="proposed")


@router.post("/cases/{case_id}/plan/approve")
async def approve(case_id: UUID, visit: Sent) -> Response:
    """A supervisor approves the version that she saw."""
    return await visit.send(
        plans.approve,
        then=f"cases/{case_id}/plan?said=approved",
        again=partial(_see, case_id),
        case_id=case_id,
        vault=vault(visit),
        if_match=visit.field("version"),
    )


@router.get("/cases/{case_id}/plan/return")
async def why_back(case_id: UUID, visit: Visit) -> Response:
    """What is to change."""
    return await _return(case_id, visit, None)


@router.post("/cases/{case_id}/plan/return")
async def send_back(case_id: UUID, visit: Sent) -> Response:
    """A supervisor sends the version that she saw back to the worker."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    comments = [{"person_id": member.person_id, "text": text} for member in seen.members if (text := visit.field(f"comments.{member.person_id}"))]
    return await visit.send(
        plans.send_back,
        then=f"cases/{case_id}/plan?said=returned",
        again=partial(_return, case_id),
        body=lambda: ReturnBody.model_validate({"reason": visit.field("reason"), "comments": comments}),
        case_id=case_id,
        vault=vault(visit),
        if_match=visit.field("version"),
    )


def _body(told: Mapping[str, Any], seen: CaseDetail) -> PlanBody:
    """What was entered, as the route takes it. Raises RefusedError; of a plan with nothing in it naming everybody who has no outcome."""
    if not told["outcomes"]:
        raise RefusedError(422, NO_OUTCOMES, [FieldProblem(f"outcomes.{member.person_id}", "missing") for member in seen.members])
    # The form asks for each person's services; those of the whole case stay as they are.
    case_wide = seen.plans[-1].services if seen.plans else ()
    return read(lambda: PlanBody.model_validate({**told, "services": case_wide}))


async def _see(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    people = labels(seen.members, visit)
    record = await visit.ask(plans.see_record, case_id=case_id, vault=vault(visit))
    decides = visit.who.has(policy.SUPERVISOR) and seen.state is State.PLAN_PROPOSED
    own = seen.worker_id == visit.who.subject or (bool(seen.plans) and seen.plans[-1].proposed_by == visit.who.subject)
    return visit.show(
        "plan.html",
        refused=refused,
        seen=seen,
        people=people,
        versions=[
            (plan, list(_persons(plan, people, visit)), list(_changed(before, plan, people, visit)))
            for before, plan in reversed(list(zip([None, *seen.plans], seen.plans, strict=False)))
        ],
        comments=[entry for entry in record.comments if entry.about in {"approved", "returned"}],
        assessments=list(reversed(await completed(case_id, visit)))[:1] if decides else [],
        decides=decides and not own,
        proposes=seen.worker_id == visit.who.subject and seen.state in {State.ASSESSED, State.PLAN_APPROVED},
        officer=lambda who: officer(who, visit),
    )


async def _return(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    people = labels(seen.members, visit)
    version = _seen_version(seen, visit, refused)
    return visit.show("plan_return.html", refused=refused, seen=seen, people=people, version=version, reasons=options(visit, "return", ReturnReason))


async def _form(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    people = labels(seen.members, visit)
    newest = seen.plans[-1] if seen.plans else None
    both = list(_both(newest, seen, people, visit)) if refused is not None and refused.status == CHANGED and "version" in refused.members else None
    return visit.show(
        "plan_form.html",
        refused=refused,
        names={f"outcomes.{person}.outcome": label for person, label in people.items()},
        seen=seen,
        people=people,
        version=_seen_version(seen, visit, refused),
        both=both,
        newest=newest,
        parts=[_part(member, _known(newest, member.person_id), visit) for member in seen.members],
        lists={
            "outcome": options(visit, "outcome", Outcome),
            "own_view": options(visit, "own_view", OwnView),
            "consenter": options(visit, "consenter", Consenter),
            "reason": options(visit, "not_agreed", NotAgreed),
            "goal": options(visit, "goal", GoalCode),
            "measure": options(visit, "measure", Measure),
            "service": options(visit, "service", ServiceCode),
        },
    )


def _part(member: MemberView, known: Mapping[str, Any], visit: Visiting) -> dict[str, Any]:
    """What the form shows for one person."""
    at = f"outcomes.{member.person_id}"
    return {
        "member": member,
        "known": known,
        "agreed": _agreed(member, visit),
        "goals": rows_shown(visit, f"{at}.goals", GOAL, len(known.get("goals", ()))),
        "services": rows_shown(visit, f"{at}.services", SERVICE, len(known.get("services", ()))),
    }


def _seen_version(seen: CaseDetail, visit: Visiting, refused: RefusedError | None) -> str:
    """The version that a form is about: what was seen when it was first shown, and after a conflict, of which both sides are shown, the newest."""
    shown_now = refused is None or (refused.status == CHANGED and "version" in refused.members)
    return str(seen.plan_version) if shown_now else visit.field("version") or str(seen.plan_version)


def _agreed(member: MemberView, visit: Visiting) -> list[tuple[str, str]]:
    """How somebody of this age may agree, as the domain asks for it."""
    age = ADULT if member.age is None else member.age
    without = {Agreed.OWN_VIEW_AND_CONSENTER} if age >= ADULT else {Agreed.AGREED} if age < CONSENTS else set[Agreed]()
    return options(visit, "agreed", [how for how in Agreed if how not in without])


def _known(plan: PlanView | None, person: UUID) -> Mapping[str, Any]:
    """What a version of the plan has for one person."""
    if plan is None:
        return {}
    return {"outcome": plan.outcomes.get(person), **((plan.persons or {}).get(person) or {})}


def _persons(plan: PlanView, people: Mapping[UUID, str], visit: Visiting) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for person in sorted(plan.outcomes, key=[*people, *plan.outcomes].index):
        yield people.get(person, visit.say("plan.left_household")), shown(_known(plan, person), visit)


def _both(plan: PlanView | None, seen: CaseDetail, people: Mapping[UUID, str], visit: Visiting) -> Iterator[tuple[str, str, str]]:
    """What is stored and what was entered, where they differ."""
    told, _ = entered(visit, [member.person_id for member in seen.members])
    yours = {entry["person_id"]: entry for entry in told["outcomes"]}
    for member in seen.members:
        yield from _differences(people[member.person_id], _known(plan, member.person_id), yours.get(member.person_id, {}), visit)


def _changed(before: PlanView | None, plan: PlanView, people: Mapping[UUID, str], visit: Visiting) -> Iterator[tuple[str, str, str]]:
    """What a version has that the one before it had otherwise."""
    if before is not None:
        for person in dict.fromkeys([*before.outcomes, *plan.outcomes]):
            label = people.get(person, visit.say("plan.left_household"))
            yield from _differences(label, _known(before, person), _known(plan, person), visit)


def _differences(label: str, before: Mapping[str, Any], after: Mapping[str, Any], visit: Visiting) -> Iterator[tuple[str, str, str]]:
    """Two parts of plans for one person, in words, where they differ."""
    one, other = dict(shown(before, visit)), dict(shown(after, visit))
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            yield f"{label}: {name}", one.get(name, ""), other.get(name, "")
