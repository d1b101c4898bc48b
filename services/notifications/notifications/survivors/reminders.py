"""What the platform says to a survivor by itself: only that there is news when a follow-up is due, and only if she agreed to be reminded of it.

Whether she did is in her sealed rules, so it is decided by who sends; here a message is only planned for those of the case who have rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis import Inputs, Received, Transaction
from contracts.assessment import FollowupDue
from contracts.handover import Reminder
from sqlalchemy import text

from notifications.survivors import sending

OF_CASES = text("SELECT person_id, case_id FROM survivor WHERE case_id = ANY(CAST(:cases AS uuid[])) AND NOT stopped ORDER BY person_id")
TEMPLATE = "info"
inputs = Inputs()


@dataclass(frozen=True, slots=True)
class Planned:
    """A reminder as a message is planned from it; nobody asked for it but she."""

    asked_at: datetime
    not_after: datetime
    purpose: str = Reminder.FOLLOWUP
    template: str = TEMPLATE
    asked_by: UUID | None = None


@inputs.consumes(FollowupDue)
async def remind(events: Sequence[Received[FollowupDue]], tx: Transaction) -> None:
    """Plan a message to everybody of the case who gave her rules; one per person and follow-up."""
    people = await tx.rows(OF_CASES, {"cases": sorted({event.subject for event in events})})
    for event in events:
        planned = Planned(event.time, tx.at(event.cause) + tx.settings.span(hours=tx.settings.message_hours))
        for row in people:
            if row.case_id == event.subject:
                await sending.add(tx, source=str(event.id), person_id=row.person_id, case_id=row.case_id, step=0, like=planned)
