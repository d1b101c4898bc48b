"""`naungan demo`: about 200 households drawn from Jakarta's published figures, and the people who help them, on real parts.

Everything goes through the public doors: agencies' systems over NATS, officers over HTTP through the gateway. Only the scenes that break
something on purpose (a killed process, a wiped broker) need the embedded platform, and are left out against a deployment.
"""

import asyncio
import contextlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx
import nats.errors
import structlog
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ops import demo_checks, demo_scenes
from ops.demo_actors import Officers, Script, open_shop
from ops.demo_checks import Findings, Sent, readable
from ops.demo_scenes import Stage
from ops.demo_wire import AgencySystem, Api
from ops.identities import identities
from ops.platform import AGENCIES, Platform
from ops.population import Submission, draw_households
from ops.seed import demo_shelters

# A second is a quarter of an hour. Follow-ups are months away, so their days run faster still: a second is five of them.
TIME_SCALE = 900.0
DAYS_FASTER = 480.0
FOLLOWUP_DAYS = (14, 30, 90, 180)
FOLLOWUP_DAYS_HIGH_RISK = (7, 14, 21, 28, 90, 180)
GRACE_DAYS, AFTER_UNSAFE_DAYS = 60, 14
BUDGET = 150.0
SENDING = 15.0
OFFICER_OF = {"dppapp": "desk-dppapp", "dinsos": "desk-dinsos"}


def fast_days() -> dict[str, str]:
    """Assessment's settings in days, so that half a year takes half a minute."""

    def fast(days: Iterable[float]) -> str:
        return json.dumps([day / DAYS_FASTER for day in days])

    return {
        "ASSESSMENT_FOLLOWUP_DAYS": fast(FOLLOWUP_DAYS),
        "ASSESSMENT_FOLLOWUP_DAYS_HIGH_RISK": fast(FOLLOWUP_DAYS_HIGH_RISK),
        "ASSESSMENT_GRACE_DAYS": str(GRACE_DAYS / DAYS_FASTER),
        "ASSESSMENT_AFTER_UNSAFE_DAYS": str(AFTER_UNSAFE_DAYS / DAYS_FASTER),
    }


