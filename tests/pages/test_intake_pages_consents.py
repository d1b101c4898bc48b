"""Consent and disclosures on a phone: recorded by whom it counts from, what a withdrawal stops said first, shared only on a yes or a supervisor's word."""

from typing import Any
from uuid import UUID

import pytest
from contracts.consents import Purpose

from tests.flows.people import ok
from tests.intake.sharing import CHILD, MOTHER, OFFICER, RECIPIENT, agree, open_case, shared
from tests.pages.visitor import Visitor
from tests.rig import Rig

YES = {"purpose": "health", "recipient": "dinsos", "refused": "given", "medium": "written"}


@pytest.fixture
async def intake(rig: Rig) -> Rig:
    await rig.start("intake")
    return rig


def officer(rig: Rig, **who: Any) -> Visitor:
    return Visitor(rig, "intake", **{"role": "intake_officer", "agency": "dppapp", "subject": UUID(int=7), **who})


async def entered(who: Visitor, path: str, **fields: Any) -> Any:
    """A form with what it begins with, and these fields."""
    form = await who.form(path, f"/{path}")
    return await who.post(form.action, {**form.fields, "given_by": "self", "text_version": "v1", "language": "ind", **fields})


async def kept(rig: Rig, case: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await rig.get("intake", f"/cases/{case}/consents", **OFFICER)).json()
    return found


async def test_a_yes_is_recorded_once_however_often_it_is_sent(intake: Rig) -> None:
    case, (mother,) = await open_case(intake)
    who, at = officer(intake), f"cases/{case}/consents/new"
    form = await who.form(at, at)
    fields = {**form.fields, **YES, "persons": mother, "given_by": "self", "text_version": "v1", "language": "ind", "expires_at": "2026-12-24"}
    for _ in range(2):
        done = await who.post(form.action, fields)
        assert done.headers["location"].endswith(f"cases/{case}/consents?said=consent_yes"), done.text
    (consent,) = await kept(intake, case)
    assert (consent["state"], consent["recipient"], consent["holds"]) == ("given", "dinsos", True)
    page = await who.see(f"cases/{case}/consents?said=consent_yes")
    assert "Persetujuan dicatat." in page.text
    assert "Canary Contoh" in page.text


async def test_what_is_left_open_is_named_and_nothing_counts_as_a_yes_by_itself(intake: Rig) -> None:
    case, (mother, _) = await open_case(intake, MOTHER, CHILD)
    who, at = officer(intake), f"cases/{case}/consents/new"
    empty = await entered(who, at)
    assert empty.status_code == 422
    for field in ("persons", "purpose", "medium", "refused"):
        assert f'href="#{field}"' in empty.text, field
        assert f'id="{field}"' in empty.text, field
    unanswered = await entered(who, at, **{**YES, "refused": ""}, persons=mother)
    assert unanswered.status_code == 422
    assert "Pilih jawabannya" in unanswered.text
    assert await kept(intake, case) == []
    no = await entered(who, at, **{**YES, "refused": "refused"}, persons=mother)
    assert no.headers["location"].endswith("said=consent_no")
    assert [entry["state"] for entry in await kept(intake, case)] == ["refused"]


async def test_a_child_does_not_answer_alone_and_is_named_at_her_place(intake: Rig) -> None:
    case, (_, child) = await open_case(intake, MOTHER, CHILD)
    who, at = officer(intake, language="en"), f"cases/{case}/consents/new"
    alone = await entered(who, at, **YES, persons=child)
    assert alone.status_code == 422
    assert "a child under fifteen does not answer alone" in alone.text
    assert f'value="{child}" checked' in alone.text
    guardian = {**YES, "persons": child, "given_by": "guardian"}
    unasked = await entered(who, at, **guardian, relation="parent")
    assert "Ask the child too" in unasked.text
    assert (await entered(who, at, **guardian, relation="parent", assent="yes")).status_code == 303


async def test_somebody_of_another_household_is_refused_at_the_list(intake: Rig) -> None:
    case, _ = await open_case(intake)
    wrong = await entered(officer(intake), f"cases/{case}/consents/new", **YES, persons=str(UUID(int=9)))
    assert wrong.status_code == 422
    assert 'href="#persons"' in wrong.text


