"""One-time links by which the head of a shelter answers a request from a phone: bound to a placement and to one officer, worth nothing without her login.

The answer itself is placement's; what is kept here is that the link was used, and for what.
"""

import secrets
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, Table, text
from sqlmodel import Field

from notifications import domain
from notifications.store import MOMENT, Base, Entry, write_notices

TOKEN_BYTES = 24
PATH = "/notifications/answers"  # of one link, as the gateway passes it on


class AnswerLinkRow(Base, table=True):
    """One link; `officer` is empty until the first officer who may see the notice uses it."""

    __tablename__: ClassVar[str] = "answer_link"
    __table__: ClassVar[Table]
    token: str = Field(primary_key=True)
    notice_id: UUID
    placement_id: UUID
    officer: UUID | None
    made_at: datetime = Field(sa_type=MOMENT)
    expires_at: datetime = Field(sa_type=MOMENT)
    used_at: datetime | None = Field(sa_type=MOMENT)
    answer: str | None


MAKE = text("""
    INSERT INTO answer_link (token, notice_id, placement_id, officer, made_at, expires_at)
    VALUES (:token, :notice_id, :placement_id, :officer, :now, :expires_at)""")
LINK = text("SELECT * FROM answer_link WHERE token = :token FOR UPDATE")
USE = text("UPDATE answer_link SET used_at = :now, answer = :answer, officer = :officer WHERE token = :token AND used_at IS NULL")


async def make(tx: Transaction, notice_id: UUID, placement_id: UUID, officer: UUID | None) -> tuple[str, datetime]:
    """A link to answer a notice's request, for one officer, or for whoever may see the notice and comes first; its token and its end.

    The token is no credential: whoever opens it logs in first.
    """
    token, expires_at = secrets.token_urlsafe(TOKEN_BYTES), tx.now + tx.settings.span(hours=tx.settings.answer_link_hours)
    values = {"token": token, "notice_id": notice_id, "placement_id": placement_id, "officer": officer}
    await tx.execute(MAKE, values | {"expires_at": expires_at, "now": tx.now})
    return token, expires_at


async def link(tx: Transaction, token: str, officer: UUID) -> Row[Any] | None:
    """A link, locked, if it is this officer's or nobody's yet."""
    row = await tx.row(LINK, {"token": token})
    return row if row is not None and row.officer in {None, officer} else None


async def use(tx: Transaction, token: str, officer: UUID, answer: str) -> None:
    """The link was used, once and for all."""
    await tx.execute(USE, {"token": token, "officer": officer, "answer": answer, "now": tx.now})


async def ask_for_a_call(tx: Transaction, notice: Row[Any], officer: UUID) -> None:
    """Tell those who place that the head of a shelter wants to be called about a request."""
    told = domain.call_wanted()
    source = f"{notice.placement_id}/call/{officer}/{tx.now.isoformat()}"
    identity = tx.new_id(source, notice.case_id)
    await write_notices(tx, [Entry(identity, source, told, occurred_at=tx.now, case_id=notice.case_id, placement_id=notice.placement_id)])
