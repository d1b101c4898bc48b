"""The routes of messages to survivors: an officer asks for one, and sees what became of it; an operator sees how the ways out are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.vocabulary import OfficerRole as Role
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from notifications import store
from notifications.channels import failing
from notifications.survivors import rows, sending

# Who may ask for a message: the desk of the agency that leads her case, and the social worker who has it.
DESK = (Role.INTAKE_OFFICER, Role.SUPERVISOR)
ASK = (*DESK, Role.PEKSOS)
SEE_CHANNELS = (Role.OPERATOR,)
NO_RULES = "nobody knows how she may be reached: ask her, and record it at intake (PUT /persons/{person_id}/safe-contact)"
STOPPED = "she wants no messages: speak with her when you meet"
ENDED = "this case has ended"
NOT_WAITING = "this message does not wait any more"
A_DAY = timedelta(days=1)


class MessagePurpose(StrEnum):
    """Why an officer lets a message be sent; it is on record, and never in the message."""

    CONTACT = "contact"
    APPOINTMENT = "appointment"
    FOLLOWUP = "followup"
    DOCUMENTS = "documents"


class MessageBody(BaseModel):
    """What is to be sent: a template without inputs, and why. There is no text of your own."""

    model_config = ConfigDict(extra="forbid")

    purpose: MessagePurpose
    template: str = Field(default="info", max_length=40)
    hours: float | None = Field(default=None, gt=0, le=336, description="how long it may wait for her hours; left out: as the operator set it")


class MessageView(BaseModel):
    """A message: by which channel, and how far it is. `maybe_sent` is not sent again by itself, `officer` is yours to do."""

    message_id: UUID
    person_id: UUID
    step: int
    channel: str | None
    purpose: str
    template: str
    state: str
    reason: str | None
    due: datetime
    not_after: datetime
    asked_at: datetime
    ended_at: datetime | None


class ChannelView(BaseModel):
    """What became of the sendings of a channel within a day."""

    channel: str
    state: str
    reason: str | None
    count: int
    last: datetime


class FailingView(BaseModel):
    """A way that keeps failing: a channel, or `webhook:` and its subscription."""

    way: str
    failed: int
    refused: int
    since: datetime
    failing_since: datetime
    last: datetime
    reason: str | None


class ChannelsView(BaseModel):
    """The ways out that are set up, how they do, and which of them keep failing."""

    ways: list[str]
    sendings: list[ChannelView]
    failing: list[FailingView] = []


@dataclass(frozen=True, slots=True)
class Request:
    """A message as it is planned from a request."""

    purpose: str
    template: str
    not_after: datetime
    asked_by: UUID
    asked_at: datetime


router = APIRouter(tags=["survivors"])


@router.post("/persons/{person_id}/messages", status_code=201)
@writes(*ASK)
async def ask_for_message(person_id: UUID, body: MessageBody, tx: Transaction) -> MessageView:
    """Let a survivor be told that there is news for her, by her own rules: in her hours, by her channels, with her code word.

    While one with the same text waits, no second one is planned: that one is answered.
    """
    if body.template not in tx.settings.templates.of("survivor"):
        raise RefusedError(422, "there is no such template for survivors", [FieldProblem("template", "unknown_code")])
    survivor = await _survivor(tx, person_id)
    if survivor is None:
        raise conflict(NO_RULES)
    if survivor.stopped:
        raise conflict(STOPPED)
    tx.audit("message_asked", person_id, ("contact",), purpose=body.purpose)
    await rows.locked(tx, [person_id])  # of two who ask together the second finds what the first planned
    waiting = await tx.row(rows.OPEN_LIKE, {"person_id": person_id, "template": body.template})
    if waiting is not None:
        return _view(waiting)
    identity = tx.new_id("message asked", survivor.case_id)
    span = tx.settings.span(hours=body.hours or tx.settings.message_hours)
    asked = Request(body.purpose, body.template, tx.now + span, tx.principal.subject, tx.now)
    message_id = await sending.add(tx, source=str(identity), person_id=person_id, case_id=survivor.case_id, step=0, like=asked)
    return _view(await tx.row(rows.ONE, {"id": message_id}))


@router.get("/persons/{person_id}/messages")
@reads(*ASK)
async def messages(person_id: UUID, tx: Transaction, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[MessageView]:
    """The messages to a survivor, the newest first."""
    if await _survivor(tx, person_id) is None:
        raise not_found("person")
    tx.audit("messages_read", person_id, ("contact",))
    return [_view(row) for row in await tx.rows(rows.OF_PERSON, {"person_id": person_id, "most": limit})]


@router.post("/messages/{message_id}/cancel")
@writes(*ASK)
async def cancel_message(message_id: UUID, tx: Transaction) -> MessageView:
    """Do not send a message that still waits. One that is in hand, or ended, is a 409."""
    row = await tx.row(rows.ONE, {"id": message_id})
    if row is None or await _survivor(tx, row.person_id) is None:
        raise not_found("message")
    if row.state != rows.PLANNED:
        raise conflict(NOT_WAITING, state=row.state)
    tx.audit("message_cancelled", row.person_id, ("contact",))
    await tx.execute(rows.END, {"id": message_id, "state": rows.CANCELLED, "reason": "taken_back", "now": tx.now})
    return _view(await tx.row(rows.ONE, {"id": message_id}))


@router.get("/channels")
@reads(*SEE_CHANNELS)
async def channels(tx: Transaction) -> ChannelsView:
    """Which ways out are set up, and what became of the sendings of a day: a provider that fails shows here."""
    found = await tx.rows(rows.STATES, {"since": tx.now - A_DAY})
    ways = sorted([*tx.settings.gateways, *(["email"] if tx.settings.smtp else [])])
    views = [ChannelView(channel=row.channel, state=row.state, reason=row.reason, count=row.n, last=row.last) for row in found]
    fails = [FailingView(**{name: getattr(row, name) for name in FailingView.model_fields}) for row in await tx.rows(failing.ALL)]
    return ChannelsView(ways=ways, sendings=views, failing=fails)


async def _survivor(tx: Transaction, person_id: UUID) -> Any | None:
    """The row of a person of an open case that the asker leads or has; None when there is none. Raises 409 when the case has ended.

    A person of whom nothing was handed over looks like one whom the asker may not reach.
    """
    row = await tx.row(rows.FIND, {"person_id": person_id})
    if row is None:
        return None
    who, file = tx.principal, (await store.files_of(tx, [row.case_id]))[row.case_id]
    leads = who.has(*DESK) and file.agency == who.agency
    has = who.has(Role.PEKSOS) and file.worker == who.subject
    if not (leads or has):
        return None
    if file.ended:
        raise conflict(ENDED)
    return row


def _view(row: Any) -> MessageView:
    return MessageView(message_id=row.id, **{name: getattr(row, name) for name in MessageView.model_fields if name != "message_id"})
