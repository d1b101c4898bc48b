"""A team is sent, arrives and reports, each step with its clock; and nobody is brought along without an agreement that holds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.domain import outreach
from intake.domain.outreach import Said

from tests.intake.builders import a_nik, a_person, a_referral, a_triage, facts
from tests.pages.visitor import Visitor

OFFICER = {"role": "intake_officer", "agency": "dppapp"}
TEAM = {"role": "outreach", "agency": "dinsos"}
MOTHER, CHILD = UUID(int=1), UUID(int=2)
AGES = {MOTHER: 30, CHILD: 7}


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def a_case(rig, who=OFFICER, **known):
    answer = await rig.post("intake", "/reports", json=a_referral(**known), **who)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["case_id"])


async def people(rig, case_id):
    return [str(found.person_id) for found in await rig.sql("intake", "SELECT person_id FROM person WHERE case_id = :c ORDER BY place", c=case_id)]


async def due(rig):
    return [clock.due for clock in await rig.sql("intake", "SELECT due FROM clock WHERE kind = 'outreach'")]


async def missed(rig, case_id):
    return (await rig.sql("intake", "SELECT missed FROM case_file WHERE case_id = :c", c=case_id))[0].missed


async def step(rig, case_id, name="", who=OFFICER, **body):
    return await rig.post("intake", f"/cases/{case_id}/outreach{name}", json=body, **who)


async def test_a_team_sees_whom_to_find_and_where_until_it_has_said_what_it_found(intake):
    case_id = await a_case(intake, persons=[a_person(nik=a_nik()), a_person(role="child", age=7, name="Melati Ayu")])
    mother, child = await people(intake, case_id)
    path, other = f"/cases/{case_id}", {"role": "outreach", "agency": "polda-ppa"}

    async def told(who):
        return (await intake.get("intake", path, **who)).json()

    assert (await step(intake, case_id, team="dinsos")).status_code == 201
    seen = await told(TEAM)
    assert (seen["callback"], seen["narrative"]) == ("Bripka Rudi, 0812-1111-2222", "•••")
    names = {person["person_id"]: (person["name"], person["address"], person["phone"], person["nik"]) for person in seen["persons"]}
    assert names == {mother: ("Sekar Ayu", "Gang Melati 3", "•••", "•••"), child: ("Melati Ayu", "Gang Melati 3", "•••", None)}
    page = (await Visitor(intake, "intake", **TEAM).see(f"cases/{case_id}")).text
    assert [word in page for word in ("Gang Melati 3", "perlu untuk menemukannya", "Dipukul", "0813-0000-0000")] == [True, True, False, False]
    assert page.index("Gang Melati 3") < page.index("Bripka Rudi") < page.index("Giliran siapa"), "before all else"
    read = await intake.sql("intake", "SELECT DISTINCT fields, purpose FROM audit WHERE action = 'case_read'")
    assert [tuple(row) for row in read] == [("address callback name", "outreach")], "each look is on record"
    assert (await intake.get("intake", path, **other)).status_code == 404, "whoever was not sent"
    assert (await intake.get("intake", path, role="peksos", agency="dinsos")).status_code == 404, "and nobody else of its agency"

    restricted = await intake.post("intake", f"/persons/{child}/restrictions", json={"ground": "endangers_person", "recipient": "dinsos"}, **OFFICER)
    assert restricted.status_code == 201, restricted.text
    seen = await told(TEAM)
    assert seen["callback"] == "•••", "it may name whom the team is to learn nothing of"
    assert [person["name"] for person in seen["persons"]] == ["Sekar Ayu", "•••"]

    assert (await step(intake, case_id, "/result", TEAM, result="not_found")).status_code == 200
    assert (await intake.get("intake", path, **TEAM)).status_code == 404
    assert (await step(intake, case_id, team="dinsos")).status_code == 201
    assert (await intake.post("intake", f"{path}/withdraw", json={"reason": "refused_service"}, **OFFICER)).status_code == 200
    assert (await intake.get("intake", path, **TEAM)).status_code == 404, "whom nobody is to look for any more"


async def test_a_team_is_sent_reminded_arrives_and_reports(intake):
    case_id = await a_case(intake, persons=[a_person(), a_person(role="child", age=7)])
    assert (await step(intake, case_id, "/result", result="found")).status_code == 409
    assert (await step(intake, case_id, "/arrived")).status_code == 409
    assert (await intake.get("intake", f"/cases/{case_id}", **TEAM)).status_code == 404
    sent = await step(intake, case_id, team="dinsos")
    assert (sent.status_code, sent.json()["waiting_for"]) == (201, ["triage", "outreach"])
    assert (await step(intake, case_id, team="dinsos")).status_code == 409
    await intake.advance(hours=25)
    assert "outreach" in await missed(intake, case_id)

    arrived = await step(intake, case_id, "/arrived", TEAM)
    assert (arrived.status_code, arrived.json()["waiting_for"]) == (200, ["triage", "outreach"])
    assert (await step(intake, case_id, "/arrived", TEAM)).status_code == 409
    (fact,) = [data for kind, _, data in await intake.facts("intake") if kind == "case.intake.outreach_arrived.v1"]
    assert (await due(intake)) == [datetime.fromisoformat(fact["due_at"])] == [datetime.fromisoformat(fact["arrived_at"]) + timedelta(hours=4)]
    before = len([1 for kind, _, _ in await intake.facts("intake") if kind == "case.intake.clock_missed.v1"])
    await intake.advance(hours=5)
    assert len([1 for kind, _, _ in await intake.facts("intake") if kind == "case.intake.clock_missed.v1"]) == before + 1

    mother, child = await people(intake, case_id)
    words = [{"person_id": mother, "agreement": "agreed"}, {"person_id": child, "agreement": "by_guardian"}]
    ended = await step(intake, case_id, "/result", TEAM, result="brought", persons=words)
    assert ended.status_code == 200, ended.text
    assert "outreach" not in await missed(intake, case_id)
    assert await due(intake) == []
    (outing,) = (await intake.get("intake", f"/cases/{case_id}/outreach", **OFFICER)).json()
    assert (outing["team"], outing["result"], outing["persons"]) == ("dinsos", "brought", words)
    assert outing["dispatched_at"] < outing["arrived_at"] < outing["ended_at"]
    assert (await intake.get("intake", f"/cases/{case_id}/outreach", role="supervisor", agency="dinsos")).status_code == 404


async def test_a_team_has_the_case_in_its_list_until_it_comes_back_also_after_its_clock_ran_out(intake):
    case_id, _ = await a_case(intake), await a_case(intake)

    async def listed(**who):
        return [line["case_id"] for line in (await intake.get("intake", "/cases", **{**TEAM, **who})).json()]

    assert await listed() == []
    await step(intake, case_id, team="dinsos")
    assert await listed() == [str(case_id)]
    assert await listed(agency="polda-ppa") == []
    assert await listed(role="peksos") == [], "only the team itself was let in"
    await intake.advance(days=4)
    assert await listed() == [str(case_id)]
    assert (await step(intake, case_id, "/result", TEAM, result="not_found")).status_code == 200
    assert await listed() == []
    await step(intake, case_id, team="polda-ppa")
    assert (await listed(), await listed(agency="polda-ppa")) == ([], [str(case_id)])


async def test_how_soon_a_team_is_to_be_there_and_to_report_goes_by_risk(intake):
    for urgency, there, report in (("high", 12, 2), ("medium", 24, 4), ("low", 72, 24)):
        case_id = await a_case(intake, urgency="low")
        await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(risk=urgency), **OFFICER)
        await step(intake, case_id, team="dinsos")
        arrived = datetime.now(UTC) - timedelta(seconds=20)
        (clock,) = await due(intake)
        assert abs(clock - datetime.now(UTC) - timedelta(hours=there)) < timedelta(minutes=2)
        assert (await step(intake, case_id, "/arrived", at=arrived.isoformat())).status_code == 200
        assert await due(intake) == [arrived + timedelta(hours=report)]
        assert (await step(intake, case_id, "/result", result="not_found")).status_code == 200


async def test_a_clock_that_was_set_back_stands_in_no_teams_way(intake):
    case_id = await a_case(intake)
    await step(intake, case_id, team="dinsos")
    intake.services["intake"].database.skew -= timedelta(hours=1)
    assert (await step(intake, case_id, "/arrived", TEAM)).status_code == 200
    assert (await step(intake, case_id, "/result", TEAM, result="not_found")).status_code == 200
    (outing,) = (await intake.get("intake", f"/cases/{case_id}/outreach", **OFFICER)).json()
    assert outing["dispatched_at"] <= outing["arrived_at"] <= outing["ended_at"]


async def test_what_cannot_be_recorded_is_refused_by_field_and_changes_nothing(intake):
    case_id = await a_case(intake, persons=[a_person(), a_person(role="child", age=7)])
    mother, child = await people(intake, case_id)
    await step(intake, case_id, team="dinsos")
    for late in (datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)):
        answer = await step(intake, case_id, "/arrived", TEAM, at=late.isoformat())
        assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": "at", "code": "invalid"}])
    nobody = await step(intake, case_id, "/result", TEAM, result="brought")
    assert nobody.json()["errors"] == [{"field": "persons", "code": "missing"}]
    words = [
        {"person_id": child, "agreement": "agreed"},
        {"person_id": str(uuid4()), "agreement": "agreed"},
        {"person_id": child, "agreement": "refused"},
    ]
    wrong = await step(intake, case_id, "/result", TEAM, result="brought", persons=words)
    assert {entry["field"]: entry["code"] for entry in wrong.json()["errors"]} == {
        "persons.0.agreement": "needs_consenter",
        "persons.1.person_id": "not_in_household",
        "persons.2.person_id": "twice",
    }
    assert [kind for kind, _, _ in await intake.facts("intake") if "outreach" in kind] == ["case.intake.outreach_dispatched.v1"]
    assert len(await due(intake)) == 1
    refused = await step(intake, case_id, "/result", TEAM, result="refused", persons=[{"person_id": mother, "agreement": "refused"}])
    assert refused.status_code == 200
    (outing,) = (await intake.get("intake", f"/cases/{case_id}/outreach", **OFFICER)).json()
    assert {entry["person_id"]: entry["agreement"] for entry in outing["persons"]} == {mother: "refused", child: "not_asked"}


@pytest.mark.parametrize("ppks", [1, 11, 12, 26])
async def test_a_team_reports_whom_it_meets_on_the_street_also_without_violence(intake, ppks):
    person = {"role": "victim", "sex": "unknown"}
    body = {"urgency": "low", "callback": "P3S 07", "ppks": ppks, "area": "31.74.01", "persons": [person], "narrative": "Tidur di kolong."}
    answer = await intake.post("intake", "/reports", json=body, **TEAM)
    assert answer.status_code == 201, answer.text
    case_id = answer.json()["case_id"]
    (case,) = await intake.sql("intake", "SELECT channel, area_kind, ppks, violence_types FROM case_file")
    assert tuple(case) == ("p3s_outreach", "found", ppks, [])
    assert (await step(intake, case_id, "/arrived", {"role": "outreach", "agency": "polda-ppa"})).status_code == 404
    assert (await step(intake, case_id, "/arrived", {"role": "supervisor", "agency": "dinsos"})).status_code == 409
    assert (await step(intake, case_id, "/arrived", TEAM)).status_code == 200
    (person_id,) = await people(intake, case_id)
    words = [{"person_id": person_id, "agreement": "unable"}]
    assert (await step(intake, case_id, "/result", TEAM, result="taken_to_hospital", persons=words)).status_code == 200
    (outing,) = (await intake.get("intake", f"/cases/{case_id}/outreach", **TEAM)).json()
    assert (outing["team"], outing["result"], outing["persons"]) == ("dinsos", "taken_to_hospital", words)


WORDS = st.sampled_from(["agreed", "by_guardian", "alternative_consenter", "legal_ground", "refused", "unable", "not_asked", "not_met"])


@given(st.lists(st.builds(Said, st.sampled_from([MOTHER, CHILD, UUID(int=3)]), WORDS), max_size=4))
def test_whoever_is_brought_agreed_or_somebody_did_for_a_child(words):
    refusals = outreach.refusals("brought", words, AGES, 15)
    if not refusals:
        agreed = {word.person_id: word.agreement for word in words}
        assert set(agreed.values()) & outreach.CONSENTED
        assert agreed.get(CHILD) != "agreed"
        assert len(agreed) == len(words)
        assert agreed.keys() <= AGES.keys()
        assert {word.person_id for word in outreach.completed("brought", words, AGES)} == AGES.keys()
    assert outreach.refusals("found", [], AGES, 15) == []


def test_outings_follow_from_the_set_of_facts():
    due_at = "2026-11-01T20:00:00Z"
    known = facts(
        "intake.reported",
        "intake.outreach_dispatched",
        "intake.outreach_ended",
        "intake.outreach_dispatched",
        "intake.outreach_arrived",
        outreach_dispatched={"team": "dinsos", "due_at": due_at},
        outreach_arrived={"arrived_at": "2026-11-01T10:00:00Z", "due_at": due_at},
    )
    first, second = outreach.outings([*reversed(known), *known])
    assert (first.result, first.arrived_at) == ("brought", None)
    assert datetime.fromisoformat(first.ended_at) == known[2].at
    assert (second.result, second.arrived_at) == (None, "2026-11-01T10:00:00Z")
