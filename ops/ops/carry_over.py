"""Carries what a broker held before there were accounts into the platform's account: every stream as it is, and how far each durable was.

Such a broker kept everything under an account without a name (`$G`). What it stored is sealed by a key that hangs on the account's name, so that no
folder can simply be moved: one broker gives each stream out as it stands, a second one takes it in under its own account, with the same sequences, times
and acknowledgements. Nobody else reaches either of them. Only when all of it is there does it take the place of the old one (decision 31).
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
import structlog
from chassis import logs
from nats.aio.client import Client

from ops.nats_users import HUB
from ops.processes import PATIENCE, free_port, leashed
from ops.servers import nats_server

log = structlog.get_logger()

BEFORE = "$G"
CHUNK = 128 * 1024


class CarryError(Exception):
    """Why what the broker held before is not carried over; nothing was changed then."""


@dataclass(frozen=True, slots=True)
class Carried:
    """How many messages and durables each stream had."""

    streams: dict[str, tuple[int, int]]


def awaited(store: Path) -> bool:
    """Whether a broker's store has something to carry over, or began to."""
    return any((store / "jetstream" / BEFORE / "streams").glob("*")) or (store / "carrying").exists()


def leave(store: Path) -> Path:
    """Put what the broker held before aside, unread. Raises CarryError when there is nothing."""
    old, aside = store / "jetstream" / BEFORE, store / "left-behind"
    if not old.exists() or aside.exists():
        message = f"nothing to leave behind in {store}, or {aside} is there already"
        raise CarryError(message)
    old.rename(aside)
    return aside


async def carry_over(store: Path, key: str) -> Carried | None:
    """Carry over what a stopped broker's `store` (its `store_dir`) holds from before there were accounts; None when there is nothing.

    Killed at any moment and begun again it ends the same. Raises CarryError when it cannot be done whole.
    """
    carrying, old, new = store / "carrying", store / "jetstream" / BEFORE, store / "jetstream" / HUB
    if (carrying / "complete").exists():
        return _take_the_place(store)
    shutil.rmtree(carrying, ignore_errors=True)
    if not any((old / "streams").glob("*")):
        return None
    if any((new / "streams").glob("*")):
        message = f"both {old} and {new} hold streams, and only one of them can be the platform's: leave the first behind"
        raise CarryError(message)
    if (store / "jetstream" / "$SYS" / "_js_").exists():
        message = "this broker was one of a cluster, and its streams are not its alone: see 'An upgrade from a release before' in docs/operations.md"
        raise CarryError(message)
    carrying.mkdir(mode=0o700)
    found: dict[str, tuple[int, int]] = {}
    async with broker(store, key, carrying, "") as giving, broker(carrying, key, carrying, HUB) as taking:
        opened = {str(info.config.name) for info in await giving.jetstream().streams_info()}
        # With another key it starts all the same, and has nothing: the old ones must never be destroyed for that.
        if shut := {path.name for path in (old / "streams").iterdir()} - opened:
            message = f"the broker does not open {', '.join(sorted(shut))}: is this its key?"
            raise CarryError(message)
        for name in sorted(opened):
            found[name] = await _hand_over(giving, taking, name)
            log.info("stream_carried_over", stream=name, messages=found[name][0], durables=found[name][1])
    (carrying / "found").write_text(json.dumps(found))
    os.sync()  # the broker that took it in does not wait for the disk with all of it, and the old store is destroyed after this
    (carrying / "found").rename(carrying / "complete")
    return _take_the_place(store)


def _take_the_place(store: Path) -> Carried:
    """Put the whole copy where the broker looks for it, and then destroy the old one; each step may have been done already."""
    carrying = store / "carrying"
    found = json.loads((carrying / "complete").read_text())
    made = carrying / "jetstream" / HUB
    if made.exists():
        # A start without this, which a broker that cannot open everything never gets further than, leaves an account without streams.
        shutil.rmtree(store / "jetstream" / HUB, ignore_errors=True)
        made.rename(store / "jetstream" / HUB)
    os.sync()
    shutil.rmtree(store / "jetstream" / BEFORE, ignore_errors=True)
    shutil.rmtree(carrying)
    return Carried({name: (messages, durables) for name, (messages, durables) in found.items()})