async def test_before_she_takes_it_back_she_is_told_what_stops(intake: Rig) -> None:
    case, _, consent, disclosure = await shared(intake)
    who, at = officer(intake), f"cases/{case}/consents/{consent['consent_id']}/withdraw"
    page = await who.see(at)
    assert "Yang berhenti" in page.text
    assert "dinsos" in page.text[page.text.index("Yang berhenti") :]
    fetched = f"/disclosures/{disclosure['disclosure_id']}"
    assert (await intake.get("intake", fetched, **RECIPIENT)).status_code == 200
    done = await who.send(at, "/withdraw")
    assert done.headers["location"].endswith("said=consent_back")
    assert (await intake.get("intake", fetched, **RECIPIENT)).status_code == 410
    over = await who.see(at)
    assert "tidak berlaku lagi" in over.text
    assert "Ya, tarik" not in over.text


async def test_what_another_consent_carries_does_not_stop(intake: Rig) -> None:
    case, persons, _, _ = await shared(intake)
    (other,) = ok(await agree(intake, case, persons, purpose="legal_aid", recipient="dinsos"))
    page = await officer(intake).see(f"cases/{case}/consents/{other['consent_id']}/withdraw")
    assert "Tidak ada yang sedang dibagikan atas persetujuan ini" in page.text
    assert "Yang tetap dibagikan" in page.text


async def test_it_is_shared_on_a_yes_seen_by_its_recipient_and_ended(intake: Rig) -> None:
    case, persons = await open_case(intake)
    who, at = officer(intake), f"cases/{case}/disclosures/new"
    what = {"recipient": "dinsos", "purpose": "health", "fields": ["name", "area"], "persons": persons}
    early = await entered(who, at, **what)
    assert early.status_code == 422
    assert "belum ada persetujuan" in early.text
    assert 'href="#persons.0"' in early.text
    assert 'id="persons.0"' in early.text
    ok(await agree(intake, case, persons))
    assert (await entered(who, at, **what)).headers["location"].endswith("said=disclosed")
    reader = officer(intake, agency="dinsos")
    assert "nama, kecamatan" in (await reader.see("disclosures")).text
    (made,) = (await intake.get("intake", f"/cases/{case}/disclosures", **OFFICER)).json()
    seen = await reader.see(f"disclosures/{made['disclosure_id']}")
    assert "Canary Contoh" in seen.text
    assert "0813-0000-0000" not in seen.text
    ended = await who.send(f"cases/{case}/disclosures/{made['disclosure_id']}/revoke", "/revoke")
    assert ended.headers["location"].endswith("said=revoked")
    assert (await reader.see(f"disclosures/{made['disclosure_id']}")).status_code == 410
    assert "dihentikan" in (await who.see(f"cases/{case}/disclosures")).text


async def test_without_consent_only_a_supervisor_shares_and_says_why(intake: Rig) -> None:
    case, persons = await open_case(intake)
    at = f"cases/{case}/disclosures/new"
    what = {"recipient": "dinsos", "purpose": "health", "fields": "name", "persons": persons, "basis": "vital_interest"}
    assert "Dasar hukum" not in (await officer(intake).see(at)).text
    assert (await entered(officer(intake), at, **what)).status_code == 403
    boss = officer(intake, role="supervisor")
    silent = await entered(boss, at, **what)
    assert silent.status_code == 422
    assert 'href="#reason"' in silent.text
    assert (await entered(boss, at, **what, reason="danger_to_life")).status_code == 303
    assert "tanpa persetujuan: Jiwa terancam" in (await boss.see(f"cases/{case}/disclosures")).text


async def test_who_keeps_no_consents_is_offered_none(intake: Rig) -> None:
    case, _, consent, _ = await shared(intake)
    peksos = officer(intake, role="peksos")
    for path in ("consents", "consents/new", f"consents/{consent['consent_id']}/withdraw", "disclosures", "disclosures/new"):
        assert (await peksos.see(f"cases/{case}/{path}")).status_code == 403, path
        assert (await officer(intake, agency="polda-metro").see(f"cases/{case}/{path}")).status_code == 404, path
    assert "/consents" not in (await peksos.see(f"cases/{case}")).text
    assert f"/pages/cases/{case}/consents" in (await officer(intake).see(f"cases/{case}")).text


async def test_a_case_shows_a_consent_to_be_recorded_nationally(intake: Rig) -> None:
    case, persons = await open_case(intake)
    ok(await agree(intake, case, persons, purpose=Purpose.NATIONAL_RECORDING, recipient=None))
    page = await officer(intake).see(f"cases/{case}")
    assert page.status_code == 200
    assert "pencatatan nasional" in page.text
