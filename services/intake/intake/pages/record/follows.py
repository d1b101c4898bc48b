"""How a case stands for an agency that has but its follow id: coarsely, as its feed says it."""

from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import FieldProblem, RefusedError
from chassis.web.routes import require_role
from fastapi import Response

from intake import policy
from intake.api import reports
from intake.pages import pages
from intake.pages.record import asking
from intake.pages.record.asking import Asking, Question

router = pages.router


@router.get("/follow")
async def ask_follow(visit: Visit) -> Response:
    """Under which id."""
    require_role(visit.who, policy.FOLLOW)
    return asking.show(visit, _form(visit))


@router.post("/follow")
async def find_follow(visit: Sent) -> Response:
    """The case under this id; one of another agency is none."""
    require_role(visit.who, policy.FOLLOW)
    try:
        follow_id = UUID(visit.field("follow_id") or "")
    except ValueError:
        code = "invalid" if visit.field("follow_id") else "missing"
        return asking.show(visit, _form(visit), RefusedError(422, "this is no follow id", [FieldProblem("follow_id", code)]))
    return visit.go(f"follow/{follow_id}")


@router.get("/follow/{follow_id}")
async def see_follow(follow_id: UUID, visit: Visit) -> Response:
    """How it stands."""
    return visit.show("record/follow.html", found=await visit.ask(reports.follow, follow_id=follow_id))


def _form(visit: Visiting) -> Asking:
    say = visit.say
    question = Question("text", "follow_id", say("field.follow_id"), hint=say("follow.hint"))
    return Asking(title=say("follow.title"), action="follow", back="queue", button=say("follow.see"), questions=[question])
