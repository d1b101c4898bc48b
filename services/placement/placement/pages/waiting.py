"""Who waits for a bed and why; what people decide about it; and in plain words why a home was offered or was not."""

from functools import partial
from typing import get_args
from uuid import UUID

from chassis import RefusedError, not_found
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from fastapi import Response

from placement import policy
from placement.api import needs, placements, reasons, shelters
from placement.api.placement_views import ByHandBody, ByHandReason, HouseholdView, NeedView, PlacementView
from placement.api.reasons import ClearBody
from placement.domain.needs import State
from placement.domain.split import LOOKING
from placement.pages import pages
from placement.pages.offers import described
from placement.pages.splitting import who_looks
from placement.words import Language

router = pages.router
MOST = 200
RESUMABLE = frozenset({State.NO_SHOW, State.DECLINED})
FINDINGS = get_args(ClearBody.model_fields["finding"].annotation)


@router.get("/waiting")
async def who_waits(visit: Visit) -> Response:
    """The waiting list, in the order in which homes are offered."""
    return await _waiting(visit, None)


async def _waiting(visit: Visiting, refused: RefusedError | None) -> Response:
    found: list[NeedView] = await visit.ask(needs.waiting_list, after=0, most=MOST)
    return visit.show("waiting.html", refused=refused, found=found, full=len(found) == MOST)


@router.post("/waiting/rematch")
async def rematch(visit: Sent) -> Response:
    """Try the whole waiting list again now."""
    return await visit.send(needs.rematch, then="waiting?said=rematch", again=_waiting)


@router.get("/needs/{case_id}")
async def see(case_id: UUID, visit: Visit) -> Response:
    """A case's search for a bed: its household, where it stands, and what can be decided."""
    return await _see(case_id, visit, None)


@router.post("/needs/{case_id}/resume")
async def resume(case_id: UUID, visit: Sent) -> Response:
    """Look for a home again."""
    return await visit.send(needs.resume, then=f"needs/{case_id}?said=resumed", again=partial(_see, case_id), case_id=_meant(case_id, visit))


@router.post("/needs/{case_id}/end")
async def end(case_id: UUID, visit: Sent) -> Response:
    """End the search."""
    return await visit.send(needs.end, then=f"needs/{case_id}?said=ended", again=partial(_see, case_id), case_id=_meant(case_id, visit))


@router.get("/needs/{case_id}/offer")
async def which_home(case_id: UUID, visit: Visit) -> Response:
    """Which home is offered out of order, and why."""
    return await _by_hand(case_id, visit, None)


@router.post("/needs/{case_id}/offer")
async def offer(case_id: UUID, visit: Sent) -> Response:
    """Offer a home out of order."""
    entered = {"shelter_id": visit.field("shelter_id"), "reason": visit.field("reason"), "overrides": visit.fields("overrides")}
    return await visit.send(
        needs.offer_by_hand,
        then=f"needs/{case_id}?said=offered",
        again=partial(_by_hand, case_id),
        body=lambda: ByHandBody.model_validate(entered),
        case_id=_meant(case_id, visit),
    )


@router.get("/needs/{case_id}/explanation")
async def why_of_need(case_id: UUID, visit: Visit) -> Response:
    """What stood in the way of every home."""
    told = await visit.ask(reasons.explain_need, case_id=case_id, decision=None, language=Language(visit.language.value))
    return visit.show("explanation.html", told=told, back=f"needs/{case_id}")


@router.get("/placements/{placement_id}/explanation")
async def why_of_placement(placement_id: UUID, visit: Visit) -> Response:
    """Why this home was offered."""
    told = await visit.ask(reasons.explain_placement, placement_id=placement_id, language=Language(visit.language.value))
    return visit.show("explanation.html", told=told, back=f"placements/{placement_id}")


@router.get("/needs/{case_id}/clear-alarm")
async def what_was_found(case_id: UUID, visit: Visit) -> Response:
    """What a supervisor found who looked into a case that named ever other areas."""
    return await _clear(case_id, visit, None)


@router.post("/needs/{case_id}/clear-alarm")
async def clear_alarm(case_id: UUID, visit: Sent) -> Response:
    """The changes of areas are explained: safe houses may be offered again."""
    return await visit.send(
        reasons.clear_alarm,
        then=f"needs/{case_id}?said=cleared",
        again=partial(_clear, case_id),
        body=lambda: ClearBody.model_validate({"finding": visit.field("finding")}),
        case_id=case_id,
    )


def _meant(case_id: UUID, visit: Visiting) -> UUID:
    """Whom an act is for: the household, or one of the groups that it was split into."""
    group = visit.field("group") or visit.request.query_params.get("group")
    try:
        return UUID(group) if group else case_id
    except ValueError:
        raise not_found("need") from None


async def _see(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: HouseholdView = await visit.ask(needs.see_household, case_id=case_id)
    offers: list[PlacementView] = await visit.ask(placements.list_placements, state=None, case_id=case_id, waits=False, most=20)
    homes = {row.shelter_id: row.name for row in await visit.ask(shelters.list_shelters)}
    whole = not seen.groups and seen.whole.state in LOOKING
    return visit.show(
        "need.html",
        refused=refused,
        seen=seen,
        offers=offers,
        homes=homes,
        people={person.person_id: described(person, visit) for person in seen.persons},
        resumable=RESUMABLE,
        waiting=State.WAITING,
        apart=visit.who.has(*policy.SPLIT) and (whole or bool(seen.groups)) and len(who_looks(seen)) > 1,
    )


async def _by_hand(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: HouseholdView = await visit.ask(needs.see_household, case_id=case_id)
    group = _meant(case_id, visit)
    homes = [row for row in await visit.ask(shelters.list_shelters) if row.shelter_id is not None]
    may_overrule = visit.who.has(*policy.OVERRULE)
    of, why = group if group != case_id else None, get_args(ByHandReason)
    return visit.show("offer.html", refused=refused, seen=seen, homes=homes, reasons=why, may_overrule=may_overrule, group=of)


async def _clear(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    await visit.ask(needs.see_household, case_id=case_id)
    options = [(finding, visit.say(f"alarm.{finding}")) for finding in FINDINGS]
    question = Question("radios", "finding", visit.say("alarm.finding"), options)
    told = [visit.say("alarm.text")]
    form = Form(visit.say("alarm.title"), [question], visit.say("alarm.clear"), f"needs/{case_id}/clear-alarm", f"needs/{case_id}", told=told)
    return forms.show(visit, form, refused)
