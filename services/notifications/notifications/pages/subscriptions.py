"""Making a subscription, changing it, its secret, sending a feed again, and its end; for operators."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, not_found
from chassis.web.pages import Sent, Visit
from chassis.web.pages.forms import Form, Question, as_moment, show
from chassis.web.pages.visit import Visiting, read
from chassis.web.pages.words import moment
from contracts.vocabulary import Risk
from fastapi import Response

from notifications import policy
from notifications.api import subscriptions
from notifications.api.subscriptions import FEED, ReplayBody, RotateBody, SubscriptionBody, SubscriptionView
from notifications.pages import pages
from notifications.pages.lists import area_name, cities, options, said

router = pages.router
ONE = "/subscriptions/{subscription_id}"
LISTS = ("types", "cities", "risks")
OVERLAPS = ("24", "168", "0")


@router.get("/subscriptions/new")
async def begin(visit: Visit) -> Response:
    """Whose feed goes where."""
    return _new(visit, None)


@router.post("/subscriptions/new")
async def subscribe(visit: Sent) -> Response:
    """Subscribe, and show the secret, this once."""
    try:
        body = read(lambda: SubscriptionBody.model_validate(_entered(visit) | {"agency": visit.field("agency")}))
        made = await visit.tell(subscriptions.subscribe, body=body, service=_service(visit))
    except RefusedError as refused:
        return _new(visit, refused)
    return _secret(visit, made)


@router.get(ONE + "/change")
async def edit(subscription_id: UUID, visit: Visit) -> Response:
    """Another address, other events."""
    return await _change(subscription_id, visit, None)


@router.post(ONE + "/change")
async def change(subscription_id: UUID, visit: Sent) -> Response:
    """They hold from now on."""
    return await visit.send(
        subscriptions.change,
        then=f"subscriptions/{subscription_id}/deliveries?said=changed",
        again=partial(_change, subscription_id),
        body=lambda: SubscriptionBody.model_validate(_entered(visit)),
        subscription_id=subscription_id,
        if_match=visit.field("version"),
    )


@router.get(ONE + "/secret")
async def another_secret(subscription_id: UUID, visit: Visit) -> Response:
    """For how long the secret before goes on."""
    return await _rotate(subscription_id, visit, None)


@router.post(ONE + "/secret")
async def rotate(subscription_id: UUID, visit: Sent) -> Response:
    """Sign with a new secret, and show it, this once."""
    try:
        body = read(lambda: RotateBody.model_validate({"overlap_hours": visit.field("overlap_hours")}))
        made = await visit.tell(subscriptions.rotate, body=body, service=_service(visit), subscription_id=subscription_id)
    except RefusedError as refused:
        return await _rotate(subscription_id, visit, refused)
    return _secret(visit, made)


@router.get(ONE + "/replay")
async def from_when(subscription_id: UUID, visit: Visit) -> Response:
    """From when on the feed is sent again."""
    return await _replay(subscription_id, visit, None)


@router.post(ONE + "/replay")
async def replay(subscription_id: UUID, visit: Sent) -> Response:
    """Send it again."""
    return await visit.send(
        subscriptions.replay,
        then=f"subscriptions/{subscription_id}/deliveries?said=replayed",
        again=partial(_replay, subscription_id),
        body=lambda: ReplayBody.model_validate({"since": as_moment(visit.field("since"))}),
        subscription_id=subscription_id,
    )


@router.get(ONE + "/remove")
async def really(subscription_id: UUID, visit: Visit) -> Response:
    """Whether it is to end."""
    return await _remove(subscription_id, visit, None)


@router.post(ONE + "/remove")
async def remove(subscription_id: UUID, visit: Sent) -> Response:
    """Send nothing there any more."""
    then = "subscriptions?said=removed"
    return await visit.send(subscriptions.unsubscribe, then=then, again=partial(_remove, subscription_id), subscription_id=subscription_id)


async def one(subscription_id: UUID, visit: Visiting) -> SubscriptionView:
    """A subscription that she may see. Raises 404."""
    listed: Sequence[SubscriptionView] = await visit.ask(subscriptions.subscriptions)
    found = next((entry for entry in listed if entry.id == subscription_id), None)
    if found is None:
        raise not_found("subscription")
    return found


def chosen(visit: Visiting, of: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What goes where, in words."""
    kinds = "; ".join(said(visit.language, "feed", kind) for kind in of["types"]) or visit.say("all")
    where = ", ".join(map(area_name, of["cities"])) or visit.say("all")
    risks = ", ".join(said(visit.language, "risk", str(risk)) for risk in of["risks"]) or visit.say("all")
    listed = (("url", of["url"] or ""), ("types", kinds), ("cities", where), ("risks", risks))
    return [(visit.say(f"field.{name}"), value) for name, value in listed]


