"""Anybody reports without a token, and asks later what became of it; who does not know the PIN learns nothing."""

import asyncio
import re
from uuid import uuid4

import httpx
import pytest

from tests.intake.builders import a_person, a_triage

OFFICER = {"role": "intake_officer", "agency": "dppapp"}
SEEN = {"narrative": "Terdengar teriakan tiap malam.", "area": "31.71.02", "violence_types": ["fisik"], "persons": [{"sex": "female"}]}


@pytest.fixture
async def intake(rig):
    await rig.start("intake", public_reports_per_hour=8, public_status_per_hour=12, public_code_per_hour=5, gateways="127.0.0.1")
    return rig


async def report(rig, body, key=None, address="36.66.1.1"):
    headers = {"Idempotency-Key": key or str(uuid4()), "X-Forwarded-For": address}
    return await rig.clients["intake"].post("/public/reports", json=body, headers=headers)


async def ask(rig, code, pin, address="36.66.1.1"):
    return await rig.clients["intake"].post("/public/reports/status", json={"code": code, "pin": pin}, headers={"X-Forwarded-For": address})


async def test_an_anonymous_report_opens_a_case_of_the_public_agency_and_gives_a_code_with_a_pin(intake):
    answer = await report(intake, SEEN)
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert re.fullmatch(r"[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}", receipt["code"])
    assert re.fullmatch(r"[2-9A-HJ-NP-Z]{8}", receipt["pin"])
    assert receipt["problems"] == [{"field": "persons.0.age", "code": "missing"}]
    (case,) = await intake.sql("intake", "SELECT * FROM case_file")
    assert (case.channel, case.reporter, case.reporting_agency, case.urgency) == ("public", "anonymous", "dppapp", "medium")
    (line,) = (await intake.get("intake", "/cases", **OFFICER)).json()
    assert (line["case_id"], line["channel"]) == (str(case.case_id), "public")
    (audit,) = await intake.sql("intake", "SELECT roles, agency, action FROM audit")
    assert tuple(audit) == ("public", "dppapp", "report")
    assert (await intake.sql("intake", "SELECT * FROM clock WHERE kind = 'triage'"))[0].subject == case.case_id


async def test_what_the_public_has_no_say_in_is_not_taken_from_it(intake):
    body = {**SEEN, "channel": "police", "post": "pos-31.75.01", "heard_at": "2020-01-01T00:00:00Z", "reference": "LP/1", "callback": ""}
    assert (await report(intake, body)).status_code == 201
    (case,) = await intake.sql("intake", "SELECT channel, post, heard_at, opened_at FROM case_file")
    assert (case.channel, case.post) == ("public", None)
    assert (case.opened_at - case.heard_at).total_seconds() < 60


async def test_a_report_that_cannot_be_read_is_refused_by_field_and_keeps_nothing(intake):
    answer = await report(intake, {"urgency": "Kanarya", "callback": 8})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"urgency", "callback"}
    assert "Kanarya" not in answer.text
    assert await intake.sql("intake", "SELECT 1 FROM submission UNION ALL SELECT 1 FROM desk_task UNION ALL SELECT 1 FROM request") == []
    client = intake.clients["intake"]
    assert (await client.post("/public/reports", json=SEEN)).json()["errors"] == [{"field": "Idempotency-Key", "code": "missing"}]
    assert (await report(intake, SEEN, key="1")).json()["errors"] == [{"field": "Idempotency-Key", "code": "too_short"}]
    large = await report(intake, {"narrative": "x" * 200_000})
    assert (large.status_code, large.json()["errors"]) == (413, [{"field": "body", "code": "too_large"}])

    async def endless():
        for _ in range(1000):
            yield b"[" * 1000

    assert (await client.post("/public/reports", content=endless(), headers={"Idempotency-Key": str(uuid4())})).status_code == 413


