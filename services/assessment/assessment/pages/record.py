"""What belongs to the plans of a case: conferences, reviews and how far each goal is; a review recorded; a conference recorded."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.visit import Visiting
from contracts.vocabulary import OfficerRole
from fastapi import Response

from assessment import policy
from assessment.api import cases, plans
from assessment.api.bodies import ConferenceBody, PlanRecord, ProgressView, ReviewBody
from assessment.domain.agreement import Decision, Finding, GoalProgress
from assessment.domain.case import OPEN, State
from assessment.pages import pages
from assessment.pages.case import vault
from assessment.pages.fields import places_of, relocated, rows
from assessment.pages.people import labels, officer, options
from assessment.views import CaseDetail, PlanView

router = pages.router
AT = "/cases/{case_id}/plan"
PRESENT = ("role", "agency")
ROWS = 40
# Whoever sits at a conference is a person.
ROLES = [role for role in OfficerRole if role not in {OfficerRole.AGENCY_SYSTEM, OfficerRole.OPERATOR}]


@router.get(AT + "/record")
async def see(case_id: UUID, visit: Visit) -> Response:
    """Conferences, reviews and goals of a case, the newest first, and when the plan is looked at again."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    record: PlanRecord = await visit.ask(plans.see_record, case_id=case_id, vault=vault(visit))
    own = seen.worker_id == visit.who.subject
    return visit.show(
        "record.html",
        seen=seen,
        people=labels(seen.members, visit),
        conferences=list(reversed(record.conferences)),
        comments=[entry for entry in record.comments if entry.about == "conference"],
        reviews=list(reversed(record.reviews)),
        goals=list(_goals(record.progress, seen)),
        reviews_it=own and visit.who.has(*policy.REVIEW_PLAN) and reviewable(seen),
        confers=(own or visit.who.has(policy.SUPERVISOR)) and seen.state in OPEN,
        officer=lambda who: officer(who, visit),
    )


def approved(seen: CaseDetail) -> PlanView | None:
    """The version of the plan that holds."""
    return next((plan for plan in reversed(seen.plans) if plan.state == "approved"), None)


def reviewable(seen: CaseDetail) -> bool:
    """Whether there is a plan that is being carried out."""
    return approved(seen) is not None and seen.state in {State.PLAN_APPROVED, State.PLAN_PROPOSED}


def _planned(seen: CaseDetail) -> Iterator[tuple[UUID, str]]:
    """The goals of the plan that holds, by person."""
    plan = approved(seen)
    for member in seen.members:
        part: Mapping[str, Any] = ((plan.persons or {}) if plan else {}).get(member.person_id) or {}
        for goal in part.get("goals", ()):
            yield member.person_id, goal["code"]


def _goals(progress: list[ProgressView], seen: CaseDetail) -> Iterator[tuple[UUID, str, list[ProgressView]]]:
    """Each goal that is planned or was followed, with what was said of it, the newest first."""
    by_goal: dict[tuple[UUID, str], list[ProgressView]] = {goal: [] for goal in _planned(seen)}
    for entry in sorted(progress, key=lambda entry: entry.at, reverse=True):
        by_goal.setdefault((entry.person_id, entry.goal), []).append(entry)
    for (person, goal), found in by_goal.items():
        yield person, goal, found


# -- a review -------------------------------------------------------------------------------------------------------------------------


@router.get(AT + "/review")
async def what_it_finds(case_id: UUID, visit: Visit) -> Response:
    """The plan that holds is looked at: what is found, goal by goal."""
    return await _review(case_id, visit, None)


