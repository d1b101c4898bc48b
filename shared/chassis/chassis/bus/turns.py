"""Reads a stream by one durable for each sender, a few messages of each in turn: how much one sends costs the others nothing.

The durables are those of the stream whose names begin with a prefix; whoever provisions makes one for each sender, and one that is new is read
within a second. Each sender's messages keep their order. What is in hand here is not acknowledged: a replica that dies loses nothing.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chassis.bus.pull import Pull

log = structlog.get_logger()

# Messages of one sender that are decided in one go: few while others send too, who would wait for them; more while nobody else does.
TURN, ALONE = 5, 50
COMPANY = 60.0  # seconds for which somebody who sent something counts as one who may send again
IN_HAND = ALONE
# Turns that are taken at the same time, never two of one sender: whoever comes while another's turn is long need not wait for its end.
AT_ONCE = 3
LOOK_EVERY = 1.0
SILENCE = 2.0
ASK_AGAIN = 5.0  # seconds after which whoever has to wait is asked for again, for what a sender may send can change
# Asked before a turn of a sender, with how many messages: how many of them it may have now, and for how many seconds it has to wait where that is none.
May = Callable[[str, int], Awaitable[tuple[int, float]]]
Take = Callable[[Sequence[Msg]], Coroutine[Any, Any, None]]


async def always(_sender: str, count: int) -> tuple[int, float]:
    """Nobody has to wait."""
    return count, 0.0


@dataclass(eq=False)
class Lane:
    """One sender's durable, and what of it is in hand; it has no turn before `ready`, nor while it has one."""

    sender: str
    pull: Pull
    waiting: deque[Msg] = field(default_factory=deque)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    ready: float = 0.0
    heard: float = -COMPANY
    turn: asyncio.Task[None] | None = None
    task: asyncio.Task[None] | None = None


class Turns:
    """What a consumer reads instead of one pull; its batches are never of two senders."""

    def __init__(self, client: Client, stream: str, prefix: str, may: May = always) -> None:
        self.client, self.stream, self.prefix, self.may = client, stream, prefix, may
        self.bound = False
        self._lanes: dict[str, Lane] = {}
        self._round: deque[Lane] = deque()
        self._arrived = asyncio.Event()
        self._stopping = False

    @property
    def delivered(self) -> float:
        """When a message last came. Whoever has to wait is not deaf, and so counts as heard."""
        lanes = self._lanes.values()
        return monotonic() if any(lane.waiting for lane in lanes) else max((lane.pull.delivered for lane in lanes), default=0.0)

    async def run(self, take: Take) -> None:
        """Let `take` have what is there, until `stop`: each sender who has something gets a turn before anybody gets the next.

        Raises what `take` raises, once the other turns have ended.
        """
        looking = asyncio.create_task(self._look_for_senders())
        try:
            while not self._stopping:
                if not await self._begin(take):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._arrived.wait(), self._until_ready())
                    self._arrived.clear()
        finally:
            await asyncio.gather(*(lane.turn for lane in self._round if lane.turn), return_exceptions=True)
            tasks = [looking, *(lane.task for lane in self._round if lane.task)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._lanes.clear()
            self._round.clear()

    def renew(self) -> None:
        """Begin again under new subscriptions."""
        for lane in self._lanes.values():
            lane.pull.renew()

    def stop(self) -> None:
        """Ask for nothing more and end after the batch in hand."""
        self._stopping = True
        for lane in self._lanes.values():
            lane.pull.stop()
        self._arrived.set()

    async def _begin(self, take: Take) -> bool:
        """Begin the next turn; False when nobody has anything that may be taken now."""
        for lane in self._round:
            if (turn := lane.turn) and turn.done():
                lane.turn = None
                turn.result()  # a failure that is nobody's message's
        if sum(lane.turn is not None for lane in self._round) >= AT_ONCE:
            return False
        for _ in range(len(self._round)):
            lane = self._round[0]
            self._round.rotate(-1)
            if not lane.waiting or lane.turn or lane.ready > monotonic():
                continue
            count = min(ALONE if self._alone() else TURN, len(lane.waiting))
            count, wait = await self.may(lane.sender, count)
            if not count:
                lane.ready = monotonic() + min(wait, ASK_AGAIN)
                continue
            batch = [lane.waiting.popleft() for _ in range(count)]
            if not lane.waiting:
                lane.taken.set()
            lane.turn = asyncio.create_task(take(batch), name=f"{self.stream}.{lane.sender}.turn")
            lane.turn.add_done_callback(lambda _: self._arrived.set())
            return True
        return False

    def _alone(self) -> bool:
        """Whether one sender alone sent something lately."""
        since = monotonic() - COMPANY
        return sum(lane.heard > since for lane in self._round) <= 1

    def _until_ready(self) -> float:
        """How long nobody who waits may go on; the end of a turn is heard of."""
        return max(0.0, min((lane.ready - monotonic() for lane in self._round if lane.waiting and lane.ready > monotonic()), default=LOOK_EVERY))

    async def _follow(self, lane: Lane) -> None:
        """Keep something of a sender in hand; more is asked for once that is taken."""
        async with contextlib.aclosing(lane.pull.batches()) as batches:
            async for batch in batches:
                lane.taken.clear()
                lane.waiting.extend(batch)
                lane.heard = monotonic()
                self._arrived.set()
                await lane.taken.wait()

    async def _look_for_senders(self) -> None:
        while True:
            with contextlib.suppress(NatsError, TimeoutError, ValueError, KeyError):
                for name in await self._durables():
                    if name not in self._lanes:
                        lane = Lane(name.removeprefix(self.prefix), Pull(self.client, self.stream, name, IN_HAND))
                        lane.task = asyncio.create_task(self._follow(lane), name=f"{self.stream}.{name}")
                        self._lanes[name] = lane
                        self._round.append(lane)
                self.bound = all(lane.pull.bound for lane in self._lanes.values())
            await asyncio.sleep(LOOK_EVERY if self.bound else LOOK_EVERY / 10)

    async def _durables(self) -> list[str]:
        """The durables of senders that are there now."""
        found: list[str] = []
        seen, total = 0, 1
        while seen < total:
            answer = await self.client.request(f"$JS.API.CONSUMER.NAMES.{self.stream}", json.dumps({"offset": seen}).encode(), timeout=SILENCE)
            told = json.loads(answer.data)
            names = told["consumers"] or []
            found += names
            seen, total = seen + len(names), told["total"] if names else 0
        return [name for name in found if name.startswith(self.prefix)]
