"""A supervisor's day: what she decides, workers who have too much or are away, reviews that were missed, and what else is late at whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.web.pages import Visit
from chassis.web.problems import RefusedError
from fastapi import Response

from assessment import policy
from assessment.api import cases, workers
from assessment.pages import pages
from assessment.pages.load import Load, loads
from assessment.pages.moves import SUPERVISORS, Move, moves
from assessment.pages.people import officer

router = pages.router
MOST = 1000
# Of each kind: a page stays small on a slow line.
SHOWN = 25
REVIEWS = frozenset({"outcome", "review", "reassessment"})


@dataclass(frozen=True, slots=True)
class Day:
    """What waits for a supervisor: hers to decide, what she sees to at others, each the most urgent first."""

    decisions: Sequence[Move]
    elsewhere: Sequence[Move]
    workers: Sequence[Load]
    reviews: Sequence[Move]
    late: Sequence[Move]


def day_of(found: Sequence[Move], known: Sequence[Load], now: datetime) -> Day:
    """A supervisor's day of all that waits; `elsewhere` are decisions that another supervisor takes, because she works on the case herself."""
    decided = [move for move in found if move.what in SUPERVISORS]
    late = [move for move in found if move.what not in SUPERVISORS and move.late(now)]
    return Day(
        decisions=[move for move in decided if move.yours],
        elsewhere=[move for move in decided if not move.yours],
        workers=[load for load in known if load.matters],
        reviews=[move for move in late if move.case.clock in REVIEWS],
        late=[move for move in late if move.case.clock not in REVIEWS],
    )


@router.get("/supervision")
async def see(visit: Visit) -> Response:
    """Whose move it is in all cases, as a supervisor needs it."""
    if not visit.who.has(*policy.REASSIGN):
        raise RefusedError(403, "this is a supervisor's day")
    listed = await visit.ask(cases.list_cases, most=MOST)
    found = moves(listed, visit.who.subject, visit.now, supervises=True)
    today = day_of(found, loads(await visit.ask(workers.list_workers), visit), visit.now)
    return visit.show("supervision.html", today=today, shown=SHOWN, more=len(listed) == MOST, officer=lambda who: officer(who, visit))
