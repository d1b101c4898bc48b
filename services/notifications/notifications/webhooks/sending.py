"""Sends webhooks: claims due deliveries under a lease, sends outside any transaction, records what came of it.

A worker of its own because sending waits for strangers. A receiver may get an event more than once, always under the same webhook-id,
and never loses one: a delivery whose sender died is taken again when its lease ends.
"""

import asyncio
import random
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import structlog
from chassis import Cause, Service, Transaction
from chassis.store.vault import KeyLostError, Keys
from sqlalchemy import text
from standardwebhooks import Webhook

from notifications import domain
from notifications.settings import NotificationsSettings
from notifications.store import Entry, made, write_notices
from notifications.webhooks.store import SECRET

log = structlog.get_logger()

LAST_CHANCE = 2.0

# Endpoint by endpoint, so that the full queue of a dead one takes no place of a healthy one.
CLAIM = text("""
    WITH endpoints AS (SELECT endpoint, array_agg(id) AS subscriptions FROM subscription WHERE state = 'active' GROUP BY endpoint),
    chosen AS (
        SELECT picked.id FROM endpoints CROSS JOIN LATERAL (
            SELECT d.id, d.due FROM delivery d
            WHERE d.subscription_id = ANY(endpoints.subscriptions) AND d.state = 'pending' AND d.due <= :now
                AND (d.lease_until IS NULL OR d.lease_until <= :now)
            ORDER BY d.due, d.position
            LIMIT greatest(0, CAST(:per_endpoint AS bigint) - (
                SELECT count(*) FROM delivery l WHERE l.subscription_id = ANY(endpoints.subscriptions) AND l.state = 'pending' AND l.lease_until > :now))
            FOR UPDATE OF d SKIP LOCKED) picked
        ORDER BY picked.due LIMIT :most)
    UPDATE delivery d SET lease_token = :token, lease_until = :until, attempts = d.attempts + 1
    FROM chosen, subscription s WHERE d.id = chosen.id AND s.id = d.subscription_id
    RETURNING d.id, d.subscription_id, d.event_id, d.body, d.attempts, d.lease_token, s.url, s.secret""")
# A sender whose lease was taken over has nothing to say any more: the token decides.
DELIVERED = text("""
    UPDATE delivery SET state = 'delivered', lease_token = NULL, lease_until = NULL, last_status = :status, last_reason = NULL, ended_at = :now
    WHERE id = :id AND lease_token = :token RETURNING id""")
FAILED = text("""
    UPDATE delivery SET state = CAST(:state AS text), due = coalesce(CAST(:due AS timestamptz), due), lease_token = NULL, lease_until = NULL,
        last_status = CAST(:status AS integer), last_reason = :reason, ended_at = CASE WHEN CAST(:state AS text) = 'failed' THEN CAST(:now AS timestamptz) END
    WHERE id = :id AND lease_token = :token RETURNING id""")
