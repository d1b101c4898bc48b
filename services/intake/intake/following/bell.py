"""What rings for who listens to a feed: the number of each agency's newest event."""

from chassis import Transaction
from chassis.web.bell import Bell

from intake.following import numbering

# Seconds after which is numbered what nobody asks for, so that whoever comes after a long time does not wait for all of it.
UNASKED = 60.0

FeedBell = Bell[dict[str, int]]


def feed_bell() -> FeedBell:
    """The bell of this replica's listeners."""
    return Bell(_look, {}, "feed_poll_seconds", UNASKED)


async def _look(tx: Transaction) -> dict[str, int]:
    await numbering.number(tx)
    return {row.agency: row.number for row in await tx.rows(numbering.NEWEST_OF_ALL)}
