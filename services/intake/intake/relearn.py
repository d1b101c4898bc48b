"""Makes intake's state again of what it said and its store lost: cases with codes only, who follows them, and what was submitted.

Names, numbers and stories are in no fact; a desk asks for them again. A reference that is sent again finds its case and opens no second one.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis import Received, Transaction
from chassis.bus.recovery import Lost, Unlearnt
from contracts import intake as facts
from contracts.agencies import AgencyEvent, CaseOpened, Receipt, ReceiptAccepted, ReceiptIncomplete, ReceiptRejected
from contracts.household import Household
from contracts.messages import ReceiptHeld
from contracts.public import VictimsCounted
from contracts.register import AgencyRegistered, AgencySlowed
from contracts.vocabulary import ProblemCode

from intake import agencies, casebook, feed, opening, reading, store
from intake.consents import holding, relearning
from intake.domain import referring
from intake.domain.consent import hearers
from intake.domain.standing import Fact
from intake.handing_over import sending
from intake.reporting import public
from intake.rights import retold
from intake.store import Book
from intake.violence import incidents, legal, suspected

# What a fact does not say of a case that is made of it again, and a desk asks for.
ASKED_AGAIN = (*opening.UNASKED, ("callback", ProblemCode.MISSING))
PERSONAL_DATA, CASE_UNKNOWN, REFUSED_CONTENT, REFERRED_TO = "personal_data", "case_unknown", "refused_submission", "referred_to"
HELD_CONTENT, LATER_CONTENT = "held_message", "later_message"
# Who was merged, or not any more: people decided on what they saw, and decide again.
IDENTITY = "identity"
# What was told of an incident, and who a suspect is, are in no fact.
SAFE_CONTACT = "safe_contact"
INCIDENT_WORDS, SUSPECT_NAMES = "incident_narrative", "suspect_identity"
# Under which number SIMFONI has a case.
SIMFONI_NUMBER = "simfoni_number"
# What an agency is called, which no fact says.
AGENCY_NAME = "agency_name"
# A submission whose content nobody knows any more: the next one under its reference is taken for the same.
UNKNOWN_CONTENT = b""


@dataclass(slots=True)
class Sorted:
    """The lost facts by what they are about; `case_of` finds the case of a follow id or of a cause."""

    said: dict[UUID, list[Received[Any]]] = field(default_factory=dict)
    copies: list[Received[Any]] = field(default_factory=list)
    receipts: list[Received[Any]] = field(default_factory=list)
    agencies: list[Received[Any]] = field(default_factory=list)
    published: list[Received[Any]] = field(default_factory=list)
    case_of: dict[str, UUID] = field(default_factory=dict)

    def case(self, event: Received[Any]) -> UUID | None:
        """The case that a copy or a receipt is about."""
        return self.case_of.get(str(event.subject)) or self.case_of.get(event.causation)


async def relearn(lost: Lost, tx: Transaction) -> list[Unlearnt]:
    """Learn cases, follow ids and submissions again; what agencies were told already is not said again."""
    found = _sort(lost)
    rows = await store.follows(tx, [event.subject for event in found.copies + found.receipts])
    found.case_of |= {str(row.follow_id): row.case_id for row in rows}
    found.case_of |= {str(e.subject): case_id for e in found.copies if (case_id := found.case(e))}
    cases = sorted({*found.said, *(case_id for event in found.copies if (case_id := found.case(event)))})
    await tx.lock(cases)
    opened = await _open(tx, found.said)
    await _change_households(tx, found.said)
    before = await store.books(tx, cases)
    unlearnt = [Unlearnt(event, CASE_UNKNOWN) for c, events in found.said.items() if before[c].case is None for event in events if _of_a_case(event)]
    await _follow(tx, found, before)
    await store.add(tx, store.FACTS, [store.fact_row(c, _fact(e)) for c, events in found.said.items() if before[c].case for e in events])
    heard = _told(found, before, lost.others)
    await store.add(tx, store.FACTS, [store.fact_row(event.subject, casebook.fact_of(event)) for event in heard])
    await relearning.learn(tx, found.said)
    await _stand(tx, before, found.said)
    unlearnt += await _case_records(tx, found.said, before)
    unlearnt += await _submissions(tx, found, opened)
    changed = await sending.relearn(tx, [event for events in found.said.values() for event in events])
    unlearnt += [Unlearnt(event, SAFE_CONTACT) for event in changed]
    await retold.relearn(tx, [event for events in found.said.values() for event in events])
    await agencies.relearn(tx, found.agencies)
    await public.relearn(tx, found.published)
    unlearnt += [Unlearnt(event, PERSONAL_DATA) for event in opened.values()] + [Unlearnt(event, AGENCY_NAME) for event in found.agencies]
    out = [event for events in found.said.values() for event in events if isinstance(event.data, facts.ReferredOut)]
    merges = [event for events in found.said.values() for event in events if isinstance(event.data, facts.Identity)]
    numbered = [event for events in found.said.values() for event in events if isinstance(event.data, facts.SimfoniNumbered)]
    unlearnt += [Unlearnt(event, SIMFONI_NUMBER) for event in numbered]
    return unlearnt + [Unlearnt(event, REFERRED_TO) for event in out] + [Unlearnt(event, IDENTITY) for event in merges]


async def _case_records(tx: Transaction, said: Mapping[UUID, Sequence[Received[Any]]], before: Mapping[UUID, Book]) -> list[Unlearnt]:
    """Keep incidents and suspects again as codes, and set the clocks of the law; words and names are asked of people."""
    unlearnt: list[Unlearnt] = []
    for case_id, events in said.items():
        if before[case_id].case is None:
            continue
        known = await store.facts_under(tx, [case_id])
        told = [event for event in events if isinstance(event.data, facts.IncidentRecorded)]
        for event in told:
            await incidents.keep_again(tx, event)
        if told:
            await incidents.count_violence(tx, case_id, known)
        suspects = [event for event in events if isinstance(event.data, facts.SuspectRecorded)]
        await suspected.keep_codes(tx, [_suspect_row(case_id, event) for event in {e.data.suspect_id: e for e in suspects}.values()])
        unlearnt += [Unlearnt(event, INCIDENT_WORDS) for event in told] + [Unlearnt(event, SUSPECT_NAMES) for event in suspects]
        await legal.take_again(tx, case_id, known, events)
    return unlearnt


def _suspect_row(case_id: UUID, event: Received[Any]) -> dict[str, Any]:
    codes = event.data.model_dump(mode="json", exclude={"removed"})
    return {**codes, "case_id": case_id, "added_at": event.time, "removed_at": event.time if event.data.removed else None}


def _sort(lost: Lost) -> Sorted:
    found = Sorted(case_of={str(event.id): event.subject for event in lost.others})
    for event in lost.own:
        if isinstance(event.data, AgencyEvent):
            found.copies.append(event)
        elif isinstance(event.data, Receipt):
            found.receipts.append(event)
        elif isinstance(event.data, VictimsCounted):
            found.published.append(event)
        elif isinstance(event.data, AgencyRegistered):
            found.agencies.append(event)
        elif isinstance(event.data, AgencySlowed):
            continue  # a word on one day, of which nothing is kept
        else:
            found.said.setdefault(event.subject, []).append(event)
            found.case_of.setdefault(event.causation, event.subject)
    return found


def _of_a_case(event: Received[Any]) -> bool:
    """Whether a fact of intake is about a case at all; a missed clock may be a desk task's."""
    return not (isinstance(event.data, facts.ClockMissed) and event.data.clock in {"incomplete", "unknown_case"})


