"""The routes by which officers move a case: triage, household, police report, withdrawal and referral out."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, writes
from contracts.grounds import LegalBasis
from contracts.household import Household, Person
from contracts.intake import HouseholdChanged, JoinerSettled, ReferredOut, RiskChanged, Triaged, Withdrawn
from contracts.vocabulary import ProblemCode
from fastapi import APIRouter, Header

from intake import agencies, casebook, opening, policy, store
from intake.api.bodies import EndBody, HouseholdBody, JoinerBody, PoliceReportBody, ReferOutBody, TriageBody
from intake.api.cases import open_case, refused_by_state, said, standing_view
from intake.api.views import StandingView
from intake.consents import holding
from intake.domain.consent import Share, leaving
from intake.domain.legal import Step
from intake.domain.submitted import area_exists, nik_finding
from intake.domain.triage import risk_floor
from intake.domain.workdays import JAKARTA
from intake.opening import PERSONAL, Safe
from intake.store import Book
from intake.violence import legal, safety

NOT_REFERRED = "these persons cannot be referred out: record their consent, or let a supervisor say why it is done without"
router = APIRouter(prefix="/cases", tags=["cases"])


@router.post("/{case_id}/triage")
@writes(*policy.TRIAGE)
async def triage(case_id: UUID, body: TriageBody, tx: Transaction) -> StandingView:
    """Settle risk, shelter and responsibility. The rule floor may raise the risk that you judge, and never lowers it.

    Whom and which areas to keep away from follows from the suspects of the case too; what you name is added to that.
    """
    book = await open_case(tx, case_id)
    wrong = [n for n, area in enumerate(body.perpetrator_areas or ()) if not area_exists(area)]
    if wrong:
        fields = [FieldProblem(f"perpetrator_areas.{n}", ProblemCode.NOT_IN_AREA_LIST) for n in wrong]
        raise RefusedError(422, "these areas are not on the list", fields)
    leads = _leads(tx, book, body)
    await agencies.require(tx, "responsible_agency", body.responsible_agency)
    await agencies.require_unit(tx, "responsible_unit", leads["responsible_agency"], body.responsible_unit)
    risk = risk_floor(body.risk, body.red_flags, book.case.violence_types)
    settled = body.model_dump() | {"risk": risk} | leads | await _apart(tx, book, body)
    reported = {"area": book.case.area, "violence_types": book.case.violence_types, "ppks": book.case.ppks, "channel": book.case.channel}
    household = casebook.household_of(book.case, book.persons)
    kind = RiskChanged if book.standing.triage else Triaged
    due = tx.now + casebook.service_due(tx, risk)
    return await said(tx, book, kind.model_validate({**settled, **reported, "household": household, "due_at": due}))


def _leads(tx: Transaction, book: Book, body: TriageBody) -> dict[str, Any]:
    """Which agency and unit lead: as is said here, as they do, or by the operator's table."""
    table = casebook.leads(tx, book.case.violence_types, book.case.ppks, book.case.area)
    now = book.standing
    agency = body.responsible_agency or now.responsible or table.agency
    usual = now.unit if agency == now.responsible else table.unit if agency == table.agency else None
    return {"responsible_agency": agency, "responsible_unit": body.responsible_unit or usual}


async def _apart(tx: Transaction, book: Book, body: TriageBody) -> dict[str, Any]:
    """Whom to keep apart and which areas to avoid: what is named here or was before, and what follows from the suspects."""
    persons, areas = safety.named_before(book.standing)
    if book.standing.triage is None:
        areas = book.case.screen.get("perpetrator_areas", [])
    persons = persons if body.keep_apart is None else list(body.keep_apart)
    areas = areas if body.perpetrator_areas is None else list(body.perpetrator_areas)
    found = await safety.apart_of(tx, book, persons, areas)
    return {"keep_apart": found.persons, "perpetrator_areas": found.areas, "named_keep_apart": persons, "named_areas": areas}


