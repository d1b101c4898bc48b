"""The embedded servers keep their data, survive kills, and leave nothing behind; the NATS users may do what they must and no more."""

import asyncio
from pathlib import Path
from typing import Self

import asyncpg
import nats
import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from ops.nats_users import authorization
from ops.provision import provision
from ops.servers import Nats, Postgres

from ops import stores

pytestmark = pytest.mark.servers
USERS = ("intake", "placement", "assessment", "notifications", "provisioner", "dppapp", "dinsos")
PASSWORDS = {user: f"password-of-{user}" for user in USERS}


async def value(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def messages(js: JetStreamContext) -> int | None:
    """How many messages CASES holds, once the server answers; None if there is no such stream."""
    async with asyncio.timeout(20):
        while True:
            try:
                return (await js.stream_info("CASES")).state.messages
            except NotFoundError:
                return None
            except (nats.errors.Error, OSError):
                await asyncio.sleep(0.05)


async def test_postgres_keeps_its_data_port_and_password_between_runs_and_kills(tmp_path: Path) -> None:
    with Postgres(tmp_path / "a") as first:
        await value(first.url(), "CREATE TABLE kept AS SELECT 7 AS n")
        first.kill()
        again = Postgres(tmp_path / "a")  # finds the pid file of the killed server
        with again:
            assert again.url() == first.url()
            assert await value(again.url(), "SELECT n FROM kept") == 7
    with pytest.raises(ConnectionRefusedError):
        await value(again.url(), "SELECT 1")


async def test_two_postgres_run_side_by_side(tmp_path: Path) -> None:
    with Postgres(tmp_path / "a") as one, Postgres(tmp_path / "b") as two:
        assert one.port != two.port
        assert await value(one.url(), "SELECT 1") == await value(two.url(), "SELECT 1") == 1


async def test_a_service_enters_its_own_databases_only(tmp_path: Path) -> None:
    with Postgres(tmp_path / "a") as server:
        for service in ("intake", "placement"):
            await stores.prepare(server.url(), service, PASSWORDS[service])
            await stores.prepare(server.url(), service, PASSWORDS[service])
        own = stores.url(server.url(), "intake", PASSWORDS["intake"])
        assert await value(own, "SELECT current_user") == "intake"
        for foreign in ("placement", "placement_keys"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await value(stores.url(server.url(), "intake", PASSWORDS["intake"], foreign), "SELECT 1")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await value(stores.url(server.url(), "intake", "wrong-password"), "SELECT 1")


async def test_nats_keeps_its_streams_through_a_kill_and_loses_them_when_wiped(tmp_path: Path) -> None:
    server = Nats(tmp_path / "n")
    with server:
        client = await nats.connect(server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.05)
        js = client.jetstream()
        await provision(js, ["dppapp"])
        await js.publish("case.intake.closed.v1", b"{}")
        server.kill()
        server.start()
        assert await messages(js) == 1
        server.stop()
        server.wipe()
        server.start()
        assert await messages(js) is None
        await client.close()


async def test_what_is_stored_by_nats_cannot_be_read_from_its_disk(tmp_path: Path) -> None:
    with Nats(tmp_path / "n") as server:
        client = await nats.connect(server.url)
        await provision(client.jetstream(), [])
        await client.jetstream().publish("referral.dppapp.submitted.v1", b"Canary Contoh")
        await client.close()
    found = [path for path in (tmp_path / "n").rglob("*") if path.is_file() and b"Canary" in path.read_bytes()]
    assert found == []


class Asker:
    """One user's connection, and the permission errors the server sent it."""

    def __init__(self, url: str, user: str) -> None:
        self.url, self.user, self.errors = url, user, 0

    async def __aenter__(self) -> Self:
        async def count(_error: Exception) -> None:
            self.errors += 1

        self.client = await nats.connect(
            self.url, user=self.user, password=PASSWORDS[self.user], inbox_prefix=f"_INBOX_{self.user}", error_cb=count, allow_reconnect=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def may_publish(self, subject: str) -> bool:
        before = self.errors
        await self.client.publish(subject, b"")
        await self.client.flush()
        await asyncio.sleep(0.05)
        return self.errors == before

    async def may_subscribe(self, subject: str) -> bool:
        before = self.errors
        await self.client.subscribe(subject)
        await self.client.flush()
        await asyncio.sleep(0.05)
        return self.errors == before


async def test_every_user_may_do_what_it_must_and_no_more(tmp_path: Path) -> None:
    allowed = {
        "dppapp": ["referral.dppapp.submitted.v1", "$JS.API.CONSUMER.MSG.NEXT.RECEIPTS.agency-dppapp"],
        "placement": ["case.placement.offered.v1", "shelter.availability_changed.v1", "$JS.API.CONSUMER.MSG.NEXT.CASES.placement-main"],
        "intake": ["case.intake.reported.v1.urgent", "receipt.dppapp.accepted.v1", "agency.dppapp.opened.v1", "$JS.API.STREAM.MSG.DELETE.REFERRALS"],
        "provisioner": ["$JS.API.STREAM.CREATE.CASES"],
    }
    forbidden = {
        "dppapp": [
            "referral.dinsos.submitted.v1", "receipt.dppapp.accepted.v1", "case.intake.closed.v1", "agency.dppapp.opened.v1", "$JS.API.STREAM.INFO.CASES",
            "$JS.API.CONSUMER.MSG.NEXT.CASES.intake-main", "$JS.API.CONSUMER.MSG.NEXT.RECEIPTS.agency-dinsos", "$JS.API.CONSUMER.CREATE.RECEIPTS.x",
            "$JS.API.STREAM.DELETE.CASES", "$JS.API.STREAM.MSG.GET.CASES", "$JS.API.DIRECT.GET.AGENCIES",
        ],
        "placement": ["case.intake.closed.v1", "referral.dppapp.submitted.v1", "$JS.API.STREAM.DELETE.CASES", "$JS.API.CONSUMER.MSG.NEXT.REFERRALS.intake-main"],
        "provisioner": ["case.intake.closed.v1", "referral.dppapp.submitted.v1"],
    }  # fmt: skip
    readable = {"dppapp": (["receipt.dppapp.>", "agency.dppapp.>"], ["receipt.dinsos.>", "agency.>", "case.>", "referral.>", ">", "_INBOX_dinsos.>"])}
    with Nats(tmp_path / "n", authorization(PASSWORDS, ["dppapp", "dinsos"])) as server:
        async with Asker(server.url, "provisioner") as owner:
            await provision(owner.client.jetstream(), ["dppapp", "dinsos"])
        for user, subjects in allowed.items():
            async with Asker(server.url, user) as asker:
                assert [subject for subject in subjects if not await asker.may_publish(subject)] == [], user
        for user, subjects in forbidden.items():
            async with Asker(server.url, user) as asker:
                assert [subject for subject in subjects if await asker.may_publish(subject)] == [], user
        for user, (yes, no) in readable.items():
            async with Asker(server.url, user) as asker:
                assert [subject for subject in yes if not await asker.may_subscribe(subject)] == []
                assert [subject for subject in no if await asker.may_subscribe(subject)] == []