def _new(visit: Visiting, refused: RefusedError | None) -> Response:
    if not visit.who.has(policy.ALL_AGENCIES):
        raise RefusedError(403, "your role does not allow this")
    agency = Question("line", "agency", visit.say("field.agency"), hint=visit.say("subscription.agency_hint"))
    questions = [agency, *_questions(visit, {"url": None, "types": (), "cities": (), "risks": ()})]
    form = Form(visit.say("subscription.new"), questions, visit.say("subscription.make"), "subscriptions/new", "subscriptions")
    return show(visit, form, _plain(refused))


async def _change(subscription_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    stored = await one(subscription_id, visit)
    at = f"subscriptions/{subscription_id}"
    both: Sequence[tuple[str, str, str]] = ()
    if refused is not None and "yours" in refused.members:
        yours = chosen(visit, _entered(visit))
        both = [(label, value, mine) for (label, value), (_, mine) in zip(chosen(visit, stored.model_dump()), yours, strict=True)]
    form = Form(
        visit.say("subscription.change"),
        _questions(visit, stored.model_dump()),
        visit.say("act.save"),
        f"{at}/change",
        f"{at}/deliveries",
        caption=stored.agency,
        hidden=[("version", str(stored.version))],
        both=both,
    )
    return show(visit, form, _plain(refused))


async def _rotate(subscription_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    stored = await one(subscription_id, visit)
    at = f"subscriptions/{subscription_id}"
    question = Question("radios", "overlap_hours", visit.say("subscription.overlap"), options(visit.language, "overlap", OVERLAPS))
    title, hint = visit.say("subscription.rotate"), visit.say("subscription.overlap_hint")
    form = Form(
        title, [question], visit.say("subscription.rotate"), f"{at}/secret", f"{at}/deliveries", caption=stored.agency, told=[hint], grave=True
    )
    return show(visit, form, refused)


async def _replay(subscription_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    stored = await one(subscription_id, visit)
    at = f"subscriptions/{subscription_id}"
    question = Question("moment", "since", visit.say("field.since"), hint=visit.say("subscription.replay_hint"))
    form = Form(
        visit.say("subscription.replay"), [question], visit.say("subscription.replay"), f"{at}/replay", f"{at}/deliveries", caption=stored.agency
    )
    return show(visit, form, refused)


async def _remove(subscription_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    stored = await one(subscription_id, visit)
    at = f"subscriptions/{subscription_id}"
    title, hint = visit.say("subscription.remove"), visit.say("subscription.remove_hint")
    form = Form(title, [], visit.say("subscription.remove"), f"{at}/remove", f"{at}/deliveries", caption=stored.agency, told=[hint], grave=True)
    return show(visit, form, refused)


def _questions(visit: Visiting, value: Mapping[str, Any]) -> list[Question]:
    said_all = visit.say("subscription.all_hint")
    return [
        Question("line", "url", visit.say("field.url"), value=value["url"], hint=visit.say("subscription.url_hint")),
        Question("checks", "types", visit.say("field.types"), options(visit.language, "feed", sorted(FEED)), value["types"], hint=said_all),
        Question("checks", "cities", visit.say("field.cities"), cities(value["cities"]), value["cities"], hint=said_all),
        Question("checks", "risks", visit.say("field.risks"), options(visit.language, "risk", Risk), value["risks"], hint=said_all),
    ]


def _entered(visit: Visiting) -> dict[str, Any]:
    return {"url": visit.field("url"), **{name: list(visit.fields(name)) for name in LISTS}}


def _plain(refused: RefusedError | None) -> RefusedError | None:
    """A code among those of a list is wrong: the list is what the page has."""
    if refused is None:
        return None
    of = [(problem, problem.field.partition(".")[0]) for problem in refused.problems]
    problems = [FieldProblem(name, problem.code) if name in LISTS else problem for problem, name in of]
    return RefusedError(refused.status, refused.title, problems, **refused.members)


def _secret(visit: Visiting, made: Mapping[str, Any]) -> Response:
    until = moment(datetime.fromisoformat(made["previous_until"]), visit.now, visit.language) if made["previous_until"] else None
    return visit.show("subscription_secret.html", made=made, until=until)


def _service(visit: Visiting) -> Any:
    return visit.request.app.state.service
