"""What follows an approved plan, on pages: steps to each outcome, services and their answers, programmes, follow-ups."""

from uuid import UUID, uuid4

from tests.assessment.builders import CHILD, MOTHER, NOW, YESTERDAY
from tests.assessment.calls import a_planned_case, a_started_case, act, data, decide, plan_of, prepared, see, state
from tests.pages.test_assessment_pages import LOW, supervisor, worker
from tests.rig import Rig

HOME_VISIT = {"step.on": YESTERDAY, "step.finding": "suitable"}


async def test_a_person_goes_home_step_by_step_and_a_supervisor_approves_a_high_risk(rig: Rig) -> None:
    case_id = await a_planned_case(rig, {MOTHER: "reunification", CHILD: "reunification"}, risk="high")
    peksos, head, at = worker(rig), supervisor(rig), f"cases/{case_id}/outcomes"
    page = (await peksos.see(at)).text
    assert "kunjungan rumah: harus diisi" in page
    assert "/done" not in page, "not offered before it is prepared"
    steps = f"{at}/{MOTHER}/steps"
    empty = await peksos.send(f"{steps}/home_visit", "/home_visit")
    assert empty.status_code == 422
    assert 'href="#step.on"' in empty.text
    both = {"persons": [str(MOTHER), str(CHILD)]}
    assert (await peksos.send(f"{steps}/home_visit", "/home_visit", **HOME_VISIT, **both)).status_code == 303
    assert (await peksos.send(f"{steps}/risk_recheck", "/risk_recheck", **{"step.on": YESTERDAY, "step.risk": "low"})).status_code == 303
    receiver = {"step.receiver": "grandparent", "step.receiving_area": "31.74.04"}
    assert (await peksos.send(f"{steps}/receiver", "/receiver", **receiver)).status_code == 303
    assert (await peksos.send(f"{steps}/consent", "/consent", **{"step.agreed": "yes"})).status_code == 303
    ways = {way["person_id"]: way for way in (await see(rig, case_id, "/outcomes")).json()}
    assert [step["step"] for step in ways[str(CHILD)]["steps"]] == ["home_visit"], "recorded for both at once"
    page = (await peksos.see(at)).text
    assert "persetujuan supervisor: diperlukan karena risiko tinggi" in page
    assert f"{MOTHER}/done" not in page
    assert (await head.send(f"{at}/{MOTHER}/approve", "/approve")).status_code == 303
    done = await peksos.send(at, f"{MOTHER}/done")
    assert done.headers["location"].endswith("said=outcome_hand_over")
    assert [entry["person_id"] for entry in await data(rig, case_id, "reunified")] == [str(MOTHER)]


async def test_a_consent_of_a_child_asks_for_its_view(rig: Rig) -> None:
    case_id = await a_planned_case(rig, {CHILD: "services_at_home"})
    at = f"cases/{case_id}/outcomes/{CHILD}/steps/consent"
    wrong = await worker(rig).send(at, "/consent", **{"step.agreed": "yes"})
    assert wrong.status_code == 422
    assert 'href="#step.own_view"' in wrong.text
    given = {"step.agreed": "yes", "step.own_view": "agrees", "step.consenter": "guardian"}
    assert (await worker(rig).send(at, "/consent", **given)).status_code == 303


async def test_what_is_given_up_needs_a_new_plan(rig: Rig) -> None:
    case_id = await a_planned_case(rig, {MOTHER: "rehabilitation"})
    done = await worker(rig).send(f"cases/{case_id}/outcomes/{MOTHER}/abandon", "/abandon", reason="unsafe")
    assert done.status_code == 303
    assert [entry["reason"] for entry in await data(rig, case_id, "outcome_abandoned")] == ["unsafe"]


async def test_follow_ups_are_recorded_tried_and_decided_on_when_contact_is_lost(rig: Rig) -> None:
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home"})
    await prepared(rig, case_id)
    peksos, head = worker(rig), supervisor(rig)
    assert (await peksos.send(f"cases/{case_id}/outcomes", f"{MOTHER}/done")).status_code == 303
    assert await state(rig, case_id) == "monitoring"
    at = f"cases/{case_id}/followups"
    assert "Catat pemantauan 1" in (await peksos.see(at)).text
    empty = await peksos.send(f"{at}/1", "/1")
    assert 'href="#result"' in empty.text
    assert (await peksos.send(f"{at}/1", "/1", result="safe")).status_code == 303
    assert "dilakukan: aman" in (await peksos.see(at)).text
    for _ in range(3):
        await peksos.send(f"{at}/2", "/2", result="not_reached")
    page = (await head.see(at)).text
    assert "kontak terputus" in page
    assert "Kontak terputus: putuskan" in (await head.see("queue")).text
    assert (await head.send(f"cases/{case_id}/lost-contact", "/lost-contact", decision="try_again")).status_code == 303
    assert [entry["decision"] for entry in await data(rig, case_id, "followup_resumed")] == ["try_again"]


