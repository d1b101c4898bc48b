"""What happens when a case's set of facts grows, by a route, a clock or another service's event: always the same, and only here.

The facts are kept, intake's own are said, the standing is computed anew from all of them, the agencies that take part get their copies,
and the clocks of the new standing are set. A module of its own because routes, inputs and the two doors all end in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis import Cause, Received, Transaction
from contracts.consents import FollowStopped
from contracts.event import Event
from contracts.household import Household, Person
from contracts.intake import RiskChanged, Triaged

from intake import feed, store
from intake.consents import holding
from intake.domain import standing, triage
from intake.domain.consent import Shares, hearers
from intake.domain.standing import Fact, Standing
from intake.store import Book

ENDING_CLOCKS = ("triage", "outreach", "police_report", "closure")


@dataclass(frozen=True, slots=True)
class Saying:
    """A fact that intake is about to say of a case; a second one of the same type and cause needs a key."""

    case_id: UUID
    fact: Event
    cause: Cause
    key: str = ""


@dataclass(slots=True)
class Growth:
    """What one transaction adds to one case."""

    cause: Cause
    reference: str | None = None
    received: list[Fact] = field(default_factory=list)
    said: list[Saying] = field(default_factory=list)
    shares: Shares = holding.NOTHING


@dataclass(slots=True)
class Written:
    """The rows that growing cases leave behind."""

    facts: list[dict[str, Any]] = field(default_factory=list)
    standings: list[dict[str, Any]] = field(default_factory=list)
    new_follows: list[dict[str, Any]] = field(default_factory=list)
    follows: list[dict[str, Any]] = field(default_factory=list)


async def grow(
    tx: Transaction,
    received: Sequence[Received[Any]] = (),
    said: Sequence[Saying] = (),
    *,
    references: Mapping[UUID, str] | None = None,
    again: Iterable[UUID] = (),
    opened: Mapping[UUID, Book] | None = None,
) -> dict[UUID, Standing]:
    """Add facts to their cases and do what follows from it; where the known ones of these cases stand now.

    `references` are the reporting agencies' own numbers of cases that were just opened, `again` cases that are stood anew although
    nothing is added: their facts were put right. `opened` are cases that this transaction opened, of which nobody can know more.
    """
    growths: dict[UUID, Growth] = {}
    references = references or {}
    for event in received:
        growths.setdefault(event.subject, Growth(event.cause, references.get(event.subject))).received.append(fact_of(event))
    for saying in said:
        growths.setdefault(saying.case_id, Growth(saying.cause, references.get(saying.case_id))).said.append(saying)
    for case_id in again:
        growths.setdefault(case_id, Growth(tx.cause_of(case_id)))
    await tx.lock(growths)
    fresh = opened or {}
    known = {**fresh, **await store.books(tx, growths.keys() - fresh.keys())}
    for case_id, shares in (await holding.shares(tx, growths.keys() - fresh.keys())).items():
        growths[case_id].shares = shares
    written = Written()
    now = {case_id: _grown(tx, case_id, known[case_id], growth, written) for case_id, growth in growths.items()}
    await store.add(tx, store.FACTS, written.facts)
    await store.apply(tx, store.STAND, written.standings, now=tx.now)
    await store.add(tx, store.FOLLOWS, written.new_follows)
    await store.apply(tx, store.GRANTS, written.follows)
    return {case_id: stands for case_id, stands in now.items() if stands is not None}


def fact_of(event: Received[Any]) -> Fact:
    """A received event as a fact of its case."""
    return Fact(event.id, type(event.data).producer, event.factversion, event.type, event.time, event.data.model_dump(mode="json"))


def household_of(case: Any, persons: Iterable[Any]) -> Household:
    """The household of a case, from its rows, as events carry it: ids and codes, nothing that names anybody."""
    members = [Person(person_id=row.person_id, sex=row.sex, age=row.age, role=row.role, needs=tuple(row.needs)) for row in persons]
    return Household(household_id=case.household_id, revision=case.revision, persons=tuple(members))


def service_due(tx: Transaction, risk: str) -> timedelta:
    """How long after triage help is due, by risk."""
    settings = tx.settings
    hours = {"high": settings.service_high_hours, "medium": settings.service_medium_hours, "low": settings.service_low_hours}
    limit: timedelta = settings.span(hours=hours[risk])
    return limit


def triage_by_floor(tx: Transaction, case: Any, household: Household) -> Triaged:
    """The triage that the rule floor makes from what was submitted, when no person does in time or the screen is complete."""
    screen = case.screen
    red_flags, grounds = screen.get("red_flags", []), screen.get("shelter_grounds", [])
    risk = triage.risk_floor(case.urgency, red_flags, case.violence_types)
    return Triaged.model_validate(
        {
            "household": household,
            "area": case.area,
            "risk": risk,
            "red_flags": red_flags,
            "responsible_agency": case.responsible_agency,
            "shelter_needed": triage.shelter_screened(screen.get("shelter_needed"), grounds, red_flags),
            "shelter_grounds": grounds,
            "violence_types": case.violence_types,
            "ppks": case.ppks,
            "perpetrator_areas": screen.get("perpetrator_areas", []),
            "channel": case.channel,
            "due_at": tx.now + service_due(tx, risk),
        }
    )


def _grown(tx: Transaction, case_id: UUID, book: Book, growth: Growth, written: Written) -> Standing | None:
    """One case with its new facts; None when the case itself is not known yet."""
    have = {fact.id for fact in book.facts}
    new = [fact for fact in growth.received if fact.id not in have]
    own = sum(fact.producer == "intake" for fact in book.facts)
    new += _say(tx, growth.said, own)
    if book.case is None:
        if not book.facts and any(fact.producer in ("placement", "assessment") for fact in new):
            tx.set_clock("orphan", case_id, tx.now + tx.settings.span(hours=tx.settings.orphan_hours), cause=growth.cause)
        written.facts += [store.fact_row(case_id, fact) for fact in new]
        return None
    if standing.search_is_over([*book.facts, *new]):
        new += _say(tx, [_without_shelter(case_id, book, new, growth)], own + len(growth.said))
    facts = (*book.facts, *new)
    before, now = book.standing, standing.standing(facts)
    responsible = now.triage.codes["responsible_agency"] if now.triage else book.case.responsible_agency
    written.facts += [store.fact_row(case_id, fact) for fact in new]
    written.standings.append(standing_row(book, now, facts, responsible))
    if not (before.ended and now.ended):
        _tell(tx, book, facts, now, responsible=responsible, growth=growth, written=written)
    keep_time(tx, case_id, before, now, growth.cause)
    return now


def standing_row(book: Book, now: Standing, facts: Iterable[Fact], responsible: str) -> dict[str, Any]:
    """Where a case stands, as its row."""
    return {
        "case_id": book.case.case_id,
        "state": now.state,
        "waiting_for": now.waiting_for,
        "risk": now.risk,
        "missed": book.missed(facts),
        "responsible_agency": responsible,
    }


def _say(tx: Transaction, sayings: Iterable[Saying], own: int) -> list[Fact]:
    """Emit intake's own facts; as facts of their cases, counted on from `own`."""
    facts: list[Fact] = []
    for number, saying in enumerate(sayings, own + 1):
        kind = saying.fact.type
        tx.emit(saying.fact, saying.case_id, key=saying.key, cause=saying.cause)
        identity = tx.new_id(f"fact:{kind}:{saying.key}", saying.case_id, saying.cause)
        facts.append(Fact(identity, "intake", number, kind, tx.now, saying.fact.model_dump(mode="json")))
    return facts


