"""The routes by which an agency says something of its case later, as over NATS; and the documents that agencies keep of a case."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import Asked, RefusedError, Transaction, reads, writes
from chassis.store.vault import Vault
from contracts.messages import Addition, Attachment, LaterMessage, Withdrawal
from fastapi import APIRouter, Body
from pydantic import BaseModel

from intake import policy
from intake.api.cases import seen
from intake.api.desk import ProblemView, problem_views
from intake.api.reports import AGENCY, fields_of
from intake.api.sealing import opened, opened_by
from intake.later import rows, taking
from intake.opening import REUSED, Safe
from intake.rates import InTime

NOT_TAKEN = "this message cannot be taken: correct these fields and send it again"
USED_BEFORE = "this reference was used for another message"
router = APIRouter(tags=["reports"])


class LaterView(BaseModel):
    """The receipt of a later message: a desk looks at it."""

    follow_id: UUID
    receipt: str
    problems: list[ProblemView]


class AttachmentView(BaseModel):
    """A document of a case: which agency keeps it, under which number, and the hash by which it is known again."""

    attachment_id: UUID
    agency: str
    reference: str
    kind: str
    document: str
    sha256: str
    media_type: str | None
    size: int | None
    received_at: datetime


def _as(kind: type[LaterMessage]) -> Any:
    return Body(title="Body", description=f"as {kind.type}, or sealed as referral.sealed.v1")


@router.post("/messages/added", status_code=201, dependencies=[InTime])
@writes(*policy.SAY_LATER)
async def add(body: Annotated[dict[str, Any], _as(Addition)], vault: Safe, tx: Transaction) -> LaterView:
    """Say more of a case that your agency referred or takes part in. Nothing on file is overwritten: a desk looks at it."""
    return await _take(tx, vault, Addition, body)


@router.post("/messages/withdrawn", status_code=201, dependencies=[InTime])
@writes(*policy.SAY_LATER)
async def withdraw(body: Annotated[dict[str, Any], _as(Withdrawal)], vault: Safe, tx: Transaction) -> LaterView:
    """Take your referral back. No case ends by that: a desk decides."""
    return await _take(tx, vault, Withdrawal, body)


@router.post("/messages/attached", status_code=201, dependencies=[InTime])
@writes(*policy.SAY_LATER)
async def attach(body: Annotated[dict[str, Any], _as(Attachment)], vault: Safe, tx: Transaction) -> LaterView:
    """Name a document that your agency keeps of a case. The document stays with you."""
    return await _take(tx, vault, Attachment, body)


async def _take(tx: Transaction, vault: Vault, kind: type[LaterMessage], body: dict[str, Any]) -> LaterView:
    agency, cause = tx.principal.agency, tx.cause_of(UUID(int=0))
    if AGENCY.fullmatch(agency) is None:
        raise RefusedError(403, "your token names no agency")
    private = await opened_by(vault, [Asked(tx.principal, body, cause)])
    inside = opened(body, agency, private, (kind,))
    if isinstance(inside, RefusedError):
        raise inside
    (answer,) = await taking.take(tx, vault, [taking.of_requests(agency, kind, inside, cause)])
    if answer.follow_id is None or answer.case_id is None:
        reused = answer.problems == REUSED
        raise RefusedError(409 if reused else 422, USED_BEFORE if reused else NOT_TAKEN, fields_of(answer.problems))
    tx.audit("message", answer.case_id, ["message"])
    return LaterView(follow_id=answer.follow_id, receipt=answer.receipt, problems=problem_views(answer.problems))


@router.get("/cases/{case_id}/attachments", tags=["cases"])
@reads(*policy.SEE_NAMES)
async def attachments(case_id: UUID, tx: Transaction) -> list[AttachmentView]:
    """The documents that agencies keep of a case."""
    await seen(tx, case_id)
    tx.audit("attachments_read", case_id, ["document"])
    found = await tx.rows(rows.OF_CASE, {"case_id": case_id})
    return [AttachmentView.model_validate({name: getattr(row, name) for name in AttachmentView.model_fields}) for row in found]
