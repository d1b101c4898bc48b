"""The round of the waiting list: decided by the solver's process while nothing is locked, and looked at again when it is written."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis import Transaction
from contracts.grounds import EndReason
from contracts.intake import Closed
from contracts.vocabulary import Channel, Risk
from placement import store
from placement.domain import assign, rounds
from placement.domain.assign import Matching
from placement.domain.homes import Home
from placement.domain.people import Household
from placement.domain.seen import listed_of
from placement.finding import matching, timing, waiting
from placement.store import line

from tests.placement.builders import a_member, a_room_body, a_shelter_body, a_snapshot, a_triage
from tests.placement.invariants import MUST_BE_EMPTY
from tests.placement.steps import ask, beds_in_use, offer, one_bed, platform, said, state
from tests.rig import Rig

Asked = Callable[[Sequence[Home], Sequence[Household], float], Awaitable[Matching | None]]


@pytest.fixture(autouse=True)
def solving(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nothing but a lone household is decided at once."""
    monkeypatch.setattr(assign, "AT_ONCE", 0)
    yield
    waiting.worker.stop()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> "Watched":
    found = Watched(waiting.worker.matched)
    monkeypatch.setattr(waiting.worker, "matched", found.matched, raising=True)
    return found


class Watched:
    """The solver's process, with something in between: `answered` are its answers, `meanwhile` is done before the next is handed over."""

    def __init__(self, asked: Asked) -> None:
        self.asked, self.answered = asked, list[Matching | None]()
        self.meanwhile: list[Callable[[], Awaitable[None]]] = []

    async def matched(self, homes: Sequence[Home], households: Sequence[Household], seconds: float) -> Matching | None:
        found = await self.asked(homes, households, seconds)
        if self.meanwhile:
            await self.meanwhile.pop(0)()
        self.answered.append(found)
        return found


async def a_full_house(rig: Rig) -> tuple[UUID, dict[str, Any]]:
    """A shelter with one bed, which somebody holds; who, and her offer."""
    await platform(rig, one_bed())
    holder = await ask(rig, risk=Risk.HIGH)
    return holder, await offer(rig, holder)


async def give_back(rig: Rig, placement: dict[str, Any]) -> None:
    answer = await rig.post("placement", f"/placements/{placement['placement_id']}/cancel", json={"reason": "survivor_declined"}, role="supervisor")
    assert answer.status_code == 200, answer.text


async def test_a_free_bed_goes_to_the_riskiest_of_those_who_wait(rig: Rig, watched: Watched) -> None:
    _, placement = await a_full_house(rig)
    low, high, medium = [await ask(rig, risk=risk) for risk in (Risk.LOW, Risk.HIGH, Risk.MEDIUM)]
    await give_back(rig, placement)
    await rig.settle()
    assert [await state(rig, case_id) for case_id in (low, high, medium)] == ["waiting", "offered", "waiting"]
    assert any(found is not None and found.proven for found in watched.answered)


async def test_somebody_riskier_who_comes_while_the_solver_works_gets_the_bed(rig: Rig, watched: Watched) -> None:
    _, placement = await a_full_house(rig)
    first, second, late = await ask(rig, risk=Risk.LOW), await ask(rig, risk=Risk.LOW), uuid4()
    watched.answered.clear()

    async def comes() -> None:
        await rig.say(a_triage(risk=Risk.HIGH), subject=late)
        await rig.until(lambda: known(rig, late))

    watched.meanwhile.append(comes)
    await give_back(rig, placement)
    await rig.settle()
    assert [await state(rig, case_id) for case_id in (first, second, late)] == ["waiting", "waiting", "offered"]


async def known(rig: Rig, case_id: UUID) -> bool:
    return bool(await rig.sql("placement", "SELECT 1 FROM need WHERE case_id = :case_id", case_id=case_id))


