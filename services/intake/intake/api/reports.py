"""Intake's HTTP door: reports and their follow-up, and which kinds of shelter have room."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import Asked, FieldProblem, RefusedError, Transaction, not_found, reads, writes_together
from contracts.agencies import Referral
from contracts.vocabulary import AreaKind, Channel
from fastapi import APIRouter, Body
from pydantic import BaseModel
from sqlalchemy import select

from intake import opening, policy, store
from intake.api.desk import ProblemView, problem_views
from intake.api.sealing import Keys, opened, opened_by
from intake.consents import holding
from intake.domain.consent import hearers
from intake.domain.standing import ENDED, State
from intake.opening import Answer, Safe, Submission
from intake.rates import InTime
from intake.reading import Problem, read_submission
from intake.store import CASES, FOLLOWS

AGENCY = re.compile(r"[a-z][a-z0-9-]{1,30}")
# What an agency may know of a case's state: the steps of the search for a bed are one, and so are its ends.
COARSE = {
    **{state: str(state) for state in State},
    **dict.fromkeys((State.OFFERED, State.WAITLISTED, State.ACCEPTED, State.ON_THE_WAY), str(State.SHELTER_SOUGHT)),
    **dict.fromkeys(ENDED, "ended"),
}


class ReportView(BaseModel):
    """The receipt of a report; officers get the case's id too."""

    case_id: UUID | None = None
    follow_id: UUID
    receipt: str
    problems: list[ProblemView]


class FollowView(BaseModel):
    """What an agency may know of a case that it takes part in."""

    follow_id: UUID
    reference: str | None
    state: str
    risk: str | None
    responsible_agency: str | None
    since: datetime


class AvailabilityView(BaseModel):
    """Whether a kind of shelter has room; all secret shelters are one kind."""

    kind: str
    availability: str


router = APIRouter(tags=["reports"])


@router.post("/reports", status_code=201, dependencies=[InTime])
@writes_together(
    *policy.REPORT, body=Annotated[dict[str, Any], Body(title="Body", description="as referral.submitted.v1, or sealed as referral.sealed.v1")]
)
async def report(asked: Sequence[Asked[dict[str, Any]]], vault: Safe, tx: Transaction) -> list[dict[str, Any] | RefusedError]:
    """Report a household, with the same body as a referral on NATS. What cannot be read is named; only without a readable reference
    (officers may leave it out), urgency and callback is it refused. The same reference with the same content gets the same receipt.

    Or a sealed one, as referral.sealed.v1: the data of a referral, which only intake can open.
    """
    private = await opened_by(vault, asked)
    read = [_read(entry, tx, private) for entry in asked]
    answers = iter(await opening.open_cases(tx, vault, [entry for entry in read if isinstance(entry, Submission)]))
    return [entry if isinstance(entry, RefusedError) else _receipt(who, next(answers), tx) for who, entry in zip(asked, read, strict=True)]


def _read(asked: Asked[dict[str, Any]], tx: Transaction, private: Keys) -> Submission | RefusedError:
    principal, body = asked.principal, asked.body
    by_system = principal.has(policy.AGENCY_SYSTEM)
    if AGENCY.fullmatch(principal.agency) is None:
        return RefusedError(403, "your token names no agency")
    found = opened(body, principal.agency, private, (Referral,))
    if isinstance(found, RefusedError):
        return found
    body = found
    if principal.has(policy.OUTREACH):
        body = {"channel": Channel.OUTREACH, "area_kind": AreaKind.FOUND, **body}
    if not by_system and body.get("reference") is None:
        body = {**body, "reference": f"R-{tx.new_id('reference', cause=asked.cause).hex}"}
    reading = read_submission(body, tx.now)
    if reading.referral is None:
        return RefusedError(422, "this report cannot be taken: correct these fields and send it again", fields_of(reading.problems))
    return Submission(principal.agency, reading.referral, reading, asked.cause, by_system)


def _receipt(asked: Asked[Any], answer: Answer, tx: Transaction) -> dict[str, Any] | RefusedError:
    """What is answered; officers are told the case's id too, and writing its personal data is on record."""
    if answer.follow_id is None:
        return RefusedError(409, "this reference was used for another report", fields_of(answer.problems))
    if answer.case_id:
        tx.audit("report", answer.case_id, ["persons", "narrative", "callback"], by=asked.principal, purpose=asked.purpose)
    view = ReportView(
        case_id=None if asked.principal.has(policy.AGENCY_SYSTEM) else answer.case_id,
        follow_id=answer.follow_id,
        receipt=answer.receipt,
        problems=problem_views(answer.problems),
    )
    return view.model_dump(mode="json", exclude_none=True)


@router.get("/follow/{follow_id}")
@reads(*policy.FOLLOW)
async def follow(follow_id: UUID, tx: Transaction) -> FollowView:
    """How a case that your agency takes part in stands, coarsely; under another agency's follow id there is nothing.

    Who has but a disclosure sees whether the case is open.
    """
    mine = (FOLLOWS.c.follow_id == follow_id) & (FOLLOWS.c.agency == tx.principal.agency)
    columns = (CASES.c.state, CASES.c.risk, CASES.c.reporting_agency, CASES.c.responsible_agency)
    row = await tx.row(select(FOLLOWS, *columns).join(CASES, CASES.c.case_id == FOLLOWS.c.case_id).where(mine))
    if row is None:
        raise not_found("case")
    shares = (await holding.shares(tx, [row.case_id])).get(row.case_id, holding.NOTHING)
    responsible = row.responsible_agency if row.risk else None
    reduced = hearers(row.reporting_agency, responsible, shares).get(row.agency)
    shown: dict[str, str | None] = {"state": COARSE[State(row.state)], "risk": row.risk, "responsible_agency": responsible}
    if row.ended_at is not None or reduced is None or shown["state"] == "ended":
        shown = {"state": "ended", "risk": None, "responsible_agency": None}
    elif reduced:
        shown = {"state": "open", "risk": None, "responsible_agency": None}
    return FollowView.model_validate({"follow_id": row.follow_id, "reference": row.reference, "since": row.since, **shown})


@router.get("/availability")
@reads(*policy.SEE_AVAILABILITY)
async def availability(tx: Transaction) -> list[AvailabilityView]:
    """Which kinds of shelter have room, as placement said last."""
    rows = await tx.rows(select(store.AVAILABILITY).order_by(store.AVAILABILITY.c.kind))
    return [AvailabilityView(kind=row.kind, availability=row.availability) for row in rows]


def fields_of(problems: tuple[Problem, ...]) -> list[FieldProblem]:
    """What is wrong with which field, for a refusal."""
    return [FieldProblem(field, code) for field, code in problems]
