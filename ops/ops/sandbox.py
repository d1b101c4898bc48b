"""`naungan sandbox`: invented cases of one agency that move by themselves, so that its team can try a client in an afternoon.

The whole platform below a folder of its own, on loopback; the demo's officers work on whatever comes, also on what the team itself refers. The
agency's cases are referred over HTTP, so that its durables on NATS are the team's alone. Everything ends by itself.
"""

import asyncio
import contextlib
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from rich.table import Table

from ops.demo import fast_days, story_of
from ops.demo_actors import Officers, Script, open_shop
from ops.demo_wire import Api
from ops.identities import identities
from ops.platform import Platform
from ops.population import Submission, draw_households
from ops.seed import demo_shelters

WELL_FORMED = 2.0  # so many times more are drawn than are needed, because malformed ones and repetitions are left out


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose sandbox it is and how lively: cases a minute, for so many minutes, with clocks so many times faster."""

    agency: str
    seed: int = 1
    pace: float = 6.0
    minutes: float = 30.0
    time_scale: float = 900.0

    @property
    def many(self) -> int:
        """How many cases that makes."""
        return max(1, round(self.pace * self.minutes))


def cases(wanted: Wanted) -> list[Submission]:
    """The invented cases, the same for the same seed; the references say that they are the sandbox's."""
    drawn = draw_households(wanted.seed, int(wanted.many * WELL_FORMED) + 20, nik_province="99")
    good = [entry for entry in drawn if entry.malformed is None and entry.duplicate_of is None][: wanted.many]
    for number, entry in enumerate(good, 1):
        entry.referral["reference"] = f"SANDBOX-{wanted.seed}-{number}"
    return good


async def play(data: Path, wanted: Wanted, console: Console) -> int:
    """Run a sandbox below `data` until its time is over or somebody ends it; how many cases were referred."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    platform = Platform(data, wanted.time_scale, settings=fast_days())
    try:
        console.print(f"starting the platform in {platform.data} ...")
        await platform.start()
        return await _live(platform, wanted, console, stopping)
    finally:
        await platform.stop()


async def _live(platform: Platform, wanted: Wanted, console: Console, stopping: asyncio.Event) -> int:
    api, script, shelters = Api(platform.gateway), Script(), demo_shelters()
    workers = {who.name: who.subject for who in identities().values() if who.role == "peksos"}
    officers = Officers(api, script, [shelter["shelter_id"] for shelter in shelters], len(workers), early=False)
    invented = cases(wanted)
    for entry in invented:
        script.by_callback[str(entry.referral.get("callback", ""))] = story_of(entry)
    ends, sent = time.monotonic() + 60 * wanted.minutes, 0
    try:
        console.print(await _introduced(platform, wanted))
        await open_shop(api, shelters, workers)
        officers.start()
        for entry in invented:
            if stopping.is_set() or time.monotonic() > ends:
                break
            await _refer(api, wanted.agency, entry.referral)
            sent += 1
            await _wait(stopping, 60 / wanted.pace)
        await _wait(stopping, ends - time.monotonic())
    finally:
        await officers.stop()
        await api.close()
    console.print(f"{sent} cases were referred; the sandbox has ended")
    return sent


async def _refer(api: Api, agency: str, referral: dict[str, Any]) -> None:
    (await api.report(f"system-{agency}", referral)).raise_for_status()


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    """Wait for so long, or until somebody ends the sandbox."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), max(0.0, seconds))


async def _introduced(platform: Platform, wanted: Wanted) -> Table:
    """What a client needs, as the environment of the recipes."""
    table = Table("set", "to", title=f"A sandbox of {wanted.agency}: {wanted.many} invented cases, {wanted.minutes:g} minutes", title_justify="left")
    table.add_row("NAUNGAN_AGENCY", wanted.agency)
    table.add_row("NAUNGAN_URL", platform.gateway)
    table.add_row("NAUNGAN_NATS", platform.nats.url)
    table.add_row("NAUNGAN_PASSWORD", platform.secrets.passwords[wanted.agency])
    table.add_row("NAUNGAN_TOKEN", await platform.token(f"system-{wanted.agency}"))
    return table
