"""The pages of prevention for who has no account: ask to hear, agree, choose, stop, read a session. The links in messages lead here.

They say as little as the routes that they ask: whether an address is known, nobody learns. One button does it: what reads ahead presses none.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from chassis import RefusedError
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.guard import require_own_origin
from chassis.web.pages.refusals import told
from chassis.web.pages.visit import entered_in, language_of, read
from chassis.web.pages.words import said as sentence
from chassis.web.routes import ANYBODY
from fastapi import Request, Response

from notifications.api import contacts
from notifications.api.contacts import ChoiceBody, ContactBody
from notifications.api.prevention import Audience
from notifications.messages import Language
from notifications.pages import pages
from notifications.pages.lists import area_name, cities, districts, options
from notifications.pages.words import WORDS

router = pages.router
AT = "/public/prevention"
GONE = 410
Entered = Mapping[str, tuple[str, ...]]


@router.get(AT + "/contacts")
async def begin(request: Request) -> Response:
    """Ask to hear of sessions."""
    return _ask(request, {}, None)


@router.post(AT + "/contacts")
async def ask(request: Request) -> Response:
    """A link comes to the address, and nothing else does before somebody follows it."""
    entered = await _sent(request)
    try:
        values = {name: _one(entered, name) for name in ("channel", "address", "language")} | _wishes(entered)
        body = read(lambda: ContactBody.model_validate(values))
        await contacts.ask_openly(body=body, vault=await contacts.vault_of(request), **_anybody(request), naungan_key=_one(entered, "key"))
    except RefusedError as refused:
        return _ask(request, entered, refused)
    return _say(request, "asked")


@router.get(AT + "/confirm/{token}")
async def agree_or_not(token: str, request: Request) -> Response:
    """Whether to hear at this address; looking uses nothing up, and says nothing of the token."""
    return _form(request, f"confirm/{token}", "confirm", [])


@router.post(AT + "/confirm/{token}")
async def agree(token: str, request: Request) -> Response:
    """Agree."""
    await _sent(request)
    answer = await contacts.confirm(token=token, **_anybody(request))
    return _say(request, "gone", GONE) if answer.status_code == GONE else _say(request, "confirmed")


@router.get(AT + "/stop/{token}")
async def stop_or_not(token: str, request: Request) -> Response:
    """Whether to hear no more; or of other sessions."""
    return _form(request, f"stop/{token}", "stop", [], other=f"choices/{token}")


@router.post(AT + "/stop/{token}")
async def stop(token: str, request: Request) -> Response:
    """Hear no more, and have the address erased; again changes nothing."""
    await _sent(request)
    await contacts.stop(token=token, **_anybody(request))
    return _say(request, "stopped")


@router.get(AT + "/choices/{token}")
async def which(token: str, request: Request) -> Response:
    """Of which sessions to hear from now on; what was chosen before is not told to who holds a link."""
    return _choices(request, token, {}, None)


@router.post(AT + "/choices/{token}")
async def choose(token: str, request: Request) -> Response:
    """Choose it."""
    entered = await _sent(request)
    try:
        body = read(lambda: ChoiceBody.model_validate(_wishes(entered)))
        await contacts.choose(token=token, body=body, **_anybody(request), naungan_key=_one(entered, "key"))
    except RefusedError as refused:
        return _choices(request, token, entered, refused)
    return _say(request, "chosen")


@router.get(AT + "/sessions/{session_id}")
async def see(session_id: UUID, request: Request) -> Response:
    """A session."""
    found = await contacts.open_session(session_id=session_id, **_anybody(request))
    return pages.plain(request, "open_session.html", 200, found=found, area=area_name(found.area), ask=f"{AT[1:]}/contacts")


def _ask(request: Request, entered: Entered, refused: RefusedError | None) -> Response:
    language, settings = language_of(request), request.app.state.service.settings
    ways = [*(["email"] if settings.smtp else []), *sorted(settings.gateways)]
    if not ways:
        return _say(request, "no_way")
    questions = [
        Question("radios", "channel", _words(request, "field.channel"), options(language, "channel", ways)),
        Question("line", "address", _words(request, "field.address"), hint=_words(request, "open.address_hint")),
        *_about(request),
        Question("radios", "language", _words(request, "field.language"), options(language, "language", Language), language.value),
    ]
    return _form(request, "contacts", "contacts", questions, entered=entered, refused=refused)


def _choices(request: Request, token: str, entered: Entered, refused: RefusedError | None) -> Response:
    return _form(request, f"choices/{token}", "choices", _about(request), entered=entered, refused=refused)


def _about(request: Request) -> list[Question]:
    language = language_of(request)
    return [
        Question("checks", "audiences", _words(request, "field.audiences"), options(language, "audience", Audience)),
        Question("checks", "areas", _words(request, "field.areas"), cities(), hint=_words(request, "open.areas_hint")),
        Question("choose", "district", _words(request, "open.district"), districts()),
    ]


def _form(
    request: Request,
    path: str,
    name: str,
    questions: list[Question],
    *,
    entered: Entered | None = None,
    refused: RefusedError | None = None,
    other: str | None = None,
) -> Response:
    form = Form(_words(request, f"open.{name}"), questions, _words(request, f"open.{name}_button"), f"{AT[1:]}/{path}", "")
    names = {question.name: question.title for question in questions}
    problems = told(refused, pages.words, language_of(request), names) if refused else ()
    # What was refused was not done, and what is corrected is another request: it gets another key.
    values = {"form_shown": form, "entered": entered or {}, "problems": problems, "key": str(uuid4()), "text": f"open.{name}_text"}
    return pages.plain(request, "open_form.html", refused.status if refused else 200, **values, other=other and f"{AT[1:]}/{other}")


def _say(request: Request, name: str, status: int = 200) -> Response:
    return pages.plain(request, "open_said.html", status, said=f"open.{name}", ask=f"{AT[1:]}/contacts" if name in {"gone", "stopped"} else None)


def _wishes(entered: Entered) -> dict[str, Any]:
    areas = [value for name in ("areas", "district") for value in entered.get(name, ()) if value]
    return {"audiences": [value for value in entered.get("audiences", ()) if value], "areas": areas}


def _one(entered: Entered, name: str) -> str | None:
    return next((value for value in entered.get(name, ()) if value), None)


async def _sent(request: Request) -> Entered:
    require_own_origin(request)
    return await entered_in(request)


def _anybody(request: Request) -> dict[str, Any]:
    return {"naungan_request": request, "naungan_asker": ANYBODY, "naungan_why": None}


def _words(request: Request, key: str) -> str:
    return sentence(WORDS, key, language_of(request))
