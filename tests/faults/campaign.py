"""One campaign: load and faults by a seeded schedule, then quiet, then the invariants; its figures as a report."""

import asyncio
import contextlib
import json
import random
import statistics
import subprocess
import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import nats.errors
from ops.demo_checks import canary_found
from rich.console import Console
from rich.table import Table

from tests.faults import checks
from tests.faults.disks import NotHereError
from tests.faults.load import Journal, Load
from tests.faults.nemesis import FAULTS
from tests.faults.world import ROOT, SERVICES, World

RECOVERS_WITHIN = 180.0
DRAINS_WITHIN = 300.0
SETTLES_WITHIN = 90.0


@dataclass(frozen=True)
class Plan:
    """What a campaign does; everything in it follows from the seed and these numbers."""

    seed: int
    cases: int = 300
    seconds: float = 120
    kills: int = 10
    faults: tuple[str, ...] = tuple(FAULTS)
    intake_down: float = 20

    def order(self) -> list[str]:
        """Every fault once, in an order that the seed decides."""
        order = list(self.faults)
        random.Random(f"order:{self.seed}").shuffle(order)
        return order


@dataclass
class Happened:
    """One fault that happened."""

    name: str
    at: float
    said: str
    recovered: float | None


@dataclass
class Report:
    """The figures of a campaign."""

    plan: Plan
    commit: str = ""
    submitted: int = 0
    cases: int = 0
    facts: int = 0
    taken: int = 0
    kills: int = 0
    happened: list[Happened] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    actions: dict[str, int] = field(default_factory=dict)
    terminal: int = 0
    seconds: float = 0.0
    drained_after: float = 0.0

    @property
    def recovery(self) -> dict[str, list[float]]:
        """Seconds until a new referral went all the way, by fault."""
        found: dict[str, list[float]] = defaultdict(list)
        for entry in self.happened:
            if entry.recovered is not None:
                found[entry.name].append(entry.recovered)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Everything, for a file."""
        return asdict(self)

    def show(self, console: Console) -> None:
        """Everything, for a person."""
        table = Table("fault", "times", "recovery median s", "worst s", title=f"seed {self.plan.seed}, commit {self.commit}", title_justify="left")
        times = Counter(entry.name for entry in self.happened)
        for name, seconds in sorted(self.recovery.items()):
            table.add_row(name.replace("_", " "), str(times[name]), f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}")
        console.print(table)
        for name, why in self.left_out.items():
            console.print(f"[yellow]left out[/] {name}: {why}")
        console.print(
            f"{self.submitted} submissions, {self.cases} cases ({self.terminal} ended), {self.facts} facts said, {self.taken} taken, {self.kills} kills,"
            f" {sum(times.values())} faults in {self.seconds:.0f} s; drained {self.drained_after:.0f} s after the last"
        )
        for words in self.broken:
            console.print(f"[red]BROKEN[/] {words}", soft_wrap=True)
        if not self.broken:
            console.print("[green]0 lost, 0 doubled, 0 invariants broken[/]")


class Campaign:
    """Runs one plan in a folder."""

    def __init__(self, plan: Plan, folder: Path, console: Console) -> None:
        self.plan, self.console = plan, console
        self.world = World(folder, small_disks=True)
        self.journal = Journal()
        self.load = Load(self.world, self.journal, plan.seed, plan.cases, plan.seconds)
        self.report = Report(plan, _commit())
        self.started = time.monotonic()
        self._may_kill = asyncio.Event()
        self._probes = 0
        self._over = False

    async def run(self) -> Report:
        """All of it; the report says what did not hold."""
        world, report = self.world, self.report
        try:
            await world.start()
            await self.load.open()
            self.started = time.monotonic()
            self.load.start()
            self._may_kill.set()
            kills = asyncio.create_task(self._kill_at_random())
            await self._faults()
            self.say("the last households are sent")
            await self.load.sent()
            await kills
            await self._quiet()
        finally:
            self._over = True
            await self.load.stop()
            await world.stop()
            world.forget_previous_release()
        report.seconds = time.monotonic() - self.started
        folders = [world.platform.data, world.platform.postgres.data]
        found = await asyncio.to_thread(canary_found, folders, world.folder / "none")
        if not report.broken and not found:
            world.forget()
        report.broken += [f"personal data stands in the clear in {path}" for path in found]
        return report

    def say(self, words: str) -> None:
        """A line of progress."""
        self.console.print(f"{time.monotonic() - self.started:6.1f} s  {words}", soft_wrap=True)

    async def _faults(self) -> None:
        rng = random.Random(f"faults:{self.plan.seed}")
        order = self.plan.order()
        while order or not self._all_sent():
            name = order.pop() if order else rng.choice(self.plan.faults)
            if not order and name in {"intake_down", "everything_killed"} and name in {h.name for h in self.report.happened}:
                continue
            await self._fault(name, rng)

    def _all_sent(self) -> bool:
        return self.load._sending is not None and (self.load._sending.done() or self.load.submitted >= 0.97 * self.plan.cases)

    async def _fault(self, name: str, rng: random.Random) -> None:
        at = time.monotonic() - self.started
        try:
            if name == "intake_down":
                said = await FAULTS[name](self.world, rng, self.plan.intake_down)  # type: ignore[call-arg]
            else:
                said = await FAULTS[name](self.world, rng)
        except NotHereError as reason:
            self.report.left_out[name] = str(reason)
            return
        self._may_kill.clear()
        # What waited for intake comes before whatever is new.
        patience = RECOVERS_WITHIN + (self.plan.intake_down if name == "intake_down" else 0)
        recovered = await self._recovered(patience)
        self._may_kill.set()
        self.report.happened.append(Happened(name, at, said, recovered))
        self.say(f"{name} {said}: {'NOT recovered' if recovered is None else f'recovered after {recovered:.1f} s'}")
        if recovered is None:
            self.report.broken.append(f"{name} {said}: no new case went through within {patience:.0f} s")

    async def _recovered(self, patience: float) -> float | None:
        """Seconds from now until a new referral has its receipt and its social worker; None if it never gets there."""
        self._probes += 1
        reference, started = f"PROBE-{self.plan.seed}-{self._probes}", time.monotonic()
        body = PROBE | {"reference": reference}
        system = self.journal.systems["dppapp"]
        # Sent again from here, not by the system; it looks at the time as soon as it knows of the reference.
        system._sent_at[reference] = started + 1000
        system.sent[reference] = [json.dumps(body).encode()]
        next_try = 0.0
        while time.monotonic() - started < patience:
            if time.monotonic() > next_try and reference not in system.receipts:
                with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
                    await system._publish(system.sent[reference][0])
                next_try = time.monotonic() + 2
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                rows = await self.world.sql("intake", "SELECT case_id FROM submission WHERE reference = $1", reference)
                if rows and await self.world.sql("assessment", ASSIGNED, rows[0]["case_id"]):
                    return time.monotonic() - started
            await asyncio.sleep(0.05)
        system._sent_at[reference] = 0.0
        return None

    async def _kill_at_random(self) -> None:
        rng = random.Random(f"kills:{self.plan.seed}")
        pause = 0.8 * self.plan.seconds / max(1, self.plan.kills)
        while self.world.kills < self.plan.kills and not self._over:
            await asyncio.sleep(rng.uniform(0.5, 1.5) * pause)
            await self._may_kill.wait()
            if processes := self.world.processes:
                self.world.kill(rng.choice(processes))

    async def _quiet(self) -> None:
        """No more faults: everything is drained, and must be right."""
        world, journal, report = self.world, self.journal, self.report
        world.wires.heal()
        started = time.monotonic()
        for system in journal.systems.values():
            system._sent_at = {reference: min(at, time.monotonic()) for reference, at in system._sent_at.items()}
        await self.load.receipts(DRAINS_WITHIN)
        await self.load.rest()
        left = await world.drained(DRAINS_WITHIN)
        report.drained_after = time.monotonic() - started
        self.say(f"quiet; drained after {report.drained_after:.1f} s{': ' + '; '.join(left) if left else ''}")
        report.broken += [f"not drained after {DRAINS_WITHIN:.0f} s: {words}" for words in left]
        report.broken += await checks.broken(world, journal, SETTLES_WITHIN)
        report.submitted, report.kills, report.actions = self.load.submitted, world.kills, dict(journal.actions)
        (row,) = await world.sql(
            "intake", "SELECT count(*), count(*) FILTER (WHERE state IN ('closed', 'withdrawn', 'referred_out', 'contact_lost')) FROM case_file"
        )
        report.cases, report.terminal = row[0], row[1]
        for service in SERVICES:
            (row,) = await world.sql(service, "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM inbox)")
            report.facts += row[0]
            report.taken += row[1]


def _commit() -> str:
    told = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


ASSIGNED = "SELECT 1 FROM assignment WHERE case_id = $1"
PROBE: dict[str, Any] = {
    "urgency": "medium",
    "callback": "Meja contoh, +62 000 0000 0000",
    "channel": "hotline_wa",
    "area": "31.75.02",
    "violence_types": ["fisik"],
    "persons": [{"role": "victim", "sex": "female", "age": 29}],
    "narrative": "Contoh.",
    "screen": {"shelter_needed": False},
}