WELL = text("UPDATE subscription SET failed_in_a_row = 0 WHERE id = :id AND failed_in_a_row > 0")
SUBSCRIPTION = text("SELECT state, failed_in_a_row FROM subscription WHERE id = :id FOR UPDATE")
COUNT_FAILED = text("UPDATE subscription SET failed_in_a_row = failed_in_a_row + 1, state = :state WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in hand: `attempt` counts from 1, `token` proves the lease, `secret` is sealed."""

    id: UUID
    subscription_id: UUID
    event_id: UUID
    body: bytes
    attempt: int
    token: UUID
    url: str
    secret: bytes | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one sending: the HTTP status if there was one, and the code of what was wrong."""

    status: int | None
    reason: str | None


class AddressRefusedError(Exception):
    """The name of an endpoint leads to an address that webhooks may not go to."""


class PinnedTransport(httpx.AsyncBaseTransport):
    """Resolves a request's host once, checks every address, and connects to a checked address: a second look-up could say otherwise."""

    def __init__(self, settings: NotificationsSettings) -> None:
        self.allowed = settings.webhook_allow
        # Threads of its own: a name server that does not answer keeps some busy, and nobody else waits for them.
        self.resolver = ThreadPoolExecutor(settings.webhook_at_once, thread_name_prefix="webhook-names")
        # Connections are not kept: one to an address could otherwise be used for another name at the same address.
        verify = httpx.create_ssl_context(trust_env=False)
        if settings.webhook_ca_file is not None:
            verify.load_verify_locations(settings.webhook_ca_file)
        self.inner = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send to the first address that can be reached. Raises AddressRefusedError before connecting to any, if one of them is refused."""
        url = request.url
        extensions = request.extensions | {"sni_hostname": url.raw_host.decode()}
        last: httpx.TransportError = httpx.ConnectError("no address")
        for address in await self._addresses(url):
            pinned = httpx.Request(request.method, url.copy_with(host=address), headers=request.headers, stream=request.stream, extensions=extensions)
            try:
                return await self.inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                last = error
        raise last

    async def aclose(self) -> None:
        """Close what is open."""
        await self.inner.aclose()
        self.resolver.shutdown(wait=False, cancel_futures=True)

    async def _addresses(self, url: httpx.URL) -> list[str]:
        look_up = partial(socket.getaddrinfo, url.raw_host.decode(), url.port or url.scheme, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self.resolver, look_up)
        except (socket.gaierror, UnicodeError) as error:
            raise httpx.ConnectError(type(error).__name__) from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in sorted(found, key=lambda entry: entry[0])))
        if not all(domain.address_allowed(address, url.scheme, self.allowed) for address in addresses):
            raise AddressRefusedError
        return addresses


class Sender:
    """Sends one signed event and says what came of it; it never raises."""

    def __init__(self, settings: NotificationsSettings) -> None:
        self.limit = settings.webhook_timeout_seconds
        self.client = httpx.AsyncClient(
            transport=PinnedTransport(settings), timeout=self.limit, follow_redirects=False, trust_env=False, headers={"user-agent": "naungan"}
        )

    async def send(self, claimed: Claimed, keys: Keys) -> Answer:
        """POST the event; only the answer's status is read, within the time limit whatever the receiver does."""
        try:
            headers = signed_headers(claimed, keys, datetime.now(UTC))
            async with asyncio.timeout(self.limit), self.client.stream("POST", claimed.url, content=claimed.body, headers=headers) as response:
                return _judged(response.status_code)
        except KeyLostError:
            return Answer(None, "secret_lost")
        except AddressRefusedError:
            return Answer(None, "address_refused")
        except (TimeoutError, httpx.TimeoutException):
            return Answer(None, "timeout")
        except httpx.ConnectError:
            return Answer(None, "unreachable")
        except Exception as error:  # noqa: BLE001 - whatever a receiver does, it is that delivery's failure
            log.info("webhook_failed", error=type(error).__name__)
            return Answer(None, "no_answer")


def signed_headers(claimed: Claimed, keys: Keys, moment: datetime) -> dict[str, str]:
    """The headers of the Standard Webhooks specification for this try. Raises KeyLostError when the secret cannot be opened any more."""
    if claimed.secret is None:
        raise KeyLostError(str(claimed.subscription_id))
    webhook = Webhook(keys.open(claimed.subscription_id, SECRET, claimed.secret))
    return {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": str(claimed.event_id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": webhook.sign(str(claimed.event_id), moment, claimed.body.decode()),
    }


def _judged(status: int) -> Answer:
    if httpx.codes.is_success(status):
        return Answer(status, None)
    return Answer(status, "redirect" if httpx.codes.is_redirect(status) else f"status_{status}")


async def deliver(service: Service) -> None:
    """Keep due deliveries going, each in a task of its own, until this is cancelled; then give those in hand a moment to end."""
    settings = cast("NotificationsSettings", service.settings)
    sender = Sender(settings)
    in_hand: set[asyncio.Task[None]] = set()
    try:
        while True:
            claimed = await _claim_some(service, settings.webhook_at_once - len(in_hand))
            if claimed:
                keys = await _keys_of(service, claimed)
                in_hand |= {asyncio.create_task(carry(service, sender, one, keys)) for one in claimed}
            elif in_hand:
                await asyncio.wait(in_hand, timeout=settings.webhook_poll_seconds, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(settings.webhook_poll_seconds)
            in_hand = {task for task in in_hand if not task.done()}
    finally:
        if in_hand:
            await asyncio.wait(in_hand, timeout=LAST_CHANCE)
        for task in in_hand:
            task.cancel()
        await sender.client.aclose()


async def _claim_some(service: Service, free: int) -> list[Claimed]:
    if free <= 0:
        return []
    try:
        return await service.database.run(partial(claim, most=free))
    except Exception as error:  # noqa: BLE001 - the store may be away; the rows wait in it
        log.warning("deliveries_wait", error=type(error).__name__)
        await asyncio.sleep(1)
        return []


async def claim(tx: Transaction, most: int) -> list[Claimed]:
    """Take due deliveries under a lease: at most `most`, and per endpoint no more than may be under way there."""
    settings: NotificationsSettings = tx.settings
    parameters = {
        "now": tx.now,
        "until": tx.now + timedelta(seconds=settings.webhook_lease_seconds),
        "token": uuid4(),
        "per_endpoint": settings.webhook_per_endpoint,
        "most": most,
    }
    return [made(Claimed, row) for row in await tx.rows(CLAIM, parameters)]


async def _keys_of(service: Service, claimed: Sequence[Claimed]) -> Keys:
    try:
        assert service.vault is not None  # noqa: S101 - build() refuses to go without
        return await service.vault.of({one.subscription_id for one in claimed})
    except Exception as error:  # noqa: BLE001 - the key database may be away; each delivery fails once and is tried again
        log.warning("keys_away", error=type(error).__name__)
        return Keys({})


async def carry(service: Service, sender: Sender, claimed: Claimed, keys: Keys) -> None:
    """Send one delivery, then record what came of it; if that cannot be recorded, the lease ends and it is sent again."""
    answer = await sender.send(claimed, keys)
    try:
        await service.database.run(partial(record, claimed=claimed, answer=answer, chance=random.random()))  # noqa: S311 - jitter
    except Exception as error:  # noqa: BLE001 - the store may be away
        log.warning("delivery_not_recorded", error=type(error).__name__)


async def record(tx: Transaction, claimed: Claimed, answer: Answer, chance: float) -> None:
    """Write down a delivery's end or its next try; a subscription whose deliveries fail one after the other is disabled."""
    settings: NotificationsSettings = tx.settings
    mine = {"id": claimed.id, "token": claimed.token, "now": tx.now, "status": answer.status}
    if answer.reason is None:
        if await tx.row(DELIVERED, mine):
            await tx.execute(WELL, {"id": claimed.subscription_id})
        return
    subscription: Any = await tx.row(SUBSCRIPTION, {"id": claimed.subscription_id})
    delays = [settings.span(seconds=seconds) for seconds in settings.webhook_retry_seconds]
    wait = domain.next_try(claimed.attempt, delays, chance) if subscription.state != "deleted" else None
    values = {"state": "failed" if wait is None else "pending", "due": tx.now + wait if wait else None, "reason": answer.reason}
    if await tx.row(FAILED, mine | values) is None or wait is not None or subscription.state == "deleted":
        return
    disable = subscription.state == "active" and subscription.failed_in_a_row + 1 >= settings.webhook_disable_after
    await tx.execute(COUNT_FAILED, {"id": claimed.subscription_id, "state": "disabled" if disable else subscription.state})
    if disable:
        await _tell_operator(tx, claimed)


async def _tell_operator(tx: Transaction, claimed: Claimed) -> None:
    source = f"{claimed.subscription_id}/disabled/{claimed.token}"
    identity = tx.new_id(source, claimed.subscription_id, cause=Cause(source, tx.now, ""))
    notice = domain.subscription_disabled()
    entry = Entry(identity, source, notice, occurred_at=tx.now, subscription_id=claimed.subscription_id)
    await write_notices(tx, [entry])
