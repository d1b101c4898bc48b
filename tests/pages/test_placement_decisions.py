"""The pages of those who place, and of a head whose house is lived in."""

from uuid import UUID, uuid4

from tests.pages.visitor import Forms, Visitor
from tests.placement.builders import a_shelter_body
from tests.placement.steps import act, ask, offer, platform, said, state
from tests.rig import Rig


async def test_who_waits_is_explained_and_offered_a_home_out_of_order(rig: Rig) -> None:
    await platform(rig, a_shelter_body(sexes=["male"]))
    case = await ask(rig)
    officer = Visitor(rig, "placement", role="placement_officer")
    listed = await officer.see("waiting")
    assert f"/pages/needs/{case}" in listed.text
    seen = await officer.see(f"needs/{case}")
    assert "Menunggu tempat" in seen.text
    why = await officer.see(f"needs/{case}/explanation")
    assert "tidak melayani jenis kelamin" in why.text
    empty = await officer.send(f"needs/{case}/offer", "/offer")
    assert empty.status_code == 422
    assert 'href="#shelter_id"' in empty.text
    shelter = a_shelter_body()
    assert (await rig.post("placement", "/shelters", json=shelter, role="operator")).status_code == 201
    await rig.settle()
    if await state(rig, case) == "waiting":
        done = await officer.send(f"needs/{case}/offer", "/offer", shelter_id=shelter["shelter_id"], reason="safety")
        assert done.status_code == 303, done.text
    assert "offered" in await said(rig, case)
    head = Visitor(rig, "placement", role="shelter_head", units=[shelter["shelter_id"]])
    assert (await head.see("waiting")).status_code == 403, "the waiting list is not a head's"
    assert (await head.see(f"needs/{case}")).status_code == 403


async def test_an_officer_ends_a_search_and_takes_it_up_again_is_refused(rig: Rig) -> None:
    await platform(rig, a_shelter_body(sexes=["male"]))
    case = await ask(rig)
    officer = Visitor(rig, "placement", role="placement_officer")
    form = await officer.form(f"needs/{case}", f"needs/{case}/end")
    assert (await officer.post(form.action, form.fields)).status_code == 303
    again = await officer.post(form.action, {**form.fields, "key": str(uuid4())})
    assert again.status_code == 409
    assert "Keadaannya sudah berubah" in again.text
    assert "Selesai" in again.text, "the page shows how it stands now"


