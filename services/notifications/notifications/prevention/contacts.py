"""Contacts of people and organisations without an account who asked to hear of prevention: asked, confirmed from the address itself, stopped, erased.

An address is sealed under a key of its own and found again by a keyed hash; nobody reads it but who sends. It belongs to no case, and to no person of one.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from chassis import Cause, Principal, RefusedError, Transaction
from chassis.bus.recovery import Unsaid
from chassis.store import erasure
from chassis.store.erasure import Tombstone
from chassis.store.vault import Vault
from sqlalchemy import Row, Table, text
from sqlmodel import Field

from notifications.domain.contacts import may_go_from
from notifications.preferences.store import TEXTS
from notifications.prevention.words import JAKARTA
from notifications.store import MOMENT, Base

PLACE = "prevention_contact.address"
ASKED, CONFIRMED, STOPPED = "asked", "confirmed", "stopped"
CONFIRM, ANNOUNCED, CANCELLED = "confirm", "announced", "cancelled"
TOKEN_BYTES = 12
A_DAY, AN_HOUR = timedelta(days=1), timedelta(hours=1)


class ContactRow(Base, table=True):
    """One address: `asked` until somebody who reads what comes there agrees, `stopped` without the address for as long as it must not be asked again."""

    __tablename__: ClassVar[str] = "prevention_contact"
    __table__: ClassVar[Table]
    id: UUID = Field(primary_key=True)
    channel: str
    mark: bytes
    address: bytes | None
    language: str
    audiences: list[str] = Field(sa_type=TEXTS)
    areas: list[str] = Field(sa_type=TEXTS)
    state: str
    confirm_token: str | None
    stop_token: str
    asked_at: datetime = Field(sa_type=MOMENT)
    asks: int
    asked_by: UUID | None
    confirm_until: datetime | None = Field(sa_type=MOMENT)
    confirmed_at: datetime | None = Field(sa_type=MOMENT)
    stopped_at: datetime | None = Field(sa_type=MOMENT)


class AskRow(Base, table=True):
    """How often it was asked from one place, or in all, within an hour: by a keyed hash of both, and not longer than that hour and the next."""

    __tablename__: ClassVar[str] = "prevention_ask"
    __table__: ClassVar[Table]
    mark: bytes = Field(primary_key=True)
    since: datetime = Field(primary_key=True, sa_type=MOMENT)
    times: int


class MessageRow(Base, table=True):
    """One message to a contact about one thing; claimed before it is sent, and never sent again when nobody knows whether it left."""

    __tablename__: ClassVar[str] = "prevention_message"
    __table__: ClassVar[Table]
    id: UUID = Field(primary_key=True)
    contact_id: UUID
    source: str
    session_id: UUID | None
    kind: str
    channel: str
    state: str
    reason: str | None
    due: datetime = Field(sa_type=MOMENT)
    not_after: datetime = Field(sa_type=MOMENT)
    attempts: int
    claim: UUID | None
    claimed_until: datetime | None = Field(sa_type=MOMENT)
    planned_at: datetime = Field(sa_type=MOMENT)
    ended_at: datetime | None = Field(sa_type=MOMENT)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for: to hear at this address, written in the one way, of sessions for these audiences in these areas (none: all)."""

    channel: str
    address: str
    language: str
    audiences: Sequence[str]
    areas: Sequence[str]


# Whoever asks for an address takes its mark first: two who ask at once plan one message.
TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(encode(CAST(:mark AS bytea), 'hex'), 0))")
KNOWN = text("SELECT * FROM prevention_contact WHERE mark = :mark FOR UPDATE")
COUNT = text("""
    INSERT INTO prevention_ask (mark, since, times) SELECT mark, :since, 1 FROM unnest(CAST(:marks AS bytea[])) AS m (mark) ORDER BY mark
    ON CONFLICT (mark, since) DO UPDATE SET times = prevention_ask.times + 1 RETURNING mark, times""")
