"""A service of an approved plan is asked of its provider, which hears of it only where it may, and answers by NATS or by HTTP."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.flows import people
from tests.flows.people import AGREED, PEKSOS, feed, ok
from tests.intake.sharing import IN_WRITING
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
OFFICER = {"role": "intake_officer", "agency": "dppapp"}
WORKER = {"role": "peksos", "subject": PEKSOS}
LEGAL, MIND = "bantuan_hukum", "psikologis"


def system(agency: str) -> dict[str, str]:
    return {"role": "agency_system", "agency": agency}


async def planned(rig: Rig, *services: tuple[str, str | None], reference: str = "S-1") -> tuple[UUID, str, dict[str, str]]:
    """A case of one woman with an approved plan that wants these services (and providers): case, person, service ids by code."""
    woman = {"role": "victim", "sex": "female", "age": 31, "name": "Canary Contoh"}
    case_id = await people.refer(rig, people.a_referral(reference, shelter=False, persons=[woman]))
    (person,) = await people.persons(rig, case_id)
    where = f"/cases/{case_id}"
    ok(await rig.post("assessment", f"{where}/complete", json={"risk_view": {"band": "mild"}, "no_instrument_reason": "declined"}, **WORKER))
    await propose(rig, case_id, person, *services)
    return case_id, person, {row["code"]: row["service_id"] for row in await listed(rig, case_id)}


async def propose(rig: Rig, case_id: UUID, person: str, *services: tuple[str, str | None]) -> None:
    wanted = [{"code": code, **({"provider": provider} if provider else {})} for code, provider in services]
    entry = {"person_id": person, "outcome": "services_at_home", "agreement": {"agreed": "agreed"}, "services": wanted}
    ok(await rig.post("assessment", f"/cases/{case_id}/plan", json={"outcomes": [entry]}, **WORKER))
    ok(await rig.post("assessment", f"/cases/{case_id}/plan/approve", json={}, role="supervisor"))
    await rig.settle()


async def listed(rig: Rig, case_id: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ok(await rig.get("assessment", f"/cases/{case_id}/services", **WORKER))
    return found


async def stands(rig: Rig, case_id: UUID) -> dict[str, tuple[str, str | None]]:
    """Where each service stands and what it waits for, by code and provider; what ended is left out."""
    return {f"{row['code']}@{row['provider']}": (row["status"], row["waits_for"]) for row in await listed(rig, case_id) if row["status"] != "ended"}


async def answer(rig: Rig, agency: str, service_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Answer over NATS; the receipt."""
    await rig.publish(f"referral.{agency}.service_answered.v1", json.dumps({"service_id": service_id, "reference": "A-1", **body}).encode())
    await rig.settle()
    rows = await rig.sql("intake", "SELECT type, body FROM outbox WHERE route LIKE :r ORDER BY position DESC LIMIT 1", r=f"receipt.{agency}.%")
    return {"type": rows[0].type, **json.loads(rows[0].body)}


async def missed(rig: Rig, case_id: UUID) -> list[tuple[str, int]]:
    return [(f["clock"], f["step"]) for kind, subject, f in await rig.facts("assessment") if subject == case_id and kind.endswith("clock_missed.v1")]


async def share(rig: Rig, case_id: UUID, person: str, agency: str, purpose: str = "legal_aid") -> str:
    """The woman agrees, and the desk discloses; the consent's id."""
    body = {"persons": [person], "purpose": purpose, "recipient": agency, **IN_WRITING}
    (consent,) = ok(await rig.post("intake", f"/cases/{case_id}/consents", json=body, **OFFICER))
    ok(await rig.post("intake", f"/cases/{case_id}/disclosures", json={"recipient": agency, "purpose": purpose, "fields": ["area"]}, **OFFICER))
    await rig.settle()
    return str(consent["consent_id"])


