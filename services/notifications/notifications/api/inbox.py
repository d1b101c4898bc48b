"""The officers' inbox."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import Transaction, not_found, reads, writes
from contracts.notifications import Acknowledged
from fastapi import APIRouter, Query
from prometheus_client import Histogram
from pydantic import BaseModel
from sqlalchemy import Row

from notifications import domain, policy, store
from notifications.domain.links import link_of
from notifications.messages import Language, text_of

router = APIRouter()
ACKNOWLEDGED_AFTER = Histogram(
    "naungan_notice_acknowledged_seconds",
    "From a notice's writing until somebody acknowledged it",
    ["role", "urgency"],
    buckets=(10, 60, 300, 600, 1200, 2400, 3600, 7200, 14400, 43200, 86400),
)


class NoticeView(BaseModel):
    """One notice: codes, ids and times, and a neutral sentence for people."""

    id: UUID
    position: int
    kind: str
    text: str
    urgency: str
    case_id: UUID | None
    placement_id: UUID | None
    subscription_id: UUID | None
    session_id: UUID | None
    number: int | None
    clock: str | None
    occurred_at: datetime
    due_at: datetime | None
    created_at: datetime
    read: bool
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    acknowledged_after_seconds: float | None
    times: int
    link: str | None


class InboxView(BaseModel):
    """A page of the inbox; send `next` as `after` for what came later."""

    notices: list[NoticeView]
    next: int


@router.get("/inbox")
@reads(*policy.INBOX)
async def inbox(
    tx: Transaction,
    *,
    unread: bool | None = None,
    after: Annotated[int, Query(ge=0)] = 0,
    lang: Language = Language.INDONESIAN,
) -> InboxView:
    """Notices for the one who asks, and for its roles in its agency and units, oldest first after a position."""
    rows = await store.inbox_of(tx, tx.principal, unread=unread, after=after, most=tx.settings.inbox_page)
    return InboxView(notices=[notice_view(row, lang) for row in rows], next=rows[-1].position if rows else after)


@router.post("/inbox/{notice_id}/read")
@writes(*policy.INBOX)
async def read(notice_id: UUID, tx: Transaction, lang: Language = Language.INDONESIAN) -> NoticeView:
    """Note that the one who asks has read a notice; again changes nothing."""
    await _own_notice(notice_id, tx)
    await store.mark_read(tx, notice_id, tx.principal.subject)
    return notice_view(await _own_notice(notice_id, tx), lang)


@router.post("/inbox/{notice_id}/acknowledge")
@writes(*policy.INBOX)
async def acknowledge(notice_id: UUID, tx: Transaction, lang: Language = Language.INDONESIAN) -> NoticeView:
    """Take a notice up, once for all who share it; again, also by another of them, changes nothing."""
    case = (await _own_notice(notice_id, tx)).case_id
    if case is not None:
        await tx.lock([case])
    await take_up(tx, await _own_notice(notice_id, tx))
    return notice_view(await _own_notice(notice_id, tx), lang)


async def _own_notice(notice_id: UUID, tx: Transaction) -> Row[Any]:
    row = await store.notice_for(tx, tx.principal, notice_id)
    if row is None:
        raise not_found("notice")
    return row


async def take_up(tx: Transaction, row: Row[Any]) -> None:
    """Note that the one who asks took a notice up, and say so once; its case is locked."""
    await store.mark_read(tx, row.id, tx.principal.subject)
    after = await store.acknowledge(tx, row.id, tx.principal.subject)
    if after is None:
        return
    ACKNOWLEDGED_AFTER.labels(row.role, row.urgency).observe(after)
    if row.case_id is not None:
        tx.emit(Acknowledged(notice_id=row.id), row.case_id, key=str(row.id))
        tx.cancel_clock(domain.UNACKNOWLEDGED, row.case_id, key=row.source)


def notice_view(row: Row[Any], lang: Language) -> NoticeView:
    """A notice as its reader sees it."""
    return NoticeView(
        text=text_of(row.kind, lang, number=row.number, clock=row.clock),
        link=link_of(row.role, row.case_id, row.placement_id, row.subscription_id, row.session_id),
        **{name: getattr(row, name) for name in NoticeView.model_fields if name not in {"text", "link"}},
    )
