"""Whether lists stay fast: what officers read, and what a decision loads, beside no past stays and beside a million of them.

Both stores have the same people in the same half of their beds, and as many who wait; they are asked in turn, so that only the past differs.
"""

# ruff: noqa: S608 - the statements are put together from constants of this module

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from chassis.store.database import Database
from placement.settings import PlacementSettings
from placement.store import register

from ops.bench.bed import Bed, BenchError, connected, database_of, open_bed, processes
from ops.bench.figures import Figure, Sizes, median, percentile
from ops.bench.knock import knock, request
from ops.processes import free_port
from ops.supervise import wait_ready

SERVICE, IDENTITY, PATIENCE, OK = "placement", "placement-dinsos", 120.0, 200
EMPTY, FULL = "no past stays", "past stays"
SLICE = 50_000
WAITING = 100
HOMES = "what a decision loads of all homes"
LISTS = ("/shelters", "/occupancy", "/placements", "/placements?state=ended", "/waiting", "/shelters/{shelter}/beds")
# Compared apart from the others: there is nothing in it without a past.
ONLY_PAST = "/placements?state=ended"

BEDS = "(SELECT bed.id, room.shelter_id, row_number() OVER (ORDER BY bed.id) - 1 AS place, count(*) OVER () AS many FROM bed JOIN room ON room.id = room_id)"
MEMBER = """jsonb_build_array(jsonb_build_object('id', person, 'sex', 'female', 'age', 34, 'role', 'victim', 'needs', '[]'::jsonb))"""
NEED = """
    INSERT INTO need (case_id, version, household_version, revision, persons, risk, grounds, keep_apart, perpetrator_areas, medical_gate, shelter_needed,
        ended, state, waiting_since, declined, not_now, settled_version, waitlisted, reasons)
    SELECT case_id, 1, 1, 1, {member}, 'medium', '{{}}', '{{}}', '{{}}', false, true, {ended}, '{state}', since, '{{}}', '{{}}', 0, {waitlisted}, '[]'
    FROM {source}"""
PLACEMENT = """
    INSERT INTO placement (id, case_id, shelter_id, state, revision, members, offered_at, hold_until, ladder_until, admitted_at, direct)
    SELECT id, case_id, shelter_id, '{state}', 1, {member}, since, since, since, since, false FROM {source}"""
STAY = """
    INSERT INTO stay (placement_id, person_id, bed_id, case_id, sex, small, during, ended_as)
    SELECT id, person, bed, case_id, 'female', false, tstzrange(since, {until}), {ended_as} FROM {source}"""
BLOCK = """
    INSERT INTO bed_block (id, bed_id, kind, during) SELECT gen_random_uuid(), bed, 'cleaning', tstzrange(until, until + interval '1 hour') FROM {source}"""
# Who stays now: in every second bed, in the order in which they came.
NOW = f"""
    CREATE TEMP TABLE made ON COMMIT DROP AS
    SELECT gen_random_uuid() AS id, gen_random_uuid() AS case_id, gen_random_uuid() AS person, beds.id AS bed, shelter_id,
        now() - make_interval(mins => 1000 + place::int) AS since, NULL::timestamptz AS until
    FROM {BEDS} AS beds WHERE place % 2 = 0"""
WAIT = "CREATE TEMP TABLE made ON COMMIT DROP AS SELECT gen_random_uuid() AS case_id, gen_random_uuid() AS person, now() AS since FROM generate_series(1, $1)"
# Who stayed: one after the other in every bed over five years, each followed by an hour of cleaning.
PAST = f"""
    CREATE TEMP TABLE made ON COMMIT DROP AS
    SELECT gen_random_uuid() AS id, gen_random_uuid() AS case_id, gen_random_uuid() AS person, beds.id AS bed, shelter_id, span.since,
        span.since + length * 0.8 AS until
    FROM generate_series(CAST($1 AS bigint), CAST($2 AS bigint)) AS n JOIN {BEDS} AS beds ON place = n % many
        CROSS JOIN LATERAL (SELECT interval '5 years' / (CAST($3 AS bigint) / many + 1) AS length) AS one
        CROSS JOIN LATERAL (SELECT now() - interval '5 years 30 days' + length * (n / many) AS since) AS span"""


@dataclass
class Side:
    """One store and who asks it: a port, a token, a shelter with beds, and how long each list took."""

    port: int
    token: str
    shelter: str
    database: Database
    seconds: dict[str, list[float]] = field(default_factory=dict)


