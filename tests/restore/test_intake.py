"""Intake loses its last hour: its cases are there again with their codes, and a reference that is sent again opens no second one."""

import json

import pytest
from intake.domain.triage import Leads

from tests.flows.people import a_referral, a_shelter, admit, feed, offer_of, ok, persons, platform, refer, state
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)


async def test_cases_follow_ids_and_submissions_of_the_lost_hour_are_there_again(rig: Rig) -> None:
    await platform(rig, *(a_shelter(beds=2) for _ in range(3)))
    before = await refer(rig, a_referral("BEFORE", shelter=True))
    folder = await backed_up(rig, "intake")
    await admit(rig, await offer_of(rig, before), before)
    sheltered = await refer(rig, a_referral("SHELTERED", shelter=True))
    await admit(rig, await offer_of(rig, sheltered), sheltered)
    home = await refer(rig, a_referral("HOME", shelter=False))
    incomplete = await refer(rig, a_referral("INCOMPLETE", shelter=False) | {"persons": []}, agency="dinsos")
    await rig.publish("referral.dppapp.submitted.v1", json.dumps({"reference": "REFUSED"}).encode())
    await rig.settle()
    ok(await rig.post("intake", f"/cases/{home}/withdraw", json={"reason": "refused_service"}, role="intake_officer", agency="dppapp"))
    await rig.settle()
    cases = (before, sheltered, home, incomplete)
    stood = {case: (await state(rig, case), sorted(await persons(rig, case))) for case in cases}
    heard = {agency: await feed(rig, agency) for agency in ("dppapp", "dinsos")}
    follows = await rig.sql("intake", "SELECT follow_id, case_id, agency, reference, ended_at IS NULL AS here FROM follow ORDER BY follow_id")

    await lose_since(rig, "intake", folder)

    assert {case: (await state(rig, case), sorted(await persons(rig, case))) for case in cases} == stood
    assert {agency: await feed(rig, agency) for agency in heard} == heard, "nothing is said twice to an agency"
    assert follows == await rig.sql("intake", "SELECT follow_id, case_id, agency, reference, ended_at IS NULL AS here FROM follow ORDER BY follow_id")
    left = await tasks(rig, "intake")
    assert sorted(missing for _, missing in left) == ["personal_data"] * 3 + ["refused_submission"]
    asked = await rig.sql("intake", "SELECT kind, case_id FROM desk_task WHERE done_at IS NULL")
    assert {row.case_id for row in asked} >= {sheltered, home, incomplete}
    assert [row.kind for row in asked].count("rejected") == 1
    await agrees_with_the_streams(rig, "intake")

    for case, agency, reference in ((sheltered, "dppapp", "SHELTERED"), (incomplete, "dinsos", "INCOMPLETE")):
        assert await refer(rig, a_referral(reference, shelter=True), agency=agency) == case
    resent = await rig.sql("intake", "SELECT task_id, case_id, agency FROM desk_task WHERE kind = 'resent' ORDER BY agency")
    assert [(row.case_id, row.agency) for row in resent] == [(incomplete, "dinsos"), (sheltered, "dppapp")]
    shown = ok(await rig.get("intake", f"/desk/{resent[1].task_id}", role="intake_officer", agency="dppapp"))
    assert "Canary Contoh" in shown["content"], "a desk reads what was sent again, and takes it over"
    (row,) = await rig.sql("intake", "SELECT count(*) FROM case_file")
    assert row.count == len(cases)
    later = await refer(rig, a_referral("LATER", shelter=False))
    assert await state(rig, later) == "assessment"
    await agrees_with_the_streams(rig, "intake")


