"""Erasure, sharing, restriction, break-glass and suspects meet: none of them opens what another closed."""

from uuid import UUID

import pytest

from tests.flows.people import ok
from tests.intake.builders import a_nik
from tests.intake.sharing import MOTHER, OFFICER, POLICE, RECIPIENT, SUPERVISOR, on_the_stream, open_case, restrict, shared
from tests.intake.test_service_glass import broken
from tests.intake.test_service_incidents import record
from tests.intake.test_service_rights import erase, keys_of
from tests.intake.test_service_suspects import suspect

STRANGER = {"role": "intake_officer", "agency": "dinsos", "subject": UUID(int=12)}


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def test_what_was_shared_of_somebody_ends_when_she_is_erased(intake):
    _case_id, (mother,), _consent, disclosure = await shared(intake)
    path = f"/disclosures/{disclosure['disclosure_id']}"
    assert (await intake.get("intake", path, **RECIPIENT)).status_code == 200
    export = ok(await intake.get("intake", f"/persons/{mother}/export", **SUPERVISOR))
    assert [(entry["what"], entry["recipient"], entry["state"]) for entry in export["shared"]] == [
        ("consent", "dinsos", "given"),
        ("disclosure", "dinsos", "holds"),
    ]
    await erase(intake, mother)
    assert (await intake.get("intake", path, **RECIPIENT)).status_code == 410
    (ended,) = [body for kind, _, body in await intake.facts("intake") if kind == "case.intake.disclosure_ended.v1"]
    assert ended["reason"] == "person_erased"
    assert (await on_the_stream(intake, "dinsos"))[-2:] == ["disclosure_ended", "stopped"]


async def test_nobody_breaks_the_glass_to_whom_she_is_kept_from(intake):
    case_id, (mother,) = await open_case(intake)
    grant = (await broken(intake, case_id, STRANGER))["grant_id"]
    path = f"/break-glass/{grant}/case"
    assert ok(await intake.get("intake", path, **STRANGER))["persons"][0]["name"] == MOTHER["name"]
    ok(await restrict(intake, mother, recipient="dinsos"))
    seen = ok(await intake.get("intake", path, **STRANGER))
    assert (seen["persons"][0]["name"], seen["narrative"]) == ("•••", "•••")


async def test_what_was_told_and_who_is_suspected_is_kept_from_whom_she_is_kept_from(intake):
    case_id, (mother,) = await open_case(intake)
    ok(await record(intake, case_id, narrative="Canary cerita"))
    ok(await suspect(intake, case_id, name="Anwar Contoh"))
    paths = f"/cases/{case_id}/incidents", f"/cases/{case_id}/suspects"
    told, him = [ok(await intake.get("intake", path, **POLICE))[-1] for path in paths]
    assert (told["narrative"], him["name"]) == ("Canary cerita", "Anwar Contoh")
    ok(await restrict(intake, mother, recipient="polda-ppa"))
    told, him = [ok(await intake.get("intake", path, **POLICE))[-1] for path in paths]
    assert (told["narrative"], him["name"]) == ("•••", "•••")
    assert ok(await intake.get("intake", paths[1], **OFFICER))[-1]["name"] == "Anwar Contoh"


async def test_with_the_last_person_of_a_case_its_suspects_are_erased(intake):
    case_id, (mother, child) = await open_case(intake, MOTHER, {**MOTHER, "role": "child", "age": 8})
    him = UUID(ok(await suspect(intake, case_id, name="Anwar Contoh", nik=a_nik(sex="male", serial=8)))["suspect_id"])
    await erase(intake, mother, keep_texts=True)
    assert him in await keys_of(intake)
    await erase(intake, child)
    assert him not in await keys_of(intake)
    (row,) = await intake.sql("intake", "SELECT name, nik, nik_index FROM suspect")
    assert (row.name, row.nik, row.nik_index) == (None, None, None)
    (left,) = ok(await intake.get("intake", f"/cases/{case_id}/suspects", **OFFICER))
    assert (left["relation"], left["name"]) == ("suami_istri", None)
