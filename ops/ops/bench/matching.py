"""How long it takes to find a bed: for one household, and for a whole waiting list while officers go on asking."""

import asyncio
import gc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from random import Random
from time import perf_counter
from typing import Any, Self
from uuid import UUID

from placement.domain.homes import Home
from placement.domain.offers import offer_home
from placement.domain.people import Household
from placement.finding import matching
from placement.finding.solver import matched
from placement.settings import PlacementSettings

from ops.bench import city
from ops.bench.bed import Bed, connected, database_of, open_bed, processes, until
from ops.bench.figures import Figure, Sizes, percentile
from ops.bench.knock import Knocked, knock, request
from ops.processes import free_port
from ops.supervise import wait_ready

SHELTERS, BEDS, LARGE = 100, 20, 2000
OCCUPIED = {"85 % of the beds slept in": 0.85, "97 % slept in": 0.97}
LONE, WARMING = 400, 20
LONG = 5000
SLOWED = {"GET /livez": 1.5, "GET /shelters": 2.0}
IDLE_SECONDS = 10.0
CLIENTS = 2
IDENTITY = "placement-dinsos"
WAITING = "SELECT count(*) FROM need WHERE state = 'waiting'"
ROUND = "INSERT INTO clock (kind, subject, key, id, due, attempts) VALUES ('match', $1, 'bench', $2, clock_timestamp(), 0)"
ROUNDS = "SELECT count(*) FROM clock WHERE kind = 'match'"


async def figure(_bed: Bed, sizes: Sizes, say: Callable[[str], None]) -> Figure:
    """A city of its own, on servers of its own: lone households first, then the list."""
    found = Figure("matching", f"{SHELTERS} shelters with {SHELTERS * BEDS:,} beds, a waiting list of {sizes.waiting}")
    now = datetime.now(UTC)
    async with open_bed() as bed, connected(bed.store("placement")) as store:
        for what, occupied in OCCUPIED.items():
            random = Random(1)  # noqa: S311 - an invented city
            homes, households = city.homes(random, SHELTERS, BEDS, occupied), city.households(random, sizes.waiting, now)
            await city.write(store, homes, households, now)
            await _lone(bed, homes, households, found, what)
            await _list(bed, store, found, what, sizes)
            say(f"{what}: done")
    _large(found, sizes, now)
    await _long(found, now, say)
    return found


async def _lone(bed: Bed, homes: Sequence[Home], households: Sequence[Household], found: Figure, what: str) -> None:
    """One household after the other: the decision alone, and as the service makes it, all shelters read and the one that is offered locked."""
    decided, whole = [], []
    for household in [*households, *households][:LONE]:
        started = perf_counter()
        offer_home(homes, household)
        decided.append(perf_counter() - started)
    async with database_of(bed, "placement", PlacementSettings) as database:
        for household in [*households[:WARMING], *[*households, *households][:LONE]]:
            started = perf_counter()
            await database.run(partial(matching.decide, households=[household]))
            whole.append(perf_counter() - started)
    whole = whole[WARMING:]
    found.rows.append((f"{what}: one household, p50 / p99", f"{percentile(decided, 0.5) * 1e3:.1f} / {percentile(decided, 0.99) * 1e3:.1f} ms"))
    found.rows.append(
        (f"{what}: with reading and locking, p50 / p99", f"{percentile(whole, 0.5) * 1e3:.1f} / {percentile(whole, 0.99) * 1e3:.1f} ms")
    )
    found.goal(f"{what}: matching one household with reading and locking, p99 ms", percentile(whole, 0.99) * 1e3, most=50)
    found.data[f"lone {what}"] = {"decided": decided, "whole": whole}


