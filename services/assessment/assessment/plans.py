"""The versions of plans and what belongs to them: comments, case conferences, reviews and how far each goal is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Received, Transaction
from chassis.store.vault import Vault
from contracts import assessment as facts
from sqlalchemy import Column, LargeBinary, Row, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Field

from assessment.domain.case import Case, StateError
from assessment.domain.plan import Plan
from assessment.store import MOMENT, PLAN, Base

COMMENT_PLACE = "plan_comment.sealed"


class CommentRow(Base, table=True):
    """What somebody wrote about one person's part of a plan, sealed with that person's key: it goes when she is erased."""

    __tablename__ = "plan_comment"
    comment_id: UUID = Field(primary_key=True)
    case_id: UUID
    person_id: UUID
    about: str
    about_id: UUID | None
    version: int
    sealed: bytes = Field(sa_type=LargeBinary)
    by: UUID
    at: datetime = Field(sa_type=MOMENT)


class ConferenceRow(Base, table=True):
    """A case conference: who took part, by role and agency, and what it decided."""

    __tablename__ = "conference"
    conference_id: UUID = Field(primary_key=True)
    case_id: UUID
    version: int
    held_at: datetime = Field(sa_type=MOMENT)
    decision: str
    present: list[dict[str, str]] = Field(sa_column=Column(JSONB, nullable=False))
    recorded_by: UUID
    recorded_at: datetime = Field(sa_type=MOMENT)


class ProgressRow(Base, table=True):
    """How far one person's goal was at a time; the newest holds, all are kept."""

    __tablename__ = "goal_progress"
    case_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    goal: str = Field(primary_key=True)
    at: datetime = Field(sa_type=MOMENT, primary_key=True)
    progress: str
    version: int
    by: UUID


class ReviewRow(Base, table=True):
    """A review of an approved plan."""

    __tablename__ = "plan_review"
    case_id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_type=MOMENT, primary_key=True)
    version: int
    finding: str
    by: UUID


COMMENT, CONFERENCE = CommentRow.__table__, ConferenceRow.__table__  # type: ignore[attr-defined]
PROGRESS, REVIEW = ProgressRow.__table__, ReviewRow.__table__  # type: ignore[attr-defined]