async def test_a_retried_report_gets_the_same_code_and_pin_and_neither_pin_nor_story_is_kept_in_clear(intake):
    key = str(uuid4())
    body = SEEN | {"narrative": "Kanarya-Cerita", "persons": [a_person(name="Kanarya-Nama")], "callback": "Kanarya-Pelapor"}
    answers = await asyncio.gather(*(report(intake, body, key) for _ in range(5)))
    assert len({answer.text for answer in answers}) == 1
    assert len(await intake.sql("intake", "SELECT 1 FROM case_file")) == 1
    assert (await report(intake, SEEN, key)).json()["errors"] == [{"field": "Idempotency-Key", "code": "reused"}]
    tables = await intake.sql("intake", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [row[0] for (table,) in tables for row in await intake.sql("intake", f"SELECT t::text FROM {table} t")]
    kept = "\n".join([*rows, *(str(row.body, "utf-8", "replace") for row in await intake.sql("intake", "SELECT body FROM outbox"))])
    assert answers[0].json()["code"] in kept, "the code is the report's reference"
    for secret in (answers[0].json()["pin"], "Kanarya", "36.66.1.1"):
        assert secret not in kept
        assert secret.encode().hex() not in kept


async def test_whoever_knows_the_pin_learns_that_somebody_looks_into_it_and_all_others_the_same_as_nothing(intake):
    receipt = (await report(intake, SEEN)).json()
    code, pin = receipt["code"], receipt["pin"]
    assert (await ask(intake, code, pin)).json() == {"status": "received"}
    (case,) = await intake.sql("intake", "SELECT case_id FROM case_file")
    assert (await intake.post("intake", f"/cases/{case.case_id}/triage", json=a_triage(), **OFFICER)).status_code == 200
    assert (await ask(intake, code.lower().replace("-", " "), f" {pin[:4]} {pin[4:]}".lower())).json() == {"status": "being_handled"}
    wrong, unknown = await ask(intake, code, "2" * 8), await ask(intake, "22222-22222", pin)
    assert [(answer.status_code, answer.content) for answer in (wrong, unknown)] == [(200, b'{"status":"received"}')] * 2
    assert {name: value for name, value in wrong.headers.items() if name != "date"} == dict(unknown.headers)


async def test_a_wrong_pin_and_an_unknown_code_ask_the_store_the_same(intake, monkeypatch):
    receipt = (await report(intake, SEEN)).json()
    from chassis import Transaction

    asked, row = [], Transaction.row

    async def noting(tx, statement, parameters=None):
        if "submission" in str(statement):
            asked.append((str(statement), sorted(statement.compile().params.values())))
        return await row(tx, statement, parameters)

    monkeypatch.setattr(Transaction, "row", noting)
    for code, pin in ((receipt["code"], "2" * 8), ("22222-22222", receipt["pin"]), ("nothing like a code", "\u00e9")):
        assert (await ask(intake, code, pin)).status_code == 200
    assert len(asked) == 3
    assert asked.count(asked[0]) == 3


async def refused_after(knock, most):
    """How often one may knock, over the turn of an hour at the most twice as often; and the refusal."""
    for times in range(2 * most + 1):
        answer = await knock()
        if answer.status_code == 429:
            return times, answer
    return pytest.fail("never refused")


async def test_who_knocks_too_often_is_refused_and_others_are_not(intake):
    times, refusal = await refused_after(lambda: report(intake, SEEN), 8)
    assert times >= 8
    assert 0 < int(refusal.headers["Retry-After"]) <= 3601
    assert refusal.headers["content-type"] == "application/problem+json"
    assert (await report(intake, SEEN, address="36.66.1.2")).status_code == 201
    times, _ = await refused_after(lambda: ask(intake, uuid4().hex[:10], "2" * 8), 12)
    assert times >= 12
    number = iter(range(100))
    times, _ = await refused_after(lambda: ask(intake, "22222-33333", "2" * 8, address=f"36.66.2.{next(number)}"), 5)
    assert 5 <= times <= 10, "one code, whoever asks for it"
    assert len(await intake.sql("intake", "SELECT 1 FROM case_file")) == len(await intake.sql("intake", "SELECT 1 FROM request"))
    await intake.advance(hours=4)
    assert await intake.sql("intake", "SELECT 1 FROM knock") == [], "who it was is forgotten"
    assert (await report(intake, SEEN)).status_code == 201


async def test_replicas_count_together_and_only_the_gateway_says_who_asks(intake):
    replica = await intake.replicate("intake")
    transport = httpx.ASGITransport(intake.services["intake"].app(), client=("36.66.7.7", 1))
    doors = [intake.clients["intake"], intake.clients[replica]]
    asked = iter(range(100))

    def knock():
        door = doors[next(asked) % 2]
        return door.post("/public/reports", json=SEEN, headers={"Idempotency-Key": str(uuid4()), "X-Forwarded-For": "36.66.3.1"})

    times, _ = await refused_after(knock, 8)
    assert times <= 16
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as stranger:
        spoofed = iter(range(100))

        def lie():
            headers = {"Idempotency-Key": str(uuid4()), "X-Forwarded-For": f"36.67.0.{next(spoofed)}"}
            return stranger.post("/public/reports", json=SEEN, headers=headers)

        times, _ = await refused_after(lie, 8)
        assert times <= 16, "what a stranger says of its own address counts for nothing"
