"""The routes by which officers see a case and move it: triage, outreach, household, police report, and its end.

A module of its own beside `api`, which is the door: both together would be longer than a file may be.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from chassis.store.vault import Keys
from contracts.event import Event
from contracts.household import Household, Person
from contracts.intake import Closed, HouseholdChanged, OutreachDispatched, OutreachEnded, ReferredOut, RiskChanged, Triaged, Withdrawn
from contracts.vocabulary import (
    AgencyCode,
    AgeYears,
    AreaCode,
    EndReason,
    HouseholdRole,
    Need,
    OutreachResult,
    ProblemCode,
    RedFlag,
    Risk,
    Sex,
    ShelterGround,
)
from fastapi import APIRouter, Header, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import case as case_when
from sqlalchemy import select

from intake import casebook, domain, opening, policy, shown, store
from intake.casebook import Saying
from intake.domain import Standing, State
from intake.opening import PERSONAL, Safe
from intake.store import CASES, Book

MASK = "•••"
ORDER_BY_RISK = case_when({"high": 0, "medium": 1, "low": 2}, value=CASES.c.risk, else_=0)


class Body(BaseModel):
    """A body: nothing but its fields."""

    model_config = ConfigDict(extra="forbid")


class TriageBody(Body):
    """What a triage settles."""

    risk: Risk
    red_flags: tuple[RedFlag, ...] = ()
    shelter_needed: bool
    shelter_grounds: tuple[ShelterGround, ...] = ()
    responsible_agency: AgencyCode | None = Field(default=None, description="left out: as it is, or by the kind of case")
    keep_apart: tuple[UUID, ...] = ()
    perpetrator_areas: tuple[AreaCode, ...] = ()
    medical_gate: bool = False


class MemberBody(Body):
    """A member of the household; a personal field that is left out stays as it is."""

    person_id: UUID | None = Field(default=None, description="left out for someone who joins")
    role: HouseholdRole
    sex: Sex
    age: AgeYears | None = None
    needs: tuple[Need, ...] = ()
    name: str | None = Field(default=None, max_length=200)
    nik: str | None = Field(default=None, max_length=16)
    phone: str | None = Field(default=None, max_length=40)
    address: str | None = Field(default=None, max_length=400)


class HouseholdBody(Body):
    """All who belong to the household now; who is not in it has left it."""

    persons: tuple[MemberBody, ...] = Field(min_length=1, max_length=30)


class EndBody(Body):
    """Why the case ends."""

    reason: EndReason


class ReferOutBody(EndBody):
    """Why the case leaves the platform, and for whom."""

    agency: AgencyCode | None = None


class OutreachBody(Body):
    """Which team is sent."""

    team: AgencyCode


class ResultBody(Body):
    """What the team found."""

    result: OutreachResult


class PoliceReportBody(Body):
    """When the report to the police was made."""

    reported_at: AwareDatetime


class CaseLine(BaseModel):
    """A case in a list."""

    case_id: UUID
    state: State
    waiting_for: list[str]
    missed: list[str]
    risk: Risk | None
    urgency: Risk
    reporting_agency: str
    responsible_agency: str
    channel: str
    area: str
    opened_at: datetime
    changed_at: datetime


class PersonView(BaseModel):
    """A member of the household; names and numbers masked for those who may not see them."""

    person_id: UUID
    role: HouseholdRole
    sex: Sex
    age: int | None
    needs: list[Need]
    name: str | None
    nik: str | None
    phone: str | None
    address: str | None


class CaseView(CaseLine):
    """A case."""

    revision: int
    area_kind: str
    violence_types: list[str]
    ppks: int | None
    screen: dict[str, Any]
    occurred_at: datetime | None
    police_report_at: datetime | None
    narrative: str | None
    callback: str | None
    persons: list[PersonView]


class FactView(BaseModel):
    """One entry of a case's timeline; codes only."""

    type: str
    producer: str
    at: datetime
    codes: dict[str, Any]


class StandingView(BaseModel):
    """Where a case stands after what was just done."""

    case_id: UUID
    state: State
    waiting_for: list[str]
    risk: Risk | None
    revision: int


router = APIRouter(prefix="/cases", tags=["cases"])


