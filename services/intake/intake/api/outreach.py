"""The routes of outreach: a team is sent to a person, arrives, and reports what it found and what each person said to coming along."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, reads, writes
from contracts.intake import OutreachArrived, OutreachDispatched, OutreachEnded
from contracts.vocabulary import AgencyCode, OutreachResult, ProblemCode, Risk, StreetAgreement
from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from intake import agencies, casebook, policy
from intake.api.bodies import Body
from intake.api.cases import open_case, refused_by_state, said, seen, standing_view
from intake.api.views import StandingView
from intake.casebook import Saying
from intake.domain import outreach
from intake.domain.outreach import Said
from intake.store import Book

ON_THE_WAY = "a team is on its way already"
NO_TEAM = "no team is on its way"
ASKEW = timedelta(minutes=5)  # how far the clocks of two machines may be apart
OUTREACH = "outreach"  # the clock of the next step of a team


class OutreachBody(Body):
    """Which team is sent."""

    team: AgencyCode


class ArrivalBody(Body):
    """When the team arrived."""

    at: AwareDatetime | None = Field(default=None, description="left out: now")


class PersonBody(Body):
    """What a person said to coming along, or why nobody knows."""

    person_id: UUID
    agreement: StreetAgreement


class ResultBody(Body):
    """What the team found; of whom nothing is said, it is recorded that nobody asked."""

    result: OutreachResult
    at: AwareDatetime | None = Field(default=None, description="left out: now")
    persons: tuple[PersonBody, ...] = Field(default=(), max_length=30)


class OutingView(BaseModel):
    """One team's way."""

    team: str
    dispatched_at: datetime
    due_at: datetime
    arrived_at: datetime | None
    ended_at: datetime | None
    result: OutreachResult | None
    persons: list[PersonBody]


router = APIRouter(prefix="/cases", tags=["cases"])


@router.get("/{case_id}/outreach")
@reads(*policy.SEE_CASES)
async def outings(case_id: UUID, tx: Transaction) -> list[OutingView]:
    """The teams that were sent: when they were due, arrived and ended, and what each person said."""
    book = await seen(tx, case_id)
    return [OutingView.model_validate(outing, from_attributes=True) for outing in outreach.outings(book.facts)]


@router.post("/{case_id}/outreach", status_code=201)
@writes(*policy.DISPATCH)
async def dispatch(case_id: UUID, body: OutreachBody, tx: Transaction) -> StandingView:
    """Send an outreach team; it arrives before its clock runs out, which goes by risk."""
    book = await open_case(tx, case_id)
    if book.standing.team:
        raise refused_by_state(book, ON_THE_WAY)
    await agencies.require(tx, "team", body.team)
    due = tx.now + _arrival_within(tx, book)
    tx.set_clock(OUTREACH, case_id, due)
    return await said(tx, book, OutreachDispatched(team=body.team, due_at=due))


@router.post("/{case_id}/outreach/arrived")
@writes(*policy.END_OUTREACH)
async def arrive(case_id: UUID, body: ArrivalBody, tx: Transaction) -> StandingView:
    """The team is there; its result is due within a time that goes by risk. A team that reported the case on the street itself sends itself with this."""
    book = await open_case(tx, case_id)
    outing = _under_way(book)
    if outing is not None and outing.arrived_at is not None:
        raise refused_by_state(book, "the team has arrived already")
    arrived = _moment(tx, body.at, outing.dispatched_at if outing else book.case.opened_at - ASKEW)
    due = arrived + _result_within(tx, book)
    tx.set_clock(OUTREACH, case_id, due)
    sayings = [Saying(case_id, OutreachArrived(arrived_at=arrived, due_at=due), tx.cause_of(case_id))]
    if outing is None:
        if not (tx.principal.has(policy.OUTREACH) and book.case.reporting_agency == tx.principal.agency):
            raise refused_by_state(book, NO_TEAM)
        sayings.insert(0, Saying(case_id, OutreachDispatched(team=tx.principal.agency, due_at=tx.now), tx.cause_of(case_id)))
    now = await casebook.grow(tx, said=sayings)
    return standing_view(tx, book, now[case_id])


@router.post("/{case_id}/outreach/result")
@writes(*policy.END_OUTREACH)
async def end_outreach(case_id: UUID, body: ResultBody, tx: Transaction) -> StandingView:
    """Record what the team found, and what each person said. Nobody is brought along without an agreement that holds."""
    book = await open_case(tx, case_id)
    outing = _under_way(book)
    if outing is None:
        raise refused_by_state(book, NO_TEAM)
    words = [Said(entry.person_id, entry.agreement) for entry in body.persons]
    ages = {row.person_id: row.age for row in book.persons}
    if wrong := outreach.refusals(body.result, words, ages, tx.settings.consent_age):
        raise RefusedError(422, "this result cannot be taken: see what is missing", [FieldProblem(field, code) for field, code in wrong])
    ended = _moment(tx, body.at, _read(outing.arrived_at) or outing.dispatched_at)
    persons = [{"person_id": word.person_id, "agreement": word.agreement} for word in outreach.completed(body.result, words, ages)]
    tx.cancel_clock(OUTREACH, case_id)
    return await said(tx, book, OutreachEnded.model_validate({"result": body.result, "ended_at": ended, "persons": persons}))


def _under_way(book: Book) -> Any:
    """The team that is on its way or there, or None."""
    return outreach.outings(book.facts)[-1] if book.standing.team else None


def _moment(tx: Transaction, told: datetime | None, earliest: datetime) -> datetime:
    """When something happened. Raises 422 for what is in the future, or before the step that it follows."""
    if told is None:
        return max(tx.now, earliest)  # a clock that was set back is not the officer's fault
    if not earliest - ASKEW <= told <= tx.now + ASKEW:
        raise RefusedError(422, "this is in the future, or before the step that it follows", [FieldProblem("at", ProblemCode.INVALID)])
    return told


def _read(moment: str | None) -> datetime | None:
    return datetime.fromisoformat(moment) if moment else None


def _arrival_within(tx: Transaction, book: Book) -> timedelta:
    settings = tx.settings
    hours = {Risk.HIGH: settings.outreach_hours, Risk.MEDIUM: settings.outreach_medium_hours, Risk.LOW: settings.outreach_low_hours}
    return _within(tx, book, hours)


def _result_within(tx: Transaction, book: Book) -> timedelta:
    settings = tx.settings
    low, medium, high = settings.outreach_result_low_hours, settings.outreach_result_medium_hours, settings.outreach_result_hours
    return _within(tx, book, {Risk.HIGH: high, Risk.MEDIUM: medium, Risk.LOW: low})


def _within(tx: Transaction, book: Book, hours: dict[Risk, float]) -> timedelta:
    limit: timedelta = tx.settings.span(hours=hours[Risk(book.standing.risk or book.case.urgency)])
    return limit
