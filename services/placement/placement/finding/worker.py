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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO, Any, TypeAlias
from uuid import UUID

import structlog

from placement.domain.assign import Matching
from placement.domain.homes import Home
from placement.domain.people import Household
from placement.domain.probing import Limits
from placement.domain.rounds import BLOCK, Found

log = structlog.get_logger()

# Homes as the store tells them, by id.
Texts: TypeAlias = Mapping[UUID, str]

HEAD = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a round is decided: within how many seconds, for how many together, and what it needs to read those who wait."""

    seconds: float
    now: datetime
    limits: Limits
    most: int = BLOCK


class Worker:
    """The process that solves; one task at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    async def chosen(self, homes: Texts, waiting: Sequence[str], terms: Terms) -> tuple[list[UUID], bool] | None:
        """The block of a round of a long list, and whether the list goes on (`rounds.choose`); None when the process failed."""
        answer: tuple[list[UUID], bool] | None = await self._asked("choose", homes, waiting, terms)
        return answer

    async def matched(self, homes: Texts, block: Sequence[tuple[str, str]], terms: Terms) -> Found | None:
        """Decide on a block, given as texts with the digests of the reasons that were kept, on homes given as texts; None when the process failed.

        That costs the proof, and nothing else.
        """
        answer: Found | None = await self._asked("round", homes, block, terms)
        return answer

    async def again(self, homes: Sequence[Home], households: Sequence[Household], seconds: float) -> Matching | None:
        """Decide on all these households together, in full; None when the process failed."""
        answer: Matching | None = await self._asked("again", list(homes), list(households), seconds)
        return answer

    async def _asked(self, *task: Any) -> Any:
        try:
            return await asyncio.to_thread(self._ask, pickle.dumps(task))
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

    def _ask(self, task: bytes) -> Any:
        with self._turn:
            process = self._running()
            write(process.stdin, task)
            whole, name, count = pickle.loads(read(process.stdout))  # noqa: S301
            # One part at a time, so that the event loop has its turn in between.
            parts = [pickle.loads(read(process.stdout)) for _ in range(count)]  # noqa: S301
        return replace(whole, **{name: tuple(parts)}) if name else whole

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            command = [sys.executable, "-m", "placement.finding.solver"]
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
