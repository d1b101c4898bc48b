"""The site's agent: answers the office by request and reply on `edge.*`, and hands over what is queued whenever there is a link.

It takes sealed messages only, with no plain field beside them but the reference: what lies on a disk in an office says nothing of anybody.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import nats
import structlog
from contracts.messages import SealedMessage
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import ValidationError

from ops.edge.hub import Site
from ops.edge.queue import Queue, Waiting
from ops.edge.words import State, told

log = structlog.get_logger()

AT_ONCE = 50
PATIENCE = 5.0
IDLE, NO_LINK = 0.2, 1.0
REFRESH_KEYS = 300.0
Answer = dict[str, Any]


@dataclass
class Agent:
    """The agent of one site, on the site's own server; `call` is the number that is told when something is urgent."""

    site: Site
    server: str
    password: str
    folder: Path
    call: str
    keys_url: str | None = None
    link: bool = False
    most: int = 100_000
    client: Client = field(init=False)
    queue: Queue = field(init=False)

    async def run(self) -> None:
        """Work until cancelled, however long the link or the site's own server is away."""
        self.queue = Queue(self.folder / "queue.sqlite", self.most)

        async def quiet(_error: Exception) -> None:
            return

        self.client = await nats.connect(
            self.server,
            user="agent",
            password=self.password,
            inbox_prefix=f"_INBOX_{self.site.user}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            error_cb=quiet,
        )
        try:
            for name, answer in {"submit": self.submit, "status": self.status, "keys": self.keys}.items():
                await self.client.subscribe(f"edge.{name}", cb=_answering(answer))
            await self.client.flush()
            log.info("edge_ready", site=self.site.user)
            await asyncio.gather(self._hand_over(), self._receive(), self._refresh_keys())
        finally:
            self.queue.close()
            with contextlib.suppress(Exception):
                await self.client.close()

    # -- what the office asks ---------------------------------------------------------------------------------------------------------

    async def submit(self, body: bytes) -> Answer:
        """Keep a sealed message; the answer says that this is no receipt."""
        problems = _problems(body)
        if not problems:
            reference = str(json.loads(body)["reference"])
            state = self.queue.keep(reference, body)
            if state is not None:
                return self._told(state, reference=reference)
            problems = [{"field": "queue", "code": "full"}]
        return self._told(State.REFUSED, problems=problems)

    async def status(self, body: bytes) -> Answer:
        """How far the message of a reference has come, and its receipts."""
        try:
            reference = str(json.loads(body)["reference"])
        except (ValueError, KeyError, TypeError):
            return self._told(State.REFUSED, problems=[{"field": "reference", "code": "missing"}])
        state, receipts = self.queue.status(reference)
        if state is None:
            return self._told(State.REFUSED, problems=[{"field": "reference", "code": "unknown_code"}])
        return self._told(state, reference=reference, receipts=receipts)

    async def keys(self, _body: bytes) -> Answer:
        """Intake's public keys as they were when there was a link last (a JWK set)."""
        path = self.folder / "keys.json"
        found: Answer = json.loads(path.read_text()) if path.exists() else {"keys": []}
        return found

    def _told(self, state: State, **more: Any) -> Answer:
        return {"state": state, "link": "up" if self.link else "down", "call": self.call, "text": told(state, self.call), **more}

    # -- what happens by itself -------------------------------------------------------------------------------------------------------

    async def _hand_over(self) -> None:
        while True:
            waiting = self.queue.due(AT_ONCE)
            sent = await asyncio.gather(*(self._publish(one) for one in waiting))
            gone = [one for one, done in zip(waiting, sent, strict=True) if done]
            self.queue.handed_over(gone)
            if waiting:
                self.link = bool(gone)
            await asyncio.sleep(0 if gone else NO_LINK if waiting else IDLE)

    async def _publish(self, message: Waiting) -> bool:
        """Hand one over; whether the platform's stream has it on its disk."""
        headers = {"Nats-Msg-Id": message.id, "content-type": "application/json"}
        try:
            answer = await self.client.request(self.site.subject, message.body, timeout=PATIENCE, headers=headers)
            kept = json.loads(answer.data)
        except Exception as error:  # noqa: BLE001 - whatever it was, the message stays queued
            log.debug("edge_waits", error=type(error).__name__)
            return False
        return kept.get("stream") == "REFERRALS" and "error" not in kept

    async def _receive(self) -> None:
        """Take the agency's receipts as they are pushed, keep those of this site, and only then acknowledge them."""
        subscription = await self.client.subscribe(self.site.delivery)
        async for message in subscription.messages:
            self.link = True
            if message.headers and "ce-id" in message.headers:
                self.queue.receive([(message.headers["ce-id"], message.headers["ce-type"], json.loads(message.data))])
            if message.reply:
                await self.client.publish(message.reply, b"+ACK")

    async def _refresh_keys(self) -> None:
        while self.keys_url:
            wait = NO_LINK
            with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
                async with httpx.AsyncClient(timeout=PATIENCE) as client:
                    found = (await client.get(self.keys_url)).raise_for_status().json()
                if found["keys"]:
                    part = self.folder / "keys.part"
                    part.write_text(json.dumps(found))
                    part.replace(self.folder / "keys.json")
                    wait = REFRESH_KEYS
            await asyncio.sleep(wait)


def _answering(answer: Callable[[bytes], Awaitable[Answer]]) -> Callable[[Msg], Awaitable[None]]:
    async def reply(message: Msg) -> None:
        if message.reply:
            await message.respond(json.dumps(await answer(message.data)).encode())

    return reply


def _problems(body: bytes) -> list[dict[str, str]]:
    """Why a message is not taken at the edge: not sealed, without a reference, or with something plain beside."""
    try:
        message = SealedMessage.model_validate_json(body)
        plain = sorted(set(json.loads(body)) - set(SealedMessage.model_fields))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        return [
            {"field": str(one["loc"][0]) if one["loc"] else "body", "code": "missing" if one["type"] == "missing" else "invalid"} for one in wrong
        ]
    if message.reference is None:
        return [{"field": "reference", "code": "missing"}]
    # The names of such fields are the sender's words: they are not said again.
    return [{"field": "body", "code": "only_sealed"}] if plain else []