async def test_beds_that_others_took_meanwhile_are_not_offered_and_who_hoped_for_them_waits(rig: Rig, watched: Watched) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    placement = await offer(rig, await ask(rig, risk=Risk.HIGH))
    first, second = await ask(rig), await ask(rig)
    body = {"shelter_id": shelter["shelter_id"], "brought_by": "dinsos", "area": "31.71.01", "persons": [{"sex": "female", "agreement": "own"}]}

    async def somebody_at_the_door() -> None:
        assert (await rig.post("placement", "/admissions", json=body, role="placement_officer")).status_code == 201

    watched.meanwhile.append(somebody_at_the_door)
    await give_back(rig, placement)
    await rig.settle()
    assert [await state(rig, case_id) for case_id in (first, second)] == ["waiting", "waiting"]
    assert await beds_in_use(rig) == 1


async def test_who_is_withdrawn_meanwhile_is_offered_nothing_and_the_next_one_is(rig: Rig, watched: Watched) -> None:
    _, placement = await a_full_house(rig)
    first, second, third = [await ask(rig) for _ in range(3)]

    async def over() -> None:
        await rig.say(Closed(reason=EndReason.NEEDS_MET), subject=first, factversion=2)

        async def ended() -> bool:
            return await state(rig, first) == "ended"

        await rig.until(ended)

    watched.meanwhile.append(over)
    await give_back(rig, placement)
    await rig.settle()
    assert [await state(rig, case_id) for case_id in (first, second, third)] == ["ended", "offered", "waiting"]


async def test_answers_that_never_hold_end_in_a_decision_one_by_one(rig: Rig, watched: Watched) -> None:
    _, placement = await a_full_house(rig)
    low = [await ask(rig, risk=Risk.LOW) for _ in range(2)]
    late = [uuid4() for _ in range(waiting.MOST_TURNS + 1)]

    def comes(case_id: UUID) -> Callable[[], Awaitable[None]]:
        async def one() -> None:
            await rig.say(a_triage(risk=Risk.HIGH), subject=case_id)
            await rig.until(lambda: known(rig, case_id))

        return one

    watched.meanwhile += [comes(case_id) for case_id in late]
    await give_back(rig, placement)
    await rig.settle()
    states = [await state(rig, case_id) for case_id in (*low, *late)]
    assert sorted(states) == ["offered"] + ["waiting"] * (len(states) - 1)
    assert states[len(low) :].count("offered") == 1, "one of the riskiest"


async def test_a_solver_that_dies_costs_nobody_her_bed(rig: Rig, watched: Watched) -> None:
    _, placement = await a_full_house(rig)
    first, second = await ask(rig), await ask(rig)

    async def killed(*_: Any) -> Matching | None:
        process = waiting.worker._running()
        process.kill()
        return await watched.asked(*_)

    watched.matched = killed  # type: ignore[method-assign]
    waiting.worker.matched = killed  # type: ignore[method-assign]
    await give_back(rig, placement)
    await rig.settle()
    assert [await state(rig, case_id) for case_id in (first, second)] == ["offered", "waiting"]


async def test_a_service_that_stops_while_the_solver_works_leaves_the_round_to_another(rig: Rig, watched: Watched) -> None:
    _, placement = await a_full_house(rig)
    first, second = await ask(rig), await ask(rig)
    stuck = asyncio.Event()

    async def never() -> None:
        stuck.set()
        await asyncio.sleep(3600)

    watched.meanwhile.append(never)
    await give_back(rig, placement)
    await asyncio.wait_for(stuck.wait(), 20)
    service = rig.services["placement"]
    await service.stop()
    again = rig.add("placement", service.settings)
    await again.start()
    await rig.until(rig._bound)
    await rig.settle()
    assert [await state(rig, case_id) for case_id in (first, second)] == ["offered", "waiting"]


