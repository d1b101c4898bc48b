"""By which way a report came, who received it and since when its clocks run is on the case, whatever the door."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.intake.builders import a_body, a_nik, a_person, a_referral, at_the_door

POLDA = "referral.polda-ppa.submitted.v1"
OFFICER = {"role": "intake_officer", "agency": "dppapp"}


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def the_case(rig):
    (case,) = await rig.sql("intake", "SELECT * FROM case_file")
    return case


async def due(rig, kind):
    (clock,) = await rig.sql("intake", "SELECT due FROM clock WHERE kind = :kind", kind=kind)
    return clock.due


async def test_channel_reporter_post_and_clock_start_are_on_the_case_and_in_its_report(intake):
    heard = datetime.now(UTC) - timedelta(hours=2)
    body = a_referral(channel="rptra", reporter="neighbour", post="rptra-31.75.01-3", heard_at=heard.isoformat(), violence_types=["seksual"])
    answer = (await intake.post("intake", "/reports", json=body, **OFFICER)).json()
    case = await the_case(intake)
    assert (case.channel, case.reporter, case.post, case.heard_at) == ("rptra", "neighbour", "rptra-31.75.01-3", heard)
    (said,) = [data for kind, _, data in await intake.facts("intake") if kind == "case.intake.reported.v1"]
    assert (said["post"], datetime.fromisoformat(said["heard_at"])) == (case.post, heard)
    shown = (await intake.get("intake", f"/cases/{answer['case_id']}", **OFFICER)).json()
    assert (shown["reporter"], shown["post"], datetime.fromisoformat(shown["heard_at"])) == ("neighbour", "rptra-31.75.01-3", heard)
    assert await due(intake, "triage") == heard + timedelta(hours=6)
    assert await due(intake, "police_report") == heard + timedelta(hours=72), "the law counts from when the victim reported"


async def test_what_was_heard_long_before_it_was_typed_in_is_overdue_at_once(intake):
    heard = datetime.now(UTC) - timedelta(days=3)
    await intake.post("intake", "/reports", json=a_referral(heard_at=heard.isoformat()), **OFFICER)
    await intake.settle()
    assert (await the_case(intake)).missed == ["triage"]


async def test_clocks_of_a_referral_run_from_its_arrival_however_long_intake_was_away(intake):
    service = intake.services["intake"]
    await service.stop()
    await intake.publish(POLDA, a_body())
    arrived = datetime.now(UTC)
    await intake.add("intake", service.settings).start()
    await intake.settle()
    case = await the_case(intake)
    assert case.heard_at <= arrived < case.opened_at
    assert await due(intake, "triage") == case.heard_at + timedelta(hours=6)


async def test_a_household_at_the_door_was_heard_of_when_it_was_let_in(intake):
    admitted = at_the_door(admitted_at=datetime.now(UTC) - timedelta(hours=1))
    await intake.say(admitted, subject=admitted.placement_id)
    await intake.settle()
    case = await the_case(intake)
    assert (case.channel, case.reporter, case.post, case.heard_at) == ("placement", "professional", None, admitted.admitted_at)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_a_moment_that_no_store_can_keep_is_refused_by_field(intake, moment):
    case_id = (await intake.post("intake", "/reports", json=a_referral(), **OFFICER)).json()["case_id"]
    answer = await intake.post("intake", f"/cases/{case_id}/police-report", json={"reported_at": moment}, **OFFICER)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "reported_at"


async def test_an_agency_hears_of_oddities_in_its_receipt_and_no_desk_is_asked(intake):
    body = a_body(persons=[a_person(nik=a_nik(province=32), age=12)], narrative="Telepon 0812-0000-0000.", reference="ODD")
    for _ in range(2):
        await intake.publish(POLDA, body)
    await intake.settle()
    told = [(kind, data["warnings"]) for kind, _, data in await intake.facts("intake") if kind.startswith("receipt.")]
    warnings = [
        {"field": "narrative", "code": "phone_in_text"},
        {"field": "persons.0.nik", "code": "nik_differs"},
        {"field": "persons.0.nik", "code": "nik_not_jakarta"},
    ]
    assert told == [("receipt.accepted.v1", warnings)] * 2
    assert await intake.sql("intake", "SELECT 1 FROM desk_task") == []
    answer = await intake.post("intake", "/reports", json=json.loads(body), role="agency_system", agency="dppapp")
    assert (answer.json()["receipt"], answer.json()["problems"]) == ("accepted", warnings)
    assert "0812" not in answer.text


async def test_an_ordinary_report_is_triaged_within_working_days(intake):
    friday = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0)
    friday -= timedelta(days=(friday.weekday() - 4) % 7 + 7)
    await intake.post("intake", "/reports", json=a_referral(urgency="low", violence_types=["fisik"], heard_at=friday.isoformat()), **OFFICER)
    clock = "SELECT (SELECT due FROM clock WHERE kind = 'triage' AND due > now() - interval '40 days') AS due"
    missed = [data["due_at"] for kind, _, data in await intake.facts("intake") if kind == "case.intake.clock_missed.v1"]
    (found,) = await intake.sql("intake", clock)
    first = datetime.fromisoformat(missed[0]) if missed else found.due
    assert first == friday + timedelta(days=5), "three working days from a Friday end on Wednesday"
