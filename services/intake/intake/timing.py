"""Time to act: counted as each matter is done, and read back from the facts for supervisors. No person and no case is in it."""

from collections.abc import Iterable
from datetime import datetime

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


def note(tx: Transaction, facts: Iterable[Fact], new: Iterable[Fact]) -> None:
    """Count how long it took to do what these new facts of a case did, once they are committed. A fact that comes again is not new."""
    tx.counted += [lambda act=act: count(act) for act in acting.acts_by(facts, new)]


def count(act: Act) -> None:
    """Count one act."""
    ACTED_AFTER.labels(act.matter, act.role).observe(act.took.total_seconds())


async def paces(tx: Transaction, agency: str, since: datetime, most: int) -> list[Pace]:
    """How fast the matters of an agency's cases were acted on since a moment, over the cases whose state changed last."""
    cases = [row.case_id for row in await tx.rows(BUSY, {"agency": agency, "most": most})]
    done = [act for book in (await store.books(tx, cases)).values() for act in acting.acts(book.facts)]
    return acting.paces(act for act in done if act.done_at >= since)