async def _hand_over(giving: Client, taking: Client, stream: str) -> tuple[int, int]:
    """Give one stream out and take it in; how many messages and durables it has. Raises CarryError when the copy is not the same."""
    inbox = giving.new_inbox()
    chunks = await giving.subscribe(inbox)
    asked = {"deliver_subject": inbox, "chunk_size": CHUNK, "no_consumers": False, "jsck": True}
    begun = await _call(giving, f"$JS.API.STREAM.SNAPSHOT.{stream}", asked)
    target = (await _call(taking, f"$JS.API.STREAM.RESTORE.{stream}", {"config": begun["config"], "state": begun["state"]}))["deliver_subject"]
    while (chunk := await chunks.next_msg(timeout=PATIENCE)).data:
        await taking.request(target, chunk.data, timeout=PATIENCE)
        if chunk.reply:
            await giving.publish(chunk.reply, b"")
    status = (chunk.headers or {}).get("Status", "204")
    if status not in {"204", "200"}:
        message = f"{stream} was not given out whole: {chunk.headers}"
        raise CarryError(message)
    ended = json.loads((await taking.request(target, b"", timeout=PATIENCE)).data)
    before, after = await _standing(giving, stream), await _standing(taking, stream)
    if "error" in ended or before != after:
        message = f"the copy of {stream} is not the same: {ended.get('error', after)}, and it was {before}"
        raise CarryError(message)
    await chunks.unsubscribe()
    return int(before["messages"]), len(before["durables"])


async def _standing(client: Client, stream: str) -> dict[str, Any]:
    """What must be the same of a stream and its copy."""
    js = client.jetstream()
    state = (await js.stream_info(stream)).state
    durables = [info for info in await js.consumers_info(stream) if info.config.durable_name]
    # What is before the first message was done with by everybody: a durable that was never asked begins there too once it is restored.
    begins = state.first_seq - 1
    return {
        "messages": state.messages,
        "first": state.first_seq if state.messages else None,
        "last": state.last_seq,
        "durables": {
            str(info.name): (max(begins, info.ack_floor.stream_seq if info.ack_floor else 0), info.num_pending, info.num_ack_pending)
            for info in durables
        },
    }


async def _call(client: Client, subject: str, question: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((await client.request(subject, json.dumps(question).encode(), timeout=PATIENCE)).data)
    if "error" in answer:
        message = f"{subject}: {answer['error'].get('description', answer['error'])}"
        raise CarryError(message)
    return answer


@contextlib.asynccontextmanager
async def broker(store: Path, key: str, folder: Path, account: str) -> AsyncIterator[Client]:
    """A broker on this store, with one account or as it was without any, that only we reach; its files lie in `folder`."""
    port, password, name = free_port(), secrets.token_urlsafe(24), account or "before"
    user = f'{{ user: "carrier", password: "{password}" }}'
    users = f"accounts {{ {account} {{ jetstream: enabled, users: [{user}] }} }}" if account else f"authorization {{ users: [{user}] }}"
    config = folder / f"{name}.conf"
    config.touch(mode=0o600)
    config.write_text(
        f'server_name: carrying\nlisten: "127.0.0.1:{port}"\nmax_payload: 8MB\n'
        f'jetstream {{ store_dir: "{store}", sync_interval: always, cipher: chacha, key: "{key}", max_file: 900T }}\n{users}\n'
    )
    process = leashed([nats_server(), "-c", str(config)], folder / f"{name}.log", signal.SIGKILL)  # who begins again is to find nobody on the store
    try:
        client = await _connected(port, password)
        try:
            yield client
        finally:
            await client.close()
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, PATIENCE)


async def _connected(port: int, password: str) -> Client:
    """A connection, once JetStream has opened what is stored. Raises CarryError when it does not."""
    deadline = time.monotonic() + PATIENCE

    async def quiet(_error: Exception) -> None:
        return

    while True:
        client = None
        try:
            client = await nats.connect(f"nats://127.0.0.1:{port}", user="carrier", password=password, allow_reconnect=False, error_cb=quiet)
            await client.jetstream().account_info()
        except (OSError, nats.errors.Error) as error:
            if client is not None:
                await client.close()
            if time.monotonic() > deadline:
                message = f"the broker does not open what it stored: {type(error).__name__}"
                raise CarryError(message) from error
            await asyncio.sleep(0.05)
        else:
            return client


def _refuse_beside(address: str) -> None:
    """Raise CarryError while a broker answers there: two on one store destroy it."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return
    message = "the broker of the release before still runs on this store: docker compose stop nats, and up again"
    raise CarryError(message)


def main() -> None:
    """Run once before the brokers, told by NATS_STORES (their `store_dir`s, with commas), NATS_KEY_FILE and NATS_BROKER; `--leave` puts aside what they hold instead.

    Ends with 1, having changed nothing, where it cannot be done.
    """
    logs.configure(os.environ.get("LOG_LEVEL", "info"), "carry")
    stores = [store for store in map(Path, os.environ["NATS_STORES"].split(",")) if awaited(store)]
    try:
        for store in stores:
            _refuse_beside(os.environ["NATS_BROKER"])
            if "--leave" in sys.argv[1:]:
                log.warning("left_behind", folder=str(leave(store)))
            else:
                asyncio.run(carry_over(store, Path(os.environ["NATS_KEY_FILE"]).read_text().strip()))
    except CarryError as error:
        log.error("not_carried_over", reason=str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
