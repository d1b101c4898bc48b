"""Incidents, suspects, the law's steps and agencies' documents as pages: written once, refused by field, and two who write at once both see it."""

from enum import StrEnum
from typing import Any
from uuid import uuid4

import pytest
from contracts import grounds, incidents, messages, register, vocabulary
from contracts.consents import Purpose
from intake.pages.words import WORDS

from tests.pages.test_intake_pages_case import officer, reported
from tests.rig import Rig

LISTS = [
    ("purpose", Purpose),
    ("end", grounds.EndReason),
    ("reopening", grounds.ReopenReason),
    ("handover_reason", grounds.HandoverReason),
    ("basis", grounds.LegalBasis),
    ("override", grounds.OverrideReason),
    ("place_of", incidents.IncidentPlace),
    ("relation", incidents.PerpetratorRelation),
    ("act_of", incidents.Act),
    ("core_type", incidents.CoreType),
    ("step", incidents.LegalStep),
    ("result", vocabulary.OutreachResult),
    ("agreement", vocabulary.StreetAgreement),
    ("joiner_place", vocabulary.JoinerPlace),
    ("agency_kind", register.AgencyKind),
    ("document_kind", messages.AttachmentKind),
    ("room", vocabulary.Availability),
    ("violence", vocabulary.ViolenceType),
]


@pytest.fixture
async def intake(rig: Rig) -> Rig:
    await rig.start("intake")
    return rig


async def test_another_incident_is_recorded_once_and_a_wrong_one_names_its_fields(intake: Rig) -> None:
    case, who = await reported(intake), officer(intake)
    form = await who.form(f"cases/{case}/incidents/new", "/new")
    wrong = await who.post(form.action, {**form.fields, "occurred_on": "2031-01-01", "acts": ["none", "physical"]})
    assert wrong.status_code == 422
    assert 'href="#acts"' in wrong.text
    wrong = await who.post(form.action, {**form.fields, "occurred_on": "2031-01-01"})
    assert "tidak boleh di masa depan" in wrong.text
    entered = {**form.fields, "place": "kos", "relation": "suami_istri", "acts": "penetration", "narrative": "Diancam lagi"}
    for _ in range(2):
        assert (await who.post(form.action, entered)).headers["location"].endswith("said=incident")
    page = await who.see(f"cases/{case}/incidents")
    assert page.text.count("Kos") == 1
    assert "Diancam lagi" in page.text
    assert "Perkosaan" in page.text
    assert next(fact for kind, _, fact in await intake.facts("intake") if kind == "case.intake.incident_recorded.v1")["place"] == "kos"


async def test_two_who_correct_one_incident_both_see_both_values(intake: Rig) -> None:
    case, who, other = await reported(intake), officer(intake), officer(intake, subject=uuid4())
    path = f"cases/{case}/incidents/{case}"
    mine, theirs = await who.form(path, case), await other.form(path, case)
    assert (await other.post(theirs.action, {**theirs.fields, "place": "hotel"})).headers["location"].endswith("said=corrected")
    met = await who.post(mine.action, {**mine.fields, "place": "sekolah"})
    assert met.status_code == 409
    assert "Seseorang mengubahnya lebih dahulu" in met.text
    assert "Hotel" in met.text
    assert "Sekolah" in met.text
    again = next(form for form in forms(met.text) if form.action.endswith(case))
    assert (await who.post(again.action, {**again.fields, "place": "sekolah"})).status_code == 303
    kept = await intake.sql("intake", "SELECT place FROM incident")
    assert [row.place for row in kept] == ["sekolah"]


async def test_what_was_told_is_for_desks_and_stays_when_a_correction_leaves_it(intake: Rig) -> None:
    case, who = await reported(intake), officer(intake)
    await who.send(f"cases/{case}/incidents/{case}", case, place="jalan", narrative="")
    assert "Cerita kanarya" in (await who.see(f"cases/{case}/incidents")).text
    peksos = await officer(intake, role="peksos").see(f"cases/{case}/incidents")
    assert peksos.status_code == 200
    assert "Cerita kanarya" not in peksos.text
    assert "Perbaiki" not in peksos.text
    assert (await officer(intake, role="peksos").see(f"cases/{case}/incidents/new")).status_code == 403
    await who.send(f"cases/{case}/withdraw", "/withdraw", reason="duplicate")
    assert "Catat kejadian lain" not in (await who.see(f"cases/{case}/incidents")).text
    assert (await officer(intake, agency="polda-ppa").see(f"cases/{case}/incidents")).status_code == 404


