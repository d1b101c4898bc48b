"""The routes by which another agency comes to lead a case: who leads asks, who is asked accepts or declines.

Before an agency accepts it takes no part: it sees what it is asked to lead as codes, and no name.
"""

from datetime import datetime
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, not_found, reads, writes
from contracts.grounds import HandoverReason
from contracts.intake import ResponsibilityDeclined, ResponsibilityProposed, ResponsibilityTransferred
from contracts.vocabulary import ProblemCode, Risk
from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from intake import agencies, casebook, policy, store
from intake.api.bodies import DeclineBody, HandoverBody, TakeOverBody
from intake.api.cases import open_case, refused_by_state, said
from intake.api.views import StandingView
from intake.store import CASES, Book

MATTER = "transfer_answer"
router = APIRouter(tags=["cases"])


class HandoverView(BaseModel):
    """What an agency is asked to lead."""

    case_id: UUID
    from_agency: str
    reason: HandoverReason
    risk: Risk | None
    city: str
    violence_types: list[str]
    persons: int
    proposed_at: datetime
    due_at: datetime


@router.get("/handovers")
@reads(*policy.HAND_OVER)
async def handovers(tx: Transaction) -> list[HandoverView]:
    """The cases that your agency is asked to lead, the first asked first; codes only, until you accept."""
    waiting = await tx.rows(select(CASES.c.case_id).where(CASES.c.waiting_for.contains([MATTER])))
    books = await store.books(tx, [row.case_id for row in waiting])
    found = [_view(book) for book in books.values() if _asked(book) == tx.principal.agency]
    for view in found:
        tx.audit("handover_read", view.case_id, ["risk", "violence_types", "persons"])
    return sorted(found, key=lambda view: view.proposed_at)


@router.post("/cases/{case_id}/handover")
@writes(*policy.HAND_OVER)
async def propose(case_id: UUID, body: HandoverBody, tx: Transaction) -> StandingView:
    """Ask another agency to lead a case that yours leads. Yours leads it until the other one accepts."""
    book = await open_case(tx, case_id)
    leads = book.case.responsible_agency
    if leads != tx.principal.agency:
        raise RefusedError(403, "only the agency that leads a case may ask another one to lead it")
    if body.agency == leads:
        raise RefusedError(422, "your agency leads this case already: name another one", [FieldProblem("agency", ProblemCode.INVALID)])
    await agencies.require(tx, "agency", body.agency)
    if MATTER in book.standing.matters:
        raise refused_by_state(book, "another agency was asked already, and has not answered")
    due = tx.now + casebook.matter_span(tx, MATTER, book.standing.risk)
    return await said(tx, book, ResponsibilityProposed(agency=body.agency, from_agency=leads, reason=body.reason, due_at=due))


@router.post("/cases/{case_id}/handover/accept")
@writes(*policy.HAND_OVER)
async def accept(case_id: UUID, body: TakeOverBody, tx: Transaction) -> StandingView:
    """Your agency leads the case from now on, and sees all of it."""
    book = await _asked_of(tx, case_id)
    if _asked(book) != tx.principal.agency:
        raise not_found("handover")
    await agencies.require_unit(tx, "unit", tx.principal.agency, body.unit)
    return await said(tx, book, ResponsibilityTransferred(agency=tx.principal.agency, unit=body.unit))


@router.post("/cases/{case_id}/handover/decline")
@writes(*policy.HAND_OVER)
async def decline(case_id: UUID, body: DeclineBody, tx: Transaction) -> StandingView:
    """Your agency does not take the case, or takes back what it asked; who led it still does."""
    book = await _asked_of(tx, case_id)
    return await said(tx, book, ResponsibilityDeclined(agency=str(_asked(book)), reason=body.reason))


async def _asked_of(tx: Transaction, case_id: UUID) -> Book:
    """A case that an agency is asked to lead, for that agency and the one that asked. Raises 404 for everybody else."""
    await tx.lock([case_id])
    book = (await store.books(tx, [case_id]))[case_id]
    if book.case is None or _asked(book) is None or tx.principal.agency not in (_asked(book), book.case.responsible_agency):
        raise not_found("handover")
    return book


def _asked(book: Book) -> str | None:
    """The agency that is asked to lead a case and has not answered."""
    asked = book.standing.matters.get(MATTER)
    return str(asked.codes["agency"]) if asked else None


def _view(book: Book) -> HandoverView:
    case, asked = book.case, book.standing.matters[MATTER]
    return HandoverView(
        case_id=case.case_id,
        from_agency=asked.codes["from_agency"],
        reason=asked.codes["reason"],
        risk=book.standing.risk,
        city=case.area[:5],
        violence_types=case.violence_types,
        persons=len(book.persons),
        proposed_at=asked.at,
        due_at=asked.codes["due_at"],
    )
