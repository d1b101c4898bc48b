"""Solves the programs of a joint matching with HiGHS: `python -m placement.finding.solver` reads tasks and answers them, until there are no more."""

import os
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any
from uuid import UUID

import highspy
import numpy as np

from placement.domain import assign
from placement.domain.assign import Matching
from placement.domain.homes import Home
from placement.domain.people import Household
from placement.domain.placing import Solution, Solve
from placement.domain.program import Program
from placement.domain.rounds import Found, choose, decide
from placement.domain.seen import home_of, listed_of
from placement.finding.worker import Terms, Texts, read, write

POLITE = 19
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
    return assign.match(homes, households, *_within(seconds))


def decided(homes: Texts, block: Sequence[tuple[str, str]], terms: Terms) -> Found:
    """Decide on a block of the waiting list, given as the store tells it with the digests of the reasons that were kept, within a time."""
    listed = [listed_of(told, terms.limits, terms.now, kept) for told, kept in block]
    return decide(_homes(homes), listed, *_within(terms.seconds))


def chosen(homes: Texts, waiting: Sequence[str], terms: Terms) -> tuple[list[UUID], bool]:
    """The block of a list, given as the store tells it."""
    return choose(_homes(homes), (listed_of(told, terms.limits, terms.now) for told in waiting), terms.most)


def _homes(texts: Texts) -> list[Home]:
    return [home_of(home_id, told) for home_id, told in texts.items()]


def _within(seconds: float) -> tuple[Solve, Callable[[], bool]]:
    deadline = monotonic() + seconds
    return lambda program: solve(program, (deadline - monotonic()) * SHARE), lambda: monotonic() < deadline - ENOUGH


def answer(task: str, *told: Any) -> tuple[Any, str, Sequence[Any]]:
    """The answer to one task, with the part of it that is sent one by one, and its name."""
    match task:
        case "choose":
            return chosen(*told), "", ()
        case "round":
            found = decided(*told)
            return replace(found, lines=()), "lines", found.lines
        case _:
            matching = matched(*told)
            return replace(matching, decisions=()), "decisions", matching.decisions


def main() -> None:
    """Answer tasks until there are no more."""
    if hasattr(os, "nice"):
        os.nice(POLITE)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the solver greets on the standard output, whatever it is told
    while True:
        try:
            task = pickle.loads(read(sys.stdin.buffer))  # noqa: S301
        except EOFError:
            return
        whole, name, parts = answer(*task)
        write(answers, pickle.dumps((whole, name, len(parts))))
        for part in parts:
            write(answers, pickle.dumps(part))


if __name__ == "__main__":
    main()
