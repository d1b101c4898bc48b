"""The questions asked of needs, placements and stays; those asked of homes are in `register`, and what they are asked of is in `tables`."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, Table, case, func, or_, select, text

from placement.domain.homes import Refusal
from placement.domain.needs import Need, State
from placement.domain.offers import Offer
from placement.domain.people import RISKS, Person
from placement.domain.placements import LIVE, REVIEW_AHEAD, REVIEW_BY, Agreed, Placement, Step
from placement.store.tables import NEED, PLACEMENT, STAY, metadata

__all__ = ["NEED", "PLACEMENT", "STAY", "metadata"]


SETS = ("grounds", "keep_apart", "perpetrator_areas", "declined", "not_now", "apart", "kept_from")


def _upsert(table: Table, key: str) -> Any:
    """Write whole rows given as JSON. The names are this module's own, not input."""
    columns = ", ".join(column.name for column in table.columns)
    changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.columns if not column.primary_key)
    rows = f"SELECT {columns} FROM jsonb_populate_recordset(NULL::{table.name}, CAST(:rows AS jsonb))"  # noqa: S608
    return text(f"INSERT INTO {table.name} ({columns}) {rows} ON CONFLICT ({key}) DO UPDATE SET {changes}")


# When somebody has to act on a placement that goes on, as `pages.moves` tells it.
DUE = """
    CASE placement.state WHEN 'offered' THEN placement.hold_until WHEN 'admitted' THEN coalesce(
        (SELECT min(back_by) FROM absence WHERE absence.placement_id = placement.id AND ended_at IS NULL AND back_by < CAST(:now AS timestamptz)),
        (placement.review_on + CAST(:review_by AS time)) AT TIME ZONE 'Asia/Jakarta')
    ELSE placement.arrive_by END"""
SAVE_NEEDS = _upsert(NEED, "case_id")
SAVE_PLACEMENTS = _upsert(PLACEMENT, "id")
HOLD = text("""
    INSERT INTO stay (placement_id, person_id, bed_id, case_id, sex, small, during, in_it)
    SELECT placement, person, bed, case_id, sex, small, tstzrange(CAST(:now AS timestamptz), until), CASE WHEN CAST(:elsewhere AS boolean) THEN 'empty'::tstzrange END
    FROM unnest(CAST(:placements AS uuid[]), CAST(:persons AS uuid[]), CAST(:beds AS uuid[]), CAST(:cases AS uuid[]), CAST(:sexes AS text[]),
        CAST(:smalls AS boolean[]), CAST(:untils AS timestamptz[])) AS new (placement, person, bed, case_id, sex, small, until)""")
# A database clock that was set back may say an end before the beginning: the hold then lasts a minute.
EXTEND = text("""
    UPDATE stay SET during = tstzrange(lower(during), CASE WHEN until IS NOT NULL THEN greatest(until, lower(during) + interval '1 minute') END)
    FROM unnest(CAST(:placements AS uuid[]), CAST(:untils AS timestamptz[])) AS longer (placement, until)
    WHERE stay.placement_id = longer.placement AND NOT isempty(during) AND ended_as IS NULL""")
FREE = text("UPDATE stay SET during = 'empty' WHERE placement_id = ANY(CAST(:placements AS uuid[]))")
END = text("""
    UPDATE stay SET during = tstzrange(lower(during), greatest(lower(during), CAST(:now AS timestamptz))), ended_as = how,
        in_it = in_it * tstzrange(NULL, CAST(:now AS timestamptz))
    FROM unnest(CAST(:placements AS uuid[]), CAST(:persons AS uuid[]), CAST(:hows AS text[])) AS gone (placement, person, how)
    WHERE stay.placement_id = gone.placement AND stay.person_id = gone.person AND ended_as IS NULL AND NOT isempty(during)
    RETURNING bed_id""")
