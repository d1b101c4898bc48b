"""Placement as a process of its own that dies with SIGKILL in its first round of the waiting list, at the point that ROUND_DIES_AT names.

`thinking` is when the solver's process has the task, `answered` when its answer came and no transaction is open yet; the others are points of the
chassis, armed by nothing but the round. The solver's pid is written to SOLVER_PID first.
"""

import os
import signal
from pathlib import Path
from typing import Any

import uvicorn
from chassis import crash
from placement import handlers
from placement.app import build
from placement.domain import assign
from placement.finding import waiting, worker
from placement.settings import PlacementSettings

POINTS = ("thinking", "answered", "before_commit", "after_commit_before_publish")


def die_at(point: str) -> None:
    """Let this process die there."""
    assign.AT_ONCE = 0  # every round but a lone household's is the solver's
    asked, write, read = waiting.worker.matched, waiting.answer, worker.read

    def think(pipe: Any) -> bytes:
        Path(os.environ["SOLVER_PID"]).write_text(str(waiting.worker._process.pid))
        if point == "thinking":
            os.kill(os.getpid(), signal.SIGKILL)
        return read(pipe)

    async def matched(*task: Any) -> Any:
        found = await asked(*task)
        if point == "answered":
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    async def answer(*arguments: Any) -> None:
        await write(*arguments)
        crash._armed = point

    worker.read, waiting.worker.matched, handlers.waiting.answer = think, matched, answer


if __name__ == "__main__":
    die_at(os.environ["ROUND_DIES_AT"])
    settings = PlacementSettings()
    uvicorn.run(build(settings).app(), host="127.0.0.1", port=settings.port, log_level="error")
