"""Suspects on real servers: nobody names anybody to placement, and what changes reaches it as a changed risk."""

from datetime import date

import pytest
from intake.linkage.pairs import pair_id

from tests.intake.builders import a_nik, a_person
from tests.intake.test_service_cases import OFFICER, POLICE, STRANGER, SUPERVISOR, open_case, people, said, triage

NIK = a_nik(born=date(1980, 3, 4), sex="male", serial=9)


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def suspect(rig, case_id, path="", method="POST", who=OFFICER, **known):
    body = {"relation": "suami_istri", **known}
    return await rig.send(method, "intake", f"/cases/{case_id}/suspects{path}", json=body, **who)


async def test_suspects_are_added_to_what_a_triage_names_and_nothing_named_is_lost(intake):
    case_id = await open_case(intake, screen={"perpetrator_areas": ["31.75.03"]})
    added = await suspect(intake, case_id, name="Anwar", areas=["31.72.01"])
    assert added.status_code == 201, added.text
    him = added.json()["suspect_id"]
    assert await said(intake, "case.intake.risk_changed") == [], "nobody triaged yet"
    await triage(intake, case_id, shelter_needed=True)
    (triaged,) = await said(intake, "case.intake.triaged")
    assert (triaged["keep_apart"], triaged["perpetrator_areas"]) == ([him], ["31.75.03", "31.72.01"])
    named = "00000000-0000-8000-8000-000000000077"
    await triage(intake, case_id, shelter_needed=True, keep_apart=[named], perpetrator_areas=["31.74.01"])
    await suspect(intake, case_id, f"/{him}", "PUT", areas=["31.73.02"])
    await triage(intake, case_id, shelter_needed=True)
    first, moved, again = await said(intake, "case.intake.risk_changed")
    assert (set(first["keep_apart"]), first["perpetrator_areas"]) == ({named, him}, ["31.74.01", "31.72.01"])
    assert (set(moved["keep_apart"]), moved["perpetrator_areas"], moved["judged"]) == ({named, him}, ["31.74.01", "31.73.02"], False)
    assert (set(again["keep_apart"]), again["perpetrator_areas"]) == ({named, him}, ["31.74.01", "31.73.02"])
    removed = await intake.post("intake", f"/cases/{case_id}/suspects/{him}/remove", json={}, **OFFICER)
    assert removed.status_code == 200
    left = (await said(intake, "case.intake.risk_changed"))[-1]
    assert (left["keep_apart"], left["perpetrator_areas"]) == ([named], ["31.74.01"])
    assert (await intake.get("intake", f"/cases/{case_id}/suspects", **OFFICER)).json() == []


async def test_a_resident_with_the_same_nik_is_kept_apart_whoever_came_first_and_nobody_is_told_who_it_is(intake):
    case_id = await open_case(intake)
    await triage(intake, case_id, shelter_needed=True)
    before = await open_case(intake, POLICE, persons=[a_person(nik=NIK, sex="male", age=46)])
    (resident,) = await people(intake, before)
    him = (await suspect(intake, case_id, nik=NIK, name="Anwar")).json()["suspect_id"]
    await intake.settle()
    assert set((await said(intake, "case.intake.risk_changed"))[-1]["keep_apart"]) == {him, str(resident)}
    after = await open_case(intake, POLICE, persons=[a_person(nik=NIK, sex="male", age=46)])
    await intake.settle()
    (newcomer,) = await people(intake, after)
    assert set((await said(intake, "case.intake.risk_changed"))[-1]["keep_apart"]) == {him, str(resident), str(newcomer)}
    await intake.put("intake", f"/cases/{case_id}/suspects/{him}", json={"relation": "suami_istri", "areas": ["31.72.01"]}, **OFFICER)
    assert set((await said(intake, "case.intake.risk_changed"))[-1]["keep_apart"]) == {him, str(resident), str(newcomer)}
    (shown,) = (await intake.get("intake", f"/cases/{case_id}/suspects", role="supervisor", agency="dppapp")).json()
    assert (shown["name"], shown["nik"]) == ("Anwar", NIK)
    assert set(shown["same_as"]) == {str(resident), str(newcomer)}, "dppapp leads those cases too"
    own = await open_case(intake, POLICE)
    await intake.post("intake", f"/cases/{own}/triage", json={"risk": "low", "shelter_needed": False, "responsible_agency": "polda-ppa"}, **OFFICER)
    await suspect(intake, own, who=POLICE, nik=NIK)
    await intake.sql("intake", "UPDATE case_file SET reporting_agency = 'rs', responsible_agency = 'rs' WHERE case_id = ANY(:c)", c=[before, after])
    (masked,) = (await intake.get("intake", f"/cases/{own}/suspects", **POLICE)).json()
    assert masked["same_as"] == []
    for path in ("timeline", "record"):
        text = (await intake.get("intake", f"/cases/{own}/{path}", **POLICE)).text
        assert str(resident) not in text
        assert str(newcomer) not in text
    rows = await intake.sql("intake", "SELECT name, nik FROM suspect WHERE name IS NOT NULL")
    assert all(b"Anwar" not in bytes(found.name) and NIK.encode() not in bytes(found.nik) for found in rows)
    outbox = await intake.sql("intake", "SELECT string_agg(convert_from(body, 'UTF8'), '') AS all FROM outbox")
    assert "Anwar" not in outbox[0].all
    assert NIK not in outbox[0].all


