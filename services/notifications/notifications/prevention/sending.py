"""Sends what contacts without an account asked to hear: claims, sends outside any transaction, records. By day only, and not faster than is set.

A sending of which nobody knows whether it left is not repeated: an announcement that is missing does less harm than one that comes twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import structlog
from chassis import Service, Transaction
from chassis.store.retention import SYSTEM
from chassis.store.vault import Keys
from prometheus_client import Counter
from sqlalchemy import Row, text

from notifications.channels import failing
from notifications.channels.ways import Answer, Letter, Outcome, Ways
from notifications.prevention import contacts, words
from notifications.settings import NotificationsSettings

log = structlog.get_logger()

SENT = Counter("naungan_prevention_messages", "Sendings to contacts without an account, by channel and what came of them", ["channel", "outcome"])
AT_ONCE = 20
DOOR = "/notifications/public/prevention"
# Who has just asked waits for no announcement to thousands.
DUE = text("""
    SELECT m.id, m.contact_id FROM prevention_message m WHERE m.state = 'planned' AND m.due <= :now
    ORDER BY m.kind <> 'confirm', m.due, m.id LIMIT :most""")
# Locked in the order of contacts: whoever stops one takes the contact first.
TAKE = text("""
    SELECT m.*, c.state AS contact_state, c.address, c.language, c.confirm_token, c.stop_token, s.title, s.place, s.starts_at, s.cancelled_at
    FROM prevention_message m JOIN prevention_contact c ON c.id = m.contact_id LEFT JOIN prevention_session s ON s.id = m.session_id
    WHERE m.id = ANY(CAST(:ids AS uuid[])) AND m.state = 'planned' AND m.due <= :now ORDER BY m.contact_id, m.id FOR UPDATE OF c, m SKIP LOCKED""")
CLAIM = text("UPDATE prevention_message SET state = 'claimed', attempts = attempts + 1, claim = :claim, claimed_until = :until WHERE id = :id")
POSTPONE = text("UPDATE prevention_message SET due = :due WHERE id = :id")
END = text("UPDATE prevention_message SET state = 'cancelled', reason = :reason, ended_at = :now WHERE id = :id")
RECORD = text("""
    UPDATE prevention_message SET state = :state, reason = :reason, due = coalesce(CAST(:due AS timestamptz), due),
        ended_at = CASE WHEN :state = 'planned' THEN NULL ELSE CAST(:now AS timestamptz) END
    WHERE id = :id AND claim = :claim AND state = 'claimed' RETURNING id""")
GIVE_UP = text("""
    UPDATE prevention_message SET state = 'maybe_sent', reason = 'never_ended', ended_at = :now WHERE id IN (
        SELECT id FROM prevention_message WHERE state = 'claimed' AND claimed_until <= :now ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)""")
STATES = {Outcome.TAKEN: "sent", Outcome.UNKNOWN: "maybe_sent", Outcome.REFUSED: "failed", Outcome.NOT_TAKEN: "failed"}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in hand."""

    id: UUID
    claim: UUID
    attempts: int
    letter: Letter


async def send_announcements(service: Service) -> None:
    """Keep due messages going until this is cancelled; nothing to do without a way out."""
    settings = cast("NotificationsSettings", service.settings)
    ways = Ways(settings.smtp, cast("dict[str, Any]", settings.gateways))
    if not ways.names:
        await asyncio.Event().wait()
    try:
        while True:
            claimed: list[Claimed] = []
            try:
                claimed = await some(service, ways)
                await asyncio.gather(*(carry(service, ways, one) for one in claimed))
            except Exception as error:  # noqa: BLE001 - the store or the key database may be away; the rows wait
                log.warning("announcements_wait", error=type(error).__name__)
            await asyncio.sleep(max(settings.message_poll_seconds, 60 * len(claimed) / settings.prevention_per_minute))
    finally:
        await ways.close()


async def some(service: Service, ways: Ways) -> list[Claimed]:
    """Give up what never ended, and claim what may be sent now."""
    await service.database.run(give_up)
    due = await service.database.run(_due)
    if not due:
        return []
    assert service.vault is not None  # noqa: S101 - build() refuses to go without
    keys = await service.vault.of({row.contact_id for row in due})
    return await service.database.run(partial(decide, due=due, keys=keys, ways=ways))


async def _due(tx: Transaction) -> Sequence[Row[Any]]:
    return await tx.rows(DUE, {"now": tx.now, "most": AT_ONCE})


