"""`naungan agency revoke` ends an agency's access over HTTP too: in every replica of every service, for what streams and what is sent, at once and without a
restart; nobody else notices, and `add` lets it in again. The broker and the command are real, and the services have no more rights there than their own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from contracts import agencies
from contracts.streams import SERVICES

from tests.agencies.broker import Deployment, deployment
from tests.notifications.receivers import Receiver
from tests.notifications.subscribers import HERE, subscribe, until_logged
from tests.notifications.test_service_live import listening, served
from tests.rig import Issuer, Rig, Templates
from tests.servers import Servers

# A route that an agency's system or officer may ask, in each service.
ASKS = {
    "intake": ("/feed", "agency_system"),
    "placement": ("/waiting", "supervisor"),
    "assessment": ("/services", "agency_system"),
    "notifications": ("/inbox", "intake_officer"),
}
PATIENCE = 8.0


@contextlib.asynccontextmanager
async def platform(folder: Path, servers: Servers, templates: Templates, issuer: Issuer) -> AsyncIterator[tuple[Deployment, Rig]]:
    """All services twice, at the doors of a broker on whose roster two agencies are."""
    async with deployment(folder, "dppapp", "dinsos") as broker:
        rig = Rig(Servers("embedded", servers.postgres, broker.server.url), templates, issuer, 0, folder)
        try:
            for name in SERVICES:
                store, keys = await templates.copy(name), await templates.empty()
                more = HERE if name == "notifications" else {}
                rig.add(name, rig.settings(name, store, keys, nats_user=name, nats_password="password", **more))
                await rig.services[name].start()
            for name in SERVICES:
                await rig.add(f"{name}-2", rig.services[name].settings).start()
            await rig.until(rig._bound)
            yield broker, rig
        finally:
            await rig.stop()
            await templates.drop()


async def asked(rig: Rig, agency: str) -> set[int]:
    """What all replicas answer an agency."""
    found: set[int] = set()
    for name in rig.services:
        path, role = ASKS[name.partition("-")[0]]
        found.add((await rig.get(name, path, role=role, agency=agency)).status_code)
    return found


async def until_answered(rig: Rig, agency: str, status: int) -> None:
    async def everywhere() -> bool:
        return await asked(rig, agency) == {status}

    await rig.until(everywhere, PATIENCE)


@pytest.mark.servers
async def test_an_agency_that_is_revoked_is_out_everywhere_and_comes_in_again(
    tmp_path: Path, real_servers: Servers, templates: Templates, issuer: Issuer
) -> None:
    async with platform(tmp_path, real_servers, templates, issuer) as (broker, rig), served(rig, "intake-2") as url:
        assert await asked(rig, "dinsos") == await asked(rig, "dppapp") == {200}
        hook = Receiver(200)
        mine = await subscribe(rig, hook.url, "dinsos")
        others = await subscribe(rig, hook.url, "dppapp")
        async with listening(rig, url, "/feed/events", role="agency_system", agency="dinsos") as live:
            assert "the services are told" in (await broker.naungan("agency", "revoke", "dinsos")).output
            async with asyncio.timeout(PATIENCE):
                assert [event async for event in live] == [], "what streams ends"
        await until_answered(rig, "dinsos", 403)
        refused = (await rig.get("intake-2", "/feed", role="agency_system", agency="dinsos")).json()
        assert refused["errors"] == [{"field": "agency", "code": "access_ended"}]
        assert await asked(rig, "dppapp") == {200}

        async def stopped() -> bool:
            rows = await rig.sql("notifications", "SELECT agency, state FROM subscription")
            return {row.agency: row.state for row in rows} == {"dinsos": "disabled", "dppapp": "active"}

        await rig.until(stopped, PATIENCE)
        client = await broker.join("intake")
        rig._nats = client
        for agency in ("dinsos", "dppapp"):
            await rig.say(agencies.CaseTriaged(agency=agency, city="31.71", risk="high", responsible="dppapp"), subject=uuid4())
        await until_logged(rig, others, state="delivered")
        assert len(hook.got) == 1
        operator = {"role": "operator", "agency": "dppapp"}
        assert (await rig.post("notifications", f"/subscriptions/{mine['id']}/enable", **operator)).status_code == 409

        assert (await broker.naungan("agency", "add", "dinsos", "--password")).exit_code == 0
        await until_answered(rig, "dinsos", 200)
        assert (await rig.post("notifications", f"/subscriptions/{mine['id']}/enable", role="agency_system", agency="dinsos")).status_code == 200
        await until_logged(rig, mine, state="delivered")
        assert len(hook.got) == 2
        rig._nats = None
        hook.server.shutdown()
        hook.server.server_close()


@pytest.mark.servers
async def test_one_credential_of_two_ends_nothing_over_http_and_a_broker_that_is_away_lets_nobody_in_who_was_out(
    tmp_path: Path, real_servers: Servers, templates: Templates, issuer: Issuer
) -> None:
    async with platform(tmp_path, real_servers, templates, issuer) as (broker, rig):
        await broker.naungan("agency", "rotate", "dppapp")
        await broker.naungan("agency", "revoke", "dppapp", "--credential", "1")
        await broker.naungan("agency", "revoke", "dinsos")
        await until_answered(rig, "dinsos", 403)
        assert await asked(rig, "dppapp") == {200}
        broker.server.stop()
        await asyncio.sleep(0.5)
        assert await asked(rig, "dinsos") == {403}
        assert await asked(rig, "dppapp") == {200}
        broker.server.start()
        await rig.services["intake"].stop()
        await rig.add("intake", rig.services["intake"].settings).start()  # a new process knows nothing but what it is told
        await until_answered(rig, "dinsos", 403)
