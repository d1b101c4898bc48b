"""What holds now: the consents, disclosures and restrictions of cases, as `casebook` and the routes ask for them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row

from intake.consents import records
from intake.domain.consent import Share, Shares, Word, end_of

# The clock by which consents and disclosures end, on their case; also set when a case ends.
SHARING = "sharing"
NOTHING = Shares()


@dataclass(frozen=True, slots=True)
class Known:
    """All that was said about sharing one case: rows oldest first, and which agencies are to learn nothing of whom."""

    consents: tuple[Row[Any], ...]
    disclosures: tuple[Row[Any], ...]
    restricted: Mapping[UUID, Collection[str]]

    @property
    def words(self) -> list[Word]:
        """The consents, as far as they decide."""
        return [records.word(row) for row in self.consents]

    @property
    def holding(self) -> list[Share]:
        """The disclosures that nobody ended."""
        return [records.share(row) for row in self.disclosures if row.ended_at is None]


async def known(tx: Transaction, cases: Iterable[UUID], persons: Iterable[UUID] = ()) -> dict[UUID, Known]:
    """What is known of sharing these cases; of `persons` too who is to learn nothing of them."""
    wanted = {"cases": sorted(set(cases))}
    consents, disclosures = _by_case(await tx.rows(records.CONSENTS, wanted)), _by_case(await tx.rows(records.DISCLOSURES, wanted))
    concerned = {person for rows in disclosures.values() for row in rows for person in row.persons}
    restricted = await records.restricted(tx, {*persons, *concerned})
    return {case_id: Known(tuple(consents[case_id]), tuple(disclosures[case_id]), restricted) for case_id in wanted["cases"]}


async def shares(tx: Transaction, cases: Iterable[UUID]) -> dict[UUID, Shares]:
    """With which agencies these cases are shared now, and from which they are kept; those with neither are left out."""
    wanted = sorted(set(cases))
    rows = await tx.rows(records.OF_CASES, {"cases": wanted}) if wanted else []
    if not rows:
        return {}
    kept: defaultdict[UUID, set[str]] = defaultdict(set)
    for row in rows:
        if row.what == "restricted":
            kept[row.case_id].add(row.recipient)
    about = await known(tx, {row.case_id for row in rows if row.what == "disclosed"})
    hold = {case_id: [s for s in a.holding if not end_of(s, a.words, a.restricted, tx.now, ended=False)] for case_id, a in about.items()}
    return {case_id: _shares(hold.get(case_id, ()), kept.get(case_id, ())) for case_id in {*hold, *kept}}


def _shares(hold: Collection[Share], kept: Collection[str]) -> Shares:
    covers = {(share.recipient, str(share.purpose), person) for share in hold for person in share.persons}
    return Shares(frozenset(share.recipient for share in hold), frozenset(kept), frozenset(covers))


def _by_case(rows: Iterable[Row[Any]]) -> defaultdict[UUID, list[Row[Any]]]:
    found: defaultdict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.case_id].append(row)
    return found
