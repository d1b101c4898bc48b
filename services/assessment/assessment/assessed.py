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
# New is what no full assessment was completed on: told by what was kept, not by times, for a store's clock may have been set back since. Only of an assessment
# that its fact alone tells of, after a restore, nothing was kept; what was answered before that is not new either.
NEW_ANSWERS = """
    SELECT answer.case_id, person_id, instrument, version, sealed FROM answer WHERE answer.case_id = :case_id
        AND NOT EXISTS (
            SELECT FROM assessed_answer kept JOIN assessed USING (case_id, number) WHERE kept.case_id = answer.case_id AND kept.person_id = answer.person_id
                AND kept.instrument = answer.instrument AND kept.version = answer.version AND kept.sealed = answer.sealed AND kind <> 'initial')
        AND NOT EXISTS (
            SELECT FROM assessed WHERE assessed.case_id = answer.case_id AND kind <> 'initial' AND at >= answer.changed_at AND no_instrument_reason IS NULL
                AND NOT EXISTS (SELECT FROM assessed_answer kept WHERE kept.case_id = assessed.case_id AND kept.number = assessed.number))"""
NEW = text(NEW_ANSWERS)
KEEP_ANSWERS = text(f"""
    INSERT INTO assessed_answer (case_id, number, person_id, instrument, version, sealed)
    SELECT case_id, :number, person_id, instrument, version, sealed FROM ({NEW_ANSWERS}) AS new ON CONFLICT DO NOTHING""")  # noqa: S608 - a constant


async def of_case(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """The assessments of a case, the first one first."""
    return await tx.rows(select(DONE).where(DONE.c.case_id == case_id).order_by(DONE.c.number))


async def new_answers(tx: Transaction, case_id: UUID) -> dict[tuple[UUID, tuple[str, int]], bytes]:
    """The sealed answers that came after the newest assessment that was not merely the first look, as `store.sealed_answers` gives all."""
    return {(row.person_id, (row.instrument, row.version)): row.sealed for row in await tx.rows(NEW, {"case_id": case_id})}


async def keep(
    tx: Transaction, case: Case, kind: Kind, found: Conclusion, judged: Judgement | None, *, dangers: Sequence[str], reason: str | None
) -> None:
    """Keep what came of an assessment, and the answers that were given for it."""
    case_id = case.case_id
    who = {"round_version": case.round, "by": tx.principal.subject, "at": tx.now, "dangers": list(dangers), "no_instrument_reason": reason}
    risk = {"risk": judged.risk if judged else None, "judged": judged.judged if judged else None, "rules": list(judged.rules) if judged else []}
    number = await _next(tx, case_id)
    values = {"case_id": case_id, "number": number, "kind": kind.value, "band": found.band, "flags": list(found.flags)}
    await tx.execute(KEEP_ANSWERS, {"case_id": case_id, "number": number})
    await tx.execute(insert(DONE).values(values | risk | who))


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