async def test_a_case_that_waits_has_its_clock_again(rig: Rig) -> None:
    await platform(rig)
    folder = await backed_up(rig, "intake")
    case = await refer(rig, a_referral("UNTRIAGED", shelter=False) | {"screen": None})
    ok(await rig.post("intake", f"/cases/{case}/outreach", json={"team": "dppapp"}, role="intake_officer", agency="dppapp"))
    await rig.settle()
    clocks = "SELECT kind FROM clock WHERE subject = :case ORDER BY kind"
    before = [row.kind for row in await rig.sql("intake", clocks, case=case)]
    assert before == ["outreach", "triage"]

    await lose_since(rig, "intake", folder)

    assert [row.kind for row in await rig.sql("intake", clocks, case=case)] == before
    await rig.advance(days=2)
    assert (await rig.sql("intake", "SELECT missed FROM case_file WHERE case_id = :case", case=case))[0].missed == [
        "incomplete",
        "outreach",
        "triage",
    ], "and a desk is to ask for the names again"


async def test_an_untriaged_case_of_the_lost_hour_is_led_by_whom_the_operators_table_names(rig: Rig) -> None:
    await platform(rig)
    rig.services["intake"].settings.responsibility = (Leads(area="31.75", agency="sudin-timur"),)
    folder = await backed_up(rig, "intake")
    case = await refer(rig, a_referral("UNTRIAGED", shelter=False) | {"screen": None})
    led = "SELECT responsible_agency FROM case_file WHERE case_id = :case"
    assert (await rig.sql("intake", led, case=case))[0].responsible_agency == "sudin-timur"
    await lose_since(rig, "intake", folder)
    assert (await rig.sql("intake", led, case=case))[0].responsible_agency == "sudin-timur"


async def test_a_merge_of_the_lost_hour_is_left_to_people_and_earlier_ones_are_there(rig: Rig) -> None:
    await rig.start("intake")
    mother = {"role": "victim", "sex": "female", "age": 31, "name": "Canary Contoh", "phone": "+62 000 1111 2222", "address": "Jalan Contoh Jati 3"}
    for reference in ("FIRST", "SECOND"):
        await refer(rig, a_referral(reference, shelter=False) | {"persons": [mother]})
    (pair,) = await rig.sql("intake", "SELECT candidate_id AS id FROM candidate")

    async def decide(what: str) -> None:
        ok(await rig.post("intake", f"/candidates/{pair.id}/{what}", json={}, role="supervisor", agency="dppapp"))

    await decide("link")
    folder = await backed_up(rig, "intake")
    await decide("merge")
    await rig.settle()

    await lose_since(rig, "intake", folder)

    assert [row.state for row in await rig.sql("intake", "SELECT state FROM candidate")] == ["linked"]
    assert await tasks(rig, "intake") == [("case.intake.merged.v1", "identity")]
    await decide("merge")
    await rig.settle()
    await agrees_with_the_streams(rig, "intake")


async def test_a_public_report_of_the_lost_hour_is_known_by_its_code_and_sent_again_opens_no_second_case(rig: Rig) -> None:
    await rig.start("intake")
    folder = await backed_up(rig, "intake")
    headers = {"Idempotency-Key": "0190f1d2-6f0e-7000-8000-000000000001"}
    body = {"narrative": "Canary Contoh", "area": "31.71.02", "violence_types": ["fisik"]}
    receipt = ok(await rig.clients["intake"].post("/public/reports", json=body, headers=headers))
    (case,) = await rig.sql("intake", "SELECT case_id FROM case_file")
    ok(await rig.post("intake", f"/cases/{case.case_id}/withdraw", json={"reason": "other"}, role="intake_officer", agency="dppapp"))
    await rig.settle()

    await lose_since(rig, "intake", folder)

    told = {"code": receipt["code"], "pin": receipt["pin"]}
    assert ok(await rig.clients["intake"].post("/public/reports/status", json=told)) == {"status": "being_handled"}
    again = ok(await rig.clients["intake"].post("/public/reports", json=body, headers=headers))
    assert (again["code"], again["pin"]) == (receipt["code"], receipt["pin"])
    (known,) = await rig.sql("intake", "SELECT case_id, channel, reporter, heard_at FROM case_file")
    assert (known.case_id, known.channel, known.reporter, known.heard_at is None) == (case.case_id, "public", "anonymous", False)