async def propose(tx: Transaction, case_id: UUID, plan: Plan, services: Sequence[str], persons: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Write a proposed version; `persons` has what was agreed with each, her goals and services."""
    values = {
        "case_id": case_id,
        "version": plan.version,
        "outcomes": {str(person): outcome for person, outcome in plan.outcomes.items()},
        "services": list(services),
        "persons": {str(person): dict(entry) for person, entry in persons.items()},
        "agency": tx.principal.agency,
        "state": "proposed",
        "proposed_by": plan.proposed_by,
        "proposed_at": tx.now,
    }
    await tx.execute(insert(PLAN).values(values))


async def decide(tx: Transaction, case_id: UUID, version: int, state: str, reason: str | None = None) -> None:
    """Write what the supervisor decided on a version."""
    decided = {"state": state, "decided_by": tx.principal.subject, "decided_at": tx.now, "return_reason": reason}
    await tx.execute(PLAN.update().where(PLAN.c.case_id == case_id, PLAN.c.version == version).values(decided))


async def plans(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """All versions of a case's plan, the first one first."""
    return await tx.rows(select(PLAN).where(PLAN.c.case_id == case_id).order_by(PLAN.c.version))


async def latest_plan(tx: Transaction, case: Case) -> Plan:
    """The version that is or was proposed last. Raises StateError when the case has none."""
    row = await tx.row(select(PLAN).where(PLAN.c.case_id == case.case_id, PLAN.c.version == case.plan_version))
    if row is None:
        raise StateError(case.state)
    return Plan(row.version, {UUID(person): outcome for person, outcome in row.outcomes.items()}, row.proposed_by)


async def plan_again(
    tx: Transaction, case_id: UUID, version: int, outcomes: Mapping[str, str], decided: tuple[str, str | None], *, by: UUID, at: datetime
) -> None:
    """Write a version of a plan that only the fact of its decision tells of; of one that is there, the decision."""
    decision = {"state": decided[0], "return_reason": decided[1], "decided_by": by, "decided_at": at}
    first = {"case_id": case_id, "version": version, "outcomes": dict(outcomes), "services": [], "proposed_by": by, "proposed_at": at}
    statement = insert(PLAN).values(first | decision)
    await tx.execute(statement.on_conflict_do_update(index_elements=["case_id", "version"], set_=decision))


# -- what belongs to them -----------------------------------------------------------------------------------------------------------


async def comment(tx: Transaction, vault: Vault, case: Case, texts: Mapping[UUID, str], *, about: str, about_id: UUID | None = None) -> None:
    """Keep comments, one a person, each sealed with the key of whom it is about."""
    if not texts:
        return
    keys = await vault.new(texts)
    same = {"case_id": case.case_id, "about": about, "about_id": about_id, "version": case.plan_version, "by": tx.principal.subject, "at": tx.now}
    rows = [
        {
            **same,
            "comment_id": tx.new_id(f"comment:{about}:{person}", case.case_id),
            "person_id": person,
            "sealed": keys.seal(person, COMMENT_PLACE, text),
        }
        for person, text in texts.items()
    ]
    await tx.execute(insert(COMMENT).values(rows))
    for person in texts:
        tx.audit("write", person, [f"comment.{about}"])


async def comments(tx: Transaction, vault: Vault, case_id: UUID) -> list[tuple[Row[Any], str | None]]:
    """The comments of a case, oldest first, opened; None where the person was erased."""
    rows = await tx.rows(select(COMMENT).where(COMMENT.c.case_id == case_id).order_by(COMMENT.c.at, COMMENT.c.comment_id))
    keys = await vault.of(row.person_id for row in rows)
    return [(row, keys.open_or_none(row.person_id, COMMENT_PLACE, row.sealed)) for row in rows]


async def confer(tx: Transaction, case: Case, held_at: datetime, decision: str, present: Sequence[Mapping[str, str]]) -> UUID:
    """Keep a case conference; its id."""
    conference_id = tx.new_id("conference", case.case_id)
    values = {"conference_id": conference_id, "case_id": case.case_id, "version": case.plan_version, "held_at": held_at, "decision": decision}
    who = {"present": [dict(entry) for entry in present], "recorded_by": tx.principal.subject, "recorded_at": tx.now}
    await tx.execute(insert(CONFERENCE).values(values | who))
    return conference_id


async def conferences(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """The conferences on a case, in the order in which they were held."""
    return await tx.rows(select(CONFERENCE).where(CONFERENCE.c.case_id == case_id).order_by(CONFERENCE.c.held_at, CONFERENCE.c.conference_id))


async def keep_review(tx: Transaction, case: Case, version: int, finding: str) -> None:
    """Keep that the approved plan was reviewed."""
    values = {"case_id": case.case_id, "at": tx.now, "version": version, "finding": finding, "by": tx.principal.subject}
    await tx.execute(insert(REVIEW).values(values))


async def held_again(tx: Transaction, event: Received[Any], *, by: UUID) -> None:
    """Keep a conference or a review again of which only its fact tells: who took part, what was written and how far goals were, nobody knows."""
    data, case_id = event.data, event.subject
    if isinstance(data, facts.PlanReviewed):
        review = {"case_id": case_id, "at": event.time, "version": data.version, "finding": data.finding.value, "by": by}
        await tx.execute(insert(REVIEW).values(review).on_conflict_do_nothing())
        return
    held = {"conference_id": event.id, "case_id": case_id, "version": 0, "held_at": data.held_at, "decision": data.decision.value}
    who = {"present": [], "recorded_by": by, "recorded_at": event.time}
    await tx.execute(insert(CONFERENCE).values(held | who).on_conflict_do_nothing())


async def reviews(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """The reviews of a case's plans, the first one first."""
    return await tx.rows(select(REVIEW).where(REVIEW.c.case_id == case_id).order_by(REVIEW.c.at))


async def keep_progress(tx: Transaction, case: Case, version: int, progress: Mapping[tuple[UUID, str], str]) -> None:
    """Keep how far goals (by person and code) are now."""
    same = {"case_id": case.case_id, "at": tx.now, "version": version, "by": tx.principal.subject}
    rows = [{**same, "person_id": person, "goal": goal, "progress": code} for (person, goal), code in progress.items()]
    if rows:
        await tx.execute(insert(PROGRESS).values(rows))


async def progress(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """How far each goal was and when, the oldest first."""
    return await tx.rows(select(PROGRESS).where(PROGRESS.c.case_id == case_id).order_by(PROGRESS.c.at, PROGRESS.c.person_id, PROGRESS.c.goal))
