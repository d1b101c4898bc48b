"""The process that solves, as the service sees it: asked through its pipes, one task at a time.

It is started with the first task, works on one core behind everything else, and ends when the service does, however that ends: its input is then
closed. It holds no connection and no transaction; what it reads is a snapshot, and what it answers is checked before it is written. Only that process
loads the solver.
"""

import asyncio
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO

import structlog

from placement.domain.assign import Matching
from placement.domain.homes import Home
from placement.domain.offers import Offer, Unplaceable
from placement.domain.people import Household

log = structlog.get_logger()

HEAD = struct.Struct(">Q")


class Worker:
    """The process that solves; one task at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    async def matched(self, homes: Sequence[Home], households: Sequence[Household], seconds: float) -> Matching | None:
        """Decide on all households together, in the other process; None when it failed, which only costs the proof."""
        task = pickle.dumps((list(homes), list(households), seconds))
        try:
            return await asyncio.to_thread(self._ask, task)
        except asyncio.CancelledError:
            self.stop()
            raise
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            log.warning("solver_failed", error=type(error).__name__)
            self.stop()
            return None

    def stop(self) -> None:
        """End the process; the next task starts another one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _ask(self, task: bytes) -> Matching:
        with self._turn:
            process = self._running()
            write(process.stdin, task)
            proven, cost, count = pickle.loads(read(process.stdout))  # noqa: S301
            # One decision at a time, so that the event loop has its turn in between.
            decisions: list[Offer | Unplaceable] = [pickle.loads(read(process.stdout)) for _ in range(count)]  # noqa: S301
        return Matching(tuple(decisions), proven, cost)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            command = [sys.executable, "-m", "placement.solver"]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self._process = subprocess.Popen(command, env=_environment() | alone, **pipes)  # type: ignore[call-overload] # noqa: S603
        return self._process


def _environment() -> dict[str, str]:
    """What the process is told: nothing that is secret."""
    return {name: value for name, value in os.environ.items() if name in {"PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "TMPDIR", "SYSTEMROOT"}}


def write(pipe: IO[bytes] | None, content: bytes) -> None:
    """Send one message. Raises EOFError where there is nobody."""
    if pipe is None:
        raise EOFError
    pipe.write(HEAD.pack(len(content)) + content)
    pipe.flush()


def read(pipe: IO[bytes] | None) -> bytes:
    """Receive one message. Raises EOFError when there will be none."""
    head = pipe.read(HEAD.size) if pipe is not None else b""
    if pipe is None or len(head) < HEAD.size:
        raise EOFError
    return pipe.read(*HEAD.unpack(head))
