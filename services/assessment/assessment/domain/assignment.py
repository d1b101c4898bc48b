"""Which social worker gets which case."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from assessment.domain.case import OPEN, Case, Given, Limits, State, StateError, require, without

URGENCY = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Worker:
    """An active social worker (peksos): areas served (none named: all), and how many open cases she has."""

    worker_id: UUID
    areas: frozenset[str] = frozenset()
    open_cases: int = 0

    def serves(self, area: str) -> bool:
        """Whether she takes cases of this area."""
        return not self.areas or area in self.areas


def assignable(case: Case) -> bool:
    """Whether the case waits for a worker and its area is known; an admission may be heard of before the triage that names it."""
    return case.state is State.WAITING_FOR_WORKER and case.area is not None


def share_out(cases: Iterable[Case], workers: Sequence[Worker]) -> dict[UUID, UUID]:
    """Give each case that waits to the worker with the fewest open cases who serves its area, ties by id; riskiest first.

    Every case counts at once for the next, so a batch is spread out. Returns worker ids by case id; a case that nobody serves is left out.
    """
    load = {worker.worker_id: worker.open_cases for worker in workers}
    given: dict[UUID, UUID] = {}
    for case in sorted(filter(assignable, cases), key=lambda case: (_rank(case.risk), case.case_id)):
        area = case.area or ""
        able = [worker.worker_id for worker in workers if worker.serves(area)]
        if able:
            chosen = min(able, key=lambda worker_id: (load[worker_id], worker_id))
            load[chosen] += 1
            given[case.case_id] = chosen
    return given


def _rank(risk: str | None) -> int:
    return URGENCY.index(risk) if risk in URGENCY else 0


def give(case: Case, worker: UUID, now: datetime, limits: Limits) -> tuple[Case, Given]:
    """Give a case that waits to a worker, who has the initial assessment due from now. Raises StateError unless it waits."""
    require(case, State.WAITING_FOR_WORKER)
    changed = replace(case, state=State.ASSIGNED, worker=worker, deadlines=without(case.deadlines, "assignment"))
    return changed, Given(worker, now + limits.initial, round_version=case.round_version)


def reassign(case: Case, worker: UUID, now: datetime, limits: Limits) -> tuple[Case, Given]:
    """Let a supervisor give an open case to another worker; deadlines stay. Raises StateError unless the case is open and another's."""
    require(case, *OPEN)
    if case.state is State.WAITING_FOR_WORKER:
        return give(case, worker, now, limits)
    if case.worker == worker:
        raise StateError(case.state)
    return replace(case, worker=worker), Given(worker, case.due or now + limits.initial, anew=True)
