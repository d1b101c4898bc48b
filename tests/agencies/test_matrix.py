"""Every user, every subject, every call of JetStream, against the real server: nothing forbidden is allowed, nothing allowed refused.

What a user should be allowed stands in `design.py`. Calls carry a body that no call takes, so that what is allowed changes nothing.
"""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from contracts.catalogue import BY_TYPE
from nats.aio.client import Client
from ops.edge import hub
from ops.nats_users import authorization
from ops.provision import provision
from ops.servers import Nats

from tests.agencies.design import AGENCIES, DURABLES, SERVICES, STREAMS, USERS, may_publish, may_subscribe

BODY = b"{not json"
STREAM_CALLS = (
    "INFO", "CREATE", "UPDATE", "DELETE", "PURGE", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE", "LEADER.STEPDOWN", "PEER.REMOVE",
)  # fmt: skip
CONSUMER_CALLS = ("CREATE", "DURABLE.CREATE", "INFO", "DELETE", "MSG.NEXT", "PAUSE", "RESET", "UNPIN", "LEADER.STEPDOWN")
OTHERS = (
    "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.TEMPLATE.CREATE.x", "$JS.API.META.LEADER.STEPDOWN", "$JS.API.SERVER.REMOVE",
    "$JS.API.ACCOUNT.PURGE.NAUNGAN", "$JS.API.ACCOUNT.STREAM.MOVE.NAUNGAN.CASES", "$JS.API.STREAM.CREATE.mine", "$JS.API.STREAM.CREATE.KV_mine",
    "$JS.EVENT.ADVISORY.x", "$KV.settings.x", "$O.files.x", "$MQTT.sub.x", "$SRV.PING", "_R_.x.y", "$GR.x", "anything", "nobody.answers",
    "$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.SERVER.NONE.RELOAD", "$SYS.REQ.SERVER.NONE.KICK", "$SYS.REQ.SERVER.NONE.LDM",
    "$SYS.REQ.SERVER.NONE.VARZ", "$SYS.REQ.USER.INFO", "$SYS.REQ.ACCOUNT.PING.CONNZ", "$SYS.REQ.ACCOUNT.NAUNGAN.CONNZ", "$SYS.REQ.CLAIMS.UPDATE", "$SYS.DEBUG.SUBSCRIBERS",
)  # fmt: skip
WATCHED = (
    ">", "*", "*.>", "case.>", "shelter.>", "referral.>", "receipt.>", "receipt.*.accepted.v1", "agency.>", "agency.*.opened.v1", "audit.>", "public.>",
    "handover.>", "handover.notifications.contact_given.v1", "_INBOX.>", "*.one.two", "$JS.>", "$JS.API.>", "$JS.ACK.>", "$JS.EVENT.ADVISORY.>", "$JS.FC.>",
    "$SYS.>", "$SYS.ACCOUNT.>", "$KV.>", "$O.>", "$MQTT.>", "_R_.>", "nobody.answers",
    "feed.>", "feed.*.*", "feed.*.replay", *(f"feed.{agency}.replay" for agency in AGENCIES),
    "access.>", "access.listed.v1", "edged.>", "edged.dinsos.kemayoran", *(f"{kind}.{agency}.>" for kind in ("referral", "receipt", "agency") for agency in AGENCIES),
    *(f"_INBOX_{user}.>" for user in USERS), *(f"_INBOX_{user}.one.two" for user in USERS), *(f"case.{service}.>" for service in SERVICES),
)  # fmt: skip


def subjects() -> list[str]:
    """Everything that somebody could publish: what every event travels on, every call for every stream and consumer, and what the server has besides."""
    asked = [f"feed.{agency}.{what}" for agency in (*AGENCIES, "nobody") for what in ("replay", "replay.x", "snapshot")]
    return list(dict.fromkeys([*_events(), *_streams(), *_consumers(), *OTHERS, *asked, *(f"_INBOX_{user}.x" for user in USERS)]))


