"""Whose access has ended, as the operator says it on the bus: each replica hears it at once, and asks for the last word again every few seconds.

While the bus is away what was heard last holds. Nobody is shut out for what a replica does not know yet: only who is named is.
"""

import asyncio
import base64
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

log = structlog.get_logger()

STREAM, SUBJECT = "ACCESS", "access.listed.v1"
ASK_EVERY = 2.0
SILENCE = 2.0


@dataclass
class Access:
    """What is known now: `ended` are agencies that come in no more, `rates` how much in a minute others may send, where that is not the usual."""

    ended: frozenset[str] = frozenset()
    rates: Mapping[str, int] = field(default_factory=dict)

    def has_ended(self, agency: str) -> bool:
        """Whether nobody of this agency is let in any more."""
        return agency in self.ended

    async def follow(self, client: Client) -> None:
        """Hear of changes until this is cancelled."""

        async def hear(_message: Any) -> None:
            await self.ask(client)

        subscription = await client.subscribe(SUBJECT, cb=hear)
        try:
            while True:
                await self.ask(client)
                await asyncio.sleep(ASK_EVERY)
        finally:
            with contextlib.suppress(Exception):
                await subscription.unsubscribe()

    async def ask(self, client: Client) -> None:
        """Read the last word; when there is none, or nobody answers, what was known stays."""
        with contextlib.suppress(NatsError, TimeoutError, ValueError, KeyError, TypeError):
            asked = json.dumps({"last_by_subj": SUBJECT}).encode()
            answer = json.loads((await client.request(f"$JS.API.STREAM.MSG.GET.{STREAM}", asked, timeout=SILENCE)).data)
            if "error" in answer:
                return
            told = json.loads(base64.b64decode(answer["message"]["data"]))
            ended = frozenset(told.get("ended", ()))
            if ended != self.ended:
                log.info("access_changed", ended=len(ended))
            self.ended, self.rates = ended, {entry["agency"]: entry["per_minute"] for entry in told.get("rates", ())}
