"""What is said arrives, once, whatever is lost, repeated or poisoned on the way."""

import asyncio
import json
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from chassis import Cause, Transaction
from chassis.bus import relay
from chassis.bus.reconcile import sight_of
from contracts.intake import Closed
from ops.processes import free_port

from tests.chassis import toy
from tests.chassis.conftest import a_triage, start_toy
from tests.faults.proxy import Wires
from tests.rig import Rig


async def stream_ids(rig: Rig) -> list[str]:
    """The ce-ids of the toy's facts in the stream, as often as they are there."""
    js = rig.nats.jetstream()
    info = await js.stream_info("CASES")
    found = []
    for sequence in range(max(1, info.state.first_seq), info.state.last_seq + 1):
        try:
            message = await js.get_msg("CASES", sequence)
        except Exception:
            continue
        if (message.headers or {}).get("ce-source") == "placement":
            found.append(message.headers["ce-id"])
    return found


async def test_a_fact_is_taken_answered_and_published(rig: Rig) -> None:
    await start_toy(rig)
    case = uuid4()
    await rig.say(a_triage(), subject=case)
    await rig.settle()
    facts = await rig.facts("placement")
    assert [(kind, subject) for kind, subject, _ in facts] == [("case.placement.waitlisted.v1", case)]
    assert len(await stream_ids(rig)) == 1


async def test_a_fact_said_twice_has_one_effect(rig: Rig) -> None:
    await start_toy(rig)
    case, identity = uuid4(), uuid4()
    for _ in range(3):
        await rig.say(a_triage(), subject=case, id=identity)
    await rig.settle()
    assert [row.n for row in await rig.sql("placement", "SELECT n FROM seen")] == [1]
    assert len(await rig.facts("placement")) == 1


async def test_many_facts_of_one_case_in_one_batch_each_count(rig: Rig) -> None:
    await start_toy(rig)
    case = uuid4()
    await asyncio.gather(*(rig.say(a_triage(), subject=case, factversion=n) for n in range(20)))
    await rig.settle()
    assert [row.n for row in await rig.sql("placement", "SELECT n FROM seen")] == [20]
    versions = await rig.sql("placement", "SELECT factversion FROM outbox ORDER BY factversion")
    assert [row.factversion for row in versions] == list(range(1, 21))


async def test_a_poison_message_is_set_aside_and_its_neighbours_proceed(rig: Rig) -> None:
    await start_toy(rig, message_attempts=2)
    poison, others = uuid4(), [uuid4() for _ in range(30)]
    toy.Poison.cases = {poison}
    await asyncio.gather(*(rig.say(a_triage(), subject=case) for case in [*others[:15], poison, *others[15:]]))
    await rig.settle()
    assert {subject for _, subject, _ in await rig.facts("placement")} == set(others)
    (letter,) = await rig.sql("placement", "SELECT * FROM dead_letter")
    assert letter.attempts == 2
    assert letter.set_aside_at is not None
    assert letter.reason.startswith("ValueError at toy.py:")
    assert "nobody may see" not in letter.reason


async def test_what_failed_once_and_went_through_leaves_no_letter(rig: Rig) -> None:
    await start_toy(rig)
    toy.Poison.cases = {ill := uuid4()}
    for case in (uuid4(), ill):  # the first tells the replica that nothing else has failed
        await rig.say(a_triage(), subject=case)

    async def failed() -> bool:
        return bool(await rig.sql("placement", "SELECT 1 FROM dead_letter"))

    await rig.until(failed)
    toy.Poison.cases = set()
    await rig.settle()
    assert [row.n for row in await rig.sql("placement", "SELECT n FROM seen WHERE case_id = :c", c=ill)] == [1]
    assert not await failed()


async def test_a_letter_that_is_set_aside_costs_the_others_nothing(rig: Rig) -> None:
    await start_toy(rig, message_attempts=1)
    toy.Poison.cases = {uuid4()}
    await rig.say(a_triage(), subject=next(iter(toy.Poison.cases)))
    await rig.say(a_triage(), subject=uuid4())
    await rig.settle()
    assert len(await rig.sql("placement", "SELECT 1 FROM dead_letter WHERE set_aside_at IS NOT NULL")) == 1
    assert not rig.services["placement"].letters.failing, "nobody looks for the letters of what never failed"


