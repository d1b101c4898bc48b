"""The social workers: their load, leave, hours, limit and skills, and with which cases or persons one has a conflict."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from contracts.areas import CITIES, DISTRICTS, DISTRICTS_OF
from fastapi import Response

from assessment import policy
from assessment.api import workers
from assessment.api.worker_views import NOBODY, WorkerDetail, entry
from assessment.domain.assignment import Skill
from assessment.pages import pages
from assessment.pages.fields import chosen, places_of, relocated, rows, yes_or_no
from assessment.pages.load import loads
from assessment.pages.people import officer, options
from assessment.pages.rosterwords import said_of
from assessment.views import ConflictBody, WorkerBody, WorkerView

router = pages.router
AT = "/workers/{worker_id}"
LEAVE, SHIFT = ("first", "last"), ("weekday", "begins", "ends")
MOST_LEAVES, MOST_SHIFTS = 50, 21
ANY_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@router.get("/workers")
async def listed(visit: Visit) -> Response:
    """All social workers, who has too much first."""
    found: list[WorkerView] = await visit.ask(workers.list_workers)
    return visit.show("workers.html", found=loads(found, visit), keeps=visit.who.has(*policy.KEEP_WORKERS), officer=lambda who: officer(who, visit))


@router.get("/workers/new")
async def whom(visit: Visit) -> Response:
    """A worker who is not registered yet."""
    await visit.ask(workers.list_workers)
    return await _new(visit, None)


@router.post("/workers/new")
async def register(visit: Sent) -> Response:
    """Register her; somebody who is registered already is not written over."""
    found = ANY_ID.fullmatch(visit.field("worker_id") or "")
    if found is None:
        return await _new(visit, RefusedError(422, "no id", [FieldProblem("worker_id", "no_id")]))
    worker_id = UUID(found[0])
    return await visit.send(
        workers.keep_worker,
        then=f"workers/{worker_id}?said=worker_kept",
        again=_new,
        body=lambda: WorkerBody.model_validate({"agency": visit.field("agency")}),
        worker_id=worker_id,
        if_match=NOBODY,
    )


async def _new(visit: Visiting, refused: RefusedError | None) -> Response:
    if refused is not None and "version" in refused.members:
        refused = RefusedError(409, refused.title, [FieldProblem("worker_id", "registered")])
    questions = [
        Question("line", "worker_id", visit.say("worker.id"), hint=visit.say("worker.id_hint")),
        Question("line", "agency", visit.say("worker.agency"), value=visit.who.agency, hint=visit.say("plan.provider_hint")),
    ]
    return forms.show(visit, Form(visit.say("worker.new"), questions, visit.say("act.save"), "workers/new", "workers"), refused)


@router.get(AT)
async def see(worker_id: UUID, visit: Visit) -> Response:
    """One worker as she is registered; for herself too."""
    return await _see(worker_id, visit, None)


async def _see(worker_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: WorkerDetail = await visit.ask(workers.see_worker, worker_id=worker_id)
    (load,) = loads([seen], visit)
    return visit.show(
        "worker.html",
        refused=refused,
        seen=seen,
        load=load,
        rows=[(name, visit.say(f"worker.{name}"), said_of(name, value, visit)) for name, value in entry(seen).items()],
        own=worker_id == visit.who.subject,
        supervises=visit.who.has(*policy.REASSIGN),
        keeps=visit.who.has(*policy.KEEP_WORKERS),
        declares=visit.who.has(policy.SUPERVISOR) or worker_id == visit.who.subject,
        officer=lambda who: officer(who, visit),
    )


# -- her entry, part by part: what a form does not ask about stays as it is, which its version is for -----------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a worker's entry that is changed on a page of its own: what of the body it asks, and where refusals stand on the form."""

    name: str
    read: Callable[[Visiting], dict[str, Any]]
    places: Callable[[Visiting], dict[str, str]] = lambda _: {}


def _work(visit: Visiting) -> dict[str, Any]:
    languages = re.split(r"[\s,;]+", (visit.field("languages") or "").lower())
    return {
        "agency": visit.field("agency"),
        "active": chosen(visit, "active"),
        "areas": visit.fields("areas"),
        "skills": visit.fields("skills"),
        "languages": [code for code in languages if code],
        "most_cases": visit.field("most_cases"),
    }


def _rows(name: str, names: tuple[str, ...], most: int) -> Part:
    return Part(
        name,
        lambda visit: {name: [row for _, row in rows(visit, name, names, most)]},
        lambda visit: places_of(name, rows(visit, name, names, most), names),
    )


WORK = Part("edit", _work, lambda visit: {f"languages.{n}": "languages" for n, _ in enumerate(_work(visit)["languages"])})
LEAVES = _rows("leaves", LEAVE, MOST_LEAVES)
HOURS = _rows("shifts", SHIFT, MOST_SHIFTS)


@router.get(AT + "/edit")
async def what_she_does(worker_id: UUID, visit: Visit) -> Response:
    """Agency, areas, skills, languages and limit."""
    return await _form(worker_id, WORK, visit, None)


@router.post(AT + "/edit")
async def change(worker_id: UUID, visit: Sent) -> Response:
    """Change them."""
    return await _save(worker_id, WORK, visit)


