"""Solves the programs of a joint matching with HiGHS, in a process of its own: `python -m placement.solver` reads a task and answers it.

The process is started with the first task, works on one core behind everything else, and ends when the service does, however that ends: its
input is then closed. It holds no connection and no transaction; what it reads is a snapshot, and what it answers is checked before it is written.
"""

import asyncio
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from time import monotonic
from typing import IO

import highspy
import numpy as np
import structlog

from placement.domain.assign import Matching, Solution, match
from placement.domain.homes import Home
from placement.domain.offers import Offer, Unplaceable
from placement.domain.people import Household
from placement.domain.program import Program

log = structlog.get_logger()

HEAD = struct.Struct(">Q")
POLITE = 10
# A program gets this part of the time that is left, so that one that is hard leaves some to those after it.
SHARE = 0.6
# With less time than this no further program is made.
ENOUGH = 0.5


def solve(program: Program, seconds: float) -> Solution | None:
    """The best values that are found within a time, and whether they are proven; None when there are none."""
    if not program.costs or seconds <= 0:
        return None
    model = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 1,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": 0.5,  # all costs are whole numbers
        "mip_feasibility_tolerance": 1e-9,
        "time_limit": seconds,
    }.items():
        model.setOptionValue(name, value)
    model.passModel(_model(program))
    model.run()
    found = model.getInfo()
    if found.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    values = [round(value) for value in model.getSolution().col_value]
    if not program.holds(values):
        return None
    # The solver is not believed: what it calls the best must cost what it says.
    optimal = model.getModelStatus() == highspy.HighsModelStatus.kOptimal and program.cost(values) == round(found.objective_function_value)
    return Solution(values, optimal)


def _model(program: Program) -> highspy.HighsLp:
    model, count, rows = highspy.HighsLp(), len(program.costs), program.rows
    model.num_col_, model.num_row_ = count, len(rows)
    model.col_cost_ = np.array(program.costs, dtype=float)
    model.col_lower_ = np.zeros(count)
    model.col_upper_ = np.array(program.upper, dtype=float)
    model.integrality_ = [highspy.HighsVarType.kInteger] * count
    model.row_lower_ = np.array([-highspy.kHighsInf if row.least is None else row.least for row in rows], dtype=float)
    model.row_upper_ = np.array([highspy.kHighsInf if row.most is None else row.most for row in rows], dtype=float)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.cumsum([0, *(len(row.terms) for row in rows)]).astype(np.int32)
    model.a_matrix_.index_ = np.array([variable for row in rows for variable, _ in row.terms], dtype=np.int32)
    model.a_matrix_.value_ = np.array([coefficient for row in rows for _, coefficient in row.terms], dtype=float)
    return model


def matched(homes: Sequence[Home], households: Sequence[Household], seconds: float) -> Matching:
    """Decide on all households together within a time: what is not proven by then is the best that is known."""
    deadline = monotonic() + seconds
    return match(homes, households, lambda program: solve(program, (deadline - monotonic()) * SHARE), lambda: monotonic() < deadline - ENOUGH)


# -- the process ----------------------------------------------------------------------------------------------------------------------


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
            _write(process.stdin, task)
            proven, cost, count = pickle.loads(_read(process.stdout))  # noqa: S301
            # One decision at a time, so that the event loop has its turn in between.
            decisions: list[Offer | Unplaceable] = [pickle.loads(_read(process.stdout)) for _ in range(count)]  # noqa: S301
        return Matching(tuple(decisions), proven, cost)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            command = [sys.executable, "-m", "placement.solver"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment() | alone)  # noqa: S603
        return self._process


def _environment() -> dict[str, str]:
    """What the process is told: nothing that is secret."""
    return {name: value for name, value in os.environ.items() if name in {"PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "TMPDIR", "SYSTEMROOT"}}


def _write(pipe: IO[bytes] | None, content: bytes) -> None:
    if pipe is None:
        raise EOFError
    pipe.write(HEAD.pack(len(content)) + content)
    pipe.flush()


def _read(pipe: IO[bytes] | None) -> bytes:
    head = pipe.read(HEAD.size) if pipe is not None else b""
    if pipe is None or len(head) < HEAD.size:
        raise EOFError
    return pipe.read(*HEAD.unpack(head))


def main() -> None:
    """Answer tasks until there are no more."""
    if hasattr(os, "nice"):
        os.nice(POLITE)
    while True:
        try:
            homes, households, seconds = pickle.loads(_read(sys.stdin.buffer))  # noqa: S301
        except EOFError:
            return
        found = matched(homes, households, seconds)
        _write(sys.stdout.buffer, pickle.dumps((found.proven, found.cost, len(found.decisions))))
        for decision in found.decisions:
            _write(sys.stdout.buffer, pickle.dumps(decision))


if __name__ == "__main__":
    main()
