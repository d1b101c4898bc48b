"""Restrictions on real servers: who is to learn nothing of a person does not; and whatever people do, who hears is who has a grant."""

import json
import os
import random
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from contracts import assessment

from tests.flows.people import ok
from tests.intake.builders import a_person, a_triage
from tests.intake.sharing import (
    CHILD,
    MOTHER,
    OFFICER,
    POLICE,
    RECIPIENT,
    SUPERVISOR,
    agree,
    audited,
    disclose,
    moved_on,
    on_the_stream,
    open_case,
    restrict,
    shared,
    wrong,
)

STEPS = ("agree", "agree", "disclose", "disclose", "refuse", "withdraw", "revoke", "restrict", "lift", "lead", "fact", "later")
ROUNDS = int(os.environ.get("NAUNGAN_SHARING_ROUNDS", "4"))
ENDS = {"withdraw": "consent", "revoke": "disclosure", "lift": "restriction"}


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def test_a_restriction_ends_disclosures_and_feed_and_masks_names(intake):
    case_id, (mother,), _, disclosure = await shared(intake)
    ok(await restrict(intake, mother, recipient="dinsos"))
    assert (await intake.get("intake", f"/disclosures/{disclosure['disclosure_id']}", **RECIPIENT)).status_code == 410
    assert await on_the_stream(intake, "dinsos") == ["opened", "disclosed", "disclosure_ended", "stopped"]
    assert wrong(await disclose(intake, case_id)) == {("recipient", "restricted")}
    override = {"basis": "vital_interest", "reason": "danger_to_life"}
    assert wrong(await disclose(intake, case_id, SUPERVISOR, **override)) == {("recipient", "restricted")}, "nothing overrides it"

    kept = ok(await restrict(intake, mother, recipient="polda-ppa"))
    shown = ok(await intake.get("intake", f"/cases/{case_id}", **POLICE))
    (person,) = shown["persons"]
    assert {person["name"], person["phone"], person["address"], shown["narrative"], shown["callback"]} == {"•••"}
    assert "Canary" in (await intake.get("intake", f"/cases/{case_id}", **OFFICER)).text
    assert (await on_the_stream(intake, "polda-ppa"))[-1] == "stopped", "also who referred it hears no more"
    timeline = ok(await intake.get("intake", f"/cases/{case_id}/timeline", **POLICE))
    assert not any("restricted" in entry["type"] for entry in timeline)
    for path in (f"/persons/{mother}/restrictions",):
        assert (await intake.get("intake", path, **POLICE)).status_code == 404, "who is on the list does not see it"
    lift = f"/restrictions/{kept['restriction_id']}/lift"
    assert (await intake.post("intake", lift, role="supervisor", agency="polda-ppa")).status_code == 404
    assert (await intake.post("intake", lift, **OFFICER)).status_code == 403
    await moved_on(intake, case_id, 1)
    ok(await intake.post("intake", lift, **SUPERVISOR))
    assert (await on_the_stream(intake, "polda-ppa"))[-2:] == ["stopped", "assessment_began"], "what it missed it hears now"
    assert "Canary" in (await intake.get("intake", f"/cases/{case_id}", **POLICE)).text
    listed = ok(await intake.get("intake", f"/persons/{mother}/restrictions", **OFFICER))["restrictions"]
    assert [(entry["recipient"], entry["lifted_at"] is None) for entry in listed] == [("dinsos", True), ("polda-ppa", False)]


async def test_a_restriction_holds_for_whom_a_merge_makes_one_with_her(intake):
    twin = a_person(name="Canary Contoh", nik=None)
    (_, (first,)), (case_id, (second,)) = await open_case(intake, twin), await open_case(intake, twin, who=POLICE)
    await intake.settle()
    (pair,) = await intake.sql("intake", "SELECT candidate_id AS id FROM candidate")
    for step in ("link", "merge"):
        ok(await intake.post("intake", f"/candidates/{pair.id}/{step}", json={}, **SUPERVISOR))
    ok(await restrict(intake, first, recipient="polda-ppa"))
    assert ok(await intake.get("intake", f"/cases/{case_id}", **POLICE))["persons"][0]["name"] == "•••"
    await moved_on(intake, case_id, 1)
    heard = [
        json.loads(row.body)
        for row in await intake.sql(
            "intake",
            "SELECT body FROM outbox o JOIN follow f ON f.follow_id = o.subject WHERE f.agency = 'polda-ppa' AND o.type = 'agency.assessment_began.v1'",
        )
    ]
    assert heard == []
    beside = ok(await intake.get("intake", f"/candidates/{pair.id}", **POLICE))
    assert {person["name"] for person in beside["persons"]} == {"•••"}
    ok(await intake.post("intake", f"/candidates/{pair.id}/unmerge", json={}, **SUPERVISOR))
    assert ok(await intake.get("intake", f"/cases/{case_id}", **POLICE))["persons"][0]["name"] == "Canary Contoh", "two again, and she alone is kept"
    assert second != first


