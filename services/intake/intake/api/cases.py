"""The cases that an officer may see: in a list, one with its household, and its timeline."""

from collections.abc import Collection, Iterable
from typing import Annotated, Any
from uuid import UUID

from chassis import RefusedError, Transaction, conflict, not_found, reads
from chassis.store.vault import Keys, Vault
from contracts.event import Event
from contracts.vocabulary import Risk
from fastapi import APIRouter, Query
from sqlalchemy import case as case_when
from sqlalchemy import select

from intake import casebook, policy, shown, store
from intake.api.views import MASK, CaseLine, CaseView, FactView, PersonView, StandingView
from intake.casebook import Saying
from intake.consents.records import hidden, somebody_hidden
from intake.domain.incidents import age_band
from intake.domain.record import in_telling_order
from intake.domain.standing import ENDED, Fact, Standing, State
from intake.opening import PERSONAL, Safe
from intake.store import CASES, Book

TEXTS = ("narrative", "callback")
EVERYTHING = frozenset({*PERSONAL, *TEXTS})
TO_FIND_HER = frozenset({"name", "address", "callback"})
ORDER_BY_RISK = case_when({"high": 0, "medium": 1, "low": 2}, value=CASES.c.risk, else_=0)

router = APIRouter(prefix="/cases", tags=["cases"])


