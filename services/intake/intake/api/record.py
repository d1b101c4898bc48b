"""The record of a case in one look: where it stands, for what it waits, whose move each matter is, when it is due, and where it is stuck."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction, reads
from contracts.vocabulary import OfficerRole, Risk
from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text

from intake import policy, shown
from intake.api.cases import seen, sees_search
from intake.domain.record import ASKED, MOVES, OWN, TEAM, due_by_facts, waiting_since
from intake.domain.standing import Fact, State, standing
from intake.store import Book

CLOCKS = text("SELECT kind, min(due) AS due FROM clock WHERE subject = :case_id GROUP BY kind")
# What happens by itself when a clock runs out is not a matter that people are to settle; tasks of the desk have clocks of their own.
TOLD_APART = frozenset({"orphan", "likeness", "doubles", "safety", "contact_retry"})
router = APIRouter(prefix="/cases", tags=["cases"])


class MatterView(BaseModel):
    """Something that a case waits for: whose move it is, since when, until when, and whether that was missed."""

    matter: str
    role: OfficerRole
    agency: str | None
    service: str
    since: datetime | None
    due_at: datetime | None
    missed: bool


class RecordView(BaseModel):
    """Where a case stands. `stuck_at` is the matter that waits longest, missed ones before the others; None when nothing waits.

    `joiners` are members of a household in a shelter of whom nobody said yet where they sleep.
    """

    case_id: UUID
    state: State
    risk: Risk | None
    responsible_agency: str
    responsible_unit: str | None
    matters: list[MatterView]
    stuck_at: MatterView | None
    joiners: list[UUID] = []


@router.get("/{case_id}/record")
@reads(*policy.SEE_CASES)
async def record(case_id: UUID, tx: Transaction) -> RecordView:
    """Where a case stands and whose move it is; of a search for a bed what the asker may see."""
    book = await seen(tx, case_id)
    facts = list(book.facts) if sees_search(tx) else shown.facts(book.facts)
    own = {row.kind: row.due for row in await tx.rows(CLOCKS, {"case_id": case_id})}
    matters = _matters(tx, book, [fact for fact in facts if fact.producer != "notifications"], own)
    now = book.standing
    return RecordView(
        case_id=case_id,
        state=now.state if sees_search(tx) else shown.state(now.state),
        risk=now.risk,
        responsible_agency=book.case.responsible_agency,
        responsible_unit=now.unit,
        matters=matters,
        stuck_at=min(matters, key=lambda matter: (not matter.missed, matter.since or book.case.opened_at), default=None),
        joiners=[] if now.ended else sorted(UUID(person) for person in now.joiners),
    )


def _matters(tx: Transaction, book: Book, facts: list[Fact], own: dict[str, datetime]) -> list[MatterView]:
    """All that a case waits for: what its facts say, what the law set a clock for, and what was missed."""
    if book.standing.ended:
        return []
    waits = list(standing(facts).waiting_for)
    if not sees_search(tx):
        waits = shown.waiting_for(waits)
    since, missed = waiting_since(facts), set(book.missed(book.facts))
    legal = [kind for kind in own if kind in MOVES and kind not in waits and kind not in TOLD_APART]
    names = dict.fromkeys([*waits, *legal, *(clock for clock in sorted(missed) if clock in MOVES)])
    return [_matter(book, name, facts, own, since=since.get(name), missed=name in missed) for name in names]


def _matter(book: Book, name: str, facts: list[Fact], own: dict[str, datetime], *, since: datetime | None, missed: bool) -> MatterView:
    move = MOVES[name]
    due: Any = own.get(name) or due_by_facts(name, facts)
    asked = book.standing.matters.get(name)
    agencies = {OWN: None, TEAM: book.standing.team, ASKED: asked.codes.get("agency") if asked else None}
    agency = agencies.get(move.whose, book.case.responsible_agency)
    role = OfficerRole(move.role)
    return MatterView(matter=name, role=role, agency=agency, service=move.kept_by, since=since or _since(name, facts), due_at=due, missed=missed)


def _since(name: str, facts: list[Fact]) -> datetime | None:
    """Since when a matter of the law waits: the first time that its clock was missed, if it was."""
    return min((fact.at for fact in facts if fact.codes.get("clock") == name), default=None)
