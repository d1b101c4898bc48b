"""What waits in the inbox: notices that nobody took up yet, the most urgent first; a request that was answered waits no more."""

from typing import Annotated
from uuid import UUID

from chassis import Transaction, reads
from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import text

from notifications import policy
from notifications.api.inbox import NoticeView, notice_view
from notifications.domain.links import ANSWERABLE
from notifications.messages import Language
from notifications.store import MINE, MUTED, SEEN, TIMES

router = APIRouter()

WAITING = text(f"""
    SELECT notice.*, {SEEN} AS read, {TIMES} FROM notice
    WHERE {MINE} AND acknowledged_at IS NULL AND held_until IS NULL AND merged_into IS NULL AND kind <> ALL({MUTED})
        AND NOT (kind = ANY(CAST(:asks AS text[])) AND EXISTS (SELECT 1 FROM ladder l WHERE l.placement_id = notice.placement_id AND l.answered))
        AND (CAST(:placement AS uuid) IS NULL OR placement_id = :placement)
    ORDER BY urgency <> 'urgent', due_at NULLS LAST, position DESC LIMIT :most""")  # noqa: S608 - constants


class WaitingView(BaseModel):
    """What waits, and whether there is more than is shown."""

    notices: list[NoticeView]
    more: bool


@router.get("/inbox/waiting")
@reads(*policy.INBOX)
async def waiting(
    tx: Transaction,
    placement_id: UUID | None = None,
    most: Annotated[int, Query(ge=1, le=1000)] = 50,
    lang: Language = Language.INDONESIAN,
) -> WaitingView:
    """Notices that nobody took up yet, for the one who asks and its roles: urgent ones first, of these what is due first, then the newest.

    Requests that were answered are left out.
    """
    who = tx.principal
    asked = {"asker": who.subject, "roles": sorted(who.roles), "agency": who.agency, "units": sorted(who.units)}
    rows = await tx.rows(WAITING, asked | {"asks": sorted(ANSWERABLE), "placement": placement_id, "most": most + 1})
    return WaitingView(notices=[notice_view(row, lang) for row in rows[:most]], more=len(rows) > most)
