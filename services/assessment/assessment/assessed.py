"""Assessments that were completed, one after the other, each with the sealed answers it rests on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import BigInteger, Column, LargeBinary, Row, Text, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Field

from assessment.domain.case import Case
from assessment.domain.instruments import Conclusion
from assessment.domain.reassessment import Kind
from assessment.domain.risk import Judgement
from assessment.store import MOMENT, Base


class AssessedRow(Base, table=True):
    """What came of one assessment of a case: who judged what, and which rules raised the risk above that."""

    __tablename__ = "assessed"
    case_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    kind: str
    band: str
    flags: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    risk: str | None
    judged: str | None
    rules: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    dangers: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    no_instrument_reason: str | None
    round_version: int = Field(sa_type=BigInteger)
    by: UUID
    at: datetime = Field(sa_type=MOMENT)


class AssessedAnswerRow(Base, table=True):
    """One person's answers to one instrument as they were when an assessment was completed, sealed with her key."""

    __tablename__ = "assessed_answer"
    case_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    instrument: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    sealed: bytes = Field(sa_type=LargeBinary)


DONE, KEPT = AssessedRow.__table__, AssessedAnswerRow.__table__  # type: ignore[attr-defined]
KEEP_ANSWERS = text("""
    INSERT INTO assessed_answer (case_id, number, person_id, instrument, version, sealed)
    SELECT case_id, :number, person_id, instrument, version, sealed FROM answer
    WHERE case_id = :case_id AND changed_at > CAST(:since AS timestamptz) ON CONFLICT DO NOTHING""")
LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


async def of_case(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """The assessments of a case, the first one first."""
    return await tx.rows(select(DONE).where(DONE.c.case_id == case_id).order_by(DONE.c.number))


async def last_full(tx: Transaction, case_id: UUID) -> datetime:
    """When the newest assessment that was not merely the first look was completed; long ago when there was none."""
    full = select(DONE.c.at).where(DONE.c.case_id == case_id, DONE.c.kind != Kind.INITIAL.value).order_by(DONE.c.number.desc()).limit(1)
    row = await tx.row(full)
    return row.at if row else LONG_AGO


async def keep(
    tx: Transaction, case: Case, kind: Kind, found: Conclusion, judged: Judgement | None, *, dangers: Sequence[str], reason: str | None
) -> None:
    """Keep what came of an assessment, and the answers that were given for it."""
    case_id = case.case_id
    since = await last_full(tx, case_id)
    who = {"round_version": case.round, "by": tx.principal.subject, "at": tx.now, "dangers": list(dangers), "no_instrument_reason": reason}
    risk = {"risk": judged.risk if judged else None, "judged": judged.judged if judged else None, "rules": list(judged.rules) if judged else []}
    number = await _next(tx, case_id)
    values = {"case_id": case_id, "number": number, "kind": kind.value, "band": found.band, "flags": list(found.flags)}
    await tx.execute(insert(DONE).values(values | risk | who))
    await tx.execute(KEEP_ANSWERS, {"case_id": case_id, "number": number, "since": since})


async def keep_again(tx: Transaction, case_id: UUID, told: Any, round_version: int, *, by: UUID, at: datetime) -> None:
    """Keep what came of an assessment that only its fact tells of."""
    if any(row.at == at for row in await of_case(tx, case_id)):
        return
    codes = {"band": told.band.value, "flags": [flag.value for flag in told.flags], "rules": list(told.rules), "dangers": []}
    kind = (told.kind or Kind.COMPREHENSIVE).value
    risk = told.risk.value if told.risk else None
    who = {"round_version": round_version, "by": by, "at": at, "risk": risk, "judged": None, "no_instrument_reason": None}
    await tx.execute(insert(DONE).values({"case_id": case_id, "number": await _next(tx, case_id), "kind": kind, **codes, **who}))


async def kept_answers(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """The sealed answers of all completed assessments of a case."""
    return await tx.rows(select(KEPT).where(KEPT.c.case_id == case_id).order_by(KEPT.c.number, KEPT.c.person_id, KEPT.c.instrument))


async def _next(tx: Transaction, case_id: UUID) -> int:
    return len(await of_case(tx, case_id)) + 1
