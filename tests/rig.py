"""Services under test: in this process, on real servers, each test with databases and a NATS account of its own."""

import asyncio
import http.server
import importlib
import json
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

import asyncpg
import httpx
import nats
from chassis import Service
from chassis.envelope import Emitted
from chassis.migrate import upgrade
from contracts import streams
from contracts.event import Event
from contracts.handover import SEALING_SUBJECT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from nats.aio.client import Client
from nats.js.errors import NotFoundError
from ops.provision import provision
from sqlalchemy import text

from tests.servers import Servers

AGENCIES = ("dppapp", "dinsos", "polda-ppa")
PATIENCE = 30.0
NAMESPACE = UUID("6f1a7d0e-0d3c-4b8e-9a51-0c7f6f5e7a11")


class Issuer:
    """A token issuer on loopback, with one key."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", parameters={"kid": "test"}, auto_kid=False)
        answers = {
            "/jwks": KeySet([self.key]).as_dict(private=False),
            "/.well-known/openid-configuration": {"naungan_demo": True},
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(answers.get(self.path, {})).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, role: str, agency: str, subject: UUID | None = None, units: Iterable[str] = ()) -> str:
        """An access token for a role; without a subject the same one for the same role and agency."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "naungan",
            "sub": str(subject or uuid5(NAMESPACE, f"{role}@{agency}")),
            "roles": [role],
            "agency": agency,
            "units": [str(unit) for unit in units],
            "iat": now,
            "exp": now + 3600,
        }
        return jwt.encode({"alg": "ES256", "kid": "test"}, claims, self.key)


