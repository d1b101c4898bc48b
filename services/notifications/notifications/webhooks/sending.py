"""Delivers webhooks: claims due deliveries under a lease, sends them outside any transaction, records what came of it.

A worker of its own because sending waits for strangers. A receiver may get an event more than once, always under the same webhook-id,
and never loses one: a delivery whose sender died is taken again, as soon as its sender is seen to be dead.
"""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, cast
from uuid import UUID, uuid4

import structlog
from chassis import Cause, Service, Transaction
from chassis.store.vault import Keys
from sqlalchemy import text

from notifications import domain
from notifications.channels import failing
from notifications.settings import NotificationsSettings
from notifications.store import Entry, made, write_notices
from notifications.webhooks.post import GONE, TIMEOUT, Answer, Claimed, Sender

log = structlog.get_logger()

LAST_CHANCE = 2.0
BEAT, DEAD_AFTER = 1.0, timedelta(seconds=6)

# Endpoint by endpoint, so that the full queue of a dead one takes no place of a healthy one; those that hung lately get one place each at most.
# Only what is taken is locked: a lock on every row that might be would be a write of each of them, at every look.
FREE = "d.state = 'pending' AND d.due <= :now AND (d.lease_until IS NULL OR d.lease_until <= :now OR d.lease_owner <> ALL(alive.ids))"
CLAIM = text(f"""
    WITH alive AS (SELECT array_agg(id) AS ids FROM (SELECT id FROM sender WHERE alive_until > :now UNION SELECT CAST(:owner AS uuid)) AS s),
    endpoints AS (
        SELECT endpoint, array_agg(id) AS subscriptions, endpoint = ANY(CAST(:hung AS text[])) AS hung
        FROM subscription WHERE state = 'active' GROUP BY endpoint),
    picked AS (
        SELECT one.id, one.due, endpoints.hung, row_number() OVER (PARTITION BY endpoints.hung ORDER BY one.due) AS place
        FROM alive, endpoints CROSS JOIN LATERAL (
            SELECT d.id, d.due FROM delivery d
            WHERE d.subscription_id = ANY(endpoints.subscriptions) AND {FREE}
            ORDER BY d.due, d.position
            LIMIT greatest(0, CASE WHEN endpoints.hung THEN 1 ELSE CAST(:per_endpoint AS bigint) END - (
                SELECT count(*) FROM delivery l WHERE l.subscription_id = ANY(endpoints.subscriptions) AND l.state = 'pending'
                    AND l.lease_until > :now AND (l.lease_owner IS NULL OR l.lease_owner = ANY(alive.ids))))) one),
    wanted AS MATERIALIZED (SELECT id FROM picked WHERE NOT hung OR place <= :hung_places ORDER BY hung, due LIMIT :most),
    chosen AS (
        SELECT d.id FROM delivery d CROSS JOIN alive WHERE d.id IN (SELECT id FROM wanted) AND {FREE} ORDER BY d.id FOR UPDATE OF d SKIP LOCKED)
    UPDATE delivery d SET lease_token = :token, lease_owner = :owner, lease_until = :until, attempts = d.attempts + 1
    FROM chosen, subscription s WHERE d.id = chosen.id AND s.id = d.subscription_id
    RETURNING d.id, d.subscription_id, d.event_id, d.body, d.attempts, d.lease_token, s.url, s.endpoint, s.secret,
        CASE WHEN s.previous_until > :now THEN s.previous_secret END""")  # noqa: S608 - constants
ALIVE = text("INSERT INTO sender (id, alive_until) VALUES (:id, :until) ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until")
BURY = text("DELETE FROM sender WHERE id = :id OR alive_until < CAST(:now AS timestamptz) - interval '1 hour'")
# A sender whose lease was taken over has nothing to say any more: the token decides.
DELIVERED = text("""
    WITH done AS (
        UPDATE delivery d SET state = 'delivered', lease_token = NULL, lease_until = NULL, lease_owner = NULL, last_status = told.status,
            last_reason = NULL, ended_at = :now
        FROM unnest(CAST(:ids AS uuid[]), CAST(:tokens AS uuid[]), CAST(:statuses AS integer[])) AS told (id, token, status)
        WHERE d.id = told.id AND d.lease_token = told.token RETURNING d.subscription_id)
    UPDATE subscription SET failed_in_a_row = 0 WHERE failed_in_a_row > 0 AND id IN (SELECT subscription_id FROM done)""")
FAILED = text("""
    UPDATE delivery SET state = CAST(:state AS text), due = coalesce(CAST(:due AS timestamptz), due), lease_token = NULL, lease_until = NULL,
        lease_owner = NULL, last_status = CAST(:status AS integer), last_reason = :reason,
        ended_at = CASE WHEN CAST(:state AS text) = 'failed' THEN CAST(:now AS timestamptz) END
    WHERE id = :id AND lease_token = :token RETURNING id""")