def run(data: Path, *, seed: int = 1, households: int = 200, against: str | None = None, console: Console | None = None) -> int:
    """Play the demo below `data`, or against the gateway of a deployment that was started as a demo; the exit code: 0, 1 or 2 (refused)."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    screen = console or Console()
    demo = Demo(screen, seed, households)
    return asyncio.run(demo.against(against) if against else demo.embedded(data))


class Demo:
    """One play of the demo."""

    def __init__(self, console: Console, seed: int, households: int) -> None:
        self.console, self.seed, self.households = console, seed, households
        self.sent: list[Sent] = []
        self.started = time.monotonic()
        self.stage: Stage | None = None
        self._live: Live | None = None

    async def embedded(self, data: Path) -> int:
        """Start a platform of its own in a new folder below `data`, play, stop it, and search what it left behind."""
        folder = data / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        platform = Platform(folder, TIME_SCALE, settings=fast_days())
        journal = folder / "demo.json"
        findings = Findings()
        self.console.print(f"starting Postgres, NATS and four services in {folder} ...")
        try:
            await platform.start()
            passwords = {agency: platform.secrets.passwords[agency] for agency in AGENCIES}
            findings = await self._play(platform.gateway, platform.nats.url, passwords, platform)
            journal.write_text(json.dumps({"stories": self.stage.script.stories if self.stage else {}}))
        finally:
            await platform.stop()
        folder = platform.data
        stores = [folder, *([] if folder in platform.postgres.data.parents else [platform.postgres.data])]
        found = await asyncio.to_thread(demo_checks.canary_found, stores, journal)
        assert self.stage is not None  # noqa: S101 - it was played
        where = f"in {len(found)} files: {', '.join(found[:3])}" if found else "in no log, no stream and no database file"
        self.stage.tell(
            demo_scenes.CANARY, f"its desk reads it in {self.stage.script.canaries} cases; name, phone, NIK and address stand {where}", held=not found
        )
        findings.check("nothing of the canary stands anywhere in the clear", found)
        code = self._verdict(findings)
        if code == 0:
            for store in stores:
                await asyncio.to_thread(shutil.rmtree, store, ignore_errors=True)
        else:
            self.console.print(f"logs and data stay in {folder}")
        return code

    async def against(self, gateway: str) -> int:
        """Play against a deployment, if it was started as a demo."""
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            try:
                answer = await client.get(f"{gateway.rstrip('/')}/issuer/.well-known/openid-configuration")
                is_demo = answer.is_success and answer.json().get("naungan_demo") is True
                passwords = (await client.get(f"{gateway.rstrip('/')}/issuer/nats-passwords")).json() if is_demo else {}
            except (httpx.HTTPError, ValueError) as error:
                self.console.print(f"[red]refused:[/] {gateway} does not answer as a gateway ({type(error).__name__})")
                return 2
        if not is_demo:
            self.console.print(f"[red]refused:[/] {gateway} was not started as a demo, and invented households do not belong there")
            return 2
        address = urlsplit(gateway)
        url = f"{'wss' if address.scheme == 'https' else 'ws'}://{address.netloc}/nats"
        findings = await self._play(gateway, url, passwords, None)
        assert self.stage is not None  # noqa: S101 - it was played
        self.stage.leave_out(demo_scenes.CANARY, "the files of a deployment are not here to be searched")
        return self._verdict(findings)

    # -- the play -----------------------------------------------------------------------------------------------------------------------

    async def _play(self, gateway: str, nats_url: str, passwords: dict[str, str], platform: Platform | None) -> Findings:
        api, script, mark = Api(gateway), Script(), f"{int(time.time()) % 1_000_000_000}"
        systems = {agency: AgencySystem(agency, nats_url, password) for agency, password in passwords.items() if agency in AGENCIES}
        shelters = demo_shelters()
        stage = self.stage = Stage(api, script, systems, self.console.print, mark, platform, shelters)
        workers = {who.name: who.subject for who in identities().values() if who.role == "peksos"}
        officers = Officers(api, script, [shelter["shelter_id"] for shelter in shelters], len(workers), early=platform is None)
        self.console.print(
            f"ready after {time.monotonic() - self.started:.0f} s; {len(shelters)} shelters and {len(workers)} social workers register"
        )
        try:
            await open_shop(api, shelters, workers)
            script.before = await self._older_cases(api)
            await self._connected(api, systems)
            officers.start()
            with Live(get_renderable=self._progress, console=self.console, refresh_per_second=2, transient=True) as self._live:
                await self._acts(stage)
            await officers.stop()
            await asyncio.sleep(1)
            findings = await demo_checks.check(stage, self.sent)
            await demo_checks.report(self.console, stage, TIME_SCALE if platform else 1)
            self.console.print(
                f"{api.calls} requests of officers; {sum(s.resent for s in systems.values())} referrals sent again for want of a receipt"
            )
            if officers.failures:
                self.console.print(f"{len(officers.failures)} requests lost meanwhile: {Counter(officers.failures).most_common(3)}")
            return findings
        finally:
            await officers.stop()
            await asyncio.gather(*(system.stop() for system in systems.values()))
            await api.close()

    async def _connected(self, api: Api, systems: dict[str, AgencySystem]) -> None:
        """Connect the agencies' systems; where that cannot be, they use HTTP, and it is said so."""
        try:
            if any(system.over_websocket for system in systems.values()):
                _require_websocket(await api.raw("/nats"))
            async with asyncio.timeout(20):
                await asyncio.gather(*(system.start() for system in systems.values()))
        except (OSError, nats.errors.Error, TimeoutError, ImportError) as error:
            self.console.print(f"[yellow]NATS cannot be reached ({type(error).__name__}): the agencies' systems use HTTP[/]")
            await asyncio.gather(*(system.stop() for system in systems.values()))
            systems.clear()

    async def _older_cases(self, api: Api) -> frozenset[str]:
        """Cases of an earlier demo, which this one leaves alone."""
        found = [line["case_id"] for desk in OFFICER_OF.values() for line in await api.get(desk, "/intake/cases", limit=500) or []]
        return frozenset(found)

    async def _acts(self, stage: Stage) -> None:
        """All that happens, in its order."""
        deadline = time.monotonic() + BUDGET
        first = 1 if stage.platform else int(time.time()) % 1_000_000
        drawn = draw_households(self.seed, self.households, first_number=first, nik_province="99")
        for entry in drawn:
            stage.script.by_callback[str(entry.referral.get("callback", ""))] = story_of(entry)
        if stage.agencies:
            await demo_scenes.killed_intake(stage)
            await demo_scenes.refer_households(stage, self._refer_over_nats)
            await demo_scenes.denied(stage)
        else:
            stage.leave_out(1, "it is played over NATS")
            stage.leave_out(2, "it is played over NATS")
            await demo_scenes.refer_households(stage, self._refer_over_http)
        await demo_scenes.at_the_door(stage)
        following = [asyncio.create_task(demo_scenes.follow_to_the_end(stage, number)) for number in demo_scenes.FOLLOWED]
        await self._send_all(stage, drawn)
        await demo_scenes.until(lambda: not any(system.without_receipt() for system in stage.agencies.values()), 30)
        await demo_scenes.wiped_broker(stage)
        await self._until_ended(stage, deadline)
        for number, task in zip(demo_scenes.FOLLOWED, following, strict=True):
            if not task.done():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(task, 3)
            if not task.done() or task.cancelled():
                await demo_scenes.judge(stage, number)
        systems = stage.agencies.values()
        await demo_scenes.until(lambda: all(len(s.receipts.get(None, [])) >= s.nameless for s in systems), 10)

    async def _refer_over_nats(self, referral: dict[str, Any]) -> None:
        assert self.stage is not None  # noqa: S101 - it is being played
        await self.stage.agencies["dppapp"].refer(referral)

    async def _refer_over_http(self, referral: dict[str, Any]) -> None:
        assert self.stage is not None  # noqa: S101 - it is being played
        answer = (await self.stage.api.report("system-dppapp", referral)).raise_for_status().json()
        self.sent.append(Sent("dppapp", referral["reference"], "http", None, answer["receipt"], answer["follow_id"]))

    async def _until_ended(self, stage: Stage, deadline: float) -> None:
        """Until every case has ended and nothing has changed for a while, or the time is over."""
        quiet = time.monotonic()
        count = -1
        while time.monotonic() < deadline:
            if stage.script.open or len(stage.script.lines) != count:
                count, quiet = len(stage.script.lines), time.monotonic()
            if time.monotonic() - quiet > 3:  # noqa: PLR2004 - seconds
                return
            await asyncio.sleep(0.5)

    async def _send_all(self, stage: Stage, drawn: list[Submission]) -> None:
        """The households of the draw, evenly over a few seconds; repetitions come over either door."""
        rng = Random(self.seed)  # noqa: S311 - a script, not a secret
        waiting = [
            asyncio.create_task(self._send(stage, entry, self._door(stage, entry, rng), SENDING * n / len(drawn))) for n, entry in enumerate(drawn)
        ]
        await asyncio.gather(*waiting)

    def _door(self, stage: Stage, entry: Submission, rng: Random) -> str:
        if not stage.agencies:
            return "http"
        if entry.duplicate_of is not None and readable(entry.referral.get("reference")) and rng.random() < 0.5:  # noqa: PLR2004 - a coin
            return "http" if entry.door == "nats" else "nats"
        return entry.door

    async def _send(self, stage: Stage, entry: Submission, door: str, after: float) -> None:
        await asyncio.sleep(after)
        reference = entry.referral.get("reference")
        sent = Sent(entry.agency, reference if readable(reference) else None, door, entry.malformed)
        self.sent.append(sent)
        if door == "nats":
            await stage.agencies[entry.agency].refer(entry.referral)
            return
        who = OFFICER_OF.get(entry.agency, f"system-{entry.agency}")
        answer = await stage.api.report(who, entry.referral)
        body = answer.json() if answer.headers.get("content-type", "").startswith("application/json") else {}
        sent.answer = body.get("receipt") or ("rejected" if answer.status_code == 422 else str(answer.status_code))  # noqa: PLR2004
        sent.follow_id = body.get("follow_id")

    # -- what is shown --------------------------------------------------------------------------------------------------------------------

    def _progress(self) -> Group:
        """The live display: where all cases are now."""
        stage = self.stage
        if stage is None:
            return Group(Text(""))
        states = Counter(line["state"] for line in stage.script.lines.values())
        table = Table.grid(padding=(0, 2))
        for state, count in sorted(states.items(), key=lambda entry: -entry[1]):
            table.add_row(f"{count:4d}", state, "█" * max(1, count // 4))
        receipts = sum(len(found) for system in stage.agencies.values() for found in system.receipts.values())
        line = f"{time.monotonic() - self.started:4.0f} s  {len(self.sent)} sent, {receipts} receipts over NATS, {len(stage.script.open)} cases open"
        return Group(Text(line, style="bold"), table)

    def _verdict(self, findings: Findings) -> int:
        """Say what held and what did not; the exit code."""
        for words in findings.held:
            self.console.print(f"[green]holds[/]  {words}")
        for words in findings.broken:
            self.console.print(f"[red]BROKEN[/] {words}", soft_wrap=True)
        took = time.monotonic() - self.started
        self.console.print(f"[bold]{'every invariant holds' if not findings.broken else 'NOT every invariant holds'}[/], after {took:.0f} s")
        return 1 if findings.broken else 0


def _require_websocket(answer: httpx.Response) -> None:
    """Raise when the gateway has no NATS behind it: a client would try in vain until its patience ends."""
    if answer.status_code not in {400, 426}:  # what nats-server tells who does not ask for a WebSocket
        raise ConnectionRefusedError


def story_of(entry: Submission) -> str:
    """How the officers carry a household on; those who refuse do it in different places."""
    sheltered = bool((entry.referral.get("screen") or {}).get("shelter_needed"))
    if entry.story == "refuses" and not sheltered:
        return "street_refuses" if entry.kind == "street" else "withdraws"
    return entry.story
