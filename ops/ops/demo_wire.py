"""How the demo reaches a platform: officers over HTTP through the gateway, agencies' systems over NATS. Nothing else is used.

A module of its own because actors, scenes and checks all speak through it, in the embedded demo and against a deployment alike.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import Error as JetStreamError

PATIENCE = 90.0
TOKEN_LIFETIME = 1800.0
AWAY = frozenset({429, 502, 503, 504})
# What an officer may well be told: somebody was faster, or it is not there (any more).
ORDINARY = frozenset({404, 409})
RESEND_AFTER, RESEND_AT_MOST = 12.0, 300.0


class Api:
    """The public HTTP APIs behind a gateway, called as one of the demo's identities."""

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway.rstrip("/")
        limits = httpx.Limits(max_connections=48, max_keepalive_connections=48)
        self._client = httpx.AsyncClient(base_url=self.gateway, timeout=httpx.Timeout(30, connect=5), limits=limits, trust_env=False)
        self._tokens: dict[str, tuple[str, float]] = {}
        self.surprises: Counter[str] = Counter()
        self.calls = 0

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def raw(self, path: str) -> httpx.Response:
        """GET without a token."""
        return await self._client.get(path)

    async def token(self, who: str) -> str:
        """A token of a demo identity, kept for half an hour."""
        have = self._tokens.get(who)
        if have is None or have[1] < time.monotonic():
            answer = (await self._patiently("POST", "/issuer/token", json={"identity": who})).raise_for_status()
            have = self._tokens[who] = (str(answer.json()["access_token"]), time.monotonic() + TOKEN_LIFETIME)
        return have[0]

    async def call(self, who: str, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """One action of one identity, tried again under the same Idempotency-Key for as long as the service is away."""
        self.calls += 1
        told = {"Authorization": f"Bearer {await self.token(who)}", "Idempotency-Key": uuid4().hex, **(headers or {})}
        answer = await self._patiently(method, path, json=body, headers=told)
        if not answer.is_success and answer.status_code not in ORDINARY:
            self.surprises[f"{answer.status_code} {method} {_template(path)}: {_title(answer)}"] += 1
        return answer

    async def report(self, who: str, body: Any) -> httpx.Response:
        """A report; that it is refused for what stands in it is an answer like any other."""
        self.calls += 1
        told = {"Authorization": f"Bearer {await self.token(who)}", "Idempotency-Key": uuid4().hex}
        return await self._patiently("POST", "/intake/reports", json=body, headers=told)

    async def get(self, who: str, path: str, **query: Any) -> Any:
        """What a read answers, or None when there is nothing for this identity."""
        self.calls += 1
        headers = {"Authorization": f"Bearer {await self.token(who)}"}
        answer = await self._patiently("GET", path, params=query, headers=headers)
        if answer.is_success:
            return answer.json()
        if answer.status_code not in ORDINARY:
            self.surprises[f"{answer.status_code} GET {_template(path)}: {_title(answer)}"] += 1
        return None

    async def post(self, who: str, path: str, body: Any = None) -> bool:
        """An action; whether it was done."""
        return (await self.call(who, "POST", path, body if body is not None else {})).is_success

    async def _patiently(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = await self._client.request(method, path, **arguments)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            else:
                if answer.status_code not in AWAY or time.monotonic() > deadline:
                    return answer
            await asyncio.sleep(0.3)


def _template(path: str) -> str:
    return "/".join("{id}" if part.count("-") == 4 else part for part in path.split("/"))  # noqa: PLR2004 - a UUID's dashes


def _title(answer: httpx.Response) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        problem = answer.json()
        fields = ", ".join(f"{entry.get('field')} {entry.get('code')}" for entry in problem.get("errors", problem.get("problems", [])))
        return f"{problem.get('title', '')} {fields}".strip()
    return answer.text[:60]


class AgencySystem:
    """An agency's own system: publishes referrals, collects receipts and its feed, and sends again what got no receipt."""

    def __init__(self, agency: str, url: str, password: str) -> None:
        self.agency, self._url, self._password = agency, url, password
        self.sent: dict[str, list[bytes]] = {}
        self.nameless = 0
        self.receipts: dict[str | None, list[tuple[str, dict[str, Any]]]] = {}
        self.feed: list[tuple[str, str, dict[str, Any]]] = []
        self.resent = 0
        self.denials: list[str] = []
        self.client: Client | None = None
        self._seen: set[str] = set()
        self._sent_at: dict[str, float] = {}
        self._times: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def over_websocket(self) -> bool:
        """Whether NATS is reached through a gateway."""
        return self._url.startswith("ws")

    async def start(self) -> None:
        """Connect with this agency's credentials and read receipts and feed from its durables."""
        self.client = await nats.connect(
            self._url,
            user=self.agency,
            password=self._password,
            inbox_prefix=f"_INBOX_{self.agency}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            error_cb=self._note,
        )
        readers = (("RECEIPTS", self._receipt), ("AGENCIES", self._copy))
        self._tasks = [asyncio.create_task(self._read(stream, take)) for stream, take in readers]
        self._tasks.append(asyncio.create_task(self._send_again()))

    async def stop(self) -> None:
        """Stop reading and disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.client is not None:
            with contextlib.suppress(Exception):
                await self.client.close()

    async def refer(self, referral: Mapping[str, Any]) -> None:
        """Publish a referral; the broker's taking it is no acceptance, so it is kept until its receipt is there."""
        body = json.dumps(referral).encode()
        reference = referral.get("reference")
        if isinstance(reference, str) and not reference.startswith("#"):
            self.sent.setdefault(reference, []).append(body)
            self._sent_at[reference] = time.monotonic()
        else:
            self.nameless += 1
        await self._publish(body)

    async def _publish(self, body: bytes) -> None:
        assert self.client is not None  # noqa: S101 - started before it refers
        await self.client.publish(f"referral.{self.agency}.submitted.v1", body)
        await self.client.flush(timeout=10)

    def without_receipt(self) -> list[str]:
        """References that nobody answered yet."""
        return [reference for reference in self.sent if reference not in self.receipts]

    def _patience(self, reference: str) -> float:
        """Seconds until the next repetition, twice as long each time: many who ask ever again would keep intake from answering anybody."""
        longest: float = min(RESEND_AT_MOST, RESEND_AFTER * 2 ** self._times[reference])
        return longest

    async def _send_again(self) -> None:
        """What the README tells every agency to do: without a receipt, send the same reference again."""
        while True:
            await asyncio.sleep(1)
            for reference in self.without_receipt():
                if time.monotonic() - self._sent_at[reference] > self._patience(reference):
                    self._sent_at[reference] = time.monotonic()
                    self._times[reference] += 1
                    with contextlib.suppress(nats.errors.Error, TimeoutError):
                        await self._publish(self.sent[reference][0])
                        self.resent += 1

    async def _read(self, stream: str, take: Any) -> None:
        assert self.client is not None  # noqa: S101 - started
        pull = await self.client.jetstream().pull_subscribe_bind(f"agency-{self.agency}", stream, pending_bytes_limit=2**22)
        while True:
            try:
                messages: list[Msg] = await pull.fetch(100, timeout=2)
            except (TimeoutError, nats.errors.Error, JetStreamError):
                await asyncio.sleep(0.2)
                continue
            for message in messages:
                headers = message.headers or {}
                if headers.get("ce-id", "") not in self._seen:
                    self._seen.add(headers.get("ce-id", ""))
                    take(headers, json.loads(message.data))
                with contextlib.suppress(nats.errors.Error):
                    await message.ack()

    def _receipt(self, headers: Mapping[str, str], data: dict[str, Any]) -> None:
        self.receipts.setdefault(data.get("reference"), []).append((headers["ce-type"].split(".")[1], data))

    def _copy(self, headers: Mapping[str, str], data: dict[str, Any]) -> None:
        self.feed.append((headers["ce-subject"], headers["ce-type"], data))

    async def _note(self, error: Exception) -> None:
        if "permissions violation" in str(error).lower():
            self.denials.append(str(error))
