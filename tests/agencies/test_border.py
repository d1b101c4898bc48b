"""What one agency, or one service, could make the broker do to others: nothing, also where permissions alone would let it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from tests.agencies.broker import Deployment, acknowledged, deployment


async def held(client: Client, stream: str) -> dict[str, int]:
    """How many messages a stream holds by subject."""
    return dict((await client.jetstream().stream_info(stream, subjects_filter=">")).state.subjects or {})


async def test_the_broker_answers_on_nobody_elses_subject(tmp_path: Path) -> None:
    """Whoever asks says where the answer goes, and no permission looks at that: it must lead nowhere but into the asker's own account."""
    async with deployment(tmp_path, "dppapp", "dinsos") as broker:
        owner, intake = await broker.join("provisioner"), await broker.join("intake")
        bad, other = await broker.join("dppapp"), await broker.join("dinsos")
        heard = await other.subscribe("receipt.dinsos.>")
        await other.flush()
        # A receipt of its own, whose reference it chose, would look like the other's.
        await intake.request("receipt.dppapp.accepted.v1", json.dumps({"reference": "DINSOS-17"}).encode())
        aims = ("receipt.dinsos.accepted.v1", "referral.dinsos.submitted.v1", "case.intake.closed.v1", "agency.dinsos.opened.v1")
        for aim in aims:
            await bad.publish("$JS.API.CONSUMER.MSG.NEXT.RECEIPTS.agency-dppapp", b'{"batch":1,"no_wait":true}', reply=aim)
            await bad.publish("$JS.API.CONSUMER.INFO.RECEIPTS.agency-dppapp", b"", reply=aim)
            await bad.publish("referral.dppapp.submitted.v1", b"{}", reply=aim)
        await bad.flush()
        assert await acknowledged(bad, "dppapp"), "its own door is open, and all of this was handled before"
        with pytest.raises(nats.errors.TimeoutError):
            await heard.next_msg(timeout=0.5)
        assert await held(owner, "RECEIPTS") == {"receipt.dppapp.accepted.v1": 1}
        assert await held(owner, "REFERRALS") == {"referral.dppapp.submitted.v1": len(aims) + 1}
        assert await held(owner, "CASES") == await held(owner, "AGENCIES") == {}


async def test_who_answers_a_replay_answers_who_asked_and_nobody_else(tmp_path: Path) -> None:
    """Intake may publish wherever whoever asked it waits: that must lead into the asker's account only, and be over after one answer."""
    async with deployment(tmp_path, "dppapp", "dinsos") as broker:
        owner, intake = await broker.join("provisioner"), await broker.join("intake")
        bad, other = await broker.join("dppapp"), await broker.join("dinsos")
        asked: list[str] = []

        async def answer(message: Any) -> None:
            asked.append(message.subject)
            for _ in range(2):
                await message.respond(b'{"events":[]}')

        await intake.subscribe("feed.*.replay", queue="replay", cb=answer)
        heard = [await other.subscribe(subject) for subject in ("receipt.dinsos.>", "agency.dinsos.>", "_INBOX_dinsos.>")]
        for client in (intake, other):
            await client.flush()
        aims = ("receipt.dinsos.accepted.v1", "referral.dinsos.submitted.v1", "case.intake.closed.v1", "agency.dinsos.opened.v1", "_INBOX_dinsos.x")
        for aim in aims:
            await bad.publish("feed.dppapp.replay", b"{}", reply=aim)
            await bad.publish("feed.dinsos.replay", b"{}", reply=aim)
        inbox = await bad.subscribe("_INBOX_dppapp.x")
        await bad.publish("feed.dppapp.replay", b"{}", reply="_INBOX_dppapp.x")
        assert (await inbox.next_msg(timeout=5)).data == b'{"events":[]}'
        with pytest.raises(nats.errors.TimeoutError):
            await inbox.next_msg(timeout=0.3)
        assert asked == ["feed.dppapp.replay"] * (len(aims) + 1), "nobody asks in another's name"
        for subscription in heard:
            with pytest.raises(nats.errors.TimeoutError):
                await subscription.next_msg(timeout=0.2)
        for stream in ("REFERRALS", "CASES", "AGENCIES", "RECEIPTS"):
            assert await held(owner, stream) == {}


