"""Answering a request from a one-time link: accept, decline, or ask to be called."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, not_found, reads, writes
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row

from notifications import answers, policy, store
from notifications.api.inbox import take_up
from notifications.domain.links import ANSWERABLE
from notifications.messages import Language, text_of

router = APIRouter()


class Answer(StrEnum):
    """What can be said from a link."""

    ACCEPT = "accept"
    DECLINE = "decline"
    CALL_ME = "call_me"


class LinkView(BaseModel):
    """A link to send: neutral, of codes, opened after a login."""

    path: str
    expires_at: datetime


class Choice(BaseModel):
    """One answer; what placement is to hear is said to it at `href`, with the body that its documentation asks for."""

    answer: Answer
    method: str | None = None
    href: str | None = None


class OpenedView(BaseModel):
    """What a link is about, and what can be answered."""

    placement_id: UUID
    text: str
    due_at: datetime | None
    expires_at: datetime
    choices: list[Choice]


class AnswerBody(BaseModel):
    """The chosen answer."""

    model_config = ConfigDict(extra="forbid")

    answer: Answer


@router.post("/inbox/{notice_id}/link", status_code=201)
@writes(*policy.INBOX)
async def make_link(notice_id: UUID, tx: Transaction) -> LinkView:
    """A one-time link by which the one who asks can answer a request of her inbox from another device, after logging in there."""
    notice = await store.notice_for(tx, tx.principal, notice_id)
    if notice is None:
        raise not_found("notice")
    if notice.kind not in ANSWERABLE or notice.placement_id is None:
        raise RefusedError(409, "this notice asks for no answer", kind=notice.kind)
    token, expires_at = await answers.make(tx, notice_id, notice.placement_id, tx.principal.subject)
    return LinkView(path=f"{answers.PATH}/{token}", expires_at=expires_at)


@router.get("/answers/{token}")
@reads(*policy.INBOX)
async def opened(token: str, tx: Transaction, lang: Language = Language.INDONESIAN) -> OpenedView:
    """What the link is about and which answers there are; looking uses nothing up."""
    link, notice = await _open(token, tx)
    return OpenedView(
        placement_id=link.placement_id,
        text=text_of(notice.kind, lang),
        due_at=notice.due_at,
        expires_at=link.expires_at,
        choices=[_choice(answer, link.placement_id) for answer in Answer],
    )


@router.post("/answers/{token}")
@writes(*policy.INBOX)
async def answer(token: str, body: AnswerBody, tx: Transaction) -> Choice:
    """Use the link up: the notice is taken up, and `call_me` is told to those who place; yes and no are then said to placement, at `href`."""
    link, notice = await _open(token, tx)
    if notice.case_id is not None:
        await tx.lock([notice.case_id])
    await answers.use(tx, token, tx.principal.subject, body.answer)
    await take_up(tx, notice)
    if body.answer is Answer.CALL_ME:
        await answers.ask_for_a_call(tx, notice, tx.principal.subject)
    return _choice(body.answer, link.placement_id)


async def _open(token: str, tx: Transaction) -> tuple[Row[Any], Row[Any]]:
    """The link and its notice; another's, and one that never was, look alike."""
    link = await answers.link(tx, token, tx.principal.subject)
    notice = await store.notice_for(tx, tx.principal, link.notice_id) if link is not None else None
    if link is None or notice is None:
        raise not_found("link")
    if link.used_at is not None:
        raise RefusedError(410, "this link was used: answer in your inbox", [FieldProblem("token", "used")], answer=link.answer)
    if link.expires_at <= tx.now:
        raise RefusedError(410, "this link has expired: answer in your inbox", [FieldProblem("token", "expired")])
    return link, notice


def _choice(chosen: Answer, placement_id: UUID) -> Choice:
    if chosen is Answer.CALL_ME:
        return Choice(answer=chosen)
    return Choice(answer=chosen, method="POST", href=f"/placement/placements/{placement_id}/{chosen.value}")
