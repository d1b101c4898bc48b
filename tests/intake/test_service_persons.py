"""The same person twice on real servers: found behind every door, decided by people, and unknown to whoever may not see both cases."""

import json
from uuid import UUID, uuid4

import pytest
from contracts import placement

from tests.intake.builders import a_body, a_nik, a_person, a_referral, a_triage, an_admission

OFFICER = {"role": "intake_officer", "agency": "dppapp"}
SUPERVISOR = {"role": "supervisor", "agency": "dppapp"}
POLICE = {"role": "intake_officer", "agency": "polda-ppa"}
POLICE_HEAD = {"role": "supervisor", "agency": "polda-ppa"}
SAME = {"name": "Kenanga Wulandari", "nik": a_nik(serial=77), "phone": "0813-0000-7777", "address": "Gang Melati 3", "age": 36}
AGAIN = {**SAME, "name": "Ny. WULANDARI Kenangah", "phone": "+62 813 0000 7777"}


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def open_case(rig, who=OFFICER, **known):
    answer = await rig.post("intake", "/reports", json=a_referral(persons=[a_person(**known)]), **who)
    assert answer.status_code == 201, answer.text
    case_id = UUID(answer.json()["case_id"])
    await rig.settle()
    (row,) = await rig.sql("intake", "SELECT person_id FROM person WHERE case_id = :c", c=case_id)
    return case_id, row.person_id


async def candidates(rig, person_id, who=OFFICER):
    answer = await rig.get("intake", f"/persons/{person_id}/candidates", **who)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def decide(rig, candidate_id, what, who=SUPERVISOR, status=200):
    answer = await rig.post("intake", f"/candidates/{candidate_id}/{what}", json={"ground": "documents"}, **who)
    assert answer.status_code == status, answer.text
    return answer.json()


async def a_pair(rig, who=OFFICER):
    first, second = await open_case(rig, **SAME), await open_case(rig, who, **AGAIN)
    (found,) = await candidates(rig, first[1], SUPERVISOR)
    return first, second, found


async def test_the_same_person_is_found_with_the_fields_that_agree_and_no_value(intake):
    first, second, found = await a_pair(intake)
    assert (found["first"], found["second"], found["state"]) == (str(first[1]), str(second[1]), "open")
    assert found["probability"] > 0.95
    assert {"name", "nik", "phone", "birth_year"} <= set(found["agree"])
    assert found["differ"] == []
    assert await candidates(intake, second[1]) == [found], "and from her side too"
    assert not any(word in json.dumps(found) for word in ("Kenanga", "0813", "Melati", SAME["nik"]))


async def test_another_person_of_the_same_house_is_not_suggested(intake):
    _, mother = await open_case(intake, **SAME)
    await open_case(intake, **{**SAME, "name": "Bintang Pratama", "nik": None, "age": 9, "sex": "male"})
    assert await candidates(intake, mother) == []


async def test_two_who_arrive_together_over_nats_find_each_other(intake):
    for known in (SAME, AGAIN):
        await intake.publish("referral.dppapp.submitted.v1", a_body(reference=uuid4().hex, persons=[a_person(**known)]))
    await intake.settle()
    (row,) = await intake.sql("intake", "SELECT state FROM candidate")
    assert row.state == "open"


async def test_a_receipt_and_a_feed_are_the_same_for_a_known_person(intake):
    answers = []
    for known in (SAME, AGAIN):
        report = a_referral(persons=[a_person(**known)], reference=f"R-{len(answers)}")
        answers.append((await intake.post("intake", "/reports", json=report, role="agency_system", agency="polda-ppa")).json())
        await intake.settle()
    assert answers[0].keys() == answers[1].keys()
    assert {answer["receipt"] for answer in answers} == {"accepted"}
    assert len(await intake.sql("intake", "SELECT 1 FROM candidate")) == 1
    said = {}
    for kind, subject, _ in await intake.facts("intake"):
        said.setdefault(subject, []).append(kind)
    assert len({tuple(kinds) for kinds in said.values() if kinds[0].startswith("agency.")}) == 1


async def test_who_takes_part_in_one_case_only_learns_nothing(intake):
    first, second = await open_case(intake, **SAME), await open_case(intake, POLICE, **AGAIN)
    await intake.sql("intake", "UPDATE case_file SET responsible_agency = 'dinsos'")
    (pair,) = await candidates(intake, second[1], SUPERVISOR)
    for who in (POLICE, POLICE_HEAD):
        assert await candidates(intake, second[1], who) == []
        assert (await intake.get("intake", "/candidates", **who)).json() == []
        assert (await intake.get("intake", f"/candidates/{pair['candidate_id']}", **who)).status_code == 404
        assert (await intake.get("intake", f"/persons/{first[1]}/candidates", **who)).status_code == 404
    await decide(intake, pair["candidate_id"], "link", POLICE, 404)
    await decide(intake, pair["candidate_id"], "link")
    await decide(intake, pair["candidate_id"], "merge")
    alone = (await intake.get("intake", f"/persons/{second[1]}/same", **POLICE)).json()
    assert alone == {"person_id": str(second[1]), "same_as": str(second[1]), "persons": [str(second[1])]}, "not even after a merge"
    assert (await intake.get("intake", "/candidates", role="peksos", agency="dppapp")).status_code == 403


