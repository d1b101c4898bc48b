"""Does the harness catch bugs? Services with a bug on purpose meet the fault that brings it out, and the checks must say so; without it, not."""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

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


def killed(service: str, point: str) -> Fault:
    """A service dies at a crash point while work goes on."""

    async def fault(run: Run) -> str:
        return await nemesis.killed_at_a_crash_point(run.world, run.rng, service, point)

    return fault


def killed_while_asked(service: str, point: str, ask: Callable[[Run], Awaitable[object]]) -> Fault:
    """A service dies at a crash point in the middle of a request, and who asked asks again."""

    async def fault(run: Run) -> None:
        await run.load.sent()
        await run.load.receipts(20)
        await run.load.rest()
        await run.world.drained(20)
        await run.world.restart_with(service, {"NAUNGAN_CRASH_AT": point})
        armed = run.world.pid(service)
        await ask(run)
        assert run.world.pid(service) != armed, "it died in the middle"

    return fault


async def a_desk_reports(run: Run) -> None:
    """Five reports, one after the other."""
    for number in range(5):
        answer = await run.load.ask("desk-dppapp", "POST", "/intake/reports", REPORT | {"reference": f"PLANTED-{number}"})
        run.journal.accepted("dppapp", f"PLANTED-{number}", answer.json()["follow_id"])


async def somebody_stands_at_the_door(run: Run) -> None:
    """A shelter lets somebody in before any report."""
    await run.load._at_the_door()


def cut(service: str, server: str, seconds: float = 6) -> Fault:
    """A service cannot reach a server for a while."""

    async def fault(run: Run) -> None:
        run.world.wires.set([f"{service}-{server}"], cut=True)
        await asyncio.sleep(seconds)
        run.world.wires.heal()

    return fault


async def repeated(run: Run) -> str:
    """Everything that was said comes again."""
    await asyncio.sleep(3)
    return await nemesis.duplicated_and_reordered(run.world, run.rng)


async def poisoned(run: Run) -> None:
    """Unreadable messages among readable ones, all in one batch: their reader wakes up to a full table."""
    pid = run.world.pid("placement"), run.world.pid("assessment")
    with contextlib.ExitStack() as awake:
        for one in pid:
            import os
            import signal

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
    answer = await run.load.ask(run.load.heads[str(shelter["shelter_id"])], "POST", "/placement/admissions", body)
    run.journal.doors += answer.is_success


@dataclass(frozen=True)
class Planted:
    """A bug, in which service, what brings it out, and the check that must see it. With `control`, the same without the bug must be well."""

    name: str
    service: str
    fault: Fault
    check: str
    control: bool = False


PLANTED = (
    Planted("acknowledged_before_commit", "assessment", killed("assessment", "before_commit"), "every_reader_read_everything", control=True),
    Planted("a_referral_is_erased_before_commit", "intake", killed("intake", "before_commit"), "every_submission_has_one_case"),
    Planted("what_a_crash_left_is_not_recovered", "intake", killed("intake", "after_commit_before_publish"), "said_is_held"),
    Planted(
        "confirmed_before_published_and_nobody_compares", "intake", killed("intake", "after_publish_before_confirm"), "said_is_held", control=True
    ),
    Planted("a_failed_publication_is_confirmed_and_nobody_compares", "intake", cut("intake", "bus"), "said_is_held", control=True),
    Planted("given_up_at_the_first_error", "assessment", cut("assessment", "store"), "every_reader_read_everything", control=True),
    Planted("nobody_compares", "intake", deleted_messages, "said_is_held"),
    Planted("refilled_under_the_old_message_id", "intake", deleted_messages, "said_is_held", control=True),
    Planted("no_inbox", "intake", repeated, "only_poison_is_set_aside", control=True),
    Planted("no_inbox_and_ids_at_random", "notifications", repeated, "every_effect_once"),
    Planted("the_unreadable_is_dropped", "assessment", poisoned, "only_poison_is_set_aside", control=True),
    Planted("poison_takes_its_neighbours_along", "assessment", poisoned, "only_poison_is_set_aside"),
    Planted("facts_are_not_kept", "assessment", nothing, "said_is_held"),
    Planted("facts_are_not_counted", "intake", nothing, "facts_are_counted_without_gaps"),
    Planted("clocks_do_not_run", "placement", nothing, "no_dead_end"),
    Planted("published_before_commit", "intake", killed_while_asked("intake", "before_commit", a_desk_reports), "said_is_held", control=True),
    Planted(
        "the_idempotency_key_is_ignored",
        "placement",
        killed_while_asked("placement", "after_commit_before_publish", somebody_stands_at_the_door),
        "every_submission_has_one_case",
        control=True,
    ),
    Planted("the_stores_absence_is_an_error", "intake", asked_while_the_store_is_away, "nobody_met_an_error", control=True),
    Planted("beds_are_given_away_twice", "placement", full_houses, "no_bed_and_no_person_twice"),
)


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
async def run_on(ground: Ground, bugs: dict[str, str], fault: Fault) -> AsyncIterator[Run]:
    """A light load and a fault on new ground; afterwards everybody who acts is at home and what can drain has drained."""
    ground.world.poison.clear()
    await ground.renew(bugs)
    journal = Journal()
    load = Load(ground.world, journal, 77, cases=14, seconds=5)
    try:
        await load.open()
        run = Run(ground.world, load, journal, random.Random("planted"))
        if bugs:  # nobody sends again: what only a repetition saves counts as lost
            for system in journal.systems.values():
                system._tasks[-1].cancel()
        load.start()
        await fault(run)
        await load.sent()
        await load.receipts(8)
        await load.rest()
        yield run
    finally:
        await load.stop()


async def caught(ground: Ground, planted: Planted) -> list[str]:
    """What the checks say of a run with the bug."""
    async with run_on(ground, {planted.service: planted.name}, planted.fault) as run:
        await run.world.drained(12)
        return await checks.broken(run.world, run.journal, patience=4)


async def well(ground: Ground, fault: Fault) -> list[str]:
    """What the checks say of the same run without a bug."""
    async with run_on(ground, {}, fault) as run:
        await run.load.receipts(60)
        left = await run.world.drained(60)
        return left + await checks.broken(run.world, run.journal, patience=60)


def test_every_bug_is_planted_somewhere() -> None:
    assert {planted.name for planted in PLANTED} == set(BUGS)


@pytest.mark.parametrize("half", [0, 1])
async def test_the_harness_catches_what_is_planted(tmp_path: Path, half: int) -> None:
    world = World(tmp_path, replicas={})
    missed: dict[str, list[str]] = {}
    mistaken: dict[str, list[str]] = {}
    try:
        await world.start()
        ground = Ground(world)
        for planted in PLANTED[half::2]:
            try:
                found = await caught(ground, planted)
            except (httpx.HTTPError, TimeoutError, AssertionError) as error:
                found = [f"no run: {error!r}"]
            hit = [words for words in found if words.startswith(planted.check)]
            print(f"{'caught' if hit else 'MISSED'} {planted.name}: {(hit or found or ['nothing'])[0]}", flush=True)
            if not hit:
                missed[planted.name] = found
            if planted.control and (found := await well(ground, planted.fault)):
                mistaken[planted.name] = found
    finally:
        await world.stop()
    assert missed == {}
    assert mistaken == {}, "the same without a bug is well"
