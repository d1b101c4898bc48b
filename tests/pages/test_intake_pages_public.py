"""The public's form: no log-in, a way out, code and PIN shown once, and nothing but two answers afterwards."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.intake.builders import a_triage
from tests.pages.visitor import OWN, Forms, Visitor
from tests.rig import Rig

SEEN = {"narrative": "Terdengar teriakan tiap malam.", "area": "31.71.02", "persons.0.sex": "female", "persons.0.age": "30"}


@pytest.fixture
async def intake(rig: Rig) -> Rig:
    await rig.start("intake", public_reports_per_hour=6, gateways="127.0.0.1")
    return rig


async def post(rig: Rig, path: str, fields: dict[str, Any], **headers: str) -> httpx.Response:
    return await rig.clients["intake"].post(f"/pages/{path}", data=fields, headers={**OWN, **headers})


async def receipt(rig: Rig, **fields: Any) -> tuple[str, str, httpx.Response]:
    page = await rig.clients["intake"].get("/pages/public")
    (form,) = Forms(page.text).found
    answer = await post(rig, "public", {**form.fields, **SEEN, **fields})
    assert answer.status_code == 200, answer.text
    code, pin = (re.search(rf'id="{name}">([^<]+)<', answer.text) for name in ("code", "pin"))
    assert code is not None
    assert pin is not None
    return code[1], pin[1], answer


async def test_anybody_reports_without_a_log_in_and_asks_later_what_became_of_it(intake: Rig) -> None:
    code, pin, page = await receipt(intake)
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers
    (case,) = await intake.sql("intake", "SELECT case_id, channel FROM case_file")
    assert case.channel == "public"
    asked = await post(intake, "public/status", {"code": code, "pin": pin})
    assert "Laporan diterima." in asked.text
    await intake.post("intake", f"/cases/{case.case_id}/triage", json=a_triage(), role="intake_officer", agency="dppapp")
    assert "Laporan sedang ditangani." in (await post(intake, "public/status", {"code": code, "pin": pin})).text
    wrong = await post(intake, "public/status", {"code": code, "pin": "AAAAAAAA"})
    assert "Laporan diterima." in wrong.text
    assert str(case.case_id) not in wrong.text + asked.text + page.text


async def test_sent_twice_it_is_one_case_with_one_code(intake: Rig) -> None:
    key = str(uuid4())
    first, second = await receipt(intake, key=key), await receipt(intake, key=key)
    assert first[:2] == second[:2]
    assert len(await intake.sql("intake", "SELECT 1 FROM case_file")) == 1


async def test_what_cannot_be_read_keeps_what_was_entered_and_what_it_does_not_ask_is_not_taken(intake: Rig) -> None:
    answer = await post(intake, "public", {**SEEN, "key": str(uuid4()), "callback": "x", "channel": "police"})
    assert answer.status_code == 422
    assert 'href="#callback"' in answer.text
    assert "teriakan tiap malam" in answer.text
    await receipt(intake, channel="police", heard_at="2020-01-01T00:00")
    (case,) = await intake.sql("intake", "SELECT channel FROM case_file")
    assert case.channel == "public"


async def test_too_many_from_one_place_are_asked_to_wait_and_another_site_cannot_send(intake: Rig) -> None:
    foreign = await post(intake, "public", {**SEEN, "key": str(uuid4())}, **{"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    answers = [await post(intake, "public", {**SEEN, "key": str(uuid4())}) for _ in range(7)]
    assert answers[-1].status_code == 429
    assert "Coba lagi nanti" in answers[-1].text
    assert "teriakan tiap malam" in answers[-1].text
    assert len(await intake.sql("intake", "SELECT 1 FROM case_file")) == 6


async def test_a_large_body_is_refused(intake: Rig) -> None:
    answer = await post(intake, "public", {**SEEN, "key": str(uuid4()), "narrative": "a" * 140_000})
    assert answer.status_code == 413
    assert await intake.sql("intake", "SELECT 1 FROM case_file") == []


async def test_the_way_out_leads_to_a_page_of_ours_that_says_nothing_of_us(intake: Rig) -> None:
    form = await intake.clients["intake"].get("/pages/public")
    assert 'data-leave rel="noreferrer" href="/pages/kalender"' in form.text
    script = re.search(r'src="(/pages/static/leave-[0-9a-f]+\.js)"', form.text)
    assert script is not None
    assert "location.replace" in (await intake.clients["intake"].get(script[1])).text
    calendar = await intake.clients["intake"].get("/pages/kalender")
    assert calendar.status_code == 200
    assert not re.search(r"naungan|lapor|kekerasan|intake", calendar.text.lower().replace("/pages/static/", ""))


async def test_the_language_that_the_public_chose_is_gone_with_the_browser_and_an_officers_stays(intake: Rig):
    chosen = "/pages/language/en?to=/pages/public"
    passing = (await intake.clients["intake"].get(chosen)).headers["set-cookie"].lower()
    assert "naungan-language=en" in passing
    assert not {"max-age", "expires"} & {part.split("=")[0].strip() for part in passing.split(";")}, "a trace on her device"
    kept = (await Visitor(intake, "intake", role="intake_officer").see("language/en")).headers["set-cookie"].lower()
    assert "max-age" in kept
