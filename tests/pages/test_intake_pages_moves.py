"""Outreach, who leads, how a case ends and goes on, the register and what waits: each done from its page, and offered to whom it is for."""

from uuid import UUID, uuid4

import pytest
from contracts import placement

from tests.intake.builders import a_person, an_admission
from tests.pages.test_intake_pages_case import CANARIES, officer, reported
from tests.rig import Rig


@pytest.fixture
async def intake(rig: Rig) -> Rig:
    await rig.start("intake")
    return rig


async def test_a_team_is_sent_arrives_and_says_at_the_door_what_it_found(intake: Rig) -> None:
    case, desk = await reported(intake), officer(intake)
    team = officer(intake, role="outreach", agency="dinsos")
    assert (await team.see(f"cases/{case}")).status_code == 404
    assert "harus diisi" in (await desk.send(f"cases/{case}/outreach/send", "/send")).text.replace("Pilih tim", "harus diisi")
    assert (await desk.send(f"cases/{case}/outreach/send", "/send", team="dinsos")).headers["location"].endswith("said=sent_out")
    assert case in (await team.see("queue")).text
    page = await team.see(f"cases/{case}")
    assert "Tim sudah tiba" in page.text
    assert "Catat hasil penjangkauan" not in page.text
    assert (await team.send(f"cases/{case}", "/arrived")).status_code == 303
    page = await team.see(f"cases/{case}")
    assert "Tim sudah tiba" not in page.text
    assert "Catat hasil penjangkauan" in page.text
    assert "result=brought" in (await team.see(f"cases/{case}/outreach/result")).text
    form = await team.form(f"cases/{case}/outreach/result?result=brought", "/result")
    nobody = await team.post(form.action, form.fields)
    assert nobody.status_code == 422
    assert "paling sedikit satu orang yang ikut" in nobody.text
    assert [canary for canary in CANARIES if canary in nobody.text] == ["Kanarya Melati"], "who said what is asked by name"
    for _ in range(2):
        done = await team.post(form.action, {**form.fields, "persons.0.agreement": "agreed"})
        assert done.headers["location"].endswith("said=came_back")
    page = await desk.see(f"cases/{case}/outreach")
    assert "Ikut dibawa" in page.text
    assert "Korban: Setuju" in page.text
    assert "Kirim tim penjangkauan" in page.text


async def test_a_child_below_the_age_of_consent_is_named_where_its_own_word_is_not_enough(intake: Rig) -> None:
    child = {"role": "child", "sex": "male", "age": 9, "name": "Anak Kanarya"}
    case, desk = await reported(intake, persons=[a_person(), child]), officer(intake)
    await desk.send(f"cases/{case}/outreach/send", "/send", team="dinsos")
    answer = await desk.send(f"cases/{case}/outreach/result?result=brought", "/result", **{"persons.1.agreement": "agreed"})
    assert 'href="#persons.1.agreement"' in answer.text
    assert "Anak Kanarya, anak yang ikut, laki-laki, 9: anak ini belum cukup umur" in answer.text
    assert (await desk.send(f"cases/{case}/outreach/result?result=not_found", "/result")).status_code == 303


async def test_another_agency_is_asked_to_lead_declines_and_takes_it_when_asked_again(intake: Rig) -> None:
    case = await reported(intake)
    await officer(intake).send(f"cases/{case}/triage", "/triage", risk="medium", shelter_needed="no")
    ours, theirs = officer(intake, role="supervisor", subject=uuid4()), officer(intake, role="supervisor", agency="dinsos")
    assert "Pilih instansi" in (await ours.send(f"cases/{case}/handover", "/handover", reason="moved")).text
    ask = {"agency": "dinsos", "reason": "moved"}
    assert (await ours.send(f"cases/{case}/handover", "/handover", **ask)).headers["location"].endswith("said=asked_over")
    assert (await ours.send(f"cases/{case}/handover/withdraw", "/withdraw", reason="better_placed")).status_code == 303
    await ours.send(f"cases/{case}/handover", "/handover", **ask)
    assert f"handovers/{case}" in (await theirs.see("queue")).text
    notice = await theirs.see(f"cases/{case}")  # what a notice links to
    assert notice.headers["location"].endswith(f"handovers/{case}")
    page = await theirs.see(f"handovers/{case}")
    assert "Pindah wilayah" in page.text
    assert not any(canary in page.text for canary in CANARIES)
    assert (await theirs.send(f"handovers/{case}/decline", "/decline", reason="overloaded")).headers["location"].endswith("said=declined")
    assert (await theirs.see(f"handovers/{case}")).status_code == 404
    await ours.send(f"cases/{case}/handover", "/handover", **ask)
    assert (await theirs.send(f"handovers/{case}", "/accept")).headers["location"].endswith("said=taken_over")
    assert CANARIES[0] in (await theirs.see(f"cases/{case}")).text
    assert (await officer(intake).see(f"cases/{case}/handover")).status_code == 403