@router.get(AT + "/leaves")
async def when_away(worker_id: UUID, visit: Visit) -> Response:
    """On which days she is away."""
    return await _form(worker_id, LEAVES, visit, None)


@router.post(AT + "/leaves")
async def keep_leaves(worker_id: UUID, visit: Sent) -> Response:
    """Others get then what she did not begin with."""
    return await _save(worker_id, LEAVES, visit)


@router.get(AT + "/shifts")
async def when_there(worker_id: UUID, visit: Visit) -> Response:
    """Her working hours."""
    return await _form(worker_id, HOURS, visit, None)


@router.post(AT + "/shifts")
async def keep_hours(worker_id: UUID, visit: Sent) -> Response:
    """Change her working hours."""
    return await _save(worker_id, HOURS, visit)


async def _save(worker_id: UUID, part: Part, visit: Visiting) -> Response:
    seen: WorkerDetail = await visit.ask(workers.see_worker, worker_id=worker_id)
    return await visit.send(
        workers.keep_worker,
        then=f"workers/{worker_id}?said=worker_kept",
        again=partial(_form, worker_id, part),
        body=lambda: WorkerBody.model_validate({**entry(seen), **part.read(visit)}),
        worker_id=worker_id,
        if_match=visit.field("version"),
    )


async def _form(worker_id: UUID, part: Part, visit: Visiting, refused: RefusedError | None) -> Response:
    await visit.ask(workers.list_workers)  # who keeps workers; herself sees her entry, and does not change it
    seen: WorkerDetail = await visit.ask(workers.see_worker, worker_id=worker_id)
    known, conflict = entry(seen), refused is not None and "sent" in refused.members
    both = list(_both(refused.members, visit)) if refused is not None and conflict else []
    kept = visit.field("version") if refused is not None and not conflict else None
    stored: list[dict[str, Any]] = known.get(part.name, [])
    filled = max((n for n, _ in rows(visit, part.name, (*LEAVE, *SHIFT), MOST_LEAVES)), default=-1)
    shown = max(len(stored) + 2, filled + 2)
    return visit.show(
        f"worker_{part.name}.html",
        refused=relocated(refused, part.places(visit)) if refused else None,
        seen=seen,
        known=known,
        version=kept or seen.version,
        both=both,
        rows=[stored[n] if n < len(stored) else {} for n in range(min(shown, MOST_SHIFTS if part is HOURS else MOST_LEAVES))],
        skills=options(visit, "skill", Skill),
        days=options(visit, "weekday", map(str, range(7))),
        cities=[(name, [(code, DISTRICTS[code]) for code in DISTRICTS_OF[city]]) for city, name in CITIES.items()],
        caseload=visit.request.app.state.service.settings.caseload,
        yes_no=yes_or_no(visit),
        officer=lambda who: officer(who, visit),
    )


def _both(members: Mapping[str, Any], visit: Visiting) -> list[tuple[str, str, str]]:
    theirs, mine = members["current"] or {}, members["sent"]
    names = [name for name in mine if theirs.get(name) != mine[name]]
    return [(visit.say(f"worker.{name}"), said_of(name, theirs.get(name), visit), said_of(name, mine[name], visit)) for name in names]


# -- conflicts --------------------------------------------------------------------------------------------------------------------------


@router.get(AT + "/conflicts/new")
async def with_what(worker_id: UUID, visit: Visit, about: UUID | None = None) -> Response:
    """With which case or person a worker has a conflict; from a case's page it is that case."""
    return await _declare(worker_id, visit, None, about)


@router.post(AT + "/conflicts/new")
async def declare(worker_id: UUID, visit: Sent) -> Response:
    """Declare it: the id, or the address of the case's page."""
    found = ANY_ID.search(visit.field("about") or "")
    return await visit.send(
        workers.declare_conflict,
        then=f"workers/{worker_id}?said=conflict_declared",
        again=partial(_declare, worker_id),
        body=lambda: ConflictBody.model_validate({"about": found[0] if found else visit.field("about")}),
        worker_id=worker_id,
    )


async def _declare(worker_id: UUID, visit: Visiting, refused: RefusedError | None, about: UUID | None = None) -> Response:
    if not visit.who.has(*policy.DECLARE_CONFLICT):
        raise RefusedError(403, "no conflict is yours to declare")
    await visit.ask(workers.see_worker, worker_id=worker_id)
    question = Question("line", "about", visit.say("conflict.about"), value=about, hint=visit.say("conflict.about_hint"))
    at = f"workers/{worker_id}"
    form = Form(
        visit.say("conflict.declare"),
        [question],
        visit.say("act.save"),
        f"{at}/conflicts/new",
        at,
        caption=officer(worker_id, visit),
        told=[visit.say("conflict.hint")],
    )
    return forms.show(visit, form, refused)


@router.post(AT + "/conflicts/end")
async def end(worker_id: UUID, visit: Sent) -> Response:
    """A supervisor ends a conflict."""
    return await visit.send(
        workers.end_conflict,
        then=f"workers/{worker_id}?said=conflict_ended",
        again=partial(_see, worker_id),
        body=lambda: ConflictBody.model_validate({"about": visit.field("about")}),
        worker_id=worker_id,
    )
