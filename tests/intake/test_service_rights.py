"""A person's rights on real servers: holds, erasure, what is kept of her, requests with their clocks."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from contracts.rights import PersonErased

from tests.intake.builders import a_nik, a_person, a_referral

OFFICER = {"role": "intake_officer", "agency": "dppapp"}
SUPERVISOR = {"role": "supervisor", "agency": "dppapp"}
POLICE = {"role": "intake_officer", "agency": "polda-ppa"}
POLICE_HEAD = {"role": "supervisor", "agency": "polda-ppa"}
MOTHER = {"name": "Kenanga Wulandari", "nik": a_nik(serial=77), "phone": "0813-0000-7777", "address": "Gang Melati 3", "age": 36}
CHILD = {"role": "child", "name": "Bintang Wulandari", "age": 7, "phone": None}
ASKED = {"ground": "person_asked"}
# Whole values: four digits of a number may be in any id.
MARKS = ("Kenanga", MOTHER["phone"], "Melati", MOTHER["nik"])


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def open_case(rig, *persons, who=OFFICER, **known):
    answer = await rig.post("intake", "/reports", json=a_referral(persons=[a_person(**person) for person in persons], **known), **who)
    assert answer.status_code == 201, answer.text
    case_id = UUID(answer.json()["case_id"])
    await rig.settle()
    found = await rig.sql("intake", "SELECT person_id FROM person WHERE case_id = :c ORDER BY place", c=case_id)
    return case_id, *(row.person_id for row in found)


async def erase(rig, person_id, status=201, who=SUPERVISOR, **body):
    answer = await rig.post("intake", f"/persons/{person_id}/erasure", json={**ASKED, **body}, **who)
    assert answer.status_code == status, answer.text
    await rig.settle()
    return answer.json()


async def a_hold(rig, case_id, person_id=None, **body):
    told = {
        "ground": "investigation",
        "review_on": str((datetime.now(UTC) + timedelta(days=90)).date()),
        **({"person_id": str(person_id)} if person_id else {}),
    }
    answer = await rig.post("intake", f"/cases/{case_id}/holds", json={**told, **body}, **SUPERVISOR)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def keys_of(rig):
    async with rig.services["intake"].vault.engine.connect() as connection:
        return {row.owner for row in await connection.exec_driver_sql("SELECT owner FROM person_key")}


async def test_an_erased_person_leaves_codes_a_receipt_and_nothing_that_opens_or_finds_her(intake):
    case_id, mother, child = await open_case(intake, MOTHER, CHILD)
    given = await erase(intake, mother, keep_texts=True)
    (receipt,) = given["receipts"]
    content = {name: receipt[name] for name in ("person_id", "ground", "texts")} | {"erased_at": receipt["erased_at"].replace("Z", "+00:00")}
    assert hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest() == receipt["sha256"]
    said = [(subject, body) for kind, subject, body in await intake.facts("intake") if kind == PersonErased.type]
    assert said == [(case_id, {"person_id": str(mother), "receipt": receipt["sha256"], "ground": "person_asked", "texts": False})]
    assert mother not in await keys_of(intake)
    assert {child, case_id} <= await keys_of(intake)
    shown = (await intake.get("intake", f"/cases/{case_id}", **OFFICER)).json()
    gone, stays = shown["persons"]
    assert [gone[name] for name in ("name", "nik", "phone", "address", "age", "role")] == [None, None, None, None, 36, "victim"]
    assert (stays["name"], shown["narrative"]) == ("Bintang Wulandari", "Dipukul di rumah kontrakan.")
    (row,) = await intake.sql("intake", "SELECT name, nik, nik_index FROM person WHERE person_id = :p", p=mother)
    assert tuple(row) == (None, None, None)
    assert (
        await intake.sql("intake", "SELECT 1 FROM likeness WHERE person_id = :p UNION ALL SELECT 1 FROM likeness_key WHERE person_id = :p", p=mother)
        == []
    )
    assert len(await intake.sql("intake", "SELECT 1 FROM likeness WHERE person_id = :p", p=child)) == 1
    state = (await intake.get("intake", f"/persons/{mother}/erasure", **SUPERVISOR)).json()
    assert state["receipt"] == receipt["sha256"]
    assert state["destroyed_at"]
    assert (await erase(intake, mother, 409, keep_texts=True))["state"] == "erased"


async def test_later_data_of_an_erased_person_is_refused_with_the_field_and_changes_nothing(intake):
    case_id, mother, child = await open_case(intake, MOTHER, CHILD)
    await erase(intake, mother, keep_texts=True)
    members = [
        {"person_id": str(mother), "role": "victim", "sex": "female", "age": 36, "name": "Kenanga"},
        {"person_id": str(child), "role": "child", "sex": "female", "age": 8},
    ]
    answer = await intake.put("intake", f"/cases/{case_id}/household", json={"persons": members}, if_match="1", **OFFICER)
    assert (answer.status_code, answer.json()["errors"]) == (409, [{"field": "person_id", "code": "erased"}]), answer.text
    assert "Kenanga" not in answer.text
    assert (await intake.get("intake", f"/cases/{case_id}", **OFFICER)).json()["revision"] == 1
    del members[0]["name"]
    answer = await intake.put("intake", f"/cases/{case_id}/household", json={"persons": members}, if_match="1", **OFFICER)
    assert answer.status_code == 200, "her codes may be corrected: the household is still hers too"


async def test_whether_texts_stay_is_decided_by_somebody_while_others_are_left(intake):
    case_id, mother, child = await open_case(intake, MOTHER, CHILD)
    refused = await erase(intake, mother, 422)
    assert refused["errors"] == [{"field": "keep_texts", "code": "missing"}]
    await erase(intake, mother, keep_texts=False)
    shown = (await intake.get("intake", f"/cases/{case_id}", **OFFICER)).json()
    assert (shown["narrative"], shown["callback"], shown["persons"][1]["name"]) == (None, None, "Bintang Wulandari")
    assert case_id not in await keys_of(intake)
    (given,) = (await erase(intake, child))["receipts"]
    assert given["texts"] is True


async def test_the_last_one_of_a_case_takes_its_texts_with_her(intake):
    case_id, mother, child = await open_case(intake, MOTHER, CHILD)
    await erase(intake, mother, keep_texts=True)
    await erase(intake, child, keep_texts=True)
    assert not {case_id, mother, child} & await keys_of(intake)


@pytest.mark.parametrize("whole_case", [True, False])
async def test_a_hold_refuses_an_erasure_until_it_is_lifted(intake, whole_case):
    case_id, mother, child = await open_case(intake, MOTHER, CHILD)
    held = await a_hold(intake, case_id, None if whole_case else mother)
    refused = await erase(intake, mother, 409, keep_texts=True)
    assert (refused["state"], "law" in refused["title"]) == ("held", True)
    assert mother in await keys_of(intake)
    await erase(intake, child, 409 if whole_case else 201, keep_texts=True)
    assert [entry["hold_id"] for entry in (await intake.get("intake", "/holds", **SUPERVISOR)).json()] == [held["hold_id"]]
    assert (await intake.post("intake", f"/holds/{held['hold_id']}/lift", json={}, **SUPERVISOR)).status_code == 200
    assert (await intake.post("intake", f"/holds/{held['hold_id']}/lift", json={}, **SUPERVISOR)).status_code == 409
    await erase(intake, mother, keep_texts=True)


async def test_a_hold_is_asked_about_on_its_day_and_ends_only_by_a_person(intake):
    case_id, mother = await open_case(intake, MOTHER)
    await a_hold(intake, case_id)
    await intake.advance(days=91)
    missed = [body["clock"] for kind, _, body in await intake.facts("intake") if kind == "case.intake.clock_missed.v1"]
    assert "hold_review" in missed
    await erase(intake, mother, 409)


async def test_a_merged_person_is_erased_under_all_her_ids_and_each_sees_only_its_own(intake):
    first, one = await open_case(intake, MOTHER)
    second, other = await open_case(intake, {**MOTHER, "name": "Ny. WULANDARI Kenangah"}, who=POLICE)
    await intake.sql("intake", "UPDATE case_file SET responsible_agency = 'polda-ppa' WHERE case_id = :c", c=second)
    (pair,) = await intake.sql("intake", "SELECT candidate_id AS id FROM candidate")
    for step in ("link", "merge"):
        assert (await intake.post("intake", f"/candidates/{pair.id}/{step}", json={}, **SUPERVISOR)).status_code == 200
    given = await erase(intake, other, who=POLICE_HEAD)
    assert [receipt["person_id"] for receipt in given["receipts"]] == [str(other)], "not that she was known elsewhere"
    assert not {one, other, first, second} & await keys_of(intake)
    said = {subject for kind, subject, _ in await intake.facts("intake") if kind == PersonErased.type}
    assert said == {first, second}
    assert await intake.sql("intake", "SELECT 1 FROM candidate") == []


async def test_what_was_sent_again_and_kept_for_a_desk_goes_too(intake):
    _case_id, mother = await open_case(intake, MOTHER, reference="R-1")
    await intake.sql("intake", "UPDATE submission SET fingerprint = ''")
    assert (await intake.post("intake", "/reports", json=a_referral(persons=[a_person(**MOTHER)], reference="R-1"), **OFFICER)).status_code == 201
    (task,) = await intake.sql("intake", "SELECT task_id FROM desk_task WHERE kind = 'resent'")
    await erase(intake, mother)
    assert task.task_id not in await keys_of(intake)
    assert (await intake.get("intake", f"/desk/{task.task_id}", **OFFICER)).json()["content"] is None


async def test_who_takes_no_part_or_is_no_supervisor_erases_nobody(intake):
    _case_id, mother = await open_case(intake, MOTHER)
    await erase(intake, mother, 404, who=POLICE_HEAD)
    await erase(intake, mother, 403, who=OFFICER)
    await erase(intake, uuid4(), 404)
    assert mother in await keys_of(intake)


async def test_a_repeated_request_and_a_clock_that_runs_again_erase_once(intake):
    _case_id, mother = await open_case(intake, MOTHER)
    key = uuid4().hex
    answers = [await intake.post("intake", f"/persons/{mother}/erasure", json=ASKED, key=key, **SUPERVISOR) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    await intake.settle()
    await intake.sql("intake", "INSERT INTO clock (kind, subject, key, id, due) VALUES ('erase', :p, '', gen_random_uuid(), now())", p=mother)
    await intake.settle()
    assert len([kind for kind, _, _ in await intake.facts("intake") if kind == PersonErased.type]) == 1


# -- what is kept of her --------------------------------------------------------------------------------------------------------------


async def test_an_export_is_all_of_her_and_nothing_of_others(intake):
    case_id, mother, child = await open_case(intake, MOTHER, CHILD)
    answer = await intake.get("intake", f"/persons/{mother}/export", **SUPERVISOR)
    told = answer.json()
    (known,) = told["known_as"]
    assert {name: known[name] for name in ("name", "nik", "phone", "address")} == {name: MOTHER[name] for name in ("name", "nik", "phone", "address")}
    (case,) = told["cases"]
    assert (case["case_id"], case["narrative"]) == (str(case_id), None)
    assert "case.intake.reported.v1" in [fact["type"] for fact in case["facts"]]
    assert not any(mark in answer.text for mark in ("Bintang", str(child)))
    assert any(
        look["action"] == "person_exported" for look in (await intake.get("intake", f"/persons/{mother}/export", **SUPERVISOR)).json()["looked_at"]
    )
    with_texts = (await intake.get("intake", f"/persons/{mother}/export?texts=true", **SUPERVISOR)).json()
    assert with_texts["cases"][0]["narrative"] == "Dipukul di rumah kontrakan."
    assert (await intake.get("intake", f"/persons/{mother}/export", **OFFICER)).status_code == 403
    assert (await intake.get("intake", f"/persons/{mother}/export", **POLICE_HEAD)).status_code == 404
    await erase(intake, mother, keep_texts=True)
    after = (await intake.get("intake", f"/persons/{mother}/export", **SUPERVISOR)).text
    assert not any(mark in after for mark in MARKS)


# -- requests -------------------------------------------------------------------------------------------------------------------------


async def ask(rig, person_id, right="access", status=201, **body):
    answer = await rig.post("intake", f"/persons/{person_id}/requests", json={"right": right, **body}, **OFFICER)
    assert answer.status_code == status, answer.text
    await rig.settle()
    return answer.json()


async def test_a_request_is_due_in_three_times_24_hours_and_missed_until_it_is_answered(intake):
    _case_id, mother = await open_case(intake, MOTHER)
    asked = await ask(intake, mother)
    open_ones = (await intake.get("intake", "/requests", **OFFICER)).json()
    assert [entry["request_id"] for entry in open_ones] == [asked["request_id"]]
    await intake.advance(hours=73)
    missed = [body["clock"] for kind, _, body in await intake.facts("intake") if kind == "case.intake.clock_missed.v1"]
    assert missed.count("right_request") == 1
    answer = await intake.post("intake", f"/requests/{asked['request_id']}/answer", json={"answer": "granted"}, **SUPERVISOR)
    assert answer.status_code == 200, answer.text
    await intake.advance(hours=73)
    missed = [body["clock"] for kind, _, body in await intake.facts("intake") if kind == "case.intake.clock_missed.v1"]
    assert missed.count("right_request") == 1
    assert (await intake.get("intake", "/requests", **OFFICER)).json() == []
    again = await intake.post("intake", f"/requests/{asked['request_id']}/answer", json={"answer": "granted"}, **SUPERVISOR)
    assert (again.status_code, again.json()["state"]) == (409, "answered")


async def test_one_request_is_seen_by_desks_of_its_case_alone(intake):
    _case_id, mother = await open_case(intake, MOTHER)
    path = f"/requests/{(await ask(intake, mother))['request_id']}"
    seen = (await intake.get("intake", path, **OFFICER)).json()
    assert (seen["person_id"], seen["right"], seen["answer"]) == (str(mother), "access", None)
    assert (await intake.get("intake", path, role="supervisor", agency="polda-metro")).status_code == 404
    assert (await intake.get("intake", path, role="peksos", agency="dppapp")).status_code == 403
    assert (await intake.get("intake", f"/requests/{uuid4()}", **OFFICER)).status_code == 404


async def test_a_request_that_would_endanger_is_refused_with_a_reason_that_stays(intake):
    _case_id, _mother, child = await open_case(intake, MOTHER, CHILD)
    asked = await ask(intake, child)
    path = f"/requests/{asked['request_id']}/answer"
    without = await intake.post("intake", path, json={"answer": "refused"}, **SUPERVISOR)
    assert (without.status_code, without.json()["errors"][0]["field"]) == (422, "refusal")
    assert (await intake.post("intake", path, json={"answer": "refused", "refusal": "endangers_person"}, **OFFICER)).status_code == 403
    assert (await intake.post("intake", path, json={"answer": "refused", "refusal": "endangers_person"}, **SUPERVISOR)).status_code == 200
    (kept,) = (await intake.get("intake", f"/requests?done=true&person_id={child}", **SUPERVISOR)).json()
    assert (kept["answer"], kept["refusal"]) == ("refused", "endangers_person")
    await ask(intake, child, status=422, asked_at="2020-01-01T00:00:00Z")
