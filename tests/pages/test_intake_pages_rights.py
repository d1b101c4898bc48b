"""A person's rights on a phone: how she is reached, who learns nothing of her, her requests and their clocks, erasure, holds, emergency access."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.intake.sharing import CHILD, MOTHER, OFFICER, POLICE, SUPERVISOR, open_case
from tests.pages.visitor import Forms, Visitor
from tests.rig import Rig

WAY = {"channels.0.channel": "whatsapp", "channels.0.address": "0813-1111-2222"}
EVENINGS = {"channels.0.hours.0.days": ["1", "5"], "channels.0.hours.0.begins": "19:00", "channels.0.hours.0.ends": "21:30"}
RULES = {**WAY, **EVENINGS, "zone": "wib", "language": "id", "code_word": "melati putih", "reminders": "followup"}


@pytest.fixture
async def intake(rig: Rig) -> Rig:
    await rig.start("intake")
    return rig


def officer(rig: Rig, **who: Any) -> Visitor:
    return Visitor(rig, "intake", **{"role": "intake_officer", "agency": "dppapp", "subject": uuid4(), **who})


def supervisor(rig: Rig) -> Visitor:
    return officer(rig, role="supervisor")


async def a_person(rig: Rig) -> tuple[str, str, str]:
    """A case of a mother and her child; the mother, and where her page is."""
    case, (mother, _) = await open_case(rig, MOTHER, CHILD)
    return str(case), mother, f"cases/{case}/persons/{mother}"


async def rules_of(rig: Rig, person: str) -> Any:
    return (await rig.get("intake", f"/persons/{person}/safe-contact", **OFFICER)).json()


# -- how she is reached -------------------------------------------------------------------------------------------------------------------


async def test_her_rules_are_kept_shown_and_stopped(intake: Rig) -> None:
    _, mother, at = await a_person(intake)
    who = officer(intake)
    assert "Belum ditanyakan" in (await who.see(at)).text
    done = await who.send(f"{at}/safe-contact", "/safe-contact", **RULES)
    assert done.headers["location"].endswith(f"{at}?said=contact_kept"), done.text
    kept = (await rules_of(intake, mother))["rules"]
    assert kept["channels"] == [{"channel": "whatsapp", "address": "+6281311112222", "hours": [{"days": [1, 5], "begins": "19:00", "ends": "21:30"}]}]
    page = (await who.see(at)).text
    for told in ("WhatsApp", "+6281311112222", "Sen Jum, 19:00-21:30 WIB", "melati putih", "pemantauan", "tidak pernah"):
        assert told in page, told
    stopped = await who.send(f"{at}/safe-contact/stop", "/stop")
    assert stopped.headers["location"].endswith("said=contact_stopped")
    page = (await who.see(at)).text
    assert "tidak ada pesan apa pun" in page
    assert "+6281311112222" not in page


async def test_what_is_wrong_in_her_rules_is_named_at_its_way(intake: Rig) -> None:
    _, mother, at = await a_person(intake)
    who, path = officer(intake), f"{at}/safe-contact"
    assert 'href="#channels"' in (await who.send(path, "/safe-contact", zone="wib", language="id")).text
    # The second way stands in the form's third place: it is shown, and named, as the second.
    second = {"channels.2.channel": "email", "channels.2.address": "bukan alamat"}
    wrong = await who.send(path, "/safe-contact", **RULES, **second)
    assert wrong.status_code == 422
    assert 'href="#channels.1.hours"' in wrong.text or 'href="#channels.1.address"' in wrong.text
    assert 'value="bukan alamat"' in wrong.text
    hours = {"channels.2.hours.0.days": "7", "channels.2.hours.0.begins": "08:00", "channels.2.hours.0.ends": "09:00"}
    wrong = await who.send(path, "/safe-contact", **RULES, **second, **hours)
    assert 'href="#channels.1.address"' in wrong.text
    assert 'id="channels.1.address"' in wrong.text
    assert (await intake.get("intake", f"/persons/{mother}/safe-contact", **OFFICER)).status_code == 404


async def test_room_is_added_without_keeping_anything(intake: Rig) -> None:
    _, mother, at = await a_person(intake)
    more = await officer(intake).send(f"{at}/safe-contact", "/safe-contact", **RULES, more="yes")
    assert 'id="channels.1.channel"' in more.text
    assert 'value="0813-1111-2222"' in more.text
    longer = await officer(intake).send(f"{at}/safe-contact", "/safe-contact", **RULES, hours="0")
    assert 'id="channels.0.hours.1.begins"' in longer.text
    assert (await intake.get("intake", f"/persons/{mother}/safe-contact", **OFFICER)).status_code == 404


async def test_two_officers_who_ask_her_at_once_both_see_both_answers(intake: Rig) -> None:
    _, mother, at = await a_person(intake)
    one, two, path = officer(intake), officer(intake), f"{at}/safe-contact"
    first, second = await one.form(path, "/safe-contact"), await two.form(path, "/safe-contact")
    assert (await one.post(first.action, {**first.fields, **RULES})).status_code == 303
    asked = await two.post(second.action, {**second.fields, **RULES, "code_word": "kopi pagi"})
    assert asked.status_code == 409
    assert "Seseorang mengubahnya lebih dahulu" in asked.text
    assert "melati putih" in asked.text
    assert 'value="kopi pagi"' in asked.text
    again = next(form for form in Forms(asked.text).found if form.action.endswith("/safe-contact"))
    assert (await two.post(again.action, {**again.fields, **RULES, "code_word": "kopi pagi"})).status_code == 303
    kept = await rules_of(intake, mother)
    assert (kept["rules"]["code_word"], kept["revision"]) == ("kopi pagi", 2)


# -- who learns nothing of her ------------------------------------------------------------------------------------------------------------


async def test_somebody_is_kept_from_knowing_and_a_supervisor_lifts_it(intake: Rig) -> None:
    _, mother, at = await a_person(intake)
    who, path = officer(intake), f"{at}/restrictions"
    nobody = await who.send(f"{path}/new", "/restrictions/new", ground="perpetrator")
    assert nobody.status_code == 422
    for field in ("recipient", "relation", "requester_id"):
        assert f'href="#{field}"' in nobody.text
    done = await who.send(f"{path}/new", "/restrictions/new", relation="spouse", ground="perpetrator")
    assert done.headers["location"].endswith("said=restricted"), done.text
    assert "Suami atau istri" in (await who.see(path)).text
    assert "Berlaku sekarang: 1" in (await who.see(at)).text
    assert "/lift" not in (await who.see(path)).text
    (row,) = await intake.sql("intake", "SELECT restriction_id FROM restriction")
    boss = supervisor(intake)
    lifted = await boss.send(path, f"/{row.restriction_id}/lift")
    assert lifted.headers["location"].endswith("said=restriction_lifted")
    assert "dicabut" in (await boss.see(path)).text
    assert mother in path


async def test_a_refused_access_is_recorded_with_who_asked(intake: Rig) -> None:
    _, _, at = await a_person(intake)
    who = officer(intake)
    nobody = await who.send(f"{at}/access-refusals/new", "/access-refusals/new", ground="endangers_person")
    assert 'href="#relation"' in nobody.text
    done = await who.send(f"{at}/access-refusals/new", "/access-refusals/new", relation="parent", ground="endangers_person")
    assert done.headers["location"].endswith("said=access_refused")
    page = (await who.see(f"{at}/restrictions")).text
    assert "Orang tua" in page[page.index("Akses yang ditolak") :]


# -- requests -----------------------------------------------------------------------------------------------------------------------------


async def test_a_request_is_taken_waits_with_its_clock_and_is_answered(intake: Rig) -> None:
    _, mother, at = await a_person(intake)
    who, boss = officer(intake), supervisor(intake)
    assert 'href="#right"' in (await who.send(f"{at}/requests/new", "/requests/new")).text
    done = await who.send(f"{at}/requests/new", "/requests/new", right="access")
    assert done.headers["location"].endswith("said=right_taken"), done.text
    (asked,) = (await intake.get("intake", f"/requests?person_id={mother}", **OFFICER)).json()
    path = f"requests/{asked['request_id']}"
    assert path in (await who.see("requests")).text
    assert "Permintaan hak atas data: 1" in (await who.see("queue")).text
    seen = (await who.see(path)).text
    assert "dalam 3 hari" in seen or "dalam 72 jam" in seen
    assert "/answer" not in seen
    assert "Supervisor yang menjawab" in seen
    ordered = await boss.send(path, "/export")
    assert ordered.headers["location"].endswith("said=export_ordered"), ordered.text
    assert "Masih ditunggu" in (await boss.see(path)).text
    refused = await boss.send(path, "/answer", answer="refused")
    assert refused.status_code == 422
    assert 'href="#refusal"' in refused.text
    early = await boss.send(path, "/answer", answer="granted")
    assert early.status_code == 409
    done = await boss.send(path, "/answer", answer="refused", refusal="not_identified")
    assert done.headers["location"].endswith("said=right_answered"), done.text
    assert "Jati diri peminta belum pasti" in (await boss.see(path)).text
    assert path not in (await who.see("requests")).text


async def test_what_is_kept_of_her_is_read_with_her_and_says_nothing_of_others(intake: Rig) -> None:
    _, _, at = await a_person(intake)
    assert (await officer(intake).see(f"{at}/export")).status_code == 403
    page = await supervisor(intake).see(f"{at}/export")
    assert page.status_code == 200
    assert MOTHER["phone"] in page.text
    assert CHILD["phone"] not in page.text
    assert "Dipukul di rumah kontrakan" not in page.text
    assert "Dipukul di rumah kontrakan" in (await supervisor(intake).see(f"{at}/export?texts=yes")).text


# -- erasure and holds --------------------------------------------------------------------------------------------------------------------


async def test_what_stands_against_an_erasure_is_shown_before_it_and_then_it_is_done(intake: Rig) -> None:
    case, mother, at = await a_person(intake)
    boss = supervisor(intake)
    late = await boss.send(f"cases/{case}/holds/new", "/holds/new", ground="investigation", review_on="2020-01-01")
    assert 'href="#review_on"' in late.text
    held = await boss.send(f"cases/{case}/holds/new", "/holds/new", ground="investigation", review_on="2030-01-01", person_id=mother)
    assert held.headers["location"].endswith("holds?said=hold_set"), held.text
    against = await boss.see(f"{at}/erasure")
    assert "Penyidikan" in against.text
    assert "Hapus untuk selamanya" not in against.text
    (row,) = await intake.sql("intake", "SELECT hold_id FROM legal_hold")
    assert f"holds/{row.hold_id}/lift" in (await boss.see("holds")).text
    lifted = await boss.send(f"holds/{row.hold_id}/lift", "/lift")
    assert lifted.headers["location"].endswith("said=hold_lifted")
    form = await boss.form(f"{at}/erasure", "/erasure")
    undecided = await boss.post(form.action, {**form.fields, "ground": "person_asked"})
    assert undecided.status_code == 422
    assert 'href="#keep_texts"' in undecided.text
    sent = {**form.fields, "ground": "person_asked", "keep_texts": "yes"}
    receipts = [(await boss.post(form.action, sent)).text for _ in range(2)]
    assert "sha256" in receipts[0]
    assert receipts[0] == receipts[1]
    await intake.settle()
    assert MOTHER["name"] not in (await boss.see(f"cases/{case}")).text
    gone = await boss.see(f"{at}/erasure")
    assert "Datanya dihapus atas perintah" in gone.text
    assert "Hapus untuk selamanya" not in gone.text


# -- emergency access ---------------------------------------------------------------------------------------------------------------------


async def test_a_case_is_read_in_an_emergency_and_its_supervisor_sees_who_did(intake: Rig) -> None:
    case, _, _ = await a_person(intake)
    stranger = officer(intake, agency="polda-metro")
    assert (await stranger.see(f"cases/{case}")).status_code == 404
    unread = await stranger.send("break-glass/new", "/break-glass/new", case_id="nomor", reason="danger_to_life")
    assert 'href="#case_id"' in unread.text
    silent = await stranger.send("break-glass/new", "/break-glass/new", case_id=case)
    assert 'href="#reason"' in silent.text
    opened = await stranger.send("break-glass/new", "/break-glass/new", case_id=case, reason="danger_to_life")
    path = opened.headers["location"].split("/pages/")[1]
    page = await stranger.see(path)
    assert MOTHER["name"] in page.text
    assert "Jiwa terancam" in page.text
    boss = supervisor(intake)
    seen = (await boss.see("break-glass")).text
    assert "oleh petugas polda-metro" in seen
    assert (await boss.see(path)).status_code == 404  # her own eyes go through her own case
    ended = await boss.send("break-glass", path.removeprefix("break-glass").replace("/case?said=glass_broken", "/end"))
    assert ended.headers["location"].endswith("said=glass_ended")
    assert (await stranger.see(path)).status_code == 404


# -- who is offered what ------------------------------------------------------------------------------------------------------------------


async def test_what_a_role_may_not_do_is_not_offered_and_not_shown(intake: Rig) -> None:
    case, mother, at = await a_person(intake)
    desk, peksos = officer(intake), officer(intake, role="peksos")
    assert f"/pages/{at}" in (await desk.see(f"cases/{case}")).text
    assert f"/pages/{at}" not in (await peksos.see(f"cases/{case}")).text
    page = (await desk.see(at)).text
    for word in ("/erasure", "/holds/new", "/export"):
        assert word not in page, word
        assert word in (await supervisor(intake).see(at)).text, word
    ways = ("", "/safe-contact", "/safe-contact/stop", "/restrictions", "/restrictions/new", "/access-refusals/new", "/requests/new")
    for way in ways:
        assert (await desk.see(f"{at}{way}")).status_code == 200, way
        assert (await peksos.see(f"{at}{way}")).status_code == 403, way
        assert (await officer(intake, agency="polda-metro").see(f"{at}{way}")).status_code == 404, way
    for path in (f"{at}/erasure", f"cases/{case}/holds/new", "holds"):
        assert (await desk.see(path)).status_code == 403, path
    assert (await desk.see(f"cases/{case}/persons/{UUID(int=5)}")).status_code == 404
    assert mother in page


async def test_an_agency_that_is_to_learn_nothing_of_her_sees_no_number_of_hers(intake: Rig) -> None:
    _, mother, at = await a_person(intake)
    await intake.put("intake", f"/persons/{mother}/safe-contact", if_match="0", json=_rules(), **OFFICER)
    told = {"recipient": POLICE["agency"], "ground": "perpetrator"}
    kept = await intake.post("intake", f"/persons/{mother}/restrictions", json=told, **SUPERVISOR)
    assert kept.status_code == 201, kept.text
    police = await officer(intake, agency=POLICE["agency"]).see(at)
    assert police.status_code == 200
    assert "+6281311112222" not in police.text
    assert MOTHER["name"] not in police.text
    assert "/restrictions" not in police.text


def _rules() -> dict[str, Any]:
    hours = [{"days": [1], "begins": "19:00", "ends": "21:30"}]
    return {"channels": [{"channel": "whatsapp", "address": "0813-1111-2222", "hours": hours}]}