async def test_what_a_round_reads_of_who_waits_is_what_the_store_knows_of_her(rig: Rig) -> None:
    await platform(rig, one_bed(sexes=["male"], boys_max_age=None), probing_areas=1)
    child = a_member("male", 9, "child", ("infant",))
    household = a_snapshot(a_member("female", 31, "victim", ("wheelchair", "interpreter")), child)
    told = {"household": household, "keep_apart": (uuid4(), uuid4()), "perpetrator_areas": ("31.71.01", "31.72.01"), "risk": Risk.HIGH}
    cases = [await ask(rig, **told, channel=Channel.HOSPITAL), await ask(rig, medical_gate=True, shelter_grounds=())]
    ids = [str(uuid4()) for _ in range(2)]
    await rig.sql("placement", "UPDATE need SET declined = ARRAY[CAST(:a AS uuid)], not_now = ARRAY[CAST(:b AS uuid)]", a=ids[0], b=ids[1])
    group, person = uuid4(), str(child.person_id)
    await rig.sql(
        "placement",
        """INSERT INTO need SELECT (jsonb_populate_record(need, jsonb_build_object('case_id', CAST(:group AS text), 'part_of', case_id,
            'apart', jsonb_build_array(CAST(:person AS text)), 'kept_from', jsonb_build_array(CAST(:other AS text))))).* FROM need WHERE case_id = :case""",
        group=str(group),
        person=person,
        other=ids[0],
        case=cases[0],
    )
    cases.append(group)

    async def both(tx: Transaction) -> list[tuple[Household, Household]]:
        needs = await store.needs(tx, cases)
        rows = await line.listed(tx)
        read = {row.case_id: listed_of(row.told, timing.limits(tx), tx.now) for row in rows}
        assert all(entry.told for entry in read.values())
        return [(read[case_id].household, matching.household_of(tx, needs[case_id])) for case_id in cases]

    pairs = await rig.services["placement"].database.run(both)
    assert pairs[0][0].withheld
    assert [(str(entry.id), pairs[2][0].part_of) for entry in pairs[2][0].persons] == [(person, cases[0])], "of a group those in it"
    for read, known in pairs:
        assert read == known


