"""Bad days: poison among the facts, a backlog while officers wait for answers, and what the services take of memory meanwhile."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

from ops.bench import facts
from ops.bench.bed import READERS, Bed, BenchError, connected, processes, until
from ops.bench.carry import WARMING, carried, running_platform
from ops.bench.census import census, complete, floor_now
from ops.bench.figures import Figure, Sizes, Timed, median, percentile
from ops.bench.knock import Knocked, knock, request
from ops.processes import free_port
from ops.supervise import wait_ready

POISON_EVERY = 1000
IDENTITY = "desk-dppapp"
CLIENTS = 4
KNOCKS = 100
MEMORY = 150
SERVICES = ("platform-", "doors-intake")
OK = 200


async def figure(bed: Bed, sizes: Sizes, say: Callable[[str], None]) -> Figure:
    """Poison first, then the backlog."""
    found = Figure("strain", f"poison, a backlog of {sizes.backlog:,} facts, memory")
    await _poisoned(bed, sizes, found)
    for what, value in found.rows:
        say(f"{what}: {value}")
    await _drained(bed, sizes, found, say)
    most = max((peak for name, peak in bed.peaks.items() if name.startswith(SERVICES)), default=0) / 2**20
    found.rows.append(("most memory of a service's process", f"{most:.0f} MiB"))
    found.goal("most memory of a service's process, MiB", most, most=MEMORY)
    found.data["memory"] = dict(bed.peaks)
    return found


# -- poison -----------------------------------------------------------------------------------------------------------------------


async def _poisoned(bed: Bed, sizes: Sizes, found: Figure) -> None:
    """Rounds with and without a fact in a thousand whose handling fails in every service, in changing order."""
    clean: list[Timed] = []
    dirty: list[Timed] = []
    async with running_platform(bed) as own:
        await carried(bed, own, max(1, sizes.cases // WARMING))
        for number in range(sizes.rounds):
            for poison in (False, True) if number % 2 == 0 else (True, False):
                (dirty if poison else clean).append(await (_with_poison if poison else carried)(bed, own, sizes.cases))
    costs = median([1 - b.rate / a.rate for a, b in zip(clean, dirty, strict=True)])
    found.rows += [(what, f"{median([timed.rate for timed in side]):,.0f} events / s") for what, side in (("clean", clean), ("0.1 % poison", dirty))]
    found.goal("share that 0.1 % poison costs", costs, most=0.3)
    found.data["poison"] = {"costs": costs, "clean": [asdict(t) for t in clean], "poisoned": [asdict(t) for t in dirty]}


async def _with_poison(bed: Bed, own: Mapping[str, Any], cases: int) -> Timed:
    """Like `carried`, with poison; only its neighbours are waited for on the clock, and after it for the poison to be set aside."""
    floor = floor_now()
    fed = [facts.triaged(number, poison=number % POISON_EVERY == POISON_EVERY // 2) for number in range(cases)]
    bad = sum(fact.factversion == facts.POISONOUS_VERSION for fact in fed)
    before = await census(own, floor)
    started, cpu = perf_counter(), bed.cpu()
    await facts.feed(bed.client, fed)
    await until(lambda: complete(bed.js, own, before, cases - bad, floor, some_fail=True), "the neighbours of poison did not proceed")
    seconds, cpu = perf_counter() - started, bed.cpu() - cpu
    after = await census(own, floor)

    async def set_aside() -> bool:
        aside = [await store.fetchval("SELECT count(*) FROM dead_letter WHERE set_aside_at IS NOT NULL") for store in own.values()]
        return bool(sum(aside) == bad * len(READERS))

    await until(set_aside, "poison was not set aside")
    for store in own.values():
        await store.execute("DELETE FROM dead_letter")
    return Timed(after.consumed - before.consumed, seconds, cpu, after.stated - before.stated)


# -- a backlog --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answers:
    """How long officers waited for their inbox, in seconds."""

    seconds: list[float]

    @property
    def p99(self) -> float:
        """Nearly everybody waited less."""
        return percentile(self.seconds, 0.99)


async def _drained(bed: Bed, sizes: Sizes, found: Figure, say: Callable[[str], None]) -> None:
    """Facts gather while the services are stopped; then they start, drain them, and officers ask for their inboxes all the while."""
    port = free_port()
    commands = {service: bed.service(service, port=port if service == "notifications" else None) for service in READERS}
    async with processes(bed, "issuer", {"issuer": bed.issuer_command()}):
        token = await bed.token(IDENTITY)
        requests = [request("GET", "/inbox", token)] * KNOCKS
        async with running_platform(bed, commands) as own:
            await wait_ready(f"http://127.0.0.1:{port}/livez", 60)
            await _asked(port, requests)
            idle = Answers((await _asked(port, requests * 5)).seconds)
            say(f"idle: p99 {idle.p99 * 1e3:.1f} ms")
            floor, before = floor_now(), await census(own, floor_now())
        for start in range(0, sizes.backlog, facts.ATOMIC):
            await facts.feed(bed.client, [facts.triaged(number) for number in range(start, min(start + facts.ATOMIC, sizes.backlog))])
        say(f"{sizes.backlog:,} facts wait")
        async with processes(bed, "platform", commands):
            stores = {service: connected(bed.store(service)) for service in READERS}
            own = {service: await store.__aenter__() for service, store in stores.items()}
            try:
                await wait_ready(f"http://127.0.0.1:{port}/livez", 60)
                started = perf_counter()
                done = asyncio.create_task(
                    until(lambda: complete(bed.js, own, before, sizes.backlog, floor), "the backlog was not drained", patience=1800)
                )
                waited: list[float] = []
                while not done.done():
                    waited += (await _asked(port, requests)).seconds
                await done
                seconds = perf_counter() - started
                busy = Answers(waited)
                consumed = (await census(own, floor)).consumed - before.consumed
            finally:
                for store in stores.values():
                    await store.__aexit__(None, None, None)
    found.rows += [
        (f"a backlog of {sizes.backlog:,} is drained at", f"{consumed / seconds:,.0f} events / s"),
        ("GET /inbox, idle", f"p50 {percentile(idle.seconds, 0.5) * 1e3:.1f} ms, p99 {idle.p99 * 1e3:.1f} ms"),
        ("GET /inbox, while it drains", f"p50 {percentile(busy.seconds, 0.5) * 1e3:.1f} ms, p99 {busy.p99 * 1e3:.1f} ms"),
    ]
    found.goal("HTTP p99 while a backlog drains / idle", busy.p99 / idle.p99, most=2)
    found.data["backlog"] = {"facts": sizes.backlog, "events": consumed, "seconds": seconds, "idle_p99": idle.p99, "busy_p99": busy.p99}


async def _asked(port: int, requests: list[bytes]) -> Knocked:
    knocked = await knock(port, requests, CLIENTS)
    if set(knocked.statuses) != {OK}:
        message = f"answers: {knocked.statuses}, the last one {knocked.last[:300]!r}"
        raise BenchError(message)
    return knocked
