"""Why a home was or was not offered, which needs went unmet, and a supervisor's word on a case that named ever other areas."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis import RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.vocabulary import Risk, RuleCode
from fastapi import APIRouter, Header, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import text

from placement import policy, store, words
from placement.api.bodies import Body
from placement.api.placement_views import NeedView
from placement.domain import explain
from placement.domain.explain import Decision, How, Outcome
from placement.domain.homes import Considered, Verdict
from placement.domain.ledger import Ending
from placement.domain.needs import State
from placement.domain.rules import COST, NO, RULES_VERSION
from placement.finding import matching, waiting
from placement.store import groups, reasons, relearnt
from placement.store.reasons import Wanted
from placement.words import Language

router = APIRouter()

NAMES = text("SELECT id, name FROM shelter WHERE id = ANY(CAST(:ids AS uuid[]))")
# Whether deciding again gives the same; `not_proven` when the solver did not come to an end in its time.
Rerun = Literal["same", "different", "other_rules", "not_proven"]
LOST = "the decision was made, but its reasons were lost when the store was restored from a backup"
NOTHING_SUSPECTED = "nothing is suspected of this case"
AcceptLanguage = Annotated[str | None, Header(alias="Accept-Language")]
Most = Annotated[int, Query(ge=1, le=1000)]


class ReasonView(BaseModel):
    """What one rule said of a home."""

    rule: str
    fact: str
    cost: int
    text: str


class HomeView(BaseModel):
    """One home as it was considered. All secret ones are one row without a name, of which no rule is told, but for supervisors."""

    shelter_id: UUID | None
    name: str
    secret: bool
    outcome: str
    text: str
    reasons: tuple[ReasonView, ...]


class SetAsideView(BaseModel):
    """A rule that a supervisor set aside for this decision, and the reason that was kept."""

    rule: str
    reason: str | None
    text: str


class ExplanationView(BaseModel):
    """One decision: what was answered, and why for each home."""

    decision_id: UUID
    case_id: UUID
    group_id: UUID | None = None
    made_at: datetime
    rules_version: int
    language: Language
    answer: Literal["offered", "no_home"]
    shelter_id: UUID | None
    text: str
    homes: tuple[HomeView, ...]
    set_aside: tuple[SetAsideView, ...] = ()
    rerun: Rerun | None = None
    later_lost_at: datetime | None = Field(default=None, description="when a later decision was made whose reasons a restore of the store lost")


class UnmetView(BaseModel):
    """A need for a bed that went unmet, and what became of it; `refusals` count homes by rule, the secret ones as one."""

    case_id: UUID
    group_id: UUID | None = None
    since: datetime
    persons: int
    risk: str
    refusals: dict[str, int]
    ended_at: datetime | None
    ended_as: str | None
    shelter_id: UUID | None


class ClearBody(Body):
    """What a supervisor found when looking into a case that named ever other areas."""

    finding: Literal["areas_became_known", "mistaken_entry", "other"] = Field(description="why the changes are no attempt to find a house")


# -- reading --------------------------------------------------------------------------------------------------------------------------


@router.get("/placements/{placement_id}/explanation")
@reads(*policy.SEE_PLACEMENTS)
async def explain_placement(
    placement_id: UUID, tx: Transaction, language: Language | None = None, accept_language: AcceptLanguage = None, *, rerun: bool = False
) -> ExplanationView:
    """Why this home was offered, and every other one not. `rerun` decides again on what was kept and says whether the answer is the same."""
    entry = await store.placement(tx, placement_id)
    if entry is None or not (entry.shelter_id in _units(tx) or tx.principal.has(*policy.SEE_ALL_PLACEMENTS)):
        raise not_found("placement")
    made = await reasons.decision(tx, decision_id=entry.decision_id) if entry.decision_id else None
    if made is None:
        raise await _no_decision(tx, entry.subject, placement_id)
    return await _explained(tx, made, words.language_of(language, accept_language), rerun=rerun, kept=entry.overrides)


@router.get("/needs/{case_id}/explanation")
@reads(*policy.SEE_PLACEMENTS)
async def explain_need(
    case_id: UUID,
    tx: Transaction,
    decision: UUID | None = None,
    language: Language | None = None,
    accept_language: AcceptLanguage = None,
    *,
    rerun: bool = False,
) -> ExplanationView:
    """What was decided last on a case, or in one `decision`, with what stood in the way of every home."""
    made = await reasons.decision(tx, case_id=case_id, decision_id=decision)
    sees_all = tx.principal.has(*policy.SEE_ALL_PLACEMENTS)
    if made is None and sees_all and decision is None:
        raise await _no_decision(tx, case_id)
    if made is None or not (sees_all or any(entry.home in _units(tx) for entry in made.considered)):
        raise not_found("decision")
    shown = await _explained(tx, made, words.language_of(language, accept_language), rerun=rerun)
    lost_at = await relearnt.explanation_lost(tx, case_id) if sees_all and decision is None else None
    return shown.model_copy(update={"later_lost_at": lost_at if lost_at and lost_at > made.made_at else None})


@router.get("/unmet")
@reads(*policy.SEE_WAITING)
async def unmet_needs(
    tx: Transaction,
    *,
    open: bool | None = None,  # noqa: A002 - the name of the query's parameter
    ended_as: Ending | None = None,
    risk: Risk | None = None,
    rule: RuleCode | None = None,
    case_id: UUID | None = None,
    since: AwareDatetime | None = None,
    most: Most = 200,
) -> list[UnmetView]:
    """The ledger of unmet needs, the newest first: still open or not, by how they ended, risk, and a rule that refused homes."""
    wanted = Wanted(open, ended_as and ended_as.value, risk and risk.value, rule, case_id, since)
    names = UnmetView.model_fields.keys() - {"case_id", "group_id"}
    return [
        UnmetView(case_id=row.part_of or row.case_id, group_id=row.case_id if row.part_of else None, **{name: getattr(row, name) for name in names})
        for row in await reasons.unmet(tx, wanted, most)
    ]


# -- a supervisor's word --------------------------------------------------------------------------------------------------------------


@router.post("/needs/{case_id}/clear-alarm")
@writes(*policy.CLEAR_ALARM)
async def clear_alarm(case_id: UUID, body: ClearBody, tx: Transaction) -> NeedView:
    """The changes of areas are explained: secret shelters may be offered again, and changes are counted anew. 409 when nothing was suspected."""
    await tx.lock([case_id])
    known = await groups.households(tx, [case_id])
    need = known[case_id]
    if need.version == 0 or need.part_of:
        raise not_found("need")
    if need.area_changes <= tx.settings.probing_changes:
        raise conflict(NOTHING_SUSPECTED, state=need.state.value)
    await reasons.clear_areas(tx, case_id)
    tx.audit(f"alarm_cleared:{body.finding}", case_id, ["perpetrator_areas"])
    cleared = {need_id: replace(entry, area_changes=0) for need_id, entry in known.items()}
    if any(entry.state is State.WAITING for entry in cleared.values()):
        await matching.search(tx, known, cleared)
    else:
        await matching.record(tx, known, cleared)
    return NeedView.of((await store.needs(tx, [case_id]))[case_id])


# -- who is shown what ----------------------------------------------------------------------------------------------------------------


async def _no_decision(tx: Transaction, subject: UUID, placement_id: UUID | None = None) -> RefusedError:
    """404: nothing is kept of such a decision; where a restore of the store lost it, that is said."""
    lost_at = await relearnt.explanation_lost(tx, subject, placement_id)
    if lost_at is None:
        return not_found("decision")
    return RefusedError(404, LOST, code="lost_by_a_restore", decided_at=lost_at.isoformat())


async def _explained(tx: Transaction, made: Decision, language: Language, *, rerun: bool, kept: Collection[str] = ()) -> ExplanationView:
    everything, own = tx.principal.has(policy.SUPERVISOR), _units(tx)
    officer = tx.principal.has(*policy.SEE_ALL_PLACEMENTS)
    named = [e for e in made.considered if e.home in own or everything or (not e.secret and (officer or e.home == made.shelter_id))]
    hidden = [e for e in made.considered if e.secret and e not in named] if officer else []
    names = {row.id: row.name for row in await tx.rows(NAMES, {"ids": [entry.home for entry in named]})}
    homes = [_home(entry, made, names.get(entry.home, ""), language) for entry in named]
    if hidden:
        homes.append(_together(hidden, language))
    whole = made.household.part_of
    tx.audit("read", whole or made.case_id, ["explanation", *(["secret_rules"] if any(entry.secret for entry in named) else [])])
    found = made.shelter_id is not None
    return ExplanationView(
        decision_id=made.id,
        case_id=whole or made.case_id,
        group_id=made.case_id if whole else None,
        made_at=made.made_at,
        rules_version=made.rules_version,
        language=language,
        answer="offered" if found else "no_home",
        shelter_id=made.shelter_id if made.shelter_id in {entry.home for entry in named} else None,
        text=words.said(words.ANSWERS[found], language),
        homes=tuple(sorted(homes, key=lambda home: (_ORDER.index(home.outcome), home.name, str(home.shelter_id)))),
        set_aside=_set_aside(made, dict(entry.split(":", 1) for entry in kept), language),
        rerun=await _again(tx, made) if rerun else None,
    )


def _set_aside(made: Decision, kept: Mapping[str, str], language: Language) -> tuple[SetAsideView, ...]:
    rules = [rule for rule in sorted(made.household.overrides) if rule in words.SET_ASIDE]
    return tuple(SetAsideView(rule=rule, reason=kept.get(rule), text=words.said(words.SET_ASIDE[rule], language)) for rule in rules)


_ORDER = [*(outcome.value for outcome in Outcome), *(band.value for band in explain.Band)]


async def _again(tx: Transaction, made: Decision) -> Rerun:
    if made.rules_version != RULES_VERSION:
        return "other_rules"
    homes, households = await reasons.what_it_saw(tx, made)
    if made.how is not How.SOLVED:
        return "same" if explain.same(made, explain.rerun(made.how, homes, households, made.case_id)) else "different"
    found = await waiting.worker.again(homes, households, tx.settings.match_seconds)
    if found is None or not found.proven:
        return "not_proven"
    return "same" if explain.same(made, explain.answer_of(found.decisions, made.case_id)) else "different"


def _home(entry: Considered, made: Decision, name: str, language: Language) -> HomeView:
    outcome = explain.outcome(entry, made.shelter_id)
    shown = NO if outcome is Outcome.REFUSED else COST
    return HomeView(
        shelter_id=entry.home,
        name=name,
        secret=entry.secret,
        outcome=outcome.value,
        text=words.said(words.OUTCOMES[outcome], language),
        reasons=tuple(_reason(verdict, language) for verdict in entry.verdicts if verdict.answer == shown),
    )


def _reason(verdict: Verdict, language: Language) -> ReasonView:
    cost = verdict.cost if verdict.answer == COST else 0
    return ReasonView(rule=verdict.rule, fact=verdict.fact, cost=cost, text=words.of_rule(verdict.rule, verdict.fact, cost, language))


def _together(hidden: Sequence[Considered], language: Language) -> HomeView:
    """All that is told of the secret homes: one row, with no rule named, declines included."""
    band = explain.band(hidden)
    name, sentence = words.said(words.SECRET, language), words.said(words.OUTCOMES[band], language)
    return HomeView(shelter_id=None, name=name, secret=True, outcome=band.value, text=sentence, reasons=())


def _units(tx: Transaction) -> Collection[UUID]:
    """The shelters that the asker heads."""
    found: set[Any] = set()
    for unit in tx.principal.units:
        try:
            found.add(UUID(unit))
        except ValueError:
            continue
    return found if tx.principal.has(policy.HEAD) else set()