async def figure(bed: Bed, sizes: Sizes, say: Callable[[str], None]) -> Figure:
    """Rounds in changing order over both stores, one client at a time."""
    found = Figure("lists", f"p99 of placement's lists beside {sizes.in_store:,} past stays, {sizes.rounds} rounds")
    async with open_bed() as full:
        for where in (bed, full):
            await _inhabit(where)
        async for step in _past(full, sizes.in_store):
            say(step)
        for where in (bed, full):
            async with connected(where.store(SERVICE)) as store:
                await store.execute("VACUUM (ANALYZE)", timeout=1800)
        async with _asked(bed) as empty_side, _asked(full) as full_side:
            sides = {EMPTY: empty_side, FULL: full_side}
            for number in range(sizes.rounds + 1):
                for name in (EMPTY, FULL) if number % 2 == 0 else (FULL, EMPTY):
                    await _round(sides[name], max(20, sizes.reports // 10), warming=number == 0)
                say(f"round {number} of {sizes.rounds}")
    _summary(found, sides)
    return found


def _summary(found: Figure, sides: dict[str, Side]) -> None:
    spent = {name: {side: sides[side].seconds[name] for side in sides} for name in (*LISTS, HOMES)}
    p99 = {name: {side: percentile(values, 0.99) for side, values in both.items()} for name, both in spent.items()}
    p50 = {name: {side: median(values) for side, values in both.items()} for name, both in spent.items()}
    for name, values in p99.items():
        found.rows.append(
            (name, ", ".join(f"{side}: p50 {p50[name][side] * 1e3:.1f} ms, p99 {value * 1e3:.1f} ms" for side, value in values.items()))
        )
        if name != ONLY_PAST:
            found.goal(f"p99 of {name} with a past / without", values[FULL] / values[EMPTY], most=2)
    found.data = {"p99_seconds": p99, "p50_seconds": p50}


async def _round(side: Side, times: int, *, warming: bool) -> None:
    for name in LISTS:
        asked = request("GET", name.format(shelter=side.shelter), side.token)
        knocked = await knock(side.port, [asked] * times, 1)
        if set(knocked.statuses) != {OK}:
            message = f"{name}: {knocked.statuses}, the last one {knocked.last[:300]!r}"
            raise BenchError(message)
        _keep(side, name, knocked.seconds, warming=warming)
    _keep(side, HOMES, [await _load(side.database) for _ in range(times)], warming=warming)


def _keep(side: Side, name: str, seconds: Sequence[float], *, warming: bool) -> None:
    side.seconds.setdefault(name, []).extend([] if warming else seconds)


async def _load(database: Database) -> float:
    started = perf_counter()
    await database.run(register.homes)
    return perf_counter() - started


# -- the stores -------------------------------------------------------------------------------------------------------------------------


async def _inhabit(bed: Bed) -> None:
    """People in every second bed, and some who wait."""
    async with connected(bed.store(SERVICE)) as store:
        async with store.transaction():
            await store.execute(NOW)
            await _people(store, "admitted", until="NULL", ended_as="NULL")
        async with store.transaction():
            await store.execute(WAIT.replace("$1", str(WAITING)))
            await store.execute(NEED.format(member=MEMBER, ended="false", state="waiting", waitlisted="true", source="made"))


async def _past(bed: Bed, stays: int) -> AsyncIterator[str]:
    async with connected(bed.store(SERVICE)) as store:
        for start in range(0, stays, SLICE):
            end = min(start + SLICE, stays) - 1
            async with store.transaction():
                await store.execute(PAST.replace("$1", str(start)).replace("$2", str(end)).replace("$3", str(stays)), timeout=900)
                await _people(store, "settled", until="until", ended_as="'family'")
                await store.execute(BLOCK.format(source="made"), timeout=900)
            yield f"{end + 1:,} past stays"


async def _people(store: Any, state: str, *, until: str, ended_as: str) -> None:
    """Needs, placements and stays of those who were made up."""
    step = "ended" if state == "settled" else state
    await store.execute(NEED.format(member=MEMBER, ended="true" if state == "settled" else "false", state=state, waitlisted="false", source="made"))
    await store.execute(PLACEMENT.format(member=MEMBER, state=step, source="made"), timeout=900)
    await store.execute(STAY.format(until=until, ended_as=ended_as, source="made"), timeout=900)


@contextlib.asynccontextmanager
async def _asked(bed: Bed) -> AsyncIterator[Side]:
    """The real placement on a store, and a pool of our own for what a decision loads."""
    port = free_port()
    commands = {"issuer": bed.issuer_command(), SERVICE: bed.service(SERVICE, port=port)}
    async with database_of(bed, SERVICE, PlacementSettings) as database, processes(bed, "lists", commands):
        await wait_ready(f"http://127.0.0.1:{port}/readyz", PATIENCE)
        async with connected(bed.store(SERVICE)) as store:
            shelter = await store.fetchval("SELECT id FROM shelter WHERE kind = 'panti_transit'")
        yield Side(port, await bed.token(IDENTITY), str(shelter), database)
