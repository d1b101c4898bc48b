"""The register of shelters: kept by few, and secret where it must be."""

from typing import Any
from uuid import uuid4

import pytest

from tests.placement.builders import a_room_body, a_shelter_body
from tests.placement.steps import act, admitted, ask, offer, one_bed, platform, said
from tests.rig import Rig

EVERYBODY = ("intake_officer", "outreach", "supervisor", "placement_officer", "shelter_head", "peksos", "agency_system", "operator")
PLACERS = ("supervisor", "placement_officer")


async def test_a_shelter_is_registered_once_and_its_address_is_nowhere_but_on_its_own_route(rig: Rig) -> None:
    body = a_shelter_body()
    await platform(rig, body)
    again = await rig.post("placement", "/shelters", json=body | {"name": "Lain"}, role="placement_officer")
    assert (again.status_code, again.json()) == (201, {"shelter_id": body["shelter_id"], "version": 1})
    path = f"/shelters/{body['shelter_id']}"
    shown = (await rig.get("placement", path, role="supervisor")).text + (await rig.get("placement", "/shelters", role="supervisor")).text
    assert "Rahasia" not in shown
    assert "1111" not in shown
    (row,) = await rig.sql("placement", "SELECT shelter::text AS everything FROM shelter")
    assert "Rahasia" not in row.everything
    for role in EVERYBODY:
        answer = await rig.get("placement", f"{path}/address", role=role)
        assert answer.status_code == (200 if role in PLACERS else 403)
    assert answer.status_code == 403
    address = (await rig.get("placement", f"{path}/address", role="supervisor")).json()
    assert address == {"shelter_id": body["shelter_id"], "address": "Jalan Contoh Rahasia 7", "intake_phone": "+62 000 1111 2222"}
    looks = await rig.sql("placement", "SELECT roles FROM audit WHERE action = 'read' AND fields = 'address intake_phone'")
    assert sorted(row.roles for row in looks) == ["placement_officer", "supervisor", "supervisor"]


async def test_secret_shelters_are_one_row_for_all_who_do_not_place(rig: Rig) -> None:
    secrets = [a_shelter_body(a_room_body(3), secret=True, name=f"Rumah Aman {n}", kind="rumah_aman", grounds_required=True) for n in range(2)]
    await platform(rig, a_shelter_body(), *secrets)
    for role in EVERYBODY:
        rows = (await rig.get("placement", "/shelters", role=role)).json()
        if role in PLACERS:
            assert len(rows) == 3
            assert {row["free_beds"] for row in rows} == {3, 4}
        else:
            assert len(rows) == 2
            told = {name: value for name, value in rows[1].items() if value is not None}
            assert told == {"kind": "secret", "secret": True, "availability": "available"}
            assert rows[0]["free_beds"] is None
    for role in ("operator",):
        path = f"/shelters/{secrets[0]['shelter_id']}"
        assert (await rig.get("placement", path, role=role)).status_code == 404
        assert (await rig.put("placement", path, json=_facts(secrets[0]), role=role, If_Match=1)).status_code == 404
        room = secrets[0]["rooms"][0]
        assert (await rig.put("placement", f"/beds/{room['beds'][0]}", json={"out_of_service": True}, role=role)).status_code == 404


def _facts(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in {"shelter_id", "rooms", "address", "intake_phone"}} | changes


async def test_the_band_of_secret_shelters_lags_behind_so_that_no_stay_shows_in_it(rig: Rig) -> None:
    await platform(rig, one_bed(secret=True))
    await act(rig, await offer(rig, await ask(rig)), "accept")
    band = (await rig.get("placement", "/shelters", role="peksos")).json()[0]["availability"]
    assert band == "available"
    await rig.advance(minutes=16)
    band = (await rig.get("placement", "/shelters", role="peksos")).json()[0]["availability"]
    assert band == "not_available"
    changes = [body for kind, _, body in await rig.facts("placement") if kind == "shelter.availability_changed.v1"]
    assert changes == [{"kind": "secret", "availability": "available"}, {"kind": "secret", "availability": "full"}]


