"""More time, taken back, whom to call, the whole list again, an alarm cleared, and a household housed apart."""

from uuid import UUID, uuid4

import pytest
from contracts.vocabulary import SplitReason

from tests.pages.visitor import Visitor
from tests.placement.builders import a_member, a_room_body, a_shelter_body, a_snapshot, a_triage
from tests.placement.steps import act, admitted, ask, data, offer, one_bed, platform, said, state
from tests.rig import Rig

MOTHER, SISTER, CHILD = a_member(), a_member("female", 24, "other"), a_member("female", 6, "child")


async def test_an_answer_gets_more_time_and_an_offer_is_taken_back(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case = await ask(rig)
    placement = await offer(rig, case)
    at = f"placements/{placement['placement_id']}"
    officer = Visitor(rig, "placement", role="placement_officer")
    missing = await officer.send(f"{at}/extend", "/extend")
    assert (missing.status_code, 'href="#minutes"' in missing.text, "Pilih berapa lama" in missing.text) == (422, True, True)
    form = await officer.form(f"{at}/extend", "/extend")
    assert [(await officer.post(form.action, {**form.fields, "minutes": "60"})).status_code for _ in range(2)] == [303, 303]
    await rig.settle()
    assert (await said(rig, case)).count("extended") == 1
    unsaid = await officer.send(f"{at}/cancel", "/cancel")
    assert (unsaid.status_code, 'href="#reason"' in unsaid.text) == (422, True)
    done = await officer.send(f"{at}/cancel", "/cancel", reason="no_longer_needed")
    assert done.status_code == 303, done.text
    await rig.settle()
    assert "cancelled" in await said(rig, case)
    page = await officer.see(at)
    assert "/cancel" not in page.text, "what is over is not taken back"
    head = Visitor(rig, "placement", role="shelter_head", units=[placement["shelter_id"]])
    refused = await head.send(f"{at}/extend", "/extend", minutes="60")
    assert refused.status_code == 403


async def test_who_asked_for_a_bed_is_told_whom_to_call_after_the_yes_and_sends_them_off(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    placement = await offer(rig, await ask(rig))
    at = f"placements/{placement['placement_id']}"
    desk = Visitor(rig, "placement", language="en", role="intake_officer")
    led = await desk.see(at)
    assert led.headers["location"].endswith(f"/pages/{at}/contact")
    before = await desk.see(f"{at}/contact")
    assert ("tel:" in before.text, "has not answered" in before.text) == (False, True)
    await act(rig, placement, "accept")
    after = await desk.see(f"{at}/contact")
    assert 'href="tel:112"' in after.text
    assert "0000 1111" not in after.text
    empty = await desk.send(f"{at}/on-the-way", "/on-the-way")
    assert (empty.status_code, 'href="#handover"' in empty.text) == (422, True)
    done = await desk.send(f"{at}/on-the-way", "/on-the-way", handover="escort")
    assert done.status_code == 303, done.text
    told = await desk.see((await desk.see(done.headers["location"].removeprefix("/pages/"))).headers["location"].removeprefix("/pages/"))
    assert "Noted: they have left." in told.text
    head = Visitor(rig, "placement", role="shelter_head", units=[placement["shelter_id"]])
    assert (await head.see(f"{at}/contact")).status_code == 403


async def test_the_whole_list_is_tried_again(rig: Rig) -> None:
    await platform(rig, a_shelter_body(sexes=["male"]))
    await ask(rig)
    officer = Visitor(rig, "placement", role="placement_officer")
    done = await officer.send("waiting", "/waiting/rematch")
    assert done.status_code == 303
    assert "Seluruh daftar" in (await officer.see(done.headers["location"].removeprefix("/pages/"))).text


async def test_only_a_supervisor_sees_what_was_suspected_and_clears_it(rig: Rig) -> None:
    await platform(rig, a_shelter_body(sexes=["male"]), probing_changes=1)
    case = uuid4()
    for version, area in enumerate(("31.74.01", "31.74.02", "31.74.03", "31.74.04"), 1):
        await ask(rig, a_triage(perpetrator_areas=(area,)), case_id=case, version=version)
    officer, supervisor = (Visitor(rig, "placement", role=role) for role in ("placement_officer", "supervisor"))
    assert "clear-alarm" not in (await officer.see(f"needs/{case}")).text
    assert "clear-alarm" in (await supervisor.see(f"needs/{case}")).text
    at = f"needs/{case}/clear-alarm"
    assert (await officer.send(at, "/clear-alarm", finding="other")).status_code == 403
    empty = await supervisor.send(at, "/clear-alarm")
    assert (empty.status_code, 'href="#finding"' in empty.text) == (422, True)
    done = await supervisor.send(at, "/clear-alarm", finding="areas_became_known")
    assert done.status_code == 303, done.text
    assert "clear-alarm" not in (await supervisor.see(f"needs/{case}")).text


async def test_a_supervisor_houses_two_sisters_apart_and_the_page_says_where_each_group_is(rig: Rig) -> None:
    await platform(rig, one_bed(name="Panti A"), one_bed(name="Panti B"))
    case = await ask(rig, household=a_snapshot(MOTHER, SISTER))
    assert await state(rig, case) == "waiting"
    supervisor, officer = (Visitor(rig, "placement", language="en", role=role) for role in ("supervisor", "placement_officer"))
    at, persons = f"needs/{case}/split", (MOTHER.person_id, SISTER.person_id)
    assert "/split" not in (await officer.see(f"needs/{case}")).text
    assert "/split" in (await supervisor.see(f"needs/{case}")).text
    empty = await supervisor.send(at, "/split")
    assert empty.status_code == 422
    assert all(f'href="#group.{person}"' in empty.text for person in persons)
    together = {f"group.{person}": "1" for person in persons} | {f"agreements.{person}": "own" for person in persons} | {"reason": "no_joint_place"}
    one_group = await supervisor.send(at, "/split", **together)
    assert (one_group.status_code, "two groups or more" in one_group.text) == (422, True)
    apart = {**together, f"group.{SISTER.person_id}": "2"}
    unsaid = await supervisor.send(at, "/split", **{**apart, f"agreements.{SISTER.person_id}": "", "reason": ""})
    assert (unsaid.status_code, 'href="#reason"' in unsaid.text) == (422, True)
    silent = await supervisor.send(at, "/split", **{**apart, f"agreements.{SISTER.person_id}": ""})
    assert (silent.status_code, f'href="#agreements.{SISTER.person_id}"' in silent.text) == (422, True)
    assert (await officer.send(at, "/split", **apart)).status_code == 403
    form = await supervisor.form(at, "/split")
    assert [(await supervisor.post(form.action, {**form.fields, **apart})).status_code for _ in range(2)] == [303, 303]
    await rig.settle()
    assert len(await data(rig, case, "split_approved")) == 1
    page = (await officer.see(f"needs/{case}")).text
    assert ("Group 1: Waits for a shelter&#39;s answer" in page, "Panti A" in page, "Panti B" in page) == (True, True, True)


async def test_children_without_an_adult_need_a_reason_and_a_group_is_offered_a_home_by_hand(rig: Rig) -> None:
    await platform(rig, one_bed(sexes=["male"]))
    case = await ask(rig, household=a_snapshot(MOTHER, CHILD))
    supervisor = Visitor(rig, "placement", role="supervisor")
    at = f"needs/{case}/split"
    entered = {
        f"group.{MOTHER.person_id}": "1",
        f"group.{CHILD.person_id}": "2",
        f"agreements.{MOTHER.person_id}": "own",
        f"agreements.{CHILD.person_id}": "own_view_and_consenter",
        "reason": SplitReason.HEALTH,
    }
    alone = await supervisor.send(at, "/split", **entered)
    assert (alone.status_code, 'href="#ground"' in alone.text) == (422, True)
    done = await supervisor.send(at, "/split", **entered, ground="health")
    assert done.status_code == 303, done.text
    await rig.settle()
    needs = (await rig.get("placement", f"/needs/{case}", role="supervisor")).json()
    group = next(person["group_id"] for person in needs["persons"] if person["person_id"] == str(MOTHER.person_id))
    ended = await supervisor.form(f"needs/{case}", f"needs/{case}/end")
    assert (await supervisor.post(ended.action, {**ended.fields, "group": group})).status_code == 303
    await rig.settle()
    assert {entry["group_id"]: entry["state"] for entry in (await rig.get("placement", f"/needs/{case}", role="supervisor")).json()["groups"]}[
        group
    ] == "settled"
    other = next(person["group_id"] for person in needs["persons"] if person["person_id"] == str(CHILD.person_id))
    page = await supervisor.see(f"needs/{case}/offer?group={other}")
    assert f'name="group" value="{other}"' in page.text


@pytest.mark.parametrize("role", ["supervisor", "placement_officer"])
async def test_some_move_without_the_others_only_by_a_supervisor(rig: Rig, role: str) -> None:
    await platform(rig, a_shelter_body(a_room_body(2)))
    placement = await admitted(rig, await ask(rig, household=a_snapshot(MOTHER, SISTER)))
    there = a_shelter_body(a_room_body(1))
    assert (await rig.post("placement", "/shelters", json=there, role="operator")).status_code == 201
    who = Visitor(rig, "placement", role=role)
    at = f"placements/{placement['placement_id']}/transfer"
    assert ('name="persons"' in (await who.see(at)).text) == (role == "supervisor")
    some = {"shelter_id": there["shelter_id"], "persons": [str(SISTER.person_id)]}
    unsaid = await who.send(at, "/transfer", **some)
    assert unsaid.status_code == (422 if role == "supervisor" else 403)
    if role == "supervisor":
        assert ('href="#reason"' in unsaid.text, 'href="#agreed"' in unsaid.text) == (True, True)
        done = await who.send(at, "/transfer", **some, reason="own_wish", agreed="yes")
        assert done.status_code == 303, done.text
        await rig.settle()
        asked = await offer(rig, UUID(placement["case_id"]))
        assert [member["person_id"] for member in asked["members"]] == [str(SISTER.person_id)]
