"""What is kept of a person, from every service, for her: ordered once, fetched at each, and nothing of it travels."""

import json
from uuid import UUID, uuid4

from chassis.rebuild import compare
from ops.rebuild import replayable

from tests.flows import people
from tests.flows.people import ok
from tests.rig import Rig

HEAD = {"role": "supervisor", "agency": "dppapp"}
OTHER = {"role": "supervisor", "agency": "dinsos"}


async def asked(rig: Rig, person_id: UUID | str, right: str = "access") -> str:
    request = ok(await rig.post("intake", f"/persons/{person_id}/requests", json={"right": right}, **HEAD))
    return str(request["request_id"])


async def parts(rig: Rig, ordered: dict) -> dict[str, dict]:
    return {part["service"]: ok(await rig.get(part["service"], part["route"], **HEAD)) for part in ordered["parts"]}


async def test_a_person_is_given_what_every_service_keeps_of_her_and_nothing_of_others(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    case_id = await people.refer(rig, people.a_referral("X-1", shelter=True, risk="high"))
    await people.admit(rig, await people.offer_of(rig, case_id), case_id)
    mother, child = await people.assess_and_plan(rig, case_id, "reunification")
    request = await asked(rig, mother)
    ok(await rig.post("intake", f"/requests/{request}/export", **HEAD))
    await rig.settle()

    found = ok(await rig.get("intake", f"/requests/{request}/export", **HEAD))
    assert found["awaited"] == []
    given = await parts(rig, found)
    assert set(given) == set(people.ALL)
    assert given["intake"]["known_as"][0]["name"] == "Canary Contoh"
    assert given["assessment"]["answers"][0]["answers"]
    assert given["assessment"]["plans"][0]["outcome"] == "reunification"
    (stay,) = given["placement"]["stays"]
    assert (stay["until"], bool(stay["agreement"])) == (None, True)
    assert {"intake.triaged", "assessment.assigned"} <= {notice["kind"] for notice in given["notifications"]["notices"]}
    told = json.dumps(given)
    assert str(child) not in told, "nothing of her child"
    assert "Rumah Contoh" not in told, "no shelter is named"
    again = await parts(rig, found)
    assert all(any(look["action"] == "person_exported" for look in part["looked_at"]) for part in again.values()), "each look is on record"
    for service in ("placement", "assessment", "notifications"):
        assert (await rig.get(service, f"/exports/{request}/{mother}", **OTHER)).status_code == 404
        assert (await rig.get(service, f"/exports/{request}/{child}", **HEAD)).status_code == 404
        url = rig.services[service].settings.database_url.get_secret_value()
        assert (await compare(replayable(service, url), rig.nats)).clean
    ok(await rig.post("intake", f"/requests/{request}/answer", json={"answer": "granted"}, **HEAD))
    timeline = ok(await rig.get("intake", f"/cases/{case_id}/timeline", **HEAD))
    assert not any("export" in entry["type"] for entry in timeline)


async def test_a_service_that_is_away_is_awaited_and_its_part_is_there_when_it_comes_back(rig: Rig) -> None:
    await rig.start("intake", "placement", "assessment")
    await people.refer(rig, people.a_referral("X-2", shelter=False))
    (row, *_) = await rig.sql("intake", "SELECT person_id FROM person ORDER BY place")
    request = await asked(rig, row.person_id)
    assert (await rig.get("intake", f"/requests/{request}/export", **HEAD)).status_code == 404
    assert set(ok(await rig.post("intake", f"/requests/{request}/export", **HEAD))["awaited"]) == {"placement", "assessment", "notifications"}
    await rig.settle()
    assert ok(await rig.get("intake", f"/requests/{request}/export", **HEAD))["awaited"] == ["notifications"]
    early = await rig.post("intake", f"/requests/{request}/answer", json={"answer": "granted"}, **HEAD)
    assert (early.status_code, early.json()["state"]) == (409, "parts_awaited")
    await rig.start("notifications")
    await rig.settle()
    assert ok(await rig.post("intake", f"/requests/{request}/export", **HEAD))["awaited"] == [], "again orders nothing twice"
    assert len([kind for kind, _, _ in await rig.facts("intake") if kind == "case.intake.export_ordered.v1"]) == 1
    ok(await rig.post("intake", f"/requests/{request}/answer", json={"answer": "granted"}, **HEAD))
    late = await rig.post("intake", f"/requests/{request}/export", **HEAD)
    assert (late.status_code, late.json()["state"]) == (409, "answered")


async def test_an_order_ends_by_time_and_with_the_person(rig: Rig) -> None:
    await rig.start(*people.ALL)
    await people.refer(rig, people.a_referral("X-3", shelter=False))
    mother, child = [row.person_id for row in await rig.sql("intake", "SELECT person_id FROM person ORDER BY place")]
    requests = {person: await asked(rig, person) for person in (mother, child)}
    for request in requests.values():
        ok(await rig.post("intake", f"/requests/{request}/export", **HEAD))
    other = await asked(rig, mother, "erasure")
    wrong = await rig.post("intake", f"/requests/{other}/export", **HEAD)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "request_id")
    await rig.settle()
    assert (await rig.get("assessment", f"/exports/{requests[mother]}/{mother}", **HEAD)).status_code == 200
    ok(await rig.post("intake", f"/persons/{mother}/erasure", json={"ground": "person_asked", "keep_texts": True}, **HEAD))
    await rig.settle()
    assert (await rig.get("assessment", f"/exports/{requests[mother]}/{mother}", **HEAD)).status_code == 410
    assert (await rig.get("assessment", f"/exports/{requests[child]}/{child}", **HEAD)).status_code == 200
    colleague = HEAD | {"subject": uuid4()}
    assert (await rig.get("assessment", f"/exports/{requests[child]}/{child}", **colleague)).status_code == 404, "who did not order it"
    await rig.advance(days=3, minutes=1)
    assert (await rig.get("assessment", f"/exports/{requests[child]}/{child}", **HEAD)).status_code == 410
    ok(await rig.post("intake", f"/requests/{requests[child]}/export", **HEAD))
    await rig.settle()
    assert ok(await rig.get("intake", f"/requests/{requests[child]}/export", **HEAD))["awaited"] == []
    assert (await rig.get("assessment", f"/exports/{requests[child]}/{child}", **HEAD)).status_code == 200


async def test_who_is_to_learn_nothing_of_a_person_cannot_export_her(rig: Rig) -> None:
    await rig.start("intake")
    await people.refer(rig, people.a_referral("X-4", shelter=False))
    mother = (await rig.sql("intake", "SELECT person_id FROM person ORDER BY place"))[0].person_id
    husband = HEAD | {"subject": uuid4()}
    request = await asked(rig, mother)
    assert (await rig.get("intake", f"/persons/{mother}/export", **husband)).status_code == 200
    ban = {"ground": "perpetrator", "requester_id": str(husband["subject"])}
    ok(await rig.post("intake", f"/persons/{mother}/restrictions", json=ban, **HEAD))
    assert (await rig.get("intake", f"/persons/{mother}/export", **husband)).status_code == 404
    assert (await rig.post("intake", f"/requests/{request}/export", **husband)).status_code == 404
    assert (await rig.get("intake", f"/persons/{mother}/export", **HEAD)).status_code == 200
