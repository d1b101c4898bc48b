"""Programmes of social rehabilitation: what is offered, and who takes part, was there, left, and completed what."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.outcomes import Independence, ProgrammeFollowed, ProgrammeKind, ProgrammeOffered, ProgrammeStep, WithdrawalReason
from contracts.vocabulary import AgencyCode, AreaCode
from fastapi import APIRouter, Header
from pydantic import AwareDatetime, BaseModel, Field, StrictBool, model_validator
from sqlalchemy import Row

from assessment import policy, programmes
from assessment.api.cases import owned, refusing, seen
from assessment.domain import rehabilitation
from assessment.domain.rehabilitation import Stage
from assessment.views import Body

router = APIRouter()
TAKES_PART = "she takes part in this programme already"
FULL = "the programme is full"
MEANWHILE = "somebody changed this programme meanwhile: look at both"
IfMatch = Annotated[str | None, Header(alias="If-Match", description="the version that was read; another one meanwhile is a 409")]
NOT_ANY_MORE = "she does not take part any more"


class ProgrammeBody(Body):
    """A programme that an agency offers; sent again with more places or further sessions, it has more."""

    kind: ProgrammeKind
    provider: AgencyCode
    area: AreaCode
    name: Annotated[str, Field(min_length=3, max_length=120)]
    places: int = Field(ge=1, le=500)
    begins_on: date
    ends_on: date
    sessions: tuple[AwareDatetime, ...] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        """It does not end before it begins."""
        if self.ends_on < self.begins_on:
            message = "a programme does not end before it begins"
            raise ValueError(message)
        return self


class ProgrammeView(BaseModel):
    """A programme, and how many places are free now."""

    programme_id: UUID
    kind: str
    provider: str
    area: str
    name: str | None
    places: int
    free: int
    begins_on: date
    ends_on: date
    sessions: tuple[datetime, ...]
    version: str = Field(description="for If-Match of who changes it")

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """The view of a row of `programmes.offered`; its version names all of it that may change."""
        changes = f"{row.name}|{row.places}|{len(row.sessions)}"
        return cls.model_validate({**row._asdict(), "version": hashlib.sha256(changes.encode()).hexdigest()[:16]})


class EnrolBody(Body):
    """Who takes part in what."""

    person_id: UUID
    programme_id: UUID


class AttendanceBody(Body):
    """Whether she was there."""

    session: int = Field(ge=1)
    present: StrictBool


class WithdrawBody(Body):
    """Why she leaves the programme."""

    reason: WithdrawalReason


class FinishBody(Body):
    """What came of it."""

    certificate: StrictBool
    independence: Independence


class EnrolmentView(BaseModel):
    """One person in one programme."""

    enrolment_id: UUID
    programme_id: UUID
    person_id: UUID
    stage: Stage
    attended: int
    counted: int
    ended_at: datetime | None
    reason: str | None
    certificate: bool | None
    independence: str | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """The view of a row of `programmes.of_case`."""
        return cls.model_validate(row, from_attributes=True)


@router.put("/programmes/{programme_id}")
@writes(*policy.KEEP_WORKERS)
async def offer(programme_id: UUID, body: ProgrammeBody, tx: Transaction, if_match: IfMatch = None) -> ProgrammeView:
    """Offer a programme. Sent again it may get another name, more places and further sessions; everything else, and what was once offered, stay."""
    await tx.lock([programme_id])
    have = await programmes.offered(tx, programme_id)
    if have:
        _require_version(ProgrammeView.of(have[0]), body, if_match)
        _require_same(have[0], body)
    values = body.model_dump(exclude={"sessions"}) | {"kind": body.kind.value}
    await programmes.offer(tx, programme_id, values, body.sessions, by=tx.principal.subject, at=tx.now)
    tx.emit(ProgrammeOffered.model_validate(body.model_dump(exclude={"name"})), programme_id)
    return ProgrammeView.of((await programmes.offered(tx, programme_id))[0])


def _require_version(have: ProgrammeView, body: ProgrammeBody, if_match: str | None) -> None:
    if if_match is not None and if_match.strip('W/" ') != have.version:
        raise conflict(MEANWHILE, version=have.version, current=have.model_dump(mode="json"), sent=body.model_dump(mode="json"))


def _require_same(have: Row[Any], body: ProgrammeBody) -> None:
    """Refuse what takes away or changes what was offered: people have planned by it."""
    found = [
        FieldProblem(name, "fixed") for name in ("kind", "provider", "area", "begins_on", "ends_on") if getattr(have, name) != getattr(body, name)
    ]
    found += [FieldProblem(f"sessions.{n}", "fixed") for n, (at, told) in enumerate(zip(have.sessions, body.sessions, strict=False)) if at != told]
    if found:
        raise RefusedError(422, "of a programme that is offered this does not change", found)
    fewer = [FieldProblem("places", "fewer_than_before")] if body.places < have.places else []
    fewer += [FieldProblem("sessions", "fewer_than_before")] if len(body.sessions) < len(have.sessions) else []
    if fewer:
        raise RefusedError(422, "what was offered stays", fewer)


@router.get("/programmes")
@reads(*policy.SEE_INSTRUMENTS)
async def list_programmes(tx: Transaction) -> list[ProgrammeView]:
    """Programmes that are not over, the next first, with their free places."""
    return [ProgrammeView.of(row) for row in await programmes.offered(tx)]


@router.get("/cases/{case_id}/enrolments")
@reads(*policy.SEE_CASES)
async def list_enrolments(case_id: UUID, tx: Transaction) -> list[EnrolmentView]:
    """In what the persons of a case take or took part."""
    await seen(case_id, tx)
    tx.audit("read", case_id, ["enrolments"])
    return [EnrolmentView.of(row) for row in await programmes.of_case(tx, case_id)]


@router.post("/cases/{case_id}/enrolments", status_code=201)
@writes(*policy.RECORD_OUTCOME)
async def enrol(case_id: UUID, body: EnrolBody, tx: Transaction) -> EnrolmentView:
    """Give a person a place in a programme; 409 when it is full, and nobody is ever given a place that somebody has."""
    known = await owned(case_id, tx)
    with refusing():
        rehabilitation.enrollable(known, body.person_id)
    offered = await programmes.offered(tx, body.programme_id)
    if not offered:
        raise not_found("programme")
    if programmes.last_moment(offered[0].ends_on) <= tx.now:
        raise RefusedError(422, "this programme is over", [FieldProblem("programme_id", "over")])
    have = [row for row in await programmes.of_case(tx, case_id) if (row.person_id, row.programme_id) == (body.person_id, body.programme_id)]
    if any(row.stage == Stage.ENROLLED for row in have):
        raise conflict(TAKES_PART, state=Stage.ENROLLED.value)
    identity = tx.new_id(f"enrolment:{body.person_id}:{body.programme_id}", case_id)
    person, me = body.person_id, tx.principal.subject
    if not await programmes.enrol(tx, offered[0], identity, case_id=case_id, person_id=person, by=me, at=tx.now):
        raise conflict(FULL, state="full")
    return await _followed(tx, case_id, identity, ProgrammeStep.ENROLLED)


@router.post("/cases/{case_id}/enrolments/{enrolment_id}/attendance")
@writes(*policy.RECORD_OUTCOME)
async def attend(case_id: UUID, enrolment_id: UUID, body: AttendanceBody, tx: Transaction) -> EnrolmentView:
    """Record whether a person was at a session; the newest word on it holds."""
    mine = await _enrolled(tx, case_id, enrolment_id)
    sessions: Sequence[datetime] = (await programmes.offered(tx, mine.programme_id))[0].sessions
    if body.session > len(sessions):
        raise RefusedError(422, "the programme has no such session", [FieldProblem("session", "unknown")])
    await programmes.attended(tx, enrolment_id, body.session, present=body.present, by=tx.principal.subject, at=tx.now)
    return await _followed(tx, case_id, enrolment_id, ProgrammeStep.ATTENDED if body.present else ProgrammeStep.ABSENT, session=body.session)


@router.post("/cases/{case_id}/enrolments/{enrolment_id}/withdraw")
@writes(*policy.RECORD_OUTCOME)
async def withdraw(case_id: UUID, enrolment_id: UUID, body: WithdrawBody, tx: Transaction) -> EnrolmentView:
    """A person leaves a programme; her place is free for others."""
    await _enrolled(tx, case_id, enrolment_id)
    await programmes.end(tx, enrolment_id, Stage.WITHDRAWN, tx.now, reason=body.reason.value)
    return await _followed(tx, case_id, enrolment_id, ProgrammeStep.WITHDRAWN, reason=body.reason)


@router.post("/cases/{case_id}/enrolments/{enrolment_id}/complete")
@writes(*policy.RECORD_OUTCOME)
async def finish(case_id: UUID, enrolment_id: UUID, body: FinishBody, tx: Transaction) -> EnrolmentView:
    """A person completed a programme: she attended enough of it, and her worker rates how independent she is."""
    mine = await _enrolled(tx, case_id, enrolment_id)
    with refusing():
        rehabilitation.finish(programmes.enrolment(mine), tx.settings.attendance_share)
    came = {"certificate": body.certificate, "independence": body.independence}
    await programmes.end(tx, enrolment_id, Stage.COMPLETED, tx.now, **came)
    return await _followed(tx, case_id, enrolment_id, ProgrammeStep.COMPLETED, **came)


async def _enrolled(tx: Transaction, case_id: UUID, enrolment_id: UUID) -> Row[Any]:
    """A person's place in a programme, for her worker; 404 for another's, 409 for one that ended."""
    await owned(case_id, tx)
    mine = await _enrolment(tx, case_id, enrolment_id)
    if mine.stage != Stage.ENROLLED:
        raise conflict(NOT_ANY_MORE, state=mine.stage)
    return mine


async def _enrolment(tx: Transaction, case_id: UUID, enrolment_id: UUID) -> Row[Any]:
    found = next((row for row in await programmes.of_case(tx, case_id) if row.enrolment_id == enrolment_id), None)
    if found is None:
        raise not_found("enrolment")
    return found


async def _followed(tx: Transaction, case_id: UUID, enrolment_id: UUID, step: ProgrammeStep, **what: Any) -> EnrolmentView:
    """Say what happened with a person in a programme, audit it, and show where she stands."""
    row = await _enrolment(tx, case_id, enrolment_id)
    fact = ProgrammeFollowed(person_id=row.person_id, programme_id=row.programme_id, enrolment_id=enrolment_id, step=step, **what)
    tx.emit(fact, case_id, key=f"{enrolment_id}|{step.value}")
    tx.audit("write", row.person_id, ["programme"])
    return EnrolmentView.of(row)
