"""A stream that takes nothing keeps no other stream waiting."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from chassis.bus.relay import RefusedError, publish
from chassis.envelope import Emitted
from nats.errors import Error
from nats.js.errors import NotFoundError

from tests.chassis.conftest import start_toy
from tests.rig import Rig


def a_fact(stream: str, route: str) -> Emitted:
    return Emitted(uuid4(), "case.placement.waitlisted.v1", "placement", stream, route, uuid4(), datetime.now(UTC), 1, "", "", None, b"{}")


async def held(rig: Rig, stream: str) -> set[UUID]:
    js = rig.nats.jetstream()
    found: set[UUID] = set()
    for sequence in range(1, (await js.stream_info(stream)).state.last_seq + 1):
        try:
            found.add(UUID((await js.get_msg(stream, sequence)).headers["ce-id"]))
        except NotFoundError:
            continue
    return found


async def test_facts_of_other_streams_are_published_although_one_stream_is_away(rig: Rig) -> None:
    await rig.connect()
    await rig.nats.jetstream().delete_stream("AGENCIES")
    lost = [a_fact("AGENCIES", "agency.dppapp.opened.v1") for _ in range(2)]
    facts = [a_fact("CASES", "case.placement.waitlisted.v1") for _ in range(2)]
    assert await publish(rig.nats, [*lost, *facts]) == facts
    assert await held(rig, "CASES") == {fact.id for fact in facts}
    with pytest.raises((RefusedError, Error)):
        await publish(rig.nats, lost)


async def test_what_one_stream_took_is_confirmed_although_another_is_away(rig: Rig) -> None:
    await start_toy(rig)
    service = rig.services["placement"]
    assert service.relay is not None
    await rig.nats.jetstream().delete_stream("AGENCIES")
    lost, fact = a_fact("AGENCIES", "agency.dppapp.opened.v1"), a_fact("CASES", "case.placement.waitlisted.v1")
    for row in (lost, fact):
        await rig.sql(
            "placement",
            "INSERT INTO outbox (id, type, stream, route, subject, time, factversion, correlation, causation, body)"
            " VALUES (:id, :type, :stream, :route, :subject, now(), 1, '', '', '{}')",
            id=row.id,
            type=row.type,
            stream=row.stream,
            route=row.route,
            subject=row.subject,
        )
        await rig.sql("placement", "INSERT INTO outbox_pending (id) VALUES (:id)", id=row.id)
    service.relay.offer([lost, fact])

    async def confirmed() -> bool:
        return [row.id for row in await rig.sql("placement", "SELECT id FROM outbox_pending")] == [lost.id]

    await rig.until(confirmed)
    assert fact.id in await held(rig, "CASES")


async def test_what_a_crash_left_is_recovered_behind_any_number_of_facts_for_a_stream_that_is_away(rig: Rig) -> None:
    await start_toy(rig)
    await rig.nats.jetstream().delete_stream("AGENCIES")
    fact = uuid4()
    for stream, route, count, ago in (("AGENCIES", "agency.dppapp.opened.v1", 600, 60), ("CASES", "case.placement.waitlisted.v1", 1, 30)):
        await rig.sql(
            "placement",
            "WITH said AS (INSERT INTO outbox (id, type, stream, route, subject, time, factversion, correlation, causation, body)"
            " SELECT CASE WHEN :count = 1 THEN CAST(:fact AS uuid) ELSE gen_random_uuid() END, 'case.placement.waitlisted.v1', :stream, :route,"
            " gen_random_uuid(), now(), 1, '', '', '{}' FROM generate_series(1, :count) RETURNING id)"
            " INSERT INTO outbox_pending (id, since) SELECT id, now() - make_interval(secs => :ago) FROM said",
            stream=stream,
            route=route,
            count=count,
            ago=ago,
            fact=fact,
        )

    async def published() -> bool:
        return fact in await held(rig, "CASES")

    await rig.until(published)
