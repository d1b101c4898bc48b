"""Who is on call, from when to when, for which role, agency and unit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, Table, text
from sqlmodel import Field

from notifications.domain import Duty
from notifications.store import MOMENT, Base, made


class OnCallRow(Base, table=True):
    """One duty; `taken_back_at` when it was taken out of the plan again."""

    __tablename__: ClassVar[str] = "on_call"
    __table__: ClassVar[Table]
    id: UUID = Field(primary_key=True)
    role: str
    agency: str
    unit: UUID | None
    officer: UUID
    starts: datetime = Field(sa_type=MOMENT)
    ends: datetime = Field(sa_type=MOMENT)
    made_by: UUID
    made_at: datetime = Field(sa_type=MOMENT)
    taken_back_at: datetime | None = Field(sa_type=MOMENT)


ADD = text("""
    INSERT INTO on_call (id, role, agency, unit, officer, starts, ends, made_by, made_at)
    VALUES (:id, :role, :agency, :unit, :officer, :starts, :ends, :by, :now)""")
PLAN = text("""
    SELECT * FROM on_call WHERE taken_back_at IS NULL AND ends > :now AND (CAST(:agency AS text) IS NULL OR agency = :agency) ORDER BY starts, id""")
NOW = text("SELECT role, agency, unit, officer FROM on_call WHERE taken_back_at IS NULL AND starts <= :now AND ends > :now ORDER BY starts, id")
ONE = text("SELECT * FROM on_call WHERE id = :id AND (CAST(:agency AS text) IS NULL OR agency = :agency) FOR UPDATE")
TAKE_BACK = text("UPDATE on_call SET taken_back_at = :now WHERE id = :id AND taken_back_at IS NULL")


async def add(tx: Transaction, **values: Any) -> None:
    """Put a duty into the plan."""
    await tx.execute(ADD, values | {"by": tx.principal.subject, "now": tx.now})


async def planned(tx: Transaction, agency: str | None) -> Sequence[Row[Any]]:
    """The duties of an agency, or of all, that are not over."""
    return await tx.rows(PLAN, {"agency": agency, "now": tx.now})


async def one(tx: Transaction, duty_id: UUID, agency: str | None) -> Row[Any] | None:
    """A duty, locked, if it is the agency's (or None for any)."""
    return await tx.row(ONE, {"id": duty_id, "agency": agency})


async def take_back(tx: Transaction, duty_id: UUID) -> None:
    """Take a duty out of the plan."""
    await tx.execute(TAKE_BACK, {"id": duty_id, "now": tx.now})


async def on_call(tx: Transaction) -> list[Duty]:
    """Who is on call now."""
    return [made(Duty, row) for row in await tx.rows(NOW, {"now": tx.now})]
