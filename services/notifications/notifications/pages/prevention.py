"""Sessions of prevention: to come and over, announced and called off, who came, who was told, where they are needed; and hearing of them oneself."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.forms import Form, Question, as_moment, show
from chassis.web.pages.visit import Visiting, read
from chassis.web.pages.words import JAKARTA, MONTHS
from chassis.web.pages.words import Language as Spoken
from fastapi import Response

from notifications import policy
from notifications.api import contacts, prevention
from notifications.api.contacts import AddressBody, ContactBody
from notifications.api.prevention import AttendanceBody, Audience, OptInBody, OptInView, SessionBody, SessionView, Title, Venue
from notifications.messages import Language
from notifications.pages import pages
from notifications.pages.lists import area_name, areas_entered, cities, districts, options

router = pages.router
SESSIONS = "/prevention/sessions"
ONE = SESSIONS + "/{session_id}"
SHOWN_FOR = timedelta(days=30)
MONTHS_BACK = 12


@router.get(SESSIONS)
async def listed(visit: Visit) -> Response:
    """What is to come; for who announces also what was in the last month, to count who came."""
    to_come: list[SessionView] = await visit.ask(prevention.sessions, area=None, since=None)
    since_then: list[SessionView] = await visit.ask(prevention.sessions, area=None, since=visit.now - SHOWN_FOR) if announces(visit) else []
    over = [one for one in reversed(since_then) if one.starts_at < visit.now]
    return visit.show("sessions.html", to_come=to_come, over=over, area_name=area_name, announces=announces(visit))


@router.get(SESSIONS + "/new")
async def begin(visit: Visit) -> Response:
    """Announce a session."""
    return await _announce(visit, None)


@router.post(SESSIONS + "/new")
async def announce(visit: Sent) -> Response:
    """Tell everybody who asked to hear of such ones there."""
    told: dict[str, Any] = {name: visit.field(name) for name in ("title", "place", "area")} | {
        "note": visit.field("note") or "",
        "audiences": list(visit.fields("audiences")),
    }
    told["starts_at"] = as_moment(visit.field("starts_at"))
    then = "prevention/sessions?said=announced"
    return await visit.send(prevention.announce, then=then, again=_announce, body=lambda: SessionBody.model_validate(told))


@router.get(ONE)
async def see(session_id: UUID, visit: Visit) -> Response:
    """A session, and for who announces what became of it."""
    found: SessionView = await visit.ask(prevention.see_session, session_id=session_id)
    reach = await visit.ask(contacts.reach, session_id=session_id) if announces(visit) else []
    begun = found.starts_at <= visit.now
    return visit.show("session.html", found=found, reach=reach, area=area_name(found.area), announces=announces(visit), begun=begun)


@router.get(ONE + "/cancel")
async def really(session_id: UUID, visit: Visit) -> Response:
    """Whether it is called off."""
    return await _cancel(session_id, visit, None)


@router.post(ONE + "/cancel")
async def cancel(session_id: UUID, visit: Sent) -> Response:
    """It does not take place; who was told hears so."""
    then = f"prevention/sessions/{session_id}?said=cancelled"
    return await visit.send(prevention.cancel, then=then, again=partial(_cancel, session_id), session_id=session_id)


@router.get(ONE + "/attendance")
async def how_many(session_id: UUID, visit: Visit) -> Response:
    """How many came."""
    return await _attendance(session_id, visit, None)


@router.post(ONE + "/attendance")
async def count(session_id: UUID, visit: Sent) -> Response:
    """The last count stands."""
    told = {name: _number(visit.field(name)) for name in ("people", "children")}
    return await visit.send(
        prevention.attendance,
        then=f"prevention/sessions/{session_id}?said=counted",
        again=partial(_attendance, session_id),
        body=lambda: AttendanceBody.model_validate(told),
        session_id=session_id,
    )


@router.get("/prevention/statistics")
async def statistics(visit: Visit) -> Response:
    """How many reports there were where, in a month that is over."""
    months = _months(visit)
    wanted = visit.request.query_params.get("month")
    month = wanted if wanted in dict(months) else months[0][0]
    found = await visit.ask(prevention.statistics, month=month)
    rows = [
        (area_name(city), count, [(area_name(code), n) for code, n in found.districts.items() if code.startswith(city)])
        for city, count in found.cities.items()
    ]
    return visit.show("statistics.html", found=found, months=months, month=month, rows=rows)


@router.get("/prevention/opt-in")
async def told(visit: Visit) -> Response:
    """Of which sessions she wants to hear."""
    return await _opt_in(visit, None)


@router.post("/prevention/opt-in")
async def opt_in(visit: Sent) -> Response:
    """Hear of them from now on."""
    chosen = {"audiences": list(visit.fields("audiences")), "areas": areas_entered(visit)}
    then = "prevention/opt-in?said=opted_in"
    return await visit.send(prevention.opt_in, then=then, again=_opt_in, body=lambda: OptInBody.model_validate(chosen))


@router.post("/prevention/opt-in/stop")
async def opt_out(visit: Sent) -> Response:
    """Hear of none."""
    return await visit.send(prevention.opt_out, then="prevention/opt-in?said=opted_out", again=_opt_in)


@router.get("/prevention/contacts")
async def counted(visit: Visit) -> Response:
    """How many have no account and hear; nobody reads an address."""
    return visit.show("contacts.html", found=await visit.ask(contacts.counted))


@router.get("/prevention/contacts/new")
async def whom(visit: Visit) -> Response:
    """Register an address for who asked for it."""
    return await _register(visit, None)


@router.post("/prevention/contacts/new")
async def register(visit: Sent) -> Response:
    """It is asked first whether it agrees."""
    told = {name: visit.field(name) for name in ("channel", "address", "language")} | {"audiences": list(visit.fields("audiences"))}
    told["areas"] = areas_entered(visit)
    return await visit.send(
        contacts.register,
        then="prevention/contacts?said=registered",
        again=_register,
        body=lambda: ContactBody.model_validate(told),
        vault=_vault(visit),
    )


@router.get("/prevention/contacts/erase")
async def which(visit: Visit) -> Response:
    """Erase an address for who asked for it."""
    return await _erase(visit, None)


@router.post("/prevention/contacts/erase")
async def erase(visit: Sent) -> Response:
    """Stop and erase; says whether there was such an address."""
    try:
        body = read(lambda: AddressBody.model_validate({name: visit.field(name) for name in ("channel", "address")}))
        done = await visit.tell(contacts.erase, body=body, vault=_vault(visit))
    except RefusedError as refused:
        return await _erase(visit, refused)
    return visit.go("prevention/contacts", said="erased" if done["erased"] else "not_there")


def announces(visit: Visiting) -> bool:
    """Whether she is of those who announce and count; the routes refuse others anyway."""
    return visit.who.has(*policy.PREVENTION) and visit.who.agency == visit.request.app.state.service.settings.prevention_agency


def _require(visit: Visiting) -> None:
    """No form for who may not send it."""
    if not announces(visit):
        raise RefusedError(403, "another agency answers for prevention")


async def _announce(visit: Visiting, refused: RefusedError | None) -> Response:
    _require(visit)
    questions = [
        Question("choose", "title", visit.say("field.title"), options(visit.language, "title", Title)),
        Question("radios", "place", visit.say("field.place"), options(visit.language, "place", Venue)),
        Question("choose", "area", visit.say("field.area"), districts()),
        Question("checks", "audiences", visit.say("field.audiences"), options(visit.language, "audience", Audience)),
        Question("moment", "starts_at", visit.say("field.starts_at"), hint=visit.say("session.jakarta")),
        Question("words", "note", visit.say("field.note"), hint=visit.say("session.note_hint")),
    ]
    form = Form(visit.say("session.new"), questions, visit.say("session.announce"), "prevention/sessions/new", "prevention/sessions")
    return show(visit, form, refused)


async def _cancel(session_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    _require(visit)
    found: SessionView = await visit.ask(prevention.see_session, session_id=session_id)
    at, title = f"prevention/sessions/{session_id}", visit.say("session.cancel")
    form = Form(title, [], title, f"{at}/cancel", at, caption=visit.say(f"title.{found.title}"), told=[visit.say("session.cancel_hint")], grave=True)
    return show(visit, form, refused)


async def _attendance(session_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    _require(visit)
    found: SessionView = await visit.ask(prevention.see_session, session_id=session_id)
    questions = [
        Question("number", "people", visit.say("field.people"), value=found.attended),
        Question("number", "children", visit.say("field.children"), value=found.attended_children),
    ]
    at = f"prevention/sessions/{session_id}"
    form = Form(visit.say("session.attendance"), questions, visit.say("act.save"), f"{at}/attendance", at, caption=visit.say(f"title.{found.title}"))
    return show(visit, form, refused)


async def _opt_in(visit: Visiting, refused: RefusedError | None) -> Response:
    chosen: OptInView = await visit.ask(prevention.told)
    questions = _about(visit, chosen.audiences, chosen.areas)
    button = visit.say("act.save" if chosen.told else "prevention.opt_in")
    hint = visit.say("prevention.opt_in_hint")
    form = Form(visit.say("mine.prevention"), questions, button, "prevention/opt-in", "preferences", told=[hint])
    names = {question.name: question.title for question in questions}
    return visit.show("opt_in.html", refused=refused, asked=form, names=names, told=chosen.told)


async def _register(visit: Visiting, refused: RefusedError | None) -> Response:
    _require(visit)
    questions = [
        *_where(visit),
        *_about(visit),
        Question("radios", "language", visit.say("field.language"), options(visit.language, "language", Language), "id"),
    ]
    at = "prevention/contacts"
    form = Form(visit.say("contacts.new"), questions, visit.say("contacts.new_button"), f"{at}/new", at, told=[visit.say("contacts.new_hint")])
    return show(visit, form, refused)


async def _erase(visit: Visiting, refused: RefusedError | None) -> Response:
    _require(visit)
    at, title = "prevention/contacts", visit.say("contacts.erase")
    return show(visit, Form(title, _where(visit), title, f"{at}/erase", at, told=[visit.say("contacts.erase_hint")], grave=True), refused)


def _where(visit: Visiting) -> list[Question]:
    settings = visit.request.app.state.service.settings
    ways = [*(["email"] if settings.smtp else []), *sorted(settings.gateways)]
    return [
        Question("radios", "channel", visit.say("field.channel"), options(visit.language, "channel", ways or ("email", "sms", "whatsapp"))),
        Question("line", "address", visit.say("field.address"), hint=visit.say("open.address_hint")),
    ]


def _about(visit: Visiting, audiences: Any = (), areas: Any = ()) -> list[Question]:
    return [
        Question("checks", "audiences", visit.say("field.audiences"), options(visit.language, "audience", Audience), audiences),
        Question("checks", "areas", visit.say("field.areas"), cities(areas), areas, hint=visit.say("open.areas_hint")),
        Question("choose", "district", visit.say("open.district"), districts()),
    ]


def _months(visit: Visiting) -> list[tuple[str, str]]:
    """The months that are over, the newest first."""
    names, first = MONTHS[int(visit.language is Spoken.ENGLISH)], visit.now.astimezone(JAKARTA).date().replace(day=1)
    found: list[tuple[str, str]] = []
    for _ in range(MONTHS_BACK):
        first = (first - timedelta(days=1)).replace(day=1)
        found.append((f"{first:%Y-%m}", f"{names[first.month - 1]} {first.year}"))
    return found


def _number(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdecimal() and text.isascii() else text


def _vault(visit: Visiting) -> Any:
    return visit.request.app.state.service.vault
