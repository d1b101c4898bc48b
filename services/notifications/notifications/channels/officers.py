"""Messages to officers: that notices wait, how many, and the link to them or to the one to be answered; never what they say. Here e-mail, phones beside.

The address is an officer's own, set by herself and sealed under her key. Notices of some minutes are one e-mail. What waits is read from the inbox,
so an e-mail that nobody knows the fate of loses nothing: the notice is still there, and its ladder climbs.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, ClassVar, cast
from uuid import UUID, uuid4

import structlog
from chassis import FieldProblem, RefusedError, Service, Transaction, not_found, reads, writes
from chassis.store.vault import Vault
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ARRAY, BigInteger, Row, Table, Text, Uuid, text
from sqlmodel import Field as Column

from notifications import answers, policy
from notifications.channels import failing
from notifications.channels.ways import ADDRESS, Answer, Letter, Outcome, Ways
from notifications.domain.links import ANSWERABLE
from notifications.messages import Language
from notifications.settings import NotificationsSettings
from notifications.store import BY_ROLE, MOMENT, Base

log = structlog.get_logger()

EMAIL = "email"
MOST = 50
STATES = {Outcome.TAKEN: "sent", Outcome.UNKNOWN: "maybe_sent", Outcome.REFUSED: "failed", Outcome.NOT_TAKEN: "failed"}


class OfficerEmailRow(Base, table=True):
    """Where an officer wants to be told, as what she was when she said so, and up to which notice she was."""

    __tablename__: ClassVar[str] = "officer_email"
    __table__: ClassVar[Table]
    officer: UUID = Column(primary_key=True)
    roles: list[str] = Column(sa_type=cast("Any", ARRAY(Text)))
    agency: str
    units: list[UUID] = Column(sa_type=cast("Any", ARRAY(Uuid)))
    address: bytes
    language: str
    told_to: int = Column(sa_type=BigInteger)
    due: datetime = Column(sa_type=MOMENT)
    set_at: datetime = Column(sa_type=MOMENT)


class OfficerMessageRow(Base, table=True):
    """One e-mail to an officer: about the notices up to this position."""

    __tablename__: ClassVar[str] = "officer_message"
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


ANSWERABLE_ONE = text("SELECT id, placement_id FROM notice WHERE id = :id AND kind = ANY(CAST(:kinds AS text[])) AND placement_id IS NOT NULL")
SET = text("""
    INSERT INTO officer_email (officer, roles, agency, units, address, language, told_to, due, set_at)
    VALUES (:officer, CAST(:roles AS text[]), :agency, CAST(:units AS uuid[]), :address, :language, (SELECT coalesce(max(position), 0) FROM notice), :now, :now)
    ON CONFLICT (officer) DO UPDATE SET roles = excluded.roles, agency = excluded.agency, units = excluded.units, address = excluded.address,
        language = excluded.language, set_at = excluded.set_at""")
# Which open notices an officer may see, as what she was when she gave the address.
SEES = BY_ROLE.replace(":roles", "o.roles").replace(":agency", "o.agency").replace(":units", "CAST(o.units AS text[])")
SEES = SEES.replace("officer IS NULL", "notice.officer IS NULL").replace("(agency IS NULL OR agency =", "(notice.agency IS NULL OR notice.agency =")


class Book:
    """One way to officers: the tables of addresses and of what was sent, the template, and which notices are told by it (SQL)."""

    def __init__(self, addresses: str, messages: str, template: str, wanted: str) -> None:
        self.place, self.template = f"{addresses}.address", template
        self.unset = text(f"DELETE FROM {addresses} WHERE officer = :officer RETURNING officer")  # noqa: S608 - constants
        self.own = text(f"SELECT * FROM {addresses} WHERE officer = :officer")  # noqa: S608
        self.waiting = text(f"""
            SELECT o.*, n.waits, n.up_to, n.newest FROM {addresses} o CROSS JOIN LATERAL (
                SELECT count(*) AS waits, max(position) AS up_to, (array_agg(notice.id ORDER BY position DESC))[1] AS newest FROM notice
                WHERE position > o.told_to AND ({wanted}) AND acknowledged_at IS NULL AND (notice.officer = o.officer OR ({SEES}))
            ) n WHERE o.due <= :now AND n.waits > 0 ORDER BY o.due, o.officer LIMIT :most FOR UPDATE OF o SKIP LOCKED""")  # noqa: S608
        self.claim = text(f"""
            INSERT INTO {messages} (officer, up_to, id, count, state, attempts, claimed_at) VALUES (:officer, :up_to, :id, :count, 'claimed', 1, :now)
            ON CONFLICT (officer, up_to) DO UPDATE SET state = 'claimed', attempts = {messages}.attempts + 1, claimed_at = excluded.claimed_at
            WHERE {messages}.state = 'failed' RETURNING id, attempts""")  # noqa: S608
        self.told = text(f"UPDATE {addresses} SET told_to = :up_to, due = :due WHERE officer = :officer")  # noqa: S608
        # A claim that never ended stays as it is: nobody knows, and the notices wait in the inbox.
        self.record = text(f"""
            UPDATE {messages} SET state = :state, reason = :reason, ended_at = :now
            WHERE officer = :officer AND up_to = :up_to AND state = 'claimed'""")  # noqa: S608
        self.again = text(f"UPDATE {addresses} SET told_to = :before, due = :due WHERE officer = :officer AND told_to = :up_to")  # noqa: S608


EMAILS = Book("officer_email", "officer_message", "inbox", "urgency = 'urgent' OR 'email' = ANY(string_to_array(channels, ' '))")


class EmailBody(BaseModel):
    """Where you want to hear of urgent notices."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(max_length=200)
    language: Language = Language.INDONESIAN


