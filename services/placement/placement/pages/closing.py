"""Whether a shelter takes anybody: closed or full for a time, and open again; and whom somebody who works there must not meet."""

from functools import partial
from typing import get_args
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from fastapi import Response

from placement.api import inventory, inventory_nights
from placement.api.inventory_views import BedBoard, ClosureBody, ConflictBody, Conflicts
from placement.api.shelter_views import ClosureKind
from placement.domain.beds import BedState
from placement.pages import pages

router = pages.router
AT = "/shelters/{shelter_id}"


@router.get(AT + "/close")
async def why_closed(shelter_id: UUID, visit: Visit) -> Response:
    """Why a shelter takes nobody, until when, and what happens to those inside."""
    return await _close(shelter_id, visit, None)


@router.post(AT + "/close")
async def close(shelter_id: UUID, visit: Sent) -> Response:
    """Close a shelter, or say that it is full for the time being."""
    return await visit.send(
        inventory.close_shelter,
        then=f"shelters/{shelter_id}/beds?said=closed",
        again=partial(_close, shelter_id),
        body=lambda: ClosureBody.model_validate({"kind": visit.field("kind"), "until": forms.moment_in(visit, "until")}),
        shelter_id=shelter_id,
    )


@router.post(AT + "/closures/{closure_id}/end")
async def open_again(shelter_id: UUID, closure_id: UUID, visit: Sent) -> Response:
    """It takes people again."""
    again = partial(_close, shelter_id)
    then = f"shelters/{shelter_id}/beds?said=opened"
    return await visit.send(inventory.open_shelter, then=then, again=again, shelter_id=shelter_id, closure_id=closure_id)


@router.get(AT + "/conflicts")
async def whom_not(shelter_id: UUID, visit: Visit, about: str = "") -> Response:
    """Whom somebody who works there must not meet; `about` is whom a placement's page names."""
    return await _conflicts(shelter_id, visit, None, about)


@router.post(AT + "/conflicts")
async def declare(shelter_id: UUID, visit: Sent) -> Response:
    """Somebody who works there must not meet a person or a case."""
    return await visit.send(
        inventory_nights.declare_conflict,
        then=f"shelters/{shelter_id}/conflicts?said=conflict",
        again=partial(_conflicts, shelter_id),
        body=lambda: ConflictBody.model_validate({"about": visit.field("about")}),
        shelter_id=shelter_id,
    )


@router.post(AT + "/conflicts/end")
async def over(shelter_id: UUID, visit: Sent) -> Response:
    """That is over."""
    try:
        about = UUID(visit.field("about") or "")
    except ValueError:
        return await _conflicts(shelter_id, visit, RefusedError(404, "no such conflict"))
    then, again = f"shelters/{shelter_id}/conflicts?said=conflict_over", partial(_conflicts, shelter_id)
    return await visit.send(inventory_nights.end_conflict, then=then, again=again, shelter_id=shelter_id, about=about)


async def _close(shelter_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    board: BedBoard = await visit.ask(inventory.bed_board, shelter_id=shelter_id)
    told = [visit.say("close.text", people=board.states[BedState.OCCUPIED], held=board.states[BedState.HELD])]
    questions = [
        Question("radios", "kind", visit.say("close.kind"), [(kind, visit.say(f"close.{kind}")) for kind in get_args(ClosureKind)]),
        Question("moment", "until", visit.say("close.until"), hint=visit.say("close.until_hint")),
    ]
    at = f"shelters/{shelter_id}"
    form = Form(visit.say("close.title"), questions, visit.say("close.do"), f"{at}/close", f"{at}/beds", told=told, grave=True)
    return forms.show(visit, form, refused)


async def _conflicts(shelter_id: UUID, visit: Visiting, refused: RefusedError | None, about: str = "") -> Response:
    seen: Conflicts = await visit.ask(inventory_nights.see_conflicts, shelter_id=shelter_id)
    question = Question("line", "about", visit.say("conflicts.about"), value=about, hint=visit.say("conflicts.hint"))
    return visit.show("conflicts.html", refused=refused, seen=seen, question=question, names={"about": question.title})
