"""The routes of outreach: a team is sent to a person and reports what it found."""

from uuid import UUID

from chassis import Transaction, writes
from contracts.intake import OutreachDispatched, OutreachEnded
from contracts.vocabulary import AgencyCode, OutreachResult
from fastapi import APIRouter

from intake import policy
from intake.api.bodies import Body
from intake.api.cases import open_case, refused_by_state, said
from intake.api.views import StandingView

router = APIRouter(prefix="/cases", tags=["cases"])


class OutreachBody(Body):
    """Which team is sent."""

    team: AgencyCode


class ResultBody(Body):
    """What the team found."""

    result: OutreachResult


@router.post("/{case_id}/outreach", status_code=201)
@writes(*policy.DISPATCH)
async def dispatch(case_id: UUID, body: OutreachBody, tx: Transaction) -> StandingView:
    """Send an outreach team; it reports its result before its clock runs out."""
    book = await open_case(tx, case_id)
    if book.standing.team:
        raise refused_by_state(book, "a team is on its way already")
    due = tx.now + tx.settings.span(hours=tx.settings.outreach_hours)
    tx.set_clock("outreach", case_id, due)
    return await said(tx, book, OutreachDispatched(team=body.team, due_at=due))


@router.post("/{case_id}/outreach/result")
@writes(*policy.END_OUTREACH)
async def end_outreach(case_id: UUID, body: ResultBody, tx: Transaction) -> StandingView:
    """Record what the team found."""
    book = await open_case(tx, case_id)
    if not book.standing.team:
        raise refused_by_state(book, "no team is on its way")
    tx.cancel_clock("outreach", case_id)
    return await said(tx, book, OutreachEnded(result=body.result))
