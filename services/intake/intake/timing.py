"""Time to act: counted as each matter is done, and read back from the facts for supervisors. No person and no case is in it."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from chassis import Transaction
from prometheus_client import Histogram
from sqlalchemy import text

from intake import store
from intake.domain import acting
from intake.domain.acting import Act, Pace
from intake.domain.standing import Fact

DAY = 24 * 3600
ACTED_AFTER = Histogram(
    "naungan_intake_acted_seconds",
    "From when a matter became somebody's move until it was done",
    ["matter", "role"],
    buckets=(60, 300, 900, 3600, 6 * 3600, DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY),
)
# Of the cases that an agency leads or reported those whose state changed last.
BUSY = text("""
    SELECT c.case_id FROM case_file c WHERE CAST(:agency AS text) IN (c.reporting_agency, c.responsible_agency)
    ORDER BY c.changed_at DESC LIMIT :most""")


# Reports that a desk of the agency completed.
COMPLETED = text("""
    SELECT t.task_id, t.opened_at, t.done_at FROM desk_task t LEFT JOIN case_file c USING (case_id)
    WHERE t.kind = 'incomplete' AND t.done_at >= :since AND (t.agency = :agency OR c.responsible_agency = :agency)""")
INCOMPLETE = "incomplete"


def note(tx: Transaction, facts: Iterable[Fact], new: Iterable[Fact]) -> None:
    """Count how long it took to do what these new facts of a case did, once they are committed. A fact that comes again is not new."""
    tx.counted += [partial(count, act) for act in acting.acts_by(facts, new)]


def note_task(tx: Transaction, task: Any) -> None:
    """Count how long a report was incomplete that the desk is done with now; other tasks have no move's name."""
    if task.kind == INCOMPLETE:
        tx.counted.append(partial(count, Act(INCOMPLETE, task.opened_at, tx.now, task.task_id)))


def count(act: Act) -> None:
    """Count one act."""
    ACTED_AFTER.labels(act.matter, act.role).observe(act.took.total_seconds())


async def paces(tx: Transaction, agency: str, since: datetime, most: int) -> list[Pace]:
    """How fast the matters of an agency's cases were acted on since a moment, over the cases whose state changed last."""
    cases = [row.case_id for row in await tx.rows(BUSY, {"agency": agency, "most": most})]
    done = [act for book in (await store.books(tx, cases)).values() for act in acting.acts(book.facts)]
    tasks = await tx.rows(COMPLETED, {"agency": agency, "since": since})
    done += [Act(INCOMPLETE, task.opened_at, task.done_at, task.task_id) for task in tasks]
    return acting.paces(act for act in done if act.done_at >= since)
