"""Does the harness catch bugs? Services with a bug on purpose meet the fault that brings it out, and the checks must say so; without it, not."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import nats.errors
import nats.js.errors
import pytest
from ops.seed import demo_shelters
from ops.supervise import wait_ready

from ops import stores
from tests.faults import checks, nemesis
from tests.faults.load import Journal, Load
from tests.faults.planted import BUGS
from tests.faults.world import SERVICES, World

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800)]
REPORT = {
    "urgency": "medium",
    "callback": "Meja contoh, +62 000 0000 0000",
    "area": "31.75.02",
    "violence_types": ["fisik"],
    "persons": [{"role": "victim", "sex": "female", "age": 29}],
    "narrative": "Contoh.",
    "screen": {"shelter_needed": False},
}


@dataclass
class Run:
    """One small run of the platform: everything in it is new but the processes' servers."""

    world: World
    load: Load
    journal: Journal
    rng: random.Random


Fault = Callable[[Run], Awaitable[object]]


async def nothing(run: Run) -> None:
    """The bug needs no help."""


async def died(world: World, service: str, armed: int | None) -> None:
    """Until the process that was armed is dead."""
    async with asyncio.timeout(60):
        while world.pid(service) == armed:
            await asyncio.sleep(0.05)


def while_asked(service: str, ask: Callable[[Run], Awaitable[object]]) -> Fault:
    """A request is made to a service that dies in the middle of it, and who asked asks again."""

    async def fault(run: Run) -> None:
        armed = run.world.pid(service)
        await ask(run)
        assert run.world.pid(service) != armed, "it died in the middle"

    return fault


async def a_desk_reports(run: Run) -> None:
    """Five reports, one after the other."""
    for number in range(5):
        answer = await run.load.ask("desk-dppapp", "POST", "/intake/reports", REPORT | {"reference": f"PLANTED-{number}"})
        run.journal.accepted("dppapp", f"PLANTED-{number}", answer.json()["follow_id"])


async def three_are_referred(run: Run) -> None:
    """An agency's system refers, and hears nothing but that the broker has it."""
    for number in range(3):
        await run.journal.systems["dppapp"].refer(REPORT | {"reference": f"REFERRED-{number}"})


async def somebody_stands_at_the_door(run: Run) -> None:
    """A shelter lets somebody in before any report."""
    await run.load.houses.at_the_door()


def cut(service: str, server: str, seconds: float = 6) -> Fault:
    """A service cannot reach a server for a while."""

    async def fault(run: Run) -> None:
        run.world.wires.set([f"{service}-{server}"], cut=True)
        await asyncio.sleep(seconds)
        run.world.wires.heal()

    return fault


async def repeated(run: Run) -> str:
    """Everything that was said comes again, once it has been read."""
    await run.load.sent()
    await run.load.receipts(20)
    await run.world.drained(10)
    return await nemesis.duplicated_and_reordered(run.world, run.rng)


async def poisoned(run: Run) -> None:
    """Unreadable messages among readable ones, all in one batch: their reader wakes up to a full table."""
    pid = run.world.pid("placement"), run.world.pid("assessment")
    with contextlib.ExitStack() as awake:
        for one in pid:
            assert one is not None
            os.kill(one, signal.SIGSTOP)
            awake.callback(os.kill, one, signal.SIGCONT)
        await asyncio.sleep(1)
        for _ in range(2):
            await nemesis.poisoned(run.world, run.rng)
            await asyncio.sleep(1.5)


async def deleted_messages(run: Run) -> None:
    """The broker loses every second fact."""
    await run.load.sent()
    await asyncio.sleep(1)
    js = await run.world.js()
    last = (await js.stream_info("CASES")).state.last_seq
    for sequence in range(1, last + 1, 2):
        with contextlib.suppress(nats.js.errors.Error, nats.errors.Error):
            await js.delete_msg("CASES", sequence)


async def asked_while_the_store_is_away(run: Run) -> None:
    """A desk asks while its service cannot reach the store."""
    asking = asyncio.create_task(a_desk_reports(run))
    await cut("intake", "store", 4)(run)
    await asking


async def full_houses(run: Run) -> None:
    """The constraint of the database is gone, and more households need a bed than there are beds of their kind."""
    await run.world.sql("placement", "ALTER TABLE stay DROP CONSTRAINT bed_once")
    shelter = next(shelter for shelter in demo_shelters() if shelter["kind"] == "panti_transit")
    await asyncio.gather(*(_let_in(run, shelter) for _ in range(6)))


