"""Offering a programme, and changing what may change of it: its name, more places, further sessions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from chassis import FieldProblem, RefusedError, not_found
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import moment
from contracts.areas import DISTRICTS
from contracts.outcomes import ProgrammeKind
from fastapi import Response

from assessment import policy
from assessment.api import programmes
from assessment.api.programmes import ProgrammeBody, ProgrammeView
from assessment.pages import pages
from assessment.pages.fields import relocated
from assessment.pages.people import options

router = pages.router
FIXED = ("kind", "provider", "area", "begins_on", "ends_on")
FURTHER = 3
MOST_SESSIONS = 200
A_WEEK = 7


@router.get("/programmes/new")
async def what(visit: Visit) -> Response:
    """What is to be offered, by whom, where, when, and to how many."""
    return await _new(visit, None)


@router.post("/programmes/new")
async def offer(visit: Sent) -> Response:
    """Offer it; its id is the form's, so that a second tap is the same programme."""
    told = {name: visit.field(name) for name in (*FIXED, "name", "places")}
    try:
        programme_id = UUID(visit.field("programme_id") or "")
    except ValueError:
        return await _new(visit, RefusedError(400, "this form is not complete"))
    sessions = _sessions(visit)
    refused_at = {"sessions": "first_session", **{f"sessions.{n}": "first_session" for n in range(len(sessions))}}
    return await visit.send(
        programmes.offer,
        then="programmes?said=programme_offered",
        again=partial(_new, places=refused_at),
        body=lambda: ProgrammeBody.model_validate({**told, "sessions": sessions}),
        programme_id=programme_id,
    )


def _sessions(visit: Visiting) -> list[Any]:
    """The sessions: one after the other, so many, so many days apart."""
    first = forms.as_moment(visit.field("first_session"))
    many, days = _whole(visit, "how_many"), _whole(visit, "days_apart") or A_WEEK
    if not isinstance(first, datetime):
        return [first] if first else []
    return [first + timedelta(days=days * n) for n in range(min(many, MOST_SESSIONS + 1))]


def _whole(visit: Visiting, name: str) -> int:
    value = visit.field(name) or ""
    return int(value) if value.isdecimal() and len(value) < 4 else 0  # noqa: PLR2004 - more digits than any of these has


async def _new(visit: Visiting, refused: RefusedError | None, places: Mapping[str, str] | None = None) -> Response:
    if not visit.who.has(*policy.KEEP_WORKERS):
        raise RefusedError(403, "no programme is yours to offer")
    say = visit.say
    questions = [
        Question("radios", "kind", say("offer.kind"), options(visit, "programme", ProgrammeKind)),
        Question("line", "name", say("offer.name"), hint=say("offer.name_hint")),
        Question("line", "provider", say("offer.provider"), value=visit.who.agency, hint=say("plan.provider_hint")),
        Question("choose", "area", say("offer.area"), list(DISTRICTS.items())),
        Question("number", "places", say("offer.places")),
        Question("date", "begins_on", say("offer.begins_on")),
        Question("date", "ends_on", say("offer.ends_on")),
        Question("moment", "first_session", say("offer.first_session"), hint=say("conference.when_hint")),
        Question("number", "how_many", say("offer.how_many")),
        Question("number", "days_apart", say("offer.days_apart"), value=A_WEEK, hint=say("offer.days_apart_hint")),
    ]
    hidden = [("programme_id", visit.field("programme_id") or str(uuid4()))]
    form = Form(say("offer.title"), questions, say("offer.act"), "programmes/new", "programmes", hidden=hidden)
    return forms.show(visit, form, _called(relocated(refused, {"body": "ends_on", **(places or {})})) if refused else None)


def _called(refused: RefusedError) -> RefusedError:
    """The same refusal, with a code of its own for a kind that was not chosen: elsewhere a kind is one of assessments."""
    told = [FieldProblem(entry.field, "no_programme") if entry.field == "kind" else entry for entry in refused.problems]
    return RefusedError(refused.status, refused.title, told, **refused.members)


@router.get("/programmes/{programme_id}/edit")
async def what_else(programme_id: UUID, visit: Visit) -> Response:
    """What may change of a programme that is offered."""
    return await _edit(programme_id, visit, None)


@router.post("/programmes/{programme_id}/edit")
async def change(programme_id: UUID, visit: Sent) -> Response:
    """Change it, unless somebody did since the form was shown."""
    known = await _known(programme_id, visit)
    further = [(n, forms.as_moment(value)) for n in range(FURTHER) if (value := visit.field(f"sessions.{n}"))]
    stays = {name: getattr(known, name) for name in FIXED}
    told = {**stays, "name": visit.field("name"), "places": visit.field("places"), "sessions": [*known.sessions, *(at for _, at in further)]}
    at = {f"sessions.{len(known.sessions) + index}": f"sessions.{n}" for index, (n, _) in enumerate(further)}
    return await visit.send(
        programmes.offer,
        then="programmes?said=programme_changed",
        again=partial(_edit, programme_id, places=at),
        body=lambda: ProgrammeBody.model_validate(told),
        programme_id=programme_id,
        if_match=visit.field("version"),
    )


async def _known(programme_id: UUID, visit: Visiting) -> ProgrammeView:
    found: list[ProgrammeView] = await visit.ask(programmes.list_programmes)
    known = next((entry for entry in found if entry.programme_id == programme_id), None)
    if known is None:
        raise not_found("programme")
    return known


async def _edit(programme_id: UUID, visit: Visiting, refused: RefusedError | None, places: Mapping[str, str] | None = None) -> Response:
    if not visit.who.has(*policy.KEEP_WORKERS):
        raise RefusedError(403, "no programme is yours to change")
    known, say = await _known(programme_id, visit), visit.say
    conflict = refused is not None and "sent" in refused.members
    questions = [
        Question("line", "name", say("offer.name"), value=known.name, hint=say("offer.name_hint")),
        Question("number", "places", say("offer.places"), value=known.places, hint=say("offer.places_hint", places=known.places)),
        *(Question("moment", f"sessions.{n}", say("offer.further", number=len(known.sessions) + n + 1)) for n in range(FURTHER)),
    ]
    form = Form(
        say("offer.change"),
        questions,
        say("act.save"),
        f"programmes/{programme_id}/edit",
        "programmes",
        caption=f"{say(f'programme.{known.kind}')} ({known.provider})",
        told=[say("offer.stays", number=len(known.sessions))],
        hidden=[("version", (visit.field("version") if refused is not None and not conflict else None) or known.version)],
        both=_both(refused.members, visit) if refused is not None and conflict else (),
    )
    return forms.show(visit, form, relocated(refused, places or {}) if refused else None)


def _both(members: Mapping[str, Any], visit: Visiting) -> list[tuple[str, str, str]]:
    theirs, mine = members["current"], members["sent"]
    found = [(visit.say(f"offer.{name}"), str(theirs[name] or ""), str(mine[name])) for name in ("name", "places") if theirs[name] != mine[name]]
    now, told = _last(theirs["sessions"], visit), _last(mine["sessions"], visit)
    return found if now == told else [*found, (visit.say("offer.last"), now, told)]


def _last(sessions: list[str], visit: Visiting) -> str:
    return f"{len(sessions)}: {moment(datetime.fromisoformat(sessions[-1]), visit.now, visit.language)}" if sessions else ""