# A person whose transfer is asked for has a bed held although she sleeps in another one: only when she is in it (`in_it`) does it count as hers.
TAKEN = text("""
    SELECT mine.placement_id FROM stay mine JOIN stay other ON uuidrange(other.bed_id, other.bed_id, '[]') && uuidrange(mine.bed_id, mine.bed_id, '[]')
        AND other.placement_id <> mine.placement_id AND other.during && tstzrange(lower(mine.during), NULL)
    WHERE mine.placement_id = ANY(CAST(:placements AS uuid[])) AND NOT isempty(mine.during)
    UNION
    SELECT mine.placement_id FROM stay mine
    JOIN stay other ON uuidrange(other.person_id, other.person_id, '[]') && uuidrange(mine.person_id, mine.person_id, '[]')
        AND other.placement_id <> mine.placement_id
        AND coalesce(other.in_it, other.during) && coalesce(mine.in_it, tstzrange(lower(mine.during), NULL))
    WHERE mine.placement_id = ANY(CAST(:placements AS uuid[])) AND NOT isempty(mine.during)""")
INSIDE = text("""
    SELECT placement.id AS placement_id, stay.case_id, stay.person_id FROM stay JOIN placement ON placement.id = stay.placement_id
    WHERE stay.case_id = ANY(CAST(:cases AS uuid[])) AND placement.state = 'admitted' AND stay.ended_as IS NULL AND NOT isempty(stay.during)""")
LATER = text("""
    SELECT EXISTS (SELECT FROM clock WHERE kind = 'match')
        OR EXISTS (SELECT FROM placement WHERE state = 'offered' AND hold_until <= CAST(:now AS timestamptz))""")
NOTE_STEPS = text("""
    INSERT INTO placement_step (placement_id, step, at)
    SELECT id, state, CAST(:now AS timestamptz) FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS taken (id uuid, state text) ON CONFLICT DO NOTHING""")
AGREE = text("""
    INSERT INTO agreement (placement_id, person_id, agreement, legal_ground_until, recorded_by, recorded_at)
    SELECT :placement, person, how, until, :by, CAST(:now AS timestamptz)
    FROM unnest(CAST(:persons AS uuid[]), CAST(:hows AS text[]), CAST(:untils AS date[])) AS new (person, how, until)""")


# -- needs ------------------------------------------------------------------------------------------------------------------------


async def needs(tx: Transaction, cases: Collection[UUID], *, reasons: bool = True) -> dict[UUID, Need]:
    """These cases' needs by case id; a case never heard of has a blank one. The `reasons` for which they wait may be left out: they are long."""
    chosen = [column for column in NEED.columns if reasons or column.name != "reasons"]
    found = {row.case_id: need_of(row) for row in await tx.rows(select(*chosen).where(NEED.c.case_id.in_(cases)))}
    return {case_id: found.get(case_id) or Need(case_id) for case_id in cases}


async def save_needs(tx: Transaction, changed: Iterable[Need]) -> None:
    """Write needs as they are now."""
    if rows := [_need_row(need) for need in changed]:
        await tx.execute(SAVE_NEEDS, {"rows": json.dumps(rows)})


async def waiting(tx: Transaction, *, after: int, most: int) -> list[Need]:
    """So many of the waiting list after a place in it: the riskiest first, then who has waited longest. With all reasons a list is long."""
    order = (
        case(RISKS, value=NEED.c.risk, else_=RISKS["medium"]),
        NEED.c.waiting_since,
        func.coalesce(NEED.c.part_of, NEED.c.case_id),
        NEED.c.case_id,
    )
    statement = select(NEED).where(NEED.c.state == State.WAITING.value).order_by(*order).offset(after).limit(most)
    return [need_of(row) for row in await tx.rows(statement)]


async def round_ahead(tx: Transaction) -> bool:
    """Whether beds became free that the waiting list has not been tried on yet: then nobody goes before it."""
    return bool((await tx.rows(LATER, {"now": tx.now}))[0][0])


# -- placements -------------------------------------------------------------------------------------------------------------------


async def live(tx: Transaction, cases: Collection[UUID]) -> dict[UUID, Placement]:
    """The offer or stay that each of these cases has now, by case id; at most one per case.

    Without what only asks another shelter to take somebody over. Where a household was moved apart, it is the stay of those who remained.
    """
    standing = or_(PLACEMENT.c.transfer_of.is_(None), PLACEMENT.c.state == Step.ADMITTED.value)
    statement = select(PLACEMENT).where(PLACEMENT.c.case_id.in_(cases), PLACEMENT.c.state.in_([step.value for step in LIVE]), standing)
    found = [placement_of(row) for row in await tx.rows(statement)]
    return {entry.case_id: entry for entry in sorted(found, key=lambda entry: (entry.transfer_of is None, entry.id))}


