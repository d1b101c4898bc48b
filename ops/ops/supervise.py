"""Runs the platform's processes: restarts one that dies, and ends them all in good order."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx
import structlog

from ops.servers import Server

log = structlog.get_logger()

STOP_WITHIN = 20.0
LONGEST_DELAY = 5.0
SETTLED_AFTER = 30.0
LOOK_EVERY = 1.0
LEASH = Path(__file__).with_name("leash.py")


@dataclass
class Child:
    """One process: its command, what is added to the environment, and its log file."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Keeps children running until `stop`."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.children: dict[str, Child] = {}
        self._stopping = False
        logs.mkdir(parents=True, exist_ok=True)

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start a child and keep it running."""
        child = self.children[name] = Child(name, command, environment, self.logs / f"{name}.log")
        child.task = asyncio.create_task(self._keep(child))
        return child

    def kill(self, name: str) -> None:
        """End a child with SIGKILL, as a crash would; it is started again."""
        process = self.children[name].process
        if process is not None and process.returncode is None:
            process.kill()

    async def stop(self, *names: str) -> None:
        """End these children, or all: SIGTERM, and SIGKILL for whoever is still there after 20 s."""
        chosen = [self.children.pop(name) for name in (names or tuple(self.children))]
        for child in chosen:
            if child.task is not None:
                child.task.cancel()
        await asyncio.gather(*(child.task for child in chosen if child.task is not None), return_exceptions=True)
        await asyncio.gather(*(self._end(child) for child in chosen))

    async def _keep(self, child: Child) -> None:
        delay = 0.1
        while True:
            started, code = monotonic(), None
            try:
                await self._begin(child)
                assert child.process is not None  # noqa: S101 - it has just begun
                code = await child.process.wait()
                _end_group(child.process.pid)
            except OSError as error:
                log.warning("child_does_not_start", name=child.name, error=type(error).__name__)
            if monotonic() - started > SETTLED_AFTER:
                delay = 0.1
            child.restarts += 1
            log.warning("child_ended", name=child.name, code=code, delay=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _begin(self, child: Child) -> None:
        """Start a child, to the end: one that is stopped while it starts is there already, and has to be ended."""
        starting = asyncio.ensure_future(self._start(child))
        try:
            child.process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            child.process = await starting
            raise

    async def _start(self, child: Child) -> asyncio.subprocess.Process:
        # SIGKILL at our death: a child that takes its time, or ignores a signal, would outlive us, and a crash costs it nothing.
        leash = [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(int(signal.SIGKILL)), "-1", "-1"]
        with child.log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *leash,
                *child.command,
                env={**os.environ, **child.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def _end(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_WITHIN)
            except TimeoutError:
                process.kill()
                await process.wait()
        _end_group(process.pid)


def _end_group(leader: int) -> None:
    """End what a child that has ended left of its own children; it led a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


async def keep_running(server: Server) -> None:
    """Start a server again that ended by itself or has to be started again to be well, until cancelled.

    A full disk ends Postgres, and leaves NATS unable to write even when space is freed. A server that was stopped on purpose is left alone.
    """
    while True:
        await asyncio.sleep(LOOK_EVERY)
        process, why = server.process, await asyncio.to_thread(server.ailing)
        if why is None:
            continue
        await asyncio.sleep(LOOK_EVERY)
        # Seen twice: whoever kills it on purpose needs a moment to take note of its end.
        if server.process is not process or await asyncio.to_thread(server.ailing) is None:
            continue
        log.warning("server_started_again", server=type(server).__name__, why=why)
        while not await _started(server):
            await asyncio.sleep(LONGEST_DELAY)


async def _started(server: Server) -> bool:
    """Stop what is left of a server and start it; whether it answers now."""
    starting = asyncio.create_task(asyncio.to_thread(_start_again, server))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.gather(starting, return_exceptions=True)  # a thread cannot be cancelled: let whoever stops it find the truth
        raise
    except (RuntimeError, OSError) as error:
        log.warning("server_does_not_start", server=type(server).__name__, error=type(error).__name__)
        return False
    return True


def _start_again(server: Server) -> None:
    server.stop()
    server.start()


async def wait_ready(url: str, patience: float) -> None:
    """Wait until a URL answers with success. Raises TimeoutError after `patience` seconds."""
    async with asyncio.timeout(patience), httpx.AsyncClient(timeout=2, trust_env=False) as client:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(url)).is_success:
                    return
            await asyncio.sleep(0.1)