@router.put("/{case_id}/household")
@writes(*policy.CHANGE_HOUSEHOLD)
async def change_household(
    case_id: UUID, body: HouseholdBody, vault: Safe, tx: Transaction, if_match: Annotated[str | None, Header()] = None
) -> StandingView:
    """Replace the household. Send the revision that you saw as If-Match; another one meanwhile is a 409 with both."""
    book = await open_case(tx, case_id)
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
    # A member may be a suspect elsewhere, and a suspect a member.
    tx.set_clock(casebook.SAFETY, case_id, tx.now)
    revision = book.case.revision + 1
    await tx.execute(store.REVISE, {"case_id": case_id, "revision": revision})
    known = zip(ids, body.persons, strict=True)
    persons = [Person(person_id=i, sex=m.sex, age=m.age, role=m.role, needs=m.needs) for i, m in known]
    household = Household(household_id=book.case.household_id, revision=revision, persons=tuple(persons))
    return (await said(tx, book, HouseholdChanged(household=household))).model_copy(update={"revision": revision})


@router.post("/{case_id}/household/{person_id}/place")
@writes(*policy.CHANGE_HOUSEHOLD)
async def settle_joiner(case_id: UUID, person_id: UUID, body: JoinerBody, tx: Transaction) -> StandingView:
    """Say where somebody sleeps who joined a household that is in a shelter; the case waits for that until then."""
    book = await open_case(tx, case_id)
    if str(person_id) not in book.standing.joiners:
        raise refused_by_state(book, "nobody waits for a bed under this id: it names a member of the household who joined after it was let in")
    return await said(tx, book, JoinerSettled(person_id=person_id, place=body.place))


@router.post("/{case_id}/police-report")
@writes(*policy.RECORD_POLICE_REPORT)
async def record_police_report(case_id: UUID, body: PoliceReportBody, tx: Transaction) -> StandingView:
    """Record that the case was reported to the police (UU TPKS art. 41: within three times 24 hours for sexual violence)."""
    book = await open_case(tx, case_id)
    if body.reported_at > tx.now + timedelta(days=1):
        raise RefusedError(422, "this is in the future", [FieldProblem("reported_at", ProblemCode.INVALID)])
    if book.case.police_report_at is not None:
        raise refused_by_state(book, "a police report is recorded already")
    await tx.execute(store.POLICE_REPORT, {"case_id": case_id, "moment": body.reported_at})
    await legal.record(tx, await open_case(tx, case_id), Step("police_report", body.reported_at.astimezone(JAKARTA).date()))
    return standing_view(tx, book, (await open_case(tx, case_id)).standing)


@router.post("/{case_id}/withdraw")
@writes(*policy.WITHDRAW)
async def withdraw(case_id: UUID, body: EndBody, tx: Transaction) -> StandingView:
    """The survivor withdraws: everyone stops what they do for this case."""
    return await said(tx, await open_case(tx, case_id), Withdrawn(reason=body.reason))


@router.post("/{case_id}/refer-out")
@writes(*policy.REFER_OUT)
async def refer_out(case_id: UUID, body: ReferOutBody, tx: Transaction) -> StandingView:
    """The case is now the responsibility of an agency outside the platform: with the consent of each of the household, or for a reason that a
    supervisor answers for and that stays on record.
    """
    book = await open_case(tx, case_id)
    await agencies.require(tx, "agency", body.agency)
    if body.basis is not LegalBasis.CONSENT and not tx.principal.has(*policy.SHARE_WITHOUT_CONSENT):
        raise RefusedError(403, "only a supervisor refers somebody out without consent", [FieldProblem("basis", "supervisor_needed")])
    persons = tuple(row.person_id for row in book.persons)
    known = (await holding.known(tx, [case_id], persons))[case_id]
    share = Share(body.agency or "", body.purpose, persons, body.basis, tx.now, override=body.override)
    if found := leaving(share, known.words, known.restricted, tx.now):
        raise RefusedError(422, NOT_REFERRED, [FieldProblem(field, code) for field, code in found])
    await tx.execute(store.REFER, {"case_id": case_id, "agency": body.agency})
    for person in persons:
        tx.audit("referred_out_without_consent" if body.override else "referred_out", person, ["referred_to"])
    return await said(tx, book, ReferredOut(reason=body.reason, basis=body.basis, override=body.override))


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
        if member.nik and nik_finding(member.nik, member.sex, member.age, tx.now.date()) == "impossible":
            found.append(FieldProblem(f"persons.{n}.nik", ProblemCode.NIK_IMPOSSIBLE))
    if found:
        raise RefusedError(422, "some members cannot be taken: correct these fields", found)
