"""A standing pull request on one durable: whatever has arrived, as soon as it has, never waiting for more.

FastStream's batch mode is not used here: it strands messages when a fetch times out, and waits to fill each batch.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from time import monotonic

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

log = structlog.get_logger()

EXPIRES = 30.0
HEARTBEAT = 2.0
RETRY = 0.5


class Pull:
    """Pulls one durable. `credit` is how many messages may be on their way or waiting here at most."""

    def __init__(self, client: Client, stream: str, durable: str, credit: int) -> None:
        self.client, self.stream, self.durable, self.credit = client, stream, durable, credit
        self.bound = False
        self.delivered = monotonic()  # when a message last came
        self._inbox = ""
        self._renewing = False
        self._waiting: list[Msg] = []
        self._asked = 0
        self._heard = 0.0
        self._arrived = asyncio.Event()
        self._stopping = False
        self._subscription: Subscription | None = None

    async def batches(self) -> AsyncGenerator[list[Msg]]:
        """Batches of what is there, until `stop`; survives the server, the stream and the durable going away and coming back."""
        await self._subscribe()
        try:
            await self._look()
            while not self._stopping:
                if self._renewing:
                    await self._subscribe()
                await self._ask()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._arrived.wait(), HEARTBEAT)
                self._arrived.clear()
                if self._waiting:
                    batch, self._waiting = self._waiting, []
                    yield batch
        finally:
            await self._unsubscribe()

    def renew(self) -> None:
        """Begin again under a new subscription: this one, or its request, seems to have been forgotten on the way."""
        self._renewing = True
        self._arrived.set()

    async def _subscribe(self) -> None:
        await self._unsubscribe()
        self._inbox, self._asked, self._renewing = self.client.new_inbox(), 0, False
        self._subscription = await self.client.subscribe(self._inbox, cb=self._take)

    async def _unsubscribe(self) -> None:
        if self._subscription is not None:
            with contextlib.suppress(Exception):
                await self._subscription.unsubscribe()

    def stop(self) -> None:
        """Ask for nothing more and end after the batch in hand; what waits here is delivered again to whoever asks next."""
        self._stopping = True
        self._arrived.set()

    async def _look(self) -> None:
        """Whether the durable is there now; without asking, only the first heartbeat would tell."""
        with contextlib.suppress(NatsError, TimeoutError):
            answer = await self.client.request(f"$JS.API.CONSUMER.INFO.{self.stream}.{self.durable}", b"", timeout=HEARTBEAT)
            self.bound = "error" not in json.loads(answer.data)

    async def _ask(self) -> None:
        """Renew the standing request when half of it is used up, when the server said it ended, or when nothing is heard of it."""
        silent = monotonic() - self._heard > 2 * HEARTBEAT + 1
        if silent:
            self._asked = 0
        if self._asked > self.credit // 2 or self.client.is_closed or not self.client.is_connected:
            return
        count = self.credit - self._asked
        request = {"batch": count, "expires": int(EXPIRES * 1e9), "idle_heartbeat": int(HEARTBEAT * 1e9)}
        await self.client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.durable}", json.dumps(request).encode(), reply=self._inbox)
        self._asked = self.credit
        self._heard = monotonic()

    async def _take(self, message: Msg) -> None:
        self._heard = monotonic()
        if message.reply.startswith("$JS.ACK"):  # a stored message; a sender may write any header, so the reply decides
            self._asked = max(0, self._asked - 1)
            self.delivered = self._heard
            self.bound = True
            self._waiting.append(message)
            self._arrived.set()
            return
        status = (message.headers or {}).get("Status", "")
        if status == "100":
            self.bound = True
        else:
            await self._ended(status)

    async def _ended(self, status: str) -> None:
        """A request expired (408, 404), was refused (409), or nobody answers (503: no such stream or durable, yet)."""
        if status in {"404", "408"}:
            self.bound = True
        else:
            self.bound = False
            log.warning("pull_refused", stream=self.stream, durable=self.durable, status=status)
            await asyncio.sleep(RETRY)
        self._asked = 0
        self._arrived.set()
