"""What is kept of decisions: what they saw and why, the ledger of unmet needs, the areas a case named, and when each step was taken."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, text

from placement.domain import explain, ledger, probing, rounds
from placement.domain.explain import Decided, Decision, How
from placement.domain.homes import Home
from placement.domain.ledger import Line
from placement.domain.needs import Need
from placement.domain.people import Household
from placement.domain.rounds import Found, unpacked
from placement.domain.rules import RULES_VERSION
from placement.domain.seen import Listed

# So many rows are written in one statement.
SOME = 10

SEEN = text("SELECT id FROM home_seen WHERE id = ANY(CAST(:ids AS uuid[]))")
KEEP_SEEN = text("""
    INSERT INTO home_seen (id, seen) SELECT id, seen FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS new (id uuid, seen jsonb)
    ON CONFLICT DO NOTHING""")
KEEP_DECISIONS = text("""
    INSERT INTO decision (id, case_id, made_at, rules_version, household, homes, considered, shelter_id, how, together_with)
    SELECT made.id, made.case_id, CAST(:now AS timestamptz), CAST(:rules AS integer), CAST(made.household AS jsonb), CAST(:homes AS uuid[]),
        CAST(made.considered AS jsonb), made.shelter_id, :how, array_remove(CAST(:together AS uuid[]), made.id)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:cases AS uuid[]), CAST(:households AS text[]), CAST(:considered AS text[]), CAST(:shelters AS uuid[]))
        AS made (id, case_id, household, considered, shelter_id)
    ON CONFLICT DO NOTHING""")
NEWEST = text("SELECT * FROM decision WHERE case_id = :case_id ORDER BY made_at DESC, id DESC LIMIT 1")
ONE = text("SELECT * FROM decision WHERE id = :id")
TOGETHER = text("SELECT household FROM decision WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id")
WHAT_WAS_SEEN = text("SELECT seen FROM home_seen WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id")

BEGIN = text("""
    INSERT INTO unmet_need (id, case_id, since, persons, risk, refusals)
    SELECT gen_random_uuid(), case_id, CAST(:now AS timestamptz), persons, risk, refusals
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS new (case_id uuid, persons integer, risk text, refusals jsonb)
    ON CONFLICT (case_id) WHERE ended_at IS NULL DO NOTHING""")
END = text("""
    UPDATE unmet_need SET ended_at = CAST(:now AS timestamptz), ended_as = gone.ended_as,
        shelter_id = CASE WHEN gone.ended_as = 'housed' THEN (
            SELECT shelter_id FROM placement WHERE placement.case_id = unmet_need.case_id AND placement.state = 'admitted' LIMIT 1) END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS gone (case_id uuid, ended_as text)
    WHERE unmet_need.case_id = gone.case_id AND unmet_need.ended_at IS NULL""")
UNMET = text("""
    SELECT unmet_need.*, (SELECT part_of FROM need WHERE need.case_id = unmet_need.case_id) AS part_of FROM unmet_need
    WHERE (CAST(:open AS boolean) IS NULL OR (ended_at IS NULL) = :open)
        AND (CAST(:ended_as AS text) IS NULL OR ended_as = :ended_as) AND (CAST(:risk AS text) IS NULL OR risk = :risk)
        AND (CAST(:case_id AS uuid) IS NULL OR case_id = :case_id OR case_id IN (SELECT case_id FROM need WHERE part_of = :case_id)) AND (CAST(:rule AS text) IS NULL OR refusals ? CAST(:rule AS text))
        AND (CAST(:since AS timestamptz) IS NULL OR since >= :since)
    ORDER BY since DESC, id LIMIT :most""")

HEAR = text("""
    INSERT INTO area_heard (case_id, version, areas)
    SELECT case_id, version, areas FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS heard (case_id uuid, version bigint, areas text[])
    ON CONFLICT DO NOTHING""")
HEARD = text("SELECT case_id, areas, cleared FROM area_heard WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY case_id, version")
CLEAR = text("UPDATE area_heard SET cleared = true WHERE case_id = :case_id")


# -- decisions ------------------------------------------------------------------------------------------------------------------------


async def keep(tx: Transaction, decided: Decided, made_as: Mapping[UUID, UUID]) -> None:
    """Keep the decisions of one batch under these ids by case, with the homes they saw."""
    lines = [line for answer in decided.decisions if (line := rounds.line_of(Listed(answer.household, told=False), answer))]
    await keep_lines(tx, rounds.found_of(decided.how, decided.homes, lines), made_as)


async def keep_lines(tx: Transaction, found: Found, made_as: Mapping[UUID, UUID]) -> None:
    """Keep the decisions of a round, as they are written already; a home that was seen like this before is not written again."""
    known = {row.id for row in await tx.rows(SEEN, {"ids": list(found.homes)})}
    new = sorted(found.homes.keys() - known)
    for start in range(0, len(new), SOME):
        entries = ",".join('{"id":"%s","seen":%s}' % (name, found.homes[name]) for name in new[start : start + SOME])  # noqa: UP031 - the braces are JSON's
        await tx.execute(KEEP_SEEN, {"rows": f"[{entries}]"})
    batch = {"now": tx.now, "rules": RULES_VERSION, "homes": sorted(found.homes), "together": list(made_as.values()), "how": found.how.value}
    for start in range(0, len(found.lines), SOME):
        some = found.lines[start : start + SOME]
        columns = {
            "ids": [made_as[line.case_id] for line in some],
            "cases": [line.case_id for line in some],
            "households": [line.household for line in some],
            "considered": [unpacked(line.considered) for line in some],
            "shelters": [line.offer.home if line.offer else None for line in some],
        }
        await tx.execute(KEEP_DECISIONS, batch | columns)


async def decision(tx: Transaction, *, case_id: UUID | None = None, decision_id: UUID | None = None) -> Decision | None:
    """One decision, or the newest on a case; one of another case is none."""
    row = await tx.row(ONE, {"id": decision_id}) if decision_id else await tx.row(NEWEST, {"case_id": case_id})
    if row is None or (case_id is not None and row.case_id != case_id):
        return None
    return Decision(
        id=row.id,
        case_id=row.case_id,
        made_at=row.made_at,
        rules_version=row.rules_version,
        household=explain.household_of(row.household),
        homes=tuple(row.homes),
        considered=explain.considered_of(row.considered),
        shelter_id=row.shelter_id,
        together_with=tuple(row.together_with),
        how=How(row.how),
    )


async def what_it_saw(tx: Transaction, made: Decision) -> tuple[list[Home], list[Household]]:
    """What was kept of a decision: the homes, and the households that were decided on together."""
    homes = [explain.home_of(row.seen) for row in await tx.rows(WHAT_WAS_SEEN, {"ids": list(made.homes)})]
    others = [explain.household_of(row.household) for row in await tx.rows(TOGETHER, {"ids": list(made.together_with)})]
    return homes, [made.household, *others]


# -- the ledger -----------------------------------------------------------------------------------------------------------------------


async def follow(tx: Transaction, known: Mapping[UUID, Need], changed: Iterable[Need]) -> None:
    """Let the ledger of unmet needs follow needs that changed."""
    lines = [entry for need in changed if (entry := ledger.line(known.get(need.case_id) or Need(need.case_id), need))]
    begun = [_line(entry) for entry in lines if not entry.only_if_begun]
    ended = [_line(entry) for entry in lines if entry.ended_as]
    if begun:
        await begin(tx, begun)
    if ended:
        await tx.execute(END, {"now": tx.now, "rows": json.dumps(ended)})


async def begin(tx: Transaction, lines: Sequence[Mapping[str, Any]]) -> None:
    """Begin lines of the ledger (`unmet_line`) where there is no open one."""
    await tx.execute(BEGIN, {"now": tx.now, "rows": json.dumps(lines)})


def unmet_line(case_id: UUID, persons: int, risk: str, refusals: Mapping[str, int]) -> dict[str, Any]:
    """A line of the ledger as it is written."""
    return {"case_id": str(case_id), "persons": persons, "risk": risk, "refusals": refusals}


def _line(entry: Line) -> dict[str, Any]:
    return unmet_line(entry.case_id, entry.persons, entry.risk, entry.refusals) | {"ended_as": entry.ended_as}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines of the ledger are asked for; None is all."""

    open: bool | None = None
    ended_as: str | None = None
    risk: str | None = None
    rule: str | None = None
    case_id: UUID | None = None
    since: Any = None


