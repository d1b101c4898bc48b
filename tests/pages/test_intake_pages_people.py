"""The household and persons that may be one: what two officers change at once is shown to both, and nothing is merged by itself."""

from typing import Any
from uuid import uuid4

import pytest

from tests.intake.builders import a_nik, a_person, a_referral
from tests.pages.visitor import Forms, Visitor
from tests.rig import Rig


@pytest.fixture
async def intake(rig: Rig) -> Rig:
    await rig.start("intake")
    return rig


async def reported(rig: Rig, *persons: dict[str, Any], **known: Any) -> str:
    answer = await rig.post("intake", "/reports", json=a_referral(persons=list(persons), **known), role="intake_officer", agency="dppapp")
    return str(answer.json()["case_id"])


def officer(rig: Rig, **who: Any) -> Visitor:
    return Visitor(rig, "intake", **{"role": "intake_officer", "agency": "dppapp", "subject": uuid4(), **who})


async def stored(rig: Rig, case: str) -> list[dict[str, Any]]:
    persons: list[dict[str, Any]] = (await rig.get("intake", f"/cases/{case}", role="intake_officer", agency="dppapp")).json()["persons"]
    return persons


async def test_two_officers_who_change_one_field_both_see_both_values(intake: Rig) -> None:
    case = await reported(intake, a_person(name="Sekar Ayu", nik=None))
    at, action = f"cases/{case}/household", "/household"
    one, two = officer(intake), officer(intake)
    first, second = await one.form(at, action), await two.form(at, action)
    entered = {"persons.0.role": "victim", "persons.0.sex": "female", "persons.0.age": "36"}
    done = await one.post(first.action, {**first.fields, **entered, "persons.0.name": "Sekar Ayu Lestari", "persons.1.role": "child"})
    assert done.headers["location"].endswith("said=household")
    asked = await two.post(second.action, {**second.fields, **entered, "persons.0.name": "Sekar Ayuningtyas"})
    assert asked.status_code == 409
    assert "Seseorang mengubahnya lebih dahulu" in asked.text
    assert "Sekar Ayu Lestari" in asked.text
    assert 'value="Sekar Ayuningtyas"' in asked.text
    # Whom the other one added is in her form too, so that sending it again lets nobody leave.
    assert 'name="persons.1.person_id"' in asked.text
    assert [person["name"] for person in await stored(intake, case)] == ["Sekar Ayu Lestari", None]
    again = next(form for form in Forms(asked.text).found if form.action.endswith(action))
    more = {**entered, "persons.0.name": "Sekar Ayuningtyas", "persons.1.role": "child"}
    assert (await two.post(again.action, {**again.fields, **more})).status_code == 303
    assert [(person["name"], person["role"]) for person in await stored(intake, case)] == [("Sekar Ayuningtyas", "victim"), (None, "child")]


async def test_who_left_leaves_and_what_is_wrong_is_named_by_its_place(intake: Rig) -> None:
    case = await reported(intake, a_person(), a_person(role="child", name="Bintang", age=8), a_person(role="carer", name="Wulan"))
    who = officer(intake)
    form = await who.form(f"cases/{case}/household", "/household")
    entered = {
        **{f"persons.{n}.role": role for n, role in enumerate(("victim", "child", "carer"))},
        **{f"persons.{n}.sex": "female" for n in range(3)},
        "persons.1.left": "yes",
    }
    wrong = await who.post(form.action, {**form.fields, **entered, "persons.2.nik": a_nik(serial=0)})
    assert wrong.status_code == 422
    assert 'href="#persons.2.nik"' in wrong.text
    done = await who.post(form.action, {**form.fields, **entered})
    assert done.status_code == 303, done.text
    assert [person["name"] for person in await stored(intake, case)] == ["Sekar Ayu", "Wulan"]


async def a_pair(rig: Rig) -> str:
    for n in range(2):
        await reported(rig, a_person(name="Kanarya Melati", nik=a_nik()), narrative=f"Kejadian {n}.")
    await rig.settle()
    (pair,) = await rig.sql("intake", "SELECT candidate_id FROM candidate")
    return str(pair.candidate_id)


async def test_two_persons_are_compared_linked_and_merged_by_a_supervisor(intake: Rig) -> None:
    pair = await a_pair(intake)
    desk, boss = officer(intake), officer(intake, role="supervisor")
    assert f"/pages/candidates/{pair}" in (await desk.see("candidates")).text
    assert "1 pasang orang" in (await desk.see("queue")).text
    page = await desk.see(f"candidates/{pair}")
    assert page.text.count("Kanarya Melati") == 2
    assert "/merge" not in page.text
    form = await desk.form(f"candidates/{pair}", "/link")
    assert (await desk.post(form.action, form.fields)).status_code == 422
    assert (await desk.post(form.action, {**form.fields, "ground": "fields"})).headers["location"].endswith("said=linked")
    linked = await boss.form(f"candidates/{pair}", "/not-same")
    merge = linked.action.replace("not-same", "merge")
    assert (await boss.post(merge, {**linked.fields, "ground": "documents"})).headers["location"].endswith("said=merged")
    assert "Digabungkan" in (await boss.see(f"candidates/{pair}")).text


async def test_not_the_same_is_remembered_and_another_agency_sees_no_pair(intake: Rig) -> None:
    pair = await a_pair(intake)
    assert (await officer(intake, agency="polda-ppa").see(f"candidates/{pair}")).status_code == 404
    desk = officer(intake)
    form = await desk.form(f"candidates/{pair}", "/link")
    done = await desk.post(form.action.replace("/link", "/not-same"), {**form.fields, "ground": "known_to_officer"})
    assert done.headers["location"].endswith("said=not_same")
    assert f"/pages/candidates/{pair}" not in (await desk.see("candidates")).text
