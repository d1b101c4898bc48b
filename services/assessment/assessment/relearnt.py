"""Writes again what a store lost of the way to outcomes: the steps before them, and who took part in which programme."""

from typing import Any
from uuid import UUID

from chassis import Received, Transaction
from contracts import assessment as facts
from contracts.outcomes import OutcomeAbandoned, OutcomePrepared, ProgrammeFollowed, ProgrammeOffered, ProgrammeStep

from assessment import plans, programmes, steps
from assessment.domain.rehabilitation import Stage
from assessment.domain.relearn import SOMEBODY

REFERENCE, NAME, PROGRAMME_UNKNOWN = "reference", "name_of_the_programme", "programme_unknown"
WITH_REFERENCE = frozenset({"region_acceptance", "body_acceptance"})


async def keep(tx: Transaction, event: Received[Any]) -> list[str]:
    """Write the rows that a fact of the way to an outcome tells of; codes of what it does not tell."""
    data, case_id = event.data, event.subject
    match data:
        case OutcomePrepared():
            codes = data.model_dump(mode="json", exclude_none=True, exclude={"person_id", "step", "recorded_by"})
            await steps.take(tx, case_id, [data.person_id], data.step.value, codes, by=data.recorded_by, at=event.time)
            return [REFERENCE] if data.step in WITH_REFERENCE else []
        case OutcomeAbandoned():
            await steps.end(tx, {(case_id, data.person_id)})
        case facts.PlanApproved():
            await _planned_otherwise(tx, case_id, data)
        case facts.Assigned() if data.reopened_version or data.reentry:
            await steps.end_all(tx, case_id)
        case ProgrammeOffered():
            values = data.model_dump(exclude={"sessions"}) | {"kind": data.kind.value, "name": None}
            await programmes.offer(tx, case_id, values, data.sessions, by=SOMEBODY, at=event.time)
            return [NAME]
        case ProgrammeFollowed():
            return await _took_part(tx, event)
    return []


async def _planned_otherwise(tx: Transaction, case_id: UUID, data: facts.PlanApproved) -> None:
    """Of a person for whom another outcome was planned before, the steps to that one lead to nothing any more."""
    earlier = [row for row in await plans.plans(tx, case_id) if row.state == "approved" and row.version < data.version]
    before = earlier[-1].outcomes if earlier else {}
    now = {str(entry.person_id): entry.outcome.value for entry in data.outcomes}
    if other := {(case_id, UUID(person)) for person, outcome in before.items() if now.get(person) != outcome}:
        await steps.end(tx, other)


async def _took_part(tx: Transaction, event: Received[ProgrammeFollowed]) -> list[str]:
    data = event.data
    offered = await programmes.offered(tx, data.programme_id)
    if not offered:
        return [PROGRAMME_UNKNOWN]
    match data.step:
        case ProgrammeStep.ENROLLED:
            person, case_id = data.person_id, event.subject
            had = await programmes.enrol(tx, offered[0], data.enrolment_id, case_id=case_id, person_id=person, by=SOMEBODY, at=event.time)
            return [] if had else [PROGRAMME_UNKNOWN]
        case ProgrammeStep.ATTENDED | ProgrammeStep.ABSENT:
            here = data.step is ProgrammeStep.ATTENDED
            await programmes.attended(tx, data.enrolment_id, data.session or 1, present=here, by=SOMEBODY, at=event.time)
        case _:
            stage = Stage.COMPLETED if data.step is ProgrammeStep.COMPLETED else Stage.WITHDRAWN
            what = {"reason": data.reason, "certificate": data.certificate, "independence": data.independence}
            await programmes.end(tx, data.enrolment_id, stage, event.time, **what)
    return []