async def unmet(tx: Transaction, wanted: Wanted, most: int) -> Sequence[Row[Any]]:
    """Lines of the ledger, the newest first."""
    return await tx.rows(UNMET, {name: getattr(wanted, name) for name in Wanted.__slots__} | {"most": most})


# -- the areas of a perpetrator -------------------------------------------------------------------------------------------------------


async def hear_areas(tx: Transaction, named: Iterable[tuple[UUID, int, Collection[str]]]) -> dict[UUID, int]:
    """Keep the areas that versions of cases named; how often each of these cases changed them, whatever the order they are heard in."""
    rows = [{"case_id": str(case_id), "version": version, "areas": sorted(areas)} for case_id, version, areas in named]
    if not rows:
        return {}
    await tx.execute(HEAR, {"rows": json.dumps(rows)})
    told: dict[UUID, list[tuple[frozenset[str], bool]]] = {UUID(str(row["case_id"])): [] for row in rows}
    for row in await tx.rows(HEARD, {"cases": sorted(told)}):
        told[row.case_id].append((frozenset(row.areas), row.cleared))
    return {case_id: probing.changes(_since_cleared(entries)) for case_id, entries in told.items()}


def _since_cleared(entries: Sequence[tuple[frozenset[str], bool]]) -> list[frozenset[str]]:
    """What was named last when the alarm was cleared, and everything after."""
    cleared = sum(1 for _, done in entries if done)
    return [areas for areas, _ in entries[max(0, cleared - 1) :]]


async def clear_areas(tx: Transaction, case_id: UUID) -> None:
    """Count changes anew from what a case named last."""
    await tx.execute(CLEAR, {"case_id": case_id})
