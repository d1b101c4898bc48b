"""What follows when a consent, a restriction or a disclosure begins or ends, by a route or by time: always the same, and only here.

Whether something may be shared is derived each time from what was said; what is written here is that it ended, so that all hear of it.
Whoever changes one of these locks the cases first, as everybody does who tells agencies something: between a withdrawal and the next
fact of its case there is an order, and no copy comes after the stop.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis import Cause, Due, Transaction
from contracts.consents import ConsentChanged, Disclosed, DisclosureEnded, DisclosureOver, Restricted

from intake import casebook, store
from intake.casebook import Saying
from intake.consents import holding, records
from intake.consents.holding import SHARING
from intake.domain.consent import end_of


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended in one case: consents whose time was over, and disclosures with the code of why."""

    consents: tuple[dict[str, Any], ...]
    disclosures: tuple[dict[str, Any], ...]


async def settle(
    tx: Transaction, cases: Iterable[UUID], said: Sequence[Saying] = (), revoked: Sequence[dict[str, Any]] = (), cause: Cause | None = None
) -> None:
    """End what holds no longer in these cases, say it together with what else is `said`, and let the agencies hear or stop hearing.

    The cases are locked by the caller, and what changed is written already; but for disclosures that people `revoked`. A `cause` is needed
    where it is none of the cases' own.
    """
    touched = sorted(set(cases))
    await records.keep(tx, records.KEEP_DISCLOSURES, revoked)
    books = await store.books(tx, touched)
    found = await holding.known(tx, touched)
    ended = {case_id: _ended(tx, found[case_id], over=books[case_id].standing.ended) for case_id in touched}
    consents = [row for entry in ended.values() for row in entry.consents]
    disclosures = [*revoked, *(row for entry in ended.values() for row in entry.disclosures)]
    await records.keep(tx, records.KEEP_CONSENTS, consents)
    await records.keep(tx, records.KEEP_DISCLOSURES, disclosures)
    set_clocks(tx, consents, disclosures, cause=cause)
    for row in disclosures:
        _tell_recipient(tx, books[row["case_id"]], row, cause)
    ends = [*(consent_said(tx, row, cause) for row in consents), *(_end_said(tx, row, cause) for row in disclosures)]
    await casebook.grow(tx, said=[*said, *ends], again=touched, cause=cause)


def _ended(tx: Transaction, known: holding.Known, *, over: bool) -> Ended:
    late = [row._asdict() for row in known.consents if row.state == "given" and row.expires_at is not None and row.expires_at <= tx.now]
    ends = [(row, end_of(records.share(row), known.words, known.restricted, tx.now, ended=over)) for row in known.disclosures if not row.ended_at]
    return Ended(
        tuple(row | {"state": "expired", "ended_at": row["expires_at"]} for row in late),
        tuple(row._asdict() | {"ended_at": tx.now, "ended_by": why} for row, why in ends if why),
    )


def _tell_recipient(tx: Transaction, book: store.Book, row: Mapping[str, Any], cause: Cause | None) -> None:
    """Let an agency that still hears of the case know that it may not use what it fetched any more; of a case that ended all have heard."""
    follow = next((f for f in book.follows if f.agency == row["recipient"] and f.ended_at is None), None)
    if follow is not None:
        over = DisclosureOver(agency=follow.agency, city=book.case.area[:5], disclosure_id=row["disclosure_id"])
        tx.emit(over, follow.follow_id, key=str(row["disclosure_id"]), cause=cause or tx.cause_of(book.case.case_id))


def consent_said(tx: Transaction, row: Mapping[str, Any], cause: Cause | None = None) -> Saying:
    """A consent as it is now, as a fact of its case."""
    fact = ConsentChanged.model_validate({name: value for name, value in row.items() if name != "case_id"})
    return Saying(row["case_id"], fact, cause or tx.cause_of(row["case_id"]), key=f"{row['consent_id']}:{row['state']}")


def restriction_said(tx: Transaction, row: Mapping[str, Any]) -> Saying:
    """A restriction as it is now, as a fact of its case."""
    fact = Restricted.model_validate({name: value for name, value in row.items() if name != "case_id"})
    return Saying(row["case_id"], fact, tx.cause_of(row["case_id"]), key=str(row["restriction_id"]))


def disclosure_said(tx: Transaction, row: Mapping[str, Any]) -> Saying:
    """A disclosure that was made, as a fact of its case."""
    fact = Disclosed.model_validate({name: value for name, value in row.items() if name not in {"case_id", "ended_at", "ended_by"}})
    return Saying(row["case_id"], fact, tx.cause_of(row["case_id"]), key=str(row["disclosure_id"]))


def _end_said(tx: Transaction, row: Mapping[str, Any], cause: Cause | None) -> Saying:
    fact = DisclosureEnded(disclosure_id=row["disclosure_id"], recipient=row["recipient"], reason=row["ended_by"])
    return Saying(row["case_id"], fact, cause or tx.cause_of(row["case_id"]), key=str(row["disclosure_id"]))


def set_clocks(
    tx: Transaction, consents: Iterable[Mapping[str, Any]] = (), disclosures: Iterable[Mapping[str, Any]] = (), *, cause: Cause | None = None
) -> None:
    """Let what has an end by time end then; what ended otherwise needs no clock any more."""
    for rows, key, due in ((consents, "consent_id", "expires_at"), (disclosures, "disclosure_id", "until")):
        for row in rows:
            case_id, name = row["case_id"], str(row[key])
            if row["ended_at"] is None and row[due] is not None:
                tx.set_clock(SHARING, case_id, row[due], key=name, cause=cause or tx.cause_of(case_id))
            else:
                tx.cancel_clock(SHARING, case_id, key=name)


async def lapse(due: Sequence[Due], tx: Transaction) -> None:
    """The time of a consent or a disclosure is over, or its case has ended: end what holds no longer."""
    await settle(tx, {clock.subject for clock in due})
