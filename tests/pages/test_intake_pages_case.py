"""The queue, the case and its triage: whose move it is, what each role sees, and the rule floor shown before it counts."""

from typing import Any
from uuid import uuid4

import pytest
from contracts import catalogue
from intake import shown
from intake.pages import queue
from intake.pages.case import short

from tests.intake.builders import a_person, a_referral, a_triage
from tests.pages.visitor import Visitor
from tests.rig import Rig

CANARIES = ("Kanarya Melati", "0813-0000-0000", "Gang Kanarya 3", "Cerita kanarya", "Bripka Kanarya")


@pytest.fixture
async def intake(rig: Rig) -> Rig:
    await rig.start("intake")
    return rig


async def reported(rig: Rig, **known: Any) -> str:
    person = a_person(name=CANARIES[0], address=CANARIES[2])
    body = a_referral(**{"persons": [person], "narrative": f"{CANARIES[3]}.", "callback": CANARIES[4], "area": "31.74.03", **known})
    answer = await rig.post("intake", "/reports", json=body, role="intake_officer", agency="dppapp")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["case_id"])


def officer(rig: Rig, **who: Any) -> Visitor:
    return Visitor(rig, "intake", **{"role": "intake_officer", "agency": "dppapp", **who})


async def test_the_queue_has_the_most_urgent_first_and_what_waits_for_others_apart(intake: Rig) -> None:
    low = await reported(intake, urgency="low")
    high = await reported(intake, urgency="high", screen={"red_flags": ["weapon"]})
    placed = await reported(intake)
    await intake.post("intake", f"/cases/{placed}/triage", json=a_triage(shelter_needed=True), role="intake_officer", agency="dppapp")
    page = await officer(intake).see("queue")
    assert page.text.index(high) < page.text.index(low) < page.text.index("Menunggu pihak lain") < page.text.index(placed)
    assert "Triase" in page.text
    assert "dalam" in page.text  # until the clock of the triage
    assert not any(canary in page.text for canary in CANARIES)


