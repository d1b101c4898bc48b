"""How long a fact takes from hop to hop at an even pace: from when it is stored until its reader, having committed, acknowledges it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter, time
from typing import Any
from uuid import UUID

from contracts.assessment import Assigned
from contracts.intake import Triaged
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from ops.bench import facts
from ops.bench.bed import Bed, until
from ops.bench.carry import running_platform, running_yardstick
from ops.bench.figures import Figure, Sizes, median, percentile
from ops.bench.yardstick import HOPS, CaseEvent

PER_SECOND = 20
WARMING = 20
SHARES = (0.5, 0.95, 0.99)
FETCH = 500


@dataclass
class Acks:
    """When each reader acknowledged which message: (stream, durable, sequence) -> moment."""

    at: dict[tuple[str, str, int], float] = field(default_factory=dict)

    async def heard(self, message: Msg) -> None:
        """An acknowledgement is a message too; its subject names stream, durable and sequence."""
        parts = message.subject.split(".")
        if message.data in {b"", b"+ACK"}:
            self.at.setdefault((parts[-7], parts[-6], int(parts[-4])), time())


@dataclass(frozen=True, slots=True)
class Side:
    """What one side took, in seconds: by hop, and from the triage until the last reader of what followed from it."""

    hops: Mapping[str, Sequence[float]]
    whole: Sequence[float]
    depth: int

    @property
    def per_hop(self) -> float:
        """The median of a whole way, per hop."""
        return percentile(self.whole, 0.5) / self.depth


async def figure(bed: Bed, sizes: Sizes) -> Figure:
    """Both sides in each round, in changing order."""
    theirs: list[Side] = []
    ours: list[Side] = []
    for number in range(sizes.rounds):
        order = (_yardstick, _platform) if number % 2 == 0 else (_platform, _yardstick)
        for side in order:
            (theirs if side is _yardstick else ours).append(await side(bed, int(sizes.latency_seconds * PER_SECOND)))
    found = Figure("hops", f"latency at {PER_SECOND} cases per second, {sizes.latency_seconds:g} s, medians of {sizes.rounds} rounds")
    for name, sides in (("platform", ours), ("yardstick", theirs)):
        found.rows += [(f"{name}: {hop}", _shares([side.hops[hop] for side in sides])) for hop in sides[0].hops]
        found.rows.append((f"{name}: the whole way, {sides[0].depth} hops", _shares([side.whole for side in sides])))
    times = median([b.per_hop / a.per_hop for a, b in zip(theirs, ours, strict=True)])
    found.goal("platform / yardstick, p50 per hop", times, most=0.8)
    rounds = [{"yardstick": _plain(a), "platform": _plain(b)} for a, b in zip(theirs, ours, strict=True)]
    found.data = {"ratio_p50_per_hop": times, "rounds": rounds}
    return found


def _shares(rounds: Sequence[Sequence[float]]) -> str:
    return ", ".join(f"p{share * 100:.0f} {median([percentile(values, share) for values in rounds]) * 1e3:,.1f} ms" for share in SHARES)


def _plain(side: Side) -> dict[str, Any]:
    values = {**side.hops, "whole": side.whole}
    return {name: {f"p{share * 100:.0f}": percentile(found, share) for share in SHARES} for name, found in values.items()}


@contextlib.asynccontextmanager
async def _listening(bed: Bed) -> AsyncIterator[Acks]:
    acks = Acks()
    subscription = await bed.client.subscribe("$JS.ACK.>", cb=acks.heard)
    try:
        yield acks
    finally:
        await subscription.unsubscribe()


async def paced(count: int, send: Callable[[int], Awaitable[None]]) -> None:
    """Send at an even pace, whatever the answers take."""
    started = perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, started + number / PER_SECOND - perf_counter()))
        await send(number)


async def _platform(bed: Bed, cases: int) -> Side:
    sent: dict[UUID, float] = {}

    async def send(number: int) -> None:
        fact = facts.triaged(number)
        sent[fact.subject] = time()
        await facts.feed(bed.client, [fact])

    async with running_platform(bed), _listening(bed) as acks:
        await paced(WARMING, send)
        await asyncio.sleep(1)
        sent.clear()
        start = (await bed.js.stream_info(Triaged.stream)).state.last_seq + 1
        await paced(cases, send)
        await until(lambda: _settled(bed, "CASES", "notifications-main"), "the services did not finish")
        await asyncio.sleep(0.5)
    triages: dict[str, list[float]] = {service: [] for service in ("placement", "assessment", "notifications")}
    after: list[float] = []
    whole: list[float] = []
    for sequence, stored, headers in await stored_since(bed, Triaged.stream, start):
        case, kind = UUID(headers["ce-subject"]), headers["ce-type"]
        if case not in sent:
            continue
        for service, taken in triages.items():
            for durable in (f"{service}-main", f"{service}-urgent"):
                moment = acks.at.get((Triaged.stream, durable, sequence))
                if moment is not None and kind == Triaged.type:
                    taken.append(moment - stored)
                elif moment is not None and kind == Assigned.type:
                    after.append(moment - stored)
                    whole.append(moment - sent[case])
    hops: dict[str, list[float]] = {f"triaged -> {service}": values for service, values in triages.items()}
    return Side(hops | {"assigned -> notifications": after}, whole, depth=2)


async def _yardstick(bed: Bed, cases: int) -> Side:
    sent: dict[UUID, float] = {}

    async def send(number: int) -> None:
        body = facts.yardstick_body(number)
        sent[CaseEvent.model_validate_json(body).case_id] = time()
        await facts.publish_bodies(bed.client, HOPS[0].reads, [body])

    async with running_yardstick(bed), _listening(bed) as acks:
        await paced(WARMING, send)
        await asyncio.sleep(1)
        sent.clear()
        start = (await bed.js.stream_info(HOPS[0].reads)).state.last_seq + 1
        await paced(cases, send)
        for hop in HOPS:
            await until(lambda hop=hop: _settled(bed, hop.reads, hop.name), "the yardstick did not finish")  # type: ignore[misc]
        await asyncio.sleep(0.5)
        hops: dict[str, list[float]] = {}
        for hop in HOPS:
            kept = await stored_since(bed, hop.reads, start)
            hops[f"-> {hop.name}"] = [acks.at[(hop.reads, hop.name, sequence)] - stored for sequence, stored, _ in kept]
    # One at a time and in order: the n-th message of the last hop is the n-th that was sent.
    moments = [acks.at[(HOPS[-1].reads, HOPS[-1].name, start + number)] for number in range(cases)]
    return Side(hops, [moment - at for moment, at in zip(moments, sent.values(), strict=True)], depth=len(HOPS))


async def _settled(bed: Bed, stream: str, durable: str) -> bool:
    info = await bed.js.consumer_info(stream, durable)
    return not info.num_pending and not info.num_ack_pending


async def stored_since(bed: Bed, stream: str, sequence: int) -> list[tuple[int, float, dict[str, str]]]:
    """What a stream holds from a sequence on: sequence, when it was stored, and headers."""
    js, name = bed.js, f"bench-{stream.lower()}"
    config = ConsumerConfig(
        name=name,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=sequence,
        ack_policy=AckPolicy.NONE,
        headers_only=True,
        mem_storage=True,
    )
    left = (await js.add_consumer(stream, config)).num_pending or 0
    pull = await js.pull_subscribe_bind(consumer=name, stream=stream)
    found: list[tuple[int, float, dict[str, str]]] = []
    while left > 0:
        for message in await pull.fetch(min(FETCH, left), timeout=10):
            meta = message.metadata
            left = min(left - 1, meta.num_pending)
            found.append((meta.sequence.stream, meta.timestamp.timestamp(), dict(message.headers or {})))
    await pull.unsubscribe()
    await js.delete_consumer(stream, name)
    return found
