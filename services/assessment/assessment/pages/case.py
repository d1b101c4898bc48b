"""A case's assessment page: what has been done, what is next, and whose move it is."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.web.pages import Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from fastapi import Response

from assessment import policy
from assessment.api import answers, cases, outcomes, plans, services, workers
from assessment.api.bodies import AssessedView
from assessment.domain.case import OPEN, State
from assessment.domain.reassessment import ASKING
from assessment.pages import pages
from assessment.pages.moves import SUPERVISORS, Move, move
from assessment.pages.people import labels, officer
from assessment.views import CaseDetail

router = pages.router


@dataclass(frozen=True, slots=True)
class Deadline:
    """A clock that runs: of what, of whom where it is somebody's, until when."""

    clock: str
    person: str | None
    due: datetime


@router.get("/cases/{case_id}")
async def see(case_id: UUID, visit: Visit) -> Response:
    """Where a case stands in assessment."""
    return await show(case_id, visit, None)


async def show(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    """The case's page, also after something on it was refused."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    people = labels(seen.members, visit)
    todo = move(seen, visit.who.subject, supervises=visit.who.has(policy.SUPERVISOR))
    history = sorted([entry async for entry in _done(seen, people, visit)], reverse=True)
    return visit.show(
        "case.html",
        refused=refused,
        seen=seen,
        people=people,
        todo=todo,
        turn=_turn(todo, seen, visit),
        history=history,
        deadlines=deadlines(seen, people),
        can=_can(seen, visit),
        linked=_linked(seen, visit),
        officer=lambda who: officer(who, visit),
    )


def deadlines(seen: CaseDetail, people: Mapping[UUID, str]) -> list[Deadline]:
    """The clocks of a case that run, the first that is due first."""
    named = {str(person): label for person, label in people.items()}
    found = [Deadline(clock.partition(":")[0], named.get(clock.partition(":")[2]), due) for clock, due in seen.deadlines.items()]
    return sorted(found, key=lambda entry: entry.due)


def _turn(todo: Move | None, seen: CaseDetail, visit: Visiting) -> str | None:
    if todo is None:
        return None
    if todo.yours:
        return visit.say("case.turn.you")
    return visit.say("case.turn.supervisor") if todo.what in SUPERVISORS else visit.say("case.turn.worker", who=officer(seen.worker_id, visit))


def _can(seen: CaseDetail, visit: Visiting) -> frozenset[str]:
    """What this officer may do about the case in its state; the routes decide again."""
    own = seen.worker_id == visit.who.subject and visit.who.has(policy.PEKSOS)
    supervises = visit.who.has(policy.SUPERVISOR)
    allowed = {
        "claim": own and seen.state is State.ASSIGNED and not seen.claimed,
        "hand_back": own and seen.state is State.ASSIGNED,
        "reassign": supervises and seen.state in OPEN,
        "conflict": seen.worker_id is not None and (own or supervises),
        "ask": own and seen.state in ASKING,
        "answers": own or supervises,
        "conclude": own and seen.state in ASKING,
        "plan": own and seen.state is State.ASSESSED,
        "revise": own and seen.state is State.PLAN_APPROVED,
        "decide": supervises and seen.state is State.PLAN_PROPOSED and seen.worker_id != visit.who.subject,
    }
    return frozenset(name for name, may in allowed.items() if may)


def _linked(seen: CaseDetail, visit: Visiting) -> list[str]:
    """The pages of the case that have something to see or to do."""
    pages_of = {
        "conclude": seen.worker_id == visit.who.subject and seen.state in ASKING,
        "assessments": seen.band is not None,
        "plan": bool(seen.plans),
        "plan/record": seen.state in OPEN or bool(seen.plans),
        "outcomes": bool(seen.plans),
        "services": bool(seen.plans),
        "enrolments": bool(seen.plans),
        "followups": bool(seen.followups),
    }
    return [page for page, shown in pages_of.items() if shown]


async def _done(seen: CaseDetail, people: Mapping[UUID, str], visit: Visiting) -> AsyncIterator[tuple[datetime, str]]:
    """What has been done, as pairs of when and what."""
    for given in await visit.ask(workers.list_assignments, case_id=seen.case_id):
        yield given.at, visit.say("done.assigned", who=officer(given.worker_id, visit))
    for assessed in await completed(seen.case_id, visit):
        risk = f", {visit.say('risk.case', risk=visit.say(f'risk.{assessed.risk}')).lower()}" if assessed.risk else ""
        what = {"kind": visit.say(f"kind.{assessed.kind}"), "band": visit.say(f"band.{assessed.band}"), "risk": risk}
        yield assessed.at, visit.say("done.assessed", **what)
    for entry in _decided(seen, visit):
        yield entry
    record = await visit.ask(plans.see_record, case_id=seen.case_id, vault=vault(visit))
    for held in record.conferences:
        yield held.held_at, visit.say("done.conference", decision=visit.say(f"conference.{held.decision}"))
    for review in record.reviews:
        yield review.at, visit.say("done.review", finding=visit.say(f"finding.{review.finding}"))
    for service in await visit.ask(services.list_services, case_id=seen.case_id):
        what = {"service": visit.say(f"service.{service.code}"), "provider": service.provider, "status": visit.say(f"status.{service.status}")}
        yield service.changed_at, visit.say("done.service", person=people.get(service.person_id, ""), **what)
    for way in await visit.ask(outcomes.ways, case_id=seen.case_id):
        person = people.get(way.person_id, "")
        for step in way.steps:
            yield step.at, visit.say("done.step", person=person, step=visit.say(f"step.{step.step}"))
        if way.since is not None:
            what = {"outcome": visit.say(f"outcome.{way.outcome}"), "progress": visit.say(f"progress.{way.progress}")}
            yield way.since, visit.say("done.outcome", person=person, **what)


def _decided(seen: CaseDetail, visit: Visiting) -> Iterator[tuple[datetime, str]]:
    for plan in seen.plans:
        yield plan.proposed_at, visit.say("done.proposed", version=plan.version, who=officer(plan.proposed_by, visit))
        if plan.decided_at is not None and plan.state in {"approved", "returned"}:
            what = {"version": plan.version, "who": officer(plan.decided_by, visit)}
            reason = visit.say(f"return.{plan.return_reason}") if plan.return_reason else ""
            yield plan.decided_at, visit.say(f"done.{plan.state}", reason=reason, **what)


async def completed(case_id: UUID, visit: Visiting) -> list[AssessedView]:
    """The assessments that were completed; none for who may see the case and not the answers behind it any more."""
    try:
        found: list[AssessedView] = await visit.ask(answers.list_assessments, case_id=case_id, vault=vault(visit))
    except RefusedError:
        return []
    return found


def vault(visit: Visiting) -> Any:
    """The vault of the service that answers, as its routes take it."""
    return answers.vault_of(visit.request)