async def test_side_by_side_shows_names_to_who_may_see_both_and_is_on_record(intake):
    first, second, found = await a_pair(intake)
    both = (await intake.get("intake", f"/candidates/{found['candidate_id']}", **OFFICER)).json()["persons"]
    assert [person["name"] for person in both] == [SAME["name"], AGAIN["name"]]
    looked = await intake.sql("intake", "SELECT subject, fields FROM audit WHERE action = 'candidate_compared' ORDER BY subject")
    assert [(row.subject, row.fields) for row in looked] == [(first[1], "address name nik phone"), (second[1], "address name nik phone")]


@pytest.mark.parametrize("stopped", [0, 1])
async def test_the_newest_word_of_two_who_are_one_is_a_stop_under_both_ids_or_under_neither(intake, stopped):
    first, second, found = await a_pair(intake)
    hours = {"days": [1], "begins": "19:00", "ends": "21:00"}
    rules = {"channels": [{"channel": "sms", "address": "0813-0000-7777", "hours": [hours]}]}
    persons = [first[1], second[1]]
    for person in persons:
        assert (await intake.put("intake", f"/persons/{person}/safe-contact", json=rules, if_match="0", **OFFICER)).status_code == 200
    assert (await intake.post("intake", f"/persons/{persons[stopped]}/safe-contact/stop", **OFFICER)).status_code == 200
    if stopped == 0:  # under the other id she says otherwise afterwards
        assert (await intake.put("intake", f"/persons/{persons[1]}/safe-contact", json=rules, if_match="1", **OFFICER)).status_code == 200
    await decide(intake, found["candidate_id"], "link")
    await decide(intake, found["candidate_id"], "merge")
    kept = {row.person_id: row.stopped for row in await intake.sql("intake", "SELECT person_id, stopped FROM safe_contact")}
    assert kept == ({persons[0]: True, persons[1]: False} if stopped == 0 else dict.fromkeys(persons, True))
    said = [(data["person_id"], data["stopped"]) for kind, _, data in await intake.facts("intake") if kind.endswith("safe_contact_changed.v1")]
    assert (str(persons[0]), True) in said, "and notifications hears of it"


async def test_a_merge_comes_after_a_link_is_an_alias_and_is_undone_completely(intake):
    first, second, found = await a_pair(intake)
    before = await intake.sql("intake", "SELECT * FROM person ORDER BY person_id")
    await decide(intake, found["candidate_id"], "merge", status=409)
    await decide(intake, found["candidate_id"], "link", OFFICER)
    await decide(intake, found["candidate_id"], "merge", OFFICER, 403)
    merged = await decide(intake, found["candidate_id"], "merge")
    assert [(step["state"], step["ground"]) for step in merged["steps"]] == [("linked", "documents"), ("merged", "documents")]
    one = (await intake.get("intake", f"/persons/{second[1]}/same", **OFFICER)).json()
    assert (one["same_as"], one["persons"]) == (str(first[1]), sorted([str(first[1]), str(second[1])]))
    assert await intake.sql("intake", "SELECT * FROM person ORDER BY person_id") == before, "no row is rewritten"
    assert "merged" not in (await intake.get("intake", f"/cases/{second[0]}/timeline", **SUPERVISOR)).text
    await decide(intake, found["candidate_id"], "unmerge")
    said = [(kind, subject, data) for kind, subject, data in await intake.facts("intake") if kind.endswith("merged.v1")]
    ids = {"person_id": str(second[1]), "same_as": str(first[1])}
    assert said == [("case.intake.merged.v1", second[0], ids), ("case.intake.unmerged.v1", second[0], ids)]
    for _, person in (first, second):
        assert (await intake.get("intake", f"/persons/{person}/same", **OFFICER)).json()["persons"] == [str(person)]
    assert await intake.sql("intake", "SELECT * FROM person ORDER BY person_id") == before


async def test_a_merge_against_what_people_said_is_refused(intake):
    first, second, found = await a_pair(intake)
    _, third = await open_case(intake, **{**SAME, "name": "Kenanga Wulandari S."})
    pairs = {(pair["first"], pair["second"]): pair["candidate_id"] for pair in await candidates(intake, third)}
    await decide(intake, pairs[str(first[1]), str(third)], "not-same")
    for candidate_id in (found["candidate_id"], pairs[str(second[1]), str(third)]):
        await decide(intake, candidate_id, "link")
    await decide(intake, found["candidate_id"], "merge")
    refused = await decide(intake, pairs[str(second[1]), str(third)], "merge", status=409)
    assert refused["candidate_id"] == pairs[str(first[1]), str(third)]


