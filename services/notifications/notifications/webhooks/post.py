"""Sends one webhook: signed, to an address that was checked, within its time, and says what came of it.

A module of its own because it is the only place where anything leaves for strangers.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import httpx
import structlog
from chassis.store.vault import KeyLostError, Keys
from standardwebhooks import Webhook

from notifications import domain
from notifications.settings import NotificationsSettings
from notifications.webhooks.store import SECRET

log = structlog.get_logger()

GONE = "gone"  # the receiver says that nothing is to come there any more (Standard Webhooks: 410)
TIMEOUT = "timeout"
MOST_PATIENCE = 6 * 3600


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
    endpoint: str
    secret: bytes | None
    previous_secret: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one sending: the HTTP status if there was one, the code of what was wrong, and for how long the receiver asked to wait."""

    status: int | None
    reason: str | None
    wait: timedelta | None = None


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
                return _judged(response.status_code, response.headers.get("retry-after", ""))
        except KeyLostError:
            return Answer(None, "secret_lost")
        except AddressRefusedError:
            return Answer(None, "address_refused")
        except (TimeoutError, httpx.TimeoutException):
            return Answer(None, TIMEOUT)
        except httpx.ConnectError:
            return Answer(None, "unreachable")
        except Exception as error:  # noqa: BLE001 - whatever a receiver does, it is that delivery's failure
            log.info("webhook_failed", error=type(error).__name__)
            return Answer(None, "no_answer")


def signed_headers(claimed: Claimed, keys: Keys, moment: datetime) -> dict[str, str]:
    """The headers of the Standard Webhooks specification for this try. Raises KeyLostError when the secret cannot be opened any more."""
    if claimed.secret is None:
        raise KeyLostError(str(claimed.subscription_id))
    sealed = [claimed.secret] if claimed.previous_secret is None else [claimed.secret, claimed.previous_secret]
    hooks = [Webhook(keys.open(claimed.subscription_id, SECRET, one)) for one in sealed]
    return {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": str(claimed.event_id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(hook.sign(str(claimed.event_id), moment, claimed.body.decode()) for hook in hooks),
    }


def _judged(status: int, retry_after: str) -> Answer:
    if httpx.codes.is_success(status):
        return Answer(status, None)
    wait = timedelta(seconds=min(int(retry_after), MOST_PATIENCE)) if retry_after.isascii() and retry_after.isdigit() else None
    if status == httpx.codes.GONE:
        return Answer(status, GONE)
    return Answer(status, "redirect" if httpx.codes.is_redirect(status) else f"status_{status}", wait)
