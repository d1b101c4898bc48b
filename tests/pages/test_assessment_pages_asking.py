"""Instruments asked on pages: one question a page, saved at each step; what a score and a judgement come to is shown with the floor of rules."""

from uuid import UUID

from tests.assessment.builders import CHILD, MOTHER
from tests.assessment.calls import a_started_case, act, answer, data, see
from tests.pages.test_assessment_pages import supervisor, worker
from tests.pages.visitor import Visitor
from tests.rig import Rig


def sheet(case_id: UUID, code: str, person: UUID = MOTHER) -> str:
    return f"cases/{case_id}/persons/{person}/instruments/{code}"


async def save(visitor: Visitor, at: str, value: int) -> str:
    """Answer the question of this page; where it goes on."""
    done = await visitor.send(at, at.rpartition("/")[2], answer=value)
    assert done.status_code == 303, done.text
    return done.headers["location"].removeprefix("/pages/")


async def test_a_screen_is_asked_question_by_question_and_branches_by_what_is_answered(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER, CHILD)
    peksos = worker(rig)
    listed = await peksos.see(f"cases/{case_id}/persons/{MOTHER}/instruments")
    assert "Columbia-Suicide Severity" in listed.text
    assert "CATS" not in listed.text, "those for children are not offered for an adult"
    at = sheet(case_id, "cssrs_screener")
    first = (await peksos.see(f"{at}/next")).headers["location"].removeprefix("/pages/")
    assert first == f"{at}/cssrs_1"
    page = (await peksos.see(first)).text
    assert "Pertanyaan 1 dari 3" in page
    assert "supervisor langsung diberi tahu (bahaya bagi dirinya sendiri)" in page
    assert "Hanya untuk latihan" in page
    assert await save(peksos, first, 0) == f"{at}/cssrs_2"
    assert await save(peksos, f"{at}/cssrs_2", 0) == f"{at}/cssrs_6_ever", "3 to 5 are asked after a yes to 2 alone"
    assert (await peksos.see(f"{at}/next")).headers["location"] == f"/pages/{at}/cssrs_6_ever", "resumed where she was"
    assert await save(peksos, f"{at}/cssrs_6_ever", 0) == at
    whole = (await peksos.see(at)).text
    assert "Nilai <strong>0</strong> · Tingkat <strong>minimal" in whole
    assert await save(peksos, f"{at}/cssrs_2", 1) == f"{at}/cssrs_3?said=alert_self_harm"
    assert "Supervisor sudah diberi tahu" in (await peksos.see(f"{at}/cssrs_3?said=alert_self_harm")).text
    assert [entry["flag"] for entry in await data(rig, case_id, "alert_raised")] == ["self_harm"]


async def test_the_back_button_and_a_second_device_overwrite_no_answer_unasked(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    peksos = worker(rig)
    at = f"{sheet(case_id, 'phq9')}/phq9_1"
    old = await peksos.form(at, "/phq9_1")
    await answer(rig, case_id, {"phq9_1": 3})
    both = await peksos.post(old.action, {**old.fields, "answer": "1"})
    assert both.status_code == 409
    assert "Tersimpan sekarang" in both.text
    assert "hampir setiap hari" in both.text
    assert (await peksos.post(old.action, {**old.fields, "answer": "3"})).status_code == 303, "the same is no conflict"
    assert await save(peksos, at, 1), "shown again, she may change it"
    stored = (await see(rig, case_id, f"/answers/{MOTHER}")).json()["items"][0]["answer"]
    assert stored == 1


async def test_an_answer_that_is_missing_is_asked_for_and_nothing_is_saved(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    peksos = worker(rig)
    at = f"{sheet(case_id, 'phq9')}/phq9_1"
    empty = await peksos.send(at, "/phq9_1")
    assert empty.status_code == 422
    assert 'href="#answer"' in empty.text
    assert (await see(rig, case_id, "/answers")).json() == []


async def test_what_may_not_be_used_yet_is_shown_so_and_not_opened(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    rig.services["assessment"].settings.training = False
    listed = (await worker(rig).see(f"cases/{case_id}/persons/{MOTHER}/instruments")).text
    assert "belum boleh dipakai" in listed
    assert "instruments/phq9" not in listed
    assert "instruments/triage_screen" in listed
    refused = await worker(rig).see(f"{sheet(case_id, 'phq9')}/phq9_1")
    assert refused.status_code == 422
    assert "hanya untuk latihan" in refused.text


async def test_the_judgement_shows_the_floor_of_rules_before_and_after(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    peksos = worker(rig)
    at = sheet(case_id, "triage_screen")
    await save(peksos, f"{at}/triage_weapon", 1)
    page = (await peksos.see(f"cases/{case_id}/conclude")).text
    assert "sekurang-kurangnya tinggi, karena: senjata atau benda berbahaya" in page
    assert 'value="weapon" checked' in page
    wrong = await peksos.send(f"cases/{case_id}/conclude", "/conclude", kind="initial", risk="low")
    assert wrong.status_code == 422
    assert 'href="#risk_view.band"' in wrong.text
    entered = {"kind": "comprehensive", "risk": "low", "risk_view.band": "mild", "dangers": ["weapon"], "no_instrument_reason": "not_able_now"}
    done = await peksos.send(f"cases/{case_id}/conclude", "/conclude", **entered)
    assert done.status_code == 303, done.text
    result = (await peksos.see(f"cases/{case_id}/assessments")).text
    assert "Penilaian petugas" in result
    assert "tinggi, dinaikkan aturan karena: senjata atau benda berbahaya" in result
    (told,) = await data(rig, case_id, "completed")
    assert (told["risk"], told["rules"]) == ("high", ["danger_weapon"])


async def test_a_supervisor_reads_answers_and_is_offered_no_form(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    await answer(rig, case_id, {"phq9_1": 2})
    head = supervisor(rig)
    page = (await head.see(f"{sheet(case_id, 'phq9')}/phq9_1")).text
    assert 'name="answer"' not in page
    assert 'name="answer"' in (await worker(rig).see(f"{sheet(case_id, 'phq9')}/phq9_1")).text
    assert (
        await act(
            rig, case_id, "answers", {"person_id": str(MOTHER), "instrument": "phq9", "answers": {"phq9_1": 1}, "seen": {"phq9_1": 0}}, method="PUT"
        )
    ).status_code == 409