def _fact(event: Received[Any]) -> Fact:
    return Fact(event.id, "intake", event.factversion, event.type, event.time, event.data.model_dump(mode="json"), event.causation)


# -- cases ----------------------------------------------------------------------------------------------------------------------------


async def _open(tx: Transaction, said: Mapping[UUID, Sequence[Received[Any]]]) -> dict[UUID, Received[Any]]:
    """Open the cases that were reported and are not there; the reports by case id."""
    reported = {case_id: event for case_id, events in said.items() for event in events if isinstance(event.data, facts.Reported)}
    rows = [opening.case_reported(tx, event) for event in reported.values()]
    new = {row.case_id for row in await store.apply(tx, store.OPEN, [row.model_dump() for row in rows])}
    opened = {case_id: event for case_id, event in reported.items() if case_id in new}
    await store.add(tx, store.PERSONS, [row for case_id, event in opened.items() for row in _person_rows(case_id, event.data.household)])
    for row in rows:
        if row.case_id in new:
            tx.cancel_clock("orphan", row.case_id)
            opening.set_clocks(tx, row, tx.cause_of(row.case_id))
    return opened


def _person_rows(case_id: UUID, household: Household) -> list[dict[str, Any]]:
    return [
        {"person_id": p.person_id, "case_id": case_id, "place": place, "role": p.role, "sex": p.sex, "age": p.age, "needs": p.needs}
        for place, p in enumerate(household.persons)
    ]


