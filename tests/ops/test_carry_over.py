"""What a broker held before there were accounts goes over into the platform's: nothing lost, nothing twice, and each durable goes on where it was."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from ops.carry_over import CarryError, awaited, carry_over, leave
from ops.nats_users import authorization
from ops.processes import Remembered
from ops.provision import provision
from ops.servers import Nats

pytestmark = pytest.mark.servers
AGENCIES = ("dppapp", "dinsos")
USERS = ("intake", "placement", "assessment", "notifications", "provisioner", *AGENCIES)
PASSWORDS = dict.fromkeys(USERS, "password")
# As the release before accounts told its broker: everybody in one account without a name.
EARLIER = "authorization { users = [ " + ", ".join(f'{{ user: "{user}", password: "password" }}' for user in USERS) + " ] }\n"


async def joined(server: Nats, user: str) -> Client:
    """A connection of somebody."""
    return await nats.connect(server.url, user=user, password="password", inbox_prefix=f"_INBOX_{user}", allow_reconnect=False)


async def some_life(folder: Path, cases: int = 400) -> dict[str, Any]:
    """A broker of the release before with streams, durables and messages, some of which were read; what there is to be afterwards."""
    with Nats(folder, EARLIER) as server:
        client = await joined(server, "provisioner")
        js = client.jetstream()
        await provision(js, AGENCIES)
        for number in range(cases):
            await js.publish("case.intake.closed.v1", f"{number}".encode() * 100, headers={"Nats-Msg-Id": f"c{number}", "ce-id": f"c{number}"})
        for number in range(5):
            await js.publish("referral.dinsos.submitted.v1", json.dumps({"reference": f"D-{number}"}).encode())
            await js.publish("receipt.dinsos.accepted.v1", b"{}", headers={"Nats-Msg-Id": f"r{number}"})
        pull = await js.pull_subscribe_bind("placement-main", "CASES")
        first = await pull.fetch(100, timeout=5)
        # Not in the order in which they came, and ten are in somebody's hand.
        for message in [*first[:50], *first[60:]]:
            await message.ack_sync()
        (taken,) = await (await js.pull_subscribe_bind("agency-dinsos", "RECEIPTS")).fetch(1, timeout=5)
        await taken.ack_sync()
        (read,) = await (await js.pull_subscribe_bind("intake-main", "REFERRALS")).fetch(1, timeout=5)
        await js.delete_msg("REFERRALS", read.metadata.sequence.stream)
        await read.ack_sync()
        kept = await js.get_msg("REFERRALS", 3)
        await client.close()
        return {"unread": {f"c{number}" for number in range(cases)} - {f"c{number}" for number in (*range(50), *range(60, 100))}, "third": kept}


async def read_all(js: Any, durable: str, stream: str) -> list[Any]:
    """All that a durable still gives."""
    pull, found = await js.pull_subscribe_bind(durable, stream), []
    info = await js.consumer_info(stream, durable)
    async with asyncio.timeout(20):
        while len(found) < info.num_pending + info.num_ack_pending:
            for message in await pull.fetch(100, timeout=5):
                found.append(message)
                await message.ack_sync()
    return found


async def went_over(folder: Path, life: dict[str, Any]) -> None:
    """In the platform's account everything is as it was, and the provisioner has nothing to make anew."""
    with Nats(folder, lambda: authorization(PASSWORDS, AGENCIES)) as server:
        owner = await joined(server, "provisioner")
        js = owner.jetstream()
        before = {info.config.name: (info.state.messages, info.state.last_seq) for info in await js.streams_info()}
        assert (before["CASES"], before["REFERRALS"], before["RECEIPTS"]) == ((400, 400), (4, 5), (5, 5))
        await provision(js, AGENCIES)
        third = await js.get_msg("REFERRALS", 3)
        assert (third.data, third.time) == (life["third"].data, life["third"].time), "its stored time is what ids are made from"
        placement, dinsos, intake = [await joined(server, user) for user in ("placement", "dinsos", "intake")]
        unread = [message.headers["ce-id"] for message in await read_all(placement.jetstream(), "placement-main", "CASES")]
        assert len(unread) == len(set(unread))
        assert set(unread) == life["unread"]
        assert len(await read_all(dinsos.jetstream(), "agency-dinsos", "RECEIPTS")) == 4, "what an agency acknowledged does not come again"
        again = await intake.jetstream().publish("case.intake.closed.v1", b"again", headers={"Nats-Msg-Id": "c7"})
        assert again.duplicate, "what was sent before is known by its id"
        for client in (owner, placement, dinsos, intake):
            await client.close()
    assert not awaited(folder / "jetstream")


