"""The routes by which a case ends and goes on: a closure is proposed and decided, somebody cannot be reached, an ended case is reopened."""

from datetime import datetime
from uuid import UUID

from chassis import RefusedError, Transaction, writes
from contracts.grounds import EndReason
from contracts.intake import Closed, ClosureProposed, ClosureReturned, ContactLost, Reopened
from fastapi import APIRouter

from intake import casebook, policy
from intake.api.bodies import EndBody, ReopenBody, ReturnClosureBody
from intake.api.cases import open_case, refused_by_state, said, seen
from intake.api.views import StandingView
from intake.domain.duties import may_close
from intake.store import Book
from intake.violence import legal

NOT_READY = "this case is not ready to be closed for this reason"
router = APIRouter(prefix="/cases", tags=["cases"])


@router.post("/{case_id}/closure")
@writes(*policy.PROPOSE_CLOSURE)
async def propose_closure(case_id: UUID, body: EndBody, tx: Transaction) -> StandingView:
    """Propose to close a case, with a reason: after its last follow-up, or for a reason that ends help by itself. A supervisor decides."""
    book = await open_case(tx, case_id)
    _require_closable(book, body.reason)
    if "closure_approval" in book.standing.matters:
        raise refused_by_state(book, "a closure is proposed already")
    due: datetime = tx.now + casebook.matter_span(tx, "closure_approval", book.standing.risk)
    return await said(tx, book, ClosureProposed(reason=body.reason, proposed_by=tx.principal.subject, due_at=due))


@router.post("/{case_id}/closure/return")
@writes(*policy.CLOSE)
async def return_closure(case_id: UUID, body: ReturnClosureBody, tx: Transaction) -> StandingView:
    """Do not close a case that an officer proposed to close: it goes on where it was."""
    book = await open_case(tx, case_id)
    if "closure_approval" not in book.standing.matters:
        raise refused_by_state(book, "no closure is proposed")
    return await said(tx, book, ClosureReturned(reason=body.reason))


@router.post("/{case_id}/close")
@writes(*policy.CLOSE)
async def close(case_id: UUID, body: EndBody, tx: Transaction) -> StandingView:
    """Close a case: as somebody else proposed, or on your own after its last follow-up or for a reason that ends help by itself.

    Nobody closes what she proposed to close herself, and no case is closed while somebody is in a shelter.
    """
    book = await open_case(tx, case_id)
    _require_closable(book, body.reason)
    proposed = book.standing.matters.get("closure_approval")
    if proposed and proposed.codes["proposed_by"] == str(tx.principal.subject):
        raise RefusedError(403, "another supervisor decides on a closure that you proposed yourself")
    return await said(tx, book, Closed(reason=body.reason))


@router.post("/{case_id}/contact-lost")
@writes(*policy.LOSE_CONTACT)
async def lose_contact(case_id: UUID, tx: Transaction) -> StandingView:
    """Nobody can reach her any more: everyone stops, and some weeks later you are told to try again. Reopen the case when she is found."""
    book = await open_case(tx, case_id)
    if book.standing.inside:
        raise refused_by_state(book, "somebody of this household is in a shelter")
    return await said(tx, book, ContactLost(reason=EndReason.MISSING))


@router.post("/{case_id}/reopen")
@writes(*policy.REOPEN)
async def reopen(case_id: UUID, body: ReopenBody, tx: Transaction) -> StandingView:
    """Let a case that had ended go on where its facts say; it is triaged anew, and what was asked for before is not looked for any more."""
    await seen(tx, case_id)
    await tx.lock([case_id])
    book = await seen(tx, case_id)
    if not book.standing.ended:
        raise refused_by_state(book, "this case has not ended")
    due = tx.now + casebook.triage_span(tx.settings, book.standing.risk, tx.now)
    legal.resume(tx, book.case, book.facts)
    return await said(tx, book, Reopened(reason=body.reason, due_at=due))


def _require_closable(book: Book, reason: EndReason) -> None:
    """Refuse a closure that the standing of a case does not allow. Raises 409."""
    if not may_close(book.standing, reason):
        raise refused_by_state(book, NOT_READY, waiting_for=book.standing.waiting_for)
