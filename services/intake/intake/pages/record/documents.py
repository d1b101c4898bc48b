"""What agencies said of a case after their report: the documents that they keep, and the messages that a desk looks at."""

from uuid import UUID

from chassis.web.pages import Visit
from fastapi import Response

from intake import policy
from intake.api import desk, later
from intake.pages import pages
from intake.pages.record import asking

router = pages.router
MOST = 500
# What the desk has of an agency's later messages, by the name of the message.
LATER = ("added", "withdrawn", "attached")


@router.get("/cases/{case_id}/documents")
async def see_documents(case_id: UUID, visit: Visit) -> Response:
    """The documents of a case, which stay with the agencies that keep them, and what agencies said later."""
    await asking.of_case(visit, case_id, *policy.SEE_NAMES)
    found = await visit.ask(later.attachments, case_id=case_id)
    tasks = [task for done in (False, True) for task in await visit.ask(desk.desk, done=done, limit=MOST, case_id=case_id)]
    tasks = [task for task in tasks if task.kind in LATER]
    return visit.show("record/documents.html", case_id=case_id, found=found, tasks=tasks)
