"""The embedded default: everything on loopback, from a data folder that is kept between runs."""

import asyncio
import fcntl
import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import httpx
import structlog
from contracts.streams import SERVICES

from ops import stores, tls
from ops.agencies import Book
from ops.agency_keeper import Place, keep
from ops.carry_over import carry_over
from ops.edge import hub
from ops.nats_users import KEEPER
from ops.processes import end_leftover, free_port
from ops.servers import Nats, Postgres
from ops.supervise import Supervisor, keep_running, wait_ready

log = structlog.get_logger()

AGENCIES = ("dppapp", "dinsos", "polda-ppa", "rs-harapan")
PATIENCE = 90.0


class Secrets:
    """Passwords and ports of one data folder, made at the first start, readable by the owner only."""

    def __init__(self, folder: Path, agencies: Sequence[str], sites: Sequence[hub.Site] = ()) -> None:
        self.path = folder / "secrets.json"
        facts: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}
        users = (*SERVICES, "provisioner", KEEPER, *agencies, *(site.user for site in sites))
        self.passwords: dict[str, str] = {name: facts.get("passwords", {}).get(name) or secrets.token_urlsafe(24) for name in users}
        ports = facts.get("ports", {})
        self.ports: dict[str, int] = {name: free_port(ports.get(name)) for name in (*SERVICES, "issuer", "gateway", "leafnodes")}
        self.path.touch(mode=0o600)
        self.path.write_text(json.dumps({"passwords": self.passwords, "ports": self.ports}))

    @staticmethod
    def read(folder: Path) -> dict[str, str]:
        """The passwords kept in a data folder, changing nothing."""
        passwords: dict[str, str] = json.loads((folder / "secrets.json").read_text())["passwords"]
        return passwords