async def test_a_letter_driven_again_has_its_effect_once(rig: Rig) -> None:
    await start_toy(rig, message_attempts=1)
    poison = uuid4()
    toy.Poison.cases = {poison}
    await rig.say(a_triage(), subject=poison)
    await rig.settle()
    toy.Poison.cases = set()
    await rig.sql("placement", "UPDATE dead_letter SET redrive = true")

    async def gone() -> bool:
        return not await rig.sql("placement", "SELECT 1 FROM dead_letter")

    await rig.until(gone)
    assert [row.n for row in await rig.sql("placement", "SELECT n FROM seen")] == [1]


async def test_a_letter_that_fails_again_stays_set_aside(rig: Rig) -> None:
    await start_toy(rig, message_attempts=1)
    toy.Poison.cases = {poison := uuid4()}
    await rig.say(a_triage(), subject=poison)
    await rig.settle()
    await rig.sql("placement", "UPDATE dead_letter SET redrive = true")

    async def tried() -> bool:
        return bool(await rig.sql("placement", "SELECT 1 FROM dead_letter WHERE NOT redrive AND attempts = 2"))

    await rig.until(tried)
    assert await rig.sql("placement", "SELECT n FROM seen") == []


async def test_what_cannot_be_read_is_kept_with_field_and_rule(rig: Rig) -> None:
    await start_toy(rig)
    js = rig.nats.jetstream()
    headers = {"ce-id": str(uuid4()), "ce-subject": str(uuid4()), "ce-time": "2026-11-24T00:00:00Z", "ce-specversion": "1.0"}
    bad = json.loads(a_triage().model_dump_json()) | {"risk": "Siti Contoh"}
    await js.publish("case.intake.triaged.v1", json.dumps(bad).encode(), headers=headers | {"ce-type": "case.intake.triaged.v1"})
    await js.publish("case.intake.triaged.v1", b"{", headers=headers | {"ce-type": "case.intake.triaged.v1"})
    await js.publish("case.intake.closed.v1", b"{}", headers=headers | {"ce-type": "case.intake.closed.v9"})
    await rig.say(a_triage(), subject=uuid4())
    await rig.settle()
    reasons = {row.reason for row in await rig.sql("placement", "SELECT reason FROM dead_letter")}
    assert reasons == {"risk: enum", "body: json_invalid", "ce-type: unknown_type"}
    assert len(await rig.facts("placement")) == 1


async def test_a_newer_type_is_kept_for_a_newer_release(rig: Rig) -> None:
    await start_toy(rig)
    await rig.say(Closed(reason="needs_met"), subject=uuid4())  # the toy has no handler for it
    await rig.settle()
    (letter,) = await rig.sql("placement", "SELECT reason, set_aside_at FROM dead_letter")
    assert letter.reason == "ce-type: unknown_type"


async def test_what_the_release_before_could_not_read_is_taken_up_by_this_one(rig: Rig) -> None:
    await start_toy(rig)
    await rig.say(
        Closed(reason="needs_met"), subject=(case := uuid4())
    )  # the toy has no handler for it, as the release before has none for a new type
    await rig.settle()
    assert len(await rig.sql("placement", "SELECT 1 FROM dead_letter WHERE reason = 'ce-type: unknown_type'")) == 1
    statement = """UPDATE dead_letter SET headers = replace(headers, 'case.intake.closed.v1', 'case.intake.triaged.v1'),
        route = 'case.intake.triaged.v1', body = convert_to(:body, 'utf8')"""
    await rig.sql("placement", statement, body=a_triage().model_dump_json())

    async def taken() -> bool:
        return not await rig.sql("placement", "SELECT 1 FROM dead_letter")

    await rig.until(taken)
    assert [row.n for row in await rig.sql("placement", "SELECT n FROM seen WHERE case_id = :c", c=case)] == [1]


async def test_deleted_messages_come_back_under_their_ids_and_double_nothing(rig: Rig) -> None:
    await start_toy(rig)
    cases = [uuid4() for _ in range(6)]
    for case in cases:
        await rig.say(a_triage(), subject=case)
    await rig.settle()
    before = await stream_ids(rig)
    js = rig.nats.jetstream()
    for sequence in range(1, (await js.stream_info("CASES")).state.last_seq + 1, 2):
        await js.delete_msg("CASES", sequence)

    async def complete() -> bool:
        return set(await stream_ids(rig)) == set(before)

    await rig.until(complete)
    assert sorted(await stream_ids(rig)) == sorted(before)