async def test_a_case_is_withdrawn_lost_reopened_and_referred_out_by_whom_it_is_for(intake: Rig) -> None:
    case, desk, boss = await reported(intake), officer(intake), officer(intake, role="supervisor", subject=uuid4())
    assert "Hilang kontak" not in (await desk.see(f"cases/{case}")).text
    assert (await desk.see(f"cases/{case}/lost")).status_code == 403
    assert (await boss.send(f"cases/{case}/lost", "/lost")).headers["location"].endswith("said=lost")
    assert "Buka lagi kasus ini" in (await boss.see(f"cases/{case}")).text
    assert "Pilih satu alasan" in (await boss.send(f"cases/{case}/reopen", "/reopen")).text
    assert (await boss.send(f"cases/{case}/reopen", "/reopen", reason="found_again")).status_code == 303
    without = await desk.send(f"cases/{case}/refer-out", "/refer-out", reason="moved_away", purpose="case_work")
    assert without.status_code == 422
    assert f"{CANARIES[0]}, korban, perempuan, 36: belum ada persetujuan" in without.text
    overridden = {"reason": "moved_away", "purpose": "case_work", "basis": "vital_interest"}
    assert "Pilih alasan tanpa persetujuan" in (await boss.send(f"cases/{case}/refer-out", "/refer-out", **overridden)).text
    done = await boss.send(f"cases/{case}/refer-out", "/refer-out", **overridden, override="danger_to_life")
    assert done.headers["location"].endswith("said=referred_out")
    other = await reported(intake)
    assert (await desk.send(f"cases/{other}/withdraw", "/withdraw", reason="duplicate")).headers["location"].endswith("said=withdrawn")
    assert (await desk.send(f"cases/{other}/withdraw", "/withdraw", reason="duplicate")).status_code == 409


async def test_it_is_settled_where_somebody_sleeps_who_joined_a_household_in_a_shelter(intake: Rig) -> None:
    case, desk = await reported(intake), officer(intake)
    await desk.send(f"cases/{case}/triage", "/triage", risk="medium", shelter_needed="yes")
    (mother,) = await intake.sql("intake", "SELECT person_id FROM person")
    await intake.say(an_admission([mother.person_id]), subject=UUID(case), factversion=1)
    await intake.settle()
    form = await desk.form(f"cases/{case}/household", "/household")
    joins = {"persons.1.role": "child", "persons.1.sex": "female", "persons.1.age": "1"}
    kept = {"persons.0.role": "victim", "persons.0.sex": "female", "persons.0.age": "36"}
    assert (await desk.post(form.action, {**form.fields, **kept, **joins})).status_code == 303
    page = await desk.see(f"cases/{case}")
    assert "Tempat untuk Anak yang ikut, perempuan, 1" in page.text
    (baby,) = await intake.sql("intake", "SELECT person_id FROM person WHERE role = 'child'")
    path = f"cases/{case}/household/{baby.person_id}/place"
    assert "Pilih tempatnya" in (await desk.send(path, "/place")).text
    assert (await desk.send(path, "/place", place="with_household")).headers["location"].endswith("said=placed")
    assert "Tempat untuk" not in (await desk.see(f"cases/{case}")).text


