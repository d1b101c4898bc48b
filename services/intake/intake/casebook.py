"""What happens when a case's set of facts grows, by a route, a clock or another service's event: always the same, and only here.

The facts are kept, intake's own are said, the standing is computed anew from all of them, the agencies that take part get their copies,
and the clocks of the new standing are set. A module of its own because routes, inputs and the two doors all end in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis import Cause, Received, Transaction
from contracts.consents import FollowStopped
from contracts.event import Event
from contracts.household import Household, Person
from contracts.intake import Merged, RiskChanged, ServiceRouted, Triaged, Unmerged

from intake import feed, store, timing
from intake.consents import holding
from intake.domain import referring, standing, triage
from intake.domain.consent import Shares, hearers
from intake.domain.raised import raised_by
from intake.domain.standing import Fact, Standing, State
from intake.domain.triage import Leads
from intake.domain.workdays import after_working_days
from intake.store import Book
from intake.violence import suspected

# Matters of intake's own people, each with a clock of its name as long as a case waits for it.
OWN_MATTERS = ("closure", "closure_approval", "transfer_answer", "risk_review", "joiner")
ENDING_CLOCKS = ("triage", "outreach", "police_report", "protection", "protection_request", "rehabilitation", *OWN_MATTERS)
CONTACT_RETRY = "contact_retry"
# The clock by which it is looked at again whom a household must not meet (`safety`).
SAFETY = "safety"
OF_PERSONS = frozenset({Merged.type, Unmerged.type})


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
    cause: Cause | None = None,
    opened: Mapping[UUID, Book] | None = None,
) -> dict[UUID, Standing]:
    """Add facts to their cases and do what follows from it; where the known ones of these cases stand now.

    `references` are the reporting agencies' own numbers of cases that were just opened, `again` cases that are stood anew although
    nothing is added (by this `cause`, or their own): their facts were put right. `opened` are cases that this transaction opened, of which nobody can know more.
    """
    growths: dict[UUID, Growth] = {}
    references = references or {}
    for event in received:
        growths.setdefault(event.subject, Growth(event.cause, references.get(event.subject))).received.append(fact_of(event))
    for saying in said:
        growths.setdefault(saying.case_id, Growth(saying.cause, references.get(saying.case_id))).said.append(saying)
    for case_id in set(again) - growths.keys():
        growths[case_id] = Growth(cause or tx.cause_of(case_id))
    await tx.lock(growths)
    fresh = opened or {}
    known = {**fresh, **await store.books(tx, growths.keys() - fresh.keys())}
    for case_id, shares in (await holding.shares(tx, growths.keys() - fresh.keys())).items():
        growths[case_id].shares = shares
    written = Written()
    now = {case_id: _grown(tx, case_id, known[case_id], growth, written) for case_id, growth in growths.items()}
    await _look_for_suspects(tx, fresh, growths)
    await store.add(tx, store.FACTS, written.facts)
    await store.apply(tx, store.STAND, written.standings, now=tx.now)
    await store.add(tx, store.FOLLOWS, written.new_follows)
    await store.apply(tx, store.GRANTS, written.follows)
    return {case_id: stands for case_id, stands in now.items() if stands is not None}


async def _look_for_suspects(tx: Transaction, opened: Mapping[UUID, Book], growths: Mapping[UUID, Growth]) -> None:
    """Let it be looked at whom others must not meet, when somebody of a new case is a suspect elsewhere."""
    marks = {case_id: {row.nik_index for row in book.persons if row.nik_index} for case_id, book in opened.items()}
    met = await suspected.looked_for(tx, [mark for found in marks.values() for mark in found])
    for case_id, found in marks.items():
        if met & found:
            tx.set_clock(SAFETY, case_id, tx.now, cause=growths[case_id].cause)


def fact_of(event: Received[Any]) -> Fact:
    """A received event as a fact of its case."""
    return Fact(event.id, type(event.data).producer, event.factversion, event.type, event.time, event.data.model_dump(mode="json"), event.causation)


def household_of(case: Any, persons: Iterable[Any]) -> Household:
    """The household of a case, from its rows, as events carry it: ids and codes, nothing that names anybody."""
    members = [Person(person_id=row.person_id, sex=row.sex, age=row.age, role=row.role, needs=tuple(row.needs)) for row in persons]
    return Household(household_id=case.household_id, revision=case.revision, persons=tuple(members))


def service_due(tx: Transaction, risk: str) -> timedelta:
    """How long after triage help is due, by risk; a low one in working days of Jakarta (DOMAIN section 7)."""
    settings = tx.settings
    if risk == "low":
        return timedelta_of(settings, after_working_days(tx.now, settings.service_low_days, settings.holidays) - tx.now)
    limit: timedelta = settings.span(hours={"high": settings.service_high_hours, "medium": settings.service_medium_hours}[risk])
    return limit


def timedelta_of(settings: Any, span: timedelta) -> timedelta:
    """A span of the calendar, as fast as the clocks of this store run."""
    scaled: timedelta = settings.span(seconds=span.total_seconds())
    return scaled


def triage_span(settings: Any, risk: str | None, since: datetime) -> timedelta:
    """How soon after a moment a case is to be triaged (again), by the risk that is known; one that nobody named counts as medium.

    A low one is an ordinary complaint, which is followed up in working days (DOMAIN section 7).
    """
    if risk == "low":
        return timedelta_of(settings, after_working_days(since, settings.triage_low_days, settings.holidays) - since)
    minutes = settings.triage_high_minutes if risk == "high" else settings.triage_medium_hours * 60
    span: timedelta = settings.span(minutes=minutes)
    return span


def leads(tx: Transaction, violence_types: Collection[str], ppks: int | None, area: str) -> Leads:
    """The agency and unit that lead a case which nobody gave to another one, by the operator's table."""
    settings = tx.settings
    line = triage.responsible(settings.responsibility, violence_types, ppks, area)
    usual = triage.leads(violence_types, ppks, victims=settings.victims_agency, ppks_agency=settings.ppks_agency)
    return Leads(line.agency or usual, line.unit) if line else Leads(usual)