async def test_a_list_longer_than_a_block_goes_on_in_the_rounds_that_follow(rig: Rig, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BLOCK", 2)
    await platform(rig)
    large = await ask(rig, risk=Risk.HIGH, household=a_snapshot(a_member(), a_member("female", 4, "child")))
    low, high, medium = [[await ask(rig, risk=risk) for _ in range(2)] for risk in (Risk.LOW, Risk.HIGH, Risk.MEDIUM)]
    watched.answered.clear()
    shelter = a_shelter_body(*[a_room_body(1, name=name) for name in "ABCDE"])
    await rig.post("placement", "/shelters", json=shelter, role="operator")
    await rig.settle()
    assert [await state(rig, case_id) for case_id in (*high, *medium, *low)] == ["offered"] * 5 + ["waiting"]
    assert await state(rig, large) == "waiting", "and it hid no bed from anybody"
    offered = await rig.sql("placement", "SELECT case_id FROM placement ORDER BY offered_at, id")
    assert {row.case_id for row in offered[:2]} == set(high), "the riskiest came first"
    assert len(watched.answered) > 2
    (need,) = await rig.sql("placement", "SELECT reasons FROM need WHERE case_id = :c", c=low[1])
    assert [(reason["rule"], reason["fact"]) for reason in need.reasons] == [("P1", "not_enough_beds")], "and she is told why"


async def test_who_waits_for_the_same_reasons_is_not_written_again(rig: Rig, watched: Watched) -> None:
    _, placement = await a_full_house(rig)
    cases = [await ask(rig) for _ in range(4)]
    before = await rig.sql("placement", "SELECT case_id, xmin::text FROM need WHERE case_id = ANY(:cases) ORDER BY case_id", cases=cases)
    await give_back(rig, placement)
    await rig.settle()
    after = await rig.sql("placement", "SELECT case_id, xmin::text FROM need WHERE case_id = ANY(:cases) ORDER BY case_id", cases=cases)
    assert sum(one != two for one, two in zip(before, after, strict=True)) == 1, "only who was offered the bed"
    (kept,) = await rig.sql("placement", "SELECT together_with FROM decision WHERE case_id = :c ORDER BY made_at DESC LIMIT 1", c=cases[0])
    assert kept.together_with == []


async def test_a_home_that_changes_between_the_look_and_the_lock_is_looked_at_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = one_bed(name="Panti A"), one_bed(name="Panti B", kind="panti_transit")
    await platform(rig, first, second)
    seen, looks = matching._as_seen, list[bool]()
    body = {"shelter_id": first["shelter_id"], "brought_by": "dinsos", "area": "31.71.01", "persons": [{"sex": "female", "agreement": "own"}]}

    async def with_somebody_at_the_door(*_: Any) -> bool:
        if not looks:
            looks.append(True)
            assert (await rig.post("placement", "/admissions", json=body, role="placement_officer")).status_code == 201
        looks.append(await seen(*_))
        return looks[-1]

    monkeypatch.setattr(matching, "_as_seen", with_somebody_at_the_door)
    case_id = await ask(rig)
    assert looks == [True, False, True]
    assert (await offer(rig, case_id))["shelter_id"] == second["shelter_id"]
    assert await beds_in_use(rig) == 2


async def test_who_begins_to_wait_while_a_bed_becomes_free_is_not_missed_by_its_round(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    _, placement = await a_full_house(rig)
    settle, decided, go_on = matching.settle, asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **more: Any) -> Any:
        decided.set()
        await go_on.wait()
        return await settle(*args, **more)

    monkeypatch.setattr(matching, "settle", slow)
    late = uuid4()
    await rig.say(a_triage(), subject=late)
    await asyncio.wait_for(decided.wait(), 20)
    await give_back(rig, placement)
    question = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    async def round_stands_in_line() -> bool:
        return bool(await rig.sql("placement", question))

    await rig.until(round_stands_in_line)
    go_on.set()
    await rig.settle()
    assert await state(rig, late) == "offered"


async def test_two_replicas_decide_on_the_same_round_and_one_writes_it(rig: Rig, watched: Watched) -> None:
    rooms = [a_room_body(1, name=name) for name in "ABCD"]
    await platform(rig, a_shelter_body(*rooms))
    first = rig.services["placement"]
    other = rig.add("placement", first.settings)
    rig.services["second"] = first
    await other.start()
    await rig.until(rig._bound)
    cases = [uuid4() for _ in range(12)]
    await asyncio.gather(*(rig.say(a_triage(household=a_snapshot(a_member())), subject=case_id) for case_id in cases))

    async def all_said() -> bool:
        return all([await said(rig, case_id) for case_id in cases])

    await rig.until(all_said)
    words = [await said(rig, case_id) for case_id in cases]
    assert sorted(words) == [["offered"]] * 4 + [["waitlisted"]] * 8, "each is told once, whoever decided"
    assert await beds_in_use(rig) == 4
    letters = await rig.sql("placement", "SELECT 1 FROM dead_letter")
    assert not letters, "a conflict is decided again"
    rig.services.pop("second")
    await first.stop()


async def test_rounds_of_two_replicas_meet_each_other_and_offers_by_hand_and_are_decided_again(
    rig: Rig, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelters = [one_bed() for _ in range(4)]
    await platform(rig, *shelters)
    doors = ("placement", await rig.replicate("placement"))
    holders = [await offer(rig, await ask(rig, risk=Risk.HIGH)) for _ in shelters]
    waits = [await ask(rig, risk=Risk.LOW) for _ in range(8)]
    turns, by_hand = list[int](), list[int]()
    look = timing.turn_of
    watched.answered.clear()

    async def a_person_is_quicker() -> None:
        # The last of the list are offered beds that the answer, which is not written yet, gives to the first.
        case_id, shelter = waits.pop(), shelters[len(by_hand)]
        body = {"shelter_id": shelter["shelter_id"], "reason": "safety"}
        answer = await rig.post(doors[len(by_hand) % 2], f"/needs/{case_id}/offer", json=body, role="placement_officer")
        by_hand.append(answer.status_code)

    def turn_of(due: Any) -> int:
        turns.append(look(due))
        return turns[-1]

    watched.meanwhile += [a_person_is_quicker] * 2
    monkeypatch.setattr(timing, "turn_of", turn_of)
    back = {"reason": "survivor_declined"}
    sent = [rig.post(doors[n % 2], f"/placements/{h['placement_id']}/cancel", json=back, role="supervisor") for n, h in enumerate(holders)]
    assert [answer.status_code for answer in await asyncio.gather(*sent)] == [200] * 4
    await rig.settle()
    assert 201 in by_hand, "somebody was quicker"
    assert max(turns) > 0, "an answer that did not hold is decided again"
    assert await beds_in_use(rig) == 4
    for what, statement in MUST_BE_EMPTY.items():
        assert await rig.sql("placement", statement) == [], what