DROP_ASKS = text("DELETE FROM prevention_ask WHERE since < :before")
ADD = text("""
    INSERT INTO prevention_contact (id, channel, mark, address, language, audiences, areas, state, confirm_token, stop_token, asked_at, asks, asked_by, confirm_until)
    VALUES (:id, :channel, :mark, :address, :language, CAST(:audiences AS text[]), CAST(:areas AS text[]), 'asked', :confirm_token, :stop_token, :now, 1, :asked_by, :until)""")
AGAIN = text("""
    UPDATE prevention_contact SET language = :language, audiences = CAST(:audiences AS text[]), areas = CAST(:areas AS text[]), confirm_token = :confirm_token,
        asked_at = :now, asks = asks + 1, asked_by = :asked_by, confirm_until = :until
    WHERE id = :id RETURNING asks""")
PLAN = text("""
    INSERT INTO prevention_message (id, contact_id, source, kind, channel, state, due, not_after, attempts, planned_at)
    VALUES (:id, :contact_id, :source, 'confirm', :channel, 'planned', :now, :not_after, 0, :now) ON CONFLICT DO NOTHING""")
BY_CONFIRM = text("SELECT * FROM prevention_contact WHERE confirm_token = :token FOR UPDATE")
AGREED = text("UPDATE prevention_contact SET state = 'confirmed', confirmed_at = :now WHERE id = :id")
BY_STOP = text("SELECT * FROM prevention_contact WHERE stop_token = :token AND state <> 'stopped' FOR UPDATE")
STOP = text("""
    UPDATE prevention_contact SET state = 'stopped', address = NULL, confirm_token = NULL, audiences = '{}', areas = '{}', stopped_at = :now
    WHERE id = :id""")
NO_MORE = text("UPDATE prevention_message SET state = 'cancelled', reason = 'stopped', ended_at = :now WHERE contact_id = :id AND state = 'planned'")
CHOOSE = text("UPDATE prevention_contact SET audiences = CAST(:audiences AS text[]), areas = CAST(:areas AS text[]) WHERE id = :id")
# One statement whatever the number of contacts.
ANNOUNCE = text("""
    INSERT INTO prevention_message (id, contact_id, source, session_id, kind, channel, state, due, not_after, attempts, planned_at)
    SELECT gen_random_uuid(), c.id, 'announced/' || s.id, s.id, 'announced', c.channel, 'planned', :due, s.starts_at, 0, :now
    FROM prevention_session s JOIN prevention_contact c ON c.state = 'confirmed' AND (cardinality(c.audiences) = 0 OR c.audiences && s.audiences)
            AND (cardinality(c.areas) = 0 OR EXISTS (SELECT FROM unnest(c.areas) AS chosen WHERE starts_with(s.area, chosen)))
    WHERE s.id = :id ORDER BY c.id ON CONFLICT DO NOTHING""")
CALL_OFF = text("""
    UPDATE prevention_message SET state = 'cancelled', reason = 'session_cancelled', ended_at = :now
    WHERE session_id = :id AND kind = 'announced' AND state = 'planned'""")
TELL_OFF = text("""
    INSERT INTO prevention_message (id, contact_id, source, session_id, kind, channel, state, due, not_after, attempts, planned_at)
    SELECT gen_random_uuid(), m.contact_id, 'cancelled/' || s.id, s.id, 'cancelled', m.channel, 'planned', :due, s.starts_at, 0, :now
    FROM prevention_message m JOIN prevention_session s ON s.id = m.session_id
    WHERE s.id = :id AND m.kind = 'announced' AND m.state IN ('claimed', 'sent', 'maybe_sent') ORDER BY m.contact_id ON CONFLICT DO NOTHING""")
SESSION = text("SELECT title, place, area, audiences, starts_at, note, cancelled_at FROM prevention_session WHERE id = :id")
REACH = text("""
    SELECT kind, channel, state, count(*) AS many FROM prevention_message WHERE session_id = :id GROUP BY kind, channel, state ORDER BY kind, channel, state""")
