"""A store that was put back starts closed, takes up what the streams hold and it lost, and opens by itself; what fails alone is listed."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from chassis import Service, Transaction
from chassis.bus.recovery import Lost, Unlearnt, Unsaid
from contracts.placement import ClockMissed, Waitlisted
from prometheus_client import REGISTRY
from sqlalchemy import text

from tests.chassis import toy
from tests.chassis.conftest import a_triage, start_toy
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)

S = "placement"
SAYS = {Waitlisted.type: Waitlisted, ClockMissed.type: ClockMissed}
FORGET = (
    "DELETE FROM outbox WHERE subject = ANY(CAST(:cases AS uuid[]))",
    "DELETE FROM inbox WHERE subject = ANY(CAST(:cases AS uuid[]))",
    "DELETE FROM seen WHERE case_id = ANY(CAST(:cases AS uuid[]))",
    "DELETE FROM clock WHERE subject = ANY(CAST(:cases AS uuid[]))",
    "UPDATE anchor SET factversion = 0 WHERE subject = ANY(CAST(:cases AS uuid[]))",
    "INSERT INTO outbox_pending (id) SELECT id FROM outbox",
)
RESTORED = text("UPDATE store_epoch SET lost_epoch = epoch, epoch = epoch + 1, state = 'restored'")


class Learner:
    """A relearn function that remembers what it was given, and fails for some cases."""

    def __init__(self, poison: Sequence[UUID] = (), away: int = 0) -> None:
        self.poison, self.away, self.calls, self.own = set(poison), away, 0, list[UUID]()

    async def __call__(self, lost: Lost, tx: Transaction) -> list[Unlearnt]:
        self.calls += 1
        if self.away:
            self.away -= 1
            message = "the network is away"
            raise OSError(message)
        cases = [event.subject for event in lost.own]
        if self.poison & set(cases):
            message = "a value nobody may see"
            raise ValueError(message)
        await tx.execute(toy.COUNT, {"cases": cases})
        self.pending = (await tx.rows(text("SELECT count(*) AS n FROM outbox_pending")))[0].n
        self.own += cases
        return [Unlearnt(event, "review_at") for event in lost.own]


async def lose(rig: Rig, cases: Sequence[UUID]) -> None:
    """Stop the toy and take these cases out of its store, as a restore would."""
    service = rig.services[S]
    await service.stop()
    async with service.database.engine.begin() as connection:
        for statement in FORGET:
            await connection.execute(text(statement), {"cases": list(cases)} if ":cases" in statement else {})
        await connection.execute(RESTORED)
    await service.database.close()


def again(rig: Rig, relearn: Any, says: Any = None) -> Service:
    service = toy.build(rig.services[S].settings, relearn=relearn, says=SAYS if says is None else says)
    rig.services[S] = service
    rig.clients[S] = httpx.AsyncClient(transport=httpx.ASGITransport(service.app(), raise_app_exceptions=False), base_url="http://test")
    return service


async def recovered(rig: Rig, relearn: Any, says: Any = None) -> None:
    await again(rig, relearn, says).start()
    await rig.until(rig._bound)
    await rig.settle()


async def triaged(rig: Rig, count: int) -> list[UUID]:
    cases = [uuid4() for _ in range(count)]
    for case in cases:
        await rig.say(a_triage(), subject=case)
    await rig.settle()
    return cases


async def missing(rig: Rig) -> dict[UUID, str]:
    return {row.subject: row.missing for row in await rig.sql(S, "SELECT subject, missing FROM recovery_task")}


async def test_lost_facts_are_put_back_learnt_and_never_said_again(rig: Rig) -> None:
    await start_toy(rig)
    kept, lost = await triaged(rig, 3), await triaged(rig, 4)
    before = {row.id for row in await rig.sql(S, "SELECT id FROM outbox")}
    js = rig.nats.jetstream()
    stored = (await js.stream_info("CASES")).state.messages
    await lose(rig, lost)
    learner = Learner()
    await recovered(rig, learner)
    assert sorted(learner.own) == sorted(lost)
    assert {row.id for row in await rig.sql(S, "SELECT id FROM outbox")} >= before
    assert await missing(rig) == dict.fromkeys(lost, "review_at")
    assert learner.pending == 0, "what the stream holds is confirmed, whatever the backup remembers: it is not published again"
    versions = {row.subject: row.factversion for row in await rig.sql(S, "SELECT subject, factversion FROM anchor")}
    # The triage was taken through the inbox once more: the toy answers it with a fact of the new epoch, after the lost one.
    assert [versions[case] for case in lost] == [2] * len(lost)
    assert [versions[case] for case in kept] == [1] * len(kept)
    assert (await js.stream_info("CASES")).state.messages == stored + len(lost)
    assert (await rig.sql(S, "SELECT count(DISTINCT id) FROM outbox"))[0].count == len(before) + len(lost)


async def test_a_matter_that_fails_by_itself_is_listed_and_its_neighbours_are_learnt(rig: Rig) -> None:
    await start_toy(rig)
    cases = await triaged(rig, 7)
    await lose(rig, cases)
    learner = Learner(poison=[cases[2], cases[5]])
    await recovered(rig, learner)
    assert sorted(learner.own) == sorted(set(cases) - learner.poison)
    listed = await missing(rig)
    assert {case for case, code in listed.items() if code == "not_applied:ValueError"} == learner.poison

    async def told() -> bool:
        return REGISTRY.get_sample_value("naungan_recovery_tasks", {"service": S}) == len(listed)

    await rig.until(told)
    assert (await rig.sql(S, "SELECT count(DISTINCT subject) FROM outbox"))[0].count == len(cases), "they are in the outbox all the same"


async def test_an_event_whose_handler_fails_is_set_aside_and_the_store_opens(rig: Rig) -> None:
    await start_toy(rig)
    cases = await triaged(rig, 5)
    await lose(rig, cases)
    toy.Poison.cases = {cases[1]}
    await recovered(rig, Learner())
    letters = await rig.sql(S, "SELECT reason, set_aside_at IS NOT NULL AS aside FROM dead_letter")
    assert [(row.reason, row.aside) for row in letters] == [("ValueError in recovery", True)]
    taken = {row.subject for row in await rig.sql(S, "SELECT subject FROM inbox")}
    assert taken == set(cases) - {cases[1]}


async def test_a_recovery_that_the_infrastructure_stopped_is_done_again(rig: Rig) -> None:
    await start_toy(rig)
    cases = await triaged(rig, 2)
    await lose(rig, cases)
    learner = Learner(away=2)
    await recovered(rig, learner)
    assert (learner.calls, sorted(learner.own)) == (3, sorted(cases))


async def test_of_several_replicas_one_recovers_and_all_serve(rig: Rig) -> None:
    await start_toy(rig)
    cases = await triaged(rig, 3)
    await lose(rig, cases)
    learner = Learner()
    first = again(rig, learner)
    second = toy.build(first.settings, relearn=learner, says=SAYS)
    await asyncio.gather(first.start(), second.start())
    try:

        async def both_open() -> bool:
            return not first.database.closed and not second.database.closed

        await rig.until(both_open)
        assert (learner.calls, sorted(learner.own)) == (1, sorted(cases))
        await rig.settle()
    finally:
        await second.stop()


async def test_a_fact_of_a_type_that_is_not_known_is_put_back_and_listed(rig: Rig) -> None:
    await start_toy(rig)
    cases = await triaged(rig, 2)
    await lose(rig, cases)
    await recovered(rig, Learner(), says={ClockMissed.type: ClockMissed})
    assert await missing(rig) == dict.fromkeys(cases, "unknown_type")
    assert (await rig.sql(S, "SELECT count(*) FROM outbox"))[0].count == 2 * len(cases)


async def test_a_closed_store_refuses_and_a_service_that_learns_nothing_lists_everything(rig: Rig) -> None:
    await start_toy(rig)
    cases = await triaged(rig, 2)
    await lose(rig, cases)
    service = again(rig, None)
    service.database.closed = True
    answer = await rig.post(S, f"/cases/{uuid4()}", json={}, role="operator")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert (await rig.get(S, f"/cases/{uuid4()}", role="operator")).status_code == 503
    await service.start()
    await rig.until(rig._bound)
    assert await missing(rig) == dict.fromkeys(cases, "not_relearnt")
    assert (await rig.post(S, f"/cases/{uuid4()}", json={}, role="operator")).status_code == 201


async def test_what_no_fact_holds_is_listed_once_after_each_restore_even_if_nothing_was_lost(rig: Rig) -> None:
    await start_toy(rig)
    house = uuid4()

    async def untold(_tx: Transaction) -> list[Unsaid]:
        return [Unsaid(house, "inventory")]

    for restores in (1, 2):
        await lose(rig, [])
        service = toy.build(rig.services[S].settings, untold=untold, says=SAYS)
        rig.services[S] = service
        await service.start()
        await rig.until(rig._bound)
        await rig.settle()
        listed = await rig.sql(S, "SELECT type, subject, missing FROM recovery_task")
        assert [tuple(row) for row in listed] == [("store_restored", house, "inventory")] * restores
