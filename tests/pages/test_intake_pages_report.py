"""The report form: what was entered is never lost, what cannot be read is named, and however often it is sent it is one case."""

from typing import Any

import pytest

from tests.pages.visitor import Visitor
from tests.rig import Rig

SEEN = {
    "urgency": "high",
    "narrative": "Terdengar teriakan, dua anak menangis.",
    "violence_types": ["fisik", "psikis"],
    "area": "31.74.03",
    "callback": "Bu Ratna, 0812-0000-0000",
    "persons.0.name": "Kanarya Melati",
    "persons.0.sex": "female",
    "persons.0.age": "31",
    "persons.0.address": "Gang Kenari 9",
    "screen.red_flags": ["weapon"],
    "screen.shelter_needed": "yes",
    "heard_at": "",
}


@pytest.fixture
async def intake(rig: Rig) -> Rig:
    await rig.start("intake")
    return rig


def officer(rig: Rig, **who: Any) -> Visitor:
    return Visitor(rig, "intake", **{"role": "intake_officer", "agency": "dppapp", **who})


async def test_a_report_opens_a_case_with_all_that_was_entered(intake: Rig) -> None:
    done = await officer(intake).send("reports/new", "/reports", **SEEN)
    assert done.status_code == 303, done.text
    (case,) = (await intake.get("intake", "/cases", role="intake_officer", agency="dppapp")).json()
    assert done.headers["location"] == f"/pages/cases/{case['case_id']}?said=reported"
    full = (await intake.get("intake", f"/cases/{case['case_id']}", role="intake_officer", agency="dppapp")).json()
    assert (full["urgency"], full["area"], full["violence_types"]) == ("high", "31.74.03", ["fisik", "psikis"])
    assert full["screen"]["red_flags"] == ["weapon"]
    assert full["screen"]["shelter_needed"] is True
    (person,) = full["persons"]
    assert (person["name"], person["age"], person["address"]) == ("Kanarya Melati", 31, "Gang Kenari 9")


async def test_a_double_tap_and_the_back_button_make_one_case(intake: Rig) -> None:
    who = officer(intake)
    form = await who.form("reports/new", "/reports")
    more = await who.post(form.action, {**form.fields, **SEEN, "more": "yes"})
    first, second = [await who.post(form.action, {**form.fields, **SEEN}) for _ in range(2)]
    assert (first.status_code, first.headers["location"]) == (second.status_code, second.headers["location"])
    # She goes on to the page with room for one more person, and sends it too: it has the key of the first one.
    assert f'value="{form.fields["key"]}"' in more.text
    later = await who.post(form.action, {**form.fields, **SEEN, "persons.1.role": "child"})
    assert later.status_code == 422
    assert "sudah pernah dikirim" in later.text
    assert len(await intake.sql("intake", "SELECT 1 FROM case_file")) == 1


async def test_a_refusal_names_the_fields_and_keeps_what_was_entered(intake: Rig) -> None:
    done = await officer(intake).send("reports/new", "/reports", **{**SEEN, "urgency": "", "callback": ""})
    assert done.status_code == 422
    assert "Pilih seberapa mendesak" in done.text
    assert 'href="#urgency"' in done.text
    assert 'href="#callback"' in done.text
    for kept in ("Kanarya Melati", "Gang Kenari 9", "dua anak menangis", 'value="31"'):
        assert kept in done.text
    assert await intake.sql("intake", "SELECT 1 FROM case_file") == []


async def test_what_cannot_be_read_is_shown_before_it_would_be_lost_and_can_be_sent_as_it_is(intake: Rig) -> None:
    who = officer(intake)
    wrong = {**SEEN, "persons.0.nik": "12", "persons.1.role": "child", "persons.1.age": "dua"}
    asked = await who.send("reports/new", "/reports", **wrong)
    assert asked.status_code == 422
    assert 'href="#persons.0.nik"' in asked.text
    assert "Orang 2, Usia" in asked.text
    assert await intake.sql("intake", "SELECT 1 FROM case_file") == []
    done = await who.send("reports/new", "/reports", **wrong, anyway="yes")
    assert done.status_code == 303
    (task,) = await intake.sql("intake", "SELECT problems FROM desk_task")
    assert ["persons.0.nik", "nik_impossible"] in task.problems


async def test_what_is_merely_missing_never_stops_a_report(intake: Rig) -> None:
    done = await officer(intake, role="outreach", agency="dinsos").send("reports/new", "/reports", urgency="high", callback="di tempat")
    assert done.status_code == 303
    (case,) = await intake.sql("intake", "SELECT channel, area_kind FROM case_file")
    assert tuple(case) == ("p3s_outreach", "found")


async def test_people_are_added_and_removed_without_losing_anything(intake: Rig) -> None:
    who = officer(intake)
    form = await who.form("reports/new", "/reports")
    more = await who.post(form.action, {**form.fields, **SEEN, "more": "yes"})
    assert 'name="persons.1.name"' in more.text
    assert "Kanarya Melati" in more.text
    fewer = await who.post(form.action, {**form.fields, **SEEN, "persons.1.role": "child", "fewer": "yes"})
    assert 'name="persons.1.name"' not in fewer.text
    assert "Kanarya Melati" in fewer.text


async def test_a_log_out_in_between_keeps_what_was_entered(intake: Rig) -> None:
    who = officer(intake)
    form = await who.form("reports/new", "/reports")
    who.token, kept = "expired", who.token
    answer = await who.post(form.action, {**form.fields, **SEEN})
    assert answer.status_code == 401
    assert 'name="persons.0.name" value="Kanarya Melati"' in answer.text
    who.token = kept
    assert (await who.post(form.action, {**form.fields, **SEEN})).status_code == 303


@pytest.mark.parametrize("role", ["peksos", "shelter_head", "operator"])
async def test_who_takes_no_reports_gets_no_form(intake: Rig, role: str) -> None:
    page = await officer(intake, role=role).see("reports/new")
    assert page.status_code == 403


async def test_the_form_is_small_and_in_english_too(intake: Rig) -> None:
    page = await officer(intake, language="en").see("reports/new")
    assert '<html lang="en"' in page.text
    assert "How urgent is it?" in page.text
    assert "None" not in page.text  # an empty field is empty
    assert len(page.content) < 100_000
