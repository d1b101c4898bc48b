"""Sends messages to survivors: decides under lock by her rules, claims, sends outside any transaction within a limit that her hours cover, records.

A sending that never said how it ended may have left: it is an officer's then, and never sent again by itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import structlog
from chassis import Cause, Service, Transaction
from chassis.store import erasure
from chassis.store.vault import Keys
from contracts.handover import SafeContact
from contracts.notifications import Delivered, Failed
from contracts.vocabulary import NoticeChannel
from prometheus_client import Counter
from sqlalchemy import Row

from notifications import store
from notifications.channels import failing
from notifications.channels.ways import Answer, Letter, Outcome, Ways
from notifications.settings import NotificationsSettings
from notifications.survivors import rows, telling
from notifications.survivors.rules import Asked, By, Channel, Hours, Later, Officer, Rules, next_step

log = structlog.get_logger()

SENDINGS = Counter("naungan_messages", "Sendings to survivors, by channel and what came of them", ["channel", "outcome"])
MOST = 50
UNTIL_RULES_COME = timedelta(minutes=5)
LAST_CHANCE = 2.0
# Seconds before what came of a sending is recorded again; in all less than a lease. The claim proves whose it still is.
RECORD_AGAIN = (0.1, 0.5, 2.0, 8.0, 16.0)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in hand: `claim` proves it, `deadline` is when its sending must be over, by the event loop's clock."""

    row: Row[Any]
    claim: UUID
    letter: Letter
    deadline: float


def rules_of(contact: SafeContact, good_for: timedelta) -> Rules:
    """Her rules as they are decided by."""

    def minute(clock: str) -> int:
        return int(clock[:2]) * 60 + int(clock[3:])

    channels = tuple(
        Channel(entry.channel, tuple(Hours(frozenset(map(int, h.days)), minute(h.begins), minute(h.ends)) for h in entry.hours))
        for entry in contact.channels
    )
    return Rules(channels, contact.zone, contact.asked_at + good_for)


async def send_messages(service: Service) -> None:
    """Keep due messages going until this is cancelled; then give those in hand a moment to end."""
    settings = cast("NotificationsSettings", service.settings)
    ways = Ways(settings.smtp, cast("dict[str, Any]", settings.gateways))
    in_hand: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                claimed = await some(service, ways)
            except Exception as error:  # noqa: BLE001 - the store or the key database may be away; the rows wait
                log.warning("messages_wait", error=type(error).__name__)
                claimed = []
            in_hand |= {asyncio.create_task(carry(service, ways, one)) for one in claimed}
            in_hand = {task for task in in_hand if not task.done()}
            await asyncio.sleep(0 if claimed else settings.message_poll_seconds)
    finally:
        if in_hand:
            await asyncio.wait(in_hand, timeout=LAST_CHANCE)
        for task in in_hand:
            task.cancel()
        await ways.close()


async def some(service: Service, ways: Ways) -> list[Claimed]:
    """Give up what never ended, and claim what may be sent now."""
    await service.database.run(give_up)
    due = await service.database.run(_due)
    if not due:
        return []
    assert service.vault is not None  # noqa: S101 - build() refuses to go without
    keys = await service.vault.of({row.person_id for row in due})
    settings = cast("NotificationsSettings", service.settings)
    # Told before the database tells its time, so that whatever waits for a lock in between shortens the sending and never moves it.
    deadline = asyncio.get_running_loop().time() + settings.message_limit_seconds
    return await service.database.run(partial(decide, due=due, keys=keys, ways=ways, deadline=deadline))


async def _due(tx: Transaction) -> Sequence[Row[Any]]:
    return await tx.rows(rows.DUE, {"now": tx.now, "most": MOST})


async def give_up(tx: Transaction) -> None:
    """Hand what was claimed and never ended to officers: whoever had it in hand died with it, before or after it left."""
    # The cases first, as everybody does.
    await tx.lock({row.case_id for row in await tx.rows(rows.NEVER_ENDED, {"now": tx.now})})
    for row in await tx.rows(rows.GIVEN_UP, {"now": tx.now}):
        SENDINGS.labels(row.channel, Outcome.UNKNOWN).inc()
        await telling.tell(tx, row, telling.UNSURE)
        _say(tx, row, sent=False)


async def decide(tx: Transaction, due: Sequence[Row[Any]], keys: Keys, ways: Ways, deadline: float) -> list[Claimed]:
    """Decide what becomes of due messages, each by the rules as they are now that the person's row is locked; those that are to be sent at once."""
    settings: NotificationsSettings = tx.settings
    survivors = await rows.locked(tx, [row.person_id for row in due])
    taken = await tx.rows(rows.TAKE, {"ids": [row.id for row in due], "now": tx.now})
    persons = [row.person_id for row in taken]
    files = await store.files_of(tx, {row.case_id for row in taken})
    gone, tried = await erasure.ordered(tx, persons), await rows.tried(tx, persons)
    last = {row.person_id: row.at for row in await tx.rows(rows.LAST_SENT, {"persons": persons})}
    claimed: list[Claimed] = []
    for row in taken:
        survivor = survivors.get(row.person_id)
        if row.person_id in gone or survivor is None or survivor.stopped or files[row.case_id].ended:
            await tx.execute(rows.END, {"id": row.id, "state": rows.CANCELLED, "reason": "not_any_more", "now": tx.now})
            continue
        contact = _contact(survivor, keys)
        if contact is not None and row.asked_by is None and row.purpose not in contact.reminders:
            await tx.execute(rows.END, {"id": row.id, "state": rows.CANCELLED, "reason": "not_agreed", "now": tx.now})
            continue
        before = tried.get((row.source, row.person_id), frozenset()) - {row.channel}
        step = _step(tx, row, contact, before=before, ways=ways, last=last.get(row.person_id))
        match step:
            case By(channel) if contact is not None:
                letter = _letter(settings, row, contact, channel)
                claim = await _claim(tx, row, channel)
                last[row.person_id] = tx.now
                claimed.append(Claimed(row, claim, letter, deadline))
            case Later(at):
                await tx.execute(rows.POSTPONE, {"id": row.id, "due": at})
            case Officer(reason):
                await tx.execute(rows.END, {"id": row.id, "state": rows.OFFICER, "reason": reason, "now": tx.now})
                await telling.tell(tx, row, telling.TO_DO)
    return claimed


