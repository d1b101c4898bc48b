"""The faults. Each injects itself, waits, heals, and returns; the campaign measures how long the platform then takes to be well."""

import asyncio
import contextlib
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from uuid import uuid4

import nats.errors
import nats.js.errors
from chassis import crash
from contracts import streams

from tests.faults.disks import NotHereError
from tests.faults.world import SERVICES, World, copied, shuffled

Fault = Callable[[World, random.Random], Awaitable[str]]
FAKETIME = next((str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), "")
NO_FAKETIME = "libfaketime is not installed"
NO_HISTORY = "the history that holds the previous release is not here"


async def killed_at_crash_points(world: World, rng: random.Random) -> str:
    """At each named point between decide, commit, publish, confirm and acknowledge a process dies; the next one finds what it left."""
    said = []
    for point in shuffled(rng, sorted(crash.POINTS)):
        reached = [name async for name in _dying(world, shuffled(rng, world.processes)[:4], point)]
        said.append(f"{point}: {reached[0] if reached else 'not reached'}")
    return ", ".join(said)


async def _dying(world: World, names: Sequence[str], point: str) -> AsyncIterator[str]:
    """One process after the other, until one came to the point and died of it: not everything happens in all services all the time."""
    for name in names:
        await world.restart_with(name, {"NAUNGAN_CRASH_AT": point})
        armed = world.pid(name)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                while world.pid(name) == armed:
                    await asyncio.sleep(0.05)
        if world.pid(name) != armed:
            world.kills += 1
            yield name
            return
        world.kill(name)  # disarmed


async def service_paused(world: World, rng: random.Random, seconds: float = 30) -> str:
    """SIGSTOP for three times the time after which messages go to another: the process that wakes is a zombie."""
    name = rng.choice([p for p in world.processes if p.split("-")[0] in world.replicas] or world.processes)
    await world.pause(name, seconds)
    return name


async def broker_killed(world: World, rng: random.Random) -> str:
    """SIGKILL of the broker, and a restart on the same files."""
    await asyncio.to_thread(world.platform.nats.kill)
    await asyncio.sleep(rng.uniform(0.2, 3))
    await asyncio.to_thread(world.platform.nats.start)
    return ""


async def store_killed(world: World, rng: random.Random) -> str:
    """SIGKILL of Postgres and all its children."""
    await asyncio.to_thread(world.platform.postgres.kill)
    await asyncio.sleep(rng.uniform(0.2, 3))
    await asyncio.to_thread(world.platform.postgres.start)
    return ""


async def tail_lost(world: World, rng: random.Random) -> str:
    """The broker's data folder is put back to what it was some seconds ago: an acknowledged tail is gone."""
    server = world.platform.nats
    store, older = server.folder / "jetstream", world.folder / "older-jetstream"
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(copied, store, older)
    await asyncio.to_thread(server.start)
    await asyncio.sleep(rng.uniform(5, 10))
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(copied, older, store)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(shutil.rmtree, older)
    return ""


async def stream_deleted(world: World, rng: random.Random) -> str:
    """A whole stream is deleted, and its durables with it."""
    stream = rng.choice(["CASES", "CASES", "AGENCIES", "RECEIPTS"])
    js = await world.js()
    with contextlib.suppress(nats.js.errors.NotFoundError):
        await js.delete_stream(stream)
    return stream


async def broker_wiped(world: World, rng: random.Random) -> str:
    """Everything that the broker stored is destroyed."""
    await asyncio.to_thread(world.platform.nats.kill)
    empty = world.folder / "empty"
    empty.mkdir(exist_ok=True)
    await asyncio.to_thread(copied, empty, world.platform.nats.folder / "jetstream")
    await asyncio.to_thread(world.platform.nats.start)
    return ""


async def slow_store(world: World, rng: random.Random) -> str:
    """Every byte between one or all services and Postgres takes a while."""
    services = rng.choice([SERVICES, (rng.choice(SERVICES),)])
    world.wires.set(world.wiring(services, "store"), delay=rng.uniform(0.05, 0.25))
    await asyncio.sleep(8)
    world.wires.heal()
    return ", ".join(services)


