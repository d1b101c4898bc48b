"""The work queue, and an offer on its way: answered, sent off, let in."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from uuid import UUID

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from contracts.vocabulary import Agreement, DeclineReason
from fastapi import Response

from placement import policy
from placement.api import placements, stays
from placement.api.placement_views import AdmitBody, AgreementBody, DeclineBody, MemberView, PersonView, PlacementView
from placement.domain.people import Person
from placement.domain.placements import FOR_ADULTS, FOR_CHILDREN, Step
from placement.pages import pages
from placement.pages.moves import moves

router = pages.router
MOST = 200


@router.get("/queue")
async def queue(visit: Visit) -> Response:
    """Whose move it is, the most urgent first."""
    found: list[PlacementView] = await visit.ask(placements.list_placements, state=None, case_id=None, waits=True, most=MOST)
    heads = not visit.who.has(*policy.SEE_ALL_PLACEMENTS)
    return visit.show("queue.html", moves=moves(found, visit.now, heads=heads), full=len(found) == MOST)


@router.get("/placements/{placement_id}")
async def see(placement_id: UUID, visit: Visit) -> Response:
    """One offer or stay, and what can be done about it now; who only asked for it learns whom to call."""
    if not visit.who.has(*policy.SEE_PLACEMENTS) and visit.who.has(*policy.SEE_CONTACT):
        return visit.go(f"placements/{placement_id}/contact", **visit.request.query_params)
    return await _see(placement_id, visit, None)


@router.post("/placements/{placement_id}/accept")
async def accept(placement_id: UUID, visit: Sent) -> Response:
    """The head says yes."""
    return await visit.send(placements.accept, then=_at(placement_id, "accepted"), again=partial(_see, placement_id), placement_id=placement_id)


@router.post("/placements/{placement_id}/claim")
async def claim(placement_id: UUID, visit: Sent) -> Response:
    """Somebody is on the answer."""
    return await visit.send(placements.claim, then=_at(placement_id, "claimed"), again=partial(_see, placement_id), placement_id=placement_id)


@router.get("/placements/{placement_id}/decline")
async def why_not(placement_id: UUID, visit: Visit) -> Response:
    """Why the head says no."""
    return await _form("decline.html", placement_id, visit, None)


@router.post("/placements/{placement_id}/decline")
async def decline(placement_id: UUID, visit: Sent) -> Response:
    """The head says no."""
    return await visit.send(
        placements.decline,
        then=_at(placement_id, "declined"),
        again=partial(_form, "decline.html", placement_id),
        body=lambda: DeclineBody.model_validate({"reason": visit.field("reason")}),
        placement_id=placement_id,
    )


@router.post("/placements/{placement_id}/no-show")
async def no_show(placement_id: UUID, visit: Sent) -> Response:
    """The household did not come."""
    return await visit.send(placements.no_show, then=_at(placement_id, "no_show"), again=partial(_see, placement_id), placement_id=placement_id)


@router.get("/placements/{placement_id}/admit")
async def how_they_agreed(placement_id: UUID, visit: Visit) -> Response:
    """How each of the household agreed to come in."""
    return await _form("admit.html", placement_id, visit, None)


@router.post("/placements/{placement_id}/admit")
async def admit(placement_id: UUID, visit: Sent) -> Response:
    """Let the household in; those who ask to move from another shelter move over."""
    try:
        seen = await visit.ask(placements.see_placement, placement_id=placement_id)
    except RefusedError as refused:
        return await _form("admit.html", placement_id, visit, refused)
    return await visit.send(
        stays.move if _moves(seen) else stays.admit,
        then=_at(placement_id, "admitted"),
        again=partial(_form, "admit.html", placement_id),
        body=lambda: AdmitBody(agreements=tuple(_agreements(visit, seen))),
        placement_id=placement_id,
    )


def _agreements(visit: Visiting, seen: PlacementView) -> Iterator[AgreementBody]:
    """What was entered of each member; who is left out is missed by the route, by her id."""
    for member in seen.members:
        place = f"agreements.{member.person_id}"
        how, until = visit.field(place), visit.field(f"{place}.legal_ground_until")
        try:
            day = date.fromisoformat(until) if until else None
        except ValueError:
            raise RefusedError(422, "a day cannot be read", [FieldProblem(f"{place}.legal_ground_until", "invalid")]) from None
        if how is not None:
            yield AgreementBody.model_validate({"person_id": member.person_id, "agreement": how, "legal_ground_until": day})


def _moves(seen: PlacementView) -> bool:
    return seen.transfer_of is not None and seen.state == Step.ACCEPTED


def _at(placement_id: UUID, said: str) -> str:
    return f"placements/{placement_id}?said={said}"


async def _see(placement_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen = await visit.ask(placements.see_placement, placement_id=placement_id)
    people = [described(member, visit) for member in seen.members]
    return visit.show(
        "placement.html", refused=refused, seen=seen, people=people, can=_can(seen, visit), call=f"/notifications/pages/placements/{placement_id}"
    )


async def _form(template: str, placement_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: PlacementView = await visit.ask(placements.see_placement, placement_id=placement_id)
    people = {f"agreements.{member.person_id}": described(member, visit) for member in seen.members}
    names = people | {f"{place}.legal_ground_until": f"{label}, {visit.say('field.legal_ground_until')}" for place, label in people.items()}
    given = {member.person_id: choices(member) for member in seen.members}
    shown = {"seen": seen, "can": _can(seen, visit), "people": people, "choices": given, "reasons": list(DeclineReason)}
    return visit.show(template, refused=refused, names=names, **shown)


def choices(member: MemberView | PersonView) -> list[str]:
    """How somebody of this age may agree, as the domain asks for it."""
    adult = Person(member.person_id, member.sex, member.age, member.role).adult
    return [how.value for how in Agreement if how.value in (FOR_ADULTS if adult else FOR_CHILDREN)]


def described(member: MemberView | PersonView, visit: Visiting) -> str:
    """A member of a household as one speaks of her: what she is there, sex and age."""
    age = visit.say("years", number=member.age) if member.age is not None else visit.say("age_unknown")
    return f"{visit.say(f'role.{member.role}')}, {visit.say(f'sex.{member.sex}')}, {age}"


def _can(seen: PlacementView, visit: Visiting) -> frozenset[str]:
    """What this officer may do about a placement in its state; the routes decide again."""
    transfer = seen.transfer_of is not None
    expected = seen.state in {Step.ACCEPTED, Step.ON_THE_WAY}
    under_way = expected or seen.state == Step.OFFERED
    allowed = {
        "answer": (seen.state == Step.OFFERED, policy.ANSWER_OFFER),
        "send_off": (seen.state == Step.ACCEPTED and not transfer, policy.SEND_OFF),
        "admit": (expected, policy.ADMIT),
        "no_show": (expected and not transfer, policy.ANSWER_OFFER),
        "go": (seen.state == Step.ADMITTED, policy.END_STAY),
        "transfer": (seen.state == Step.ADMITTED, policy.ASK_TRANSFER),
        "call": (seen.state == Step.OFFERED, (policy.HEAD,)),
        "extend": (under_way, policy.EXTEND),
        "cancel": (under_way, policy.TAKE_BACK),
        "contact": (expected or seen.state == Step.ADMITTED, policy.SEE_CONTACT),
        "conflict": (under_way or seen.state == Step.ADMITTED, policy.DECLARE_CONFLICT),
    }
    return frozenset(name for name, (now, roles) in allowed.items() if now and visit.who.has(*roles))
