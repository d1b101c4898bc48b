"""Those who stay: who leaves by her own choice, is discharged, is away for some time, or is to move to another home."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.forms import Question
from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import JAKARTA
from contracts.vocabulary import Destination, SplitReason
from fastapi import Response

from placement import policy
from placement.api import placements, shelters, stays
from placement.api.placement_views import AbsenceBody, BackBody, DischargeBody, LeaveBody, PlacementView, TransferBody
from placement.domain.placements import Step
from placement.pages import pages
from placement.pages.offers import described

router = pages.router
HOW = ("leave", "discharge", "absence", "back")


@router.get("/placements/{placement_id}/go")
async def who_goes(placement_id: UUID, visit: Visit) -> Response:
    """Who goes, and how."""
    return await _go(placement_id, visit, None)


@router.post("/placements/{placement_id}/go")
async def go(placement_id: UUID, visit: Sent) -> Response:
    """Some of a household leave, are discharged, go away for some time, or are back."""
    persons, how = visit.fields("persons"), visit.field("how")
    routes = {
        "leave": (stays.leave, lambda: LeaveBody.model_validate({"persons": _some(persons)})),
        "discharge": (stays.discharge, lambda: DischargeBody.model_validate({"persons": _some(persons), "destination": visit.field("destination")})),
        "absence": (stays.go_away, lambda: AbsenceBody.model_validate({"persons": _some(persons), "back_by": _moment(visit)})),
        "back": (stays.come_back, lambda: BackBody.model_validate({"persons": _some(persons)})),
    }
    if how not in routes:
        return await _go(placement_id, visit, RefusedError(422, "say how", [FieldProblem("how", "missing")]))
    route, body = routes[how]
    then = f"placements/{placement_id}?said={how}"
    return await visit.send(route, then=then, again=partial(_go, placement_id), body=body, placement_id=placement_id)


@router.get("/placements/{placement_id}/transfer")
async def where_to(placement_id: UUID, visit: Visit) -> Response:
    """Which home is asked to take them over."""
    return await _transfer(placement_id, visit, None)


@router.post("/placements/{placement_id}/transfer")
async def ask(placement_id: UUID, visit: Sent) -> Response:
    """Ask another home to take over all who stay here, or some of them where a supervisor says so; they stay until they have moved."""
    return await visit.send(
        stays.ask_transfer,
        then=f"placements/{placement_id}?said=transfer",
        again=partial(_transfer, placement_id),
        body=lambda: TransferBody.model_validate(_taken_over(visit)),
        placement_id=placement_id,
    )


def _taken_over(visit: Visiting) -> dict[str, object]:
    """Where to; and who, why and that they agreed, where not all of them move."""
    apart = {"persons": visit.fields("persons"), "reason": visit.field("reason"), "agreed": visit.field("agreed") == "yes" or None}
    return {"shelter_id": visit.field("shelter_id"), **(apart if apart["persons"] else {})}


def _some(persons: tuple[str, ...]) -> tuple[str, ...]:
    if not persons:
        raise RefusedError(422, "say who", [FieldProblem("persons", "missing")])
    return persons


def _moment(visit: Visiting) -> datetime:
    """When somebody is to be back, by Jakarta's clock."""
    try:
        return datetime.fromisoformat(visit.field("back_by") or "").replace(tzinfo=JAKARTA)
    except ValueError:
        raise RefusedError(422, "say until when", [FieldProblem("back_by", "missing")]) from None


async def _go(placement_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: PlacementView = await visit.ask(placements.see_placement, placement_id=placement_id)
    here = [(member.person_id, described(member, visit), member.away_until) for member in seen.members if member.bed_id is not None]
    return visit.show("go.html", refused=refused, seen=seen, here=here, how=HOW, destinations=list(Destination), inside=seen.state == Step.ADMITTED)


async def _transfer(placement_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: PlacementView = await visit.ask(placements.see_placement, placement_id=placement_id)
    homes = [row for row in await visit.ask(shelters.list_shelters) if row.shelter_id not in {None, seen.shelter_id}]
    here = [(str(member.person_id), described(member, visit)) for member in seen.members if member.bed_id is not None]
    apart = _some_of_them(here, visit) if visit.who.has(*policy.SPLIT) and len(here) > 1 else []
    return visit.show("transfer.html", refused=refused, seen=seen, homes=homes, apart=apart)


def _some_of_them(here: Sequence[tuple[str, str]], visit: Visiting) -> list[Question]:
    """What a supervisor is asked who lets some move without the others."""
    reasons = [(reason.value, visit.say(f"split.{reason.value}")) for reason in SplitReason]
    return [
        Question("checks", "persons", visit.say("transfer.some"), here, hint=visit.say("transfer.some_hint")),
        Question("radios", "reason", visit.say("split.reason"), reasons),
        Question("checks", "agreed", visit.say("field.agreed"), [("yes", visit.say("transfer.agreed"))]),
    ]
