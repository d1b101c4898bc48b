"""A round of the waiting list in the middle of which somebody dies: the bed is given once, to who comes first, and nobody is without a clock."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from contracts.vocabulary import Risk
from placement.domain import assign
from placement.finding import waiting, worker

from tests.placement.builders import a_member, a_room_body, a_shelter_body, a_snapshot
from tests.placement.invariants import MUST_BE_EMPTY
from tests.placement.round_process import POINTS
from tests.placement.steps import ask, offer, platform, said, state
from tests.restore.loss import agrees_with_the_streams
from tests.rig import Rig

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def solving(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nothing but a lone household is decided at once."""
    monkeypatch.setattr(assign, "AT_ONCE", 0)
    yield
    waiting.worker.stop()


async def a_round_to_come(rig: Rig) -> list[UUID]:
    """A house whose three beds were given back, a round that is due and that nobody took up, and who waits for it, the first of the list first."""
    await platform(rig, a_shelter_body(a_room_body(3)))
    three = a_snapshot(a_member(), a_member("female", 9, "child"), a_member("female", 8, "child"))
    placement = await offer(rig, await ask(rig, household=three, risk=Risk.HIGH))
    alone = [await ask(rig, household=a_snapshot(a_member()), risk=Risk.LOW) for _ in range(2)]
    first = await ask(rig, household=a_snapshot(a_member(), a_member("female", 9, "child")), risk=Risk.HIGH)
    service = rig.services["placement"]
    service.clocks.stop()
    body = {"reason": "survivor_declined"}
    answer = await rig.post("placement", f"/placements/{placement['placement_id']}/cancel", json=body, role="supervisor")
    assert answer.status_code == 200, answer.text
    await service.stop()
    return [first, *alone]


def environment(rig: Rig, point: str) -> dict[str, str]:
    """What a process of placement is told in this test."""
    settings = rig.services["placement"].settings
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "KEYS_URL": settings.keys_url.get_secret_value(),
        "KEY_FILE": str(settings.key_file),
        "NATS_URL": settings.nats_url,
        "NATS_USER": settings.nats_user,
        "NATS_PASSWORD": "test",
        "ISSUER": settings.issuer,
        "JWKS_URL": settings.jwks_url,
        "PORT": str(port),
    }
    named = {f"PLACEMENT_{name}": value for name, value in told.items()}
    return {**os.environ, **named, "ROUND_DIES_AT": point, "SOLVER_PID": str(rig.folder / "solver")}


async def killed(rig: Rig, point: str) -> None:
    """A process takes the round up and dies at this point, and the solver's process with it."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.placement.round_process", env=environment(rig, point))
    try:
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL, "the point was not reached"
    finally:
        if process.returncode is None:
            process.kill()
    solver = int((rig.folder / "solver").read_text())

    async def solver_is_gone() -> bool:
        return not runs(solver)

    await rig.until(solver_is_gone)


def runs(pid: int) -> bool:
    """Whether a process runs; one that nobody asked for its end does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


async def begin_again(rig: Rig) -> None:
    """A new process of placement, in this one."""
    await rig.add("placement", rig.services["placement"].settings).start()
    await rig.until(rig._bound)
    await rig.settle()


async def all_is_well(rig: Rig, cases: list[UUID]) -> None:
    """The first of the list and one of the others have the beds, the last one waits, each was told once, and what always holds does."""
    first, second, last = cases
    assert [await state(rig, case_id) for case_id in cases] == ["offered", "offered", "waiting"]
    assert [await said(rig, case_id) for case_id in (first, second)] == [["waitlisted", "offered"]] * 2
    assert await said(rig, last) == ["waitlisted"]
    for what, statement in MUST_BE_EMPTY.items():
        assert await rig.sql("placement", statement) == [], what
    await agrees_with_the_streams(rig, "placement")


@pytest.mark.parametrize("point", POINTS)
async def test_a_round_whose_process_is_killed_is_decided_once_by_the_next(rig: Rig, point: str) -> None:
    cases = await a_round_to_come(rig)
    await killed(rig, point)
    states = [row.state for row in await rig.sql("placement", "SELECT state FROM need WHERE case_id = ANY(:cases)", cases=cases)]
    due = len(await rig.sql("placement", "SELECT 1 FROM clock WHERE kind = 'match' AND due <= clock_timestamp()"))
    if point == "after_commit_before_publish":
        assert (sorted(states), due) == (["offered", "offered", "waiting"], 0)
        assert await rig.sql("placement", "SELECT 1 FROM outbox_pending"), "written, and not yet said"
    else:
        assert (set(states), due > 0) == ({"waiting"}, True), "nothing is written, and the round is still due"
    await begin_again(rig)
    await all_is_well(rig, cases)


async def test_a_round_whose_solver_is_killed_while_it_thinks_is_decided_all_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = await a_round_to_come(rig)
    read, dead = worker.read, list[int]()

    def killed_first(pipe: Any) -> bytes:
        process = waiting.worker._process
        if not dead and process is not None:
            dead.append(process.pid)
            process.kill()
            process.wait()
        return read(pipe)

    monkeypatch.setattr(worker, "read", killed_first)
    await begin_again(rig)
    assert dead, "the solver was asked"
    await all_is_well(rig, cases)


async def test_a_replica_writes_its_answer_to_a_round_in_which_another_one_was_killed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = await a_round_to_come(rig)
    asked, other_is_dead = waiting.worker.matched, asyncio.Event()

    async def matched(*task: Any) -> Any:
        found = await asked(*task)
        await other_is_dead.wait()
        return found

    monkeypatch.setattr(waiting.worker, "matched", matched)
    await rig.add("placement", rig.services["placement"].settings).start()
    await killed(rig, "before_commit")
    other_is_dead.set()
    await rig.until(rig._bound)
    await rig.settle()
    await all_is_well(rig, cases)