async def slow_bus(world: World, rng: random.Random) -> str:
    """Every byte between the services and the broker takes a while."""
    world.wires.set(world.wiring(SERVICES, "bus"), delay=rng.uniform(0.1, 0.5))
    await asyncio.sleep(8)
    world.wires.heal()
    return ""


async def cut_from_the_store(world: World, rng: random.Random) -> str:
    """A service cannot reach Postgres: connections are refused, or nothing passes on those that are open."""
    return await _apart(world, rng, "store")


async def cut_from_the_bus(world: World, rng: random.Random) -> str:
    """A service cannot reach the broker."""
    return await _apart(world, rng, "bus")


async def _apart(world: World, rng: random.Random, server: str) -> str:
    services = shuffled(rng, SERVICES)[: rng.choice([1, 1, 2, 4])]
    deaf = rng.random() < 0.5
    world.wires.set(world.wiring(services, server), cut=not deaf, deaf=deaf)
    await asyncio.sleep(rng.uniform(6, 14))
    world.wires.heal()
    return f"{', '.join(services)} {'deaf' if deaf else 'cut'}"


async def duplicated_and_reordered(world: World, rng: random.Random) -> str:
    """Facts of the past come again, shuffled, under fresh message ids: only the inboxes are to notice."""
    js = await world.js()
    state = (await js.stream_info("CASES")).state
    chosen = [rng.randint(max(1, state.first_seq), max(1, state.last_seq)) for _ in range(400)]
    messages = []
    for sequence in sorted(set(chosen)):
        with contextlib.suppress(nats.js.errors.Error, nats.errors.Error):
            messages.append(await js.get_msg("CASES", sequence))
    sent = 0
    for message in shuffled(rng, messages):
        headers = dict(message.headers or {})
        if headers.get("ce-source") not in SERVICES:
            continue
        client = await world.bus(headers["ce-source"])
        headers["Nats-Msg-Id"] = uuid4().hex
        headers.pop("Nats-Batch-Id", None)
        headers = {name: value for name, value in headers.items() if not name.startswith(("Nats-Batch", "Nats-Expected"))}
        with contextlib.suppress(nats.errors.Error, nats.js.errors.Error, TimeoutError):
            await client.request(str(message.subject), message.data or b"", headers=headers, timeout=5)
            sent += 1
    return f"{sent} facts"


async def replayed_in_full(world: World, rng: random.Random) -> str:
    """Every durable of some services is deleted and made anew: the whole stream comes again."""
    services = rng.choice([SERVICES, (rng.choice(SERVICES),)])
    js = await world.js()
    for durable in (durable for service in services for durable in streams.durables_of(service)):
        with contextlib.suppress(nats.js.errors.NotFoundError):
            await js.delete_consumer(durable.stream, durable.name)
    return ", ".join(services)


async def poisoned(world: World, rng: random.Random) -> str:
    """Messages that nobody can read, among the others: broken JSON, unknown types and releases, wrong values, no envelope."""
    client = await world.bus("intake")
    made = 0
    for _ in range(12):
        identity = f"00000000-0000-8000-9000-{rng.randrange(16**12):012x}"
        headers = {
            "Nats-Msg-Id": identity,
            "ce-id": identity,
            "ce-specversion": "1.0",
            "ce-source": "intake",
            "ce-subject": str(uuid4()),
            "ce-time": "2026-01-01T00:00:00Z",
            "ce-factversion": "1",
            "ce-type": "case.intake.triaged.v1",
        }
        body = b"{}"
        match rng.randrange(6):
            case 0:
                body = b"{" * 1000
            case 1:
                headers["ce-type"] = "case.intake.triaged.v9"
            case 2:
                body = b'{"risk": "nobody knows", "area": 7}'
            case 3:
                del headers["ce-subject"]
            case 4:
                headers["ce-time"] = "yesterday"
            case _:
                body = b'"' + b"x" * 500_000 + b'"'
        with contextlib.suppress(nats.errors.Error, TimeoutError):
            world.poison.add(identity)
            await client.request("case.intake.triaged.v1", body, headers=headers, timeout=5)
            made += 1
    return f"{made} messages"