async def test_an_operator_keeps_the_register_and_two_who_write_one_entry_both_see_it(intake: Rig) -> None:
    await reported(intake)
    operator = officer(intake, role="operator")
    entry = {"code": "lsm-kenari", "name": "LSM Kenari", "kind": "civil_society", "areas": "31.74, 31.75", "active": "yes"}
    assert "Pilih jenis instansi" in (await operator.send("agencies/new", "/new", **{**entry, "kind": ""})).text
    assert (await operator.send("agencies/new", "/new", **entry)).headers["location"].endswith("lsm-kenari?said=agency")
    twice = await operator.send("agencies/new", "/new", **entry)
    assert (twice.status_code, "sudah terdaftar" in twice.text) == (409, True)
    path = "agencies/lsm-kenari/edit"
    mine = await operator.form(path, "/edit")
    told = {name: value for name, value in entry.items() if name != "code"}
    assert (await operator.send(path, "/edit", **{**told, "name": "LSM Kenari Jaya"})).status_code == 303
    met = await operator.post(mine.action, {**mine.fields, **told, "active": "no"})
    assert met.status_code == 409
    assert "LSM Kenari Jaya" in met.text
    page = await operator.see("agencies/lsm-kenari")
    assert "Versi 1" in page.text
    assert "LSM Kenari Jaya" in (await operator.see("agencies")).text
    desk = await officer(intake).see("agencies/lsm-kenari")
    assert "Versi 1" not in desk.text
    assert (await officer(intake).see(path)).status_code == 403
    # Now that somebody keeps it, forms offer those who take part, and no other code.
    case = await reported(intake)
    assert '<option value="lsm-kenari">LSM Kenari Jaya' in (await officer(intake).see(f"cases/{case}/outreach/send")).text


async def test_an_operator_sees_what_cannot_be_opened_and_lets_it_be_tried_again(intake: Rig) -> None:
    held = uuid4()
    await intake.sql(
        "intake",
        "INSERT INTO held_message (id, agency, route, reference, field, code, kid, mark, content, release, attempts, stored_at, held_at) VALUES"
        " (:id, 'polda-ppa', 'referral.polda-ppa.sealed.v1', 'LP/9', 'sealed', 'unknown_key', 'k1', '\\x01', '\\x02', 'r', 1, now(), now())",
        id=held,
    )
    operator = officer(intake, role="operator")
    assert "polda-ppa: kuncinya tidak dikenal" in (await operator.see("quarantine")).text
    page = await operator.see(f"quarantine/{held}")
    assert "LP/9" in page.text
    assert (await operator.send(f"quarantine/{held}", "/redrive")).headers["location"].endswith("said=redriven")
    assert (await operator.send("quarantine", "/redrive")).headers["location"].endswith("said=redriven")
    assert (await officer(intake).see("quarantine")).status_code == 403


async def test_an_agency_follows_its_case_by_its_id_and_nobody_elses(intake: Rig) -> None:
    await reported(intake)
    (follow,) = await intake.sql("intake", "SELECT follow_id FROM follow")
    desk = officer(intake, language="en")
    assert "cannot be read" in (await desk.send("follow", "/follow", follow_id="LP/9")).text
    found = await desk.send("follow", "/follow", follow_id=str(follow.follow_id))
    assert found.headers["location"].endswith(f"follow/{follow.follow_id}")
    page = await desk.see(f"follow/{follow.follow_id}")
    assert "Reported" in page.text
    assert not any(canary in page.text for canary in CANARIES)
    assert (await officer(intake, agency="dinsos").see(f"follow/{follow.follow_id}")).status_code == 404
    assert (await officer(intake, role="outreach").see("follow")).status_code == 403


async def test_who_works_with_cases_sees_where_there_is_room(intake: Rig) -> None:
    await intake.say(placement.AvailabilityChanged(kind="panti", availability="full"), subject=uuid4())
    await intake.settle()
    page = await officer(intake, role="outreach").see("availability")
    assert "panti" in page.text
    assert "penuh" in page.text