async def test_a_father_on_the_list_consents_to_nothing_and_his_request_is_refused_on_record(intake):
    case_id, (_, child) = await open_case(intake, MOTHER, CHILD)
    ok(await restrict(intake, child, relation="parent", ground="perpetrator"))
    by_parent = {"given_by": "guardian", "relation": "parent", "assent": True}
    assert wrong(await agree(intake, case_id, [child], **by_parent)) == {("relation", "on_the_list")}
    assert wrong(await agree(intake, case_id, [child], refused=True, **by_parent)) == {("relation", "on_the_list")}, "his no keeps no help from her"
    instead = {"given_by": "alternative", "alternative": "peksos", "reason": "guardian_is_suspect", "assent": True}
    ok(await agree(intake, case_id, [child], **instead))
    ok(await disclose(intake, case_id, persons=[child], fields=["age"]))
    refusal = ok(await intake.post("intake", f"/persons/{child}/access-refusals", json={"relation": "parent", "ground": "perpetrator"}, **OFFICER))
    listed = ok(await intake.get("intake", f"/persons/{child}/restrictions", **OFFICER))
    assert [entry["refusal_id"] for entry in listed["refused"]] == [refusal["refusal_id"]]
    assert [subject for _, subject, _ in await audited(intake, "access_refused")] == [child]
    neither = await intake.post("intake", f"/persons/{child}/access-refusals", json={"ground": "perpetrator"}, **OFFICER)
    assert wrong(neither) == {("requester_id", "one_needed"), ("relation", "one_needed")}
    both, none = await restrict(intake, child, recipient="dinsos", relation="parent"), await restrict(intake, child)
    assert wrong(both) == {("recipient", "exactly_one"), ("relation", "exactly_one")}
    assert {code for _, code in wrong(none)} == {"exactly_one"}


async def test_an_officer_who_is_on_the_list_herself_sees_no_name(intake):
    case_id, (mother,) = await open_case(intake)
    husband = uuid4()
    as_officer = {**OFFICER, "subject": husband}
    assert "Canary" in (await intake.get("intake", f"/cases/{case_id}", **as_officer)).text
    ok(await restrict(intake, mother, requester_id=str(husband)))
    shown = await intake.get("intake", f"/cases/{case_id}", **as_officer)
    assert ok(shown)["persons"][0]["name"] == "•••"
    assert "Canary" not in shown.text
    assert (await intake.get("intake", f"/persons/{mother}/restrictions", **as_officer)).status_code == 404
    assert wrong(await agree(intake, case_id, [mother], who=as_officer)) == {("persons.0", "unknown_person")}
    assert "Canary" in (await intake.get("intake", f"/cases/{case_id}", **OFFICER)).text
    own = await restrict(intake, mother, recipient="dppapp")
    assert wrong(own) == {("recipient", "own_agency")}


async def lived(rig, steps):
    """Do these steps on a case of its own, and after each compare who hears with who has a grant, read from the rows alone."""
    case_id, (mother,) = await open_case(rig)
    made: dict[str, list[str]] = {"consent": [], "disclosure": [], "restriction": []}
    leaders = ["dppapp", "dinsos"]
    for number, step in enumerate(steps, 1):
        if step in {"agree", "refuse"}:
            made["consent"].append(ok(await agree(rig, case_id, [mother], refused=step == "refuse", who=POLICE))[0]["consent_id"])
        elif step == "disclose":
            answer = await disclose(rig, case_id, who=POLICE)
            made["disclosure"] += [answer.json()["disclosure_id"]] if answer.is_success else []
        elif step == "restrict":
            made["restriction"].append(ok(await restrict(rig, mother, recipient="dinsos", who=POLICE))["restriction_id"])
        elif step == "lead":
            leaders.reverse()
            ok(await rig.post("intake", f"/cases/{case_id}/triage", json=a_triage(responsible_agency=leaders[0]), **POLICE))
        elif step == "fact":
            await rig.say(assessment.Assigned(worker_id=uuid4(), due_at=datetime.now(UTC)), subject=case_id, factversion=number)
        elif step == "later":
            await rig.advance(days=20)
        else:
            for identity in made[ENDS[step]]:
                await rig.post("intake", f"/{ENDS[step]}s/{identity}/{step}", role="supervisor", agency="polda-ppa")
        await rig.settle()
        await hears_who_may(rig, case_id, leaders[0])


async def hears_who_may(rig, case_id, leader):
    rows = await rig.sql("intake", "SELECT recipient FROM disclosure WHERE case_id = :c AND ended_at IS NULL", c=case_id)
    kept = await rig.sql("intake", "SELECT recipient FROM restriction WHERE case_id = :c AND lifted_at IS NULL", c=case_id)
    granted = ({"polda-ppa", leader} | {row.recipient for row in rows}) - {row.recipient for row in kept}
    hearing = await rig.sql("intake", "SELECT agency FROM follow WHERE case_id = :c AND ended_at IS NULL", c=case_id)
    assert {row.agency for row in hearing} == granted
    said = await rig.sql(
        "intake",
        "SELECT f.agency, o.type FROM outbox o JOIN follow f ON f.follow_id = o.subject WHERE f.case_id = :c ORDER BY o.factversion",
        c=case_id,
    )
    for agency in {row.agency for row in said}:
        mine = [row.type for row in said if row.agency == agency]
        assert mine.count("agency.opened.v1") == 1, "nothing is told twice"
        assert (mine[-1] == "agency.stopped.v1") == (agency not in granted), "and nothing after the stop"


@pytest.mark.timeout(120 + 60 * ROUNDS)
@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_whatever_people_do_those_hear_who_have_a_grant_and_nothing_comes_after_a_stop(intake, seed):
    chance = random.Random(seed)
    await lived(intake, ["agree", "disclose", *(chance.choice(STEPS) for _ in range(8))])
