"""Answers to instruments, item by item, and what the assessment comes to. Answers are sealed under the key of whom they are about."""

import json
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from chassis.store.vault import Vault
from contracts import assessment as facts
from contracts.vocabulary import AssessmentFlag, AssessmentKind, Band, Risk
from fastapi import APIRouter, Depends, Query, Request

from assessment import assessed, decisions, policy, register, store
from assessment.api.bodies import AssessedView, BandView
from assessment.api.cases import changed, owned, refusing, seen
from assessment.domain import assignment, case, instruments, reassessment, risk
from assessment.domain.case import Case, State
from assessment.domain.instruments import Answered
from assessment.register import Key, Known
from assessment.views import AnswersBody, AnswersView, CaseView, CompleteBody

router = APIRouter()

PLACE = "answer.sealed"
CHANGED = "these answers were changed meanwhile: look at them, and send what holds"
# An answer, by person and by the version of the instrument.
Sealed = dict[tuple[UUID, Key], bytes]
Opened = dict[tuple[UUID, Key], dict[str, int]]


def vault_of(request: Request) -> Vault:
    """The vault of the service that answers."""
    vault: Vault = request.app.state.service.vault
    return vault


Safe = Annotated[Vault, Depends(vault_of)]


async def opened(tx: Transaction, vault: Vault, case_id: UUID, *, new: bool = False) -> Opened:
    """The answers of a case in the clear (`new`: those since the newest full assessment); without those whose key was destroyed."""
    sealed = await (assessed.new_answers if new else store.sealed_answers)(tx, case_id)
    keys = await vault.of(person_id for person_id, _ in sealed)
    plain = {key: keys.open_or_none(key[0], PLACE, value) for key, value in sealed.items()}
    return {key: json.loads(value) for key, value in plain.items() if value is not None}


async def asked(tx: Transaction, code: str, person_id: UUID, answers: Opened) -> Known:
    """The version that a person is asked by: the one that she began with, or the newest one that is published.

    Who began finishes, whatever has become of it since. Raises RefusedError (422) for one that is not known, not published, or for training only.
    """
    versions = await register.known(tx, [code])
    begun = [key for who, key in answers if who == person_id and key[0] == code]
    found = versions.get(max(begun)) if begun else register.newest(versions, code)
    if found is None:
        raise RefusedError(
            422, "no such instrument is published: GET /instruments lists those that are", [FieldProblem("instrument", "unknown_code")]
        )
    if found.for_training_only and not begun and not tx.settings.training:
        raise RefusedError(
            422, "this instrument is for training only until its validated wording is loaded", [FieldProblem("instrument", "for_training_only")]
        )
    return found


@router.put("/cases/{case_id}/answers")
@writes(*policy.ASSESS)
async def save_answers(case_id: UUID, body: AnswersBody, vault: Safe, tx: Transaction) -> AnswersView:
    """Save some answers of one person, item by item; an alert is raised at once, and once only."""
    known = await owned(case_id, tx)
    with refusing():
        case.require(known, *reassessment.ASKING)
    answers = await opened(tx, vault, case_id, new=True)
    by = await asked(tx, body.instrument, body.person_id, answers)
    instrument, key = by.definition.instrument(), (by.definition.code, by.definition.version)
    before = answers.get((body.person_id, key), {})
    with refusing():
        member = instruments.check_person(instrument, known.members, body.person_id)
        instruments.check(instrument, body.answers, before)
    if changed_now := sorted(code for code, was in body.seen.items() if before.get(code) not in (was, body.answers.get(code))):
        # Which ones, and not what they are: whoever wants to see them asks, and that is audited.
        raise conflict(CHANGED, changed=changed_now)
    merged = before | body.answers
    keys = await vault.new([body.person_id])
    await store.seal_answers(tx, case_id, body.person_id, keys.seal(body.person_id, PLACE, json.dumps(merged)), key)
    raised = await store.raise_alerts(tx, case_id, body.person_id, instruments.alerts(instrument, merged))
    decisions.alerts(tx, case_id, body.person_id, raised)
    begun = assignment.claim(known) if known.state is State.ASSIGNED else known  # whoever asks has begun
    await decisions.record(tx, {case_id: known}, {case_id: begun})
    tx.audit("write", body.person_id, [f"answers.{code}" for code in body.answers])
    return AnswersView.of(by, body.person_id, merged, member.age)


@router.get("/cases/{case_id}/answers/{person_id}")
@reads(*policy.SEE_ANSWERS)
async def see_answers(
    case_id: UUID, person_id: UUID, vault: Safe, tx: Transaction, instrument: Annotated[str, Query(pattern=r"^[a-z][a-z0-9_]{1,39}$")] = "phq9"
) -> AnswersView:
    """One person's answers to an instrument, for the worker who has the case now and for supervisors."""
    member = _member(await _readable(case_id, tx), person_id)
    answers = await opened(tx, vault, case_id)
    by = await asked(tx, instrument, person_id, answers)
    tx.audit("read", person_id, ["answers"])
    given = answers.get((person_id, (by.definition.code, by.definition.version)), {})
    return AnswersView.of(by, person_id, given, member.age)