async def _list(bed: Bed, store: Any, found: Figure, what: str, sizes: Sizes) -> None:
    """The list in the running service, while clients ask for its health and for shelters all the time."""
    port = free_port()
    services = {"issuer": bed.issuer_command(), "placement": bed.service("placement", port=port)}
    async with processes(bed, "matching", services):
        token = await bed.token(IDENTITY)
        await wait_ready(f"http://127.0.0.1:{port}/readyz", 60)
        async with _asking(port, token) as idle:
            await asyncio.sleep(IDLE_SECONDS)
        async with _asking(port, token) as busy:
            started = perf_counter()
            await store.execute(ROUND, UUID(int=0), UUID(int=1))
            await until(lambda: _no_round(store), "the round did not end", patience=120)
            seconds = perf_counter() - started
        left = await store.fetchval(WAITING)
    found.rows.append((f"{what}: the list matched and written", f"{seconds:.1f} s, {sizes.waiting - left} offers, {left} wait on"))
    found.goal(f"{what}: matching {sizes.waiting} households, seconds", seconds, most=10)
    for name, most in SLOWED.items():
        quiet, meanwhile = percentile(idle.found[name].seconds, 0.99) * 1e3, percentile(busy.found[name].seconds, 0.99) * 1e3
        found.rows.append((f"{what}: {name}, p99 idle / meanwhile", f"{quiet:.1f} / {meanwhile:.1f} ms"))
        found.goal(f"{what}: {name}, p99 meanwhile / idle", meanwhile / quiet, most=most)
    found.data[f"list {what}"] = {"seconds": seconds, "waiting": left}


async def _no_round(store: Any) -> bool:
    return not await store.fetchval(ROUNDS)


class _asking:  # noqa: N801 - used like a function
    """Clients that ask one thing after the other while the block runs."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.found = port, {"GET /livez": Knocked(), "GET /shelters": Knocked()}
        self.requests = {name: request("GET", name.removeprefix("GET "), token) for name in self.found}

    async def __aenter__(self) -> Self:
        self.tasks = [asyncio.create_task(self._ask(name)) for name in self.found]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _ask(self, name: str) -> None:
        while True:
            answered = await knock(self.port, [self.requests[name]] * 20, 1)
            self.found[name].seconds += answered.seconds
            await asyncio.sleep(0.05)


def _large(found: Figure, sizes: Sizes, now: datetime) -> None:
    """Shelters of 2,000 beds each: only the decisions, in this process."""
    random = Random(2)  # noqa: S311 - an invented city
    homes, households = city.homes(random, SHELTERS, LARGE, 0.85), city.households(random, sizes.waiting, now)
    gc.collect()
    gc.freeze()  # the invented city is nothing that a service would hold
    decided = []
    for household in households[: LONE // 4]:
        started = perf_counter()
        offer_home(homes, household)
        decided.append(perf_counter() - started)
    found.rows.append(
        (f"{LARGE:,} beds in each: one household, p50 / p99", f"{percentile(decided, 0.5) * 1e3:.0f} / {percentile(decided, 0.99) * 1e3:.0f} ms")
    )
    started = perf_counter()
    together = matched(homes, households, PlacementSettings.model_fields["match_seconds"].default)
    gc.unfreeze()
    proven = "proven" if together.proven else "not proven"
    found.rows.append((f"{LARGE:,} beds in each: the list, decision alone", f"{perf_counter() - started:.1f} s, {proven}"))


async def _long(found: Figure, now: datetime, say: Callable[[str], None]) -> None:
    """A list of thousands in the running service, round after round until no bed is left that somebody could take; and what memory that took."""
    random = Random(3)  # noqa: S311 - an invented city
    homes, households = city.homes(random, SHELTERS, BEDS, 0.85), city.households(random, LONG, now)
    async with open_bed() as bed, connected(bed.store("placement")) as store:
        await city.write(store, homes, households, now)
        port = free_port()
        async with processes(bed, "long", {"issuer": bed.issuer_command(), "placement": bed.service("placement", port=port)}):
            await wait_ready(f"http://127.0.0.1:{port}/readyz", 60)
            started = perf_counter()
            await store.execute(ROUND, UUID(int=0), UUID(int=1))
            await until(lambda: _no_round(store), "the rounds did not end", patience=600)
            seconds = perf_counter() - started
        left, memory = await store.fetchval(WAITING), bed.peaks["long-placement"] / 2**20
    found.rows.append(
        (f"{LONG:,} wait, 85 % slept in: all rounds", f"{seconds:.1f} s, {LONG - left} offers, at most {memory:.0f} MiB in the service")
    )
    found.goal(f"{LONG:,} wait: most memory of the service, MiB", memory, most=150)
    say(f"{LONG:,} wait: done")