@dataclass
class Platform:
    """The whole platform below one data folder. `start` brings it up, `stop` takes it down; whatever dies in between is restarted."""

    data: Path
    time_scale: float = 1.0
    agencies: Sequence[str] = AGENCIES
    settings: dict[str, str] = field(default_factory=dict)
    tls: bool = False
    sites: Sequence[hub.Site] = ()

    def __post_init__(self) -> None:
        """Claim the data folder; a second platform on it would corrupt nothing, but confuse everybody."""
        self.data = self.data.resolve()
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._claim: TextIO = (self.data / "lock").open("w")
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another platform runs on {self.data}"
            raise RuntimeError(message) from None
        self.secrets = Secrets(self.data, self.agencies, self.sites)
        self.postgres = Postgres(self.data / "postgres")
        self.certificate = tls.certificate(self.data / "tls", ["127.0.0.1", "localhost"]) if self.tls else None
        leaves = hub.listener(f"127.0.0.1:{self.secrets.ports['leafnodes']}", self.sites, self.certificate.block() if self.certificate else "")
        self.nats = Nats(self.data / "nats", self.accounts, certificate=self.certificate, more=leaves)
        self.supervisor = Supervisor(self.data / "logs")
        self._watches: list[asyncio.Task[None]] = []

    def place(self) -> Place:
        """Where it is kept who may come in over NATS."""
        ca = self.certificate.ca if self.certificate else None
        return Place(Book(self.data / "agencies"), self.data / "nats" / "users.conf", self.secrets.path, self.nats.url, ca)

    def accounts(self) -> str:
        """Who may do what on NATS, as of now: the agencies of the demo come in by a password until they are given something else."""
        place = self.place()
        place.book.begin({agency: self.secrets.passwords[agency] for agency in self.agencies})
        return place.configuration()

    @property
    def gateway(self) -> str:
        """The one origin of all services."""
        return f"http://127.0.0.1:{self.secrets.ports['gateway']}"

    @property
    def issuer(self) -> str:
        """The demo issuer."""
        return f"http://127.0.0.1:{self.secrets.ports['issuer']}"

    async def start(self) -> None:
        """Start servers, migrate, start services, and wait until everything is ready. Raises CarryError where an earlier release's broker holds what cannot go over."""
        end_leftover(self.data / "nats" / "nats.pid", "nats-server")
        await carry_over(self.data / "nats" / "jetstream", self.nats.key)
        await asyncio.gather(asyncio.to_thread(self.postgres.start), asyncio.to_thread(self.nats.start))
        self._watches = [asyncio.create_task(keep_running(server)) for server in (self.postgres, self.nats)]
        self._watches.append(asyncio.create_task(keep(self.place())))
        await stores.prepare_all(self.postgres.url(), self.secrets.passwords)
        python = [sys.executable, "-m"]
        issuer_port = str(self.secrets.ports["issuer"])
        issuer = [
            *python,
            "ops.issuer",
            "--port",
            issuer_port,
            "--data",
            str(self.data / "issuer"),
            "--issuer",
            self.issuer,
            "--login",
            "/issuer/authorize",
            "--agencies",
            str(self._agencies_file()),
        ]
        self.supervisor.run("issuer", issuer, {})
        self.supervisor.run("provisioner", [*python, "ops.provision"], self.provisioner_environment())
        await wait_ready(f"{self.issuer}/jwks", PATIENCE)
        for service in SERVICES:
            self.start_service(service)
        upstreams = {name: f"http://127.0.0.1:{self.secrets.ports[name]}" for name in (*SERVICES, "issuer")}
        options = [option for name, url in upstreams.items() for option in ("--upstream", f"{name}={url}")]
        self.supervisor.run("gateway", [*python, "ops.gateway", "--port", str(self.secrets.ports["gateway"]), *options], {})
        await wait_ready(f"{self.gateway}/healthz", PATIENCE)

    def start_service(self, service: str) -> None:
        """Start one service and keep it running."""
        self.supervisor.run(service, [sys.executable, "-m", service], self.service_environment(service))

    async def stop(self) -> None:
        """Stop everything in good order: services first, then the servers that they need."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        await self.supervisor.stop()
        await asyncio.gather(asyncio.to_thread(self.nats.stop), asyncio.to_thread(self.postgres.stop))
        self._claim.close()

    def _agencies_file(self) -> Path:
        """The agencies' NATS passwords, for the demo issuer to hand out; of who was given something else, none."""
        path = self.data / "agencies.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(self.place().book.first_passwords()))
        return path

    def provisioner_environment(self) -> dict[str, str]:
        """What the provisioner is told."""
        return {
            "NATS_URL": self.nats.url,
            "NATS_MONITOR_URL": self.nats.monitor_url,
            "PROVISIONER_NATS_PASSWORD": self.secrets.passwords["provisioner"],
            "AGENCIES_FILE": str(self.data / "agencies" / "codes.json"),
            "EDGES": ",".join(f"{site.agency}:{site.name}" for site in self.sites),
        } | ({"NATS_CA_FILE": str(self.certificate.ca)} if self.certificate else {})

    def service_environment(self, service: str) -> dict[str, str]:
        """What a service is told; its key-encryption key stands in a file of its own."""
        key_file = self.data / "keys" / f"{service}.kek"
        if not key_file.exists():
            key_file.parent.mkdir(mode=0o700, exist_ok=True)
            key_file.touch(mode=0o600)
            key_file.write_text(secrets.token_hex(32))
        password = self.secrets.passwords[service]
        told = {
            "DATABASE_URL": stores.url(self.postgres.url(), service, password),
            "KEYS_URL": stores.url(self.postgres.url(), service, password, f"{service}_keys"),
            "KEY_FILE": str(key_file),
            "NATS_URL": self.nats.url,
            "NATS_USER": service,
            "NATS_PASSWORD": password,
            "ISSUER": self.issuer,
            "JWKS_URL": f"{self.issuer}/jwks",
            "PORT": str(self.secrets.ports[service]),
            "ROOT_PATH": f"/{service}",
        } | ({"NATS_CA_FILE": str(self.certificate.ca)} if self.certificate else {})
        return (
            {f"{service.upper()}_{name}": value for name, value in told.items()}
            | {
                "TIME_SCALE": str(self.time_scale),
                "ASSESSMENT_TRAINING": "true",  # this is a demo: its people are invented
            }
            | self.settings
        )

    async def token(self, identity: str) -> str:
        """A token of a demo identity."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = (await client.post(f"{self.issuer}/token", json={"identity": identity})).raise_for_status()
        return str(answer.json()["access_token"])