async def _let_in(run: Run, shelter: dict[str, object]) -> None:
    person = {"sex": "female", "age": 30, "role": "other", "agreement": "own"}
    body = {"shelter_id": shelter["shelter_id"], "persons": [person], "brought_by": "dinsos", "area": shelter["area"], "ppks": 11}
    answer = await run.load.ask(run.load.houses.heads[str(shelter["shelter_id"])], "POST", "/placement/admissions", body)
    run.journal.doors += answer.is_success


@dataclass(frozen=True)
class Trial:
    """What brings a bug out: a service that dies at a crash point, a fault, or both; `quiet` without any other load."""

    fault: Fault = nothing
    dies: tuple[str, str] | None = None
    quiet: bool = False


@dataclass(frozen=True)
class Planted:
    """A bug, in which service, what brings it out, and the check that must see it."""

    name: str
    service: str
    trial: Trial
    check: str


ASSESSMENT_DIES = Trial(dies=("assessment", "before_commit"))
LOST = Trial(deleted_messages)
TWICE = Trial(repeated)
POISON = Trial(poisoned)
REFERRED = Trial(three_are_referred, ("intake", "before_commit"), quiet=True)
ASKED = Trial(while_asked("intake", a_desk_reports), ("intake", "before_commit"), quiet=True)
ASKED_AGAIN = Trial(while_asked("placement", somebody_stands_at_the_door), ("placement", "after_commit_before_publish"), quiet=True)
STORE_AWAY = Trial(asked_while_the_store_is_away)
BUS_AWAY = Trial(cut("intake", "bus"))
PLANTED = (
    Planted("acknowledged_before_commit_and_nobody_looks", "assessment", ASSESSMENT_DIES, "every_reader_read_everything"),
    Planted("a_referral_is_erased_before_commit", "intake", REFERRED, "every_submission_has_one_case"),
    Planted("what_a_crash_left_is_not_recovered", "intake", Trial(dies=("intake", "after_commit_before_publish")), "said_is_held"),
    Planted("a_failed_publication_is_confirmed_and_nobody_compares", "intake", BUS_AWAY, "said_is_held"),
    Planted("given_up_at_the_first_error_and_nobody_looks", "assessment", Trial(cut("assessment", "store")), "every_reader_read_everything"),
    Planted("nobody_compares", "intake", LOST, "said_is_held"),
    Planted("refilled_under_the_old_message_id", "intake", LOST, "said_is_held"),
    Planted("the_unreadable_is_dropped_and_nobody_looks", "assessment", POISON, "only_poison_is_set_aside"),
    Planted("poison_takes_its_neighbours_along", "assessment", POISON, "only_poison_is_set_aside"),
    Planted("facts_are_not_kept", "assessment", Trial(), "said_is_held"),
    Planted("facts_are_not_counted", "intake", Trial(), "facts_are_counted_without_gaps"),
    Planted("clocks_do_not_run", "placement", Trial(), "no_dead_end"),
    Planted("the_idempotency_key_is_ignored", "placement", ASKED_AGAIN, "every_submission_has_one_case"),
    Planted("beds_are_given_away_twice", "placement", Trial(full_houses), "no_bed_and_no_person_twice"),
)
CONTROLS = {
    "assessment dies": ASSESSMENT_DIES,
    "facts are lost": LOST,
    "everything comes twice": TWICE,
    "poison": POISON,
    "referred while it dies": REFERRED,
    "asked while it dies": ASKED,
    "asked again": ASKED_AGAIN,
    "the store is away": STORE_AWAY,
    "the bus is away": BUS_AWAY,
}


