"""The report form of desks, hotline and outreach: what was entered is never lost, and however often it is sent it is one case."""

import hmac
from hashlib import sha256
from typing import Any

from chassis import RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, form_key
from chassis.web.problems import FieldProblem
from chassis.web.routes import require_role
from contracts.vocabulary import AreaKind, Channel, ProblemCode
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from intake import policy
from intake.api import reports
from intake.pages import pages
from intake.pages.filled import Filled, beginning, report_body
from intake.pages.lists import lists
from intake.reading import gaps, read_submission

router = pages.router
# What a desk is asked for afterwards: it is missing, and not wrong.
ASKED_LATER = ProblemCode.MISSING
UNNUMBERED = "not numbered yet"  # the route gives a reference where officers leave it out


@router.get("/reports/new")
async def begin(visit: Visit) -> Response:
    """An empty report."""
    require_role(visit.who, policy.REPORT)
    found = visit.who.has(policy.OUTREACH)
    defaults = {"channel": Channel.OUTREACH, "area_kind": AreaKind.FOUND} if found else {"channel": Channel.WALK_IN, "area_kind": AreaKind.INCIDENT}
    return _form(visit, beginning(**defaults, reporter="professional" if found else "self"), None)


@router.post("/reports")
async def report(visit: Sent) -> Response:
    """Take a report; with another person, from a draft, or with fields that cannot be read, the form is shown again with all that was entered."""
    filled = Filled(visit.entered)
    if visit.field("more") or visit.field("fewer") or visit.field("again"):
        return _form(visit, filled.with_one_more() if visit.field("more") else filled.without_last() if visit.field("fewer") else filled, None)
    body = report_body(filled)
    try:
        if not visit.field("anyway"):
            _require_readable(visit, body)
        told = await visit.tell(reports.report, naungan_body=body, vault=visit.request.app.state.service.vault)
    except RefusedError as refused:
        if _by_script(visit.request):
            return JSONResponse({"problems": [entry.code for entry in refused.problems]}, refused.status)
        return _form(visit, filled, refused)
    if _by_script(visit.request):
        return JSONResponse({"case": visit.path(f"cases/{told['case_id']}")}, 201)
    return visit.go(f"cases/{told['case_id']}", said="reported")


def _require_readable(visit: Visiting, body: dict[str, Any]) -> None:
    """Refuse what the reading would drop, so that whoever entered it may put it right; what is merely missing is asked for later."""
    reading = read_submission({"reference": UNNUMBERED.replace(" ", "-"), **body}, visit.now)
    wrong = [entry for entry in gaps(reading.problems) if entry[1] is not ASKED_LATER]
    if reading.referral is not None and wrong:
        raise RefusedError(422, "some fields cannot be read", [FieldProblem(*entry) for entry in wrong], droppable=True)


def _by_script(request: Request) -> bool:
    """Whether a draft is sent from the device, and not the page that is looked at."""
    return request.headers.get("accept", "") == "application/json"


def _form(visit: Visiting, filled: Filled, refused: RefusedError | None) -> Response:
    names = dict(_names(visit, filled))
    odd = refused is not None and "droppable" in refused.members
    key = visit.field("key") or visit.fresh_key
    drafts = {name.removeprefix("draft."): visit.say(name) for name in pages.words if name.startswith("draft.")}
    shown = {"filled": filled, "lists": lists(visit.language), "key": key, "odd": odd, "drafts": drafts, "owner": _owner(visit)}
    return visit.show("report.html", refused=refused, names=names, **shown)


def _owner(visit: Visiting) -> str:
    """A secret by which only she opens what she left on a device: with it the device's own key becomes the key of her drafts."""
    return hmac.new(form_key(visit.request), f"drafts|{visit.who.subject}".encode(), sha256).hexdigest()


def _names(visit: Visiting, filled: Filled) -> list[tuple[str, str]]:
    """What each field of a person is called where it is refused: with the number of the person."""
    of_person = ("role", "name", "sex", "age", "nik", "phone", "address", "needs")
    return [
        (f"persons.{place}.{name}", f"{visit.say('report.person', number=place + 1)}, {visit.say(f'field.{name}')}")
        for place in range(filled.persons)
        for name in of_person
    ]