async def test_who_takes_part_is_asked_and_answers_by_http_and_nobody_else_learns_of_it(rig: Rig) -> None:
    await people.platform(rig)
    case_id, _, ids = await planned(rig, (MIND, "dppapp"), ("kesehatan", None))
    assert await stands(rig, case_id) == {f"{MIND}@dppapp": ("asked", "service_answer"), "kesehatan@dinsos": ("accepted", "service_delivery")}
    assert (await feed(rig, "dppapp")).count("agency.service_requested.v1") == 1
    (asked,) = ok(await rig.get("assessment", "/services", **system("dppapp")))
    assert set(asked) == {"service_id", "service", "status", "due_at"}
    assert ok(await rig.get("assessment", "/services", **system("polda-ppa"))) == []
    path = f"/services/{ids[MIND]}/answer"
    assert (await rig.post("assessment", path, json={"answer": "accepted"}, **system("polda-ppa"))).status_code == 404
    assert (await rig.post("assessment", path, json={"answer": "accepted"}, role="intake_officer", agency="dppapp")).status_code == 403
    refused = await rig.post("assessment", path, json={"answer": "declined"}, **system("dppapp"))
    assert [(entry["field"], entry["code"]) for entry in refused.json()["errors"]] == [("reason", "missing")]
    ok(await rig.post("assessment", path, json={"answer": "accepted"}, **system("dppapp")))
    ok(await rig.post("assessment", path, json={"answer": "delivered"}, **system("dppapp")))
    ok(await rig.post("assessment", f"/cases/{case_id}/services/{ids['kesehatan']}/answer", json={"answer": "delivered"}, **WORKER))
    await rig.settle()
    assert {status for status, _ in (await stands(rig, case_id)).values()} == {"delivered"}
    assert await rig.sql("assessment", "SELECT 1 FROM clock WHERE kind LIKE 'service%'") == []
    told = [row.kind for row in await rig.sql("notifications", "SELECT kind FROM notice WHERE role = 'peksos'")]
    assert {"assessment.service_accepted", "assessment.service_delivered"} <= set(told)


async def test_a_provider_that_may_not_hear_of_it_waits_for_consent_and_hears_when_it_is_given_until_it_is_taken_back(rig: Rig) -> None:
    await people.platform(rig)
    case_id, person, ids = await planned(rig, (LEGAL, "polda-ppa"))
    assert await stands(rig, case_id) == {f"{LEGAL}@polda-ppa": ("waits_for_consent", "service_consent")}
    assert await feed(rig, "polda-ppa") == []
    path = f"/services/{ids[LEGAL]}/answer"
    assert (await rig.post("assessment", path, json={"answer": "accepted"}, **system("polda-ppa"))).status_code == 404, "it is not to learn of it"
    early = await answer(rig, "polda-ppa", ids[LEGAL], {"answer": "accepted"})
    assert (early["type"], early["problems"]) == ("receipt.rejected.v1", [{"field": "service_id", "code": "unknown_code"}])
    await rig.advance(hours=73)
    assert ("service_consent", 1) in await missed(rig, case_id)
    (desk,) = await rig.sql(
        "notifications", "SELECT 1 FROM notice WHERE kind = 'clock_missed' AND clock = 'service_consent' AND role = 'intake_officer'"
    )
    assert desk is not None

    await share(rig, case_id, person, "polda-ppa", purpose="health")
    assert (await stands(rig, case_id))[f"{LEGAL}@polda-ppa"][0] == "waits_for_consent", "shared for another purpose"
    consent = await share(rig, case_id, person, "polda-ppa")
    assert await stands(rig, case_id) == {f"{LEGAL}@polda-ppa": ("asked", "service_answer")}
    heard = await feed(rig, "polda-ppa")
    assert heard.count("agency.service_requested.v1") == 1

    ok(await rig.post("intake", f"/consents/{consent}/withdraw", **OFFICER))
    await rig.settle()
    assert (await stands(rig, case_id))[f"{LEGAL}@polda-ppa"] == ("waits_for_consent", "service_consent")
    assert (await rig.post("assessment", path, json={"answer": "accepted"}, **system("polda-ppa"))).status_code == 404


async def test_a_provider_answers_over_nats_once_and_a_decline_is_the_workers_task(rig: Rig) -> None:
    await people.platform(rig)
    case_id, _, ids = await planned(rig, (MIND, "dppapp"))
    foreign = await answer(rig, "dinsos", ids[MIND], {"answer": "declined", "reason": "provider_full"})
    assert (foreign["type"], foreign["problems"][0]["field"]) == ("receipt.rejected.v1", "service_id")
    wrong = await answer(rig, "dppapp", ids[MIND], {"answer": "perhaps"})
    assert (wrong["type"], wrong["problems"]) == ("receipt.rejected.v1", [{"field": "answer", "code": "unknown_code"}])
    assert len(await rig.sql("intake", "SELECT 1 FROM desk_task WHERE kind = 'rejected'")) == 2
    for _ in range(2):
        receipt = await answer(rig, "dppapp", ids[MIND], {"answer": "declined", "reason": "provider_full"})
        assert (receipt["type"], receipt["service_id"], receipt["reference"]) == ("receipt.accepted.v1", ids[MIND], "A-1")
    assert [kind for kind, _, _ in await rig.facts("intake")].count("case.intake.service_answered.v1") == 1
    assert await stands(rig, case_id) == {f"{MIND}@dppapp": ("declined", "service_declined")}
    assert len(await rig.sql("notifications", "SELECT 1 FROM notice WHERE kind = 'assessment.service_declined' AND role = 'peksos'")) == 1
    await rig.advance(hours=73)
    await rig.advance(hours=25)
    assert [entry for entry in await missed(rig, case_id) if entry[0] == "service_declined"] == [("service_declined", 1), ("service_declined", 2)]

    asked = ok(await rig.post("assessment", f"/cases/{case_id}/services/{ids[MIND]}/ask", json={"provider": "polda-ppa"}, **WORKER))
    assert {(row["provider"], row["status"]) for row in asked} == {("dppapp", "ended"), ("polda-ppa", "requested")}
    await rig.settle()
    assert await stands(rig, case_id) == {f"{MIND}@polda-ppa": ("waits_for_consent", "service_consent")}
    assert (await feed(rig, "dppapp")).count("agency.service_ended.v1") == 1
    assert await feed(rig, "polda-ppa") == []


