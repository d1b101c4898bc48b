"""Every page for every role: it answers, carries a page's headers, and says nothing that the role may not see."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from contracts.vocabulary import OfficerRole

from tests.pages.visitor import Visitor
from tests.placement.builders import a_shelter_body
from tests.placement.steps import admitted, ask, offer
from tests.rig import Rig

CANARIES = ("Rumah Kenari Rahasia", "Jalan Kenari 99", "0812-KENARI")
SEE_NAMES = {OfficerRole.PLACEMENT_OFFICER, OfficerRole.SUPERVISOR}


def paths(service: str, **ids: Any) -> Iterator[str]:
    """The address of every page that is looked at, with these ids."""
    routes = importlib.import_module(f"{service}.pages").pages.router.routes
    for route in routes:
        path = route.path.removeprefix("/pages/")
        if "GET" in route.methods and not path.startswith(("session/", "static/", "language/")):
            yield path.format(**{"token": "none", "part": "what", "session_id": ids["case_id"], "duty_id": ids["case_id"], **ids})


@pytest.mark.timeout(180)
async def test_a_secret_house_is_in_no_page_of_those_who_may_not_know_it(rig: Rig) -> None:
    await rig.start("placement", "notifications")
    secret = a_shelter_body(secret=True, kind="rumah_aman", name=CANARIES[0], address=CANARIES[1], intake_phone=CANARIES[2])
    plain = a_shelter_body(sexes=["male"])
    for shelter in (secret, plain):
        answer = await rig.post("placement", "/shelters", json=shelter, role="operator")
        assert answer.status_code == 201, answer.text
    case = await ask(rig)
    placement = await offer(rig, case)
    assert placement["shelter_id"] == secret["shelter_id"]
    seen: dict[str, list[int]] = {}
    for shelter_id in (secret["shelter_id"], plain["shelter_id"]):
        ids = {"placement_id": placement["placement_id"], "case_id": case, "shelter_id": shelter_id, "subscription_id": case, "unit_id": case}
        room = next(shelter for shelter in (secret, plain) if shelter["shelter_id"] == shelter_id)["rooms"][0]
        ids |= {"room_id": room["room_id"], "bed_id": room["beds"][0]}
        for role in OfficerRole:
            for service in ("placement", "notifications"):
                visitor = Visitor(rig, service, role=role.value, units=[plain["shelter_id"]] if role is OfficerRole.SHELTER_HEAD else [])
                for path in paths(service, **ids):
                    page = await visitor.see(path)
                    seen.setdefault(role.value, []).append(page.status_code)
                    assert page.status_code in {200, 303, 403, 404, 409}, (role, path, page.text)
                    assert "default-src 'none'" in page.headers["content-security-policy"], path
                    assert page.headers["cache-control"] == "no-store", path
                    told = [canary for canary in CANARIES if canary in page.text]
                    allowed = () if role not in SEE_NAMES else CANARIES if path.endswith("/address") else CANARIES[:1]
                    assert set(told) <= set(allowed), (role, path, told)
                    if role not in SEE_NAMES:
                        assert placement["shelter_id"] not in page.text or shelter_id == placement["shelter_id"], (role, path)
    assert seen["placement_officer"].count(200) > seen["shelter_head"].count(200) > seen["agency_system"].count(200)


async def test_an_operator_sees_what_was_set_aside_and_drives_it_again(rig: Rig) -> None:
    await rig.start("placement")
    operator = Visitor(rig, "placement", role="operator")
    await rig.publish("case.intake.triaged.v1", b"{", {"ce-id": "not-an-id", "ce-type": "case.intake.triaged.v1"})
    await rig.until(lambda: _aside(rig))
    page = await operator.see("standing")
    assert "Disisihkan" in page.text
    done = await operator.send("standing", next(form for form in await _letters(operator)))
    assert done.status_code == 303, done.text
    head = Visitor(rig, "placement", role="shelter_head")
    assert (await head.see("standing")).status_code == 403


async def test_a_household_that_is_in_is_reached_from_its_bed_by_who_may(rig: Rig) -> None:
    await rig.start("placement")
    shelter = a_shelter_body()
    assert (await rig.post("placement", "/shelters", json=shelter, role="operator")).status_code == 201
    stay = await admitted(rig, await ask(rig))
    for role, units, shown in (("shelter_head", [shelter["shelter_id"]], True), ("placement_officer", [], True), ("operator", [], False)):
        board = await Visitor(rig, "placement", role=role, units=units).see(f"shelters/{shelter['shelter_id']}/beds")
        assert board.status_code == 200
        assert (f"/placements/{stay['placement_id']}" in board.text) == shown, role


async def _aside(rig: Rig) -> bool:
    return bool((await rig.sql("placement", "SELECT count(*) AS n FROM dead_letter WHERE set_aside_at IS NOT NULL"))[0].n)


async def _letters(operator: Visitor) -> list[str]:
    from tests.pages.visitor import Forms

    return [form.action for form in Forms((await operator.see("standing")).text).found if "/standing/letters/" in form.action]
