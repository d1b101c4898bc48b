"""Two replicas on one store, everybody at once, whatever the clock does: no bed or person twice, nobody apart, no hold lost, no dead end.

Each example is a town of its own; NAUNGAN_TOWN_EXAMPLES raises their number.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyFailure, FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test
from placement.domain import assign
from placement.domain.assign import Matching
from placement.finding import waiting

from tests.placement.steps import platform
from tests.placement.town import Town
from tests.rig import Rig

EXAMPLES = int(os.environ.get("NAUNGAN_TOWN_EXAMPLES", "4"))
STEPS = 16
# From so many examples on nearly everything that people may do was done.
MANY = 40


@pytest.fixture
def thinking(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nothing but a lone household is decided at once: rounds are decided by the solver's process while nothing is locked, and not in no time."""
    monkeypatch.setattr(assign, "AT_ONCE", 0)
    asked, chance = waiting.worker.matched, Random(1)

    async def matched(*task: Any) -> Matching | None:
        found = await asked(*task)
        await asyncio.sleep(chance.uniform(0, 0.2))
        return found

    monkeypatch.setattr(waiting.worker, "matched", matched)
    yield
    waiting.worker.stop()


@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("thinking")
async def test_two_replicas_give_no_bed_or_person_twice_part_nobody_and_lose_nobody(rig: Rig) -> None:
    await platform(rig, cleaning_minutes=1, batch=3)  # small batches, so that both have some
    doors = ("placement", await rig.replicate("placement"))
    decided = Counter[str]()
    for door in doors:
        _count_commits(rig, door, decided)
    loop, broken = asyncio.get_running_loop(), list[BaseException]()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        if broken:
            work.close()
            raise broken[0]
        try:
            return asyncio.run_coroutine_threadsafe(work, loop).result(120)
        except BaseException as error:
            broken.append(error)
            raise

    machine = type("Machine", (Town,), {"rig": rig, "run": staticmethod(run), "doors": doors, "seen": Counter[str]()})
    # Nothing is shrunk: what replicas do to each other does not come again at wish, and the first thing that broke is what is told.
    how = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=how)
    except (FlakyFailure, FlakyStrategyDefinition):
        if not broken:
            raise
    assert not broken, repr(broken[0])
    done = machine.seen
    assert set(decided) == set(doors), f"both decided: {decided}"
    assert all(done[step] for step in ("accept 200", "admit 200", "cancel 200", "accept 409", "/admissions 201")), f"people met each other: {done}"
    if EXAMPLES >= MANY:
        assert all(done[step] for step in ("transfer 201", "move 200", "by hand 201", "resume 200", "cleaned 200", "open 200", "no-show 200")), done


def _count_commits(rig: Rig, door: str, decided: Counter[str]) -> None:
    database = rig.services[door].database
    told = database.on_commit

    def committed(*arguments: Any) -> None:
        decided[door] += 1
        told(*arguments)

    database.on_commit = committed