class Ground:
    """One platform whose stores and streams are made new for every run."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._templates = False

    async def renew(self, bugs: dict[str, str]) -> None:
        """Everything as after the first start, and these services with their bugs."""
        platform = self.world.platform
        self.world.wires.heal()
        await platform.supervisor.stop(*self.world.processes)
        connection = await asyncpg.connect(platform.postgres.url())
        try:
            for service in SERVICES:
                for name in (service, f"{service}_keys"):
                    if self._templates:
                        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
                        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {name}_new OWNER {service}")
                    else:
                        await connection.execute(f"CREATE DATABASE {name}_new TEMPLATE {name}")
                await stores.prepare(platform.postgres.url(), service, platform.secrets.passwords[service])
        finally:
            await connection.close()
        self._templates = True
        js = await self.world.js()
        for stream in ("CASES", "REFERRALS", "RECEIPTS", "AGENCIES", "PUBLIC"):
            await js.purge_stream(stream)
        for service in SERVICES:
            module = ["tests.faults.planted", bugs[service], service] if service in bugs else [service]
            platform.supervisor.run(service, [sys.executable, "-m", *module], platform.service_environment(service))
        for service in SERVICES:
            await wait_ready(f"{platform.gateway}/{service}/readyz", 60)


@contextlib.asynccontextmanager
async def run_on(ground: Ground, bugs: dict[str, str], trial: Trial) -> AsyncIterator[Run]:
    """A light load and what is tried, on new ground; afterwards everybody who acts is at home."""
    world = ground.world
    world.poison.clear()
    await ground.renew(bugs)
    journal, armed, flag = Journal(), None, world.folder / f"now-{uuid4()}"
    load = Load(world, journal, 77, cases=0 if trial.quiet else 14, seconds=4)
    try:
        await load.open()
        if bugs:  # nobody sends again: what only a repetition saves counts as lost
            for system in journal.systems.values():
                system._tasks[-1].cancel()
        if trial.dies is not None:
            await world.restart_with(trial.dies[0], {"NAUNGAN_CRASH_AT": trial.dies[1], "NAUNGAN_CRASH_ONCE_THERE_IS": str(flag)})
            armed = world.pid(trial.dies[0])
            await wait_ready(f"{world.platform.gateway}/{trial.dies[0]}/readyz", 60)
        run = Run(world, load, journal, random.Random("planted"))
        if not trial.quiet:
            load.start()
        flag.touch()  # only now: what a start commits would have brought the process to its point before
        await trial.fault(run)
        if trial.dies is not None:
            await died(world, trial.dies[0], armed)
        if trial.quiet:  # only now: an officer who looks at something might have brought the process to its point before
            load.start()
        await load.sent()
        await load.receipts(10)
        await load.rest()
        yield run
    finally:
        await load.stop()


async def caught(ground: Ground, planted: Planted) -> list[str]:
    """What the checks say of a run with the bug."""
    async with run_on(ground, {planted.service: planted.name}, planted.trial) as run:
        await run.world.drained(10)
        return await checks.broken(run.world, run.journal, patience=5)


async def well(ground: Ground, trial: Trial) -> list[str]:
    """What the checks say of the same run without a bug."""
    async with run_on(ground, {}, trial) as run:
        await run.load.receipts(60)
        left = await run.world.drained(60)
        return left + await checks.broken(run.world, run.journal, patience=60)


@contextlib.asynccontextmanager
async def a_ground(folder: Path) -> AsyncIterator[Ground]:
    """A platform without replicas, started."""
    world = World(folder, replicas={})
    try:
        await world.start()
        yield Ground(world)
    finally:
        await world.stop()


def test_every_bug_is_planted_somewhere() -> None:
    assert {planted.name for planted in PLANTED} == set(BUGS)


@pytest.mark.parametrize("half", [0, 1])
async def test_the_harness_catches_what_is_planted(tmp_path: Path, half: int) -> None:
    missed: dict[str, list[str]] = {}
    async with a_ground(tmp_path) as ground:
        for planted in PLANTED[half::2]:
            try:
                found = await caught(ground, planted)
            except (httpx.HTTPError, TimeoutError, AssertionError) as error:
                found = [f"no run: {error!r}"]
            hit = [words for words in found if words.startswith(planted.check)]
            print(f"{'caught' if hit else 'MISSED'} {planted.name}: {(hit or found or ['nothing'])[0]}", flush=True)
            if not hit:
                missed[planted.name] = found
    assert missed == {}


async def test_the_same_without_a_bug_is_well(tmp_path: Path) -> None:
    mistaken: dict[str, list[str]] = {}
    async with a_ground(tmp_path) as ground:
        for name, trial in CONTROLS.items():
            found = await well(ground, trial)
            print(f"{name}: {found or 'well'}", flush=True)
            if found:
                mistaken[name] = found
    assert mistaken == {}
