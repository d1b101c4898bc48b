"""What one agency floods costs the others nothing, and is taken in full, once: two replicas, one of them killed meanwhile.

The suite's form is short; `NAUNGAN_FLOOD_REFERRALS=10000` is the promise (docs/operations.md).
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
from functools import partial
from time import monotonic
from typing import Any

import asyncpg
import pytest

from tests.intake.builders import a_body
from tests.rig import Rig

FLOOD = int(os.environ.get("NAUNGAN_FLOOD_REFERRALS", "300"))
OTHERS = 20 if FLOOD < 10_000 else 60
# The promise, measured in the long form alone: others wait a small part of what the flood itself waits. In the short form its end comes too soon to compare.
LONG, MOST = 10_000, 0.02


class Heard:
    """When each reference was acknowledged by the broker, and when its receipt came."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.sent: dict[str, float] = {}
        self.at: dict[str, float] = {}

    async def listen(self) -> None:
        async def note(message: Any) -> None:
            self.at.setdefault(json.loads(message.data)["reference"], monotonic())

        await self.rig.nats.subscribe("receipt.>", cb=note)

    async def send_some(self, prefix: str) -> list[float]:
        """What the other agency sends, one after the other, and how long each waited for its receipt."""
        names = [f"{prefix}-{number}" for number in range(OTHERS)]
        for name in names:
            await self.rig.publish("referral.polda-ppa.submitted.v1", a_body(reference=name))
            self.sent[name] = monotonic()
            await asyncio.sleep(0.1)

        async def all_heard() -> bool:
            return all(name in self.at for name in names)

        await self.rig.until(all_heard)
        return [self.at[name] - self.sent[name] for name in names]

    def taken(self, prefix: str) -> int:
        return sum(name.startswith(prefix) for name in self.at)


class Replica:
    """Intake as a process, of which nothing is asked but to run."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "intake"], env=environment)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


async def told(rig: Rig) -> tuple[dict[str, str], str]:
    """What a replica is told, on a store of this test's own; and that store."""
    await rig.connect()
    store, keys = await rig.templates.copy("intake"), await rig.templates.empty()
    settings = rig.settings("intake", store, keys)
    names = ("key_file", "nats_url", "nats_user", "issuer", "jwks_url")
    known = {name: str(getattr(settings, name)) for name in names} | {"database_url": store, "keys_url": keys, "nats_password": "test", "port": "0"}
    return {**os.environ, "INTAKE_LOG_LEVEL": "error", **{f"INTAKE_{name.upper()}": value for name, value in known.items()}}, store


async def nothing_waits(rig: Rig) -> bool:
    return (await rig.nats.jetstream().stream_info("REFERRALS")).state.messages == 0


@pytest.mark.servers
@pytest.mark.timeout(180 + FLOOD // 10)
async def test_a_flood_of_one_agency_costs_the_others_nothing_and_is_taken_once(rig: Rig) -> None:
    environment, store = await told(rig)
    replicas = [Replica(environment), Replica(environment)]
    flooding = None
    try:
        heard = Heard(rig)
        await heard.listen()
        await heard.send_some("warm")
        quiet = await heard.send_some("quiet")
        names = {"FLOOD": str(FLOOD), "NATS_URL": rig.servers.nats, "NATS_USER": f"T{rig.account}"}
        began = monotonic()
        flooding = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.intake.flood_process", env=os.environ | names)

        async def begun() -> bool:
            return heard.taken("flood") > 0

        await rig.until(begun)
        meanwhile = await heard.send_some("meanwhile")
        left = FLOOD - heard.taken("flood")
        replicas.pop().kill()
        assert await flooding.wait() == 0

        async def all_taken() -> bool:
            return heard.taken("flood") == FLOOD

        await rig.until(all_taken, patience=60 + FLOOD / 20)
        took = monotonic() - began
        await rig.until(partial(nothing_waits, rig))  # a receipt is heard before the message behind it is acknowledged
    finally:
        for replica in replicas:
            replica.kill()
        if flooding is not None and flooding.returncode is None:
            flooding.kill()
    figures = {
        f"{name} p{at}": 1000 * statistics.quantiles(waits, n=20)[at // 5 - 1]
        for name, waits in (("quiet", quiet), ("meanwhile", meanwhile))
        for at in (50, 95)
    }
    shown = ", ".join(f"{name} {value:.0f} ms" for name, value in figures.items())
    print(f"{shown}; {left} of {FLOOD} were still to come then; {FLOOD / took:.0f} a second, {took:.0f} s in all")
    assert left > FLOOD / 10, "it ended before the others were done: this showed nothing"
    assert FLOOD < LONG or figures["meanwhile p95"] < 1000 * took * MOST
    # Whoever listens may hear one twice, when its sayer is killed before it knows that it was said: the stream keeps it once.
    assert (await rig.nats.jetstream().stream_info("RECEIPTS")).state.messages == FLOOD + 3 * OTHERS
    admin = await asyncpg.connect(store)
    try:
        assert await admin.fetchval("SELECT count(*) FROM case_file") == FLOOD + 3 * OTHERS
        assert await admin.fetchval("SELECT count(*) FROM dead_letter") == 0
    finally:
        await admin.close()