class Templates:
    """One migrated template database per service, copied for each test."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self._ready: dict[str, str] = {}
        self._made: list[str] = []

    def url(self, database: str) -> str:
        """The URL of a database on the test server."""
        return f"{self.servers.postgres.rsplit('/', 1)[0]}/{database}"

    async def copy(self, service: str) -> str:
        """A fresh, migrated database for a service; its URL."""
        admin = await asyncpg.connect(self.servers.postgres)
        try:
            if service not in self._ready:
                template = f"tpl_{service}_{secrets.token_hex(4)}"
                await admin.execute(f"CREATE DATABASE {template}")
                package = importlib.import_module(service)
                await upgrade(self.url(template), Path(str(package.__file__)).parent / "migrations")
                self._ready[service] = template
            name = f"t_{secrets.token_hex(6)}"
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {self._ready[service]}")
            self._made.append(name)
        finally:
            await admin.close()
        return self.url(name)

    async def empty(self) -> str:
        """A fresh, empty database; its URL."""
        admin = await asyncpg.connect(self.servers.postgres)
        try:
            name = f"t_{secrets.token_hex(6)}"
            await admin.execute(f"CREATE DATABASE {name}")
            self._made.append(name)
        finally:
            await admin.close()
        return self.url(name)

    async def drop(self) -> None:
        """Drop what was made since; the templates stay."""
        made, self._made = self._made, []
        admin = await asyncpg.connect(self.servers.postgres)
        try:
            for name in made:
                await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        finally:
            await admin.close()


class Rig:
    """The platform of one test: the services it started, and what a test does to them and sees of them."""

    def __init__(self, servers: Servers, templates: Templates, issuer: Issuer, account: int, folder: Path) -> None:
        self.servers, self.templates, self.issuer, self.account, self.folder = servers, templates, issuer, account, folder
        self.services: dict[str, Service] = {}
        self.clients: dict[str, httpx.AsyncClient] = {}
        self._nats: Client | None = None

    @property
    def nats(self) -> Client:
        """A connection that may do everything in this test's account."""
        assert self._nats is not None
        return self._nats

    async def connect(self) -> None:
        """Join NATS and provision streams and durables."""
        self._nats = await nats.connect(self.servers.nats, user=f"T{self.account}", password="test")
        await provision(self.nats.jetstream(timeout=PATIENCE), AGENCIES, ack_wait=2)

    def settings(self, name: str, database: str, keys: str, **more: Any) -> Any:
        """The settings of a service in this test."""
        key_file = self.folder / "kek"
        if not key_file.exists():
            key_file.write_text(secrets.token_hex(32))
        module = importlib.import_module(f"{name}.settings")
        return getattr(module, f"{name.capitalize()}Settings")(
            **{
                "database_url": database,
                "keys_url": keys,
                "key_file": key_file,
                "nats_url": self.servers.nats,
                "nats_user": f"T{self.account}",
                "nats_password": "test",
                "issuer": self.issuer.url,
                "jwks_url": f"{self.issuer.url}/jwks",
                "retry_base": 0.05,
                "reconcile_seconds": 0.5,
                "recover_seconds": 0.5,
                "seal_seconds": 3600,
                **({"training": True} if name == "assessment" else {}),
                **more,
            }
        )

    async def start(self, *names: str, **more: Any) -> None:
        """Start services in this process, each with fresh stores; `more` are settings that differ from the defaults."""
        if self._nats is None:
            await self.connect()
        for name in names:
            self.add(name, self.settings(name, await self.templates.copy(name), await self.templates.empty(), **more))
        for name in names:
            await self.services[name].start()
        await self.until(self._bound)

    async def replicate(self, name: str, number: int = 2) -> str:
        """Start another replica of a service on the same store and durables, with a door of its own; its name, as in `placement-2`."""
        replica = f"{name}-{number}"
        await self.add(replica, self.services[name].settings).start()
        self.services[replica].database.skew = self.services[name].database.skew
        await self.until(self._bound)
        return replica

    def add(self, name: str, settings: Any) -> Service:
        """Build a service, or a replica of it (`placement-2`), without starting it."""
        service: Service = importlib.import_module(f"{name.partition('-')[0]}.app").build(settings)
        self.services[name] = service
        transport = httpx.ASGITransport(service.app(), raise_app_exceptions=False)
        self.clients[name] = httpx.AsyncClient(transport=transport, base_url="http://test", timeout=30)
        return service

    async def stop(self) -> None:
        """Stop what was started; its streams go, so that the broker's memory does not grow with the tests (2.5 MB for each)."""
        for client in self.clients.values():
            await client.aclose()
        await asyncio.gather(*(service.stop() for service in self.services.values()))
        if self._nats is not None:
            js = self.nats.jetstream(timeout=PATIENCE)
            await asyncio.gather(*(js.delete_stream(str(info.config.name)) for info in await js.streams_info()))
            await self._nats.close()

    # -- what a test does ---------------------------------------------------------------------------------------------------------

    def _headers(self, who: dict[str, Any]) -> dict[str, str]:
        token = self.issuer.token(who.pop("role"), who.pop("agency", "dinsos"), who.pop("subject", None), who.pop("units", ()))
        return {"Authorization": f"Bearer {token}"}

    async def send(self, method: str, service: str, path: str, *, json: Any = None, key: str | None = None, **who: Any) -> httpx.Response:
        """Any write, with an Idempotency-Key; `who` are role, agency, subject and units; other names become headers."""
        headers = {**self._headers(who), "Idempotency-Key": key or uuid4().hex, **{name.replace("_", "-"): str(value) for name, value in who.items()}}
        return await self.clients[service].request(method, path, json=json, headers=headers)

    async def post(self, service: str, path: str, **arguments: Any) -> httpx.Response:
        """POST with an Idempotency-Key."""
        return await self.send("POST", service, path, **arguments)

    async def put(self, service: str, path: str, **arguments: Any) -> httpx.Response:
        """PUT with an Idempotency-Key."""
        return await self.send("PUT", service, path, **arguments)

    async def get(self, service: str, path: str, **who: Any) -> httpx.Response:
        """GET as somebody."""
        return await self.clients[service].get(path, headers=self._headers(who))

    async def say(
        self, fact: Event, *, subject: UUID, factversion: int = 1, id: UUID | None = None, source: str | None = None, at: datetime | None = None
    ) -> UUID:
        """Publish a fact as its producer would; its id."""
        identity = id or uuid4()
        moment = at or datetime.now(UTC)
        emitted = Emitted(
            identity,
            fact.type,
            source or type(fact).producer,
            fact.stream,
            fact.route,
            subject,
            moment,
            factversion,
            "",
            "",
            None,
            fact.model_dump_json().encode(),
        )
        # A test may say the same fact twice on purpose: only the inbox is to notice.
        await self.nats.jetstream(timeout=PATIENCE).publish(fact.route, emitted.body, headers=emitted.headers(uuid4().hex))
        return identity

    async def publish(self, subject: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Publish raw bytes, as an agency would."""
        await self.nats.jetstream(timeout=PATIENCE).publish(subject, body, headers=dict(headers or {}))
        if subject.startswith("referral.") and subject.split(".")[1] not in AGENCIES:
            await provision(self.nats.jetstream(timeout=PATIENCE), AGENCIES, ack_wait=2)  # as the provisioner does within seconds

    async def advance(self, **parts: float) -> None:
        """Move the clocks of all started services forward, and wait until everything that was due has happened."""
        for service in self.services.values():
            service.database.skew += timedelta(**parts)
            service.clocks.heard(datetime.now(UTC))
        await self.settle()

    # -- what a test sees ---------------------------------------------------------------------------------------------------------

    async def sql(self, service: str, statement: str, **parameters: Any) -> list[Any]:
        """Rows of a service's store."""
        async with self.services[service].database.engine.begin() as connection:
            result = await connection.execute(text(statement), parameters)
            return list(result.all()) if result.returns_rows else []

    async def facts(self, service: str) -> list[tuple[str, UUID, dict[str, Any]]]:
        """What a service has said so far of cases, shelters and follow ids, in order; which key it offered is of none of them."""
        rows = await self.sql(service, "SELECT type, subject, body FROM outbox WHERE subject <> :keys ORDER BY position", keys=SEALING_SUBJECT)
        return [(row.type, row.subject, json.loads(row.body)) for row in rows]

    async def settle(self) -> None:
        """Wait until nothing is in hand, unpublished, undelivered or due."""
        calm = 0

        async def quiet() -> bool:
            nonlocal calm
            calm = calm + 1 if await self._quiet() else 0
            return calm >= 2

        await self.until(quiet)

    async def until(self, condition: Any, patience: float = PATIENCE) -> None:
        """Wait until an async condition holds; fail after `patience` seconds."""
        deadline = time.monotonic() + patience
        while not await condition():
            if time.monotonic() > deadline:
                message = f"still waiting for {getattr(condition, '__name__', condition)}: {await self._state()}"
                raise AssertionError(message)
            await asyncio.sleep(0.02)

    async def _bound(self) -> bool:
        return all(service.client is not None and all(c.pull.bound for c in service.consumers) for service in self.services.values()) and all(
            len(service.consumers) == len(service.durables) for service in self.services.values()
        )

    async def _quiet(self) -> bool:
        state = await self._state()
        return not any(state.values())

    async def _state(self) -> dict[str, int]:
        """What is still under way, by service and place."""
        state: dict[str, int] = {}
        js = self.nats.jetstream(timeout=PATIENCE)
        for name, service in self.services.items():
            state[f"{name} busy"] = int(not service.idle)
            for durable in streams.durables_of(name.partition("-")[0]):
                try:
                    info = await js.consumer_info(durable.stream, durable.name)
                except NotFoundError:
                    continue
                state[f"{name} {durable.stream}/{durable.name}"] = (info.num_pending or 0) + (info.num_ack_pending or 0)
            skew = service.database.skew.total_seconds()
            (row,) = await self.sql(
                name,
                "SELECT (SELECT count(*) FROM outbox_pending) AS pending, (SELECT count(*) FROM clock"
                " WHERE attempts = 0 AND due <= clock_timestamp() + make_interval(secs => :skew)) AS due",
                skew=skew,
            )
            state[f"{name} pending"], state[f"{name} due"] = row.pending, row.due
        return state
