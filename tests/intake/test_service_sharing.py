"""Consent and disclosures on real servers: who may read what, who hears of a case, and that both stop at once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from contracts import assessment
from joserfc import jwe
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.flows.people import ok
from tests.intake.builders import a_triage
from tests.intake.sharing import (
    CHILD,
    IN_WRITING,
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


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def test_without_consent_nothing_is_shared_and_the_answer_names_what_is_missing(intake):
    case_id, (mother, child) = await open_case(intake, MOTHER, CHILD)
    assert wrong(await disclose(intake, case_id)) == {("persons.0", "consent_missing"), ("persons.1", "consent_missing")}
    ok(await agree(intake, case_id, [mother]))
    assert wrong(await disclose(intake, case_id)) == {("persons.1", "consent_missing")}
    assert wrong(await disclose(intake, case_id, purpose="legal_aid", persons=[mother])) == {("persons.0", "consent_missing")}
    assert wrong(await disclose(intake, case_id, fields=["narrative"], persons=[mother])) == {("fields.0", "concerns_others_too")}
    assert wrong(await disclose(intake, case_id, fields=["shelter"], persons=[mother])) >= {("fields.0", "enum")}
    ok(await disclose(intake, case_id, persons=[mother]))
    assert wrong(await agree(intake, case_id, [child])) == {("given_by", "child_cannot_alone")}
    ok(await agree(intake, case_id, [child], given_by="guardian", relation="parent", consenter_id=mother, assent=True))
    ok(await disclose(intake, case_id))


async def test_the_recipient_fetches_the_named_fields_and_nothing_else_and_each_look_is_on_record(intake):
    case_id, (mother,), _, disclosure = await shared(intake)
    path = f"/disclosures/{disclosure['disclosure_id']}"
    got = ok(await intake.get("intake", path, **RECIPIENT))
    (person,) = got["persons"]
    assert (person["name"], person["phone"], got["area"]) == ("Canary Contoh", "0813-0000-0000", "31.71.02")
    assert [person[name] for name in ("nik", "address", "sex", "age", "role", "needs")] == [None] * 6
    assert (got["narrative"], got["violence_types"], got["risk"]) == (None, None, None)
    assert mother not in json.dumps(got), "no id by which anybody could be found elsewhere"
    assert await audited(intake, "disclosure_fetched:health") == [("dinsos", mother, "area name phone")]
    for stranger in (OFFICER, {"role": "agency_system", "agency": "rs-lain"}):
        assert (await intake.get("intake", path, **stranger)).status_code == 404
    (line,) = ok(await intake.get("intake", "/disclosures", **RECIPIENT))
    assert line["disclosure_id"] == disclosure["disclosure_id"]
    assert await on_the_stream(intake, "dinsos") == ["opened", "disclosed"]
    (listed,) = ok(await intake.get("intake", f"/cases/{case_id}/disclosures", **POLICE))
    assert (listed["holds"], listed["made_for"], listed["override"]) == (True, "dppapp", None)
    await intake.services["intake"].vault.erase([UUID(mother)])
    (person,) = ok(await intake.get("intake", path, **RECIPIENT))["persons"]
    assert person["name"] is None, "who was erased is gone from what was disclosed too"


@pytest.mark.parametrize("kind", ["EC", "RSA", "X25519"])
async def test_what_is_disclosed_can_be_sealed_to_the_recipients_key_and_only_it_opens_it(rig, tmp_path, kind):
    made = {
        "EC": lambda: ECKey.generate_key("P-256"),
        "RSA": lambda: RSAKey.generate_key(2048),
        "X25519": lambda: OKPKey.generate_key("X25519"),
    }
    key, keys = made[kind](), tmp_path / "agencies.json"
    await rig.start("intake", agency_keys_file=keys)
    _, _, consent, disclosure = await shared(rig)
    path = f"/disclosures/{disclosure['disclosure_id']}"
    for unusable in ({}, {"rs-lain": {"keys": [key.as_dict(private=False)]}}, {"dinsos": {"keys": [key.as_dict(private=True)]}}, {"dinsos": 3}):
        keys.write_text(json.dumps(unusable))
        assert (await rig.get("intake", f"{path}/sealed", **RECIPIENT)).status_code == 409, "never to a key whose secret half lies here"
    keys.write_text(json.dumps({"dinsos": {"keys": [key.as_dict(private=False)]}}))
    answer = await rig.get("intake", f"{path}/sealed", **RECIPIENT)
    assert "Canary" not in answer.text
    opened = json.loads(jwe.decrypt_compact(ok(answer)["jwe"], key, algorithms=["RSA-OAEP-256", "ECDH-ES+A256KW", "A256GCM"]).plaintext)
    assert opened == ok(await rig.get("intake", path, **RECIPIENT))
    assert opened["persons"][0]["name"] == "Canary Contoh"
    assert len(await audited(rig, "disclosure_fetched:health")) == 2, "both looks are on record, the refused ones are not"
    ok(await rig.post("intake", f"/consents/{consent['consent_id']}/withdraw", **OFFICER))
    assert (await rig.get("intake", f"{path}/sealed", **RECIPIENT)).status_code == 410


async def test_what_is_taken_back_ends_in_the_same_moment_and_no_copy_comes_after_the_stop(intake):
    case_id, _, consent, disclosure = await shared(intake)
    await moved_on(intake, case_id, 1)
    before = ["opened", "disclosed", "assessment_began"]
    assert await on_the_stream(intake, "dinsos") == before
    ok(await intake.post("intake", f"/consents/{consent['consent_id']}/withdraw", **OFFICER))
    gone = await intake.get("intake", f"/disclosures/{disclosure['disclosure_id']}", **RECIPIENT)
    assert (gone.status_code, "consent" in gone.text) == (410, False), "why is never said"
    assert ok(await intake.get("intake", "/disclosures", **RECIPIENT)) == []
    await moved_on(intake, case_id, 2)
    assert await on_the_stream(intake, "dinsos") == [*before, "disclosure_ended", "stopped"]
    assert "stopped" not in await on_the_stream(intake, "polda-ppa"), "who referred it hears on"
    (listed,) = ok(await intake.get("intake", f"/cases/{case_id}/disclosures", **OFFICER))
    assert (listed["holds"], listed["ended_by"]) == (False, "consent_ended")
    again = await intake.post("intake", f"/consents/{consent['consent_id']}/withdraw", **OFFICER)
    assert (again.status_code, again.json()["state"]) == (409, "withdrawn")


async def test_between_a_withdrawal_and_the_facts_that_race_with_it_there_is_an_order(intake):
    case_id, _, consent, disclosure = await shared(intake)
    await moved_on(intake, case_id, 1)

    async def fact(version):
        await intake.say(assessment.Assigned(worker_id=uuid4(), due_at=datetime.now(UTC)), subject=case_id, factversion=version)

    async def look():
        return (await intake.get("intake", f"/disclosures/{disclosure['disclosure_id']}", **RECIPIENT)).status_code

    withdrawal = intake.post("intake", f"/consents/{consent['consent_id']}/withdraw", **OFFICER)
    *looks, _ = await asyncio.gather(*(look() for _ in range(5)), *(fact(n) for n in range(2, 12)), withdrawal, *(fact(n) for n in range(12, 32)))
    assert set(looks[:5]) <= {200, 410}
    assert await look() == 410
    heard = await on_the_stream(intake, "dinsos")
    assert heard.count("stopped") == 1
    assert heard.index("disclosure_ended") == len(heard) - 2
    assert heard[-1] == "stopped", "whichever facts came before it, none comes after it"
    assert (await on_the_stream(intake, "polda-ppa")).count("assessment_began") == 31


async def test_who_is_disclosed_to_again_hears_what_it_missed_and_nothing_twice(intake):
    case_id, persons, consent, _ = await shared(intake)
    ok(await intake.post("intake", f"/consents/{consent['consent_id']}/withdraw", **OFFICER))
    await moved_on(intake, case_id, 1)
    ok(await agree(intake, case_id, persons))
    ok(await disclose(intake, case_id))
    heard = await on_the_stream(intake, "dinsos")
    assert heard == ["opened", "disclosed", "disclosure_ended", "stopped", "assessment_began", "disclosed"]
    (follow,) = await intake.sql("intake", "SELECT count(DISTINCT subject) AS n FROM outbox WHERE route LIKE 'agency.dinsos.%'")
    assert follow.n == 1, "it goes on under the same follow id"


async def test_an_agency_with_but_a_disclosure_hears_no_risk_no_shelter_and_no_outcome(intake):
    case_id, *_ = await shared(intake)
    (follow,) = await intake.sql("intake", "SELECT follow_id FROM follow WHERE agency = 'dinsos'")
    seen = ok(await intake.get("intake", f"/follow/{follow.follow_id}", **RECIPIENT))
    assert (seen["state"], seen["risk"], seen["responsible_agency"]) == ("open", None, None)
    ok(await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(responsible_agency="dinsos"), **OFFICER))
    assert sorted(await on_the_stream(intake, "dinsos")) == ["disclosed", "opened", "triaged", "triaged"], "now it leads, and hears all"
    assert (await on_the_stream(intake, "dppapp"))[-1] == "stopped", "and who led hears no more"
    ok(
        await intake.post(
            "intake", f"/cases/{case_id}/triage", json=a_triage(responsible_agency="dppapp", risk="high"), role="supervisor", agency="dinsos"
        )
    )
    assert sorted(await on_the_stream(intake, "dinsos")) == ["disclosed", "opened", "triaged", "triaged"], "the disclosure goes on, reduced again"
    assert ok(await intake.get("intake", f"/follow/{follow.follow_id}", **RECIPIENT))["state"] == "open"


async def test_time_ends_a_consent_and_a_disclosure_by_itself(intake):
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    case_id, persons, _, first = await shared(intake, expires_at=soon)
    await intake.advance(days=3)
    assert (await intake.get("intake", f"/disclosures/{first['disclosure_id']}", **RECIPIENT)).status_code == 410
    said = [data for kind, _, data in await intake.facts("intake") if kind == "case.intake.consent_changed.v1"]
    assert [data["state"] for data in said] == ["given", "expired"]
    assert await on_the_stream(intake, "dinsos") == ["opened", "disclosed", "disclosure_ended", "stopped"]
    ok(await agree(intake, case_id, persons))
    ok(await disclose(intake, case_id))
    await intake.advance(days=31)
    ended = [data["reason"] for kind, _, data in await intake.facts("intake") if kind == "case.intake.disclosure_ended.v1"]
    assert ended == ["consent_ended", "expired"]
    assert (await on_the_stream(intake, "dinsos"))[-2:] == ["disclosure_ended", "stopped"]


async def test_a_case_that_ends_ends_its_disclosures(intake):
    case_id, _, _, disclosure = await shared(intake)
    ok(await intake.post("intake", f"/cases/{case_id}/withdraw", json={"reason": "refused_service"}, **OFFICER))
    assert (await intake.get("intake", f"/disclosures/{disclosure['disclosure_id']}", **RECIPIENT)).status_code == 410
    assert await on_the_stream(intake, "dinsos") == ["opened", "disclosed", "ended"]
    (row,) = await intake.sql("intake", "SELECT ended_by FROM disclosure")
    assert row.ended_by == "case_ended"
    assert (await disclose(intake, case_id)).status_code == 409
    assert await intake.sql("intake", "SELECT 1 FROM clock WHERE kind = 'sharing' AND key = :d", d=disclosure["disclosure_id"]) == []


async def test_only_a_supervisor_shares_without_consent_and_that_stays_visible(intake):
    case_id, persons = await open_case(intake)
    without = {"basis": "vital_interest", "reason": "danger_to_life"}
    assert (await disclose(intake, case_id, **without)).status_code == 403
    assert wrong(await disclose(intake, case_id, SUPERVISOR, basis="vital_interest")) == {("reason", "missing")}
    made = ok(await disclose(intake, case_id, SUPERVISOR, **without))
    assert ok(await intake.get("intake", f"/disclosures/{made['disclosure_id']}", **RECIPIENT))["persons"][0]["name"] == "Canary Contoh"
    assert [subject for _, subject, _ in await audited(intake, "disclosed_without_consent")] == persons
    (listed,) = ok(await intake.get("intake", f"/cases/{case_id}/disclosures", **OFFICER))
    assert (listed["basis"], listed["override"], listed["holds"]) == ("vital_interest", "danger_to_life", True)
    ok(await intake.post("intake", f"/disclosures/{made['disclosure_id']}/revoke", **OFFICER))
    assert (await intake.get("intake", f"/disclosures/{made['disclosure_id']}", **RECIPIENT)).status_code == 410
    assert (await on_the_stream(intake, "dinsos"))[-2:] == ["disclosure_ended", "stopped"]


async def test_a_no_is_recorded_and_ends_what_rested_on_an_earlier_yes(intake):
    case_id, persons, _, disclosure = await shared(intake, recipient=None)
    ok(await agree(intake, case_id, persons, refused=True))
    assert (await intake.get("intake", f"/disclosures/{disclosure['disclosure_id']}", **RECIPIENT)).status_code == 410
    assert wrong(await disclose(intake, case_id)) == {("persons.0", "consent_missing")}
    ok(await disclose(intake, case_id, recipient="rs-lain"))
    listed = ok(await intake.get("intake", f"/cases/{case_id}/consents", **OFFICER))
    assert [entry["state"] for entry in listed] == ["given", "refused"]


async def test_nobody_else_records_or_sees_what_was_agreed(intake):
    case_id, persons, consent, disclosure = await shared(intake)
    stranger = {"role": "supervisor", "agency": "rs-lain"}
    for method, path, body in (
        ("POST", f"/cases/{case_id}/consents", {"persons": persons, "purpose": "health", **IN_WRITING}),
        ("POST", f"/consents/{consent['consent_id']}/withdraw", None),
        ("POST", f"/cases/{case_id}/disclosures", {"recipient": "rs-lain", "purpose": "health", "fields": ["name"]}),
        ("POST", f"/disclosures/{disclosure['disclosure_id']}/revoke", None),
        ("POST", f"/persons/{persons[0]}/restrictions", {"recipient": "dinsos", "ground": "own_wish"}),
        ("POST", f"/persons/{persons[0]}/access-refusals", {"relation": "spouse", "ground": "own_wish"}),
    ):
        assert (await intake.send(method, "intake", path, json=body, **stranger)).status_code == 404, path
        assert (await intake.send(method, "intake", path, json=body, role="peksos", agency="dppapp")).status_code == 403, path
    for path in (f"/cases/{case_id}/consents", f"/cases/{case_id}/disclosures", f"/persons/{persons[0]}/restrictions"):
        assert (await intake.get("intake", path, **stranger)).status_code == 404
    wrong_person = await agree(intake, case_id, [str(uuid4())])
    assert wrong(wrong_person) == {("persons.0", "unknown_person")}
    late = (datetime.now(UTC) + timedelta(days=900)).isoformat()
    assert wrong(await agree(intake, case_id, persons, expires_at=late)) == {("expires_at", "out_of_range")}
    assert wrong(await disclose(intake, case_id, until=late)) == {("until", "out_of_range")}


async def test_nobody_is_referred_out_without_her_consent_or_a_reason_that_a_supervisor_answers_for(intake):
    case_id, persons = await open_case(intake, MOTHER)
    path, body = f"/cases/{case_id}/refer-out", {"reason": "transferred", "agency": "dinsos", "purpose": "health"}
    assert wrong(await intake.post("intake", path, json=body, **OFFICER)) == {(f"persons.{persons[0]}", "consent_missing")}
    override = body | {"basis": "vital_interest", "override": "danger_to_life"}
    refused = await intake.post("intake", path, json=override, **OFFICER)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (403, "basis")
    assert wrong(await intake.post("intake", path, json=body | {"basis": "vital_interest"}, **SUPERVISOR)) == {("override", "missing")}
    ok(await agree(intake, case_id, persons, recipient="rs-lain"))
    assert wrong(await intake.post("intake", path, json=body, **OFFICER)) == {(f"persons.{persons[0]}", "consent_missing")}, "to another one"
    ok(await restrict(intake, persons[0], recipient="dinsos"))
    assert wrong(await intake.post("intake", path, json=override, **SUPERVISOR)) == {("agency", "restricted")}
    assert ok(await intake.post("intake", path, json=body | {"agency": "rs-lain"}, **OFFICER))["state"] == "referred_out"
    (said,) = [told for kind, _, told in await intake.facts("intake") if kind == "case.intake.referred_out.v1"]
    assert (said["basis"], said["override"]) == ("consent", None)
    assert [entry[1] for entry in await audited(intake, "referred_out")] == persons

    other, (person,) = await open_case(intake, MOTHER)
    ok(await intake.post("intake", f"/cases/{other}/refer-out", json=override, **SUPERVISOR))
    assert [told["override"] for kind, _, told in await intake.facts("intake") if kind == "case.intake.referred_out.v1"] == [None, "danger_to_life"]
    assert [entry[1] for entry in await audited(intake, "referred_out_without_consent")] == [person]