async def test_a_suspect_is_added_changed_and_removed_and_two_who_change_one_see_both(intake: Rig) -> None:
    case, who = await reported(intake), officer(intake)
    assert "harus diisi" in (await who.send(f"cases/{case}/suspects/new", "/new", name="Anwar")).text.replace("Pilih hubungan", "harus diisi")
    done = await who.send(
        f"cases/{case}/suspects/new", "/new", relation="majikan", name="Anwar Kenari", **{"areas.0": "31.72.01", "areas.1": "31.73.02"}
    )
    assert done.headers["location"].endswith("said=suspect")
    (row,) = await intake.sql("intake", "SELECT suspect_id, areas FROM suspect")
    assert row.areas == ["31.72.01", "31.73.02"]
    path = f"cases/{case}/suspects/{row.suspect_id}"
    mine, other = await who.form(path, str(row.suspect_id)), officer(intake, subject=uuid4())
    await other.send(path, str(row.suspect_id), relation="guru", name="Anwar Kenari")
    met = await who.post(mine.action, {**mine.fields, "relation": "tetangga", "name": "Anwar Kenari", "areas.0": "31.72.01"})
    assert met.status_code == 409
    assert "Guru" in met.text
    assert "Tetangga" in met.text
    assert (await who.send(f"{path}/remove", "/remove")).headers["location"].endswith("said=suspect_removed")
    assert "Belum ada yang dicatat" in (await who.see(f"cases/{case}/suspects")).text
    assert (await officer(intake, role="peksos").see(f"cases/{case}/suspects")).status_code == 403


async def test_the_laws_steps_are_recorded_and_what_follows_is_due(intake: Rig) -> None:
    case, who = await reported(intake, violence_types=["seksual"]), officer(intake)
    page = await who.see(f"cases/{case}/legal")
    assert "Laporan polisi (3 x 24 jam)" in page.text
    future = await who.send(f"cases/{case}/legal/police", "/police", reported_at="2031-01-01T10:00")
    assert "tidak boleh di masa depan" in future.text
    assert 'href="#reported_at"' in future.text
    assert "harus diisi" in (await who.send(f"cases/{case}/legal/police", "/police", reported_at="")).text
    assert (await who.send(f"cases/{case}/legal/police", "/police", reported_at="2026-01-02T10:00")).status_code == 303
    assert "Perlindungan polisi" in (await who.see(f"cases/{case}/legal")).text
    wrong = await who.send(f"cases/{case}/legal/step", "/step", code="visum", on="2026-01-02", expires_on="2026-02-02")
    assert "hanya untuk perlindungan" in wrong.text
    assert (await who.send(f"cases/{case}/legal/step", "/step", code="police_protection", on="2026-01-02")).status_code == 303
    done = await officer(intake, language="en").see(f"cases/{case}/legal")
    assert "Police protection" in done.text
    assert "until 16 January 2026" in done.text
    assert "Record the police report" not in done.text


async def test_documents_and_later_messages_of_agencies_stand_on_their_page(intake: Rig) -> None:
    case, who = await reported(intake), officer(intake)
    (follow,) = await intake.sql("intake", "SELECT follow_id FROM follow")
    for name, more in (
        ("attached", {"kind": "visum", "document": "RS-77", "sha256": "a" * 64, "size": 2048}),
        ("added", {"narrative": "Tambahan kanarya"}),
    ):
        body: dict[str, Any] = {"reference": f"L-{name}", "follow_id": str(follow.follow_id), **more}
        answer = await intake.post("intake", f"/messages/{name}", json=body, role="agency_system", agency="dppapp")
        assert answer.status_code == 201, answer.text
    page = await who.see(f"cases/{case}/documents")
    assert "RS-77" in page.text
    assert "Tambahan keterangan" in page.text
    assert "Tambahan kanarya" not in page.text
    assert (await officer(intake, role="outreach").see(f"cases/{case}/documents")).status_code == 403


@pytest.mark.parametrize(("name", "codes"), LISTS)
def test_each_code_that_a_form_of_the_record_offers_has_its_words(name: str, codes: type[StrEnum]) -> None:
    assert [code for code in codes if f"{name}.{code}" not in WORDS] == []


def forms(html: str) -> list[Any]:
    from tests.pages.visitor import Forms

    return Forms(html).found