async def clock_jumps_of_a_service(world: World, rng: random.Random) -> str:
    """A service's own clock is wrong by hours or days."""
    if not FAKETIME:
        raise NotHereError(NO_FAKETIME)
    name, jump = rng.choice(world.processes), rng.choice(["+3d", "-1h", "+1h", "-3d"])
    await world.restart_with(name, {"LD_PRELOAD": FAKETIME, "FAKETIME": jump, "DONT_FAKE_MONOTONIC": "1"})
    await asyncio.sleep(10)
    world.kill(name)
    return f"{name} {jump}"


async def clock_jumps_of_the_store(world: World, rng: random.Random) -> str:
    """The database's clock, which is the clock of all decisions, jumps an hour ahead or back, and returns."""
    if not FAKETIME:
        raise NotHereError(NO_FAKETIME)
    jump, store = rng.choice(["+1h", "-1h"]), world.platform.postgres
    await asyncio.to_thread(store.kill)
    store.through = ("/usr/bin/env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME={jump}", "DONT_FAKE_MONOTONIC=1")
    try:
        await asyncio.to_thread(store.start)
        await asyncio.sleep(8)
        await asyncio.to_thread(store.kill)
    finally:
        store.through = ()
        await asyncio.to_thread(store.start)
    return jump


async def previous_release_beside(world: World, rng: random.Random) -> str:
    """A replica of the previous release shares the durables of the new ones for a while."""
    environment = world.previous_release()
    if environment is None:
        raise NotHereError(NO_HISTORY)
    service = rng.choice(SERVICES)
    name = f"{service}-previous"
    world.add_replica(service, name, environment=environment)
    await asyncio.sleep(15)
    pid = world.pid(name)
    restarts = world.platform.supervisor.children[name].restarts
    await world.platform.supervisor.stop(name)
    return f"{service}{'' if pid and not restarts else f', ended {restarts} times'}"


async def intake_down(world: World, rng: random.Random, seconds: float = 25) -> str:
    """Intake is away for longer than its messages are held back; with 620 s for longer than any window of the broker."""
    await world.platform.supervisor.stop("intake")
    await asyncio.sleep(seconds)
    world.platform.start_service("intake")
    return f"{seconds:.0f} s"


async def broker_disk_full(world: World, rng: random.Random) -> str:
    """Not a byte is left on the broker's disk."""
    return await _full(world, "bus", rng.uniform(6, 10))


async def store_disk_full(world: World, rng: random.Random) -> str:
    """Not a byte is left on the disk of Postgres, neither for tables nor for its log."""
    return await _full(world, "store", rng.uniform(6, 10))


async def _full(world: World, name: str, seconds: float) -> str:
    if name not in world.disks:
        raise NotHereError(world.without_disks)
    disk, filled = world.disks[name], 0
    try:
        for _ in range(int(seconds / 0.5)):
            filled = await asyncio.to_thread(disk.fill)  # again and again: a server gives back what it does not need any more
            await asyncio.sleep(0.5)
    finally:
        disk.free()
    return f"{filled // 2**20} MiB of {disk.kind} filled"


async def everything_killed(world: World, rng: random.Random) -> str:
    """All services, both servers and the provisioner at once, as when the machine loses power."""
    names = [*world.processes, "provisioner", "gateway", "issuer"]
    for name in names:
        world.kill(name)
    await asyncio.gather(asyncio.to_thread(world.platform.nats.kill), asyncio.to_thread(world.platform.postgres.kill))
    await asyncio.gather(asyncio.to_thread(world.platform.nats.start), asyncio.to_thread(world.platform.postgres.start))
    return f"{len(names)} processes and both servers"


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        killed_at_crash_points,
        service_paused,
        broker_killed,
        store_killed,
        tail_lost,
        stream_deleted,
        broker_wiped,
        slow_store,
        slow_bus,
        cut_from_the_store,
        cut_from_the_bus,
        duplicated_and_reordered,
        replayed_in_full,
        poisoned,
        clock_jumps_of_a_service,
        clock_jumps_of_the_store,
        previous_release_beside,
        intake_down,
        broker_disk_full,
        store_disk_full,
        everything_killed,
    )
}
