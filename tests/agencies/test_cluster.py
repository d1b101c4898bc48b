"""Three brokers: an agency's account reaches the platform's from each of them, and one reload goes to all."""

import asyncio
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.js.errors import APIError
from ops.agencies import Book
from ops.agency_keeper import Place, reload
from ops.nats_users import authorization
from ops.provision import provision

from tests.agencies.broker import PASSWORDS
from tests.faults.cluster import NAMES, Cluster

CODES = ("dppapp", "dinsos", "rs-budi")
EVERYBODY = PASSWORDS | dict.fromkeys(CODES, "password")

pytestmark = pytest.mark.servers


async def quiet(_error: Exception) -> None:
    return


async def join(cluster: Cluster, user: str, broker: str) -> Client:
    return await nats.connect(
        cluster.nodes[broker].url, user=user, password="password", inbox_prefix=f"_INBOX_{user}", error_cb=quiet, allow_reconnect=False
    )


async def through(cluster: Cluster, intake: Client, agency: str, broker: str) -> None:
    """A referral is taken, and a receipt comes live and from the durable, at this broker."""
    client = await join(cluster, agency, broker)
    live = await client.subscribe(f"receipt.{agency}.>")
    await client.flush()
    assert b'"seq"' in (await client.request(f"referral.{agency}.submitted.v1", b"{}", timeout=5)).data
    body = f"{agency} {broker}".encode()
    pull = await client.jetstream().pull_subscribe_bind(f"agency-{agency}", "RECEIPTS")
    async with asyncio.timeout(20):
        while not live.pending_msgs:  # that somebody listens here reaches the other brokers in its own time
            await intake.request(f"receipt.{agency}.accepted.v1", body, timeout=5)
            await asyncio.sleep(0.1)
    assert (await live.next_msg(timeout=5)).data == body
    (message, *_) = await pull.fetch(1, timeout=5)
    await message.ack_sync(timeout=5)
    assert message.data.startswith(agency.encode())
    assert (await client.jetstream().consumer_info("RECEIPTS", f"agency-{agency}", timeout=5)).name == f"agency-{agency}"
    await client.close()


async def provisioned(js: Any, agencies: tuple[str, ...]) -> None:
    """Until the brokers have chosen their leaders and everything is made."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await provision(js, agencies, 3)
            except (TimeoutError, APIError, nats.errors.Error):
                await asyncio.sleep(0.3)


@pytest.mark.timeout(240)
async def test_every_broker_lets_an_agency_in_and_out(tmp_path: Path) -> None:
    before, after = authorization(EVERYBODY, CODES[:2]), authorization(EVERYBODY, CODES[1:])
    cluster = Cluster(tmp_path, before)
    await cluster.open()
    try:
        await asyncio.to_thread(cluster.start)
        owner = await join(cluster, "provisioner", "one")
        await provisioned(owner.jetstream(timeout=5), CODES[:2])
        intake = await join(cluster, "intake", "two")
        for broker in NAMES:
            await through(cluster, intake, "dppapp", broker)
        out = [await join(cluster, "dppapp", broker) for broker in NAMES]
        for broker in NAMES:
            node = cluster.nodes[broker]
            assert isinstance(node.users, str)
            node.write_users(node.users.replace(before, after))
        (tmp_path / "passwords.json").write_text('{"passwords": {"keeper": "password"}}')
        place = Place(Book(tmp_path / "book"), tmp_path / "unused", tmp_path / "passwords.json", cluster.nodes["three"].url)
        assert await reload(place) == 3
        await provisioned(owner.jetstream(timeout=5), CODES[1:])
        for broker in NAMES:
            await through(cluster, intake, "rs-budi", broker)
        async with asyncio.timeout(10):
            while any(client.is_connected for client in out):
                await asyncio.sleep(0.05)
        assert owner.is_connected
        assert intake.is_connected
        for client in (owner, intake):
            await client.close()
    finally:
        await asyncio.to_thread(cluster.stop)
        await cluster.close()
