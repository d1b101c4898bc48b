"""Sends what waits to be handed over, by a clock of each person: sealed to the taker's newest key, again and again until it says that it took it.

It does not go through the outbox: what lies there stays, and is published again when a stream lost it. Here nothing stays, neither in the store
nor in the stream, and a changed key means that everything that waits is sealed anew.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from chassis import Due, Inputs, Received, Transaction
from chassis.bus.relay import publish_single
from chassis.envelope import Emitted
from chassis.store.vault import Keys
from contracts.handover import SEALING_SUBJECT, ContactHandedOver, HandoverAsked, HandoverTaken, SafeContactChanged, SealingKeyOffered
from contracts.intake import ClockMissed
from joserfc import jwe
from joserfc.jwk import OKPKey
from nats.aio.client import Client
from sqlalchemy import Row

from intake import casebook
from intake.casebook import Saying
from intake.handing_over import rows
from intake.opening import VaultOf

log = structlog.get_logger()

HANDOVER = "handover"
ALGORITHM, CONTENT = "ECDH-ES", "A256GCM"
LONGEST_WAIT = timedelta(minutes=10)
ClientOf = Callable[[], Client | None]
inputs = Inputs()


def sealed(content: str, kid: str, public_key: str) -> str:
    """A content as a compact JWE (RFC 7516) to an X25519 key (RFC 8037)."""
    key = OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": public_key, "kid": kid})
    return jwe.encrypt_compact({"alg": ALGORITHM, "enc": CONTENT, "kid": kid}, content.encode(), key, algorithms=[ALGORITHM, CONTENT])


def message(row: Row[Any], keys: Keys, key: Row[Any] | None) -> ContactHandedOver | None:
    """What is sent of a person now; None while there is no key to seal her rules to. Rules that nobody can open any more are told to be unknown."""
    plain = keys.open_or_none(row.person_id, rows.PLACE, row.content) if row.content is not None and not row.stopped else None
    if plain is not None and key is None:
        return None
    content = sealed(plain, key.kid, key.public_key) if plain is not None and key is not None else None
    return ContactHandedOver(person_id=row.person_id, case_id=row.case_id, revision=row.revision, stopped=row.stopped, sealed=content)


class HandingOver:
    """The clock that hands over: what it sends is sent before the clock is claimed, so that a crash in between sends it again."""

    def __init__(self, vault: VaultOf, client: ClientOf) -> None:
        self.vault, self.client = vault, client

    async def send(self, due: Sequence[Due], read: Callable[..., Awaitable[Any]]) -> None:
        """Send what waits; whoever is away takes it at a later try."""
        waiting, key = await read(functools.partial(_waiting, persons=[clock.subject for clock in due]))
        client = self.client()
        if not waiting or client is None or not client.is_connected:
            return
        keys = await self.vault().of([row.person_id for row in waiting])
        for row in waiting:
            fact = message(row, keys, key)
            if fact is None:
                log.warning("handover_waits_for_a_key")
                return
            try:
                await publish_single(client, _wrapped(fact, row.since), uuid4().hex)
            except Exception as error:  # noqa: BLE001 - whatever it was, the row waits, and is sent again
                log.warning("handover_failed", error=type(error).__name__)
                return

    async def sent(self, due: Sequence[Due], tx: Transaction, _nothing: None) -> None:
        """Try again later, each time twice as late, until it is taken; when that takes long, people hear of it."""
        waiting = await rows.waiting(tx, [clock.subject for clock in due])
        long_ago = tx.now - tx.settings.span(hours=tx.settings.handover_hours)
        clocks = {clock.subject: clock for clock in due}
        told = [row for row in waiting if row.since <= long_ago and row.told_at is None]
        await tx.execute(rows.TRIED, {"persons": [row.person_id for row in waiting], "told": [row.person_id for row in told], "now": tx.now})
        for row in waiting:
            wait = min(LONGEST_WAIT, timedelta(seconds=tx.settings.handover_retry_seconds) * 2 ** min(row.attempts, 12))
            tx.set_clock(HANDOVER, row.person_id, tx.now + wait)
        missed = [Saying(row.case_id, ClockMissed(clock=HANDOVER, due_at=row.since), clocks[row.person_id].cause, str(row.person_id)) for row in told]
        await casebook.grow(tx, said=missed)


async def _waiting(tx: Transaction, persons: Sequence[UUID]) -> tuple[Sequence[Row[Any]], Row[Any] | None]:
    return await rows.waiting(tx, persons), await tx.row(rows.NEWEST_KEY)


def _wrapped(fact: ContactHandedOver, since: datetime) -> Emitted:
    body = fact.model_dump_json().encode()
    return Emitted(uuid4(), fact.type, "intake", fact.stream, fact.route, fact.case_id, since, 0, "", "", None, body)


@inputs.consumes(SealingKeyOffered)
async def keep_keys(events: Sequence[Received[SealingKeyOffered]], tx: Transaction) -> None:
    """Keep the keys that were offered, and send what waits at once: it may be sealed to a key that is gone."""
    for event in events:
        key = event.data.model_dump() | {"subject": SEALING_SUBJECT}
        await tx.execute(rows.KEEP_KEY, key)
    for row in await tx.rows(rows.ALL_WAITING):
        tx.set_clock(HANDOVER, row.person_id, tx.now, cause=events[-1].cause)


@inputs.consumes(HandoverTaken)
async def taken(events: Sequence[Received[HandoverTaken]], tx: Transaction) -> None:
    """Send what was taken no more."""
    newest = {event.data.person_id: event.data.revision for event in sorted(events, key=lambda event: event.data.revision)}
    done = await tx.rows(rows.TAKEN, {"persons": list(newest), "revisions": list(newest.values())})
    for row in done:
        tx.cancel_clock(HANDOVER, row.person_id)


@inputs.consumes(HandoverAsked)
async def send_again(events: Sequence[Received[HandoverAsked]], tx: Transaction) -> None:
    """Notifications lost what it had taken: send it again."""
    await begin(tx, {event.data.person_id for event in events}, events[-1].cause)


async def revise(tx: Transaction, person_id: UUID, case_id: UUID, *, content: bytes | None, asked_at: datetime, stopped: bool) -> int:
    """Keep a revision of what a person said when she was asked, say that there is one, and begin to hand it over; its number."""
    values = {"content": content, "stopped": stopped, "asked_at": asked_at, "asked_by": tx.principal.subject}
    kept: Any = await tx.row(rows.KEEP, {"person_id": person_id, "case_id": case_id, **values})
    fact = SafeContactChanged(person_id=person_id, revision=kept.revision, stopped=stopped, asked_at=asked_at)
    await casebook.grow(tx, said=[Saying(case_id, fact, tx.cause_of(case_id), str(person_id))])
    await begin(tx, {person_id}, tx.cause_of(case_id))
    return int(kept.revision)


async def stop_together(tx: Transaction, members: Mapping[UUID, UUID]) -> None:
    """Where the newest word of those whom a merge makes one (person to case) is a stop, it holds under each of their ids; also after an unmerge."""
    await tx.lock(members.values())
    known = await tx.rows(rows.OF_PERSONS, {"persons": sorted(members)})
    newest = max(known, key=lambda row: row.asked_at, default=None)
    if newest is None or not newest.stopped:
        return
    for row in known:
        if not row.stopped:
            await revise(tx, row.person_id, members[row.person_id], content=None, asked_at=newest.asked_at, stopped=True)
            tx.audit("safe_contact_stopped", row.person_id)


async def begin(tx: Transaction, persons: set[UUID], cause: Any) -> None:
    """Hand over the safe contacts of these persons, beginning now."""
    for person_id in await rows.hand_over(tx, persons):
        tx.set_clock(HANDOVER, person_id, tx.now, cause=cause)


async def relearn(tx: Transaction, events: Sequence[Received[Any]]) -> list[Received[SafeContactChanged]]:
    """Know again that rules were changed in a lost hour, and tell the taker that they are: nobody goes by older ones. Those that people ask for again."""
    changes = sorted((event for event in events if isinstance(event.data, SafeContactChanged)), key=lambda event: event.data.revision)
    newest = {event.data.person_id: event for event in changes}
    lost = [event for event in newest.values() if await _lost(tx, event)]
    for event in lost:
        await begin(tx, {event.data.person_id}, tx.cause_of(event.subject))
    return [event for event in lost if not event.data.stopped]


async def _lost(tx: Transaction, event: Received[SafeContactChanged]) -> bool:
    return await tx.row(rows.KEEP_AGAIN, {**event.data.model_dump(), "case_id": event.subject}) is not None
