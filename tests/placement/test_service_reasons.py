"""Why a home was or was not offered, on real servers: what is kept, who is told what, and what may not be learnt."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.grounds import EndReason
from contracts.intake import Withdrawn
from contracts.vocabulary import Risk

from tests.placement.builders import a_member, a_risk_change, a_room_body, a_shelter_body, a_snapshot
from tests.placement.steps import act, admitted, ask, data, offer, one_bed, platform, said, state
from tests.rig import Rig

SUPERVISOR, OFFICER = {"role": "supervisor"}, {"role": "placement_officer"}
AREA = "31.74.01"


async def explained(rig: Rig, path: str, *, status: int = 200, **who: Any) -> Any:
    answer = await rig.get("placement", path, **(who or OFFICER))
    assert answer.status_code == status, answer.text
    return answer.json()


def a_safe_house(*rooms: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return a_shelter_body(*rooms, **{"secret": True, "kind": "rumah_aman", "name": "Rumah Melati", **changes})


def by_name(answer: Any) -> dict[str, Any]:
    return {home["name"]: (home["outcome"], [(reason["rule"], reason["fact"]) for reason in home["reasons"]]) for home in answer["homes"]}


# What the chosen home costs a lone woman from another city: it is far, and its room is one for families.
COSTS = [("P6", "far"), ("P4", "fits")]


# -- explanations -------------------------------------------------------------------------------------------------------------------------


async def test_an_offer_says_why_this_home_and_not_the_others_in_two_languages(rig: Rig) -> None:
    chosen, transit = a_shelter_body(a_room_body(1), name="Panti A"), a_shelter_body(a_room_body(1), name="Transit", kind="panti_transit")
    await platform(rig, chosen, transit, a_shelter_body(name="Panti Pria", sexes=["male"], boys_max_age=None))
    placement = await offer(rig, await ask(rig))
    answer = await explained(rig, f"/placements/{placement['placement_id']}/explanation?rerun=true")
    assert (answer["answer"], answer["shelter_id"], answer["language"], answer["rerun"]) == ("offered", chosen["shelter_id"], "id", "same")
    assert by_name(answer) == {
        "Panti A": ("chosen", COSTS),
        "Transit": ("suited", [("P6", "far"), ("transit", "transit")]),
        "Panti Pria": ("refused", [("P2", "sex_not_served")]),
    }
    english = await explained(rig, f"/placements/{placement['placement_id']}/explanation?language=en")
    texts = {reason["text"] for home in english["homes"] for reason in home["reasons"]}
    assert texts == {
        "This home does not serve the sex of one of them.",
        "A transit home; specialised homes come first.",
        "Farther from where they are.",
        "The household would need more than one room, or a room meant for other needs.",
    }


async def test_where_a_household_of_five_cannot_be_placed_each_shelter_says_all_that_stood_in_the_way(rig: Rig) -> None:
    await platform(
        rig,
        a_shelter_body(a_room_body(5), name="Panti A", boys_max_age=15),
        a_shelter_body(a_room_body(4, accessible=True), name="Panti B", boys_max_age=12),
        a_shelter_body(a_room_body(5, accessible=True), name="Panti C", boys_max_age=15, accepts_needs=[]),
    )
    girls = [a_member("female", age, "child") for age in (9, 4)]
    family = a_snapshot(a_member(), a_member("male", 13, "child"), *girls, a_member("female", 70, "other", ("wheelchair",)))
    case_id = await ask(rig, household=family)
    answer = await explained(rig, f"/needs/{case_id}/explanation?rerun=true")
    assert (answer["answer"], answer["rerun"]) == ("no_home", "same")
    assert by_name(answer) == {
        "Panti A": ("refused", [("P8", "no_accessible_room")]),
        "Panti B": ("refused", [("P3", "boy_too_old"), ("P1", "not_enough_beds")]),
        "Panti C": ("refused", [("P8", "need_not_met")]),
    }
    answer = await rig.post(
        "placement", "/shelters", json=a_shelter_body(a_room_body(5, accessible=True), name="Panti D", boys_max_age=15), role="operator"
    )
    assert answer.status_code == 201
    await rig.settle()
    assert len((await offer(rig, case_id))["members"]) == 5, "placed whole where it can be"
    newest = await explained(rig, f"/needs/{case_id}/explanation?rerun=true")
    assert (newest["answer"], newest["rerun"], by_name(newest)["Panti D"][0]) == ("offered", "same", "chosen")
    earlier = await rig.sql("placement", "SELECT id FROM decision WHERE case_id = :c ORDER BY made_at LIMIT 1", c=case_id)
    assert (await explained(rig, f"/needs/{case_id}/explanation?decision={earlier[0].id}"))["answer"] == "no_home"
    await explained(rig, f"/needs/{uuid4()}/explanation?decision={earlier[0].id}", status=404)


async def test_a_batch_is_decided_again_as_a_whole_and_an_unchanged_home_is_kept_once(rig: Rig) -> None:
    await platform(rig)
    cases = [await ask(rig) for _ in range(3)]
    for shelter in (one_bed(name="Satu"), one_bed(name="Dua"), a_shelter_body(sexes=["male"], boys_max_age=None, name="Tiga")):
        await rig.post("placement", "/shelters", json=shelter, role="operator")
    await rig.settle()
    states = [await state(rig, case_id) for case_id in cases]
    assert states == ["offered", "offered", "waiting"]
    for case_id in cases:
        assert (await explained(rig, f"/needs/{case_id}/explanation?rerun=true"))["rerun"] == "same"
    (rows,) = await rig.sql("placement", "SELECT count(*) AS n FROM home_seen WHERE seen ->> 'sexes' = '[\"male\"]'")
    assert rows.n == 1
    (kept,) = await rig.sql("placement", "SELECT count(*) AS n FROM decision")
    await rig.advance(hours=25)
    (later,) = await rig.sql("placement", "SELECT count(*) AS n FROM decision WHERE case_id = :c", c=cases[2])
    assert kept.n >= 3
    assert later.n <= kept.n, "who waits for the same reasons is not decided anew on paper"


async def test_what_people_offer_by_hand_or_ask_to_move_is_explained_too(rig: Rig) -> None:
    first, second = one_bed(name="Panti A"), one_bed(name="Panti B")
    await platform(rig, first, second)
    case_id = await ask(rig)
    by_system = await offer(rig, case_id)
    await act(rig, by_system, "decline", {"reason": "full"})
    await act(rig, await offer(rig, case_id), "decline", {"reason": "full"})
    body = {"shelter_id": second["shelter_id"], "reason": "survivor_wish"}
    made = await rig.post("placement", f"/needs/{case_id}/offer", json=body, role="placement_officer")
    told = await explained(rig, f"/placements/{made.json()['placement_id']}/explanation?rerun=true")
    assert (told["shelter_id"], told["rerun"], by_name(told)) == (second["shelter_id"], "same", {"Panti B": ("chosen", COSTS)})
    stay = await admitted(rig, case_id)
    asked = await act(rig, stay, "transfer", {"shelter_id": first["shelter_id"]}, status=201, role="placement_officer")
    told = await explained(rig, f"/placements/{asked['placement_id']}/explanation?rerun=true")
    assert (told["shelter_id"], told["rerun"], by_name(told)) == (first["shelter_id"], "same", {"Panti A": ("chosen", COSTS)})


async def test_a_head_is_told_its_own_part_and_nobody_elses(rig: Rig) -> None:
    chosen, other, safe = one_bed(name="Panti A"), a_shelter_body(name="Panti B", sexes=["male"], boys_max_age=None), a_safe_house(sexes=["male"])
    await platform(rig, chosen, other, safe | {"boys_max_age": None})
    case_id = await ask(rig)
    path = f"/placements/{(await offer(rig, case_id))['placement_id']}/explanation"
    head = {"role": "shelter_head", "units": [chosen["shelter_id"]]}
    assert by_name(await explained(rig, path, **head)) == {"Panti A": ("chosen", COSTS)}
    await explained(rig, path, status=404, role="shelter_head", units=[other["shelter_id"]])
    needs = f"/needs/{case_id}/explanation"
    theirs = by_name(await explained(rig, needs, role="shelter_head", units=[other["shelter_id"]]))
    assert theirs == {"Panti A": ("chosen", COSTS), "Panti B": ("refused", [("P2", "sex_not_served")])}
    own_secret = by_name(await explained(rig, needs, role="shelter_head", units=[safe["shelter_id"]]))
    assert own_secret["Rumah Melati"] == ("refused", [("P2", "sex_not_served")])
    await explained(rig, needs, status=404, role="shelter_head", units=[str(uuid4())])
    for role in ("intake_officer", "outreach", "agency_system", "operator", "peksos"):
        for place in (path, needs, "/unmet"):
            await explained(rig, place, status=403, role=role)


async def test_secret_shelters_are_one_row_without_a_rule_but_for_supervisors_who_leave_a_trace(rig: Rig) -> None:
    safe = a_safe_house(a_room_body(1))
    await platform(rig, safe, a_safe_house(name="Rumah Mawar", sexes=["male"], boys_max_age=None), one_bed(name="Panti A", sexes=["male"]))
    case_id = await ask(rig, perpetrator_areas=(AREA,))
    path = f"/needs/{case_id}/explanation"
    answer = await explained(rig, path)
    assert by_name(answer) == {
        "Panti A": ("refused", [("P2", "sex_not_served"), ("P6", "perpetrator_area")]),
        "Rumah aman (bersama-sama)": ("not_suitable", []),
    }
    assert safe["shelter_id"] not in str(answer)
    (before,) = await rig.sql("placement", "SELECT count(*) AS n FROM audit WHERE fields LIKE '%secret_rules%'")
    told = by_name(await explained(rig, path, **SUPERVISOR))
    assert told["Rumah Melati"] == ("refused", [("P6", "perpetrator_area")])
    assert told["Rumah Mawar"] == ("refused", [("P2", "sex_not_served"), ("P6", "perpetrator_area")])
    (after,) = await rig.sql("placement", "SELECT count(*) AS n FROM audit WHERE fields LIKE '%secret_rules%'")
    assert (before.n, after.n) == (0, 1)
    (need,) = (await rig.get("placement", "/waiting", **OFFICER)).json()
    assert {reason["shelter_id"] for reason in need["reasons"]}.isdisjoint({safe["shelter_id"]})
    assert need["refusals"]["secret"] == 1
    full = await ask(rig)
    assert by_name(await explained(rig, f"/needs/{full}/explanation"))["Rumah aman (bersama-sama)"][0] == "available"
    last = await ask(rig)
    assert by_name(await explained(rig, f"/needs/{last}/explanation"))["Rumah aman (bersama-sama)"][0] == "not_available"


async def test_a_placement_without_a_decision_has_no_explanation(rig: Rig) -> None:
    shelter = a_shelter_body()
    await platform(rig, shelter)
    arrived = {"sex": "female", "age": 40, "role": "victim", "needs": [], "agreement": "own"}
    body = {"shelter_id": shelter["shelter_id"], "persons": [arrived], "brought_by": "dinsos", "area": AREA}
    inside = (await rig.post("placement", "/admissions", json=body, role="placement_officer")).json()
    await explained(rig, f"/placements/{inside['placement_id']}/explanation", status=404)
    await explained(rig, f"/placements/{uuid4()}/explanation", status=404)


# -- the ledger ---------------------------------------------------------------------------------------------------------------------------


async def unmet(rig: Rig, query: str = "", **who: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await explained(rig, f"/unmet{query}", **who)
    return found


async def test_an_unmet_need_is_followed_until_she_is_housed(rig: Rig) -> None:
    await platform(rig, a_safe_house(sexes=["male"], boys_max_age=None))
    case_id = await ask(rig, risk=Risk.HIGH, household=a_snapshot(a_member(), a_member("female", 3, "child")))
    (line,) = await unmet(rig, "?open=true")
    assert (line["case_id"], line["persons"], line["risk"], line["refusals"], line["ended_as"]) == (str(case_id), 2, "high", {"secret": 1}, None)
    shelter = a_shelter_body()
    await rig.post("placement", "/shelters", json=shelter, role="operator")
    await rig.settle()
    assert [row["ended_as"] for row in await unmet(rig)] == [None], "an offer is no bed yet"
    await admitted(rig, case_id)
    (line,) = await unmet(rig)
    assert (line["ended_as"], line["shelter_id"]) == ("housed", shelter["shelter_id"])
    assert line["ended_at"] is not None
    assert await unmet(rig, "?open=true") == []


async def test_each_end_of_an_unmet_need_is_told_and_can_be_asked_for(rig: Rig) -> None:
    await platform(rig)
    withdrawn, settled, waits = [await ask(rig) for _ in range(3)]
    await rig.say(Withdrawn(reason=EndReason.REFUSED_SERVICE), subject=withdrawn, factversion=2)
    await rig.post("placement", f"/needs/{settled}/end", json={}, **OFFICER)
    await rig.settle()
    assert [row["case_id"] for row in await unmet(rig, "?ended_as=withdrawn")] == [str(withdrawn)]
    assert [row["case_id"] for row in await unmet(rig, "?ended_as=settled")] == [str(settled)]
    assert [row["case_id"] for row in await unmet(rig, "?open=true&risk=medium", **SUPERVISOR)] == [str(waits)]
    assert await unmet(rig, "?rule=P1") == []
    assert len(await unmet(rig, f"?case_id={waits}&since=2026-01-01T00:00:00Z")) == 1
    await explained(rig, "/unmet?ended_as=forgotten", status=422)


async def test_who_was_offered_a_home_and_got_lost_counts_as_unmet(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case_id = await ask(rig)
    placement = await offer(rig, case_id)
    await act(rig, placement, "accept")
    await act(rig, placement, "no-show")
    assert await unmet(rig) == [], "people still look for her"
    await rig.post("placement", f"/needs/{case_id}/end", json={}, **OFFICER)
    await rig.settle()
    assert [row["ended_as"] for row in await unmet(rig)] == ["lost"]


async def test_an_offer_that_was_not_needed_any_more_is_no_unmet_need(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case_id = await ask(rig)
    await ask(rig, a_risk_change(shelter_needed=False), case_id=case_id, version=2)
    assert await state(rig, case_id) == "none"
    assert await unmet(rig) == []


# -- looking for a secret house -----------------------------------------------------------------------------------------------------------


async def name_areas(rig: Rig, case_id: UUID, household: Any, *areas: tuple[str, ...], first: int = 2) -> None:
    for version, named in enumerate(areas, first):
        await ask(rig, a_risk_change(household=household, perpetrator_areas=named), case_id=case_id, version=version)


async def test_a_case_that_names_ever_other_areas_is_offered_no_secret_shelter_until_a_supervisor_clears_it(rig: Rig) -> None:
    await platform(rig, a_safe_house(area="31.71.01"))
    household = a_snapshot()
    case_id = await ask(rig, household=household, perpetrator_areas=("31.71.01",))
    await name_areas(rig, case_id, household, ("31.72.01",), ("31.71.01",), ("31.73.01",))
    assert await state(rig, case_id) == "offered", "three changes may be honest"
    assert await data(rig, case_id, "probing_suspected") == []
    await name_areas(rig, case_id, household, ("31.74.02",), first=5)
    assert await state(rig, case_id) == "waiting", "the offer is taken back"
    assert [fact["changes"] for fact in await data(rig, case_id, "probing_suspected")] == [4]
    await name_areas(rig, case_id, household, ("31.74.02",), ("31.74.03",), first=6)
    assert [fact["changes"] for fact in await data(rig, case_id, "probing_suspected")] == [4, 5], "once for each further change"
    told = by_name(await explained(rig, f"/needs/{case_id}/explanation", **SUPERVISOR))
    assert told["Rumah Melati"] == ("refused", [("withheld", "areas_changed_often")])
    path, body = f"/needs/{case_id}/clear-alarm", {"finding": "areas_became_known"}
    assert (await rig.post("placement", path, json=body, **OFFICER)).status_code == 403
    assert (await rig.post("placement", path, json={"finding": "x"}, **SUPERVISOR)).status_code == 422
    cleared = await rig.post("placement", path, json=body, **SUPERVISOR)
    assert cleared.status_code == 200, cleared.text
    await rig.settle()
    assert await state(rig, case_id) == "offered"
    assert (await rig.post("placement", path, json=body, **SUPERVISOR)).status_code == 409
    assert (await rig.post("placement", f"/needs/{uuid4()}/clear-alarm", json=body, **SUPERVISOR)).status_code == 404
    (audited,) = await rig.sql("placement", "SELECT count(*) AS n FROM audit WHERE action = 'alarm_cleared:areas_became_known'")
    assert audited.n == 1
    await name_areas(rig, case_id, household, ("31.72.02",), first=8)
    (need,) = await rig.sql("placement", "SELECT area_changes FROM need")
    assert (need.area_changes, await state(rig, case_id)) == (1, "offered"), "changes are counted anew"


@pytest.mark.parametrize("order", [(2, 3, 4, 5), (5, 4, 3, 2), (3, 5, 2, 4)])
async def test_changes_are_counted_the_same_in_whatever_order_they_are_heard(rig: Rig, order: tuple[int, ...]) -> None:
    await platform(rig, a_safe_house(area="31.71.01"))
    household, case_id = a_snapshot(), uuid4()
    for version in order:
        await ask(rig, a_risk_change(household=household, perpetrator_areas=(f"31.72.0{version}",)), case_id=case_id, version=version)
    (need,) = await rig.sql("placement", "SELECT area_changes FROM need")
    assert need.area_changes == 3


async def test_with_too_many_areas_people_decide_on_a_secret_shelter(rig: Rig) -> None:
    await platform(rig, a_safe_house(area="31.71.01"), probing_areas=2)
    household = a_snapshot()
    case_id = await ask(rig, household=household, perpetrator_areas=("31.72.01", "31.72.02", "31.72.03"))
    assert await state(rig, case_id) == "waiting"
    assert await said(rig, case_id) == ["waitlisted"]
    await name_areas(rig, case_id, household, ("31.72.01", "31.72.02"))
    assert await state(rig, case_id) == "offered"


async def test_what_a_secret_house_said_yes_to_is_not_taken_back_by_the_system_but_told_to_a_supervisor(rig: Rig) -> None:
    await platform(rig, a_safe_house(area="31.71.01"))
    household = a_snapshot()
    case_id = await ask(rig, household=household)
    await act(rig, await offer(rig, case_id), "accept")
    await name_areas(rig, case_id, household, ("31.71.01",))
    assert await state(rig, case_id) == "accepted"
    assert await said(rig, case_id) == ["offered", "accepted", "probing_suspected"]


async def test_what_an_open_home_said_yes_to_is_taken_back_when_the_perpetrator_is_near(rig: Rig) -> None:
    await platform(rig, a_shelter_body(area="31.71.01"))
    household = a_snapshot()
    case_id = await ask(rig, household=household)
    await act(rig, await offer(rig, case_id), "accept")
    await name_areas(rig, case_id, household, ("31.71.01",))
    assert await said(rig, case_id) == ["offered", "accepted", "cancelled", "waitlisted"]


async def test_an_offer_that_nobody_said_yes_to_does_not_show_in_the_list_of_shelters(rig: Rig) -> None:
    await platform(rig, one_bed())

    async def band(role: str) -> str:
        (row,) = (await rig.get("placement", "/shelters", role=role)).json()
        return str(row["availability"])

    placement = await offer(rig, await ask(rig))
    assert (await band("intake_officer"), await band("placement_officer")) == ("available", "not_available")
    await act(rig, placement, "accept")
    assert await band("intake_officer") == "not_available"
    said_of = [body["availability"] for kind, _, body in await rig.facts("placement") if kind == "shelter.availability_changed.v1"]
    assert said_of == ["available", "full"]
