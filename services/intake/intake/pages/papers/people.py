"""A person: how she may be reached, who is to learn nothing of her, what she asked for; with links to what the reader's role may do."""

from uuid import UUID

from chassis.web.pages import Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from fastapi import Response

from intake import policy
from intake.api import restrictions, rights, safe_contacts
from intake.api.safe_contacts import SafeContactView
from intake.pages import pages
from intake.pages.papers import asked

router = pages.router
MOST = 100


@router.get("/cases/{case_id}/persons/{person_id}")
async def see(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """The person, as far as a desk looks after her rights."""
    case, person = await asked.person_of(visit, case_id, person_id, *policy.SEE_NAMES)
    supervises = visit.who.has(*policy.HOLD)
    holds = await visit.ask(rights.holds, limit=MOST) if supervises else []
    return visit.show(
        "papers/person.html",
        case=case,
        person=person,
        called=asked.called(visit, person),
        contact=await contact_of(visit, person_id),
        kept=await listed(visit, person_id),
        requests=await visit.ask(rights.requests, person_id=person_id, done=True, limit=MOST),
        holds=[hold for hold in holds if hold.case_id == case_id and hold.person_id in (None, person_id)],
        erased=await erasure_of(visit, person_id) if supervises else None,
        supervises=supervises,
        goes_on=asked.goes_on(case),
    )


async def contact_of(visit: Visiting, person_id: UUID) -> SafeContactView | None:
    """Her own rules; None where she was not asked yet, or the reader is to learn nothing of her."""
    try:
        found: SafeContactView = await visit.ask(safe_contacts.safe_contact_of, person_id=person_id, vault=visit.request.app.state.service.vault)
    except RefusedError:
        return None
    return found


async def listed(visit: Visiting, person_id: UUID) -> restrictions.ListView | None:
    """Who is to learn nothing of her; None where that is the reader's own agency."""
    try:
        found: restrictions.ListView = await visit.ask(restrictions.restrictions, person_id=person_id)
    except RefusedError:
        return None
    return found


async def erasure_of(visit: Visiting, person_id: UUID) -> rights.ErasedView | None:
    """How far her erasure is; None where nobody erased her."""
    try:
        found: rights.ErasedView = await visit.ask(rights.erasure_of, person_id=person_id)
    except RefusedError:
        return None
    return found