@router.get("")
@reads(*policy.SEE_CASES)
async def cases(
    tx: Transaction, state: State | None = None, *, overdue: bool | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[CaseLine]:
    """The cases of your agency, the riskiest and oldest first; `overdue`: only those with a missed clock, or only those without."""
    question = select(CASES).where(store.sees(tx.principal.agency)).order_by(ORDER_BY_RISK, CASES.c.opened_at).limit(limit)
    if state is not None:
        question = question.where(CASES.c.state.in_([state] if _sees_search(tx) else shown.states_like(state)))
    if overdue is not None:
        question = question.where((CASES.c.missed != []) if overdue else (CASES.c.missed == []))
    return [CaseLine.model_validate(_line(tx, row)) for row in await tx.rows(question)]


@router.get("/{case_id}")
@reads(*policy.SEE_CASES)
async def case(case_id: UUID, vault: Safe, tx: Transaction) -> CaseView:
    """A case with its household; who may not see names sees that there are some."""
    book = await _seen(tx, case_id)
    if not tx.principal.has(*policy.SEE_NAMES) or not _takes_part(tx, book):
        return _view(tx, book, None)
    tx.audit("case_read", case_id, [*PERSONAL, "narrative", "callback"])
    return _view(tx, book, await vault.of([case_id, *(row.person_id for row in book.persons)]))


@router.get("/{case_id}/timeline")
@reads(*policy.SEE_CASES)
async def timeline(case_id: UUID, tx: Transaction) -> list[FactView]:
    """All facts of a case in the order of their time, its agencies' notices included; of a search for a bed what the asker may see."""
    book = await _seen(tx, case_id)
    own = await store.facts_under(tx, [case_id])
    notices = await store.facts_under(tx, [row.follow_id for row in book.follows])
    ordered = sorted([*(own if _sees_search(tx) else shown.facts(own)), *notices], key=lambda fact: (fact.at, fact.producer, fact.version))
    return [
        FactView(type=fact.type, producer=fact.producer, at=fact.at, codes=dict(fact.codes))
        for fact in ordered
        if fact.type not in shown.OF_TWO_CASES
    ]


@router.post("/{case_id}/triage")
@writes(*policy.TRIAGE)
async def triage(case_id: UUID, body: TriageBody, tx: Transaction) -> StandingView:
    """Settle risk, shelter and responsibility. The rule floor may raise the risk that you judge, and never lowers it."""
    book = await _open_case(tx, case_id)
    wrong = [n for n, area in enumerate(body.perpetrator_areas) if not domain.area_exists(area)]
    if wrong:
        fields = [FieldProblem(f"perpetrator_areas.{n}", ProblemCode.NOT_IN_AREA_LIST) for n in wrong]
        raise RefusedError(422, "these areas are not on the list", fields)
    risk = domain.risk_floor(body.risk, body.red_flags, book.case.violence_types)
    settled = body.model_dump() | {"risk": risk, "responsible_agency": body.responsible_agency or book.case.responsible_agency}
    reported = {"area": book.case.area, "violence_types": book.case.violence_types, "ppks": book.case.ppks, "channel": book.case.channel}
    household = casebook.household_of(book.case, book.persons)
    kind = RiskChanged if book.standing.triage else Triaged
    due = tx.now + casebook.service_due(tx, risk)
    return await _said(tx, book, kind.model_validate({**settled, **reported, "household": household, "due_at": due}))


@router.put("/{case_id}/household")
@writes(*policy.CHANGE_HOUSEHOLD)
async def change_household(
    case_id: UUID, body: HouseholdBody, vault: Safe, tx: Transaction, if_match: Annotated[str | None, Header()] = None
) -> StandingView:
    """Replace the household. Send the revision that you saw as If-Match; another one meanwhile is a 409 with both."""
    book = await _open_case(tx, case_id)
    _check_revision(book, if_match)
    _check_members(tx, book, body)
    ids = [member.person_id or tx.new_id(f"person:{n}", case_id) for n, member in enumerate(body.persons)]
    keys = await vault.new([i for i, member in zip(ids, body.persons, strict=True) if any(getattr(member, name) for name in PERSONAL)])
    have = {row.person_id: row for row in book.persons}
    rows: list[dict[str, Any]] = []
    for place, (person_id, member) in enumerate(zip(ids, body.persons, strict=True)):
        plain = {name: value for name in PERSONAL if (value := getattr(member, name)) is not None}
        old = have[person_id]._asdict() if person_id in have else {"person_id": person_id, "case_id": case_id}
        codes = member.model_dump(mode="json", include={"role", "sex", "age", "needs"})
        rows.append({**old, **codes, "place": place, **opening.sealed_fields(vault, keys, person_id, plain)})
        if plain:
            tx.audit("person_written", person_id, plain)
    gone = [row._asdict() | {"left_at": tx.now} for row in book.persons if row.person_id not in set(ids)]
    await store.add(tx, store.PERSONS, [row for row in rows if row["person_id"] not in have])
    await store.apply(tx, store.CHANGE_PERSONS, [*(row for row in rows if row["person_id"] in have), *gone])
    tx.set_clock(opening.COMPARED, case_id, tx.now)
    revision = book.case.revision + 1
    await tx.execute(store.REVISE, {"case_id": case_id, "revision": revision})
    known = zip(ids, body.persons, strict=True)
    persons = [Person(person_id=i, sex=m.sex, age=m.age, role=m.role, needs=m.needs) for i, m in known]
    household = Household(household_id=book.case.household_id, revision=revision, persons=tuple(persons))
    return (await _said(tx, book, HouseholdChanged(household=household))).model_copy(update={"revision": revision})


@router.post("/{case_id}/outreach", status_code=201)
@writes(*policy.DISPATCH)
async def dispatch(case_id: UUID, body: OutreachBody, tx: Transaction) -> StandingView:
    """Send an outreach team; it reports its result before its clock runs out."""
    book = await _open_case(tx, case_id)
    if book.standing.team:
        raise _conflict(book, "a team is on its way already")
    due = tx.now + tx.settings.span(hours=tx.settings.outreach_hours)
    tx.set_clock("outreach", case_id, due)
    return await _said(tx, book, OutreachDispatched(team=body.team, due_at=due))


@router.post("/{case_id}/outreach/result")
@writes(*policy.END_OUTREACH)
async def end_outreach(case_id: UUID, body: ResultBody, tx: Transaction) -> StandingView:
    """Record what the team found."""
    book = await _open_case(tx, case_id)
    if not book.standing.team:
        raise _conflict(book, "no team is on its way")
    tx.cancel_clock("outreach", case_id)
    return await _said(tx, book, OutreachEnded(result=body.result))


@router.post("/{case_id}/police-report")
@writes(*policy.RECORD_POLICE_REPORT)
async def record_police_report(case_id: UUID, body: PoliceReportBody, tx: Transaction) -> StandingView:
    """Record that the case was reported to the police (UU TPKS art. 41: within three times 24 hours for sexual violence)."""
    book = await _open_case(tx, case_id)
    if body.reported_at > tx.now + timedelta(days=1):
        raise RefusedError(422, "this is in the future", [FieldProblem("reported_at", ProblemCode.INVALID)])
    if book.case.police_report_at is not None:
        raise _conflict(book, "a police report is recorded already")
    await tx.execute(store.POLICE_REPORT, {"case_id": case_id, "moment": body.reported_at})
    await tx.execute(store.SETTLE, {"case_id": case_id, "matter": "police_report"})
    tx.cancel_clock("police_report", case_id)
    tx.audit("police_report", case_id, ["police_report_at"])
    return _standing_view(tx, book, book.standing)


@router.post("/{case_id}/withdraw")
@writes(*policy.WITHDRAW)
async def withdraw(case_id: UUID, body: EndBody, tx: Transaction) -> StandingView:
    """The survivor withdraws: everyone stops what they do for this case."""
    return await _said(tx, await _open_case(tx, case_id), Withdrawn(reason=body.reason))


@router.post("/{case_id}/refer-out")
@writes(*policy.REFER_OUT)
async def refer_out(case_id: UUID, body: ReferOutBody, tx: Transaction) -> StandingView:
    """The case is now the responsibility of an agency outside the platform."""
    book = await _open_case(tx, case_id)
    await tx.execute(store.REFER, {"case_id": case_id, "agency": body.agency})
    return await _said(tx, book, ReferredOut(reason=body.reason))


@router.post("/{case_id}/close")
@writes(*policy.CLOSE)
async def close(case_id: UUID, body: EndBody, tx: Transaction) -> StandingView:
    """Close a case after its last follow-up; earlier only for a reason that ends help by itself, and while nobody is in a shelter."""
    book = await _open_case(tx, case_id)
    if not domain.may_close(book.standing, body.reason):
        raise _conflict(book, "this case is not ready to be closed for this reason", waiting_for=book.standing.waiting_for)
    return await _said(tx, book, Closed(reason=body.reason))


async def _seen(tx: Transaction, case_id: UUID) -> Book:
    """A case that the asker may know of; to everybody else it does not exist."""
    book = (await store.books(tx, [case_id]))[case_id]
    sent = tx.principal.has(policy.OUTREACH) and book.standing.team == tx.principal.agency
    if book.case is None or not (sent or _takes_part(tx, book)):
        raise not_found("case")
    return book


def _takes_part(tx: Transaction, book: Book) -> bool:
    return tx.principal.agency in (book.case.reporting_agency, book.case.responsible_agency)


async def _open_case(tx: Transaction, case_id: UUID) -> Book:
    """A case to be changed, locked first. Raises 404 as `_seen`, and 409 when it has ended."""
    await _seen(tx, case_id)
    await tx.lock([case_id])
    book = await _seen(tx, case_id)
    if book.standing.ended:
        raise _conflict(book, "this case has ended")
    return book


def _conflict(book: Book, title: str, **members: Any) -> RefusedError:
    """409 with the state that does not allow it."""
    return conflict(title, state=shown.state(book.standing.state), **members)


async def _said(tx: Transaction, book: Book, fact: Event) -> StandingView:
    """Say a fact of a case; where it stands then."""
    case_id = book.case.case_id
    now = await casebook.grow(tx, said=[Saying(case_id, fact, tx.cause_of(case_id))])
    return _standing_view(tx, book, now[case_id])


def _standing_view(tx: Transaction, book: Book, now: Standing) -> StandingView:
    risk = Risk(now.risk) if now.risk else None
    state, waits = now.state, list(now.waiting_for)
    if not _sees_search(tx):
        state, waits = shown.state(state), shown.waiting_for(waits)
    return StandingView(case_id=book.case.case_id, state=state, waiting_for=waits, risk=risk, revision=book.case.revision)


def _sees_search(tx: Transaction) -> bool:
    return tx.principal.has(*policy.SEE_SEARCH)


def _line(tx: Transaction, row: Any) -> dict[str, Any]:
    values: dict[str, Any] = row._asdict()
    return values if _sees_search(tx) else shown.line(values)


def _view(tx: Transaction, book: Book, keys: Keys | None) -> CaseView:
    """A case as an officer sees it; without keys everything that names someone is masked."""
    case = book.case
    texts = {name: _opened(keys, case.case_id, f"case_file.{name}", getattr(case, name)) for name in ("narrative", "callback")}
    return CaseView.model_validate(_line(tx, case) | texts | {"persons": [person_view(row, keys) for row in book.persons]})


def person_view(row: Any, keys: Keys | None) -> PersonView:
    """A person as an officer sees her; without keys what names her is masked."""
    plain = {name: _opened(keys, row.person_id, f"person.{name}", getattr(row, name)) for name in PERSONAL}
    return PersonView.model_validate(row._asdict() | plain)


def _opened(keys: Keys | None, owner: UUID, place: str, sealed: bytes | None) -> str | None:
    return None if sealed is None else MASK if keys is None else keys.open_or_none(owner, place, sealed)


def _check_revision(book: Book, if_match: str | None) -> None:
    if if_match is None:
        raise RefusedError(428, "send the revision that you saw as If-Match", [FieldProblem("If-Match", ProblemCode.MISSING)])
    if if_match.strip().strip('"') != str(book.case.revision):
        raise RefusedError(409, "someone else changed this household", revision=book.case.revision, yours=if_match.strip().strip('"')[:20])


def _check_members(tx: Transaction, book: Book, body: HouseholdBody) -> None:
    """Refuse unknown or repeated members and impossible NIKs. Raises 422."""
    known, found = {row.person_id for row in book.persons}, list[FieldProblem]()
    named = [member.person_id for member in body.persons if member.person_id]
    for n, member in enumerate(body.persons):
        if member.person_id and (member.person_id not in known or named.count(member.person_id) > 1):
            found.append(FieldProblem(f"persons.{n}.person_id", ProblemCode.INVALID))
        if member.nik and domain.nik_finding(member.nik, member.sex, member.age, tx.now.date()) == "impossible":
            found.append(FieldProblem(f"persons.{n}.nik", ProblemCode.NIK_IMPOSSIBLE))
    if found:
        raise RefusedError(422, "some members cannot be taken: correct these fields", found)
