"""The clocks of people's rights: a request that nobody answered, and a hold that is to be looked at."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis import Due, Inputs, Transaction
from contracts.intake import ClockMissed

from intake import casebook
from intake.casebook import Saying
from intake.rights import rows

HOLD_REVIEW, RIGHT_REQUEST = "hold_review", "right_request"
inputs = Inputs()


@inputs.clock(RIGHT_REQUEST)
async def nobody_answered(due: Sequence[Due], tx: Transaction) -> None:
    """Say that a request is not answered within three times 24 hours (UU PDP art. 31-43), and say it again."""
    await _remind(due, tx, await rows.unanswered(tx, [clock.subject for clock in due]))


@inputs.clock(HOLD_REVIEW)
async def hold_is_due_for_review(due: Sequence[Due], tx: Transaction) -> None:
    """Say that somebody has to look whether the law still keeps this data; nothing ends by itself."""
    await _remind(due, tx, await rows.holding(tx, [clock.subject for clock in due]))


async def _remind(due: Sequence[Due], tx: Transaction, cases: Mapping[UUID, UUID]) -> None:
    """Say of what is still open, by the case that it is about, that its clock ran out, and let it run again."""
    still = [clock for clock in due if clock.subject in cases]
    for clock in still:
        tx.set_clock(clock.kind, clock.subject, tx.now + tx.settings.span(hours=tx.settings.again_hours))
    missed = [Saying(cases[clock.subject], ClockMissed(clock=clock.kind, due_at=clock.due), clock.cause) for clock in still]
    await casebook.grow(tx, said=missed)
