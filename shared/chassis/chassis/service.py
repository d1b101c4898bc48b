"""Puts a service together: its store, its loops on the bus, its routes, and an orderly start and stop."""

import asyncio
import contextlib
import functools
import gc
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import structlog
from fastapi import APIRouter, FastAPI
from faststream.nats import NatsBroker
from faststream.security import SASLPlaintext
from nats.aio.client import Client

from chassis.bus.access import Access
from chassis.bus.consume import Consumer
from chassis.bus.dead_letters import DeadLetters
from chassis.bus.reconcile import Reconcile
from chassis.bus.recovery import Recovery, Relearn, Untold
from chassis.bus.relay import Relay
from chassis.bus.turns import May, Turns
from chassis.bus.watch import Watch
from chassis.envelope import Emitted, Fact
from chassis.inputs import Inputs
from chassis.settings import Settings
from chassis.store.audit import Chainer
from chassis.store.clocks import Clocks
from chassis.store.database import Database, create_engine
from chassis.store.erasure import ERASE, Eraser
from chassis.store.retention import Forget, Retention
from chassis.store.vault import FINGERPRINT, Vault
from chassis.web.api import Api
from chassis.web.edge import LimitsBodies, limited
from chassis.web.health import health_routes
from chassis.web.identity import Identity
from chassis.web.presence import NotesRequests, Presence
from chassis.web.problems import PROBLEM, answer_with_problems

log = structlog.get_logger()

STOP_WITHIN = 15.0
CANCEL_AGAIN = 4.0  # seconds; more than what any task needs to end in good order


