"""What an agency could learn of others through its own door: not whether a person was known, and nothing of another agency's case."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from nats.aio.msg import Msg

from tests.intake.builders import a_nik, a_person, a_referral
from tests.rig import Rig

KNOWN = {"name": "Sekar Ayu Lestari", "nik": a_nik(serial=7)}
UNKNOWN = {"name": "Melati Contoh Baru", "nik": a_nik(serial=8)}
AGENCY = "polda-ppa"


async def read(rig: Rig, stream: str, agency: str) -> list[Msg]:
    """What waits for an agency in its durable."""
    pull = await rig.nats.jetstream().pull_subscribe_bind(f"agency-{agency}", stream)
    info = await rig.nats.jetstream().consumer_info(stream, f"agency-{agency}")
    found: list[Msg] = await pull.fetch(info.num_pending, timeout=5) if info.num_pending else []
    for message in found:
        await message.ack_sync()
    return found


async def refer(rig: Rig, agency: str, **known: Any) -> tuple[list[Msg], list[Msg]]:
    """A referral of one person; its receipts and what came on the feed."""
    reference = f"T-{uuid4().hex[:12]}"
    body = a_referral(reference=reference, persons=[a_person(**known)], screen={"shelter_needed": False})
    await rig.publish(f"referral.{agency}.submitted.v1", json.dumps(body).encode())
    await rig.settle()
    return await read(rig, "RECEIPTS", agency), await read(rig, "AGENCIES", agency)


def shape(value: Any) -> Any:
    """A message without what names this one alone: ids, times and its own reference."""
    if isinstance(value, Mapping):
        return {key: shape(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [shape(entry) for entry in value]
    return (type(value).__name__, len(value)) if isinstance(value, str) else value


def seen(messages: list[Msg]) -> list[tuple[str, Any, Any]]:
    """All that an agency sees of its messages."""
    return [(message.subject, shape(dict(message.headers or {})), shape(json.loads(message.data))) for message in messages]


@pytest.mark.parametrize("before", ["dppapp", AGENCY])
async def test_a_person_who_is_known_gets_the_receipt_and_the_feed_of_one_who_is_not(rig: Rig, before: str) -> None:
    """Known from another agency, or from its own; also when a desk has merged them it is people who decided, and no feed says so."""
    await rig.start("intake")
    await refer(rig, before, **KNOWN)
    new, known = await refer(rig, AGENCY, **UNKNOWN), await refer(rig, AGENCY, **KNOWN)
    assert len(await rig.sql("intake", "SELECT 1 FROM candidate")) == 1, "only one of them was known, and intake saw it"
    assert [len(part) for part in known] == [1, len(new[1])]
    for one, other in zip(new, known, strict=True):
        assert seen(one) == seen(other)


async def test_a_case_of_one_agency_is_read_by_no_other(rig: Rig) -> None:
    await rig.start("intake")
    (receipt,), _ = await refer(rig, AGENCY, **KNOWN)
    follow = json.loads(receipt.data)["follow_id"]
    (row,) = await rig.sql("intake", "SELECT case_id FROM case_file")
    paths = (f"/follow/{follow}", f"/cases/{row.case_id}", f"/cases/{row.case_id}/timeline")
    own = {path: (await rig.get("intake", path, role="agency_system", agency=AGENCY)).status_code for path in paths}
    assert own[paths[0]] == 200
    for role in ("agency_system", "outreach", "intake_officer", "supervisor"):
        for path in paths:
            answer = await rig.get("intake", path, role=role, agency="rs-harapan")
            assert answer.status_code in {403, 404}, (role, path)
            nothing = await rig.get(
                "intake", path.replace(str(row.case_id), str(uuid4())).replace(follow, str(uuid4())), role=role, agency="rs-harapan"
            )
            assert (answer.status_code, answer.json().get("title")) == (nothing.status_code, nothing.json().get("title")), "nor that there is one"
    for stream in ("RECEIPTS", "AGENCIES"):
        assert await read(rig, stream, "dinsos") == []
