"""Three brokers on loopback, every connection to and between them through a wire that can be cut: both ways, or one way only."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from ops.processes import free_port
from ops.servers import Nats, Server

BLOCK = 2**16
NAMES = ("one", "two", "three")


@dataclass
class Link:
    """A TCP wire from `port` to one of `targets`, the first that answers; `there` and `back` say whether bytes pass in that direction.

    Bytes that do not pass are lost: the connection is reset when the direction opens again, as nobody could make sense of the rest.
    """

    port: int
    targets: tuple[int, ...]
    there: bool = True
    back: bool = True
    refused: bool = False
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self) -> None:
        """Listen until cancelled."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        async with server:
            await server.serve_forever()

    def set(self, *, there: bool = True, back: bool = True, refused: bool = False) -> None:
        """Change what passes."""
        if refused or there > self.there or back > self.back:
            for writer in self.open:
                writer.transport.abort()
        self.there, self.back, self.refused = there, back, refused

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = None if self.refused else await self._reach()
        if ends is None:
            writer.transport.abort()
            return
        there, back = ends
        self.open |= {writer, back}
        pumps = [asyncio.create_task(self._pump(reader, back, "there")), asyncio.create_task(self._pump(there, writer, "back"))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.open -= {writer, back}
            for end in (writer, back):
                end.transport.abort()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for target in self.targets:
            with contextlib.suppress(OSError, TimeoutError):
                reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", target), 2)
                if len(self.targets) == 1:
                    return reader, writer
                # Another wire stands there: it takes every connection, and resets it when nobody is behind it.
                with contextlib.suppress(TimeoutError):
                    first = await asyncio.wait_for(reader.read(BLOCK), 1)
                    if first:
                        return _with(reader, first), writer
                writer.transport.abort()
        return None

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, direction: str) -> None:
        with contextlib.suppress(OSError):
            while block := await source.read(BLOCK):
                if getattr(self, direction):
                    sink.write(block)
                    await sink.drain()


def _with(reader: asyncio.StreamReader, first: bytes) -> asyncio.StreamReader:
    """The same stream with what was read already in front."""
    reader._buffer[:0] = first  # type: ignore[attr-defined]
    return reader


class Cluster(Server):
    """Three brokers that stand where a platform has one. `url` leads to one that answers; services are told all three: `urls`."""

    def __init__(self, folder: Path, users: str) -> None:
        self.folder = folder
        # Ports first, all of them: each broker's configuration names those of the others.
        self._routes = {name: free_port() for name in NAMES}
        self.peers = {(a, b): Link(free_port(), (self._routes[b],)) for a in NAMES for b in NAMES if a != b}
        doors = {name: free_port() for name in NAMES}
        self.nodes = {name: Nats(folder / name, f"{users}\n{self._cluster(name, doors[name])}", name) for name in NAMES}
        self.doors = {name: Link(doors[name], (self.nodes[name].port,)) for name in NAMES}
        self.front = Link(free_port(), tuple(doors.values()))
        self.port, self.url = self.front.port, f"nats://127.0.0.1:{self.front.port}"
        self.urls = ",".join(f"nats://127.0.0.1:{door}" for door in doors.values())
        self.monitor_url = ",".join(node.monitor_url for node in self.nodes.values())
        self._tasks: list[asyncio.Task[None]] = []

    def _cluster(self, name: str, door: int) -> str:
        routes = ", ".join(f'"nats-route://127.0.0.1:{self.peers[name, other].port}"' for other in NAMES if other != name)
        # Brokers tell each other where they are; the address they would tell is one where nobody listens, so that only wires lead anywhere.
        return (
            f'client_advertise: "127.0.0.1:{door}"\n'
            f'cluster {{ name: naungan, listen: "127.0.0.1:{self._routes[name]}", advertise: "127.0.0.1:1", ping_interval: "5s",'
            f" ping_max: 2, routes: [{routes}] }}\n"
        )

    async def open(self) -> None:
        """Let the wires work."""
        links = (*self.peers.values(), *self.doors.values(), self.front)
        self._tasks = [asyncio.create_task(link.serve()) for link in links]
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Let the wires end."""
        for task in self._tasks:
            task.cancel()
        for link in (*self.peers.values(), *self.doors.values(), self.front):
            link.set(refused=True)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, *names: str) -> None:
        """Start these brokers, or all, at once: none is well before a majority is there."""
        with ThreadPoolExecutor(len(NAMES)) as threads:
            for starting in [threads.submit(self.nodes[name].start) for name in names or NAMES]:
                starting.result()

    def stop(self) -> None:
        """Stop all in good order."""
        with ThreadPoolExecutor(len(NAMES)) as threads:
            list(threads.map(lambda node: node.stop(), self.nodes.values()))

    def kill(self, *names: str) -> None:
        """SIGKILL for these brokers, or all."""
        for name in names or NAMES:
            self.nodes[name].kill()

    def ailing(self) -> str | None:
        """Nobody but the test starts a broker of a cluster again."""
        return None

    def cut(self, name: str, *, hears: bool = False, speaks: bool = False) -> None:
        """Cut a broker off from the others and from clients; it may go on hearing the others, or being heard by them."""
        for (a, b), link in self.peers.items():
            if a == name:
                link.set(there=speaks, back=hears, refused=not (hears or speaks))
            elif b == name:
                link.set(there=hears, back=speaks, refused=not (hears or speaks))
        self.doors[name].set(refused=True)

    def heal(self) -> None:
        """All wires work."""
        for link in (*self.peers.values(), *self.doors.values()):
            link.set()

    async def leader(self, stream: str, besides: str = "") -> str:
        """Which broker leads a stream now, as somebody says who is not `besides`: one that is cut off may still believe in itself."""
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client, asyncio.timeout(60):
            while True:
                for node in (node for node in self.nodes.values() if node.name != besides):
                    with contextlib.suppress(httpx.HTTPError, KeyError, IndexError, ValueError):
                        told = (await client.get(f"{node.monitor_url}/jsz?streams=true&accounts=true")).json()
                        for known in told["account_details"][0]["stream_detail"]:
                            leader = known["cluster"].get("leader", "")
                            if known["name"] == stream and leader in NAMES and leader != besides:
                                return str(leader)
                await asyncio.sleep(0.2)
