"""Incidents and joiners on real servers: one case with many incidents, and nobody without a bed unseen."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.intake.builders import a_person, an_admission
from tests.intake.test_service_cases import OFFICER, STRANGER, open_case, people, row, said, triage


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def record(rig, case_id, method="POST", path="", **known):
    return await rig.send(method, "intake", f"/cases/{case_id}/incidents{path}", json=known, **OFFICER)


async def test_the_report_is_the_first_incident_and_others_are_told_beside_it(intake):
    case_id = await open_case(intake, narrative="Dipukul.")
    await triage(intake, case_id)
    secret = "Diancam lagi di kos."
    answer = await record(
        intake, case_id, place="kos", relation="suami_istri", acts=["penetration"], narrative=secret, occurred_on="2026-01-02", area="31.72.01"
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["waiting_for"] == ["assignment", "risk_review"]
    (fact,) = await said(intake, "case.intake.incident_recorded")
    assert (fact["core_type"], fact["violence_types"], fact["place"], fact["correction"]) == ("rape", ["seksual"], "kos", False)
    first, second = (await intake.get("intake", f"/cases/{case_id}/incidents", **OFFICER)).json()
    assert (first["incident_id"], first["narrative"], first["violence_types"], first["core_type"]) == (str(case_id), "Dipukul.", ["fisik"], None)
    assert (second["narrative"], second["simfoni_place"], second["occurred_on"], second["core_type"]) == (
        secret,
        "rumah_tangga",
        "2026-01-02",
        "rape",
    )
    masked = (await intake.get("intake", f"/cases/{case_id}/incidents", role="peksos", agency="dppapp")).json()
    assert [entry["narrative"] for entry in masked] == ["•••", "•••"]
    assert (await intake.get("intake", f"/cases/{case_id}/incidents", **STRANGER)).status_code == 404
    (kept,) = await intake.sql("intake", "SELECT narrative FROM incident")
    assert secret.encode() not in bytes(kept.narrative)


async def test_a_new_incident_asks_for_a_new_judgement_of_the_risk_and_a_correction_does_not(intake):
    case_id = await open_case(intake)
    await triage(intake, case_id)
    corrected = await record(intake, case_id, "PUT", f"/{case_id}", place="jalan", violence_types=["fisik", "psikis"])
    assert corrected.json()["waiting_for"] == ["assignment"]
    assert (await row(intake, case_id)).violence_types == ["fisik", "psikis"]
    await record(intake, case_id, violence_types=["seksual"])
    await intake.advance(hours=7)
    assert "risk_review" in (await row(intake, case_id)).missed
    assert [data["clock"] for data in await said(intake, "case.intake.clock_missed")] == ["risk_review"]
    again = await triage(intake, case_id, risk="low")
    assert (again["risk"], again["waiting_for"]) == ("medium", ["assignment"]), "sexual violence is never low"
    assert (await row(intake, case_id)).missed == []
    await intake.advance(hours=73)
    assert (await row(intake, case_id)).missed == ["police_report"], "the law's three days begin with the incident that was sexual"


async def test_an_incident_that_cannot_be_is_refused_field_by_field(intake):
    case_id = await open_case(intake)
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    answer = await record(intake, case_id, area="31.99.01", occurred_on=tomorrow)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["area", "occurred_on"])
    unknown = await record(intake, case_id, place="bulan")
    assert unknown.status_code == 422
    assert "bulan" not in unknown.text
    assert (await record(intake, case_id, "PUT", f"/{uuid4()}")).status_code == 404
    assert await intake.sql("intake", "SELECT 1 FROM incident") == []


async def test_somebody_who_joins_a_household_in_a_shelter_is_waited_for_until_people_say_where_she_sleeps(intake):
    case_id = await open_case(intake, persons=[a_person()])
    await triage(intake, case_id, shelter_needed=True)
    (mother,) = await people(intake, case_id)
    await intake.say(an_admission([mother]), subject=case_id, factversion=1)
    await intake.settle()
    stays, joins = {"person_id": str(mother), "role": "victim", "sex": "female", "age": 37}, {"role": "child", "sex": "female", "age": 1}
    changed = await intake.put("intake", f"/cases/{case_id}/household", json={"persons": [stays, joins]}, If_Match=1, **OFFICER)
    assert changed.json()["waiting_for"] == ["assignment", "joiner"]
    await intake.advance(hours=3)
    assert [data["clock"] for data in await said(intake, "case.intake.clock_missed")] == ["joiner"]
    assert (await row(intake, case_id)).missed == ["joiner"]
    _, child = await people(intake, case_id)
    wrong = await intake.post("intake", f"/cases/{case_id}/household/{mother}/place", json={"place": "with_household"}, **OFFICER)
    assert wrong.status_code == 409
    done = await intake.post("intake", f"/cases/{case_id}/household/{child}/place", json={"place": "with_household"}, **OFFICER)
    assert (done.status_code, done.json()["waiting_for"]) == (200, ["assignment"])
    assert (await row(intake, case_id)).missed == []
    await intake.advance(days=3)
    assert len(await said(intake, "case.intake.clock_missed")) == 1


async def test_who_corrects_what_somebody_else_corrected_meanwhile_is_told_both_values(intake):
    case_id = await open_case(intake)
    made = (await record(intake, case_id, place="kos", acts=["penetration"], violence_types=["psikis"])).json()["incident_id"]
    seen = (await intake.get("intake", f"/cases/{case_id}/incidents", **OFFICER)).json()[1]
    assert (seen["version"], seen["acts"]) == (1, ["penetration"])
    path = f"/cases/{case_id}/incidents/{made}"
    body = {"place": "hotel", "violence_types": ["psikis"], "narrative": "Kata kanarya"}
    first = await intake.send("PUT", "intake", path, json=body, If_Match='"1"', **OFFICER)
    assert first.status_code == 200, first.text
    late = await intake.send("PUT", "intake", path, json={**body, "place": "sekolah"}, If_Match="1", **OFFICER)
    assert (late.status_code, late.json()["version"], late.json()["current"]["place"], late.json()["sent"]["place"]) == (409, 2, "hotel", "sekolah")
    assert "kanarya" not in late.text
    now = (await intake.get("intake", f"/cases/{case_id}/incidents", **OFFICER)).json()[1]
    assert (now["version"], now["place"]) == (2, "hotel")
    masked = (await intake.get("intake", f"/cases/{case_id}/incidents", role="peksos", agency="dppapp")).json()[1]
    assert masked["acts"] is None


async def test_a_correction_without_answers_keeps_what_was_answered_before_and_what_follows_from_it(intake):
    case_id = await open_case(intake)
    made = (await record(intake, case_id, place="kos", acts=["penetration"])).json()["incident_id"]
    await record(intake, case_id, "PUT", f"/{made}", place="hotel")
    now = (await intake.get("intake", f"/cases/{case_id}/incidents", **OFFICER)).json()[1]
    assert (now["core_type"], now["violence_types"], now["acts"]) == ("rape", ["seksual"], ["penetration"])
