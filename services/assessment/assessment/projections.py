"""What assessment knows only from others' events, and what hangs on it: both can be made again from the stream."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chassis import Transaction
from chassis.store.erasure import TOMBSTONES
from chassis.store.projection import Projection
from sqlalchemy import text

from assessment import decisions, plans, roster, services, store
from assessment.domain import case
from assessment.domain.case import Case, Goal, State

BLANK = {
    "household_version": -1,
    "members": [],
    "triage_version": -1,
    "area": None,
    "risk": None,
    "shelter_needed": None,
    "at_home": False,
    "admitted": False,
    "stays": {},
    "sheltered": False,
    "ended": False,
    "state": "not_started",
    "worker_id": None,
    "due_at": None,
    "plan_version": 0,
    "goals": {},
    "followups": [],
    "deadlines": {},
    "round_version": 0,
    "missed": {},
    "assessed_risk": None,
    "incident_version": 0,
    "incident_seen": 0,
    "safety": {},
    "deceased": [],
    "reentry": 0,
}
TOLD = (
    "household_version",
    "members",
    "triage_version",
    "area",
    "risk",
    "shelter_needed",
    "at_home",
    "admitted",
    "stays",
    "sheltered",
    "ended",
    "incident_version",
    "safety",
)
WORDS = ("case_id", "service_id", "version", "passed_on", "answer", "reason")

# The rest of a case (state, worker, deadlines, plan, goals, follow-ups) is what assessment and its people decided, and when.
PROJECTIONS = (
    Projection("assessment_case", ("case_id",), TOLD, "case_id", blank=BLANK, seeds=("end_version",)),
    Projection("service_word", ("event_id",), WORDS, "case_id"),
    TOMBSTONES,
)

DEADLINES = text("SELECT kind, subject, key, due FROM clock WHERE subject = ANY(CAST(:cases AS uuid[]))")


async def stand_anew(tx: Transaction, cases: Collection[UUID]) -> None:
    """Take the steps that follow from what was put right; a case whose row was lost goes on where assignments, answers and plans say it was."""
    known = await store.cases(tx, cases)
    deadlines: dict[UUID, dict[str, datetime]] = {}
    for clock in await tx.rows(DEADLINES, {"cases": list(cases)}):
        deadlines.setdefault(clock.subject, {})[f"{clock.kind}:{clock.key}" if clock.key else clock.kind] = clock.due
    after = {
        case_id: await _resumed(tx, found, deadlines.get(case_id, {})) if found.state is State.NOT_STARTED else found
        for case_id, found in known.items()
    }
    limits = decisions.limits(tx)
    after = {case_id: case.advance(found, tx.now, limits) for case_id, found in after.items()}
    await decisions.record(tx, known, await decisions.find_workers(tx, after))
    await services.follow(tx, cases)
    await services.time_again(tx, cases)


async def _resumed(tx: Transaction, lost: Case, deadlines: Mapping[str, datetime]) -> Case:
    """A case that somebody had, as far as the other tables tell: which outcomes were reached, and follow-ups, are recorded again by people."""
    worker = await roster.last_worker(tx, lost.case_id)
    if worker is None:
        return lost
    versions = await plans.plans(tx, lost.case_id)
    state = State.ASSESSED if versions or await store.completion(tx, lost.case_id) else State.ASSIGNED
    goals: dict[UUID, Goal] = {}
    if versions:
        state = {"proposed": State.PLAN_PROPOSED, "approved": State.PLAN_APPROVED}.get(versions[-1].state, State.ASSESSED)
    if state is State.PLAN_APPROVED:
        goals = {UUID(person): Goal(outcome) for person, outcome in versions[-1].outcomes.items()}
    version = versions[-1].version if versions else 0
    reentry = (await roster.assignments(tx, lost.case_id))[-1].round >> 40
    return replace(
        lost,
        reentry=reentry,
        state=state,
        worker=worker,
        plan_version=version,
        goals=goals,
        deadlines=deadlines,
        round_version=0 if lost.ended else lost.end_version,
    )
