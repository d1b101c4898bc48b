"""Concurrent requests of one route share a transaction, and nothing else: each has its own key, answer and failure."""

import asyncio
from uuid import uuid4

from tests.chassis import toy
from tests.chassis.conftest import start_toy


async def ask(rig, case, key=None, **more):
    return await rig.post("placement", "/seen", json={"case_id": str(case), **more}, role="operator", key=key or uuid4().hex)


async def test_requests_that_come_together_are_committed_together_and_answered_each(rig):
    await start_toy(rig)
    cases = [uuid4() for _ in range(30)]
    answers = await asyncio.gather(*(ask(rig, case) for case in cases))
    assert [answer.status_code for answer in answers] == [201] * 30
    assert [answer.json()["case_id"] for answer in answers] == [str(case) for case in cases]
    assert len({answer.json()["id"] for answer in answers}) == 30
    (count,) = await rig.sql("placement", "SELECT count(DISTINCT xmin::text) AS n FROM seen")
    assert count.n < 30
    assert (await ask(rig, uuid4())).status_code == 201


async def test_fifty_identical_requests_at_once_happen_once(rig):
    await start_toy(rig)
    case = uuid4()
    answers = await asyncio.gather(*(ask(rig, case, key="k1") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    await rig.settle()
    assert len(await rig.facts("placement")) == 1


async def test_a_key_that_was_used_for_something_else_is_refused_and_its_neighbours_are_not(rig):
    await start_toy(rig)
    await ask(rig, uuid4(), key="k1")
    answers = await asyncio.gather(ask(rig, uuid4()), ask(rig, uuid4(), key="k1"), ask(rig, uuid4()))
    assert [answer.status_code for answer in answers] == [201, 422, 201]


async def test_a_refused_request_changes_nothing_keeps_no_key_and_hurts_nobody(rig):
    await start_toy(rig)
    known = uuid4()
    await ask(rig, known)
    others = [uuid4() for _ in range(5)]
    answers = await asyncio.gather(*(ask(rig, case) for case in others), ask(rig, known, key="k2"))
    assert [answer.status_code for answer in answers] == [201] * 5 + [409]
    assert answers[-1].json()["state"] == "seen"
    assert await rig.sql("placement", "SELECT 1 FROM request WHERE key = 'k2'") == []


async def test_a_request_that_fails_by_its_own_fault_fails_alone(rig):
    await start_toy(rig)
    cases = [uuid4() for _ in range(12)]
    toy.Poison.cases = {cases[5]}
    answers = await asyncio.gather(*(ask(rig, case) for case in cases))
    assert [answer.status_code for answer in answers] == [500 if case == cases[5] else 201 for case in cases]
    assert len(await rig.sql("placement", "SELECT 1 FROM seen")) == 11
    toy.Poison.cases = set()
    assert (await ask(rig, cases[5])).status_code == 201


async def test_role_and_key_are_asked_of_each(rig):
    await start_toy(rig)
    assert (await rig.post("placement", "/seen", json={"case_id": str(uuid4())}, role="peksos")).status_code == 403
    headers = {"Authorization": f"Bearer {rig.issuer.token('operator', 'dinsos')}"}
    assert (await rig.clients["placement"].post("/seen", json={"case_id": str(uuid4())}, headers=headers)).status_code == 400