@router.post(AT + "/review")
async def review(case_id: UUID, visit: Sent) -> Response:
    """Record the review, of the version that was seen."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    told = [(person, goal, value) for person, goal in _planned(seen) if (value := visit.field(f"progress.{person}.{goal}"))]
    progress = [{"person_id": person, "goal": goal, "progress": value} for person, goal, value in told]
    places = {f"progress.{n}.progress": f"progress.{person}.{goal}" for n, (person, goal, _) in enumerate(told)}
    return await visit.send(
        plans.review,
        then=f"cases/{case_id}/plan/record?said=plan_reviewed",
        again=partial(_review, case_id, places=places),
        body=lambda: ReviewBody.model_validate({"finding": visit.field("finding"), "progress": progress}),
        case_id=case_id,
        if_match=visit.field("version"),
    )


async def _review(case_id: UUID, visit: Visiting, refused: RefusedError | None, places: Mapping[str, str] | None = None) -> Response:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    record: PlanRecord = await visit.ask(plans.see_record, case_id=case_id, vault=vault(visit))
    people = labels(seen.members, visit)
    last = {(entry.person_id, entry.goal): entry for entry in record.progress}
    conflict = refused is not None and "version" in refused.members
    kept = visit.field("version") if refused is not None and not conflict else None
    return visit.show(
        "review.html",
        refused=relocated(refused, places or {}) if refused else None,
        names={f"progress.{person}.{goal}": f"{people[person]}, {visit.say(f'goal.{goal}')}" for person, goal in _planned(seen)},
        seen=seen,
        version=kept or str(seen.plan_version),
        both=_both(seen, visit) if conflict else None,
        goals=[(person, people[person], goal, last.get((person, goal))) for person, goal in _planned(seen)],
        findings=options(visit, "finding", Finding),
        progress=options(visit, "goal_progress", GoalProgress),
    )


def _both(seen: CaseDetail, visit: Visiting) -> list[tuple[str, str, str]]:
    """Which version of the plan there is, and which one was looked at."""
    newest = f"{visit.say('plan.version', version=seen.plan_version)}, {visit.say(f'state.{seen.state}')}"
    return [(visit.say("plan.title"), newest, visit.say("plan.version", version=visit.field("version") or ""))]


# -- a conference ------------------------------------------------------------------------------------------------------------------------


@router.get("/cases/{case_id}/conferences/new")
async def who_was_there(case_id: UUID, visit: Visit) -> Response:
    """Who took part in a case conference, and what it decided."""
    return await _confer(case_id, visit, None)


@router.post("/cases/{case_id}/conferences/new")
async def confer(case_id: UUID, visit: Sent) -> Response:
    """Record a conference."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    present = rows(visit, "present", PRESENT, ROWS)
    comments = [{"person_id": member.person_id, "text": text} for member in seen.members if (text := visit.field(f"comments.{member.person_id}"))]
    places = places_of("present", present, PRESENT) | {f"comments.{n}.text": f"comments.{one['person_id']}" for n, one in enumerate(comments)}
    told = {"held_at": forms.as_moment(visit.field("held_at")), "decision": visit.field("decision"), "comments": comments}
    return await visit.send(
        plans.confer,
        then=f"cases/{case_id}/plan/record?said=conferred",
        again=partial(_confer, case_id, places=places),
        body=lambda: ConferenceBody.model_validate({**told, "present": [row for _, row in present]}),
        case_id=case_id,
        vault=vault(visit),
    )


async def _confer(case_id: UUID, visit: Visiting, refused: RefusedError | None, places: Mapping[str, str] | None = None) -> Response:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    filled = max((n for n, _ in rows(visit, "present", PRESENT, ROWS)), default=0)
    shown = min(ROWS, max(5, filled + 3))
    return visit.show(
        "conference.html",
        refused=relocated(refused, places or {}) if refused else None,
        names={f"present.{n}.{name}": visit.say(f"conference.row_{name}", number=n + 1) for n in range(shown) for name in PRESENT},
        seen=seen,
        people=labels(seen.members, visit),
        held=forms.as_entered(visit.now),
        # Whoever records it mostly was there.
        present=[{"role": _role(visit), "agency": visit.who.agency}, *[{} for _ in range(shown - 1)]],
        roles=options(visit, "role", ROLES),
        decisions=options(visit, "conference", Decision),
    )


def _role(visit: Visiting) -> str | None:
    return next((role.value for role in (OfficerRole.PEKSOS, OfficerRole.SUPERVISOR) if visit.who.has(role)), None)
