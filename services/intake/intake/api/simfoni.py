"""What goes to SIMFONI PPA: monthly tables in which nobody is found, records by name on consent alone, and its number of each case."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.consents import Purpose
from contracts.intake import SimfoniNumbered
from contracts.vocabulary import Sex
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from intake import casebook, policy
from intake.api.bodies import Body
from intake.api.cases import seen
from intake.casebook import Saying
from intake.consents import holding, records
from intake.domain.consent import agreed
from intake.domain.incidents import age_band, simfoni_place
from intake.domain.simfoni import persons, service, tables
from intake.domain.suppression import SMALL, together
from intake.opening import Safe
from intake.reporting import rows

MONTH = r"^20\d\d-(0[1-9]|1[0-2])$"
NUMBER = r"^[A-Za-z0-9][A-Za-z0-9./-]{2,39}$"
NAMES = ("name", "nik")
TAKEN = "another case has this number"

Month = Annotated[str, Query(pattern=MONTH, description="a month that is over, such as 2026-10")]
Form = Annotated[Literal["json", "csv"], Query(description="csv is one line per cell, or per person")]


class CellView(BaseModel):
    """A cell of a table; `count` is null where it is kept back so that nobody is found."""

    table: str
    row: str
    sex: str
    count: int | None


class AggregatesView(BaseModel):
    """A month in SIMFONI's tables; counts under `small`, and those from which such a one would follow, are kept back."""

    month: str
    small: int
    cells: list[CellView]


class RecordView(BaseModel):
    """A victim in SIMFONI's terms, on her consent to be recorded there by name; `naungan` is our number and `simfoni` theirs."""

    naungan: UUID
    simfoni: str | None
    reported_on: date
    name: str | None
    nik: str | None
    sex: Sex
    age_band: str | None
    city: str
    violence_types: list[str]
    places: list[str]
    relations: list[str]
    services: list[str]


class NumberBody(Body):
    """Under which number SIMFONI has a case."""

    number: str = Field(pattern=NUMBER)


class NumberView(BaseModel):
    """A case, and its number in SIMFONI."""

    case_id: UUID
    number: str


OR_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
router = APIRouter(tags=["simfoni"])


@router.get("/simfoni/aggregates", response_model=AggregatesView, responses=OR_CSV)
@reads(*policy.REPORT_OUTWARD)
async def aggregates(month: Month, tx: Transaction, format: Form = "json") -> Any:  # noqa: A002 - the name that askers know
    """SIMFONI's tables of a month that is over, of all agencies: each victim once, by sex, with small cells kept back."""
    first = over(month, tx.now)
    _, found = await rows.victims(tx, first)
    counts = tables(persons(found, await rows.merged(tx)))
    kept = together(counts)
    cells = [
        CellView(table=name, row=row, sex=sex, count=None if (row, sex) in kept[name] else count)
        for name, table in counts.items()
        for (row, sex), count in table.cells.items()
    ]
    if format == "csv":
        return as_csv(("month", *CellView.model_fields), ([month, *cell.model_dump().values()] for cell in cells))
    return AggregatesView(month=month, small=SMALL, cells=cells)