COUNTS = text("SELECT channel, state, count(*) AS many FROM prevention_contact GROUP BY channel, state ORDER BY channel, state")
UNSURE = text("UPDATE prevention_message SET state = 'maybe_sent', reason = 'store_restored', ended_at = :now WHERE state IN ('planned', 'claimed')")
ANY = text("SELECT 1 FROM prevention_contact LIMIT 1")
UNCONFIRMED = text("""
    SELECT id FROM prevention_contact WHERE state = 'asked' AND confirm_until < :before ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED""")
DROP = text("DELETE FROM prevention_contact WHERE id = ANY(CAST(:ids AS uuid[]))")
DROP_STOPPED = text("""
    DELETE FROM prevention_contact WHERE id IN (
        SELECT id FROM prevention_contact WHERE state = 'stopped' AND stopped_at < :before ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)""")
DROP_MESSAGES = text("""
    DELETE FROM prevention_message WHERE id IN (
        SELECT id FROM prevention_message WHERE ended_at < :before ORDER BY ended_at LIMIT :most FOR UPDATE SKIP LOCKED)""")


def mark_of(vault: Vault, channel: str, address: str) -> bytes:
    """By what an address is known again."""
    return vault.blind("prevention contact", f"{channel}|{address}")


async def knock(tx: Transaction, vault: Vault, origin: str) -> None:
    """Count that somebody without an account asks from here, whichever address it is: who is refused learns nothing of it. Raises 429."""
    since = tx.now.replace(minute=0, second=0, microsecond=0)
    limits = {f"here|{origin}": tx.settings.prevention_asks_here, "everywhere": tx.settings.prevention_asks_per_hour}
    most = {vault.blind("prevention ask", f"{since.isoformat()}|{what}"): limit for what, limit in limits.items()}
    counted = await tx.rows(COUNT, {"since": since, "marks": sorted(most)})
    if any(row.times > most[bytes(row.mark)] for row in counted):
        wait = int((since + AN_HOUR - tx.now).total_seconds()) + 1
        raise RefusedError(429, "too many ask just now: try again later", retry_after=wait)


async def ask(tx: Transaction, vault: Vault, wish: Wish, *, openly: bool = False) -> str:
    """Ask at an address whether it wants to hear, at most once a day; where the contact stands now. `openly` is without an account."""
    mark = mark_of(vault, wish.channel, wish.address)
    await tx.execute(TURN, {"mark": mark})
    row = await tx.row(KNOWN, {"mark": mark})
    if row is not None and (row.state != ASKED or row.asked_at > tx.now - A_DAY):
        return str(row.state)
    until = tx.now + tx.settings.span(hours=tx.settings.prevention_confirm_hours)
    told: dict[str, Any] = {
        "language": wish.language,
        "audiences": sorted(set(wish.audiences)),
        "areas": sorted(set(wish.areas)),
        "confirm_token": secrets.token_urlsafe(TOKEN_BYTES),
        "asked_by": None if openly else tx.principal.subject,
        "until": until,
        "now": tx.now,
    }
    if row is None:
        identity, asks = tx.new_id("prevention contact"), 1
        address = (await vault.new([identity])).seal(identity, PLACE, wish.address)
        more = {"id": identity, "channel": wish.channel, "mark": mark, "address": address}
        await tx.execute(ADD, told | more | {"stop_token": secrets.token_urlsafe(TOKEN_BYTES)})
    else:
        identity, asks = row.id, (await tx.rows(AGAIN, told | {"id": row.id}))[0].asks
    message = {"id": tx.new_id(f"confirm {asks}"), "contact_id": identity, "source": f"confirm/{asks}", "channel": wish.channel}
    await tx.execute(PLAN, message | {"not_after": until, "now": tx.now})
    tx.audit("prevention_contact_asked", identity, ("contact",))
    return ASKED


async def confirm(tx: Transaction, token: str) -> bool:
    """Somebody who reads what comes to an address agrees; whether the link still counted. Again changes nothing."""
    row = await tx.row(BY_CONFIRM, {"token": token})
    if row is None or (row.state == ASKED and row.confirm_until <= tx.now):
        return False
    if row.state == ASKED:
        await tx.execute(AGREED, {"id": row.id, "now": tx.now})
        tx.audit("prevention_contact_confirmed", row.id, ("contact",))
    return True