async def test_a_stream_deleted_whole_comes_back_with_its_durables(rig: Rig) -> None:
    from ops.provision import provision

    await start_toy(rig)
    for _ in range(5):
        await rig.say(a_triage(), subject=uuid4())
    await rig.settle()
    before = await stream_ids(rig)
    await rig.nats.jetstream().delete_stream("CASES")
    await asyncio.sleep(0.5)
    await provision(rig.nats.jetstream(), [])

    async def complete() -> bool:
        return sorted(await stream_ids(rig)) == sorted(before)

    await rig.until(complete)
    await rig.say(a_triage(), subject=uuid4())
    await rig.settle()
    assert len(await rig.facts("placement")) == 6


async def test_facts_confirmed_by_a_stream_that_is_lost_come_back_although_they_were_pending_when_it_was_compared(rig: Rig) -> None:
    from ops.provision import provision

    await start_toy(rig)
    service, released = rig.services["placement"], asyncio.Event()
    delete = service.relay._delete

    async def delayed(ids: list[UUID]) -> None:
        await released.wait()
        await delete(ids)

    service.relay._delete, service.relay._mine = delayed, _Everything()
    for _ in range(3):
        await rig.say(a_triage(), subject=uuid4())

    async def published() -> bool:
        return len(await stream_ids(rig)) == 3

    await rig.until(published)
    before = await stream_ids(rig)
    await rig.nats.jetstream().delete_stream("CASES")
    await provision(rig.nats.jetstream(), [])
    created = (await sight_of(service.client, "CASES")).created

    async def compared() -> bool:
        seen = service.reconcile._seen.get("CASES")
        return seen is not None and seen.created == created

    await rig.until(compared)
    released.set()

    async def complete() -> bool:
        return sorted(await stream_ids(rig)) == sorted(before)

    await rig.until(complete)


class _Everything(set[UUID]):
    """Stands for what is in hand: recovery leaves all of it alone."""

    def __contains__(self, _identity: object) -> bool:
        return True


async def test_a_clock_fires_once_and_names_its_due_time(rig: Rig) -> None:
    await start_toy(rig)
    await rig.say(a_triage(), subject=(case := uuid4()))
    await rig.settle()
    await rig.advance(minutes=61)
    await rig.advance(minutes=61)
    kinds = [kind for kind, subject, _ in await rig.facts("placement") if subject == case]
    assert kinds == ["case.placement.waitlisted.v1", "case.placement.clock_missed.v1"]


async def test_what_takes_long_is_done_before_the_clock_is_claimed_and_keeps_no_other_clock_waiting(rig: Rig) -> None:
    toy.Thought.begun, toy.Thought.ended = asyncio.Event(), asyncio.Event()
    await start_toy(rig)
    await rig.say(a_triage(), subject=(case := uuid4()))
    await rig.settle()
    await set_clock(rig, "think", case)
    await asyncio.wait_for(toy.Thought.begun.wait(), 10)
    await set_clock(rig, "review", case)

    async def reviewed() -> bool:
        return "review" in await missed(rig)

    await rig.until(reviewed)
    (row,) = await rig.sql("placement", "SELECT count(*) AS n FROM clock WHERE kind = 'think'")
    assert row.n == 1, "not claimed while nothing is decided: a crash here loses nothing"
    toy.Thought.ended.set()
    await rig.settle()
    assert await missed(rig) == ["review", "found_1"]


async def test_of_clocks_that_take_long_few_are_taken_up_together(rig: Rig) -> None:
    toy.Thought.begun, toy.Thought.ended, toy.Thought.looked = asyncio.Event(), asyncio.Event(), []
    toy.Thought.ended.set()
    await start_toy(rig)
    await set_clock(rig, "think", *(uuid4() for _ in range(5)))
    await rig.settle()
    assert toy.Thought.looked == [2, 2, 1], "what was found for some is kept before others are looked at"
    assert len(await missed(rig)) == 5


async def set_clock(rig: Rig, kind: str, *cases: UUID) -> None:
    async def work(tx: Transaction) -> None:
        for case in cases:
            tx.set_clock(kind, case, tx.now, cause=Cause(f"test|{kind}", tx.now, kind))

    await rig.services["placement"].database.run(work)


async def missed(rig: Rig) -> list[str]:
    return [body["clock"] for kind, _, body in await rig.facts("placement") if kind == "case.placement.clock_missed.v1"]