async def _change_households(tx: Transaction, said: Mapping[UUID, Sequence[Received[Any]]]) -> None:
    """Let each household be that of the newest snapshot; what is sealed of a person stays."""
    known = await store.books(tx, said)
    for case_id, events in said.items():
        book = known[case_id]
        snapshots = [event.data.household for event in events if hasattr(event.data, "household")]
        if book.case is None or not snapshots or (newest := max(snapshots, key=lambda h: int(h.revision))).revision <= book.case.revision:
            continue
        have = {row.person_id: row._asdict() for row in book.persons}
        rows = {row["person_id"]: row for row in _person_rows(case_id, newest)}
        gone = [row | {"left_at": tx.now} for person_id, row in have.items() if person_id not in rows]
        await store.add(tx, store.PERSONS, [row for person_id, row in rows.items() if person_id not in have])
        await store.apply(tx, store.CHANGE_PERSONS, [*(have[i] | row for i, row in rows.items() if i in have), *gone])
        await tx.execute(store.REVISE, {"case_id": case_id, "revision": newest.revision})


async def _stand(tx: Transaction, before: Mapping[UUID, Book], said: Mapping[UUID, Sequence[Received[Any]]]) -> None:
    """Stand the cases anew, end the follows of who does not take part any more, and set the clocks of where they stand now."""
    standings: list[dict[str, Any]] = []
    ended: list[dict[str, Any]] = []
    shares = await holding.shares(tx, before)
    for case_id, book in (await store.books(tx, before)).items():
        if book.case is None:
            continue
        now = book.standing
        responsible = now.responsible or book.case.responsible_agency
        standings.append(casebook.standing_row(book, now, book.facts, responsible))
        hears = hearers(book.case.reporting_agency, responsible if now.triage else None, shares.get(case_id, holding.NOTHING))
        ended += [_follow_row(tx, f, book, None if now.ended else hears.get(f.agency)) for f in book.follows]
        casebook.keep_time(tx, case_id, before[case_id].standing, now, tx.cause_of(case_id))
        _time_outreach(tx, case_id, now.team, said.get(case_id, ()))
    await store.apply(tx, store.STAND, standings, now=tx.now)
    await store.apply(tx, store.GRANTS, ended)


def _follow_row(tx: Transaction, row: Any, book: Book, reduced: bool | None) -> dict[str, Any]:  # noqa: FBT001 - None: it hears no more
    """How far an agency hears of a case that was learnt again: who hears no more was told all that went before."""
    was = casebook.following(row)
    hears = reduced is not None
    told = was.told if hears else was.told | {copy.key for copy in feed.copies(referring.concerning(row.agency, book.facts), reduced=was.reduced)}
    then = feed.Following(hears=hears, reduced=was.reduced if reduced is None else reduced, told=told)
    return casebook.follow_row(row.follow_id, then, None if hears else row.ended_at or tx.now)


def _time_outreach(tx: Transaction, case_id: UUID, team: str | None, events: Sequence[Received[Any]]) -> None:
    sent = [event.data.due_at for event in events if isinstance(event.data, (facts.OutreachDispatched, facts.OutreachArrived))]
    if team and sent:
        tx.set_clock("outreach", case_id, max(sent[-1], tx.now))
    elif not team:
        tx.cancel_clock("outreach", case_id)


# -- agencies -------------------------------------------------------------------------------------------------------------------------


async def _follow(tx: Transaction, found: Sorted, before: Mapping[UUID, Book]) -> None:
    """Keep under which id each agency follows which case."""
    have = {row.follow_id for book in before.values() for row in book.follows}
    rows: dict[UUID, dict[str, Any]] = {}
    for event in found.copies:
        case_id = found.case(event)
        if event.subject in have or case_id is None or before[case_id].case is None:
            continue
        blank = {"follow_id": event.subject, "case_id": case_id, "agency": event.data.agency, "reference": None, "since": event.time}
        row = rows.setdefault(event.subject, blank | {"ended_at": None})
        row["reference"] = row["reference"] or getattr(event.data, "reference", None)
    await store.add(tx, store.FOLLOWS, list(rows.values()))


