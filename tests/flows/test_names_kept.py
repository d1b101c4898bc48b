"""A person's name, NIK, phone, address and story are in no answer to who may not see them, in no stream, log, figure or row that lies open."""

from typing import Any
from uuid import UUID

import pytest

from tests.flows import people
from tests.flows.people import ok
from tests.flows.test_secrecy import dumped, readable, stored
from tests.rig import Rig

NAME, NIK, PHONE, ADDRESS, STORY = "Kanarya Mawar", "9971014505900077", "0813-4141-4141", "Jalan Kanarya 41", "Burung kenari bercerita"
CALLBACK = "Ibu Kenari 0812-4242"
MARKS = (NAME, "Kanarya", NIK, PHONE, PHONE.replace("-", ""), ADDRESS, STORY, CALLBACK)
BLIND = ("outreach", "agency_system", "peksos", "placement_officer", "shelter_head", "operator")
OFFICER, SUPERVISOR = {"role": "intake_officer", "agency": "dppapp"}, {"role": "supervisor", "agency": "dppapp"}
STRANGER = {"role": "intake_officer", "agency": "polda-ppa", "subject": UUID(int=11)}


async def a_person_with_rights(rig: Rig) -> dict[str, str]:
    """A case in all four services, with a hold, a request and a grant; the ids that a route may be asked with."""
    await people.platform(rig, people.a_shelter(beds=2))
    her = {"role": "victim", "sex": "female", "age": 36, "name": NAME, "nik": NIK, "phone": PHONE, "address": ADDRESS}
    told = people.a_referral("KANARYA", shelter=True, narrative=STORY, callback=CALLBACK)
    case_id = await people.refer(rig, told | {"persons": [her]})
    (person,) = await people.persons(rig, case_id)
    hold = ok(await rig.post("intake", f"/cases/{case_id}/holds", json={"ground": "court", "review_on": "2099-01-01"}, **SUPERVISOR))
    asked = ok(await rig.post("intake", f"/persons/{person}/requests", json={"right": "access"}, **OFFICER))
    grant = ok(await rig.post("intake", "/break-glass", json={"case_id": str(case_id), "reason": "danger_to_life"}, **STRANGER))
    await rig.settle()
    (follow,) = await rig.sql("intake", "SELECT follow_id FROM follow WHERE case_id = :c AND agency = 'dppapp'", c=case_id)
    return {
        "case_id": str(case_id),
        "person_id": person,
        "follow_id": str(follow.follow_id),
        "hold_id": hold["hold_id"],
        "request_id": asked["request_id"],
        "grant_id": grant["grant_id"],
        "placement_id": (await people.offer_of(rig, case_id))["placement_id"],
    }


async def seen(rig: Rig, known: dict[str, str], **who: Any) -> list[tuple[str, str]]:
    """Which routes show which of the marks to somebody."""
    found = []
    for service, route, path in readable(rig, known):
        answer = await rig.get(service, path, **who)
        found += [(route, mark) for mark in MARKS if mark in answer.text]
    return found


@pytest.mark.timeout(240)
async def test_a_person_is_named_to_nobody_who_may_not_see_her_and_nowhere_else(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    known = await a_person_with_rights(rig)
    leaks = {(role, agency): await seen(rig, known, role=role, agency=agency) for role in BLIND for agency in ("dppapp", "dinsos")}
    assert {who: found for who, found in leaks.items() if found} == {}
    for who in ({**OFFICER, "agency": "dinsos"}, {**SUPERVISOR, "agency": "dinsos"}, {**STRANGER, "subject": UUID(int=12)}):
        assert await seen(rig, known, **who) == [], "her agency is another one"
    assert {route for route, _ in await seen(rig, known, **STRANGER)} == {"/break-glass/{grant_id}/case"}
    desk = {"/cases/{case_id}", "/cases/{case_id}/incidents"}
    assert {route for route, _ in await seen(rig, known, **OFFICER)} == desk
    assert {route for route, _ in await seen(rig, known, **SUPERVISOR)} == desk | {"/persons/{person_id}/export"}
    assert [mark for mark in MARKS async for message in stored(rig) if mark in message] == []
    for service, client in rig.clients.items():
        rows = "\n".join(await dumped(rig, service))
        assert [mark for mark in MARKS if mark in rows or mark.encode().hex() in rows] == [], service
        assert not [mark for mark in MARKS if mark in (await client.get("/metrics")).text]
    logged = "".join(capfd.readouterr())
    assert [mark for mark in MARKS if mark in logged] == []
