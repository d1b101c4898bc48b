"""How much each social worker has: full, over her limit, away, or not active while she has cases."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import JAKARTA

from assessment.views import LeaveBody, WorkerView


@dataclass(frozen=True, slots=True)
class Load:
    """A worker, how many cases she may have at most, and until when she is away today, if she is."""

    worker: WorkerView
    most: int
    away: LeaveBody | None

    @property
    def over(self) -> bool:
        """Whether she has more than she may; a supervisor may have given her that."""
        return self.worker.open_cases > self.most

    @property
    def full(self) -> bool:
        """Whether nothing more is given to her."""
        return self.worker.open_cases >= self.most

    @property
    def left_alone(self) -> bool:
        """Whether she has cases and is not there for them."""
        return self.worker.open_cases > 0 and (self.away is not None or not self.worker.active)

    @property
    def matters(self) -> bool:
        """Whether a supervisor has something to decide about it."""
        return self.over or self.left_alone


def load_of(worker: WorkerView, caseload: int, now: datetime) -> Load:
    """The load of one worker; `caseload` is the limit of who has none of her own."""
    today = now.astimezone(JAKARTA).date()
    away = next((leave for leave in worker.leaves if leave.first <= today <= leave.last), None)
    return Load(worker, caseload if worker.most_cases is None else worker.most_cases, away)


def loads(found: Iterable[WorkerView], visit: Visiting) -> list[Load]:
    """The loads of these workers: what matters first, then who has least room."""
    caseload = visit.request.app.state.service.settings.caseload
    known = [load_of(worker, caseload, visit.now) for worker in found]
    return sorted(known, key=lambda load: (not load.matters, not load.worker.active, load.most - load.worker.open_cases, load.worker.worker_id))
