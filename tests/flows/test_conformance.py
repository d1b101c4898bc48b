"""Every subscriber takes every golden sample of what it reads, in any order and again, and what cannot be read is set aside."""

import random
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from contracts import golden, streams
from contracts.catalogue import read_by

from tests.rig import Rig

CASE = UUID(int=0x0198_0000_0000_8000_8000_0000_0000_0042)


@pytest.mark.parametrize("service", streams.SERVICES)
async def test_every_sample_is_taken_once_in_any_order(rig: Rig, service: str) -> None:
    await rig.start(service)
    samples = [golden.sample(event) for event in read_by(service, "CASES")]
    random.Random(7).shuffle(samples)
    sent = [(sample, uuid4(), version) for version, sample in enumerate(samples, 1)]
    at = datetime.now(UTC)
    for sample, identity, version in sent:
        await rig.say(sample, subject=CASE, id=identity, factversion=version, at=at)
    await rig.settle()
    assert await rig.sql(service, "SELECT route, reason FROM dead_letter") == []
    facts, taken = await rig.facts(service), await rig.sql(service, "SELECT count(*) AS n FROM inbox")
    assert taken[0].n == len(samples)
    for sample, identity, version in reversed(sent):
        await rig.say(sample, subject=CASE, id=identity, factversion=version, at=at)
    await rig.settle()
    assert await rig.facts(service) == facts, "what comes again says nothing new"


@pytest.mark.parametrize("service", streams.SERVICES)
async def test_a_malformed_sample_is_set_aside_and_the_next_one_is_taken(rig: Rig, service: str) -> None:
    await rig.start(service)
    event = read_by(service, "CASES")[0]
    sample = golden.sample(event)
    headers = {"ce-type": event.type, "ce-id": str(uuid4()), "ce-subject": str(CASE), "ce-time": "2026-11-24T00:00:00Z", "ce-specversion": "1.0"}
    await rig.publish(sample.route, b"{}", headers)
    await rig.say(sample, subject=CASE)
    await rig.settle()
    (letter,) = await rig.sql(service, "SELECT reason, set_aside_at FROM dead_letter")
    assert letter.reason.endswith(": missing")
    assert (await rig.sql(service, "SELECT count(*) AS n FROM inbox"))[0].n == 1