async def carried(folder: Path) -> Any:
    return await carry_over(folder / "jetstream", Remembered(folder).facts["key"])


async def test_everything_goes_over_as_it_was_and_each_durable_goes_on_where_it_was(tmp_path: Path) -> None:
    life = await some_life(tmp_path / "n")
    assert awaited(tmp_path / "n" / "jetstream")
    found = await carried(tmp_path / "n")
    assert found.streams["CASES"][0] == 400
    assert found.streams["REFERRALS"][0] == 4
    await went_over(tmp_path / "n", life)
    assert await carried(tmp_path / "n") is None, "there is nothing more"


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from ops import carry_over

real = getattr(carry_over, sys.argv[3])
def die(*arguments, **more):
    made = real(*arguments, **more) if sys.argv[4] == "after" else None
    os.kill(os.getpid(), signal.SIGKILL)
setattr(carry_over, sys.argv[3], die)
asyncio.run(carry_over.carry_over(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize("at", [("_hand_over", "before"), ("_take_the_place", "before"), ("_take_the_place", "halfway")])
async def test_killed_and_begun_again_it_ends_the_same(tmp_path: Path, at: tuple[str, str]) -> None:
    life = await some_life(tmp_path / "n")
    store, key = tmp_path / "n" / "jetstream", Remembered(tmp_path / "n").facts["key"]
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", KILLED, str(store), key, at[0], "before"], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if at[1] == "halfway":  # renamed, and not cleaned up yet
        (store / "carrying" / "jetstream" / "NAUNGAN").rename(store / "jetstream" / "NAUNGAN")
    await carried(tmp_path / "n")
    await went_over(tmp_path / "n", life)


async def test_a_broker_that_was_started_without_it_is_not_well_and_it_can_be_done_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody works beside what was left: the full health check is bad, and the provisioner makes nothing."""
    life = await some_life(tmp_path / "n")
    monkeypatch.setattr("ops.servers.PATIENCE", 1.0)
    with pytest.raises(RuntimeError, match="did not start"):
        Nats(tmp_path / "n", lambda: authorization(PASSWORDS, AGENCIES)).start()
    monkeypatch.undo()
    await carried(tmp_path / "n")
    await went_over(tmp_path / "n", life)


async def test_where_both_accounts_hold_streams_nothing_is_touched(tmp_path: Path) -> None:
    await some_life(tmp_path / "n", cases=3)
    other = tmp_path / "n" / "jetstream" / "jetstream" / "NAUNGAN" / "streams" / "CASES"
    other.mkdir(parents=True)
    with pytest.raises(CarryError, match="leave the first behind"):
        await carried(tmp_path / "n")
    assert other.exists()
    assert awaited(tmp_path / "n" / "jetstream")


async def test_with_another_key_nothing_is_changed_and_with_the_right_one_it_goes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    life = await some_life(tmp_path / "n")
    monkeypatch.setattr("ops.carry_over.PATIENCE", 3.0)
    with pytest.raises(CarryError):
        await carry_over(tmp_path / "n" / "jetstream", "another key")
    await carried(tmp_path / "n")
    await went_over(tmp_path / "n", life)


async def test_a_broker_of_a_cluster_is_refused_and_can_be_left_behind(tmp_path: Path) -> None:
    await some_life(tmp_path / "n", cases=3)
    store = tmp_path / "n" / "jetstream"
    (store / "jetstream" / "$SYS" / "_js_").mkdir(parents=True)
    with pytest.raises(CarryError, match="cluster"):
        await carried(tmp_path / "n")
    assert (leave(store) / "streams" / "CASES").exists(), "put aside and not destroyed"
    assert not awaited(store)


async def test_the_container_does_it_once_and_not_beside_a_broker_that_runs(tmp_path: Path) -> None:
    life = await some_life(tmp_path / "n")
    (tmp_path / "key").write_text(Remembered(tmp_path / "n").facts["key"])
    told = {"NATS_STORES": str(tmp_path / "n" / "jetstream"), "NATS_KEY_FILE": str(tmp_path / "key"), "PATH": os.environ["PATH"]}

    async def run(address: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ops.carry_over"]
        return await asyncio.to_thread(subprocess.run, command, env=told | {"NATS_BROKER": address}, capture_output=True, text=True, check=False)

    with Nats(tmp_path / "n", EARLIER) as server:
        beside = await run(server.url.removeprefix("nats://"))
        assert (beside.returncode, "docker compose stop nats" in beside.stdout) == (1, True), beside.stdout
    assert (await run(f"127.0.0.1:{server.port}")).returncode == 0
    await went_over(tmp_path / "n", life)
    assert (await run(f"127.0.0.1:{server.port}")).returncode == 0, "there is nothing more to do"