async def test_a_service_is_answered_asked_of_another_and_ended(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    await act(rig, case_id, "complete", LOW)
    body = plan_of({MOTHER: "services_at_home"})
    # What her worker's own agency gives is under way at once; the others wait for intake.
    body["outcomes"][0]["services"] = [{"code": "psikologis", "provider": "dinsos"}, {"code": "visum", "provider": "dppapp"}]
    await act(rig, case_id, "plan", body)
    await decide(rig, case_id)
    peksos, at = worker(rig), f"cases/{case_id}/services"
    found = {entry["code"]: entry["service_id"] for entry in (await see(rig, case_id, "/services")).json()}
    page = (await peksos.see(at)).text
    assert "1. Dewasa, 31 tahun: visum" in page
    assert f"{found['visum']}/answer" not in page, "nobody answers before being asked"
    wrong = await peksos.send(f"{at}/{found['psikologis']}/answer", "/answer", answer="declined")
    assert 'href="#reason"' in wrong.text
    assert (await peksos.send(f"{at}/{found['psikologis']}/answer", "/answer", answer="delivered")).status_code == 303
    same = await peksos.send(f"{at}/{found['visum']}/ask", "/ask", provider="dppapp")
    assert "lembaga ini sudah ditanya" in same.text
    assert (await peksos.send(f"{at}/{found['visum']}/ask", "/ask", provider="rs-contoh")).status_code == 303
    newer = next(entry["service_id"] for entry in (await see(rig, case_id, "/services")).json() if entry["provider"] == "rs-contoh")
    assert (await peksos.send(f"{at}/{newer}/end", f"{newer}/end", reason="received_elsewhere")).status_code == 303
    ended = {entry["service_id"]: (entry["status"], entry["reason"]) for entry in (await see(rig, case_id, "/services")).json()}
    assert ended[newer] == ("ended", "received_elsewhere")
    shown = (await peksos.see(at)).text
    assert "sudah diberikan" in shown
    assert "tidak diminta lagi: sudah diterima di tempat lain" in shown


async def test_a_person_takes_part_in_a_programme_and_completes_it(rig: Rig) -> None:
    case_id = await a_planned_case(rig, {MOTHER: "rehabilitation"})
    programme = uuid4()
    body = {
        "kind": "skills_training", "provider": "dinsos", "area": "31.75.01", "name": "Kelas menjahit", "places": 1, "begins_on": YESTERDAY,
        "ends_on": "2199-01-01", "sessions": [NOW.isoformat()],
    }  # fmt: skip
    assert (await rig.put("assessment", f"/programmes/{programme}", json=body, role="operator")).status_code == 200
    peksos, at = worker(rig), f"cases/{case_id}/enrolments"
    assert "1 dari 1 tempat kosong" in (await peksos.see("programmes")).text
    empty = await peksos.send(f"{at}/new", "/new")
    assert 'href="#programme_id"' in empty.text
    done = await peksos.send(f"{at}/new", "/new", person_id=str(MOTHER), programme_id=str(programme))
    assert done.status_code == 303, done.text
    assert "penuh" in (await peksos.see("programmes")).text
    (mine,) = (await see(rig, case_id, "/enrolments")).json()
    one = f"{at}/{mine['enrolment_id']}"
    early = await peksos.send(f"{one}/finish", "/finish", certificate="yes", independence="independent")
    assert "Kehadirannya belum cukup" in early.text
    assert (await peksos.send(f"{one}/attend", "/attend", session="1", present="yes")).status_code == 303
    assert (await peksos.send(f"{one}/finish", "/finish", certificate="yes", independence="independent")).status_code == 303
    assert "hadir 1 dari 1 pertemuan" in (await peksos.see(at)).text


async def test_another_workers_pages_are_not_there(rig: Rig) -> None:
    case_id = await a_planned_case(rig, {MOTHER: "rehabilitation"})
    other = worker(rig, UUID(int=0xB7))
    for path in ("outcomes", "services", "enrolments", "followups", "plan", "plan/propose", "conclude", f"persons/{MOTHER}/instruments"):
        assert (await other.see(f"cases/{case_id}/{path}")).status_code == 404, path