def triage_by_floor(tx: Transaction, case: Any, household: Household) -> Triaged:
    """The triage that the rule floor makes from what was submitted, when no person does in time or the screen is complete."""
    screen = case.screen
    red_flags, grounds = screen.get("red_flags", []), screen.get("shelter_grounds", [])
    risk = triage.risk_floor(case.urgency, red_flags, case.violence_types)
    line = leads(tx, case.violence_types, case.ppks, case.area)
    return Triaged.model_validate(
        {
            "household": household,
            "area": case.area,
            "risk": risk,
            "red_flags": red_flags,
            "responsible_agency": line.agency,
            "responsible_unit": line.unit,
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
    new += _raise_risk(tx, case_id, book, new, growth)
    before, now = book.standing, standing.standing((*book.facts, *new))
    responsible = now.responsible or leads(tx, book.case.violence_types, book.case.ppks, book.case.area).agency or book.case.responsible_agency
    new += _route_services(tx, book, [*book.facts, *new], now, responsible=responsible, growth=growth)
    facts = (*book.facts, *new)
    if book.facts:
        timing.note(tx, facts, new)
    written.facts += [store.fact_row(case_id, fact) for fact in new]
    written.standings.append(standing_row(book, now, facts, responsible))
    if any(fact.type in OF_PERSONS for fact in new):
        tx.set_clock(SAFETY, case_id, tx.now, cause=growth.cause)
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
        facts.append(Fact(identity, "intake", number, kind, tx.now, saying.fact.model_dump(mode="json"), saying.cause.name[:64]))
    return facts


def _raise_risk(tx: Transaction, case_id: UUID, book: Book, new: Sequence[Fact], growth: Growth) -> list[Fact]:
    """The latest triage once more with the risk that an assessment found, where that is higher; nothing lowers what people of intake judged."""
    if not any(fact.type == standing.Kind.COMPLETED for fact in growth.received):
        return []
    known = [*book.facts, *new]
    now = standing.standing(known)
    found = raised_by(growth.received, now, known)
    if found is None or now.triage is None:
        return []
    risk = found.codes["risk"]
    same = {"household": household_of(book.case, book.persons), "responsible_agency": now.responsible, "responsible_unit": now.unit}
    codes = {**now.triage.codes, **same, "risk": risk, "judged": False, "due_at": tx.now + service_due(tx, risk)}
    # Caused by the assessment itself, with whatever it came: so that it is known to have been heard.
    cause = Cause(str(found.id), found.at, growth.cause.correlation, growth.cause.trace)
    changed = Saying(case_id, RiskChanged.model_validate(codes), cause, key="assessed")
    return _say(tx, [changed], sum(fact.producer == "intake" for fact in known))


def _route_services(tx: Transaction, book: Book, known: Sequence[Fact], now: Standing, *, responsible: str, growth: Growth) -> list[Fact]:
    """Say of each service that is asked for whether its provider hears of it, where that is otherwise than before."""
    if now.ended or not any(fact.type == referring.REQUESTED for fact in known):
        return []
    full = {book.case.reporting_agency, *([responsible] if now.triage else [])}
    grants = referring.Grants(full, growth.shares.restricted, growth.shares.covers)
    sayings = [
        Saying(
            book.case.case_id,
            ServiceRouted.model_validate(
                {
                    "service_id": request.service_id,
                    "provider": request.provider,
                    "service": request.service,
                    "passed_on": passed_on,
                    "due_at": request.due_at,
                }
            ),
            growth.cause,
            key=request.service_id,
        )
        for request, passed_on in referring.to_route(known, grants)
    ]
    return _say(tx, sayings, sum(fact.producer == "intake" for fact in known))


def _without_shelter(case_id: UUID, book: Book, new: Sequence[Fact], growth: Growth) -> Saying:
    """The latest triage once more, without a bed: the survivor said no or people ended the search, and help goes on at home."""
    now = standing.standing([*book.facts, *new])
    codes = dict(now.triage.codes) if now.triage else {}
    same = {"household": household_of(book.case, book.persons), "responsible_agency": now.responsible, "responsible_unit": now.unit}
    changed = RiskChanged.model_validate({**codes, **same, "shelter_needed": False, "judged": False})
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
        theirs = referring.concerning(agency, book.facts), referring.concerning(agency, facts)
        copies, then = feed.heard(was, hears.get(agency), *theirs, ended=now.ended)
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
    """Set the clock of each matter that a case waits for now and did not before, and take back those of what is settled."""
    if now.ended:
        if not before.ended:
            for kind in ENDING_CLOCKS:
                tx.cancel_clock(kind, case_id)
            if now.state is State.CONTACT_LOST:
                tx.set_clock(CONTACT_RETRY, case_id, tx.now + tx.settings.span(days=tx.settings.contact_retry_days[0]), "1", cause=cause)
        return
    if before.state is State.CONTACT_LOST:
        for number in range(1, len(tx.settings.contact_retry_days) + 1):
            tx.cancel_clock(CONTACT_RETRY, case_id, str(number))
    waits, waited = set(now.waiting_for), set(before.waiting_for)
    for matter in ("triage", *OWN_MATTERS):
        if matter in waits - waited:
            tx.set_clock(matter, case_id, tx.now + matter_span(tx, matter, now.risk), cause=cause)
        elif matter in waited - waits:
            tx.cancel_clock(matter, case_id)


def matter_span(tx: Transaction, matter: str, risk: str | None) -> timedelta:
    """How long people of intake have for a matter from now on."""
    settings = tx.settings
    if matter in {"triage", "risk_review"}:
        return triage_span(settings, risk, tx.now)
    spans: dict[str, timedelta] = {
        "closure": settings.span(days=settings.closure_days),
        "closure_approval": settings.span(days=settings.closure_approval_days),
        "transfer_answer": settings.span(hours=settings.transfer_hours),
        "joiner": settings.span(hours=settings.joiner_hours),
    }
    return spans[matter]