async def test_a_head_counts_the_night_and_lets_people_go(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    placement = await offer(rig, await ask(rig))
    await act(rig, placement, "accept")
    agreed = [{"person_id": m["person_id"], "agreement": "own" if (m["age"] or 30) >= 18 else "own_view_and_consenter"} for m in placement["members"]]
    await act(rig, placement, "admit", {"agreements": agreed})
    head = Visitor(rig, "placement", role="shelter_head", units=[placement["shelter_id"]])
    persons = [member["person_id"] for member in placement["members"]]
    night = f"shelters/{placement['shelter_id']}/night"
    form = await head.form(night, "/night")
    half = await head.post(form.action, {**form.fields, "person": persons, f"present.{persons[0]}": "yes"})
    assert half.status_code == (422 if len(persons) > 1 else 303)
    done = await head.post(form.action, {**form.fields, "person": persons, **{f"present.{person}": "yes" for person in persons}})
    assert done.status_code == 303, done.text
    assert "baru saja" in (await head.see(f"shelters/{placement['shelter_id']}/beds")).text

    at = f"placements/{placement['placement_id']}/go"
    form = await head.form(at, "/go")
    nobody = await head.post(form.action, {**form.fields, "how": "leave"})
    assert (nobody.status_code, "Pilih siapa" in nobody.text) == (422, True)
    nowhere = await head.post(form.action, {**form.fields, "persons": persons, "how": "discharge", "destination": ""})
    assert (nowhere.status_code, "Pilih ke mana" in nowhere.text) == (422, True)
    away = await head.post(form.action, {**form.fields, "persons": persons[:1], "how": "absence", "back_by": "2099-01-01T10:00"})
    assert away.status_code == 303, away.text
    gone = await head.send(at, "/go", persons=persons, how="leave")
    assert gone.status_code == 303, gone.text
    await rig.settle()
    assert "left" in await said(rig, UUID(placement["case_id"]))


async def test_an_officer_asks_another_home_to_take_them_over(rig: Rig) -> None:
    here, there = a_shelter_body(), a_shelter_body()
    await platform(rig, here)
    placement = await offer(rig, await ask(rig))
    await act(rig, placement, "accept")
    agreed = [{"person_id": m["person_id"], "agreement": "own" if (m["age"] or 30) >= 18 else "own_view_and_consenter"} for m in placement["members"]]
    await act(rig, placement, "admit", {"agreements": agreed})
    assert (await rig.post("placement", "/shelters", json=there, role="operator")).status_code == 201
    officer = Visitor(rig, "placement", role="placement_officer")
    done = await officer.send(f"placements/{placement['placement_id']}/transfer", "/transfer", shelter_id=there["shelter_id"])
    assert done.status_code == 303, done.text
    await rig.settle()
    asked = await offer(rig, UUID(placement["case_id"]))
    head = Visitor(rig, "placement", language="en", role="shelter_head", units=[there["shelter_id"]])
    assert "They would move from another home." in (await head.see(f"placements/{asked['placement_id']}")).text


async def test_two_who_change_a_shelter_at_once_both_see_both_values(rig: Rig) -> None:
    shelter = a_shelter_body()
    await platform(rig, shelter)
    path = f"shelters/{shelter['shelter_id']}/edit"
    one, two = (Visitor(rig, "placement", role="placement_officer", subject=uuid4(), language="en") for _ in range(2))
    first, second = await one.form(path, "/edit"), await two.form(path, "/edit")
    values = {"name": "Rumah Contoh", "min_age": "0", "max_age": "120", "boys_max_age": "12", "stay_review_days": "14", "open": "yes"}
    assert (await one.post(first.action, {**first.fields, **values, "stay_review_days": "21"})).status_code == 303
    refused = await two.post(second.action, {**second.fields, **values, "stay_review_days": "30"})
    assert refused.status_code == 409
    assert "Somebody changed this first" in refused.text
    row = refused.text.split('<th scope="row"')[1].split("</tr>")[0]
    assert ("21" in row, "30" in row) == (True, True)
    again = next(form for form in Forms(refused.text).found if form.action.endswith("/edit"))
    assert (await two.post(again.action, {**again.fields, **values, "stay_review_days": "30"})).status_code == 303
    (kept,) = await rig.sql("placement", "SELECT stay_review_days FROM shelter")
    assert kept.stay_review_days == 30
    nameless = await one.send(path, "/edit", **{**values, "name": "", "max_age": "many"})
    assert nameless.status_code == 422
    assert ('href="#name"' in nameless.text, 'href="#max_age"' in nameless.text) == (True, True)


async def test_a_head_lets_a_mother_and_her_child_in_at_the_door_once(rig: Rig) -> None:
    shelter = a_shelter_body()
    await platform(rig, shelter)
    head = Visitor(rig, "placement", role="shelter_head", units=[shelter["shelter_id"]])
    path = f"shelters/{shelter['shelter_id']}/door"
    form = await head.form(path, "/door")
    mother = {"persons.0.sex": "female", "persons.0.age": "30", "persons.0.role": "victim", "brought_by": "polda-ppa", "area": "31.75.01"}
    child = {"persons.1.sex": "female", "persons.1.age": "6", "persons.1.role": "child", "persons.1.agreement": "own_view_and_consenter"}
    unsaid = await head.post(form.action, {**form.fields, **mother, **child})
    assert (unsaid.status_code, 'href="#persons.0.agreement"' in unsaid.text) == (422, True), unsaid.text
    nothing = await head.post(form.action, form.fields)
    assert ('href="#persons.0.sex"' in nothing.text, 'href="#persons"' in nothing.text) == (True, False), "every complaint leads to a field"
    fields = {**form.fields, **mother, **child, "persons.0.agreement": "own"}
    assert [(await head.post(form.action, fields)).status_code for _ in range(2)] == [303, 303]
    await rig.settle()
    assert [kind for kind, _, _ in await rig.facts("placement")].count("case.placement.admitted_directly.v1") == 1
    assert "Terisi: <strong>2</strong>" in (await head.see(f"shelters/{shelter['shelter_id']}/beds")).text
