"""The steps on the way to each person's outcome, as people recorded them: kept for good, and over when what they led to is given up."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import BigInteger, Column, Identity, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from assessment.domain.preparation import Step, Taken
from assessment.store import MOMENT, Base

REVIEW = "review"


class OutcomeStepRow(Base, table=True):
    """One step; `codes` are what its fact says too, `reference` is the number of somebody's letter and stays here."""

    __tablename__ = "outcome_step"
    position: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    case_id: UUID
    person_id: UUID
    step: str
    codes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    reference: str | None
    recorded_by: UUID
    recorded_at: datetime = Field(sa_type=MOMENT)
    over: bool = False


OF_CASE = text("SELECT * FROM outcome_step WHERE case_id = :case AND NOT over ORDER BY position")
TAKE = text("""
    INSERT INTO outcome_step (case_id, person_id, step, codes, reference, recorded_by, recorded_at)
    SELECT :case, person, :step, CAST(:codes AS jsonb), :reference, :by, CAST(:at AS timestamptz) FROM unnest(CAST(:persons AS uuid[])) AS person""")
END = text("""
    UPDATE outcome_step SET over = true FROM unnest(CAST(:cases AS uuid[]), CAST(:persons AS uuid[])) AS gone (case_id, person_id)
    WHERE outcome_step.case_id = gone.case_id AND outcome_step.person_id = gone.person_id AND NOT over""")

FORGET = text("UPDATE outcome_step SET reference = NULL WHERE person_id = ANY(CAST(:persons AS uuid[])) AND reference IS NOT NULL")
END_ALL = text("UPDATE outcome_step SET over = true WHERE case_id = :case AND NOT over")


async def of_case(tx: Transaction, case_id: UUID) -> dict[UUID, list[Taken]]:
    """The steps that still lead to something, by person, in the order in which they were recorded."""
    found: dict[UUID, list[Taken]] = {}
    for row in await tx.rows(OF_CASE, {"case": case_id}):
        if row.step != REVIEW:
            found.setdefault(row.person_id, []).append(Taken(row.position, Step(row.step), {**row.codes, "at": row.recorded_at}))
    return found


async def take(
    tx: Transaction,
    case_id: UUID,
    persons: Collection[UUID],
    step: str,
    codes: Mapping[str, Any],
    *,
    reference: str | None = None,
    by: UUID,
    at: datetime,
) -> None:
    """Keep a step of these persons."""
    told = {"case": case_id, "persons": sorted(persons), "step": step, "codes": json.dumps(dict(codes), default=str), "reference": reference}
    await tx.execute(TAKE, told | {"by": by, "at": at})


async def end(tx: Transaction, ended: Collection[tuple[UUID, UUID]]) -> None:
    """Let the steps of these persons (case and person) lead to nothing any more: what is planned next begins anew."""
    cases, persons = zip(*sorted(ended), strict=True)
    await tx.execute(END, {"cases": list(cases), "persons": list(persons)})


async def end_all(tx: Transaction, case_id: UUID) -> None:
    """Let all steps of a case lead to nothing any more: it is assessed anew."""
    await tx.execute(END_ALL, {"case": case_id})


async def forget(tx: Transaction, persons: Collection[UUID]) -> None:
    """Of erased persons no letter's number stays; the codes of the steps do."""
    await tx.execute(FORGET, {"persons": list(persons)})
