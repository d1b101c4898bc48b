"""The public's pages: a report without a log-in, left at once if need be, and the question what became of it."""

import json
from typing import Any

from chassis.web.pages.guard import require_own_origin
from chassis.web.pages.refusals import told
from chassis.web.pages.visit import entered_in, language_of
from chassis.web.problems import FieldProblem, RefusedError
from chassis.web.routes import ANYBODY, require_key
from contracts.vocabulary import ReporterRole, Risk, Sex
from fastapi import Request, Response

from intake.api import public
from intake.pages import pages
from intake.pages.filled import Filled, report_body
from intake.pages.lists import areas, options
from intake.pages.scripts import keyed

router = pages.router
ASKED = ("urgency", "narrative", "area", "callback", "reporter", "persons.0.sex", "persons.0.age", "persons.0.address")


@router.get("/public")
async def begin(request: Request) -> Response:
    """The form. Nothing is asked before it."""
    return _form(request, Filled({}), None, keyed())


@router.post("/public")
async def report(request: Request) -> Response:
    """Take a report, and show its code and PIN, this once."""
    filled = await _sent(request)
    key = filled.one("key") or keyed()
    try:
        _require_small(request, len(await request.body()))
        answer: Response = await public.report_openly(body=_body(filled), vault=_vault(request), **_anybody(request), naungan_key=require_key(key))
    except RefusedError as refused:
        return _form(request, filled, refused, key)
    return pages.plain(request, "public_receipt.html", 200, receipt=json.loads(bytes(answer.body)))


@router.get("/public/status")
async def what_became(request: Request) -> Response:
    """The question what became of a report."""
    return _status(request, Filled({}), None)


@router.post("/public/status")
async def progress(request: Request) -> Response:
    """The answer: received, or being handled; nothing else is ever said."""
    filled = await _sent(request)
    if missing := [FieldProblem(name, "missing") for name in ("code", "pin") if filled.one(name) is None]:
        return _status(request, filled, RefusedError(422, "enter both", missing))
    try:
        body = public.CodeBody(code=(filled.one("code") or "")[:40], pin=(filled.one("pin") or "")[:40])
        address = await public.address_of(request)
        view = await public.progress(body=body, address=address, vault=_vault(request), **_anybody(request))
    except RefusedError as refused:
        return _status(request, filled, refused)
    return _status(request, Filled({}), None, view.status)


async def _sent(request: Request) -> Filled:
    require_own_origin(request)
    return Filled(await entered_in(request))


def _body(filled: Filled) -> dict[str, Any]:
    """Only what this form asks, whatever else was sent."""
    return report_body(Filled({name: values for name, values in filled.fields.items() if name in ASKED}))


def _anybody(request: Request) -> dict[str, Any]:
    return {"naungan_request": request, "naungan_asker": ANYBODY, "naungan_why": None}


def _vault(request: Request) -> Any:
    return request.app.state.service.vault


def _require_small(request: Request, size: int) -> None:
    """The public's door takes less than others."""
    if size > request.app.state.service.settings.public_bytes:
        raise RefusedError(413, "this is too large for this door", [FieldProblem("body", "too_large")])


def _form(request: Request, filled: Filled, refused: RefusedError | None, key: str) -> Response:
    language = language_of(request)
    lists = {
        "urgency": options("public.urgency", Risk, language),
        "area": areas(),
        "sex": options("sex", (Sex.FEMALE, Sex.MALE), language),
        "reporter": options("reporter", ReporterRole, language),
    }
    return _page(request, "public.html", refused, filled=filled, lists=lists, key=key)


def _status(request: Request, filled: Filled, refused: RefusedError | None, found: str | None = None) -> Response:
    return _page(request, "public_status.html", refused, filled=filled, found=found)


def _page(request: Request, template: str, refused: RefusedError | None, **values: Any) -> Response:
    problems = told(refused, pages.words, language_of(request)) if refused else ()
    return pages.plain(request, template, refused.status if refused else 200, problems=problems, **values)
