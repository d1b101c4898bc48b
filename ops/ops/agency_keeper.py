"""The keeper of who may come in: writes what the brokers read of the roster, has them reload it, tells the services whose access has ended, and
ends credentials whose time is over.

A reload drops nobody's connection but that of whom it lets in no more. Embedded it is a task of `naungan up`, in compose a process of its own.
"""

import asyncio
import contextlib
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import nats
import structlog
from chassis import logs
from contracts.access import AccessListed, AgencyRate
from nats.aio.client import Client
from nats.js.errors import NoStreamResponseError, NotFoundError

from ops.agencies import Book, logins, shut_out
from ops.edge import hub
from ops.nats_users import KEEPER, PROVISIONER, accounts
from ops.processes import Remembered

log = structlog.get_logger()

EVERY = 2.0
SAY_AGAIN_EVERY = 30.0  # seconds until it is looked whether the services are told what holds: a stream may be lost
SILENCE = 0.5  # seconds after which every broker that is there has answered
PATIENCE = 5.0
AWAY = (OSError, TimeoutError, nats.errors.Error)


class ReloadError(Exception):
    """A broker did not take the new configuration, and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment keeps its roster, where its brokers read who may come in, and how they are told to read it again."""

    book: Book
    users: Path
    passwords: Path
    nats: str
    ca: Path | None = None

    @staticmethod
    def of(data: Path) -> "Place":
        """The place of the embedded platform below `data`, or that which the environment names. Raises LookupError when there is none."""
        told = os.environ
        if "AGENCIES_FOLDER" in told:
            ca = told.get("NATS_CA_FILE")
            return Place(
                Book(Path(told["AGENCIES_FOLDER"]), Path(told["AGENCIES_FILE"]).parent),
                Path(told["NATS_USERS_FILE"]),
                Path(told["NATS_PASSWORDS_FILE"]),
                told["NATS_URL"],
                Path(ca) if ca else None,
            )
        facts = Remembered(data / "nats").facts if (data / "nats" / "server.json").exists() else {}
        if not (data / "secrets.json").exists() or "port" not in facts:
            message = f"no platform below {data}, and AGENCIES_FOLDER is not set"
            raise LookupError(message)
        ca = facts.get("ca")
        url = f"{'tls' if ca else 'nats'}://127.0.0.1:{facts['port']}"
        return Place(Book(data / "agencies"), data / "nats" / "users.conf", data / "secrets.json", url, Path(ca) if ca else None)

    def told(self) -> Mapping[str, str]:
        """The passwords of the platform's own users."""
        passwords: dict[str, str] = json.loads(self.passwords.read_text())["passwords"]
        return passwords

    def configuration(self) -> str:
        """What the brokers are told as of now."""
        told = self.told()
        return accounts(told, logins(self.book.read(), datetime.now(UTC)), hub.known(told))

    def access(self) -> AccessListed:
        """What the services are told as of now."""
        rates = tuple(AgencyRate(agency=agency, per_minute=rate) for agency, rate in sorted(self.book.rates().items()))
        return AccessListed(ended=tuple(shut_out(self.book.read(), datetime.now(UTC))), rates=rates)

    def write(self) -> str:
        """Write that where the brokers read it, in one piece; what was written."""
        wanted = self.configuration()
        part = self.users.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(wanted)
        part.replace(self.users)
        return wanted


async def reload(place: Place) -> int:
    """Have every broker read again who may come in; how many did. Raises ReloadError when one refuses, and what nats-py raises when none answers."""
    client = await connected(place)
    try:
        brokers = await _brokers(client)
        for broker in brokers:
            # The accounts of a reload are joined to the others' exports by the next one only: until then a new agency is in and reaches nothing.
            for _ in range(2):
                answer = json.loads((await client.request(f"$SYS.REQ.SERVER.{broker}.RELOAD", b"", timeout=PATIENCE)).data)
                if "error" in answer:
                    message = f"a broker does not take the new configuration: {answer['error'].get('description', answer['error'])}"
                    raise ReloadError(message)
        return len(brokers)
    finally:
        await client.close()


async def say(place: Place) -> AccessListed:
    """Tell every replica of every service whose access has ended, unless that is what they were told last; what was told."""
    told = place.access()
    client = await connected(place, PROVISIONER)
    try:
        js = client.jetstream(timeout=PATIENCE)
        try:
            last = AccessListed.model_validate_json((await js.get_last_msg(told.stream, told.route)).data or b"")
        except (NotFoundError, ValueError):
            last = None
        if last != told:
            await js.publish(told.route, told.model_dump_json().encode(), headers={"ce-type": told.type, "ce-specversion": "1.0"})
        return told
    finally:
        await client.close()


async def connected(place: Place, user: str = KEEPER) -> Client:
    """A connection as the keeper, which may have brokers reload and nothing else, or as the provisioner, whose word on access is the services'."""

    async def quiet(_error: Exception) -> None:
        return

    return await nats.connect(
        place.nats.split(","),
        user=user,
        password=place.told()[user],
        inbox_prefix=f"_INBOX_{user}",
        allow_reconnect=False,
        connect_timeout=2,
        error_cb=quiet,
        tls=ssl.create_default_context(cafile=str(place.ca)) if place.ca else None,
    )


async def _brokers(client: Client) -> list[str]:
    """The ids of all brokers that are there."""
    found: list[str] = []
    inbox = client.new_inbox()
    answers = await client.subscribe(inbox)
    await client.publish("$SYS.REQ.SERVER.PING", b"", reply=inbox)
    with contextlib.suppress(TimeoutError):
        while True:
            found.append(json.loads((await answers.next_msg(timeout=SILENCE if found else PATIENCE)).data)["server"]["id"])
    await answers.unsubscribe()
    return found


async def apply(place: Place) -> str:
    """Write what the roster says and have the brokers take it; in words, what became of it."""
    place.write()
    try:
        count = await reload(place)
        await say(place)
    except AWAY as error:
        return f"the brokers do not answer ({type(error).__name__}): it holds from their start on"
    return f"{count} broker{'s' if count > 1 else ''} took it, and the services are told"


async def keep(place: Place, every: float = EVERY) -> None:
    """Until cancelled: whatever changes in the roster, by a command or by time, reaches the brokers."""
    taken, told, at = "", None, 0.0
    me = asyncio.current_task()
    # nats-py's close and the wait_for of Python 3.11 swallow a cancellation that comes as what they wait for is done.
    while not (me and me.cancelling()):
        try:
            place.book.sweep()
            wanted = place.configuration()
            if wanted != taken:
                place.write()
                await reload(place)
                if taken:
                    log.info("users_changed")
                taken = wanted
            if place.access() != told or monotonic() - at > SAY_AGAIN_EVERY:
                told, at = await say(place), monotonic()
        except NoStreamResponseError:
            told = None  # the provisioner has yet to make the stream: said as soon as it is there
        except ReloadError as error:
            log.error("users_refused", reason=str(error))
        except (*AWAY, ValueError) as error:
            log.warning("users_wait", error=type(error).__name__)
        await asyncio.sleep(every)


def main() -> None:
    """Run as a process, told by AGENCIES_FOLDER, AGENCIES_FILE, NATS_USERS_FILE, NATS_PASSWORDS_FILE, NATS_URL and NATS_CA_FILE."""
    logs.configure(os.environ.get("LOG_LEVEL", "info"), "agencies")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(keep(Place.of(Path())))


if __name__ == "__main__":
    main()
