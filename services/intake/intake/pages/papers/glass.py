"""Break-glass: a case that the reader's agency takes no part in is read in an emergency, for a reason, for an hour; and ended before."""

from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from chassis.web.problems import RefusedError
from chassis.web.routes import require_role
from contracts.rights import AccessReason
from fastapi import Response

from intake import policy
from intake.api import glass
from intake.api.glass import GlassBody
from intake.pages import pages
from intake.pages.case import short
from intake.pages.filled import Filled, beginning
from intake.pages.lists import area_name, options
from intake.pages.papers import asked

router = pages.router
MOST = 100


@router.get("/break-glass")
async def grants(visit: Visit) -> Response:
    """The reader's own; for a supervisor also who read her agency's cases so."""
    return await _list(visit, None)


@router.get("/break-glass/new")
async def why(visit: Visit) -> Response:
    """The form: which case, and why."""
    return _form(visit, None)


@router.post("/break-glass/new")
async def break_it(visit: Sent) -> Response:
    """Read the case for an hour; its supervisors are told at once."""
    filled = Filled(visit.entered)
    try:
        body = read(lambda: GlassBody.model_validate(asked.filled_in(filled, "case_id", "reason")))
        made = await visit.tell(glass.break_glass, body=body)
    except RefusedError as refused:
        return _form(visit, refused)
    return visit.go(f"break-glass/{made['grant_id']}/case", said="glass_broken")


@router.get("/break-glass/{grant_id}/case")
async def see(grant_id: UUID, visit: Visit) -> Response:
    """The case, as a desk that takes part in it sees it; each look is on record with the reason."""
    case = await visit.ask(glass.case_through_glass, grant_id=grant_id, vault=visit.request.app.state.service.vault)
    facts = await visit.ask(glass.timeline_through_glass, grant_id=grant_id)
    mine = await visit.ask(glass.grants, limit=MOST)
    grant = next((entry for entry in mine if entry.grant_id == grant_id), None)
    return visit.show("papers/glass_case.html", case=case, facts=facts[::-1], grant=grant, grant_id=grant_id, area_name=area_name, short=short)


@router.post("/break-glass/{grant_id}/end")
async def end(grant_id: UUID, visit: Sent) -> Response:
    """End it before its time."""
    return await visit.send(glass.mend, then="break-glass?said=glass_ended", again=_list, grant_id=grant_id)


async def _list(visit: Visiting, refused: RefusedError | None) -> Response:
    found = await visit.ask(glass.grants, limit=MOST)
    return visit.show("papers/glasses.html", refused=refused, found=found)


def _form(visit: Visiting, refused: RefusedError | None) -> Response:
    require_role(visit.who, policy.BREAK_GLASS)
    return visit.show(
        "papers/glass.html",
        refused=refused,
        names=asked.labels(visit, "glass", ("case_id", "reason")),
        filled=Filled(visit.entered) if visit.entered else beginning(case_id=visit.request.query_params.get("case", "")[:36]),
        reasons=options("access_reason", AccessReason, visit.language),
        key=asked.key_of(visit),
    )