@router.get("")
@reads(*policy.SEE_CASES)
async def cases(
    tx: Transaction,
    state: State | None = None,
    *,
    overdue: bool | None = None,
    ended: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[CaseLine]:
    """The cases of your agency, the riskiest and oldest first, and for outreach those that its team was sent to.

    `overdue`: only those with a missed clock, or only those without. `ended`: only those that have ended, what changed last first, or only those that go on.
    """
    mine = store.sees(tx.principal.agency)
    if tx.principal.has(policy.OUTREACH):
        mine |= await store.sent_to(tx, tx.principal.agency)
    question = select(CASES).where(mine).limit(limit)
    question = question.order_by(CASES.c.changed_at.desc()) if ended else question.order_by(ORDER_BY_RISK, CASES.c.opened_at)
    if state is not None:
        question = question.where(CASES.c.state.in_([state] if sees_search(tx) else shown.states_like(state)))
    if overdue is not None:
        question = question.where((CASES.c.missed != []) if overdue else (CASES.c.missed == []))
    if ended is not None:
        question = question.where(CASES.c.state.in_([found for found in State if (found in ENDED) is ended]))
    return [CaseLine.model_validate(_line(tx, row)) for row in await tx.rows(question)]


@router.get("/{case_id}")
@reads(*policy.SEE_CASES)
async def case(case_id: UUID, vault: Safe, tx: Transaction) -> CaseView:
    """A case with its household; who may not see names sees that there are some. A team that was sent sees whom to find, where, and how to ask."""
    book = await seen(tx, case_id)
    if tx.principal.has(*policy.SEE_NAMES) and takes_part(tx, book):
        return await read_on_record(tx, vault, book)
    if tx.principal.has(*policy.FIND_HER) and sent(tx, book):
        return await read_on_record(tx, vault, book, TO_FIND_HER, "outreach")
    return view_of(tx, book, None)


@router.get("/{case_id}/timeline")
@reads(*policy.SEE_CASES)
async def timeline(case_id: UUID, tx: Transaction) -> list[FactView]:
    """All facts of a case, each after the one that caused it and else by time, its agencies' notices included; of a search for a bed what the
    asker may see, and never which persons of other cases a suspect was found to be.
    """
    book = await seen(tx, case_id)
    own = await store.facts_under(tx, [case_id])
    notices = await store.facts_under(tx, [row.follow_id for row in book.follows])
    return told([*(own if sees_search(tx) else shown.facts(own)), *notices])


async def read_on_record(tx: Transaction, vault: Vault, book: Book, fields: Collection[str] = EVERYTHING, purpose: str | None = None) -> CaseView:
    """A case with these of its names and texts, but for those of whom the asker is to learn nothing; on record, with the purpose."""
    case_id, persons = book.case.case_id, [row.person_id for row in book.persons]
    kept, untold = await hidden(tx, persons), await somebody_hidden(tx, case_id)
    tx.audit("case_read", case_id, [name for name in (*PERSONAL, *(() if untold else TEXTS)) if name in fields], purpose=purpose)
    return view_of(tx, book, await vault.of([*([] if untold else [case_id]), *persons]), {*kept, *([case_id] if untold else [])}, fields)


def told(facts: Iterable[Fact]) -> list[FactView]:
    """Facts of a case as a timeline shows them, each after the one that caused it."""
    return [
        FactView(type=fact.type, producer=fact.producer, at=fact.at, codes=shown.codes(fact))
        for fact in in_telling_order(list(facts))
        if fact.type not in shown.NOT_IN_TIMELINE
    ]


async def seen(tx: Transaction, case_id: UUID) -> Book:
    """A case that the asker may know of; to everybody else it does not exist."""
    book = (await store.books(tx, [case_id]))[case_id]
    if book.case is None or not ((tx.principal.has(policy.OUTREACH) and sent(tx, book)) or takes_part(tx, book)):
        raise not_found("case")
    return book


def sent(tx: Transaction, book: Book) -> bool:
    """Whether the asker's agency has a team on its way or there, which has yet to say what it found."""
    return bool(book.standing.team == tx.principal.agency)


def takes_part(tx: Transaction, book: Book) -> bool:
    """Whether the asker's agency reported the case or is responsible for it."""
    return tx.principal.agency in (book.case.reporting_agency, book.case.responsible_agency)


async def open_case(tx: Transaction, case_id: UUID) -> Book:
    """A case to be changed, locked first. Raises 404 as `seen`, and 409 when it has ended."""
    await seen(tx, case_id)
    await tx.lock([case_id])
    book = await seen(tx, case_id)
    if book.standing.ended:
        raise refused_by_state(book, "this case has ended")
    return book


def refused_by_state(book: Book, title: str, **members: Any) -> RefusedError:
    """409 with the state that does not allow it."""
    return conflict(title, state=shown.state(book.standing.state), **members)


async def said(tx: Transaction, book: Book, fact: Event) -> StandingView:
    """Say a fact of a case; where it stands then."""
    case_id = book.case.case_id
    now = await casebook.grow(tx, said=[Saying(case_id, fact, tx.cause_of(case_id))])
    return standing_view(tx, book, now[case_id])


def standing_view(tx: Transaction, book: Book, now: Standing) -> StandingView:
    """Where a case stands, as far as the asker may see it."""
    risk = Risk(now.risk) if now.risk else None
    state, waits = now.state, list(now.waiting_for)
    if not sees_search(tx):
        state, waits = shown.state(state), shown.waiting_for(waits)
    return StandingView(case_id=book.case.case_id, state=state, waiting_for=waits, risk=risk, revision=book.case.revision)


def sees_search(tx: Transaction) -> bool:
    """Whether the asker sees each step of the search for a bed."""
    return tx.principal.has(*policy.SEE_SEARCH)


def _line(tx: Transaction, row: Any) -> dict[str, Any]:
    values: dict[str, Any] = row._asdict()
    return values if sees_search(tx) else shown.line(values)


def view_of(tx: Transaction, book: Book, keys: Keys | None, kept: Collection[UUID] = (), fields: Collection[str] = EVERYTHING) -> CaseView:
    """A case as an officer sees it: what names someone is masked without keys, beyond these fields, and of persons, and in texts of a case, that are `kept` from the asker."""
    case = book.case
    texts = {
        name: _opened(None if case.case_id in kept or name not in fields else keys, case.case_id, f"case_file.{name}", getattr(case, name))
        for name in TEXTS
    }
    persons = [person_view(row, None if row.person_id in kept else keys, fields) for row in book.persons]
    return CaseView.model_validate(_line(tx, case) | texts | {"persons": persons})


def person_view(row: Any, keys: Keys | None, fields: Collection[str] = EVERYTHING) -> PersonView:
    """A person as an officer sees her; what names her is masked without keys, and beyond these fields."""
    plain = {name: _opened(keys if name in fields else None, row.person_id, f"person.{name}", getattr(row, name)) for name in PERSONAL}
    return PersonView.model_validate(row._asdict() | plain | {"age_band": age_band(row.age)})


def _opened(keys: Keys | None, owner: UUID, place: str, sealed: bytes | None) -> str | None:
    return None if sealed is None else MASK if keys is None else keys.open_or_none(owner, place, sealed)
