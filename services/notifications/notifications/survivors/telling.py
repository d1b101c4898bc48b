"""What officers are told of messages to survivors: a notice in the inbox of the desk that leads the case, and a supervisor's when nobody looks."""

from typing import Any
from uuid import UUID

from chassis import Cause, Transaction

from notifications import domain, store
from notifications.domain import Follows, Notice, Role, Urgency

UNSURE, TO_DO = "survivor.message_unsure", "survivor.message_to_do"


async def tell(tx: Transaction, message: Any, kind: str) -> None:
    """Ask the desk that leads the case to do something about a message; once per message and state."""
    case_id: UUID = message.case_id
    source = f"{message.id}/{kind}"
    cause = Cause(f"message|{source}", tx.now, "")
    file = (await store.files_of(tx, [case_id]))[case_id]
    notice = Notice(f"{Role.INTAKE_OFFICER}@case", Role.INTAKE_OFFICER, kind, Urgency.URGENT, agency=file.agency, follows=Follows.AGENCY)
    entry = store.Entry(tx.new_id(source, case_id, cause=cause), source, notice, occurred_at=tx.now, case_id=case_id)
    await store.write_notices(tx, [entry])
    due = tx.now + tx.settings.span(minutes=tx.settings.unacknowledged_minutes)
    tx.set_clock(domain.UNACKNOWLEDGED, case_id, due, key=source, cause=cause)
