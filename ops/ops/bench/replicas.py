"""Does a service that is short of processor time get faster with more replicas, and does everything still happen once?"""

from collections.abc import Callable
from dataclasses import asdict
from time import perf_counter
from typing import Any

from ops.bench import facts, inventory
from ops.bench.bed import Bed, BenchError, connected, durables_of, processes, pulled, until
from ops.bench.census import floor_now
from ops.bench.figures import Figure, Sizes, Timed, median
from ops.processes import free_port
from ops.supervise import wait_ready

COUNTS = (1, 2, 3)
SERVICE = "placement"
# Smaller batches than usual: the work of one fact is long, and a batch is one replica's.
BATCH = "20"


async def figure(bed: Bed, sizes: Sizes, say: Callable[[str], None]) -> Figure:
    """One to three replicas of placement with a matcher that thinks, in changing order."""
    rounds: dict[int, list[Timed]] = {count: [] for count in COUNTS}
    for number in range(sizes.rounds):
        for count in COUNTS if number % 2 == 0 else tuple(reversed(COUNTS)):
            rounds[count].append(await _round(bed, count, sizes.heavy))
            say(f"{count} replicas: {rounds[count][-1].rate:,.0f} facts / s")
    found = Figure("replicas", f"placement with a matcher that thinks 3 ms per fact, {sizes.heavy} facts, medians of {sizes.rounds} rounds")
    rates = {count: median([timed.rate for timed in rounds[count]]) for count in COUNTS}
    found.rows = [(f"{count} replica{'s' if count > 1 else ''}", f"{rate:,.0f} facts / s") for count, rate in rates.items()]
    found.goal("two replicas / one", median([b.rate / a.rate for a, b in zip(rounds[1], rounds[2], strict=True)]), least=1.2)
    found.data = {"facts_per_second": rates, "rounds": {str(count): [asdict(timed) for timed in timeds] for count, timeds in rounds.items()}}
    return found


async def _round(bed: Bed, count: int, cases: int) -> Timed:
    """Facts wait; so many replicas share them. Raises BenchError when one was taken twice or lost, or one bed or person is there twice."""
    async with connected(bed.store(SERVICE)) as store:
        await inventory.empty_shelters(store)
        ports = [free_port() for _ in range(count)]
        commands = {f"matcher-{port}": bed.service(SERVICE, "ops.bench.matcher", port) for port in ports}
        for _, told in commands.values():
            told["PLACEMENT_BATCH"] = BATCH  # type: ignore[index]
        async with processes(bed, "replicas", commands):
            for port in ports:
                await wait_ready(f"http://127.0.0.1:{port}/readyz", 90)
            await until(lambda: pulled(bed.js, durables_of([SERVICE])), "the replicas did not start")
            floor = floor_now()
            fed = [facts.triaged(number) for number in range(cases)]
            started, cpu = perf_counter(), bed.cpu()
            await facts.feed(bed.client, fed)

            async def taken() -> bool:
                return bool(await store.fetchval("SELECT count(*) FROM inbox WHERE event_id >= $1", floor) >= cases)

            await until(taken, "the replicas did not finish")
            seconds, cpu = perf_counter() - started, bed.cpu() - cpu
            await until(lambda: _acknowledged(bed), "not everything was acknowledged")
        await _require_once(store, fed, floor)
    return Timed(cases, seconds, cpu)


async def _acknowledged(bed: Bed) -> bool:
    infos = [await bed.js.consumer_info(stream, name) for stream, name in durables_of([SERVICE])]
    return not any(info.num_pending or info.num_ack_pending for info in infos)


async def _require_once(store: Any, fed: list[Any], floor: Any) -> None:
    inbox = await store.fetchval("SELECT count(*) FROM inbox WHERE event_id >= $1", floor)
    needs = await store.fetchval("SELECT count(*) FROM need WHERE case_id = ANY($1)", [fact.subject for fact in fed])
    offers = await store.fetchval("SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM placement WHERE case_id = ANY($1) GROUP BY case_id) AS c",
                                  [fact.subject for fact in fed])  # fmt: skip
    said = await store.fetchval("SELECT count(*) - count(DISTINCT (subject, factversion)) FROM outbox WHERE id >= $1", floor)
    if (inbox, needs, said) != (len(fed), len(fed), 0) or offers > 1:
        message = f"of {len(fed)} facts: {inbox} in the inbox, {needs} needs, {offers} offers of one case, {said} versions said twice"
        raise BenchError(message)
