"""How much of one sender is taken in a minute: what is more waits or is asked to come later, whichever replica counts, and others are not touched."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from tests.intake.builders import a_body, a_referral
from tests.rig import Rig

DINSOS, POLDA = "referral.dinsos.submitted.v1", "referral.polda-ppa.submitted.v1"


async def report(rig: Rig, reference: str, service: str = "intake", key: str | None = None, **who: Any) -> httpx.Response:
    asker = {"role": "agency_system", "agency": "dinsos"} | who
    return await rig.post(service, "/reports", json=a_referral(reference=reference), key=key, **asker)


async def test_a_system_that_sends_too_much_is_asked_to_come_later_and_changes_nothing(rig: Rig) -> None:
    await rig.start("intake", agency_per_minute=6)
    second = await rig.replicate("intake")
    answers = [await report(rig, f"R-{n}", ("intake", second)[n % 2]) for n in range(20)]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {201, 429}
    assert 6 <= statuses.count(201) <= 12, "both replicas count together; a minute may turn meanwhile"
    refused = answers[statuses.index(429)]
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "Retry-After" in refused.json()["title"]
    assert len(await rig.sql("intake", "SELECT 1 FROM case_file")) == statuses.count(201)
    assert len(await rig.sql("intake", "SELECT 1 FROM request")) == statuses.count(201)
    assert (await report(rig, "other", agency="polda-ppa")).status_code == 201
    assert (await report(rig, "by-hand", role="intake_officer")).status_code == 201, "a system stands in no officer's way"
    again = await rig.post("intake", "/messages/added", json={"reference": "M-1", "to": "R-0"}, role="agency_system", agency="dinsos")
    assert again.status_code == 429
    await rig.advance(minutes=1)
    key = uuid4().hex
    assert (await report(rig, "later", key=key)).status_code == 201
    assert (await report(rig, "later", key=key)).status_code == 201


async def test_what_is_over_the_rate_of_an_agency_waits_in_the_broker_and_is_taken_later(rig: Rig) -> None:
    await rig.start("intake", agency_per_minute=10)
    service = rig.services["intake"]
    for number in range(30):
        await rig.publish(DINSOS, a_body(reference=f"many-{number}"))
    await rig.publish(POLDA, a_body(reference="other"))

    async def count(agency: str) -> int:
        return len(await rig.sql("intake", "SELECT 1 FROM submission WHERE agency = :agency", agency=agency))

    async def others_are_through() -> bool:
        return await count("polda-ppa") == 1 and await count("dinsos") >= 10

    await rig.until(others_are_through)
    await asyncio.sleep(0.5)
    assert await count("dinsos") < 30
    said = [body for kind, _, body in await rig.facts("intake") if kind == "case.intake.agency_slowed.v1"]
    assert said == [{"code": "dinsos", "per_minute": 10}], "operators are told once"
    assert (await rig.nats.jetstream().stream_info("REFERRALS")).state.messages == 30 - await count("dinsos")
    service.access.rates = {"dinsos": 1000}  # as `naungan agency limit` says

    async def all_are_through() -> bool:
        return await count("dinsos") == 30

    await rig.until(all_are_through)
    assert (await rig.nats.jetstream().stream_info("REFERRALS")).state.messages == 0


async def test_who_sent_how_much_is_forgotten(rig: Rig) -> None:
    await rig.start("intake")
    await report(rig, "R-1")
    assert [row.sender for row in await rig.sql("intake", "SELECT sender FROM taken")] == ["dinsos"]
    await rig.advance(hours=4)
    assert await rig.sql("intake", "SELECT 1 FROM taken") == []