def _events() -> Iterator[str]:
    for event in BY_TYPE.values():
        for route in event.filters():
            for agency in AGENCIES:
                yield route.replace("*", agency)


def _streams() -> Iterator[str]:
    for call, stream in itertools.product(STREAM_CALLS, STREAMS):
        yield f"$JS.API.STREAM.{call}.{stream}"
    for stream in STREAMS:
        yield from (f"$JS.API.DIRECT.GET.{stream}", f"$JS.API.DIRECT.GET.{stream}.receipt.dinsos.accepted.v1")
        yield from (f"$JS.API.CONSUMER.NAMES.{stream}", f"$JS.API.CONSUMER.LIST.{stream}", f"$JS.API.CONSUMER.CREATE.{stream}")


def _consumers() -> Iterator[str]:
    for stream, name in itertools.product(STREAMS, [*sorted({name for _, name in DURABLES}), "watch-somebody-0123456789ab"]):
        for call in CONSUMER_CALLS:
            yield f"$JS.API.CONSUMER.{call}.{stream}.{name}"
        yield f"$JS.API.CONSUMER.CREATE.{stream}.{name}.receipt.dinsos.>"
        yield from (f"$JS.ACK.{stream}.{name}.1.1.1.1.1", f"$JS.FC.{stream}.{name}.x")


class Asker:
    """One user's connection, and what the server refused it."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    async def join(self, url: str, user: str) -> Client:
        return await nats.connect(
            url, user=user, password="password", inbox_prefix=f"_INBOX_{user}", error_cb=self.note, allow_reconnect=False, max_outstanding_pings=9
        )

    async def answered(self, client: Client) -> set[str]:
        """What was refused since, after all answers have come: they come in order, and nobody may do the last."""
        await client.publish("the.last", b"")
        async with asyncio.timeout(20):
            while "the.last" not in self.refused:
                await asyncio.sleep(0.01)
        found, self.refused = set(self.refused), []
        return found

    async def note(self, error: Exception) -> None:
        assert "permissions violation" in str(error).lower(), error
        self.refused.append(str(error).split('"')[1])  # in small letters, as nats-py has it


@pytest.fixture
async def broker(tmp_path: Path) -> Nats:
    users = authorization(dict.fromkeys(USERS, "password"), AGENCIES, hub.known(USERS))
    with Nats(tmp_path / "n", users) as server:
        client = await Asker().join(server.url, "provisioner")
        await provision(client.jetstream(), AGENCIES, sites=hub.known(USERS))
        await client.close()
        yield server


async def test_nothing_forbidden_is_allowed_and_nothing_allowed_is_refused(broker: Nats) -> None:
    asked, wrong = 0, []
    for user in USERS:
        asker = Asker()
        client = await asker.join(broker.url, user)
        for subject in subjects():
            await client.publish(subject, BODY)
        published = await asker.answered(client)
        for subject in WATCHED:
            await client.subscribe(subject)
            await client.subscribe(subject, queue="others")
        heard = await asker.answered(client)
        await client.close()
        for subject in subjects():
            asked += 1
            if (subject.lower() not in published) != may_publish(user, subject):
                wrong.append((user, "publish", subject, "allowed" if subject.lower() not in published else "refused"))
        for subject in WATCHED:
            asked += 1
            if (subject.lower() not in heard) != may_subscribe(user, subject):
                wrong.append((user, "subscribe", subject, "allowed" if subject.lower() not in heard else "refused"))
    print(f"{asked} asked, {len(wrong)} wrong")
    assert wrong == []
    assert asked > 9000


async def test_the_streams_and_durables_that_the_design_names_are_those_there_are(broker: Nats) -> None:
    client = await Asker().join(broker.url, "provisioner")
    js = client.jetstream()
    found = {(stream, info.name) for stream in STREAMS for info in await js.consumers_info(stream)}
    assert {info.config.name for info in await js.streams_info()} == set(STREAMS)
    await client.close()
    assert found == DURABLES