async def test_what_a_dead_replica_left_is_published_by_another(rig: Rig) -> None:
    await start_toy(rig)
    service = rig.services["placement"]
    service.relay.offer = lambda _events: None  # as if the process had died between commit and publish
    await rig.say(a_triage(), subject=uuid4())
    await rig.settle()
    assert len(await stream_ids(rig)) == 1


async def test_what_was_left_while_the_clock_was_ahead_is_published_too(rig: Rig) -> None:
    await start_toy(rig)
    service = rig.services["placement"]
    service.relay.offer = lambda _events: None
    service.relay.recover = _nothing
    await rig.say(a_triage(), subject=uuid4())

    async def left() -> bool:
        return bool(await rig.sql("placement", "UPDATE outbox_pending SET since = now() + interval '1 hour' RETURNING id"))

    await rig.until(left)
    del service.relay.recover
    await rig.settle()
    assert len(await stream_ids(rig)) == 1


async def test_what_only_waits_its_turn_here_is_not_taken_for_what_a_crash_left(rig: Rig) -> None:
    await start_toy(rig, recover_seconds=600)
    relayed = rig.services["placement"].relay
    released = asyncio.Event()
    carry = relayed._carry

    async def when_released(events):
        await released.wait()
        return await carry(events)

    relayed._carry = when_released
    for _ in range(3):
        assert (await rig.post("placement", f"/cases/{uuid4()}", role="operator")).status_code == 201
    relayed._carry = carry
    assert len(relayed._queue) == 2, "one is on its way, and two wait behind it"
    assert await relayed.recover(0) == 0
    released.set()
    await rig.settle()
    assert len(await stream_ids(rig)) == 3


async def _nothing(_age: float) -> int:
    return 0


async def test_a_publication_whose_connection_breaks_is_not_waited_for(rig: Rig, monkeypatch) -> None:
    await rig.connect()
    server = urlsplit(rig.servers.nats)
    wires = Wires({"bus": (free_port(), server.port)})
    wires.start()
    try:
        await asyncio.sleep(0.5)
        monkeypatch.setattr(relay, "TIMEOUT", 600.0)
        await start_toy(rig, nats_url=f"nats://127.0.0.1:{wires.targets['bus'][0]}", recover_seconds=600)
        wires.set(["bus"], deaf=True)
        await asyncio.sleep(0.5)
        assert (await rig.post("placement", f"/cases/{uuid4()}", role="operator")).status_code == 201

        async def on_its_way() -> bool:
            return bool(rig.services["placement"].relay._mine)

        await rig.until(on_its_way)
        wires.heal()
        await rig.settle()
        assert len(await stream_ids(rig)) == 1
    finally:
        wires.stop()


async def test_ids_follow_from_the_cause(rig: Rig) -> None:
    await start_toy(rig)
    identity = uuid4()
    case = UUID(int=7 << 64)
    await rig.say(a_triage(), subject=case, id=identity)
    await rig.settle()
    (row,) = await rig.sql("placement", "SELECT id, time FROM outbox")
    assert row.id.version == 8
    assert abs((row.id.int >> 80) / 1000 - row.time.timestamp()) < 60


async def test_a_code_that_the_release_before_did_not_know_is_taken_up_by_the_one_that_does(rig: Rig) -> None:
    await start_toy(rig)
    headers = {"ce-id": str(uuid4()), "ce-subject": str(case := uuid4()), "ce-time": "2026-11-24T00:00:00Z", "ce-specversion": "1.0"}
    newer = json.loads(a_triage().model_dump_json()) | {"risk": "extreme"}
    await rig.publish("case.intake.triaged.v1", json.dumps(newer).encode(), headers | {"ce-type": "case.intake.triaged.v1"})
    (consumer,) = [one for one in rig.services["placement"].consumers if one.durable.endswith("main") and one.stream == "CASES"]

    async def looked_at() -> bool:
        return bool(consumer._looked_at)

    await rig.until(looked_at)
    assert [row.reason for row in await rig.sql("placement", "SELECT reason FROM dead_letter")] == ["risk: enum"], "this release cannot read it"
    # The next one can: here the body becomes what it knows, and its process has looked at nothing yet.
    await rig.sql("placement", "UPDATE dead_letter SET body = convert_to(:body, 'utf8')", body=a_triage().model_dump_json())
    consumer._looked_at.clear()

    async def taken() -> bool:
        return not await rig.sql("placement", "SELECT 1 FROM dead_letter")

    await rig.until(taken)
    assert [row.n for row in await rig.sql("placement", "SELECT n FROM seen WHERE case_id = :c", c=case)] == [1]
