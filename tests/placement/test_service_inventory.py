"""Units, the states of beds, beds of need and closed houses, on real servers."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.envelope import Cause
from placement.store import register
from sqlalchemy.exc import IntegrityError

from tests.placement.builders import a_room_body, a_shelter_body
from tests.placement.steps import act, admitted, ask, offer, one_bed, platform, said
from tests.rig import Rig

OPERATOR = {"role": "operator"}
SUPERVISOR = {"role": "supervisor"}


def head(shelter: dict[str, Any]) -> dict[str, Any]:
    return {"role": "shelter_head", "units": [shelter["shelter_id"]]}


def beds_in(shelter: dict[str, Any]) -> list[str]:
    return [bed for room in shelter["rooms"] for bed in room["beds"]]


def a_unit(**changes: Any) -> dict[str, Any]:
    return {"unit_id": str(uuid4()), "name": "Unit Putra", "sexes": ["male"], "min_age": 12, "max_age": 17, "boys_max_age": None} | changes


async def board(rig: Rig, shelter: dict[str, Any], **who: Any) -> dict[str, Any]:
    answer = await rig.get("placement", f"/shelters/{shelter['shelter_id']}/beds", **(who or SUPERVISOR))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def states(rig: Rig, shelter: dict[str, Any]) -> dict[str, str]:
    return {bed["bed_id"]: bed["state"] for bed in (await board(rig, shelter))["beds"]}


async def homes(rig: Rig) -> dict[UUID, Any]:
    return {home.id: home for home in await rig.services["placement"].database.run(register.homes)}


async def clean(rig: Rig, beds: Collection[str]) -> None:
    """What the end of a stay does."""
    async with rig.services["placement"].database.transaction() as tx:
        await tx.start(Cause(f"test|{uuid4()}", datetime.now(UTC), ""))
        await register.clean(tx, [UUID(bed) for bed in beds])
    await rig.settle()


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


# -- units --------------------------------------------------------------------------------------------------------------------------------


async def test_a_unit_has_a_population_of_its_own_and_a_room_is_put_into_it(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(2), parameters={"too_far": 2})
    await platform(rig, shelter)
    path, unit = f"/shelters/{shelter['shelter_id']}", a_unit()
    made = await rig.post("placement", f"{path}/units", json=unit, **OPERATOR)
    assert (made.status_code, made.json()) == (201, unit | {"shelter_id": shelter["shelter_id"], "version": 1})
    assert (await rig.post("placement", f"{path}/units", json=unit, **OPERATOR)).status_code == 409
    room = shelter["rooms"][0]["room_id"]
    placed = await rig.put("placement", f"/rooms/{room}/unit", json={"unit_id": unit["unit_id"]}, **OPERATOR)
    assert (placed.status_code, placed.json()["unit_id"]) == (200, unit["unit_id"])
    home = (await homes(rig))[UUID(shelter["shelter_id"])]
    serves = home.rooms[0].serves
    assert (serves.sexes, serves.min_age, serves.max_age, serves.boys_max_age) == ({"male"}, 12, 17, None)
    assert home.parameters == {"too_far": 2}
    shown = (await rig.get("placement", path, **OPERATOR)).json()
    assert ([entry["unit_id"] for entry in shown["units"]], shown["parameters"]) == ([unit["unit_id"]], {"too_far": 2})
    assert {bed["unit"] for bed in (await board(rig, shelter))["beds"]} == {"Unit Putra"}
    assert (await rig.send("DELETE", "placement", f"/units/{unit['unit_id']}", **OPERATOR)).status_code == 409
    out = await rig.put("placement", f"/rooms/{room}/unit", json={"unit_id": None}, **OPERATOR)
    assert out.json()["unit_id"] is None
    assert (await homes(rig))[UUID(shelter["shelter_id"])].rooms[0].serves is None
    assert (await rig.send("DELETE", "placement", f"/units/{unit['unit_id']}", **OPERATOR)).status_code == 200


async def test_two_who_change_a_unit_at_once_see_both_values(rig: Rig) -> None:
    shelter, unit = a_shelter_body(), a_unit()
    await platform(rig, shelter, a_shelter_body(units=[unit]))
    facts = {name: value for name, value in unit.items() if name != "unit_id"}
    path = f"/units/{unit['unit_id']}"
    assert (await rig.put("placement", path, json=facts, **OPERATOR)).status_code == 428
    first = await rig.put("placement", path, json=facts | {"max_age": 16}, **OPERATOR, If_Match=1)
    assert (first.status_code, first.json()["version"]) == (200, 2)
    second = await rig.put("placement", path, json=facts | {"max_age": 15}, **OPERATOR, If_Match=1)
    assert (second.status_code, second.json()["current"]["max_age"], second.json()["sent"]["max_age"]) == (409, 16, 15)
    room = shelter["rooms"][0]["room_id"]
    strange = await rig.put("placement", f"/rooms/{room}/unit", json={"unit_id": unit["unit_id"]}, **OPERATOR)
    assert (strange.status_code, strange.json()["errors"]) == (422, [{"field": "unit_id", "code": "not_known"}])
    wrong = await rig.put("placement", path, json=facts | {"min_age": 20}, **OPERATOR, If_Match=2)
    assert wrong.status_code == 422


@pytest.mark.parametrize("parameters", [{"boys_max_age": 18}, {"favourites": 1}, {"too_far": "far"}])
async def test_a_shelter_sets_only_values_that_rules_have(rig: Rig, parameters: dict[str, Any]) -> None:
    await platform(rig)
    answer = await rig.post("placement", "/shelters", json=a_shelter_body(parameters=parameters), **OPERATOR)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("parameters")


# -- beds ---------------------------------------------------------------------------------------------------------------------------------


async def test_each_bed_of_the_board_is_in_the_state_that_its_rows_say(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(5, family=False))
    await platform(rig, shelter)
    placement = await admitted(rig, await ask(rig))
    held = await offer(rig, await ask(rig))
    occupied, holding = placement["members"][0]["bed_id"], held["members"][0]["bed_id"]
    broken, dirty, free = [bed for bed in beds_in(shelter) if bed not in {occupied, holding}]
    answer = await rig.put("placement", f"/beds/{broken}", json={"out_of_service": True, "until": in_hours(5)}, **OPERATOR)
    assert answer.json()["out_of_service"] == [broken]
    await clean(rig, [dirty])
    expected = {occupied: "occupied", holding: "held", broken: "out_of_service", dirty: "cleaning", free: "free"}
    assert await states(rig, shelter) == expected
    shown = await board(rig, shelter)
    assert shown["states"] == {"free": 1, "held": 1, "occupied": 1, "cleaning": 1, "out_of_service": 1}
    assert {bed["person_id"] for bed in shown["beds"]} == {None, placement["members"][0]["person_id"], held["members"][0]["person_id"]}
    assert {bed["person_id"] for bed in (await board(rig, shelter, **OPERATOR))["beds"]} == {None}
    assert {bed["bed_id"]: bed["until"] for bed in shown["beds"]}[occupied] is None
    (full,) = (await rig.get("placement", "/occupancy", **SUPERVISOR)).json()
    counted = ("beds", "people", "held", "cleaning", "out_of_service", "free")
    assert [full[name] for name in counted] == [4, 1, 1, 1, 1, 1]
    (home,) = (await homes(rig)).values()
    assert {str(bed) for room in home.rooms for bed in room.free} == {free}, "what the board calls free is what is offered"
    await rig.advance(hours=6)
    assert {state for bed, state in (await states(rig, shelter)).items() if bed != occupied} == {"free"}
    assert (await homes(rig))[UUID(shelter["shelter_id"])].free_beds == 4


async def test_a_bed_that_is_clean_or_in_service_again_goes_to_who_waits(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(2, family=False))
    await platform(rig, shelter)
    dirty, broken = beds_in(shelter)
    await clean(rig, [dirty])
    await rig.put("placement", f"/beds/{broken}", json={"out_of_service": True, "until": in_hours(3)}, **OPERATOR)
    await rig.settle()
    first, second = await ask(rig), await ask(rig)
    assert (await said(rig, first), await said(rig, second)) == (["waitlisted"], ["waitlisted"])
    await rig.advance(hours=1.1)
    assert (await said(rig, first), await said(rig, second)) == (["waitlisted", "offered"], ["waitlisted"])
    await act(rig, await offer(rig, first), "accept")
    await rig.advance(hours=2)
    assert await said(rig, second) == ["waitlisted", "offered"]


async def test_a_head_ends_the_cleaning_of_its_own_beds(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    (bed,) = beds_in(shelter)
    await clean(rig, [bed])
    waiting = await ask(rig)
    assert await said(rig, waiting) == ["waitlisted"]
    stranger = {"role": "shelter_head", "units": [str(uuid4())]}
    assert (await rig.post("placement", f"/beds/{bed}/cleaned", **stranger)).status_code == 404
    assert (await rig.post("placement", f"/beds/{bed}/cleaned", **head(shelter))).status_code == 200
    await rig.settle()
    assert await said(rig, waiting) == ["waitlisted", "offered"]
    again = await rig.post("placement", f"/beds/{bed}/cleaned", **head(shelter))
    assert again.status_code == 409


async def test_without_minutes_for_cleaning_a_bed_is_free_at_once(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter, cleaning_minutes=0)
    await clean(rig, beds_in(shelter))
    assert set((await states(rig, shelter)).values()) == {"free"}
    assert await rig.sql("placement", "SELECT 1 FROM bed_block") == []


async def test_a_bed_is_out_of_service_from_and_until_a_time_or_until_further_notice(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    (bed,) = beds_in(shelter)
    path = f"/beds/{bed}"
    later = await rig.put("placement", path, json={"out_of_service": True, "from": in_hours(1), "until": in_hours(2)}, **OPERATOR)
    assert (later.status_code, later.json()["out_of_service"]) == (200, [])
    assert set((await states(rig, shelter)).values()) == {"free"}
    await rig.advance(hours=1.5)
    assert set((await states(rig, shelter)).values()) == {"out_of_service"}
    await rig.put("placement", path, json={"out_of_service": True}, **OPERATOR)
    await rig.advance(hours=24)
    assert set((await states(rig, shelter)).values()) == {"out_of_service"}
    (row,) = await rig.sql("placement", "SELECT out_of_service FROM bed")
    assert row.out_of_service, "the release before reads this"
    await rig.put("placement", path, json={"out_of_service": False}, **OPERATOR)
    assert set((await states(rig, shelter)).values()) == {"free"}
    for body, field in (
        ({"until": in_hours(-1)}, "until"),
        ({"from": in_hours(30), "until": in_hours(29)}, "until"),
        ({"from": in_hours(1)}, "from"),
    ):
        wrong = await rig.put("placement", path, json={"out_of_service": True} | body, **OPERATOR)
        assert (wrong.status_code, wrong.json()["errors"]) == (422, [{"field": field, "code": "not_in_the_future"}])
    spare = await rig.send("DELETE", "placement", path, **OPERATOR)
    assert spare.status_code == 200, "a bed that nobody used goes with what blocked it"


# -- beds of need ---------------------------------------------------------------------------------------------------------------------------


async def test_a_bed_of_need_has_somebody_who_answers_for_it(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    room, bed = shelter["rooms"][0]["room_id"], str(uuid4())
    path = f"/rooms/{room}/overflow-beds"
    for role in ("operator", "placement_officer", "shelter_head"):
        assert (await rig.post("placement", path, json={"bed_id": bed}, role=role)).status_code == 403
    made = await rig.post("placement", path, json={"bed_id": bed}, subject=(who := uuid4()), **SUPERVISOR)
    assert made.status_code == 201
    (needed,) = made.json()["overflow"]
    assert (needed["bed_id"], needed["approved_by"]) == (bed, str(who))
    (home,) = (await homes(rig)).values()
    assert (home.free_beds, {str(entry) for entry in home.rooms[0].overflow}) == (2, {bed})
    assert {entry["bed_id"]: entry["overflow"] for entry in (await board(rig, shelter))["beds"]}[bed]
    (full,) = (await rig.get("placement", "/occupancy", **SUPERVISOR)).json()
    assert (full["beds"], full["overflow"]) == (2, 1)
    with pytest.raises(IntegrityError, match="overflow_has_an_approver"):
        await rig.sql("placement", "UPDATE bed SET overflow_approved_at = now() WHERE overflow_approved_by IS NULL")


# -- closed and full ------------------------------------------------------------------------------------------------------------------------


async def test_a_full_house_is_offered_to_nobody_until_its_time_is_over(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(2, family=False))
    await platform(rig, shelter)
    inside = await admitted(rig, await ask(rig))
    path = f"/shelters/{shelter['shelter_id']}/closures"
    stranger = {"role": "shelter_head", "units": [str(uuid4())]}
    assert (await rig.post("placement", path, json={"kind": "full"}, **stranger)).status_code == 404
    made = await rig.post("placement", path, json={"kind": "full", "until": in_hours(2)}, **head(shelter))
    assert made.status_code == 201, made.text
    waiting = await ask(rig)
    assert await said(rig, waiting) == ["waitlisted"]
    assert set((await states(rig, shelter)).values()) == {"occupied", "free"}, "who sleeps there stays"
    assert (await offer(rig, UUID(inside["case_id"])))["state"] == "admitted"
    (row,) = (await rig.get("placement", "/shelters", role="peksos")).json()
    assert (row["open"], row["closed_as"], row["availability"]) == (False, "full", "not_available")
    assert [entry["kind"] for entry in (await board(rig, shelter))["closures"]] == ["full"]
    await rig.advance(hours=2.1)
    assert await said(rig, waiting) == ["waitlisted", "offered"]
    assert (await board(rig, shelter))["closures"] == []


async def test_a_closed_house_is_opened_again_by_hand_and_one_of_a_kind_holds_at_a_time(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    path = f"/shelters/{shelter['shelter_id']}/closures"
    first = (await rig.post("placement", path, json={"kind": "closed", "until": in_hours(2)}, **OPERATOR)).json()
    again = (await rig.post("placement", path, json={"kind": "closed"}, role="placement_officer")).json()
    assert (again["closure_id"], again["until"]) == (first["closure_id"], None)
    waiting = await ask(rig)
    await rig.advance(hours=3)
    assert (await said(rig, waiting))[0] == "waitlisted"
    assert "offered" not in await said(rig, waiting)
    shown = (await rig.get("placement", f"/shelters/{shelter['shelter_id']}", **OPERATOR)).json()
    assert (shown["open"], [entry["kind"] for entry in shown["closures"]]) == (True, ["closed"])
    ended = await rig.post("placement", f"{path}/{first['closure_id']}/end", **head(shelter))
    assert (ended.status_code, ended.json()["until"] is None) == (200, False)
    await rig.settle()
    assert (await said(rig, waiting))[-1] == "offered"
    assert (await rig.post("placement", f"{path}/{first['closure_id']}/end", **head(shelter))).status_code == 404
    over = await rig.post("placement", path, json={"kind": "closed", "until": in_hours(-5)}, **OPERATOR)
    assert (over.status_code, over.json()["errors"]) == (422, [{"field": "until", "code": "not_in_the_future"}])
    assert (await rig.post("placement", path, json={"kind": "away"}, **OPERATOR)).status_code == 422
    assert (await rig.post("placement", path, json={"kind": "full"}, role="peksos")).status_code == 403


async def test_the_beds_of_a_secret_house_are_there_only_for_who_may_know(rig: Rig) -> None:
    secret = one_bed(secret=True)
    await platform(rig, secret)
    path = f"/shelters/{secret['shelter_id']}"
    for who, status in ((OPERATOR, 404), (SUPERVISOR, 200), (head(secret), 200), ({"role": "shelter_head", "units": [str(uuid4())]}, 404)):
        assert (await rig.get("placement", f"{path}/beds", **who)).status_code == status
    for action, body in (("closures", {"kind": "full"}), ("units", a_unit())):
        assert (await rig.post("placement", f"{path}/{action}", json=body, **OPERATOR)).status_code == 404
    bed = beds_in(secret)[0]
    assert (await rig.put("placement", f"/beds/{bed}", json={"out_of_service": True}, **OPERATOR)).status_code == 404
    assert (await rig.get("placement", f"{path}/beds", role="peksos")).status_code == 403


async def test_a_bed_that_is_blocked_while_somebody_is_on_her_way_keeps_her(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    case_id = await ask(rig)
    (bed,) = beds_in(shelter)
    await rig.put("placement", f"/beds/{bed}", json={"out_of_service": True}, **OPERATOR)
    assert set((await states(rig, shelter)).values()) == {"held"}
    await admitted(rig, case_id)
    assert set((await states(rig, shelter)).values()) == {"occupied"}