async def transfers(tx: Transaction, cases: Collection[UUID]) -> list[Placement]:
    """What asks another shelter, for these cases, to take somebody over, in order of ids."""
    asked = [Step.OFFERED.value, Step.ACCEPTED.value]
    statement = select(PLACEMENT).where(PLACEMENT.c.case_id.in_(cases), PLACEMENT.c.state.in_(asked), PLACEMENT.c.transfer_of.is_not(None))
    return [placement_of(row) for row in await tx.rows(statement.order_by(PLACEMENT.c.id))]


async def lived_in(tx: Transaction, placement_ids: Collection[UUID]) -> dict[UUID, Placement]:
    """Those of these placements whose household is in, by placement id."""
    statement = select(PLACEMENT).where(PLACEMENT.c.id.in_(placement_ids), PLACEMENT.c.state == Step.ADMITTED.value)
    return {row.id: placement_of(row) for row in await tx.rows(statement)}


async def placement(tx: Transaction, placement_id: UUID) -> Placement | None:
    """One placement."""
    row = await tx.row(select(PLACEMENT).where(PLACEMENT.c.id == placement_id))
    return placement_of(row) if row else None


async def placements(
    tx: Transaction, *, shelters: Collection[UUID] | None, state: str | None, case_id: UUID | None, most: int, waits: bool = False
) -> list[Placement]:
    """Placements of these shelters (None: of all), in one state and of one case with its groups if asked for; the newest first.

    `waits`: only those on which somebody has to act, what is due first before all others.
    """
    statement = select(PLACEMENT).limit(most)
    if waits:
        due = or_(PLACEMENT.c.state != Step.ADMITTED.value, text(f"{DUE} < CAST(:ahead AS timestamptz)"))
        statement = statement.where(PLACEMENT.c.state.in_([step.value for step in LIVE]), due).order_by(text(f"{DUE} NULLS LAST"), PLACEMENT.c.id)
    else:
        statement = statement.order_by(PLACEMENT.c.offered_at.desc(), PLACEMENT.c.id)
    if shelters is not None:
        statement = statement.where(PLACEMENT.c.shelter_id.in_(shelters))
    if state is not None:
        statement = statement.where(PLACEMENT.c.state == state)
    if case_id is not None:
        groups = await tx.rows(select(NEED.c.case_id).where(NEED.c.part_of == case_id))
        statement = statement.where(PLACEMENT.c.case_id.in_([case_id, *(row.case_id for row in groups)]))
    moments = {"now": tx.now, "ahead": tx.now + REVIEW_AHEAD, "review_by": REVIEW_BY} if waits else {}
    return [placement_of(row) for row in await tx.rows(statement, moments)]


async def save_placements(tx: Transaction, changed: Iterable[Placement]) -> None:
    """Write placements as they are now. The end of a case's live one is written before its next one begins."""
    if rows := [_placement_row(entry) for entry in changed]:
        written = json.dumps(rows)
        await tx.execute(SAVE_PLACEMENTS, {"rows": written})
        await tx.execute(NOTE_STEPS, {"now": tx.now, "rows": written})


# -- stays and holds --------------------------------------------------------------------------------------------------------------


async def hold_beds(
    tx: Transaction, offers: Sequence[tuple[Placement, Offer]], until: Mapping[UUID, datetime | None], *, elsewhere: bool = False
) -> None:
    """Take the beds of offers from now until a time per placement; None is until they leave; `elsewhere` are persons who have a bed until they move."""
    taken = [(made, person, offer.beds[person.id]) for made, offer in offers for person in offer.household.persons]
    await tx.execute(
        HOLD,
        {
            "now": tx.now,
            "elsewhere": elsewhere,
            "placements": [made.id for made, _, _ in taken],
            "persons": [person.id for _, person, _ in taken],
            "beds": [bed for _, _, bed in taken],
            "cases": [made.case_id for made, _, _ in taken],
            "sexes": [person.sex for _, person, _ in taken],
            "smalls": [person.small for _, person, _ in taken],
            "untils": [until[made.id] for made, _, _ in taken],
        },
    )


async def extend(tx: Transaction, until: Mapping[UUID, datetime | None]) -> None:
    """Let holds and stays last until a time per placement; None is until they leave."""
    await tx.execute(EXTEND, {"placements": list(until), "untils": list(until.values())})