@dataclass
class Service:
    """One service, as its `app.py` declares it, and its running parts.

    `durables` are (stream, durable) pairs that it consumes, `order` the lifecycle order of event types, `said_on` the subjects it
    publishes on each stream, `workers` loops of its own that run after commit, from rows, until they are cancelled. `says` are its own
    facts by type, `relearn` makes state of those that its store lost, and `untold` names what its store keeps and no fact holds; `seal` is the fact
    by which it seals its audit log; `forget` lets go what it has that is past its time. `in_turns` are streams that it reads by one durable for each
    sender: how the names of these begin, and who may have a turn.
    """

    name: str
    settings: Settings
    inputs: Inputs
    routers: Sequence[APIRouter]
    durables: Sequence[tuple[str, str]]
    order: Mapping[str, int]
    said_on: Mapping[str, Sequence[str]]
    personal_streams: frozenset[str] = frozenset()
    says: Mapping[str, type[Fact]] = field(default_factory=dict)
    relearn: Relearn | None = None
    seal: type[Fact] | None = None
    untold: Untold | None = None
    forget: Forget | None = None
    in_turns: Mapping[str, tuple[str, May]] = field(default_factory=dict)
    workers: Sequence[Callable[["Service"], Awaitable[None]]] = ()
    consumers: list[Consumer] = field(default_factory=list)
    relay: Relay | None = None
    reconcile: Reconcile | None = None
    watch: Watch | None = None
    client: Client | None = None

    def __post_init__(self) -> None:
        """Make the parts that need no server yet."""
        settings = self.settings
        self.database = Database(settings, self.name)
        self.vault: Vault | None = None
        self.eraser: Eraser | None = None
        if settings.keys_url is not None:
            self.vault = Vault(create_engine(settings.keys_url.get_secret_value(), 2), settings.key_source.ring())
            self.eraser = Eraser(self.vault)
            self.inputs = self.inputs.with_clock(ERASE, self.eraser.destroyed, self.eraser.destroy)
        self.letters = DeadLetters(self.database, self.vault, self.personal_streams)
        self.presence = Presence()
        self.access = Access()
        self.clocks = Clocks(self.database, self.name, self.inputs)
        self.database.on_commit = self._committed
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._carriers = {f"{self.name}.relay", f"{self.name}.confirm"}
        self._broker: NatsBroker | None = None

    def app(self) -> FastAPI:
        """The ASGI application; its lifespan starts and stops the service."""
        app = Api(title=f"Naungan {self.name}", version="1", lifespan=self._lifespan, root_path=self.settings.root_path, responses=PROBLEM)
        app.state.service, app.state.database = self, self.database
        app.state.identity = Identity(self.settings.issuer, self.settings.jwks_url, self.settings.audience, self.access.has_ended)
        app.add_middleware(LimitsBodies, most=self.settings.body_bytes, own=limited(self.routers))
        app.add_middleware(NotesRequests, presence=self.presence)
        answer_with_problems(app)
        app.include_router(health_routes(self))
        for router in self.routers:
            app.include_router(router)
        return app

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        # Batches make many short-lived objects and no cycles: with Python's defaults a quarter of the time goes into looking for some.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def start(self) -> None:
        """Wait for the store, then serve; the bus is joined in the background and may come later."""
        await self._refuse_fast_clocks()
        await self._until_the_store_answers()
        self._spawn("bus", self._join_bus)
        if not self.database.closed:
            self._open()

    def _open(self) -> None:
        """Run what works on the store by itself."""
        self._spawn("clocks", self.clocks.run)
        self._spawn("redrive", self._redrive)
        self._spawn("retention", Retention(self.database, self.name, self.settings, self.forget).run)
        if self.seal is not None:
            self._spawn("audit", Chainer(self.database, self.name, self.seal, self.settings).run)
        for worker in self.workers:
            self._spawn(getattr(worker, "__name__", "worker"), functools.partial(worker, self))

    async def stop(self) -> None:
        """Take nothing new, finish what is in hand, publish what is committed, and close."""
        self._stopping.set()
        self.clocks.stop()
        for consumer in self.consumers:
            consumer.stop()
        if self.reconcile:
            self.reconcile.stop()
        if self.watch:
            self.watch.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN):
                while any(consumer.busy for consumer in self.consumers):
                    await asyncio.sleep(0.01)
                await self._end({task for task in self._tasks if task.get_name() not in self._carriers})
                await self._publish_the_rest()
        await self._end(self._tasks)
        if self._broker is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._broker.stop(), 2)
        await self.database.close()
        if self.vault:
            await self.vault.close()

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        """Cancel these until they have ended; what one of them had begun and not committed is begun again by whoever runs next.

        Once is not enough: nats-py's close and the wait_for of Python 3.11 swallow it when it comes as what they wait for is done.
        """
        left = tasks
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _publish_the_rest(self) -> None:
        """Publish what is committed, now that nobody commits any more: whatever is left unsaid would be lost with this store."""
        if self.relay is None or self.client is None or not self.client.is_connected:
            return
        with contextlib.suppress(Exception):  # then it stays pending, and the next start publishes it
            while await self.relay.recover(0):
                pass
        self.relay.stop()
        while not self.relay.idle and self.client.is_connected:
            await asyncio.sleep(0.01)

    async def problems(self) -> list[str]:
        """What keeps this service from doing its whole work now, in a few words each."""
        found: list[str] = []
        try:
            await asyncio.wait_for(self.database.ping(), 2)
        except Exception:  # noqa: BLE001 - whatever it is, the store does not answer
            found.append("the store does not answer")
        if self.client is None or not self.client.is_connected:
            found.append("not connected to NATS")
        if self.database.closed:
            found.append("the store was restored and is being brought up to date")
        found += [f"durable {c.stream}/{c.durable} is not bound" for c in self.consumers if not c.pull.bound]
        return found

    @property
    def fingerprint_key(self) -> bytes:
        """The key of the fingerprints by which a repeated request is known; another key-encryption key does not change it."""
        return self.vault.purpose(FINGERPRINT) if self.vault else b"naungan"

    @property
    def alive(self) -> bool:
        """Whether all loops still run."""
        return not any(task.done() for task in self._tasks)

    @property
    def idle(self) -> bool:
        """Whether nothing is in hand: no batch, nothing unpublished."""
        return (self.relay is None or self.relay.idle) and not any(consumer.busy for consumer in self.consumers)

    def _committed(self, sent: list[Emitted], due: datetime | None) -> None:
        if self.relay is not None:
            self.relay.offer(sent)
        self.clocks.heard(due)

    def _spawn(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        async def forever() -> None:
            while not self._stopping.is_set():
                try:
                    await loop()
                except Exception as error:  # noqa: BLE001 - a loop never ends by an error
                    log.error("loop_failed", name=name, error=type(error).__name__)
                    await asyncio.sleep(1)
                else:
                    return

        self._tasks.add(asyncio.create_task(forever(), name=f"{self.name}.{name}"))

    async def _until_the_store_answers(self) -> None:
        while True:
            try:
                await self.database.epoch()
                self.database.closed = await self.database.restored()
                if self.vault:
                    await self.vault.prepare()
                if self.eraser:
                    await self.eraser.apply_all(self.database)
            except Exception as error:  # noqa: BLE001 - not there, or not migrated, yet
                log.warning("store_awaited", error=type(error).__name__)
                await asyncio.sleep(0.5)
            else:
                return

    async def _refuse_fast_clocks(self) -> None:
        """TIME_SCALE is for demos: refuse it unless the issuer says that it is a demo's."""
        if self.settings.time_scale == 1:
            return
        url = f"{self.settings.jwks_url.rsplit('/', 1)[0]}/.well-known/openid-configuration"
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(url)
        if not answer.is_success or answer.json().get("naungan_demo") is not True:
            message = "TIME_SCALE is refused: the issuer is not a demo issuer"
            raise RuntimeError(message)

    async def _join_bus(self) -> None:
        """Connect, however long the servers are away, and run the relay, the consumers and reconcile."""
        settings = self.settings
        security, tls = None, None
        if settings.nats_ca_file:
            tls = ssl.create_default_context(cafile=str(settings.nats_ca_file))
        if settings.nats_user and settings.nats_password:
            security = SASLPlaintext(settings.nats_user, settings.nats_password.get_secret_value(), ssl_context=tls, use_ssl=tls is not None)
        broker = self._broker = NatsBroker(
            settings.nats_url.split(","),
            security=security,
            # With a budget FastStream's loop freezes when it runs out; without one it rides out any outage.
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # nats-py takes fractions
            ping_interval=5,
            max_outstanding_pings=2,
            inbox_prefix=f"_INBOX_{settings.nats_user or self.name}",
            reconnected_cb=self._reconnected,
            logger=None,
        )
        client = self.client = await broker.connect()
        self._spawn("access", functools.partial(self.access.follow, client))
        if self.database.closed:
            await self._recover(client)
            self._open()
        relay = self.relay = Relay(self.database, client, self.name)
        self.reconcile = Reconcile(self.database, client, self.name, self.said_on, settings.reconcile_seconds)
        self._spawn("relay", relay.run)
        self._spawn("confirm", relay.confirm)
        self._spawn("recover", lambda: relay.recover_always(settings.recover_seconds))
        self._spawn("reconcile", self.reconcile.run)
        for stream, durable in self.durables:
            consumer = Consumer(
                service=self.name,
                stream=stream,
                durable=durable,
                inputs=self.inputs,
                order=self.order,
                database=self.database,
                letters=self.letters,
                client=client,
                settings=settings,
                presence=self.presence,
                turns=Turns(client, stream, *self.in_turns[stream]) if stream in self.in_turns else None,
            )
            self.consumers.append(consumer)
            self._spawn(f"{stream}.{durable}", consumer.run)
        self.watch = Watch(self.database, client, self.name, self.consumers, settings.reconcile_seconds)
        self._spawn("watch", self.watch.run)
        await self._stopping.wait()

    async def _recover(self, client: Client) -> None:
        """Bring a restored store up to date, however often it takes; only then does anything else begin."""
        recovery = Recovery(
            database=self.database,
            client=client,
            service=self.name,
            inputs=self.inputs,
            order=self.order,
            said_on=self.said_on,
            durables=self.durables,
            says=self.says,
            letters=self.letters,
            relearn=self.relearn,
            seal=self.seal,
            untold=self.untold,
            before_opening=functools.partial(self.eraser.apply_all, self.database) if self.eraser else None,
        )
        while self.database.closed:
            try:
                self.database.closed = not await recovery.run()
            except Exception as error:  # noqa: BLE001 - store or bus may be away; what was put back already stays, and the rest is done again
                log.warning("recovery_waits", service=self.name, error=type(error).__name__)
            if self.database.closed:
                await asyncio.sleep(1)

    async def _reconnected(self, *_: Any) -> None:
        log.info("nats_reconnected")
        if self.relay:
            self.relay.reconnected()
        if self.reconcile:
            self.reconcile.forget()
        if self.watch:
            self.watch.forget()

    async def _redrive(self) -> None:
        """Drive the dead letters that an operator asked for, or that another release could not read."""
        while not self._stopping.is_set():
            if await self.letters.waiting():
                for consumer in self.consumers:
                    await consumer.redrive()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 1)