async def choose(tx: Transaction, token: str, audiences: Sequence[str], areas: Sequence[str]) -> bool:
    """Hear of other sessions, by the link that stands in each message; whether there is such a contact."""
    row = await tx.row(BY_STOP, {"token": token})
    if row is None:
        return False
    await tx.execute(CHOOSE, {"id": row.id, "audiences": sorted(set(audiences)), "areas": sorted(set(areas))})
    tx.audit("prevention_contact_changed", row.id, ("contact",))
    return True


async def stop(tx: Transaction, row: Row[Any], by: Principal | None = None) -> None:
    """Send nothing there any more, and erase the address: what is left opens for nobody, also not in a backup."""
    await tx.execute(STOP, {"id": row.id, "now": tx.now})
    await tx.execute(NO_MORE, {"id": row.id, "now": tx.now})
    await erasure.order(tx, [Tombstone(row.id, row.id, "", tx.now)], Cause(f"prevention contact|{row.id}", row.asked_at, ""))
    tx.audit("prevention_contact_erased", row.id, ("contact",), by=by)


async def stop_by(tx: Transaction, token: str) -> None:
    """Stop by the link that stands in each message; again, or with one that never was, changes nothing."""
    row = await tx.row(BY_STOP, {"token": token})
    if row is not None:
        await stop(tx, row)


async def stop_at(tx: Transaction, vault: Vault, channel: str, address: str) -> bool:
    """Stop for somebody who asked an officer to; whether there was such a contact."""
    row = await tx.row(KNOWN, {"mark": mark_of(vault, channel, address)})
    if row is None or row.state == STOPPED:
        return False
    await stop(tx, row)
    return True


def due(tx: Transaction) -> datetime:
    """When an announcement that is ready now may go."""
    return may_go_from(tx.now, tx.settings.prevention_opens, tx.settings.prevention_closes, JAKARTA)


async def announce(tx: Transaction, session_id: UUID) -> None:
    """Plan a message to each contact that asked for such sessions there."""
    await tx.execute(ANNOUNCE, {"id": session_id, "due": due(tx), "now": tx.now})


async def call_off(tx: Transaction, session_id: UUID) -> None:
    """A session does not take place: what waits is not sent, and who may have been told hears so."""
    await tx.execute(CALL_OFF, {"id": session_id, "now": tx.now})
    await tx.execute(TELL_OFF, {"id": session_id, "due": due(tx), "now": tx.now})


async def unsure(tx: Transaction) -> list[Unsaid]:
    """After a restore: what waited may have been sent since, and goes to nobody a second time; who asked or chose in the lost time asks again.

    Who stopped then is safe: her key is gone.
    """
    await tx.execute(UNSURE, {"now": tx.now})
    return [Unsaid(UUID(int=0), "prevention_contacts")] if await tx.row(ANY) is not None else []


async def forget(tx: Transaction, most: int) -> dict[str, int]:
    """Let addresses go that nobody confirmed, marks of those that stopped long ago, and what became of messages."""
    settings = tx.settings
    ids = [row.id for row in await tx.rows(UNCONFIRMED, {"before": tx.now - A_DAY, "most": most})]
    if ids:
        await erasure.order(tx, [Tombstone(one, one, "", tx.now) for one in ids], Cause("prevention contacts|unconfirmed", tx.now, ""))
        await tx.execute(DROP, {"ids": ids})
    await tx.execute(DROP_ASKS, {"before": tx.now - 2 * AN_HOUR})
    stopped = {"before": tx.now - timedelta(days=settings.prevention_stop_days), "most": most}
    ended = {"before": tx.now - timedelta(days=settings.prevention_message_days), "most": most}
    return {
        "unconfirmed_contacts": len(ids),
        "stopped_contacts": (await tx.execute(DROP_STOPPED, stopped)).rowcount,
        "prevention_messages": (await tx.execute(DROP_MESSAGES, ended)).rowcount,
    }