async def test_a_kind_of_shelter_is_said_to_be_full_and_to_have_room_again(rig: Rig) -> None:
    await platform(rig, one_bed(), one_bed(kind="panti_transit"))
    case_id = await ask(rig)
    await act(rig, await offer(rig, case_id), "accept")
    await act(rig, await offer(rig, case_id), "cancel", {"reason": "no_longer_needed"}, role="supervisor")
    said_of = [(body["kind"], body["availability"]) for kind, _, body in await rig.facts("placement") if kind == "shelter.availability_changed.v1"]
    assert sorted(said_of[:2]) == [("panti_transit", "available"), ("psp_korban_kekerasan", "available")]
    assert said_of[2:] == [("psp_korban_kekerasan", "full"), ("psp_korban_kekerasan", "available")]


async def test_two_who_change_a_shelter_at_once_see_both_values(rig: Rig) -> None:
    body = a_shelter_body()
    await platform(rig, body)
    path, who = f"/shelters/{body['shelter_id']}", {"role": "placement_officer"}
    assert (await rig.put("placement", path, json=_facts(body), **who)).status_code == 428
    first = await rig.put("placement", path, json=_facts(body, max_age=60), **who, If_Match='"1"')
    assert (first.status_code, first.json()["version"]) == (200, 2)
    second = await rig.put("placement", path, json=_facts(body, max_age=50), **who, If_Match=1)
    assert second.status_code == 409
    answer = second.json()
    assert (answer["version"], answer["current"]["max_age"], answer["sent"]["max_age"]) == (2, 60, 50)
    assert "Rahasia" not in second.text
    moved = await rig.put("placement", path, json=_facts(body) | {"address": "Jalan Contoh Baru 1"}, **who, If_Match=2)
    assert moved.json()["version"] == 3
    address = (await rig.get("placement", f"{path}/address", role="supervisor")).json()
    assert (address["address"], address["intake_phone"]) == ("Jalan Contoh Baru 1", "+62 000 1111 2222")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sexes": []}, "sexes"),
        ({"sexes": ["unknown"]}, "sexes"),
        ({"area": "Cakung"}, "area"),
        ({"min_age": 20, "max_age": 10}, "body"),
        ({"kind": "secret"}, "kind"),
        ({"accepts_needs": ["pool"]}, "accepts_needs"),
        ({"stay_review_days": 0}, "stay_review_days"),
        ({"surprise": 1}, "surprise"),
        ({"address": ""}, "address"),
    ],
)
async def test_a_wrong_shelter_is_refused_by_field_and_changes_nothing(rig: Rig, changes: dict[str, Any], field: str) -> None:
    await platform(rig)
    answer = await rig.post("placement", "/shelters", json=a_shelter_body(**changes), role="operator")
    assert answer.status_code == 422
    assert any(error["field"].startswith(field) for error in answer.json()["errors"]), answer.text
    assert await rig.sql("placement", "SELECT 1 FROM shelter") == []


async def test_ids_of_rooms_and_beds_are_used_once(rig: Rig) -> None:
    body = a_shelter_body()
    await platform(rig, body)
    twice = a_room_body(1)
    assert (await rig.post("placement", "/shelters", json=a_shelter_body(twice, twice), role="operator")).status_code == 422
    assert (await rig.post("placement", "/shelters", json=a_shelter_body(*body["rooms"]), role="operator")).status_code == 409
    assert len(await rig.sql("placement", "SELECT 1 FROM shelter")) == 1