def _without_shelter(case_id: UUID, book: Book, new: Sequence[Fact], growth: Growth) -> Saying:
    """The latest triage once more, without a bed: the survivor said no or people ended the search, and help goes on at home."""
    latest = standing.standing([*book.facts, *new]).triage
    codes = dict(latest.codes) if latest else {}
    changed = RiskChanged.model_validate({**codes, "household": household_of(book.case, book.persons), "shelter_needed": False})
    return Saying(case_id, changed, growth.cause, key="survivor_declined")


def _tell(tx: Transaction, book: Book, facts: Sequence[Fact], now: Standing, *, responsible: str, growth: Growth, written: Written) -> None:
    """Let each agency with a current grant hear what is new for it, and each whose grant is over that nothing more comes."""
    case_id, area = book.case.case_id, book.case.area
    hears = hearers(book.case.reporting_agency, responsible if now.triage else None, growth.shares)
    follows = {row.agency: row for row in book.follows}
    for agency in sorted(hears.keys() | follows.keys()):
        have = follows.get(agency)
        was = following(have)
        follow_id = have.follow_id if have else tx.new_id(feed.follow_key(agency), case_id, growth.cause)
        reference = have.reference if have else growth.reference
        copies, then = feed.heard(was, hears.get(agency), book.facts, facts, ended=now.ended)
        row = follow_row(follow_id, then, None if then.hears else tx.now)
        if have is None:
            written.new_follows.append({**row, "case_id": case_id, "agency": agency, "reference": reference, "since": tx.now})
        elif then != was:
            written.follows.append(row)
        for copy in copies:
            tx.emit(copy.to(agency, area, reference), follow_id, key=copy.key, cause=growth.cause)
        if was.hears and agency not in hears:
            tx.emit(FollowStopped(agency=agency, city=area[:5]), follow_id, cause=growth.cause)
    if now.ended and growth.shares.disclosed:
        tx.set_clock(holding.SHARING, case_id, tx.now, cause=growth.cause)


def following(row: Any) -> feed.Following:
    """How far an agency hears of a case, from its row; None for one that never did. The release before wrote no more than whether it does."""
    if row is None:
        return feed.Following()
    return feed.Following(hears=row.ended_at is None, reduced=bool(row.reduced), told=frozenset(row.told or ()))


def follow_row(follow_id: UUID, then: feed.Following, ended_at: Any) -> dict[str, Any]:
    """How far an agency hears of a case, as its row has it."""
    return {"follow_id": follow_id, "ended_at": ended_at, "reduced": then.reduced, "told": sorted(then.told)}


def keep_time(tx: Transaction, case_id: UUID, before: Standing, now: Standing, cause: Cause) -> None:
    """Take back clocks whose matter is settled, and set the one of closing."""
    if now.ended and not before.ended:
        for kind in ENDING_CLOCKS:
            tx.cancel_clock(kind, case_id)
        return
    if now.triage and not before.triage:
        tx.cancel_clock("triage", case_id)
    ready, was_ready = (stands.state == standing.State.READY_TO_CLOSE for stands in (now, before))
    if ready and not was_ready:
        tx.set_clock("closure", case_id, tx.now + tx.settings.span(days=tx.settings.closure_days), cause=cause)
    elif was_ready and not ready:
        tx.cancel_clock("closure", case_id)
