"""Two replicas that die at every point where something could be lost or doubled: one row for each recipient of each event, once and for all."""

import asyncio
import os
import signal
import socket
import sys
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts import intake, placement

from tests.notifications.events import reported, triaged
from tests.rig import Rig

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]
S = "notifications"
POINTS = ("before_commit", "after_commit_before_ack")
BOSS = UUID(int=701)
ROWS = "SELECT source, recipient, kind, merged_into IS NULL AS head FROM notice ORDER BY source, recipient"


def environment(rig: Rig, point: str | None) -> dict[str, str]:
    settings = rig.services[S].settings
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {
        "DATABASE_URL": settings.database_url.get_secret_value(), "KEYS_URL": settings.keys_url.get_secret_value(),
        "KEY_FILE": str(settings.key_file), "NATS_URL": settings.nats_url, "NATS_USER": settings.nats_user, "NATS_PASSWORD": "test",
        "ISSUER": settings.issuer, "JWKS_URL": settings.jwks_url, "PORT": str(port), "MERGE_MINUTES": "10000000", "LOG_LEVEL": "error",
    }  # fmt: skip
    named = {f"NOTIFICATIONS_{name}": value for name, value in told.items()}
    armed = {"NAUNGAN_CRASH_AT": point, "NAUNGAN_CRASH_ONCE_THERE_IS": str(rig.folder / "now")} if point else {}
    return {**os.environ, **named, **armed}


async def replica(rig: Rig, point: str | None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", S, env=environment(rig, point))


async def say(rig: Rig, cases: list[UUID], said: dict[UUID, tuple[Any, UUID, int]]) -> None:
    """A report, a triage, a yes and a new risk for each case; said again under the same ids when they were said before."""
    for case in cases:
        facts = [
            (reported(), 1), (triaged(), 2), (triaged(intake.RiskChanged), 3),
            (placement.Accepted(placement_id=uuid4(), shelter_id=uuid4(), arrive_by="2030-01-01T00:00:00Z"), 4),
        ]  # fmt: skip
        for fact, version in facts:
            identity = uuid4()
            said[identity] = (fact, case, version)
            await rig.say(fact, subject=case, id=identity, factversion=version)


async def test_one_row_for_each_recipient_of_each_event_across_replicas_kills_and_replays(rig: Rig) -> None:
    await rig.start(S, merge_minutes=10_000_000)
    body = {"kinds": ["placement.accepted", "intake.risk_changed"]}
    assert (await rig.put(S, "/preferences", role="supervisor", subject=BOSS, if_match="0", json=body)).status_code == 200
    await rig.services[S].stop()
    said: dict[UUID, tuple[Any, UUID, int]] = {}
    cases = [uuid4() for _ in range(6)]
    for number, point in enumerate(POINTS):
        (rig.folder / "now").touch()
        await say(rig, cases[3 * number : 3 * number + 3], said)
        dying = [await replica(rig, point) for _ in range(2)]
        ended = await asyncio.wait_for(asyncio.gather(*(process.wait() for process in dying)), 90)
        assert set(ended) == {-signal.SIGKILL}, f"{point} was not reached by both"
        (rig.folder / "now").unlink()
    await rig.add(S, rig.services[S].settings).start()
    other = await rig.replicate(S)
    await rig.settle()
    rows = await rig.sql(S, ROWS)
    for case in cases:
        told = {(row.kind, row.recipient) for row in rows if said[UUID(row.source)][1] == case}
        assert {recipient for kind, recipient in told if kind == "placement.accepted"} == {"intake_officer@case", f"officer:{BOSS}"}
        assert {recipient for kind, recipient in told if kind == "intake.risk_changed"} == {"intake_officer@dinsos", f"officer:{BOSS}"}
    assert len(rows) == len({(row.source, row.recipient) for row in rows}) == 6 * len(cases)
    assert all(row.head for row in rows)
    await rig.sql(S, "DELETE FROM inbox")  # as if the inbox had forgotten what it took
    for identity, (fact, case, version) in said.items():
        await rig.say(fact, subject=case, id=identity, factversion=version)
    await rig.settle()
    assert await rig.sql(S, ROWS) == rows, "a replay tells nobody again"
    assert rig.services[other].alive
