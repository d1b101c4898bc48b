"""The routes by which an export is ordered of all services for a person who asked, and by which one sees what can be fetched by now."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.vocabulary import ProblemCode
from fastapi import APIRouter
from pydantic import BaseModel, Field

from intake import policy
from intake.rights import ordering, rows
from intake.rights.ordering import ANSWERED_BY_EXPORT, Ordered
from intake.rights.seeing import asker, may_be_told

NOT_OF_ACCESS = "an export answers a request for access or portability: take one of these"
ANSWERED = "this request was answered before: take a new one"
router = APIRouter(tags=["rights"])


class PartView(BaseModel):
    """One service's part: where it is fetched, and since when it can be; nothing while its service has not answered the order."""

    service: str
    person_id: UUID
    case_id: UUID
    since: datetime | None
    route: str = Field(description="of that service, for the officer who ordered it; each look is on record there")


class ExportView(BaseModel):
    """An export that was ordered: the request is to be answered by `due_at`, the parts can be fetched until `until`."""

    request_id: UUID
    due_at: datetime
    until: datetime | None
    awaited: list[str]
    parts: list[PartView]


@router.post("/requests/{request_id}/export", status_code=201)
@writes(*policy.EXPORT)
async def order_export(request_id: UUID, tx: Transaction) -> ExportView:
    """Order what every service keeps of the person who asked; you fetch it for some days, and order it anew after that."""
    row = await _request(tx, request_id)
    if row.kind not in ANSWERED_BY_EXPORT:
        raise RefusedError(422, NOT_OF_ACCESS, [FieldProblem("request_id", ProblemCode.INVALID)])
    if row.answer is not None:
        raise conflict(ANSWERED, state="answered")
    await may_be_told(tx, row.person_id)
    await ordering.order(tx, row)
    tx.audit("export_ordered", row.person_id)
    return _view(row, await ordering.known(tx, row))


@router.get("/requests/{request_id}/export")
@reads(*policy.SEE_RIGHTS)
async def export_of(request_id: UUID, tx: Transaction) -> ExportView:
    """Which parts of an export can be fetched, and which services have not answered yet."""
    row = await _request(tx, request_id)
    found = await ordering.known(tx, row)
    if not found.parts:
        raise not_found("export")
    return _view(row, found)


async def _request(tx: Transaction, request_id: UUID) -> Any:
    row = await tx.row(rows.REQUEST, asker(tx) | {"request_id": request_id})
    if row is None:
        raise not_found("request")
    return row


def _view(row: Any, found: Ordered) -> ExportView:
    parts = [PartView.model_validate(part, from_attributes=True) for part in found.parts]
    awaited = sorted({part.service for part in found.awaited})
    return ExportView(request_id=row.request_id, due_at=row.due_at, until=found.until, awaited=awaited, parts=parts)