async def test_however_many_cases_have_ended_the_queue_has_those_that_go_on_and_the_ended_have_a_page(
    intake: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST", 3)
    over = [await reported(intake, urgency="high") for _ in range(3)]
    for case in over:
        ended = await intake.post("intake", f"/cases/{case}/withdraw", json={"reason": "other"}, role="intake_officer", agency="dppapp")
        assert ended.status_code == 200, ended.text
    new = await reported(intake, urgency="low")
    waits = (await officer(intake).see("queue")).text
    assert [case in waits for case in (*over, new)] == [False] * 3 + [True]
    page = (await officer(intake).see("ended")).text
    assert new not in page
    assert page.index(over[2]) < page.index(over[1]) < page.index(over[0]), "what ended last is on top"
    assert over[0] not in (await officer(intake, agency="polda-ppa").see("ended")).text


async def test_what_was_missed_comes_before_a_higher_risk(intake: Rig) -> None:
    late = await reported(intake, urgency="medium")
    await intake.advance(hours=30)
    fresh = await reported(intake, urgency="high")
    page = await officer(intake).see("queue")
    assert page.text.index(late) < page.text.index(fresh)
    assert "app-item--late" in page.text


async def test_a_desk_completes_what_is_incomplete(intake: Rig) -> None:
    case = await reported(intake, area=None)
    page = await officer(intake).see(f"cases/{case}")
    assert "Laporan ini belum lengkap" in page.text
    assert "Kecamatan: harus diisi" in page.text
    (task,) = await intake.sql("intake", "SELECT task_id FROM desk_task")
    done = await officer(intake).send(f"desk/{task.task_id}", "/done")
    assert done.headers["location"].endswith("queue?said=task_done")
    assert "Laporan ini belum lengkap" not in (await officer(intake).see(f"cases/{case}")).text


async def test_a_case_shows_names_to_desks_that_take_part_and_to_nobody_else(intake: Rig) -> None:
    case = await reported(intake)
    desk = await officer(intake).see(f"cases/{case}")
    assert all(canary in desk.text for canary in CANARIES)
    peksos = await officer(intake, role="peksos").see(f"cases/{case}")
    assert peksos.status_code == 200
    assert not any(canary in peksos.text for canary in CANARIES)
    assert "Nama dan nomor tidak ditampilkan" in peksos.text
    stranger = await officer(intake, agency="polda-ppa").see(f"cases/{case}")
    assert stranger.status_code == 404
    reads = await intake.sql("intake", "SELECT agency FROM audit WHERE action = 'case_read'")
    assert [row.agency for row in reads] == ["dppapp"]


async def test_a_triage_is_settled_and_the_floor_is_shown_before_it_counts(intake: Rig) -> None:
    case = await reported(intake, screen={"red_flags": ["weapon"], "shelter_needed": None})
    who = officer(intake)
    form = await who.form(f"cases/{case}/triage", "/triage")
    entered = {**form.fields, "risk": "low", "red_flags": ["weapon", "escalation"], "shelter_needed": "no"}
    shown_first = await who.post(form.action, entered)
    assert shown_first.status_code == 200
    assert "Risiko menjadi tinggi" in shown_first.text
    assert 'name="floor" value="high"' in shown_first.text
    assert (await intake.sql("intake", "SELECT risk FROM case_file"))[0].risk is None
    done = await who.post(form.action, {**entered, "floor": "high"})
    assert done.headers["location"].endswith("said=triaged")
    page = await who.see(f"cases/{case}")
    assert "Triase: risiko dan tempat aman ditetapkan" in page.text
    again = await who.see(f"cases/{case}/triage")
    assert again.text.count("checked") == 4  # both flags, the risk that counts, and no shelter


async def test_a_triage_without_an_answer_says_what_is_missing(intake: Rig) -> None:
    case = await reported(intake)
    answer = await officer(intake).send(f"cases/{case}/triage", "/triage", red_flags="weapon")
    assert answer.status_code == 422
    assert 'href="#risk"' in answer.text
    assert "Pilih apakah tempat aman diperlukan" in answer.text
    assert answer.text.count("checked") == 1


async def test_an_officer_proposes_to_close_and_a_supervisor_decides(intake: Rig) -> None:
    case = await reported(intake)
    assert (await officer(intake).send(f"cases/{case}/close", "/close")).status_code == 422
    done = await officer(intake).send(f"cases/{case}/close", "/close", reason="information_only")
    assert done.headers["location"].endswith("said=proposed")
    boss = officer(intake, role="supervisor", subject=uuid4())
    assert "Putuskan usul penutupan" in (await boss.see("queue")).text
    assert (await boss.send(f"cases/{case}/return", "/return", reason="needs_remain")).headers["location"].endswith("said=returned")
    assert (await boss.send(f"cases/{case}/close", "/close", reason="information_only")).headers["location"].endswith("said=closed")
    assert "Kasus: Ditutup" in (await boss.see(f"cases/{case}")).text


async def test_a_team_that_met_her_on_the_street_says_that_it_is_there(intake: Rig) -> None:
    answer = await intake.post("intake", "/reports", json=a_referral(channel=None), role="outreach", agency="dinsos")
    case, team = answer.json()["case_id"], officer(intake, role="outreach", agency="dinsos")
    done = await team.send(f"cases/{case}", "/arrived")
    assert done.headers["location"].endswith("said=arrived")
    assert "Hasil penjangkauan" in (await team.see("queue")).text


async def test_the_search_for_a_bed_is_one_step_to_who_asked_for_it(intake: Rig) -> None:
    case = await reported(intake)
    await intake.post("intake", f"/cases/{case}/triage", json=a_triage(shelter_needed=True), role="intake_officer", agency="dppapp")
    page = await officer(intake).see(f"cases/{case}")
    assert "Tempat aman sedang dicari" in page.text
    assert "Cari tempat aman" in page.text


def test_every_fact_of_a_timeline_has_words() -> None:
    services = ("intake", "placement", "assessment", "notifications")
    kinds = {event.type for service in services for event in catalogue.said_by(service) if event.type.startswith("case.")}
    assert {kind for kind in kinds - shown.NOT_IN_TIMELINE if short(kind) == "fact.other"} == set()
