"""What a service knows from others is made again from the stream: compared, and put right, while everything else goes on."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.rebuild import Comparison, Difference, Rebuilt, ShadowError, compare, rebuild
from contracts import golden, streams
from contracts.catalogue import read_by
from contracts.event import Event
from contracts.placement import AvailabilityChanged
from ops.rebuild import replayable

from tests.flows import people
from tests.flows.people import ALL
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
EFFECTS = {
    "intake": ("outbox", "clock", "submission", "follow", "desk_task", "person"),
    "placement": ("outbox", "clock", "placement", "stay", "agreement"),
    "assessment": ("outbox", "clock", "assignment", "plan", "completion"),
    "notifications": ("outbox", "clock", "notice", "delivery"),
}


def url_of(rig: Rig, service: str) -> str:
    return rig.services[service].settings.database_url.get_secret_value()


async def compared(rig: Rig, service: str) -> Comparison:
    return await compare(replayable(service, url_of(rig, service)), rig.nats)


async def rebuilt(rig: Rig, service: str) -> Rebuilt:
    return await rebuild(replayable(service, url_of(rig, service)), rig.nats)


async def rows(rig: Rig, service: str, table: str) -> list[Any]:
    return sorted(tuple(row) for row in await rig.sql(service, f"SELECT t::text FROM {table} t"))


async def clocks(rig: Rig, service: str) -> list[Any]:
    """What a service waits for, without the ids, which name who set it; and without the look at availability at every quarter of an
    hour, which may fall into any test."""
    return sorted(tuple(row) for row in await rig.sql(service, "SELECT kind, subject, key, due FROM clock WHERE kind <> 'availability'"))


async def effects(rig: Rig, service: str) -> dict[str, list[Any]]:
    """What a service did, row by row, and what it waits for."""
    found = {table: await rows(rig, service, table) for table in EFFECTS[service] if table != "clock"}
    return found | {"clock": await clocks(rig, service)}


async def shadows(rig: Rig, service: str) -> list[str]:
    return [row.nspname for row in await rig.sql(service, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'shadow%'")]


async def lived(rig: Rig) -> tuple[UUID, UUID, UUID]:
    """Three cases on their way: one sheltered and planned for, one whose offer nobody answered yet, one let in at the door."""
    shelters = [people.a_shelter(), people.a_shelter(), people.a_shelter(kind="panti_transit", beds=2)]
    await people.platform(rig, *shelters)
    sheltered = await people.refer(rig, people.a_referral("B-1", shelter=True, risk="high"))
    await people.admit(rig, await people.offer_of(rig, sheltered), sheltered)
    await people.assess_and_plan(rig, sheltered, "reunification")
    offered = await people.refer(rig, people.a_referral("B-2", shelter=True))
    person = {"sex": "female", "age": 45, "role": "victim", "needs": [], "agreement": "own"}
    body = {"shelter_id": shelters[2]["shelter_id"], "brought_by": "polda-ppa", "area": "31.73.01", "ppks": 11, "persons": [person]}
    answer = people.ok(await rig.post("placement", "/admissions", json=body, role="shelter_head", units=[shelters[2]["shelter_id"]]))
    await rig.settle()
    return sheltered, offered, UUID(answer["case_id"])


# How a table is spoilt, by service, and what the comparison is to say of it: table, lost, unexplained, changed rows.
SPOILT = {
    "intake": [
        ("DELETE FROM case_fact WHERE type = 'case.placement.offered.v1' AND case_id = :case", "case_fact", (1, 0, 0)),
        ("UPDATE case_fact SET codes = '{}' WHERE type = 'case.placement.offered.v1' AND case_id = :case", "case_fact", (0, 0, 1)),
        (
            """INSERT INTO case_fact SELECT gen_random_uuid(), case_id, producer, 99, type, at, codes FROM case_fact
            WHERE type = 'case.placement.offered.v1' AND case_id = :case""",
            "case_fact",
            (0, 1, 0),
        ),
    ],
    "placement": [
        ("UPDATE need SET medical_gate = true, risk = 'low', keep_apart = ARRAY[:case] WHERE case_id = :case", "need", (0, 0, 1)),
        ("UPDATE need SET persons = '[]' WHERE case_id = :case", "need", (0, 0, 1)),
        ("UPDATE need SET ended = true WHERE case_id = :case", "need", (0, 1, 0)),
        ("UPDATE need SET version = 0 WHERE case_id = :case", "need", (1, 0, 0)),
    ],
    "assessment": [
        ("UPDATE assessment_case SET stays = '{}', sheltered = false, area = NULL WHERE case_id = :case", "assessment_case", (0, 0, 1)),
        ("UPDATE assessment_case SET members = '[]', household_version = 1 WHERE case_id = :case", "assessment_case", (0, 0, 1)),
    ],
    "notifications": [
        ("UPDATE case_file SET responsible = 'rs-harapan', worker = :case WHERE case_id = :case", "case_file", (0, 0, 1)),
        ("DELETE FROM case_file WHERE case_id = :case", "case_file", (1, 0, 0)),
        ("UPDATE ladder SET answered = NOT answered WHERE case_id = :case", "ladder", (0, 0, 1)),
        ("DELETE FROM ladder WHERE case_id = :case", "ladder", (1, 0, 0)),
    ],
}


def counts(difference: Difference) -> tuple[int, int, int]:
    return difference.lost, difference.unexplained, difference.changed


async def test_each_spoilt_row_is_seen_and_put_right_and_nothing_else_changes(rig: Rig) -> None:
    sheltered, offered, _ = await lived(rig)
    for service, cases in SPOILT.items():
        assert (await compared(rig, service)).clean, service
        tables = {table for _, table, _ in cases}
        before = {table: await rows(rig, service, table) for table in tables}
        done = await effects(rig, service)
        for statement, table, wanted in cases:
            for case in (offered,) if service in {"intake", "notifications"} else (sheltered, offered):
                await rig.sql(service, statement, case=case)
                assert await rows(rig, service, table) != before[table], statement
                found = await compared(rig, service)
                assert [(entry.table, counts(entry), entry.subjects) for entry in found.differences] == [(table, wanted, (case,))], statement
                after = await rebuilt(rig, service)
                assert sum(entry.rows for entry in after.repaired) == 1
                assert after.after.clean
                assert await rows(rig, service, table) == before[table], statement
        await rig.settle()
        assert await effects(rig, service) == done, f"the effects of {service}"
        assert await shadows(rig, service) == []


async def test_lost_cases_go_on_where_the_other_tables_say_they_were(rig: Rig) -> None:
    _, _, at_the_door = await lived(rig)
    own = "state, worker_id, plan_version, deadlines"
    before = await rig.sql("assessment", f"SELECT {own} FROM assessment_case ORDER BY case_id")
    stays, waited = await rows(rig, "placement", "stay"), await clocks(rig, "placement")
    needs = await rig.sql("placement", "SELECT state, persons, waiting_since FROM need WHERE case_id <> :door ORDER BY case_id", door=at_the_door)
    await rig.sql("assessment", "DELETE FROM assessment_case")
    await rig.sql("placement", "DELETE FROM need")
    said = {service: len(await rig.facts(service)) for service in ("assessment", "placement")}
    for service in said:
        assert (await rebuilt(rig, service)).after.clean
    await rig.settle()
    assert await rig.sql("assessment", f"SELECT {own} FROM assessment_case ORDER BY case_id") == before
    again = await rig.sql("placement", "SELECT state, persons, waiting_since FROM need WHERE case_id <> :door ORDER BY case_id", door=at_the_door)
    assert again == needs
    assert await rows(rig, "placement", "stay") == stays
    assert await clocks(rig, "placement") == waited
    assert {service: len(await rig.facts(service)) for service in said} == said, "nothing is said again"


async def test_a_wrong_decision_is_made_again_from_what_was_put_right(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    case_id = await people.refer(rig, people.a_referral("B-5", shelter=True))
    await rig.sql("intake", "DELETE FROM case_fact WHERE type = 'case.placement.offered.v1'")
    await rig.sql("intake", "UPDATE case_file SET state = 'shelter_sought'")
    assert not (await rebuilt(rig, "intake")).after.differences
    assert await people.state(rig, case_id) == "offered", "a case stands where its facts say"


async def test_while_events_flow_a_comparison_sees_no_difference_and_a_rebuild_repairs(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter(beds=40))
    first = await people.refer(rig, people.a_referral("F-0", shelter=True))
    await rig.sql("placement", "UPDATE need SET medical_gate = true WHERE case_id = :case", case=first)
    going = True
    chance = random.Random("flow")

    def someone() -> dict[str, Any]:
        """Each is another: hundreds of reports of one person would keep the search for doubles busy for long."""
        return {"role": "victim", "sex": "female", "age": 31, "name": " ".join("".join(chance.choices("aeioubdgklmnprst", k=9)) for _ in range(2))}

    async def flow() -> int:
        number = 0
        while going:
            (opened,) = await rig.sql("intake", "SELECT count(*) AS n FROM case_file")
            if number - opened.n < 20:  # events flow all the time, and no faster than the machine carries them
                number += 1
                referral = people.a_referral(f"F-{number}", shelter=True, persons=[someone()])
                await rig.publish("referral.dppapp.submitted.v1", people.json.dumps(referral).encode())
            await asyncio.sleep(0.02)
        return number

    flowing = asyncio.create_task(flow())
    try:
        for _ in range(2):
            for service in ALL:
                found = await compared(rig, service)
                assert found.lacking == 0
                seen = {subject for entry in found.differences for subject in entry.subjects}
                assert seen == ({first} if service == "placement" else set()), service
        assert (await rebuilt(rig, "placement")).after.clean
    finally:
        going = False
        sent = await flowing
    await rig.settle()
    for service in ALL:
        assert (await compared(rig, service)).clean, service
    (need,) = await rig.sql("placement", "SELECT count(*) AS n, count(*) FILTER (WHERE medical_gate) AS wrong FROM need")
    assert (need.n, need.wrong) == (sent + 1, 0)


async def test_what_the_store_has_not_taken_is_not_held_against_it(rig: Rig) -> None:
    await rig.start("placement")
    taken, untaken = uuid4(), uuid4()
    triage = golden.sample(next(event for event in read_by("placement", "CASES") if event.type == "case.intake.triaged.v1"))
    await rig.say(triage, subject=taken)
    await rig.settle()
    await rig.services["placement"].stop()
    await rig.say(triage, subject=untaken)
    found = await compared(rig, "placement")
    assert (found.clean, found.replayed, found.lacking) == (True, 1, 0)


async def test_subjects_of_events_that_the_stream_lost_are_reported_and_left_alone(rig: Rig) -> None:
    await rig.start("placement")
    triage = golden.sample(next(event for event in read_by("placement", "CASES") if event.type == "case.intake.triaged.v1"))
    known, lost = uuid4(), uuid4()
    identity = await rig.say(triage, subject=lost)
    await rig.say(triage, subject=known)
    await rig.settle()
    await rig.nats.jetstream().delete_msg("CASES", 1)
    await rig.sql("placement", "UPDATE need SET risk = 'low', version = 1")
    found = await compared(rig, "placement")
    assert (found.lacking, found.lacking_ids) == (1, (identity,))
    assert [entry.subjects for entry in found.differences] == [(known,)]
    await rebuilt(rig, "placement")
    wrong = await rig.sql("placement", "SELECT case_id FROM need WHERE risk <> :risk", risk=triage.risk.value)
    assert [row.case_id for row in wrong] == [lost]


def of_case(sample: Event, case: UUID) -> Event:
    """A sample whose placement belongs to this case: no two cases share one."""
    return sample.model_copy(update={"placement_id": case} if "placement_id" in type(sample).model_fields else {})


@pytest.mark.parametrize("service", streams.SERVICES)
@pytest.mark.parametrize("seed", range(3))
async def test_after_all_samples_in_any_order_there_is_no_difference(rig: Rig, service: str, seed: int) -> None:
    await rig.start(service)
    cases = [UUID(int=0x01980000_0000_8000_8000_000000000000 + n) for n in (0, 1)]
    samples = [(of_case(golden.sample(event), case), case) for event in read_by(service, "CASES") for case in cases]
    chance = random.Random(seed)
    versions = list(range(1, len(samples) + 1))
    chance.shuffle(samples)
    chance.shuffle(versions)
    sent = [(sample, subject, uuid4(), version) for (sample, subject), version in zip(samples, versions, strict=True)]
    at = datetime.now(UTC)
    for sample, subject, identity, version in [*sent, *chance.sample(sent, len(sent) // 2)]:
        await rig.say(sample, subject=subject, id=identity, factversion=version, at=at)
    await rig.settle()
    found = await compared(rig, service)
    assert found.differences == ()
    assert (found.replayed, found.lacking) == (len(samples), 0)


async def test_the_newest_word_on_availability_is_made_again(rig: Rig) -> None:
    await rig.start("intake")
    for version, band in ((1, "available"), (3, "full"), (2, "available")):
        await rig.say(AvailabilityChanged(kind="psmp", availability=band), subject=UUID(int=5 << 64), factversion=version)
    await rig.settle()
    await rig.sql("intake", "UPDATE availability SET availability = 'available'")
    (difference,) = (await compared(rig, "intake")).differences
    assert (difference.table, counts(difference)) == ("availability", (0, 0, 1))
    assert (await rebuilt(rig, "intake")).after.clean
    assert [row.availability for row in await rig.sql("intake", "SELECT availability FROM availability")] == ["full"]


@pytest.fixture
async def someone_else(rig: Rig) -> AsyncIterator[Any]:
    await rig.start("intake")
    async with rig.services["intake"].database.engine.connect() as connection:
        yield connection


async def test_two_at_once_are_refused_and_what_a_killed_one_left_is_taken_away(rig: Rig, someone_else: Any) -> None:
    await rig.sql("intake", "CREATE SCHEMA shadow_leftover")
    await rig.sql("intake", "CREATE TABLE shadow_leftover.inbox (event_id uuid)")
    await someone_else.exec_driver_sql("SELECT pg_advisory_lock(hashtext('naungan shadow'))")
    with pytest.raises(ShadowError, match="another"):
        await compared(rig, "intake")
    await someone_else.exec_driver_sql("SELECT pg_advisory_unlock(hashtext('naungan shadow'))")
    assert (await compared(rig, "intake")).clean
    assert await shadows(rig, "intake") == []


async def test_whoever_holds_the_inbox_for_long_is_waited_for(rig: Rig, someone_else: Any) -> None:
    await someone_else.exec_driver_sql("LOCK TABLE inbox IN ROW EXCLUSIVE MODE")
    comparing = asyncio.create_task(compared(rig, "intake"))
    await asyncio.sleep(4)
    assert not comparing.done()
    await someone_else.rollback()
    assert (await comparing).clean


async def test_a_store_at_another_revision_is_not_judged(rig: Rig) -> None:
    await rig.start("intake")
    await rig.sql("intake", "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(ShadowError, match="revision 0000"):
        await compared(rig, "intake")
