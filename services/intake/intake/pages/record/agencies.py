"""The register of agencies: who takes part, how an operator keeps that, and the question which agency somebody means."""

from typing import Any

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from chassis.web.problems import FieldProblem, RefusedError, not_found
from chassis.web.routes import require_role
from contracts.register import AgencyKind
from contracts.vocabulary import AgencyCode
from fastapi import Response

from intake import policy
from intake.api import agencies
from intake.api.agencies import AgencyBody, AgencyView, RegisterView
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import options
from intake.pages.record import asking
from intake.pages.record.asking import Asking, Question

router = pages.router


@router.get("/agencies")
async def see_register(visit: Visit) -> Response:
    """All agencies that take part, and for the operator who reported without being among them."""
    found: RegisterView = await visit.ask(agencies.list_agencies)
    return visit.show("record/register.html", found=found, keeps=visit.who.has(*policy.KEEP_REGISTER))


@router.get("/agencies/new")
async def ask_agency(visit: Visit, code: str = "") -> Response:
    """An agency that is new; its code is what it is called by from then on."""
    require_role(visit.who, policy.KEEP_REGISTER)
    return asking.show(visit, _form(visit, None, begins=Filled({"code": (code,)})))


@router.post("/agencies/new")
async def add_agency(visit: Sent) -> Response:
    """Put it into the register."""
    code = visit.field("code") or ""
    body = lambda: NewBody.model_validate({"code": code, **_body(Filled(visit.entered))})  # noqa: E731 - read once, by `read`
    try:
        entry = read(body)
        await visit.tell(agencies.put_agency, code=entry.code, body=AgencyBody(**entry.model_dump(exclude={"code"})), if_match="0")
    except RefusedError as refused:
        known = [FieldProblem("code", "registered")] if asking.conflicting(refused) else refused.problems
        return asking.show(visit, _form(visit, None), RefusedError(refused.status, refused.title, known))
    return visit.go(f"agencies/{code}", said="agency")


@router.get("/agencies/{code}")
async def see_agency(code: AgencyCode, visit: Visit) -> Response:
    """An agency's entry, and what it was when."""
    require_role(visit.who, policy.SEE_REGISTER)
    entry, keeps = await _one(code, visit), visit.who.has(*policy.KEEP_REGISTER)
    versions = await visit.ask(agencies.versions, code=code) if keeps and entry.version else []
    return visit.show("record/agency.html", entry=entry, versions=versions, keeps=keeps)


@router.get("/agencies/{code}/edit")
async def ask_entry(code: AgencyCode, visit: Visit) -> Response:
    """The entry, to be written anew."""
    require_role(visit.who, policy.KEEP_REGISTER)
    return asking.show(visit, _form(visit, await _one(code, visit)))


@router.post("/agencies/{code}/edit")
async def change_entry(code: AgencyCode, visit: Sent) -> Response:
    """Write it anew; when another operator did since the form was opened, both values are shown."""
    entry = await _one(code, visit)
    try:
        body = read(lambda: AgencyBody.model_validate(_body(Filled(visit.entered))))
        await visit.tell(agencies.put_agency, code=code, body=body, if_match=visit.field("version") or "none")
    except RefusedError as refused:
        met = asking.conflicting(refused)
        form = _form(visit, entry, version=None if met else visit.field("version"))
        return asking.show(visit, form, refused, asking.differing(visit, form, form.begins) if met else ())
    return visit.go(f"agencies/{code}", said="agency")


class NewBody(AgencyBody):
    """An entry with the code by which it is known."""

    code: AgencyCode


async def which(visit: Visiting, name: str, title: str, *, but: str | None = None, needed: bool = True) -> Question:
    """The question which agency: of those that take part, or as a code while nobody keeps the register."""
    found: RegisterView = await visit.ask(agencies.list_agencies)
    known = [(entry.code, entry.name or entry.code) for entry in found.agencies if entry.active and entry.code != but]
    if not found.kept:
        hint = visit.say("agency.code_hint", known=", ".join(code for code, _ in known))
        return Question("text", name, title, hint=hint, needed=needed)
    return Question("choose", name, title, sorted(known, key=lambda entry: entry[1].lower()), needed=needed)


def _form(visit: Visiting, entry: AgencyView | None, *, begins: Filled | None = None, version: str | None = None) -> Asking:
    say = visit.say
    code = [] if entry else [Question("text", "code", say("field.agency_code"), hint=say("agency.new_code_hint"))]
    return Asking(
        title=say("agency.new") if entry is None else say("agency.edit", code=entry.code),
        action="agencies/new" if entry is None else f"agencies/{entry.code}/edit",
        back="agencies" if entry is None else f"agencies/{entry.code}",
        button=say("household.save"),
        begins=begins or (_begun(entry) if entry else asking.NOTHING),
        carries={"version": [version or str(entry.version)]} if entry else {},
        questions=[
            *code,
            Question("text", "name", say("field.agency_name")),
            Question("radios", "kind", say("field.agency_kind"), options("agency_kind", AgencyKind, visit.language)),
            Question("text", "units", say("field.units"), hint=say("agency.units_hint")),
            Question("text", "areas", say("field.agency_areas"), hint=say("agency.areas_hint")),
            Question("radios", "active", say("field.active"), options("choose", ("yes", "no"), visit.language)),
        ],
    )


def _begun(entry: AgencyView) -> Filled:
    stands = {"name": entry.name, "kind": entry.kind, "units": ", ".join(entry.units), "areas": ", ".join(entry.areas)}
    return Filled({name: (str(value),) if value else () for name, value in stands.items()} | {"active": ("yes" if entry.active else "no",)})


def _body(filled: Filled) -> dict[str, Any]:
    """The entry as it was entered; lists are separated by commas."""
    body: dict[str, Any] = {name: value for name in ("name", "kind") if (value := filled.one(name))}
    for name in ("units", "areas"):
        body[name] = [part for piece in (filled.one(name) or "").split(",") if (part := piece.strip())]
    return body | {"active": filled.one("active") != "no"}


async def _one(code: str, visit: Visiting) -> AgencyView:
    found: RegisterView = await visit.ask(agencies.list_agencies)
    entry = next((entry for entry in found.agencies if entry.code == code), None)
    if entry is None:
        raise not_found("agency")
    return entry