async def test_silence_of_a_provider_climbs_until_it_answers(rig: Rig) -> None:
    await people.platform(rig)
    case_id, _, ids = await planned(rig, (MIND, "dppapp"))
    for hours in (73, 25, 25):
        await rig.advance(hours=hours)
    assert [entry for entry in await missed(rig, case_id) if entry[0] == "service_answer"] == [("service_answer", n) for n in (1, 2, 3)]
    notices = await rig.sql(
        "notifications", "SELECT role, number FROM notice WHERE kind = 'clock_missed' AND clock = 'service_answer' ORDER BY position"
    )
    steps = {(row.role, row.number) for row in notices}
    assert ("peksos", 1) in steps
    assert ("supervisor", 1) not in steps
    assert {("supervisor", 2), ("supervisor", 3)} <= steps
    await answer(rig, "dppapp", ids[MIND], {"answer": "accepted"})
    await rig.advance(days=15)
    assert [entry for entry in await missed(rig, case_id) if entry[0].startswith("service")][3:] == [("service_delivery", 1)]
    await answer(rig, "dppapp", ids[MIND], {"answer": "delivered"})
    await rig.advance(days=30)
    assert [entry[0] for entry in await missed(rig, case_id)].count("service_delivery") == 1


async def test_a_new_version_asks_for_nothing_twice_and_takes_back_what_it_does_not_want(rig: Rig) -> None:
    await people.platform(rig)
    case_id, person, ids = await planned(rig, (MIND, "dppapp"), (LEGAL, "dppapp"))
    ok(await rig.post("assessment", f"/services/{ids[MIND]}/answer", json={"answer": "accepted"}, **system("dppapp")))
    await propose(rig, case_id, person, (MIND, "dppapp"), ("pendidikan", "dppapp"))
    assert await stands(rig, case_id) == {
        f"{MIND}@dppapp": ("accepted", "service_delivery"),
        "pendidikan@dppapp": ("asked", "service_answer"),
    }
    assert {row["code"]: row["service_id"] for row in await listed(rig, case_id)}[MIND] == ids[MIND]
    heard = await feed(rig, "dppapp")
    assert (heard.count("agency.service_requested.v1"), heard.count("agency.service_ended.v1")) == (3, 1)


async def test_a_person_who_refused_her_plan_is_asked_of_nobody_and_a_child_does_not_agree_alone(rig: Rig) -> None:
    await people.platform(rig)
    case_id = await people.refer(rig, people.a_referral("S-2", shelter=False))
    mother, child = await people.persons(rig, case_id)
    ok(await rig.post("assessment", f"/cases/{case_id}/complete", json={"risk_view": {"band": "mild"}, "no_instrument_reason": "declined"}, **WORKER))
    outcomes = [
        {
            "person_id": mother,
            "outcome": "services_at_home",
            "agreement": {"agreed": "not_agreed", "reason": "refused"},
            "services": [{"code": LEGAL}],
        },
        {"person_id": child, "outcome": "services_at_home", "agreement": {"agreed": "agreed", "reason": "no_guardian"}},
    ]
    refused = await rig.post("assessment", f"/cases/{case_id}/plan", json={"outcomes": outcomes}, **WORKER)
    assert {entry["field"]: entry["code"] for entry in refused.json()["errors"]} == {
        f"outcomes.{mother}.services": "person_refused",
        f"outcomes.{child}.agreement.agreed": "child_cannot_alone",
    }
    missing = [{"person_id": mother, "outcome": "services_at_home"}, {"person_id": child, "outcome": "services_at_home", "agreement": AGREED}]
    refused = await rig.post("assessment", f"/cases/{case_id}/plan", json={"outcomes": missing}, **WORKER)
    assert [(entry["field"], entry["code"]) for entry in refused.json()["errors"]] == [(f"outcomes.{mother}.agreement", "missing")]