class KeptView(BaseModel):
    """Whether you hear of urgent notices by e-mail. Answers to writes are kept for their repetition, so the address is in none."""

    by_email: bool


class EmailView(BaseModel):
    """Where you hear of urgent notices."""

    address: str | None
    language: Language


@dataclass(frozen=True, slots=True)
class Claimed:
    """An e-mail in hand."""

    officer: UUID
    before: int
    up_to: int
    attempts: int
    letter: Letter


async def vault_of(request: Request) -> Vault:
    """The vault of the service that answers this request."""
    vault: Vault = request.app.state.service.vault
    return vault


Safe = Annotated[Vault, Depends(vault_of)]
router = APIRouter(tags=["inbox"])


@router.put("/me/email")
@writes(*policy.INBOX)
async def set_email(body: EmailBody, vault: Safe, tx: Transaction) -> KeptView:
    """Hear of urgent notices by e-mail from now on, as the roles that you have now; only that there are some, and the link."""
    if not ADDRESS.fullmatch(body.address):
        raise RefusedError(422, "give an e-mail address", [FieldProblem("address", "invalid")])
    who = tx.principal
    sealed = (await vault.new([who.subject])).seal(who.subject, EMAILS.place, body.address)
    units = [UUID(str(unit)) for unit in sorted(who.units)]
    values = {"officer": who.subject, "roles": sorted(who.roles), "agency": who.agency, "units": units, "address": sealed, "language": body.language}
    await tx.execute(SET, values | {"now": tx.now})
    tx.audit("own_email_set", who.subject, ("email",))
    return KeptView(by_email=True)


@router.get("/me/email")
@reads(*policy.INBOX)
async def own_email(vault: Safe, tx: Transaction) -> EmailView:
    """Where you hear of urgent notices."""
    row = await tx.row(EMAILS.own, {"officer": tx.principal.subject})
    if row is None:
        raise not_found("address")
    tx.audit("own_email_read", row.officer, ("email",))
    return EmailView(address=(await vault.of([row.officer])).open_or_none(row.officer, EMAILS.place, row.address), language=row.language)


@router.delete("/me/email")
@writes(*policy.INBOX)
async def unset_email(tx: Transaction) -> KeptView:
    """Hear nothing by e-mail any more; what waits is in the inbox."""
    if await tx.row(EMAILS.unset, {"officer": tx.principal.subject}) is None:
        raise not_found("address")
    tx.audit("own_email_deleted", tx.principal.subject, ("email",))
    return KeptView(by_email=False)


