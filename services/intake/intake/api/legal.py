"""The route by which officers record what was done before police, courts and LPSK; mediation is refused where the law forbids it."""

from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, writes
from contracts.incidents import LegalStep
from contracts.vocabulary import ProblemCode
from fastapi import APIRouter

from intake import policy
from intake.api.bodies import LegalStepBody
from intake.api.cases import open_case, refused_by_state, standing_view
from intake.api.views import StandingView
from intake.domain.legal import PROTECTS, Step, may_mediate
from intake.domain.workdays import JAKARTA
from intake.store import Book
from intake.violence import incidents, legal, suspected

router = APIRouter(prefix="/cases", tags=["cases"])


@router.post("/{case_id}/legal-steps", status_code=201)
@writes(*policy.RECORD_LEGAL_STEPS)
async def record_step(case_id: UUID, body: LegalStepBody, tx: Transaction) -> StandingView:
    """Record a step; the deadlines that the law sets after it are due, and before a protection ends people are told."""
    book = await open_case(tx, case_id)
    _check(tx, body)
    if body.code is LegalStep.POLICE_REPORT and book.case.police_report_at is not None:
        raise refused_by_state(book, "a police report is recorded already")
    if body.code is LegalStep.MEDIATION:
        await _require_mediable(tx, book)
    return standing_view(tx, book, await legal.record(tx, book, Step(body.code, body.on, body.expires_on)))


def _check(tx: Transaction, body: LegalStepBody) -> None:
    """Refuse days that cannot be. Raises 422 naming each field."""
    wrong = [FieldProblem("on", ProblemCode.INVALID)] if body.on > tx.now.astimezone(JAKARTA).date() else []
    if body.expires_on and (body.code not in PROTECTS or body.expires_on < body.on):
        wrong.append(FieldProblem("expires_on", ProblemCode.INVALID))
    if wrong:
        raise RefusedError(422, "this step cannot be taken: a day in the future, or an end that does not fit; correct these fields", wrong)


async def _require_mediable(tx: Transaction, book: Book) -> None:
    """Refuse mediation in sexual violence, but for a supervisor where all suspects are children (UU TPKS 23). Raises 409."""
    types = incidents.violence_of(book.case.case_id, book.facts)
    ages = [row.age for row in await suspected.of_cases(tx, [book.case.case_id])]
    if not may_mediate(types, ages, supervisor=tx.principal.has(policy.SUPERVISOR)):
        title = "sexual violence is not settled out of court (UU TPKS 23); of suspects who are all children a supervisor decides"
        raise refused_by_state(book, title)
