"""How what nobody answers climbs: the versions of the policy, and a new one, which says what it would do before it holds."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from fastapi import Response

from notifications import policy
from notifications.api import escalation
from notifications.api.escalation import PolicyView
from notifications.escalation.policies import EscalationPolicy, PolicyStep
from notifications.pages import pages
from notifications.pages.lists import said

router = pages.router
AT = "escalation/policies"
Part = Literal["high", "other", "office"]
PARTS: tuple[Part, ...] = ("high", "other", "office")
ROLES = ("shelter_head", "placement_officer", "intake_officer")
CHANNELS = ("email", "phone")
SPARE = 2
MOST = 20


@router.get(f"/{AT}")
async def listed(visit: Visit) -> Response:
    """What holds now, and what held before."""
    found: list[PolicyView] = await visit.ask(escalation.versions)
    rows = [(one, {part: in_words(visit, one.policy, part) for part in PARTS}) for one in reversed(found)]
    return visit.show("escalation.html", holds=rows[0], earlier=rows[1:], changes=visit.who.has(*policy.ESCALATION), parts=PARTS)


@router.get(f"/{AT}/{{part}}")
async def form(part: Part, visit: Visit) -> Response:
    """One part of the policy, as it is now."""
    return await _form(part, visit, None)


@router.post(f"/{AT}/{{part}}")
async def change(part: Part, visit: Sent) -> Response:
    """First what it would do; with `sure` it holds for offers made from now on."""
    _require(visit)
    newest = await _newest(visit)
    if visit.field("sure"):
        return await visit.send(
            escalation.add,
            then=f"{AT}?said=policy",
            again=partial(_form, part),
            body=lambda: _policy(visit, part, newest),
            if_match=visit.field("version"),
        )
    try:
        would = read(lambda: _policy(visit, part, newest))
    except RefusedError as refused:
        return await _form(part, visit, refused)
    entered = [(name, value) for name, values in visit.entered.items() for value in values if name not in {"token", "key"}]
    before, after = in_words(visit, newest.policy, part), in_words(visit, would, part)
    return visit.show("escalation_would.html", part=part, entered=entered, before=before, after=after)


def in_words(visit: Visiting, of: EscalationPolicy, part: str) -> list[str]:
    """What a part of a policy does, a sentence for each step."""
    if part != "office":
        return [_step(visit, step) for step in getattr(of, part)]
    days = ", ".join(visit.say(f"weekday.{number}") for number in of.office.days)
    opens = visit.say("escalation.opens", days=days, begin=f"{of.office.opens:%H:%M}", end=f"{of.office.closes:%H:%M}")
    minutes = of.unacknowledged_minutes or visit.request.app.state.service.settings.unacknowledged_minutes
    return [opens, visit.say("escalation.unacknowledged", minutes=_plain(minutes))]


def _step(visit: Visiting, step: PolicyStep) -> str:
    roles = ", ".join(said(visit.language, "role", role) for role in step.roles)
    by = ", ".join(said(visit.language, "channel", channel) for channel in step.channels)
    more = visit.say("escalation.and_on_call") if step.on_call else ""
    return visit.say(f"escalation.step_{step.hours}", minutes=_plain(step.minutes), roles=roles + more, channels=by)


def _plain(minutes: float) -> str:
    return f"{minutes:g}"


async def _form(part: str, visit: Visiting, refused: RefusedError | None) -> Response:
    _require(visit)
    newest = await _newest(visit)
    steps: Sequence[PolicyStep] = getattr(newest.policy, part) if part != "office" else ()
    rows = min(max(len(steps) + SPARE, len(_places(visit, part))), MOST)
    values = _shown(newest.policy, part)
    sent: Mapping[str, Sequence[str]] = visit.entered or values
    return visit.show(
        "escalation_form.html",
        refused=_named(refused, visit, part),
        part=part,
        rows=rows,
        sent=sent,
        newest=newest,
        roles=ROLES,
        channels=CHANNELS,
        stored=in_words(visit, newest.policy, part) if refused is not None and "yours" in refused.members else None,
    )


async def _newest(visit: Visiting) -> PolicyView:
    found: list[PolicyView] = await visit.ask(escalation.versions)
    return found[-1]


def _require(visit: Visiting) -> None:
    if not visit.who.has(*policy.ESCALATION):
        raise RefusedError(403, "your role does not allow this")


def _shown(of: EscalationPolicy, part: str) -> dict[str, list[str]]:
    """A part of a policy as the fields of its form."""
    if part == "office":
        minutes = [] if of.unacknowledged_minutes is None else [_plain(of.unacknowledged_minutes)]
        days = [str(day) for day in of.office.days]
        return {
            "office.days": days,
            "office.opens": [f"{of.office.opens:%H:%M}"],
            "office.closes": [f"{of.office.closes:%H:%M}"],
            "unacknowledged_minutes": minutes,
        }
    found: dict[str, list[str]] = {}
    for place, step in enumerate(getattr(of, part)):
        at = f"{part}.{place}"
        found |= {f"{at}.minutes": [_plain(step.minutes)], f"{at}.roles": list(step.roles), f"{at}.channels": list(step.channels)}
        found |= {f"{at}.on_call": ["yes"] if step.on_call else [], f"{at}.hours": [step.hours]}
    return found


def _places(visit: Visiting, part: str) -> list[int]:
    """The rows of a ladder's form in which something was entered."""
    return [place for place in range(MOST) if visit.field(f"{part}.{place}.minutes") or visit.fields(f"{part}.{place}.roles")]


def _policy(visit: Visiting, part: str, newest: PolicyView) -> EscalationPolicy:
    """The newest policy with this part as it was entered. Raises ValidationError."""
    body = newest.policy.model_dump(mode="json") | {"source": visit.field("source")}
    if part == "office":
        office: dict[str, Any] = {"days": [int(day) for day in visit.fields("office.days") if day in set("0123456")]}
        office |= {name: visit.field(f"office.{name}") for name in ("opens", "closes")}
        body |= {"office": office, "unacknowledged_minutes": visit.field("unacknowledged_minutes")}
    else:
        body[part] = [
            {
                "minutes": visit.field(f"{part}.{place}.minutes"),
                "roles": list(visit.fields(f"{part}.{place}.roles")),
                "channels": ["inbox", *visit.fields(f"{part}.{place}.channels")],
                "on_call": visit.field(f"{part}.{place}.on_call") == "yes",
                "hours": visit.field(f"{part}.{place}.hours") or "always",
            }
            for place in _places(visit, part)
        ]
    return EscalationPolicy.model_validate(body)


def _named(refused: RefusedError | None, visit: Visiting, part: str) -> RefusedError | None:
    """The same refusal with fields called as on the form: empty rows are no steps, and what is wrong with the whole is at its beginning."""
    if refused is None:
        return None
    places = _places(visit, part)
    problems = []
    for problem in refused.problems:
        name, _, rest = problem.field.partition(".")
        number, _, last = rest.partition(".")
        field = problem.field
        if name == part and number.isdecimal() and int(number) < len(places):
            field = f"{part}.{places[int(number)]}.{last.partition('.')[0]}"
        elif problem.field in {"body", part}:
            field = "office.closes" if part == "office" else f"{part}.0.minutes"
        problems.append(FieldProblem(field, problem.code))
    return RefusedError(refused.status, refused.title, problems, **refused.members)
