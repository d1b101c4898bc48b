"""Whom a household must not meet: found from the suspects of its case, from merges and from equal NIKs, and said again when it changes.

Placement hears it as a changed risk, so that an offer that was made is looked at anew. What a person named herself always stays.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis import Cause, Due, Transaction
from contracts.intake import Merged, RiskChanged, SuspectRecorded, Unmerged

from intake import casebook, store
from intake.casebook import Saying
from intake.domain.standing import Standing
from intake.domain.suspects import Apart, apart
from intake.linkage import pairs
from intake.store import Book
from intake.violence import suspected

IDENTITIES = frozenset({Merged.type, Unmerged.type})


async def apart_of(tx: Transaction, book: Book, named: Collection[UUID], named_areas: Collection[str]) -> Apart:
    """Whom the household of a case must not meet and where it must not live: what a person named, and what its suspects tell."""
    rows = await suspected.of_cases(tx, [book.case.case_id])
    return apart(
        [suspected.suspect_of(row) for row in rows],
        await _aliases(tx, {person for row in rows for person in row.same_as}),
        [row.person_id for row in book.persons],
        named=named,
        named_areas=named_areas,
    )


async def changed(tx: Transaction, cases: Collection[UUID], cause: Cause) -> list[Saying]:
    """What is to be said because suspects, persons or merges of these cases changed: of each case whose safety is another one now.

    Cases beside these are locked here.
    """
    sayings = await _met(tx, cases, cause)
    affected = {*cases, *(saying.case_id for saying in sayings), *await _suspected_in(tx, cases)}
    await tx.lock(affected)
    books = await store.books(tx, affected)
    for case_id in sorted(affected):
        book = books[case_id]
        if book.case is None or book.standing.ended or (asked := book.standing.asked) is None:
            continue
        now = await apart_of(tx, book, *named_before(book.standing))
        if {str(person) for person in now.persons} != set(asked.codes.get("keep_apart", ())) or set(now.areas) != set(
            asked.codes.get("perpetrator_areas", ())
        ):
            sayings.append(Saying(case_id, _again(book, now), cause, key="safety"))
    return sayings


def named_before(standing: Standing) -> tuple[list[UUID], list[str]]:
    """Whom to keep apart, and which areas, people named when they triaged last; of triages before this release all that they say."""
    codes = standing.triage.codes if standing.triage else {}
    persons, areas = codes.get("named_keep_apart"), codes.get("named_areas")
    persons = codes.get("keep_apart", ()) if persons is None else persons
    areas = codes.get("perpetrator_areas", ()) if areas is None else areas
    return [UUID(str(person)) for person in persons], [str(area) for area in areas]


async def look_again(due: Sequence[Due], tx: Transaction) -> None:
    """Persons, merges or suspects of these cases changed: see whom they and others must not meet now."""
    said: list[Saying] = []
    for clock in due:
        said += await changed(tx, [clock.subject], clock.cause)
    await casebook.grow(tx, said=list({(s.case_id, s.fact.type, s.key): s for s in said}.values()))


async def _met(tx: Transaction, cases: Collection[UUID], cause: Cause) -> list[Saying]:
    """Keep which persons suspects were found to be by their NIK, and say it."""
    found: dict[UUID, set[UUID]] = {}
    for row in await tx.rows(suspected.MET, {"cases": sorted(cases)}):
        found.setdefault(row.suspect_id, set()).add(row.person_id)
    if not found:
        return []
    rows = [row for row in await tx.rows(suspected.BY_ID, {"ids": sorted(found)}) if row.removed_at is None]
    written = [{**row._asdict(), "same_as": sorted({*row.same_as, *found[row.suspect_id]})} for row in rows]
    await suspected.keep_codes(tx, written)
    return [Saying(row["case_id"], recorded(row), cause, key=f"met:{row['suspect_id']}") for row in written]


async def _suspected_in(tx: Transaction, cases: Collection[UUID]) -> set[UUID]:
    """The cases of whose suspects one is a person of these cases, or was made one with such a person or is not any more."""
    persons = {row.person_id for row in await tx.rows(suspected.MEMBERS, {"cases": sorted(cases)})}
    for fact in await store.facts_under(tx, cases):
        if fact.type in IDENTITIES:
            persons |= {UUID(str(fact.codes["person_id"])), UUID(str(fact.codes["same_as"]))}
    everyone = {*persons, *await pairs.one(tx, persons)} if persons else set()
    return {row.case_id for row in await tx.rows(suspected.ARE, {"persons": sorted(everyone)})} if everyone else set()


async def _aliases(tx: Transaction, persons: Collection[UUID]) -> dict[UUID, Collection[UUID]]:
    """Those whom merges make one with each of these persons."""
    return {person: await pairs.one(tx, [person]) for person in sorted(persons)}


def recorded(row: Mapping[str, Any], *, removed: bool = False) -> SuspectRecorded:
    """What others may know of a suspect: an id and codes."""
    return SuspectRecorded.model_validate({name: row[name] for name in ("suspect_id", "relation", "age", "areas", "same_as")} | {"removed": removed})


def _again(book: Book, now: Apart) -> RiskChanged:
    codes = dict(book.standing.asked.codes) if book.standing.asked else {}
    named, areas = named_before(book.standing)
    return RiskChanged.model_validate(
        {
            **codes,
            "household": casebook.household_of(book.case, book.persons),
            "responsible_agency": book.standing.responsible,
            "responsible_unit": book.standing.unit,
            "keep_apart": now.persons,
            "perpetrator_areas": now.areas,
            "named_keep_apart": named,
            "named_areas": areas,
            "judged": False,
        }
    )