async def test_whom_a_merge_makes_one_with_a_suspect_is_kept_apart_as_long_as_they_are_one(intake):
    case_id, first_case, second_case = [await open_case(intake) for _ in range(3)]
    await triage(intake, case_id, shelter_needed=True)
    (one,), (other,) = await people(intake, first_case), await people(intake, second_case)
    first, second = sorted([one, other])
    him = (await suspect(intake, case_id, same_as=[str(first)])).json()["suspect_id"]

    async def kept_apart():
        await intake.settle()
        return set((await said(intake, "case.intake.risk_changed"))[-1]["keep_apart"])

    assert await kept_apart() == {him, str(first)}
    pair = pair_id(first, second)
    await intake.sql(
        "intake",
        """INSERT INTO candidate (candidate_id, first, second, bits, agree, differ, state, steps, found_at, changed_at)
        VALUES (:pair, :first, :second, 20, '{name}', '{}', 'linked', '[]', now(), now()) ON CONFLICT (candidate_id) DO UPDATE SET state = 'linked'""",
        pair=pair,
        first=first,
        second=second,
    )
    for step, expected in (("merge", {him, str(first), str(second)}), ("unmerge", {him, str(first)})):
        answer = await intake.post("intake", f"/candidates/{pair}/{step}", json={"ground": "documents"}, **SUPERVISOR)
        assert answer.status_code == 200, answer.text
        assert await kept_apart() == expected
    assert len({str(fact) for fact in await said(intake, "case.intake.suspect_recorded")}) == 1


async def test_nobody_triages_in_time_and_the_floor_keeps_apart_from_suspects_too(intake):
    case_id = await open_case(intake, urgency="high", screen={"shelter_needed": None, "perpetrator_areas": ["31.75.03"]})
    him = (await suspect(intake, case_id, areas=["31.72.01"])).json()["suspect_id"]
    await intake.advance(minutes=16)
    (changed,) = await said(intake, "case.intake.risk_changed")
    assert (changed["keep_apart"], changed["perpetrator_areas"]) == ([him], ["31.75.03", "31.72.01"])


async def test_what_is_wrong_with_a_suspect_is_named(intake):
    case_id = await open_case(intake)
    (member,) = await people(intake, case_id)
    wrong = await suspect(intake, case_id, areas=["31.72.01", "31.72.99"], nik=a_nik(serial=0), same_as=["00000000-0000-8000-8000-000000000001"])
    assert {error["field"] for error in wrong.json()["errors"]} == {"areas.1", "nik", "same_as.0"}
    own = await suspect(intake, case_id, same_as=[str(member)])
    assert [error["field"] for error in own.json()["errors"]] == ["same_as.0"]
    assert (await suspect(intake, case_id, who=STRANGER)).status_code == 404
    assert await intake.sql("intake", "SELECT 1 FROM suspect") == []


async def test_mediation_of_sexual_violence_is_refused_but_for_children_by_a_supervisor(intake):
    case_id = await open_case(intake, violence_types=["seksual"])
    step, path = {"code": "mediation", "on": "2026-01-02"}, f"/cases/{case_id}/legal-steps"
    await suspect(intake, case_id, age=15)
    assert (await intake.post("intake", path, json=step, **OFFICER)).status_code == 409
    assert (await intake.post("intake", path, json=step, **SUPERVISOR)).status_code == 201
    await suspect(intake, case_id, age=30)
    refused = await intake.post("intake", path, json=step, **SUPERVISOR)
    assert (refused.status_code, "UU TPKS 23" in refused.json()["title"]) == (409, True)


async def test_who_writes_of_a_suspect_whom_somebody_else_changed_is_told_both_values(intake):
    case_id = await open_case(intake)
    him = (await suspect(intake, case_id, name="Anwar Kanarya", areas=["31.72.01"])).json()["suspect_id"]
    (seen,) = (await intake.get("intake", f"/cases/{case_id}/suspects", **OFFICER)).json()
    path, body = f"/cases/{case_id}/suspects/{him}", {"relation": "majikan", "areas": ["31.73.02"]}
    first = await intake.send("PUT", "intake", path, json=body, If_Match=seen["version"], **OFFICER)
    assert first.status_code == 200, first.text
    late = await intake.send("PUT", "intake", path, json={**body, "relation": "guru"}, If_Match=seen["version"], **OFFICER)
    assert (late.status_code, late.json()["current"]["relation"], late.json()["sent"]["relation"]) == (409, "majikan", "guru")
    assert "Kanarya" not in late.text
    (now,) = (await intake.get("intake", f"/cases/{case_id}/suspects", **OFFICER)).json()
    assert (now["relation"], now["version"] == late.json()["version"]) == ("majikan", True)
