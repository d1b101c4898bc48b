"""What people see of cases: the work list, and all of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads
from fastapi import APIRouter, Query

from assessment import decisions, plans, policy, roster, store
from assessment.domain import case
from assessment.domain.case import Case, State
from assessment.views import (
    CaseDetail,
    CaseView,
    PlanView,
)

router = APIRouter()

WRONG_STATE = "the state does not allow this"
WRONG_FIELDS = "some fields are missing or wrong: correct them and send again"
OWN_PLAN = "who proposed a plan, or works on the case, does not decide on it"


@contextmanager
def refusing() -> Iterator[None]:
    """Answer what the domain refuses: 409 with the state, 422 with the fields, 403, or 404."""
    try:
        yield
    except case.StateError as error:
        raise conflict(WRONG_STATE, state=error.state) from None
    except case.FieldError as error:
        problems = [FieldProblem(name, code) for name, code in error.problems]
        raise RefusedError(422, WRONG_FIELDS, problems) from None
    except case.OwnPlanError:
        raise RefusedError(403, OWN_PLAN) from None
    except case.UnknownError:
        raise not_found("follow-up") from None


async def seen(case_id: UUID, tx: Transaction) -> Case:
    """A case for those who may see it: a supervisor any, a worker her own. Raises 404 otherwise."""
    known = (await store.cases(tx, [case_id]))[case_id]
    if known == Case(case_id):
        raise not_found("case")
    if not tx.principal.has(policy.SUPERVISOR):
        await _require_own(known, tx)
    return known


async def owned(case_id: UUID, tx: Transaction) -> Case:
    """The worker's own case, locked. Raises 404 for one that is not hers."""
    await tx.lock([case_id])
    known = (await store.cases(tx, [case_id]))[case_id]
    await _require_own(known, tx)
    return known


async def _require_own(known: Case, tx: Transaction) -> None:
    # What ended stays hers who had it last; what waits for a worker is nobody's, least of all hers who gave it back for a conflict.
    waits = known.state is State.WAITING_FOR_WORKER
    worker = known.worker or (None if waits else await roster.last_worker(tx, known.case_id))
    if worker != tx.principal.subject:
        raise not_found("case")


async def changed(tx: Transaction, before: Case, after: Case, *fields: str) -> CaseView:
    """Write what was decided on one case, audit which fields the principal wrote, and show the case."""
    await decisions.record(tx, {before.case_id: before}, {after.case_id: after})
    tx.audit("write", before.case_id, fields)
    return CaseView.now(after)


# -- cases ------------------------------------------------------------------------------------------------------------------------


@router.get("/cases")
@reads(*policy.SEE_CASES)
async def list_cases(
    tx: Transaction, state: State | None = None, most: Annotated[int, Query(ge=1, le=1000)] = 200, *, mine: bool = False
) -> list[CaseView]:
    """The work list, the next due first: a worker's own cases; for a supervisor all, or with `mine` her own. What is over is listed by its `state` alone."""
    all_cases = tx.principal.has(policy.SUPERVISOR) and not mine
    return [CaseView.of(row) for row in await store.listed(tx, None if all_cases else tx.principal.subject, state, most)]


@router.get("/cases/{case_id}")
@reads(*policy.SEE_CASES)
async def see_case(case_id: UUID, tx: Transaction) -> CaseDetail:
    """All of a case but the answers."""
    known = await seen(case_id, tx)
    tx.audit("read", case_id, ["members", "band", "flags", "plans", "followups"])
    versions = tuple(PlanView.model_validate(row, from_attributes=True) for row in await plans.plans(tx, case_id))
    return CaseDetail.all_of(known, await store.completion(tx, case_id), versions)