def _told(found: Sorted, before: Mapping[UUID, Book], others: Iterable[Received[Any]]) -> list[Received[Any]]:
    """Those of others' facts of which agencies were told already, so that taking them again says nothing twice."""
    by_case: dict[UUID, list[Received[Any]]] = {}
    for event in others:
        if event.subject in before and event.type in feed.TABLE:
            by_case.setdefault(event.subject, []).append(event)
    copies: dict[UUID, Counter[str]] = {}
    for event in found.copies:
        if case_id := found.case(event):
            # Several agencies follow one case: what one of them heard was said.
            copies.setdefault(case_id, Counter())[f"{event.data.agency}|{event.type}"] += 1
    told: list[Received[Any]] = []
    for case_id, events in by_case.items():
        kinds = Counter[str]()
        for name, count in copies.get(case_id, Counter()).items():
            kind = name.split("|", 1)[1]
            kinds[kind] = max(kinds[kind], count)
        own = [_fact(event) for event in found.said.get(case_id, ())]
        told += _consumed(before[case_id].facts, own, events, kinds)
    return told


def _consumed(known: Collection[Fact], own: Sequence[Fact], events: Sequence[Received[Any]], kinds: Counter[str]) -> list[Received[Any]]:
    """The events whose copies were said, given how often each kind of copy was."""
    everything = [*known, *own, *(casebook.fact_of(event) for event in events)]
    said: set[str] = set()
    for copy in feed.news(known, everything):
        if kinds[copy.kind.type] > 0:
            kinds[copy.kind.type] -= 1
            said.add(copy.key)
    return [event for event in events if str(event.id) in said or feed.TABLE[event.type][0].type in said]


async def _submissions(tx: Transaction, found: Sorted, opened: Mapping[UUID, Received[Any]]) -> list[Unlearnt]:
    """Keep which reference led to which case and receipt, and give the desk what is to be asked again."""
    unlearnt: list[Unlearnt] = []
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    gaps: dict[UUID, list[tuple[str, ProblemCode]]] = {case_id: list(ASKED_AGAIN) for case_id in opened}
    receipted: dict[tuple[str, str], Received[Any]] = {}
    settled = {event.causation for event in found.receipts if not isinstance(event.data, ReceiptHeld)}
    for event in sorted([*found.receipts, *found.copies], key=lambda event: event.time):
        data, case_id = event.data, found.case(event)
        if isinstance(data, (ReceiptRejected, ReceiptHeld)):
            held = isinstance(data, ReceiptHeld)
            if held and event.causation in settled:
                continue
            unlearnt.append(Unlearnt(event, HELD_CONTENT if held else REFUSED_CONTENT))
            await opening.keep_refusal(tx, event.id, data.agency, data.reference, [(p.field, p.code) for p in data.problems])
            continue
        if not isinstance(data, (Receipt, CaseOpened)) or data.reference is None:
            continue
        if case_id is None:
            unlearnt.append(Unlearnt(event, CASE_UNKNOWN))
            continue
        receipted.setdefault((data.agency, data.reference), event)
        told = data.problems if isinstance(data, ReceiptIncomplete) else data.warnings if isinstance(data, ReceiptAccepted) else ()
        problems = [(p.field, p.code) for p in told]
        blank = {"agency": data.agency, "reference": data.reference, "fingerprint": UNKNOWN_CONTENT, "case_id": case_id, "at": event.time}
        row = rows.setdefault((data.agency, data.reference), blank | {"follow_id": event.subject, "receipt": "accepted", "problems": []})
        if problems:
            row |= {"receipt": "incomplete" if isinstance(data, ReceiptIncomplete) else "accepted", "problems": problems}
        if asked_for := reading.gaps(problems):
            gaps.setdefault(case_id, []).extend(asked_for)
    claimed = [tuple(key) for key in await store.apply(tx, store.CLAIM, list(rows.values()))]
    # A reference that is new under a case that is not was a later message's: the desk asks what it said.
    said_later = [key for key in claimed if rows[key]["case_id"] not in opened]
    unlearnt += [Unlearnt(receipted[key], LATER_CONTENT) for key in said_later]
    for case_id in {rows[key]["case_id"] for key in said_later}:
        gaps.setdefault(case_id, []).append(("narrative", ProblemCode.MISSING))
    references = {row["case_id"]: (row["agency"], row["reference"]) for row in rows.values()}
    asked = [(c, *references.get(c, (_agency(opened, c), None)), tuple(dict.fromkeys(problems)), tx.cause_of(c)) for c, problems in gaps.items()]
    await opening.ask_the_desk(tx, [entry for entry in asked if entry[1]])
    return unlearnt


def _agency(opened: Mapping[UUID, Received[Any]], case_id: UUID) -> str:
    return str(opened[case_id].data.agency) if case_id in opened else ""