def _contact(survivor: Row[Any], keys: Keys) -> SafeContact | None:
    """Her rules, if those that are held are the newest that were heard of, and open."""
    if survivor.held != survivor.announced or survivor.content is None:
        return None
    plain = keys.open_or_none(survivor.person_id, rows.PLACE, survivor.content)
    return None if plain is None else SafeContact.model_validate_json(plain)


def _step(
    tx: Transaction, row: Row[Any], contact: SafeContact | None, *, before: frozenset[str], ways: Ways, last: datetime | None
) -> By | Later | Officer:
    settings: NotificationsSettings = tx.settings
    if contact is None:
        return Later(tx.now + UNTIL_RULES_COME) if tx.now + UNTIL_RULES_COME <= row.not_after else Officer("rules_unknown")
    rules = rules_of(contact, timedelta(days=settings.safe_contact_days))
    step = next_step(Asked(before, row.not_after), rules, ways.names, tx.now, timedelta(seconds=settings.message_limit_seconds))
    free_at = None if last is None else last + timedelta(minutes=settings.message_gap_minutes)
    # What fell to a second channel is the same message, and no new one.
    if isinstance(step, By) and free_at is not None and free_at > tx.now and not row.step:
        return Later(free_at)
    return step


def _letter(settings: NotificationsSettings, row: Row[Any], contact: SafeContact, channel: str) -> Letter:
    text = settings.templates.text(row.template, contact.language, channel)
    address = next(entry.address for entry in contact.channels if entry.channel == channel)
    return Letter(row.id, channel, address, f"{contact.code_word}. {text}" if contact.code_word else str(text))


async def _claim(tx: Transaction, row: Row[Any], channel: str) -> UUID:
    claim = uuid4()
    until = tx.now + timedelta(seconds=tx.settings.message_lease_seconds)
    values = {"id": row.id, "channel": channel, "version": tx.settings.templates.version, "claim": claim, "until": until}
    await tx.execute(rows.CLAIM, values)
    return claim


async def carry(service: Service, ways: Ways, claimed: Claimed) -> None:
    """Send one message, then record what came of it; if that cannot be recorded before its lease ends, it counts as maybe sent."""
    answer = await ways.send(claimed.letter, claimed.deadline)
    SENDINGS.labels(claimed.letter.channel, answer.outcome).inc()
    for wait in (*RECORD_AGAIN, None):
        try:
            await service.database.run(partial(record, claimed=claimed, answer=answer))
        except Exception as error:  # noqa: BLE001 - the store may be away, or others were at it
            log.warning("message_not_recorded", error=type(error).__name__)
        else:
            return
        if wait is not None:
            await asyncio.sleep(wait)


async def record(tx: Transaction, claimed: Claimed, answer: Answer) -> None:
    """Write down what came of a sending: the end, a later try of what surely did not leave, the next channel, or an officer."""
    row, settings = claimed.row, cast("NotificationsSettings", tx.settings)
    await tx.lock([row.case_id])  # first, as everybody does
    await failing.heard(tx, claimed.letter.channel, answer)
    state, due = {Outcome.TAKEN: rows.SENT, Outcome.UNKNOWN: rows.MAYBE_SENT}.get(answer.outcome, rows.FAILED), None
    if answer.outcome is Outcome.NOT_TAKEN and row.attempts < len(settings.message_retry_minutes):
        state, due = rows.PLANNED, tx.now + settings.span(minutes=settings.message_retry_minutes[row.attempts])
    mine: Mapping[str, Any] = {"id": row.id, "claim": claimed.claim, "state": state, "reason": answer.reason, "due": due, "now": tx.now}
    kept = await tx.row(rows.RECORD, mine)
    if kept is None or state == rows.PLANNED:
        return
    _say(tx, kept, sent=state == rows.SENT)
    if state == rows.MAYBE_SENT:
        await telling.tell(tx, kept, telling.UNSURE)
    elif state == rows.FAILED:
        await add(tx, source=row.source, person_id=row.person_id, case_id=row.case_id, step=row.step + 1, like=row)


async def add(tx: Transaction, *, source: str, person_id: UUID, case_id: UUID, step: int, like: Any) -> UUID:
    """Plan a message, or the next channel of one; its id. One of the same source and step is not planned twice."""
    cause = Cause(f"message|{source}|{person_id}", like.asked_at, "")
    identity = tx.new_id(f"message:{step}", person_id, cause=cause)
    codes = {name: getattr(like, name) for name in ("purpose", "template", "not_after", "asked_by")}
    due = max(tx.now, getattr(like, "due", tx.now))
    await tx.execute(
        rows.ADD, {"id": identity, "source": source, "person_id": person_id, "case_id": case_id, "step": step, "due": due, "now": tx.now, **codes}
    )
    return identity


def _say(tx: Transaction, row: Row[Any], *, sent: bool) -> None:
    """Let the case know what became of a message to one of its people."""
    kind = Delivered if sent else Failed
    tx.emit(kind(notice_id=row.id, channel=NoticeChannel(row.channel)), row.case_id, key=str(row.id), cause=Cause(f"message|{row.claim}", tx.now, ""))
