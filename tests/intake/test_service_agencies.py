"""The register of agencies: kept in versions by an operator, asked by every route that takes a code, and never in the way of a report."""

import json

import pytest

from tests.flows.people import ok
from tests.intake.builders import a_referral, a_triage
from tests.intake.sharing import IN_WRITING, OFFICER, SUPERVISOR, open_case, wrong
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, rows, tasks

OPERATOR = {"role": "operator", "agency": "dppapp"}
HOSPITAL = {"name": "RSUD Tarakan", "kind": "health", "units": ["igd", "ppt"], "areas": ["31.71"]}


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def put(rig, code, status=200, who=OPERATOR, **known):
    match = {"If_Match": known.pop("match")} if "match" in known else {}
    answer = await rig.put("intake", f"/agencies/{code}", json=HOSPITAL | known, **who, **match)
    assert answer.status_code == status, answer.text
    return answer.json()


async def listed(rig, who=SUPERVISOR):
    return ok(await rig.get("intake", "/agencies", **who))


async def test_an_entry_has_versions_and_two_who_change_it_at_once_are_told(intake):
    assert (await listed(intake))["kept"] is False
    assert (await put(intake, "rs-tarakan"))["version"] == 1
    assert (await put(intake, "rs-tarakan", 428))["errors"][0]["field"] == "If-Match"
    assert (await put(intake, "rs-tarakan", match=1, name="RSUD Tarakan Jakarta", active=False))["version"] == 2
    late = await put(intake, "rs-tarakan", 409, match=1)
    assert (late["version"], late["current"]["active"], late["sent"]["active"]) == (2, False, True)
    assert (await put(intake, "rs-baru", 409, match=3))["version"] == 0
    versions = ok(await intake.get("intake", "/agencies/rs-tarakan/versions", **OPERATOR))
    assert [(entry["version"], entry["active"]) for entry in versions] == [(2, False), (1, True)]
    assert (await put(intake, "rs-x", 422, areas=["3"]))["errors"][0]["field"] == "areas.0"
    await put(intake, "rs-x", 403, who=OFFICER)
    said = [body for kind, _, body in await intake.facts("intake") if kind == "case.intake.agency_registered.v1"]
    assert [(body["code"], body["version"]) for body in said] == [("rs-tarakan", 1), ("rs-tarakan", 2)]
    assert "Tarakan" not in str([list(body.values()) for body in said]), "the name is in the register alone"


async def test_the_register_and_the_table_of_who_leads_are_one_list_and_who_reports_without_being_in_it_is_shown(intake):
    await intake.publish("referral.lsm-baru-datang.submitted.v1", json.dumps(a_referral()).encode())
    await intake.settle()
    await put(intake, "rs-tarakan")
    found = await listed(intake)
    assert found["kept"]
    entries = {entry["code"]: entry for entry in found["agencies"]}
    assert {code: entry["leads"] for code, entry in entries.items()} == {"dppapp": True, "dinsos": True, "rs-tarakan": False}
    assert "sudinsos-pusat" in entries["dinsos"]["units"]
    assert (entries["rs-tarakan"]["units"], entries["rs-tarakan"]["areas"]) == (["igd", "ppt"], ["31.71"])
    assert found["unregistered"] == ["lsm-baru-datang"], "its report was taken all the same"
    assert (await listed(intake, {"role": "agency_system", "agency": "dinsos"}))["unregistered"] == []


async def test_every_route_that_takes_an_agency_refuses_an_unknown_one_by_its_field(intake):
    case_id, (person,) = await open_case(intake)
    await put(intake, "rs-tarakan")
    await put(intake, "lsm-lama", active=False)
    consent = {"persons": [person], "purpose": "health", **IN_WRITING}
    share = {"purpose": "health", "fields": ["name"]}
    routes = [
        (f"/cases/{case_id}/triage", OFFICER, "responsible_agency", a_triage()),
        (f"/cases/{case_id}/handover", SUPERVISOR, "agency", {"reason": "moved"}),
        (f"/cases/{case_id}/outreach", OFFICER, "team", {}),
        (f"/cases/{case_id}/consents", OFFICER, "recipient", consent),
        (f"/cases/{case_id}/disclosures", OFFICER, "recipient", share),
        (f"/persons/{person}/restrictions", OFFICER, "recipient", {"ground": "endangers_person"}),
        (f"/cases/{case_id}/refer-out", SUPERVISOR, "agency", {"reason": "transferred"}),
    ]
    before = await intake.facts("intake")
    for path, who, field, body in routes:
        for code in ("rs-tarakn", "lsm-lama"):
            if (code, field) == ("lsm-lama", "recipient") and "restrictions" in path:
                continue
            answer = await intake.post("intake", path, json=body | {field: code}, **who)
            assert wrong(answer) == {(field, "unknown_code")}, path
    assert await intake.facts("intake") == before
    ok(await intake.post("intake", f"/persons/{person}/restrictions", json={"ground": "endangers_person", "recipient": "lsm-lama"}, **OFFICER))
    ok(await intake.post("intake", f"/cases/{case_id}/consents", json=consent | {"recipient": "rs-tarakan"}, **OFFICER))
    ok(await intake.post("intake", f"/cases/{case_id}/disclosures", json=share | {"recipient": "rs-tarakan"}, **OFFICER))
    unit = await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(responsible_agency="rs-tarakan", responsible_unit="uks"), **OFFICER)
    assert wrong(unit) == {("responsible_unit", "unknown_code")}
    ok(await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(responsible_agency="rs-tarakan", responsible_unit="ppt"), **OFFICER))


async def test_versions_of_a_lost_hour_are_there_again_without_their_names_which_people_write_anew(intake):
    await put(intake, "rs-tarakan")
    folder = await backed_up(intake, "intake")
    await put(intake, "rs-tarakan", match=1, active=False)
    await put(intake, "rs-baru")
    await intake.settle()
    kept = "SELECT code, version, agency_id, kind, units, areas, active FROM agency ORDER BY 1, 2"
    before = await rows(intake, "intake", kept)
    await lose_since(intake, "intake", folder)
    assert await rows(intake, "intake", kept) == before
    assert [missing for _, missing in await tasks(intake, "intake")] == ["agency_name"] * 2
    await put(intake, "rs-baru", match=1)
    await intake.settle()
    await agrees_with_the_streams(intake, "intake")