async def free_beds(tx: Transaction, placement_ids: Collection[UUID]) -> None:
    """Give back beds in which nobody slept."""
    await tx.execute(FREE, {"placements": list(placement_ids)})


async def end_stays(tx: Transaction, gone: Sequence[tuple[UUID, UUID, str]]) -> list[UUID]:
    """End stays now: (placement, person, how); the beds in which they slept."""
    parameters = {"placements": [entry[0] for entry in gone], "persons": [entry[1] for entry in gone], "hows": [entry[2] for entry in gone]}
    return [row.bed_id for row in await tx.rows(END, parameters | {"now": tx.now})]


async def taken_by_others(tx: Transaction, placement_ids: Collection[UUID]) -> set[UUID]:
    """Those of the placements whose beds somebody else took after their hold had run out; ask with their shelters locked."""
    return {row.placement_id for row in await tx.rows(TAKEN, {"placements": list(placement_ids)})}


async def inside(tx: Transaction, cases: Collection[UUID]) -> dict[UUID, dict[UUID, UUID]]:
    """Who of these cases stays in a home: placement ids by person id, by case id."""
    found: dict[UUID, dict[UUID, UUID]] = {}
    for row in await tx.rows(INSIDE, {"cases": list(cases)}):
        found.setdefault(row.case_id, {})[row.person_id] = row.placement_id
    return found


async def beds_of(tx: Transaction, placement_ids: Collection[UUID]) -> dict[UUID, dict[UUID, UUID]]:
    """Who has, held or had which bed: bed ids by person id, by placement id."""
    found: dict[UUID, dict[UUID, UUID]] = {}
    for row in await tx.rows(select(STAY.c.placement_id, STAY.c.person_id, STAY.c.bed_id).where(STAY.c.placement_id.in_(placement_ids))):
        found.setdefault(row.placement_id, {})[row.person_id] = row.bed_id
    return found


async def record_agreements(tx: Transaction, placement_id: UUID, agreed: Sequence[Agreed]) -> None:
    """Keep how each person agreed."""
    columns = {"persons": [entry.person_id for entry in agreed], "hows": [entry.how for entry in agreed], "untils": [entry.until for entry in agreed]}
    await tx.execute(AGREE, columns | {"placement": placement_id, "by": tx.principal.subject, "now": tx.now})


# -- rows and values --------------------------------------------------------------------------------------------------------------


def _persons(rows: Iterable[Mapping[str, Any]]) -> tuple[Person, ...]:
    return tuple(Person(UUID(row["id"]), row["sex"], row["age"], row["role"], frozenset(row["needs"])) for row in rows)


def _person_rows(persons: Iterable[Person]) -> list[dict[str, Any]]:
    return [{"id": str(p.id), "sex": p.sex, "age": p.age, "role": p.role, "needs": sorted(p.needs)} for p in persons]


def need_of(row: Row[Any]) -> Need:
    """A row of needs as what it is."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    sets = {name: frozenset(values[name]) for name in SETS}
    reasons = tuple(Refusal(UUID(entry["home"]), entry["rule"], entry["fact"], entry["secret"]) for entry in values.get("reasons", ()))
    return Need(**values | sets | {"persons": _persons(values["persons"]), "state": State(values["state"]), "reasons": reasons})


def _need_row(need: Need) -> dict[str, Any]:
    row = {name: getattr(need, name) for name in NEED.columns.keys()}  # noqa: SIM118 - a collection of columns, not a dict
    sets = {name: sorted(str(entry) for entry in row[name]) for name in SETS}
    reasons = [{"home": str(entry.home), "rule": entry.rule, "fact": entry.fact, "secret": entry.secret} for entry in need.reasons]
    return {name: _plain(value) for name, value in row.items()} | sets | {"persons": _person_rows(need.persons), "reasons": reasons}


def placement_of(row: Row[Any]) -> Placement:
    """A row of placements as what it is."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Placement(**values | {"state": Step(values["state"]), "members": _persons(values["members"]), "overrides": tuple(values["overrides"])})


def _placement_row(entry: Placement) -> dict[str, Any]:
    row = {name: _plain(getattr(entry, name)) for name in PLACEMENT.columns.keys()}  # noqa: SIM118 - a collection of columns, not a dict
    return row | {"members": _person_rows(entry.members)}


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