@router.get("/simfoni/records", response_model=list[RecordView], responses=OR_CSV)
@reads(*policy.REPORT_BY_NAME)
async def by_name(month: Month, tx: Transaction, vault: Safe, format: Form = "json") -> Any:  # noqa: A002 - the name that askers know
    """The victims of a month, of cases that your agency takes part in, who agreed to be recorded in SIMFONI by name; each is on record as read."""
    first = over(month, tx.now)
    found, victims = await rows.victims(tx, first)
    mine = [(row, v) for row, v in zip(found, victims, strict=True) if tx.principal.agency in (row.reporting_agency, row.responsible_agency)]
    allowed = await consenting(tx, [row for row, _ in mine])
    keys = await vault.of(sorted(allowed))
    records = [
        RecordView.model_validate(
            {
                "naungan": row.case_id,
                "simfoni": row.number,
                "reported_on": row.opened_at.astimezone(rows.JAKARTA).date(),
                **{name: keys.open_or_none(row.person_id, f"person.{name}", sealed) if (sealed := getattr(row, name)) else None for name in NAMES},
                "sex": victim.sex,
                "age_band": age_band(victim.age),
                "city": victim.city,
                "violence_types": victim.violence,
                "places": sorted({str(simfoni_place(place)) for place in victim.places}),
                "relations": victim.relations,
                "services": sorted({service(code) for code in victim.services}),
            }
        )
        for row, victim in mine
        if row.person_id in allowed
    ]
    for person in sorted(allowed):
        tx.audit("simfoni_by_name", person, NAMES, purpose=Purpose.NATIONAL_RECORDING)
    if format == "csv":
        return as_csv(RecordView.model_fields, (record.model_dump().values() for record in records))
    return records


@router.put("/cases/{case_id}/simfoni-number")
@writes(*policy.KEEP_SIMFONI_NUMBERS)
async def keep_number(case_id: UUID, body: NumberBody, tx: Transaction) -> NumberView:
    """Keep under which number SIMFONI has a case; the newest holds. One number is of one case."""
    await seen(tx, case_id)
    await tx.lock([case_id])
    taken = await tx.row(rows.OF_NUMBER, {"number": body.number})
    if taken is not None and taken.case_id != case_id:
        raise conflict(TAKEN, field="number")
    await tx.execute(rows.KEEP, {"case_id": case_id, "number": body.number, "now": tx.now, "by": tx.principal.subject, "agency": tx.principal.agency})
    tx.audit("simfoni_number", case_id, ["number"])
    await casebook.grow(tx, said=[Saying(case_id, SimfoniNumbered(), tx.cause_of(case_id))])
    return NumberView(case_id=case_id, number=body.number)


@router.get("/cases/{case_id}/simfoni-number")
@reads(*policy.KEEP_SIMFONI_NUMBERS)
async def number(case_id: UUID, tx: Transaction) -> NumberView:
    """Under which number SIMFONI has a case; 404 as long as nobody said it."""
    await seen(tx, case_id)
    row = await tx.row(rows.NUMBER, {"case_id": case_id})
    if row is None:
        raise not_found("number")
    tx.audit("simfoni_number_read", case_id, ["number"])
    return NumberView(case_id=case_id, number=row.number)


def over(month: str, now: datetime) -> date:
    """The first day of a month that is over. Raises RefusedError for one that is not: its numbers would tell by growing whom they count."""
    first = date(int(month[:4]), int(month[5:]), 1)
    if rows.bounds(first)[1] > now:
        raise RefusedError(422, "this month is not over yet: its tables would tell day by day who is new", [FieldProblem("month", "in_the_future")])
    return first


async def consenting(tx: Transaction, found: Sequence[Any]) -> set[UUID]:
    """Those of these persons who agreed to be recorded by name, with no later no, and of whom the asker may learn."""
    known = await holding.known(tx, {row.case_id for row in found})
    recipient = tx.settings.simfoni_agency
    yes = {row.person_id for row in found if agreed(known[row.case_id].words, row.person_id, Purpose.NATIONAL_RECORDING, recipient, tx.now)}
    kept = {row.origin for row in await records.restrictions_on(tx, yes) if row.recipient in {recipient, tx.principal.agency}}
    return yes - kept - await records.hidden(tx, yes)


def as_csv(columns: Iterable[str], lines: Iterable[Iterable[Any]]) -> Response:
    """Lines of values as CSV; several values in a cell have a `|` between them, and no cell begins like a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in line] for line in lines)
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    shown = "|".join(str(entry) for entry in value) if isinstance(value, list) else str(value)
    # A spreadsheet would run what begins so (OWASP: CSV injection); a name is somebody else's text.
    return f"'{shown}" if shown[:1] in "=+-@\t\r" and not isinstance(value, int) else shown
