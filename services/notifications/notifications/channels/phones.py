"""SMS or WhatsApp to officers, through the operator's own gateway: that something urgent, or a request that waits for an answer, is there; and its link.

So the head of a shelter learns of a household in the kitchen, and answers from there after a login. The number is her own, set by herself, sealed.
"""

from datetime import datetime
from typing import Any, ClassVar, Literal, cast
from uuid import UUID

from chassis import FieldProblem, RefusedError, Service, Transaction, not_found, reads, writes
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ARRAY, BigInteger, Table, Text, Uuid, text
from sqlmodel import Field as Column

from notifications import policy
from notifications.channels.officers import Book, Safe, keep_sending
from notifications.channels.ways import Ways
from notifications.domain.contacts import as_written
from notifications.domain.links import ANSWERABLE
from notifications.messages import Language
from notifications.settings import NotificationsSettings
from notifications.store import MOMENT, Base

By = Literal["sms", "whatsapp"]


class OfficerPhoneRow(Base, table=True):
    """Where an officer is told on the phone, as what she was when she said so, and up to which notice she was."""

    __tablename__: ClassVar[str] = "officer_phone"
    __table__: ClassVar[Table]
    officer: UUID = Column(primary_key=True)
    channel: str
    roles: list[str] = Column(sa_type=cast("Any", ARRAY(Text)))
    agency: str
    units: list[UUID] = Column(sa_type=cast("Any", ARRAY(Uuid)))
    address: bytes
    language: str
    told_to: int = Column(sa_type=BigInteger)
    due: datetime = Column(sa_type=MOMENT)
    set_at: datetime = Column(sa_type=MOMENT)


class OfficerTextRow(Base, table=True):
    """One message to an officer's phone: about the notices up to this position."""

    __tablename__: ClassVar[str] = "officer_text"
    __table__: ClassVar[Table]
    officer: UUID = Column(primary_key=True)
    up_to: int = Column(primary_key=True, sa_type=BigInteger)
    id: UUID
    count: int
    state: str
    reason: str | None
    attempts: int
    claimed_at: datetime = Column(sa_type=MOMENT)
    ended_at: datetime | None = Column(sa_type=MOMENT)


KINDS = ", ".join(f"'{kind}'" for kind in sorted(ANSWERABLE))
PHONES = Book("officer_phone", "officer_text", "phone", f"urgency = 'urgent' OR kind IN ({KINDS}) OR 'phone' = ANY(string_to_array(channels, ' '))")
SET = text("""
    INSERT INTO officer_phone (officer, channel, roles, agency, units, address, language, told_to, due, set_at)
    VALUES (:officer, :channel, CAST(:roles AS text[]), :agency, CAST(:units AS uuid[]), :address, :language,
        (SELECT coalesce(max(position), 0) FROM notice), :now, :now)
    ON CONFLICT (officer) DO UPDATE SET channel = excluded.channel, roles = excluded.roles, agency = excluded.agency, units = excluded.units,
        address = excluded.address, language = excluded.language, set_at = excluded.set_at""")


class PhoneBody(BaseModel):
    """Where you want to hear on the phone of what is urgent, and of requests that wait for your answer."""

    model_config = ConfigDict(extra="forbid")

    channel: By
    number: str = Field(max_length=40)
    language: Language = Language.INDONESIAN


class KeptView(BaseModel):
    """Whether you hear on the phone. Answers to writes are kept for their repetition, so the number is in none."""

    by_phone: bool


class PhoneView(BaseModel):
    """Where you hear on the phone."""

    channel: str
    number: str | None
    language: Language


router = APIRouter(tags=["inbox"])


@router.put("/me/phone")
@writes(*policy.INBOX)
async def set_phone(body: PhoneBody, vault: Safe, tx: Transaction) -> KeptView:
    """Hear on the phone from now on, as the roles and for the units that you have now: how much waits, and the link to it."""
    if body.channel not in tx.settings.gateways:
        raise RefusedError(422, "nothing can be sent that way here: choose another channel", [FieldProblem("channel", "not_available")])
    if (number := as_written(body.channel, body.number)) is None:
        raise RefusedError(422, "give a number as +62...", [FieldProblem("number", "invalid")])
    who = tx.principal
    sealed = (await vault.new([who.subject])).seal(who.subject, PHONES.place, number)
    units = [UUID(str(unit)) for unit in sorted(who.units)]
    values = {"officer": who.subject, "roles": sorted(who.roles), "agency": who.agency, "units": units, "address": sealed}
    await tx.execute(SET, values | {"channel": body.channel, "language": body.language, "now": tx.now})
    tx.audit("own_phone_set", who.subject, ("phone",))
    return KeptView(by_phone=True)


@router.get("/me/phone")
@reads(*policy.INBOX)
async def own_phone(vault: Safe, tx: Transaction) -> PhoneView:
    """Where you hear on the phone."""
    row = await tx.row(PHONES.own, {"officer": tx.principal.subject})
    if row is None:
        raise not_found("number")
    tx.audit("own_phone_read", row.officer, ("phone",))
    number = (await vault.of([row.officer])).open_or_none(row.officer, PHONES.place, row.address)
    return PhoneView(channel=row.channel, number=number, language=row.language)


@router.delete("/me/phone")
@writes(*policy.INBOX)
async def unset_phone(tx: Transaction) -> KeptView:
    """Hear nothing on the phone any more; what waits is in the inbox."""
    if await tx.row(PHONES.unset, {"officer": tx.principal.subject}) is None:
        raise not_found("number")
    tx.audit("own_phone_deleted", tx.principal.subject, ("phone",))
    return KeptView(by_phone=False)


async def send_texts(service: Service) -> None:
    """Tell officers on the phone until this is cancelled; nothing to do without a gateway."""
    settings = cast("NotificationsSettings", service.settings)
    await keep_sending(service, PHONES, Ways(None, cast("dict[str, Any]", settings.gateways)))
