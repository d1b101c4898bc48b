"""The routes of a survivor's own rules: how, when and with which words she may be reached; asked anew each time, and stopped at once."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.handover import (
    ContactChannel,
    MessageLanguage,
    Reminder,
    SafeChannel,
    SafeContact,
    SafeHours,
    TimeOfDay,
    Weekday,
    Zone,
)
from contracts.vocabulary import ProblemCode
from fastapi import APIRouter, Header
from pydantic import BaseModel, Field

from intake import policy
from intake.api.bodies import Body
from intake.api.cases import open_case
from intake.consents.records import hidden
from intake.domain import safe_contact
from intake.handing_over import rows, sending
from intake.linkage import pairs
from intake.opening import Safe
from intake.rights import erasing
from intake.rights.seeing import seen_person

ERASED = "this person was erased before"
SAID = ("channels", "hours", "code_word", "voicemail", "language", "reminders")


class HoursBody(Body):
    """From when to when, on which days (1 is Monday); an end that is not later is the next day's."""

    days: tuple[Weekday, ...] = Field(min_length=1, max_length=7)
    begins: TimeOfDay
    ends: TimeOfDay


class ChannelBody(Body):
    """A way that she marked as safe."""

    channel: ContactChannel
    address: str = Field(max_length=200, description="a number, or an e-mail address")
    hours: tuple[HoursBody, ...] = Field(min_length=1, max_length=14)


class SafeContactBody(Body):
    """Her rules as she gave them today; what is left out she did not allow."""

    channels: tuple[ChannelBody, ...] = Field(
        min_length=1, max_length=4, description="in the order in which she wants them tried; a second is only used if the first fails"
    )
    zone: Zone = Zone.WIB
    code_word: str | None = Field(default=None, max_length=200, description="stands before every message, so that she knows who writes")
    voicemail: bool = Field(default=False, description="whether whoever calls may leave a message")
    language: MessageLanguage = MessageLanguage.INDONESIAN
    reminders: tuple[Reminder, ...] = Field(default=(), description="of what she wants to be reminded")


class RevisionView(BaseModel):
    """How far her rules are: `taken` is whether those who send know them."""

    person_id: UUID
    revision: int
    stopped: bool
    asked_at: datetime
    taken: bool


class SafeContactView(RevisionView):
    """Her rules; none when she said stop, or when they were lost and she is to be asked again."""

    rules: dict[str, Any] | None


router = APIRouter(tags=["safe contact"])


@router.get("/persons/{person_id}/safe-contact")
@reads(*policy.SAFE_CONTACT)
async def safe_contact_of(person_id: UUID, vault: Safe, tx: Transaction) -> SafeContactView:
    """How, when and with which words she may be reached; on record."""
    row = await _kept(tx, person_id)
    tx.audit("safe_contact_read", person_id, SAID)
    plain = (await vault.of([person_id])).open_or_none(person_id, rows.PLACE, row.content) if row.content is not None else None
    rules = SafeContact.model_validate_json(plain).model_dump(mode="json", exclude={"person_id", "case_id", "revision"}) if plain else None
    return SafeContactView(**_view(row), rules=rules)


@router.put("/persons/{person_id}/safe-contact")
@writes(*policy.SAFE_CONTACT)
async def change_safe_contact(
    person_id: UUID, body: SafeContactBody, vault: Safe, tx: Transaction, if_match: Annotated[str | None, Header()] = None
) -> RevisionView:
    """Keep what she says today. Send the revision that you saw as If-Match (0 where there is none); another one meanwhile is a 409 with both."""
    _require_fit(body)
    case_id = await _case_of(tx, person_id)
    await open_case(tx, case_id)
    await _require_revision(tx, person_id, if_match)
    revision = await _revision(tx, person_id) + 1
    keys = await vault.new([person_id])
    content = keys.seal(person_id, rows.PLACE, _contact(tx, body, person_id, case_id, revision).model_dump_json())
    tx.audit("safe_contact_written", person_id, SAID)
    return await _keep(tx, person_id, case_id, content=content, stopped=False)


@router.post("/persons/{person_id}/safe-contact/stop")
@writes(*policy.SAFE_CONTACT)
async def stop(person_id: UUID, tx: Transaction) -> RevisionView:
    """She wants no message any more: nothing is sent from now on, under none of the ids that merges make hers, until she says otherwise."""
    await _case_of(tx, person_id)
    members = await pairs.one(tx, [person_id])
    await tx.lock(members.values())
    views = [await _keep(tx, other, members[other], content=None, stopped=True) for other in sorted(members)]
    for other in sorted(members):
        tx.audit("safe_contact_stopped", other, SAID)
    return next(view for view in views if view.person_id == person_id)


async def _keep(tx: Transaction, person_id: UUID, case_id: UUID, *, content: bytes | None, stopped: bool) -> RevisionView:
    revision = await sending.revise(tx, person_id, case_id, content=content, asked_at=tx.now, stopped=stopped)
    return RevisionView(person_id=person_id, revision=revision, stopped=stopped, asked_at=tx.now, taken=False)


def _contact(tx: Transaction, body: SafeContactBody, person_id: UUID, case_id: UUID, revision: int) -> SafeContact:
    channels = tuple(
        SafeChannel(
            channel=entry.channel,
            address=safe_contact.address(entry.channel, entry.address) or "",
            hours=tuple(SafeHours.model_validate(hours.model_dump()) for hours in entry.hours),
        )
        for entry in body.channels
    )
    said = {name: getattr(body, name) for name in ("zone", "code_word", "voicemail", "language", "reminders")}
    return SafeContact(person_id=person_id, case_id=case_id, revision=revision, channels=channels, asked_at=tx.now, **said)


async def _case_of(tx: Transaction, person_id: UUID) -> UUID:
    """The case of a person whom the asker may know of. Raises 404, and 409 when she was erased."""
    await seen_person(tx, person_id)
    if await hidden(tx, [person_id]):
        raise not_found("person")
    if await erasing.erased(tx, [person_id]):
        raise conflict(ERASED)
    case_id = await erasing.case_of(tx, person_id)
    if case_id is None:
        raise not_found("person")
    return case_id


async def _kept(tx: Transaction, person_id: UUID) -> Any:
    await _case_of(tx, person_id)
    row = await tx.row(rows.OF_PERSON, {"person_id": person_id})
    if row is None:
        raise not_found("rules")
    return row


async def _revision(tx: Transaction, person_id: UUID) -> int:
    row = await tx.row(rows.REVISION, {"person_id": person_id})
    return 0 if row is None else int(row.revision)


async def _require_revision(tx: Transaction, person_id: UUID, if_match: str | None) -> None:
    if if_match is None:
        raise RefusedError(428, "send the revision that you saw as If-Match, 0 where there is none", [FieldProblem("If-Match", ProblemCode.MISSING)])
    seen, now = if_match.strip().strip('"'), await _revision(tx, person_id)
    if seen != str(now):
        raise RefusedError(409, "someone else changed these rules", revision=now, yours=seen[:20])


def _require_fit(body: SafeContactBody) -> None:
    wrong = safe_contact.wrong([(entry.channel, entry.address) for entry in body.channels], body.code_word)
    if wrong:
        problems = [FieldProblem(path, ProblemCode.INVALID) for path in wrong]
        raise RefusedError(422, "give one number or address per channel, and a code word of at most 20 letters that tells nothing", problems)


def _view(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in RevisionView.model_fields}