@router.get("/cases/{case_id}/answers")
@reads(*policy.SEE_ANSWERS)
async def all_answers(case_id: UUID, vault: Safe, tx: Transaction) -> list[AnswersView]:
    """All answers of a case so far, by person and instrument, for the worker who has the case now and for supervisors."""
    ages = {member.person_id: member.age for member in (await _readable(case_id, tx)).members}
    answers = await opened(tx, vault, case_id)
    versions = await register.known(tx, {code for _, (code, _) in answers})
    for person_id in sorted({person_id for person_id, _ in answers}):
        tx.audit("read", person_id, ["answers"])
    return [AnswersView.of(versions[key], person_id, given, ages.get(person_id)) for (person_id, key), given in sorted(answers.items())]


async def _readable(case_id: UUID, tx: Transaction) -> Case:
    known = await seen(case_id, tx)
    if not tx.principal.has(policy.SUPERVISOR) and known.worker != tx.principal.subject:
        raise not_found("case")
    return known


def _member(known: Case, person_id: UUID) -> case.Member:
    for member in known.members:
        if member.person_id == person_id:
            return member
    raise not_found("person")


@router.post("/cases/{case_id}/complete")
@writes(*policy.ASSESS)
async def complete(case_id: UUID, body: CompleteBody, vault: Safe, tx: Transaction) -> CaseView:
    """Complete an assessment: the first look (`initial`), the `comprehensive` one, or a `reassessment` on new answers.

    The worker judges; scores may raise her band, and the rule floor her risk, and neither ever lowers them.
    """
    before = await owned(case_id, tx)
    view, reason = body.risk_view, body.no_instrument_reason
    flags = [flag.value for flag in view.flags]
    own = body.risk.value if body.risk else before.risk
    with refusing():
        reassessment.concluded(before, body.kind, own, tx.now, decisions.limits(tx))
        answered = await _answered(tx, before, await opened(tx, vault, case_id, new=True))
        found = instruments.conclude(answered, view.band.value, flags, excused=reason is not None)
    judged = risk.judged(own, body.dangers, found.flags, found.band) if own else None
    after = reassessment.concluded(before, body.kind, judged.risk if judged else None, tx.now, decisions.limits(tx))
    await store.complete(tx, case_id, found.band, found.flags, reason)
    await assessed.keep(tx, before, body.kind, found, judged, dangers=body.dangers, reason=reason)
    tx.emit(
        facts.Completed(
            band=Band(found.band),
            flags=tuple(map(AssessmentFlag, found.flags)),
            kind=AssessmentKind(body.kind),
            risk=Risk(judged.risk) if judged else None,
            rules=judged.rules if judged else (),
        ),
        case_id,
    )
    return await changed(tx, before, after, "band", "flags", "risk", "dangers")


@router.get("/cases/{case_id}/assessments")
@reads(*policy.SEE_ANSWERS)
async def list_assessments(case_id: UUID, vault: Safe, tx: Transaction) -> list[AssessedView]:
    """The assessments of a case one after the other: who judged what, which rules raised the risk, and each person's band by each instrument."""
    known = await _readable(case_id, tx)
    ages = {member.person_id: member.age for member in known.members}
    kept = await assessed.kept_answers(tx, case_id)
    keys = await vault.of(row.person_id for row in kept)
    versions = await register.known(tx, {row.instrument for row in kept})
    bands: dict[int, list[BandView]] = {}
    for row in kept:
        plain = keys.open_or_none(row.person_id, PLACE, row.sealed)
        if plain is None:
            continue
        tx.audit("read", row.person_id, ["assessments"])
        band = instruments.band_of(versions[row.instrument, row.version].definition.instrument(), json.loads(plain), ages.get(row.person_id))
        bands.setdefault(row.number, []).append(BandView(person_id=row.person_id, instrument=row.instrument, version=row.version, band=band))
    tx.audit("read", case_id, ["band", "flags", "risk", "dangers"])
    return [AssessedView.model_validate({**row._asdict(), "persons": bands.get(row.number, [])}) for row in await assessed.of_case(tx, case_id)]


async def _answered(tx: Transaction, known: Case, answers: Opened) -> list[Answered]:
    versions: dict[Key, Any] = await register.known(tx, {code for _, (code, _) in answers})
    ages = {member.person_id: member.age for member in known.members}
    return [Answered(versions[key].definition.instrument(), person_id, given, ages.get(person_id)) for (person_id, key), given in answers.items()]