async def test_rooms_and_beds_are_added_changed_and_taken_away(rig: Rig) -> None:
    body = a_shelter_body(a_room_body(1))
    await platform(rig, body)
    first, second = await ask(rig), await ask(rig)
    assert await said(rig, second) == ["waitlisted"]
    who = {"role": "operator"}
    room = a_room_body(0)
    made = await rig.post("placement", f"/shelters/{body['shelter_id']}/rooms", json=room, **who)
    assert made.status_code == 201, made.text
    bed = str(uuid4())
    assert (await rig.post("placement", f"/rooms/{room['room_id']}/beds", json={"bed_id": bed}, **who)).json()["beds"] == [bed]
    assert (await rig.post("placement", f"/rooms/{room['room_id']}/beds", json={"bed_id": bed}, **who)).status_code == 409
    await rig.settle()
    assert await said(rig, second) == ["waitlisted", "offered"], "a new bed is tried at once"
    changed = await rig.put("placement", f"/rooms/{room['room_id']}", json={"name": "B2", "family": False}, **who)
    assert (changed.json()["name"], changed.json()["family"]) == ("B2", False)
    assert (await rig.send("DELETE", "placement", f"/rooms/{room['room_id']}", **who)).status_code == 409
    assert (await rig.send("DELETE", "placement", f"/beds/{bed}", **who)).status_code == 409, "it was used"
    spare = str(uuid4())
    await rig.post("placement", f"/rooms/{room['room_id']}/beds", json={"bed_id": spare}, **who)
    assert (await rig.send("DELETE", "placement", f"/beds/{spare}", **who)).status_code == 200
    await act(rig, await offer(rig, first), "cancel", {"reason": "no_longer_needed"}, role="supervisor")
    old = body["rooms"][0]["beds"][0]
    assert (await rig.put("placement", f"/beds/{old}", json={"out_of_service": True}, **who)).status_code == 200
    assert await said(rig, await ask(rig)) == ["waitlisted"], "a bed out of service is not offered"
    shown = (await rig.get("placement", f"/shelters/{body['shelter_id']}", **who)).json()
    assert [room["out_of_service"] for room in shown["rooms"] if room["beds"] == [old]] == [[old]]
    for path in (f"/rooms/{uuid4()}", f"/beds/{uuid4()}"):
        assert (await rig.send("DELETE", "placement", path, **who)).status_code == 404


async def test_occupancy_counts_people_and_holds_and_hides_the_secret_ones(rig: Rig) -> None:
    open_one, secret = a_shelter_body(a_room_body(1)), a_shelter_body(a_room_body(3), secret=True)
    await platform(rig, open_one, secret)
    inside = await ask(rig)
    await admitted(rig, inside)
    await ask(rig)
    full = {row["shelter_id"]: row for row in (await rig.get("placement", "/occupancy", role="supervisor")).json()}
    counted = ("beds", "people", "held", "free")
    assert [full[open_one["shelter_id"]][name] for name in counted] == [1, 1, 0, 0]
    assert [full[secret["shelter_id"]][name] for name in counted] == [3, 0, 1, 2]
    officer = (await rig.get("placement", "/occupancy", role="placement_officer")).json()[-1]
    assert (officer["kind"], officer["shelter_id"], officer["held"]) == ("secret", None, 1)
    operator = (await rig.get("placement", "/occupancy", role="operator")).json()[-1]
    assert {name: value for name, value in operator.items() if value is not None} == {"kind": "secret", "availability": "available"}
    assert (await rig.get("placement", "/occupancy", role="peksos")).status_code == 403


async def test_only_those_of_the_policy_may(rig: Rig) -> None:
    await platform(rig)
    for role in EVERYBODY:
        keeps = (await rig.post("placement", "/shelters", json=a_shelter_body(), role=role)).status_code
        assert keeps == (201 if role in {"operator", "placement_officer"} else 403)
        assert (await rig.get("placement", "/waiting", role=role)).status_code == (200 if role in PLACERS else 403)
        seen = (await rig.get("placement", "/placements", role=role)).status_code
        assert seen == (200 if role in {*PLACERS, "shelter_head"} else 403)