async def send_emails(service: Service) -> None:
    """Tell officers by e-mail of what is urgent until this is cancelled; nothing to do without a mail server."""
    settings = cast("NotificationsSettings", service.settings)
    await keep_sending(service, EMAILS, Ways(settings.smtp, {}))


async def keep_sending(service: Service, book: Book, ways: Ways) -> None:
    """Tell officers by one way until this is cancelled."""
    settings = cast("NotificationsSettings", service.settings)
    if not ways.names:
        await asyncio.Event().wait()
    try:
        while True:
            try:
                for claimed in await some(service, book, ways):
                    deadline = asyncio.get_running_loop().time() + settings.message_limit_seconds
                    answer = await ways.send(claimed.letter, deadline)
                    await service.database.run(partial(record, book=book, claimed=claimed, answer=answer))
            except Exception as error:  # noqa: BLE001 - the store or the key database may be away; the notices wait in the inbox
                log.warning("officers_wait", error=type(error).__name__)
            await asyncio.sleep(settings.message_poll_seconds)
    finally:
        await ways.close()


async def some(service: Service, book: Book, ways: Ways) -> list[Claimed]:
    """Claim a message for each officer for whom something waits."""
    assert service.vault is not None  # noqa: S101 - build() refuses to go without
    found = await service.database.run(partial(claim, book=book))
    keys = await service.vault.of({row.officer for row, _, _ in found})
    settings = cast("NotificationsSettings", service.settings)
    claimed: list[Claimed] = []
    for row, kept, link in found:
        channel = getattr(row, "channel", EMAIL)
        address = keys.open_or_none(row.officer, book.place, row.address)
        content = settings.templates.text(book.template, row.language, channel, count=row.waits, link=link)
        if address is not None and channel in ways.names:
            claimed.append(Claimed(row.officer, row.told_to, row.up_to, kept.attempts, Letter(kept.id, channel, address, str(content))))
    return claimed


async def claim(tx: Transaction, book: Book) -> Sequence[tuple[Row[Any], Row[Any], str]]:
    """Take officers to whom something is to be said, and where they find it; each notice is told once, whichever replica does it."""
    found: list[tuple[Row[Any], Row[Any], str]] = []
    for row in await tx.rows(book.waiting, {"now": tx.now, "most": MOST}):
        due = tx.now + tx.settings.span(minutes=tx.settings.officer_email_minutes)
        kept = await tx.row(book.claim, {"officer": row.officer, "up_to": row.up_to, "id": uuid4(), "count": row.waits, "now": tx.now})
        await tx.execute(book.told, {"officer": row.officer, "up_to": row.up_to, "due": due})
        if kept is not None:
            found.append((row, kept, await link_for(tx, row)))
    return found


async def link_for(tx: Transaction, row: Row[Any]) -> str:
    """Where what waits is found: a single request at a one-time link by which it is answered after a login, anything else in the inbox."""
    inbox: str = tx.settings.inbox_url
    if row.waits > 1 or (notice := await tx.row(ANSWERABLE_ONE, {"id": row.newest, "kinds": sorted(ANSWERABLE)})) is None:
        return inbox
    token, _ = await answers.make(tx, notice.id, notice.placement_id, row.officer)
    return f"{tx.settings.links_url.rstrip('/')}{answers.PATH}/{token}"


async def record(tx: Transaction, book: Book, claimed: Claimed, answer: Answer) -> None:
    """Write down what came of a message; one that surely did not leave is tried again, a few times."""
    await failing.heard(tx, claimed.letter.channel, answer)
    mine = {"officer": claimed.officer, "up_to": claimed.up_to, "now": tx.now}
    await tx.execute(book.record, mine | {"state": STATES[answer.outcome], "reason": answer.reason})
    waits: tuple[float, ...] = tx.settings.message_retry_minutes
    if answer.outcome is Outcome.NOT_TAKEN and claimed.attempts <= len(waits):
        due = tx.now + timedelta(minutes=waits[claimed.attempts - 1])
        await tx.execute(book.again, {"officer": claimed.officer, "up_to": claimed.up_to, "before": claimed.before, "due": due})
