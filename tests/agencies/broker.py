"""A real broker with the roster of a platform, and connections to it that note what became of them."""

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import nats
import structlog
from nats.aio.client import Client
from ops.agency_keeper import Place
from ops.nats_users import KEEPER, PROVISIONER, SERVICES
from ops.provision import provision
from ops.servers import Nats
from ops.tls import Certificate
from typer.testing import CliRunner, Result

from ops import cli

PASSWORDS = dict.fromkeys((*SERVICES, PROVISIONER, KEEPER), "password")


class Deployment:
    """A broker below a data folder, as `naungan up` keeps it, and what commands and users do to it."""

    def __init__(self, data: Path, agencies: Sequence[str], certificate: Certificate | None = None) -> None:
        self.data = data
        (data / "secrets.json").write_text(json.dumps({"passwords": PASSWORDS}))
        self.agencies = agencies
        self.certificate = certificate
        self.server = Nats(data / "nats", self.users, certificate=certificate)
        self.ended: list[str] = []
        self.clients: list[Client] = []

    def users(self) -> str:
        self.server.remembered.keep(port=self.server.port, ca=str(self.certificate.ca) if self.certificate else None)
        place = Place.of(self.data)
        place.book.begin(dict.fromkeys(self.agencies, "password"))
        return place.configuration()

    async def naungan(self, *arguments: str) -> Result:
        """A command of the operator's, in a process's stead."""
        return await asyncio.to_thread(CliRunner(env={"COLUMNS": "300"}).invoke, cli.app, [*arguments, "--data", str(self.data)])

    async def join(self, user: str, name: str = "", **more: Any) -> Client:
        """A connection that is not made again when it ends; `name` is under which its end is noted."""

        async def note() -> None:
            self.ended.append(name or user)

        async def quiet(_error: Exception) -> None:
            return

        told: dict[str, Any] = {"user": user, "password": "password"} if "nkeys_seed_str" not in more else {}
        if self.certificate is not None:
            told["tls"] = ssl.create_default_context(cafile=str(self.certificate.ca))
        client = await nats.connect(
            self.server.url,
            inbox_prefix=f"_INBOX_{user.partition('.')[0]}",
            allow_reconnect=False,
            disconnected_cb=note,
            error_cb=quiet,
            **(told | more),
        )
        self.clients.append(client)
        return client

    async def provision(self) -> None:
        """Make what the provisioner makes for whoever is on the roster."""
        client = await self.join(PROVISIONER)
        await provision(client.jetstream(), json.loads((self.data / "agencies" / "codes.json").read_text()))

    async def gone(self, client: Client) -> None:
        """Wait until the server has ended a connection."""
        async with asyncio.timeout(10):
            while client.is_connected:
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def deployment(data: Path, *agencies: str, certificate: Certificate | None = None) -> AsyncIterator[Deployment]:
    """A broker with streams and durables, on whose roster these agencies are."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found = Deployment(data, agencies, certificate)
    with found.server:
        await found.provision()
        try:
            yield found
        finally:
            for client in found.clients:
                await client.close()
            structlog.reset_defaults()


async def acknowledged(client: Client, agency: str, body: bytes = b"{}") -> bool:
    """Whether the broker takes a referral of an agency."""
    answer = await client.request(f"referral.{agency}.submitted.v1", body, timeout=5)
    return b'"seq"' in answer.data and b'"error"' not in answer.data