async def test_not_the_same_is_remembered_until_new_data_say_much_more(intake):
    first = await open_case(intake, name="Kenanga Wulandari", age=36, phone="0813-0000-7777", address="Gang Melati 3")
    case_id, second = await open_case(intake, name="Kenanga Wulandari", age=36, phone="0813-0000-7777", address="Gang Melati 3")
    (found,) = await candidates(intake, second)
    await decide(intake, found["candidate_id"], "not-same", OFFICER)
    assert (await intake.get("intake", "/candidates", **OFFICER)).json() == []

    async def tell(case, person, revision, **known):
        body = {"persons": [{"person_id": str(person), **{k: v for k, v in a_person(**known).items() if v is not None}}]}
        answer = await intake.put("intake", f"/cases/{case}/household", json=body, if_match=revision, **OFFICER)
        assert answer.status_code == 200, answer.text
        await intake.settle()

    await tell(case_id, second, 1, name="Kenanga Wulandari", age=36, phone="0813-0000-7777", address="Gang Melati 3")
    assert [pair["state"] for pair in await candidates(intake, second)] == ["not_same"], "the same again is no news"
    await tell(first[0], first[1], 1, name="Kenanga Wulandari", age=36, nik=SAME["nik"])
    await tell(case_id, second, 2, name="Kenanga Wulandari", age=36, nik=SAME["nik"])
    assert [pair["state"] for pair in await candidates(intake, second)] == ["open"], "one NIK is news"


async def test_who_was_merged_and_is_housed_twice_is_a_task(intake):
    first, second, found = await a_pair(intake)
    for number, (case_id, person) in enumerate((first, second), 1):
        answer = await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(shelter_needed=True), **SUPERVISOR)
        assert answer.status_code == 200
        if number == 1:
            await intake.say(an_admission([person]), subject=case_id)
    await decide(intake, found["candidate_id"], "link")
    await intake.settle()
    await decide(intake, found["candidate_id"], "merge")
    tasks = "SELECT kind, agency, reference FROM desk_task WHERE kind = 'both_housed'"
    assert await intake.sql("intake", tasks) == [], "one of them is in a shelter"
    await intake.say(an_admission([second[1]]), subject=second[0])
    await intake.settle()
    (task,) = await intake.sql("intake", tasks)
    assert (task.agency, task.reference) == ("dppapp", f"persons/{second[1]}")
    shown = (await intake.get("intake", "/desk", **SUPERVISOR)).json()
    assert "both_housed" in [entry["kind"] for entry in shown]
    await intake.say(placement.Left(placement_id=UUID(int=5), shelter_id=UUID(int=77), persons=(second[1],)), subject=second[0], factversion=2)
    await intake.settle()
    assert len(await intake.sql("intake", tasks)) == 1


async def test_after_an_erasure_nothing_links_her(intake):
    first, second, found = await a_pair(intake)
    await intake.services["intake"].vault.erase([second[1]])
    assert await candidates(intake, first[1], SUPERVISOR) == []
    assert (await intake.get("intake", f"/candidates/{found['candidate_id']}", **SUPERVISOR)).status_code == 404
    _, third = await open_case(intake, **SAME)
    assert {pair["second"] for pair in await candidates(intake, third)} == {str(third)}, "only who is not erased is found"
    for table in ("likeness", "likeness_key"):
        assert await intake.sql("intake", f"SELECT 1 FROM {table} WHERE person_id = :p", p=second[1]) == []
    await intake.services["intake"].vault.erase([third])
    await intake.advance(days=2)
    rows = await intake.sql("intake", "SELECT person_id FROM likeness UNION SELECT person_id FROM likeness_key")
    assert [row.person_id for row in rows] == [first[1]], "and what nobody met is swept away within a day"
    assert await intake.sql("intake", "SELECT 1 FROM candidate") == []


async def test_nothing_readable_is_kept_to_compare_by(intake):
    await a_pair(intake)
    rows = await intake.sql("intake", "SELECT to_jsonb(l)::text AS row FROM likeness l UNION ALL SELECT to_jsonb(c)::text FROM candidate c")
    assert len(rows) == 3
    for word in ("kenanga", "wulandari", "melati", "7777", SAME["nik"]):
        assert not any(word in row.row.lower().replace("\\x", "") for row in rows if "sealed" not in row.row)
        assert not any(word.encode().hex() in row.row for row in rows)
    sizes = await intake.sql("intake", "SELECT DISTINCT length(sealed) AS bytes FROM likeness")
    assert len(sizes) == 1, "and its length says nothing about a name"
