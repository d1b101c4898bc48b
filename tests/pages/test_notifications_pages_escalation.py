"""The escalation policy by pages: what it would do is said before it holds; the plan of who is on call; and all services at a glance."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from chassis.web.pages.words import FRAME
from notifications.pages.words import WORDS

from tests.intake.test_service_cases import open_case
from tests.pages.visitor import Forms, Visitor
from tests.rig import Rig

S = "notifications"
HIGH = "escalation/policies/high"


@pytest.fixture
async def operator(rig: Rig) -> Visitor:
    await rig.start(S)
    return Visitor(rig, S, role="operator")


async def versions(rig: Rig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await rig.get(S, "/escalation/policies", role="operator")).json()
    return found


def steps(*rows: tuple[str, str], part: str = "high") -> dict[str, Any]:
    return {"source": "Surat edaran 7"} | {
        f"{part}.{place}.{name}": value for place, row in enumerate(rows) for name, value in zip(("minutes", "roles"), row, strict=True)
    }


async def test_what_a_policy_would_do_is_said_before_it_holds_and_the_rest_stays(rig: Rig, operator: Visitor) -> None:
    seen = await operator.see("escalation/policies")
    assert "Setelah 10 menit: kepala panti atau rumah aman (kotak masuk)" in seen.text
    asked = {
        **steps(("5", "shelter_head"), ("", ""), ("15", "placement_officer")),
        "high.2.channels": "phone",
        "high.2.on_call": "yes",
        "high.2.hours": "working",
    }
    would = await operator.send(HIGH, "/high", **asked)
    assert "Setelah 5 menit: kepala panti" in would.text
    assert "Setelah 15 menit jam kantor: petugas penempatan, dan petugas piket dengan namanya (kotak masuk, telepon)" in would.text
    assert len(await versions(rig)) == 1, "looking changes nothing"
    (form,) = (form for form in Forms(would.text).found if form.action.endswith("/high"))
    sure = {**form.fields, "sure": "yes"}
    assert [(await operator.post(form.action, sure)).status_code for _ in range(2)] == [303, 303]
    first, second = await versions(rig)
    assert [(step["minutes"], step["hours"]) for step in second["policy"]["high"]] == [(5.0, "always"), (15.0, "working")]
    assert second["policy"]["other"] == first["policy"]["other"]
    assert second["policy"]["source"] == "Surat edaran 7"
    late = await operator.post(form.action, {**sure, "key": str(uuid4())})
    assert late.status_code == 409
    assert FRAME["frame.conflict"][0] in late.text
    assert await operator.see("escalation/policies")


@pytest.mark.parametrize(
    ("part", "fields", "named"),
    [
        ("high", steps(("5", "shelter_head"), ("", ""), ("5", "shelter_head")), "#high.0.minutes"),
        ("high", steps(("", ""), ("5", "")), "#high.1.roles"),
        ("high", steps(("soon", "shelter_head")), "#high.0.minutes"),
        ("other", steps(), "#other.0.minutes"),
        ("other", {**steps(("5", "shelter_head"), part="other"), "source": ""}, "#source"),
        ("office", {"source": "x", "office.days": "0", "office.opens": "16:00", "office.closes": "08:00"}, "#office.closes"),
        ("office", {"source": "x", "office.opens": "08:00", "office.closes": "16:00"}, "#office.days"),
    ],
)
async def test_what_is_wrong_with_a_policy_is_named_in_its_row(rig: Rig, operator: Visitor, part: str, fields: dict[str, Any], named: str) -> None:
    page = await operator.send(f"escalation/policies/{part}", f"/{part}", **fields)
    assert page.status_code == 422
    assert f'href="{named}"' in page.text
    assert f'id="{named[1:]}"' in page.text, "the link leads somewhere"
    assert len(await versions(rig)) == 1


async def test_an_agency_plans_who_is_on_call_and_sees_no_form_for_the_policy(rig: Rig, operator: Visitor) -> None:
    supervisor = Visitor(rig, S, role="supervisor")
    assert "escalation/policies/high" not in (await supervisor.see("escalation/policies")).text
    assert (await supervisor.see(HIGH)).status_code == 403
    tonight = datetime.now(UTC) + timedelta(hours=7)  # a field shows Jakarta's clock
    duty = {
        "role": "placement_officer",
        "who": "me",
        "starts": f"{tonight:%Y-%m-%dT%H:%M}",
        "ends": f"{tonight + timedelta(hours=12):%Y-%m-%dT%H:%M}",
    }
    assert 'href="#officer"' in (await supervisor.send("on-call/new", "/new", **{**duty, "who": "other"})).text
    assert 'href="#ends"' in (await supervisor.send("on-call/new", "/new", **{**duty, "ends": duty["starts"]})).text
    await supervisor.send("on-call/new", "/new", **duty)
    (made,) = (await rig.get(S, "/on-call", role="supervisor")).json()
    assert datetime.fromisoformat(made["starts"]) == tonight.replace(second=0, microsecond=0) - timedelta(hours=7)
    assert WORDS["duty.me"][0] in (await supervisor.see("on-call")).text
    other = Visitor(rig, S, role="supervisor", agency="dppapp")
    assert (await other.see(f"on-call/{made['id']}/take-back")).status_code == 404
    await supervisor.send(f"on-call/{made['id']}/take-back", "/take-back")
    assert (await rig.get(S, "/on-call", role="supervisor")).json() == []
    assert (await operator.see("on-call/new")).status_code == 200


async def test_all_services_stand_on_one_page_each_by_its_own_word(rig: Rig, operator: Visitor) -> None:
    await rig.start("intake")
    page = await operator.see("standing/all")
    assert re.findall(r'data-part="([^"]+)"', page.text) == [
        f"/{name}/pages/standing" for name in ("intake", "placement", "assessment", "notifications")
    ]
    asked = await Visitor(rig, "intake", role="operator").see("standing")
    assert "data-glance" in asked.text
    assert FRAME["standing.part_well"][0] in asked.text
    head = Visitor(rig, S, role="shelter_head")
    assert (await head.see("standing/all")).status_code == 403
    # What it counts: a clock that ran out within the day, and what was set aside.
    assert counted(asked.text, "standing.missed") == 0
    await open_case(rig, urgency="medium", screen={"red_flags": ["threat_to_kill"]})
    await rig.advance(minutes=16)
    assert counted((await Visitor(rig, "intake", role="operator").see("standing")).text, "standing.missed") == 1
    await rig.publish("case.intake.triaged.v1", b"{", {"ce-id": "not-an-id", "ce-type": "case.intake.triaged.v1"})

    async def aside() -> bool:
        return counted((await operator.see("standing")).text, "standing.letters") == 1

    await rig.until(aside)
    assert FRAME["standing.part_look"][0] in (await operator.see("standing")).text


def counted(page: str, key: str) -> int:
    found = re.search(rf"{FRAME[key][0]}</dt><dd[^>]*>(\d+)", page)
    assert found is not None, page
    return int(found[1])
