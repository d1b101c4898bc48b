"""Wires that can be slowed, cut and made deaf: one TCP proxy per service and server, in a process of their own.

The parent writes a line of JSON per change to its standard input; the process ends when that is closed.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass, field

BLOCK = 2**16


@dataclass
class Wire:
    """One proxy: `delay` in seconds each way, `cut` refuses and resets, `deaf` takes bytes and passes nothing on (half-open)."""

    port: int
    target: int
    delay: float = 0.0
    cut: bool = False
    deaf: bool = False
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self) -> None:
        """Listen until cancelled."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        await server.serve_forever()

    def set(self, *, delay: float, cut: bool, deaf: bool) -> None:
        """Change what the wire does; what was held back by a deaf wire is lost with its connection."""
        if cut or (self.deaf and not deaf):
            for writer in self.open:
                writer.transport.abort()
        self.delay, self.cut, self.deaf = delay, cut, deaf

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self.open |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while block := await source.read(BLOCK):
            if self.delay:
                await asyncio.sleep(self.delay)
            while self.deaf:
                await asyncio.sleep(0.05)
            sink.write(block)
            await sink.drain()
        # The other direction ends too: neither Postgres nor NATS uses half-closed connections.
        raise ConnectionResetError


class Wires:
    """The parent's side: makes the proxies' process and tells it what each wire does."""

    def __init__(self, targets: dict[str, tuple[int, int]]) -> None:
        self.targets = targets
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start all wires, working."""
        told = json.dumps(self.targets)
        self.process = subprocess.Popen([sys.executable, "-m", "tests.faults.proxy", told], stdin=subprocess.PIPE, text=True, start_new_session=True)

    def set(self, names: list[str], *, delay: float = 0.0, cut: bool = False, deaf: bool = False) -> None:
        """Change some wires."""
        assert self.process is not None
        assert self.process.stdin is not None
        for name in names:
            self.process.stdin.write(json.dumps({"name": name, "delay": delay, "cut": cut, "deaf": deaf}) + "\n")
        self.process.stdin.flush()

    def heal(self) -> None:
        """All wires work."""
        self.set(list(self.targets))

    def stop(self) -> None:
        """End the proxies' process."""
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            self.process.wait(10)


async def main(targets: dict[str, tuple[int, int]]) -> None:
    """Serve until the standard input ends."""
    wires = {name: Wire(port, target) for name, (port, target) in targets.items()}
    tasks = [asyncio.create_task(wire.serve()) for wire in wires.values()]
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        change = json.loads(line)
        wires[change.pop("name")].set(**change)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(json.loads(sys.argv[1])))