SUBSCRIPTION = text("SELECT state, failed_in_a_row, agency FROM subscription WHERE id = :id FOR UPDATE")
COUNT_FAILED = text("UPDATE subscription SET failed_in_a_row = failed_in_a_row + 1, state = :state WHERE id = :id")


@dataclass
class Hands:
    """What one replica has in hand. A sending that nobody answers soon makes room: those who hang hold no place of those who answer."""

    settings: NotificationsSettings
    began: dict[asyncio.Task[None], float] = field(default_factory=dict)
    hung: dict[str, float] = field(default_factory=dict)
    answered: deque[tuple[Claimed, Answer]] = field(default_factory=deque)

    def free(self) -> int:
        """How many more may be begun now."""
        now = monotonic()
        slow = sum(now - began > self.settings.webhook_slow_seconds for began in self.began.values())
        return self.settings.webhook_at_once - (len(self.began) - slow) - max(0, slow - self.settings.webhook_slow_at_once)

    def room_for_hung(self) -> int:
        """How many of those whose endpoint hung lately may be begun now."""
        return max(0, self.settings.webhook_slow_at_once // 2 - len(self.began))

    def hanging(self) -> list[str]:
        """Endpoints that did not answer in time, lately."""
        now = monotonic()
        self.hung = {endpoint: until for endpoint, until in self.hung.items() if until > now}
        return list(self.hung)

    def heard(self, claimed: Claimed, answer: Answer) -> None:
        """One sending ended."""
        self.answered.append((claimed, answer))
        if answer.reason == TIMEOUT:
            self.hung[claimed.endpoint] = monotonic() + self.settings.webhook_hung_seconds
        else:
            self.hung.pop(claimed.endpoint, None)

    def sweep(self) -> None:
        """Forget what ended."""
        for task in [task for task in self.began if task.done()]:
            del self.began[task]


async def deliver(service: Service) -> None:
    """Keep due deliveries going, each in a task of its own, until this is cancelled; then give those in hand a moment to end."""
    settings = cast("NotificationsSettings", service.settings)
    sender, hands, owner = Sender(settings), Hands(settings), uuid4()
    beaten = -BEAT
    recorder = asyncio.create_task(_record_always(service, hands))
    try:
        while True:
            if monotonic() - beaten >= BEAT and await _alive(service, owner):
                beaten = monotonic()
            claimed: list[Claimed] = []
            # Many at once: looking for what is due at every endpoint costs the same for one as for many.
            if hands.free() >= max(1, settings.webhook_at_once // 4):
                claimed = await _claim_some(service, hands, owner)
                keys = await _keys_of(service, claimed) if claimed else Keys({})
                for one in claimed:
                    hands.began[asyncio.create_task(_carry(sender, hands, one, keys))] = monotonic()
            if not claimed:
                await asyncio.sleep(settings.webhook_poll_seconds if not hands.began else min(0.05, settings.webhook_poll_seconds))
            else:
                await asyncio.sleep(0.02)
            hands.sweep()
    finally:
        if hands.began:
            await asyncio.wait(hands.began, timeout=LAST_CHANCE)
        for task in hands.began:
            task.cancel()
        recorder.cancel()
        await _record_some(service, hands)
        await _bury(service, owner)
        await sender.client.aclose()


async def _carry(sender: Sender, hands: Hands, claimed: Claimed, keys: Keys) -> None:
    hands.heard(claimed, await sender.send(claimed, keys))


async def _claim_some(service: Service, hands: Hands, owner: UUID) -> list[Claimed]:
    try:
        return await service.database.run(partial(claim, most=hands.free(), owner=owner, hung=hands.hanging(), hung_places=hands.room_for_hung()))
    except Exception as error:  # noqa: BLE001 - the store may be away; the rows wait in it
        log.warning("deliveries_wait", error=type(error).__name__)
        await asyncio.sleep(1)
        return []


async def claim(tx: Transaction, most: int, owner: UUID, hung: Sequence[str] = (), hung_places: int = 0) -> list[Claimed]:
    """Take due deliveries under a lease: at most `most`, and per endpoint no more than may be under way there.

    Those of endpoints that `hung` lately come last, one each and so many in all. What a sender had in hand that is not alive is taken too.
    """
    settings: NotificationsSettings = tx.settings
    parameters = {
        "now": tx.now,
        "until": tx.now + timedelta(seconds=settings.webhook_lease_seconds),
        "token": uuid4(),
        "owner": owner,
        "per_endpoint": settings.webhook_per_endpoint,
        "most": most,
        "hung": list(hung),
        "hung_places": hung_places,
    }
    return [made(Claimed, row) for row in await tx.rows(CLAIM, parameters)]


async def _alive(service: Service, owner: UUID) -> bool:
    try:
        await service.database.run(partial(alive, owner=owner))
    except Exception as error:  # noqa: BLE001 - the store may be away; nobody takes anything over then either
        log.warning("sender_not_seen", error=type(error).__name__)
        return False
    return True


async def alive(tx: Transaction, owner: UUID) -> None:
    """Say that a sender lives."""
    await tx.execute(ALIVE, {"id": owner, "until": tx.now + DEAD_AFTER})


async def _bury(service: Service, owner: UUID) -> None:
    async def bury(tx: Transaction) -> None:
        await tx.execute(BURY, {"id": owner, "now": tx.now})

    try:
        await service.database.run(bury)
    except Exception as error:  # noqa: BLE001 - then it is seen to be dead by its silence
        log.warning("sender_not_buried", error=type(error).__name__)


async def _keys_of(service: Service, claimed: Sequence[Claimed]) -> Keys:
    try:
        assert service.vault is not None  # noqa: S101 - build() refuses to go without
        return await service.vault.of({one.subscription_id for one in claimed})
    except Exception as error:  # noqa: BLE001 - the key database may be away; each delivery fails once and is tried again
        log.warning("keys_away", error=type(error).__name__)
        return Keys({})


async def _record_always(service: Service, hands: Hands) -> None:
    while True:
        await _record_some(service, hands)
        await asyncio.sleep(0.02)


async def _record_some(service: Service, hands: Hands) -> None:
    """Write down what came of what ended since; what cannot be written is sent again when its lease ends."""
    told = [hands.answered.popleft() for _ in range(len(hands.answered))]
    good = sorted(((claimed, answer) for claimed, answer in told if answer.reason is None), key=lambda one: one[0].id)
    works = [partial(record_delivered, told=good)] if good else []
    works += [partial(record_failed, claimed=c, answer=a, chance=random.random()) for c, a in told if a.reason is not None]  # noqa: S311 - jitter
    for work in works:
        try:
            await service.database.run(work)
        except Exception as error:  # noqa: BLE001 - the store may be away
            log.warning("deliveries_not_recorded", error=type(error).__name__)


async def record_delivered(tx: Transaction, told: Sequence[tuple[Claimed, Answer]]) -> None:
    """Write down which deliveries arrived."""
    columns = {"ids": [c.id for c, _ in told], "tokens": [c.token for c, _ in told], "statuses": [a.status for _, a in told]}
    await tx.execute(DELIVERED, columns | {"now": tx.now})
    await failing.work(tx, {failing.webhook(c.subscription_id) for c, _ in told})


async def record_failed(tx: Transaction, claimed: Claimed, answer: Answer, chance: float) -> None:
    """Write down a delivery's end or its next try; a subscription whose deliveries fail one after the other is disabled.

    One whose receiver says that it is gone is disabled at once.
    """
    settings: NotificationsSettings = tx.settings
    mine = {"id": claimed.id, "token": claimed.token, "now": tx.now, "status": answer.status}
    subscription: Any = await tx.row(SUBSCRIPTION, {"id": claimed.subscription_id})
    delays = [settings.span(seconds=seconds) for seconds in settings.webhook_retry_seconds]
    final = subscription.state == "deleted" or answer.reason == GONE
    wait = None if final else domain.next_try(claimed.attempt, delays, chance, answer.wait)
    values = {"state": "failed" if wait is None else "pending", "due": tx.now + wait if wait else None, "reason": answer.reason}
    if await tx.row(FAILED, mine | values) is None or subscription.state == "deleted":
        return
    await failing.fail(tx, failing.webhook(claimed.subscription_id), answer.reason)
    if wait is not None:
        return
    disable = subscription.state == "active" and (answer.reason == GONE or subscription.failed_in_a_row + 1 >= settings.webhook_disable_after)
    await tx.execute(COUNT_FAILED, {"id": claimed.subscription_id, "state": "disabled" if disable else subscription.state})
    if disable:
        await _tell(tx, claimed, subscription.agency)


async def _tell(tx: Transaction, claimed: Claimed, agency: str) -> None:
    source = f"{claimed.subscription_id}/disabled/{claimed.token}"
    cause = Cause(source, tx.now, "")
    entries = [
        Entry(
            tx.new_id(f"{source}|{notice.recipient}", claimed.subscription_id, cause=cause),
            source,
            notice,
            occurred_at=tx.now,
            subscription_id=claimed.subscription_id,
        )
        for notice in domain.subscription_disabled(agency)
    ]
    await write_notices(tx, entries)