async def give_up(tx: Transaction) -> None:
    """Whoever had these in hand died with them, before or after they left."""
    await tx.execute(GIVE_UP, {"now": tx.now})


async def decide(tx: Transaction, due: Sequence[Row[Any]], keys: Keys, ways: Ways) -> list[Claimed]:
    """Claim those of these messages that are still wanted, may go at this hour, and whose address opens."""
    claimed: list[Claimed] = []
    by_day = contacts.due(tx)
    for row in await tx.rows(TAKE, {"ids": [one.id for one in due], "now": tx.now}):
        if (reason := _unwanted(tx, row, ways)) is not None:
            await tx.execute(END, {"id": row.id, "reason": reason, "now": tx.now})
        elif row.kind != contacts.CONFIRM and by_day > tx.now:
            await tx.execute(POSTPONE, {"id": row.id, "due": by_day})
        elif (address := keys.open_or_none(row.contact_id, contacts.PLACE, row.address)) is None:
            await contacts.stop(tx, await _contact(tx, row.contact_id), SYSTEM)
        else:
            claim, until = uuid4(), tx.now + tx.settings.span(seconds=tx.settings.message_lease_seconds)
            await tx.execute(CLAIM, {"id": row.id, "claim": claim, "until": until})
            claimed.append(Claimed(row.id, claim, row.attempts + 1, letter_of(tx.settings, row, address)))
    return claimed


async def _contact(tx: Transaction, contact_id: UUID) -> Row[Any]:
    return (await tx.rows(text("SELECT * FROM prevention_contact WHERE id = :id"), {"id": contact_id}))[0]


def _unwanted(tx: Transaction, row: Row[Any], ways: Ways) -> str | None:
    """Why a message is not sent any more, as a code; None when it is."""
    if row.contact_state != (contacts.ASKED if row.kind == contacts.CONFIRM else contacts.CONFIRMED):
        return "not_any_more"
    if row.not_after <= tx.now:
        return "too_late"
    if row.kind == contacts.ANNOUNCED and row.cancelled_at is not None:
        return "session_cancelled"
    return None if row.channel in ways.names else "no_way"


def letter_of(settings: NotificationsSettings, row: Row[Any], address: str) -> Letter:
    """The message as it leaves: of names from closed lists, times and links; each has the link by which it stops."""
    place, door = words.place_of(row.language), settings.links_url.rstrip("/") + DOOR
    stop = f"{door}/stop/{row.stop_token}"
    if row.kind == contacts.CONFIRM:
        values = {"link": f"{door}/confirm/{row.confirm_token}"}
    else:
        values = {
            "title": words.TITLES[row.title][place],
            "place": words.PLACES[row.place][place],
            "when": words.when(row.starts_at, row.language),
            "link": f"{door}/sessions/{row.session_id}",
        }
    content = settings.templates.text(f"prevention_{row.kind}", row.language, row.channel, stop=stop, **values)
    return Letter(row.id, row.channel, address, str(content), subject=words.SUBJECT[place], unsubscribe=stop)


async def carry(service: Service, ways: Ways, claimed: Claimed) -> None:
    """Send one message and record what came of it; what cannot be recorded counts as maybe sent when its lease ends."""
    settings = cast("NotificationsSettings", service.settings)
    answer = await ways.send(claimed.letter, asyncio.get_running_loop().time() + settings.message_limit_seconds)
    SENT.labels(claimed.letter.channel, answer.outcome).inc()
    try:
        await service.database.run(partial(record, claimed=claimed, answer=answer))
    except Exception as error:  # noqa: BLE001 - the store may be away
        log.warning("announcement_not_recorded", error=type(error).__name__)


async def record(tx: Transaction, claimed: Claimed, answer: Answer) -> None:
    """Write down what came of a sending: the end, or a later try of what surely did not leave."""
    await failing.heard(tx, claimed.letter.channel, answer)
    state, due, waits = STATES[answer.outcome], None, tx.settings.message_retry_minutes
    if answer.outcome is Outcome.NOT_TAKEN and claimed.attempts <= len(waits):
        state, due = "planned", tx.now + tx.settings.span(minutes=waits[claimed.attempts - 1])
    await tx.execute(RECORD, {"id": claimed.id, "claim": claimed.claim, "state": state, "reason": answer.reason, "due": due, "now": tx.now})
