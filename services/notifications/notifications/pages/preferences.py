"""What an officer chose to be told beside what she must hear, from where, and when; what can never be turned off is said."""

from collections.abc import Mapping
from datetime import time
from functools import partial
from typing import Any, Literal

from chassis import RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.forms import Form, Question, show
from chassis.web.pages.visit import Visiting
from contracts.vocabulary import Risk
from fastapi import Response

from notifications.api import preferences
from notifications.api.preferences import ChoiceView, PreferencesBody, PreferencesView
from notifications.channels import officers, phones
from notifications.domain.preferences import Pace
from notifications.pages import pages
from notifications.pages.lists import area_name, areas_entered, cities, districts, options, said
from notifications.pages.reached import kept_or_none

router = pages.router
# Each form asks for a part of what was chosen; the rest of it goes along as it was seen.
Part = Literal["what", "where", "when"]
PARTS: Mapping[Part, tuple[str, ...]] = {
    "what": ("kinds", "muted"),
    "where": ("areas", "risks", "own_cases"),
    "when": ("pace", "digest_at", "quiet_from", "quiet_until"),
}


@router.get("/preferences")
async def overview(visit: Visit) -> Response:
    """What holds now, what can be changed and what cannot, and where she is reached."""
    choice: ChoiceView = await visit.ask(preferences.preferences)
    versions: list[PreferencesView] = await visit.ask(preferences.versions)
    email, phone = await kept_or_none(visit, officers.own_email), await kept_or_none(visit, phones.own_phone)
    rows = {part: _rows(visit, choice.chosen.model_dump(), part) for part in PARTS}
    earlier = [(entry, [row for part in PARTS for row in _rows(visit, entry.model_dump(), part)]) for entry in versions[1:]]
    return visit.show("preferences.html", choice=choice, rows=rows, earlier=earlier, email=email, phone=phone)


@router.get("/preferences/{part}")
async def form(part: Part, visit: Visit) -> Response:
    """One part of what she may choose."""
    return await _form(part, visit, None)


@router.post("/preferences/{part}")
async def choose(part: Part, visit: Sent) -> Response:
    """Choose it, from now on."""
    choice: ChoiceView = await visit.ask(preferences.preferences)
    values = {name: getattr(choice.chosen, name) for name in PreferencesBody.model_fields} | _entered(visit, part)
    return await visit.send(
        preferences.choose,
        then="preferences?said=chosen",
        again=partial(_form, part),
        body=lambda: PreferencesBody.model_validate(values),
        if_match=visit.field("version"),
    )


async def _form(part: Part, visit: Visiting, refused: RefusedError | None) -> Response:
    choice: ChoiceView = await visit.ask(preferences.preferences)
    both = _both(visit, choice.chosen, part) if refused is not None and "yours" in refused.members else ()
    questions = {"what": _what, "where": _where, "when": _when}[part](visit, choice)
    hint = visit.say(f"mine.{part}_hint") if part != "what" else None if questions else visit.say("mine.nothing")
    shown = Form(
        visit.say(f"mine.{part}_title"),
        questions,
        visit.say("act.save"),
        f"preferences/{part}",
        "preferences",
        told=[hint] if hint else [],
        hidden=[("version", str(choice.chosen.version))],
        both=both,
    )
    return show(visit, shown, refused)


def _what(visit: Visiting, choice: ChoiceView) -> list[Question]:
    chosen = choice.chosen
    asked = [("kinds", choice.choosable, chosen.kinds), ("muted", choice.optional, chosen.muted)]
    return [
        Question("checks", name, visit.say(f"field.{name}"), options(visit.language, "kind", listed), value)
        for name, listed, value in asked
        if listed
    ]


def _where(visit: Visiting, choice: ChoiceView) -> list[Question]:
    chosen = choice.chosen
    return [
        Question("checks", "areas", visit.say("field.areas"), cities(chosen.areas), chosen.areas),
        Question("choose", "district", visit.say("field.district"), districts()),
        Question("checks", "risks", visit.say("field.risks"), options(visit.language, "risk", Risk), [risk.value for risk in chosen.risks]),
        Question("checks", "own_cases", visit.say("field.own_cases"), [("yes", visit.say("yes"))], ["yes"] if chosen.own_cases else []),
    ]


def _when(visit: Visiting, choice: ChoiceView) -> list[Question]:
    chosen = choice.chosen
    return [
        Question("radios", "pace", visit.say("field.pace"), options(visit.language, "pace", Pace), chosen.pace.value),
        Question("time", "digest_at", visit.say("field.digest_at"), value=_clock(chosen.digest_at)),
        Question("time", "quiet_from", visit.say("field.quiet_from"), value=_clock(chosen.quiet_from), hint=visit.say("mine.quiet_hint")),
        Question("time", "quiet_until", visit.say("field.quiet_until"), value=_clock(chosen.quiet_until)),
    ]


def _entered(visit: Visiting, part: str) -> dict[str, Any]:
    """What was entered in the form of a part, as the body has it."""
    match part:
        case "what":
            return {"kinds": list(visit.fields("kinds")), "muted": list(visit.fields("muted"))}
        case "where":
            own = visit.field("own_cases") == "yes"
            return {"areas": areas_entered(visit), "risks": list(visit.fields("risks")), "own_cases": own}
        case _:
            found = {name: visit.field(name) for name in PARTS["when"]}
            # The digest has a time of day that holds where none is entered.
            return {name: value for name, value in found.items() if value is not None or name.startswith("quiet")}


def _rows(visit: Visiting, chosen: Mapping[str, Any], part: str) -> list[tuple[str, str]]:
    """What was chosen in a part, in words."""
    if part == "what":
        return [(visit.say(f"field.{name}"), _listed(visit, "kind", chosen[name], "none")) for name in PARTS["what"]]
    if part == "where":
        areas = ", ".join(map(area_name, chosen["areas"])) or visit.say("all")
        own = visit.say("yes" if chosen["own_cases"] else "no")
        risks = _listed(visit, "risk", chosen["risks"], "all")
        return [(visit.say("field.areas"), areas), (visit.say("field.risks"), risks), (visit.say("field.own_cases"), own)]
    begin, end = chosen["quiet_from"], chosen["quiet_until"]
    quiet = visit.say("mine.quiet", begin=_clock(begin) or "?", end=_clock(end) or "?") if begin or end else visit.say("none")
    pace = said(visit.language, "pace", str(chosen["pace"]))
    digest = [(visit.say("field.digest_at"), _clock(chosen["digest_at"]) or "")] if chosen["pace"] == Pace.DIGEST else []
    return [(visit.say("field.pace"), pace), *digest, (visit.say("field.quiet"), quiet)]


def _both(visit: Visiting, stored: PreferencesView, part: str) -> list[tuple[str, str, str]]:
    """What is stored by now beside what was entered, for who decides which holds."""
    theirs = _rows(visit, stored.model_dump(), part)
    yours = dict(_rows(visit, {**stored.model_dump(), **_entered(visit, part)}, part))
    return [(label, value, yours.get(label, "")) for label, value in theirs]


def _listed(visit: Visiting, name: str, codes: Any, nothing: str) -> str:
    return "; ".join(said(visit.language, name, str(code)) for code in codes) or visit.say(nothing)


def _clock(value: time | str | None) -> str | None:
    return value.strftime("%H:%M") if isinstance(value, time) else value
