"""A service's reading is looked after: lag is shown, a deaf consumer begins again, and what was acknowledged and lost is taken up."""

from uuid import uuid4

from prometheus_client import REGISTRY

from tests.chassis import toy
from tests.chassis.conftest import a_triage, start_toy
from tests.rig import Rig


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"service": "placement", **labels})


async def seen(rig: Rig) -> list[int]:
    return [row.n for row in await rig.sql("placement", "SELECT n FROM seen")]


async def forget(rig: Rig, among: str) -> None:
    """Let the store be an older one, in which these cases' facts were not taken yet; what it said of them it has not said."""
    for table, column in (("seen", "case_id"), ("outbox", "subject"), ("clock", "subject"), ("inbox", "subject")):
        await rig.sql("placement", f"DELETE FROM {table} WHERE {column} IN ({among})")


async def test_a_store_that_was_put_back_takes_up_what_it_has_forgotten(rig: Rig) -> None:
    await start_toy(rig)
    for _ in range(7):
        await rig.say(a_triage(), subject=uuid4())
    await rig.settle()
    events = {row.event_id for row in await rig.sql("placement", "SELECT event_id FROM inbox")}
    await rig.sql("placement", "CREATE TABLE older AS SELECT * FROM inbox LIMIT 3")
    await forget(rig, "SELECT subject FROM inbox EXCEPT SELECT subject FROM older")
    await rig.sql("placement", "TRUNCATE inbox")
    await rig.sql("placement", "INSERT INTO inbox SELECT * FROM older")

    async def complete() -> bool:
        return await seen(rig) == [1] * 7

    await rig.until(complete)
    assert {row.event_id for row in await rig.sql("placement", "SELECT event_id FROM inbox")} == events


async def test_single_rows_that_vanished_are_taken_up_once_something_happened(rig: Rig) -> None:
    await start_toy(rig)
    lost = uuid4()
    for case in (lost, uuid4()):
        await rig.say(a_triage(), subject=case)
    await rig.settle()
    await forget(rig, f"SELECT CAST('{lost}' AS uuid)")
    assert await seen(rig) == [1]
    rig.services["placement"].watch.forget()

    async def complete() -> bool:
        return await seen(rig) == [1, 1]

    await rig.until(complete)
    assert await rig.sql("placement", "SELECT 1 FROM dead_letter") == []


async def test_what_was_set_aside_is_not_taken_up_and_what_fails_then_is_set_aside(rig: Rig) -> None:
    await start_toy(rig, message_attempts=1)
    aside, lost, other = uuid4(), uuid4(), uuid4()
    toy.Poison.cases = {aside}
    for case in (aside, lost, other):
        await rig.say(a_triage(), subject=case)
    await rig.settle()
    toy.Poison.cases = {lost}
    await forget(rig, "SELECT subject FROM inbox")
    rig.services["placement"].watch.forget()

    async def complete() -> bool:
        return len(await rig.sql("placement", "SELECT 1 FROM dead_letter WHERE set_aside_at IS NOT NULL")) == 2

    await rig.until(complete)

    async def taken() -> bool:
        return [row.case_id for row in await rig.sql("placement", "SELECT case_id FROM seen")] == [other]

    await rig.until(taken)
    assert [row.subject for row in await rig.sql("placement", "SELECT subject FROM inbox")] == [other]


async def test_a_deaf_consumer_begins_again(rig: Rig) -> None:
    await start_toy(rig)
    service = rig.services["placement"]
    await rig.say(a_triage(), subject=uuid4())
    await rig.settle()
    for consumer in service.consumers:
        # As if the server had forgotten the subscription: the pull's own requests go on, and nothing comes back.
        await consumer.pull._subscription.unsubscribe()
    service.watch.deaf_after = 0.5
    assert service.watch.deaf == []
    await rig.say(a_triage(), subject=uuid4())

    async def heard() -> bool:
        return len(await seen(rig)) == 2

    await rig.until(heard)
    assert set(service.watch.deaf) <= {f"{one.stream}/{one.durable}" for one in service.consumers}
    assert service.watch.deaf, "an operator sees which it was"


async def test_a_deaf_consumer_to_which_all_was_delivered_begins_again(rig: Rig) -> None:
    await start_toy(rig)
    service = rig.services["placement"]
    await rig.say(a_triage(), subject=uuid4())
    await rig.settle()
    assert service.client is not None
    for consumer in service.consumers:
        # As if the client had forgotten the subscription: the server goes on delivering, and nobody takes it.
        del service.client._subs[consumer.pull._subscription._id]
    service.watch.deaf_after = 0.5
    await rig.say(a_triage(), subject=uuid4())

    async def heard() -> bool:
        return len(await seen(rig)) == 2

    await rig.until(heard)


async def test_lag_and_the_age_of_what_is_not_published_are_shown(rig: Rig) -> None:
    await start_toy(rig)
    service = rig.services["placement"]
    for consumer in service.consumers:
        consumer.stop()
    for _ in range(3):
        await rig.say(a_triage(), subject=uuid4())

    async def lags() -> bool:
        return gauge("naungan_consumer_lag", stream="CASES", durable="placement-main") == 3

    await rig.until(lags)
    await rig.sql("placement", "INSERT INTO outbox_pending VALUES (gen_random_uuid(), now() - interval '90 seconds')")

    async def old() -> bool:
        return (gauge("naungan_outbox_oldest_seconds") or 0) >= 90

    await rig.until(old)