async def test_an_agency_pulls_acknowledges_and_hears_its_own(tmp_path: Path) -> None:
    async with deployment(tmp_path, "dppapp", "dinsos") as broker:
        intake, agency, other = await broker.join("intake"), await broker.join("dppapp"), await broker.join("dinsos")
        live = await agency.subscribe("receipt.dppapp.>")
        await agency.flush()
        for number in range(250):
            await intake.request("receipt.dppapp.accepted.v1", str(number).encode())
        pull = await agency.jetstream().pull_subscribe_bind("agency-dppapp", "RECEIPTS")
        found: list[bytes] = []
        async with asyncio.timeout(20):
            while len(found) < 250:
                for message in await pull.fetch(100, timeout=5):
                    found.append(message.data)
                    await message.ack_sync()
        assert found == [str(number).encode() for number in range(250)]
        assert (await live.next_msg(timeout=5)).data == b"0"
        info = await agency.jetstream().consumer_info("RECEIPTS", "agency-dppapp")
        assert (info.num_pending, info.num_ack_pending) == (0, 0)
        with pytest.raises(nats.errors.TimeoutError):
            await (await other.jetstream().pull_subscribe_bind("agency-dinsos", "RECEIPTS")).fetch(1, timeout=0.5)


async def test_a_service_makes_consumers_to_read_by_and_touches_nobodys_durable(tmp_path: Path) -> None:
    async with deployment(tmp_path, "dppapp") as broker:
        intake, owner = await broker.join("intake"), await broker.join("provisioner")
        before = (await owner.jetstream().consumer_info("RECEIPTS", "agency-dppapp")).config
        config = {"name": "watch-intake-1", "ack_policy": "none", "mem_storage": True, "inactive_threshold": 10**10}

        async def make(subject: str, **changes: Any) -> dict[str, Any]:
            asked = json.dumps({"stream_name": "RECEIPTS", "config": config | changes}).encode()
            answer: dict[str, Any] = json.loads((await intake.request(f"$JS.API.CONSUMER.CREATE.RECEIPTS.{subject}", asked, timeout=2)).data)
            return answer

        assert (await make("watch-intake-1"))["name"] == "watch-intake-1"
        # The name in the subject is what the permission sees: another one in the body must come to nothing.
        for changes in ({"name": "agency-dppapp"}, {"name": "agency-dppapp", "durable_name": "agency-dppapp"}, {"durable_name": "agency-dppapp"}):
            answer = await make("watch-intake-2", **changes)
            assert "error" in answer or answer["name"] == "watch-intake-2"
        with pytest.raises(nats.errors.TimeoutError):
            await make("agency-dppapp", name="agency-dppapp")
        for call in ("DELETE", "MSG.NEXT"):
            with pytest.raises(nats.errors.TimeoutError):
                await intake.request(f"$JS.API.CONSUMER.{call}.RECEIPTS.agency-dppapp", b"", timeout=0.3)
        assert (await owner.jetstream().consumer_info("RECEIPTS", "agency-dppapp")).config == before


async def test_a_service_that_is_connected_is_kept_from_the_durables_of_an_agency_that_comes_later(tmp_path: Path) -> None:
    async with deployment(tmp_path, "dppapp") as broker:
        intake = await broker.join("intake")
        assert (await broker.naungan("agency", "add", "rs-budi")).exit_code == 0
        await broker.provision()
        assert await _deletes(broker, intake, "agency-rs-budi") is False
        assert "intake" not in broker.ended


async def _deletes(broker: Deployment, client: Client, durable: str) -> bool:
    with pytest.raises(nats.errors.TimeoutError):
        await client.request(f"$JS.API.CONSUMER.DELETE.RECEIPTS.{durable}", b"", timeout=0.3)
    owner = await broker.join("provisioner", "looking")
    return durable not in {info.name for info in await owner.jetstream().consumers_info("RECEIPTS")}
