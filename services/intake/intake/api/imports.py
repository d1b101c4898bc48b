"""Reports as a file: an officer sends a table, sees how far it is, and reads row by row what became of it."""

import asyncio
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis import Asker, FieldProblem, RefusedError, Transaction, limited_to, not_found, reads, writes
from chassis.web.routes import require_role
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import select

from intake import policy
from intake.domain import table
from intake.imports import files
from intake.imports.files import IMPORTS, ROWS
from intake.imports.work import IMPORT, Line, packed
from intake.opening import Safe
from intake.rates import FewFiles

CSV_BODY = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}


class ImportView(BaseModel):
    """How far a file is. `lost`: an older copy of the store was put back, and the file is to be sent again."""

    import_id: UUID
    state: str
    rows: int
    done: int
    accepted: int
    incomplete: int
    rejected: int
    at: datetime
    finished_at: datetime | None


class ColumnProblem(BaseModel):
    """What is wrong in one column of a row; never the value."""

    column: str
    code: str


class RowView(BaseModel):
    """What became of a row; the first row names the columns, so the first report is row 2."""

    row: int
    receipt: str
    problems: list[ColumnProblem]


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that was sent: its rows."""

    lines: tuple[Line, ...]


async def sent_file(request: Request, asker: Asker) -> Sent:
    """The table in a request's body; 403 for who may not send one, 422 when it is none, 413 when it has too many rows."""
    require_role(asker, policy.IMPORT)
    most: int = request.app.state.service.settings.import_rows
    body = await request.body()
    return Sent(tuple(await asyncio.to_thread(_lines, body, most)))


router = APIRouter(prefix="/imports", tags=["imports"], route_class=limited_to("import_bytes", known=True))


@router.get("/template.csv", response_class=Response)
@reads(*policy.IMPORT)
async def template(tx: Transaction) -> Response:
    """The columns that a file may have, as its first row; the first three it must have."""
    del tx
    return Response(",".join(table.COLUMNS) + "\r\n", media_type="text/csv; charset=utf-8")


@router.post("", status_code=201, openapi_extra=CSV_BODY, dependencies=[FewFiles])
@writes(*policy.IMPORT)
async def send_file(sent: Annotated[Sent, Depends(sent_file)], vault: Safe, tx: Transaction) -> ImportView:
    """Send a file of reports: CSV, UTF-8, one report a row. Each row is a report as any other; the same rows again open nothing twice."""
    import_id, who = tx.new_id("import"), tx.principal
    size: int = tx.settings.import_part_rows
    keys = await vault.new([import_id])
    parts = [packed(sent.lines[start : start + size]) for start in range(0, len(sent.lines), size)]
    contents = await asyncio.to_thread(lambda: [keys.seal(import_id, files.place_of(number), part) for number, part in enumerate(parts, 1)])
    row = {
        "import_id": import_id,
        "agency": who.agency,
        "officer": who.subject,
        "roles": " ".join(sorted(who.roles)),
        "rows": len(sent.lines),
        "at": tx.now,
    }
    await tx.execute(files.NEW, row)
    await tx.execute(files.KEEP, {"import_id": import_id, "contents": contents})
    tx.audit("import", import_id, ["file"])
    tx.set_clock(IMPORT, import_id, tx.now, cause=tx.cause_of(import_id))
    return _view(await _file(tx, import_id))


@router.get("")
@reads(*policy.IMPORT)
async def sent_files(tx: Transaction, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[ImportView]:
    """The files that your agency sent, the newest first."""
    question = select(IMPORTS).where(IMPORTS.c.agency == tx.principal.agency).order_by(IMPORTS.c.at.desc()).limit(limit)
    return [_view(row) for row in await tx.rows(question)]


@router.get("/{import_id}")
@reads(*policy.IMPORT)
async def progress(import_id: UUID, tx: Transaction) -> ImportView:
    """How far a file is."""
    return _view(await _file(tx, import_id))


@router.get("/{import_id}/rows")
@reads(*policy.IMPORT)
async def rows(
    import_id: UUID,
    tx: Transaction,
    *,
    receipt: Literal["accepted", "incomplete", "rejected"] | None = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> list[RowView]:
    """What became of the rows so far, in their order, after a row; `receipt`: only accepted, incomplete or rejected ones."""
    await _file(tx, import_id)
    question = select(ROWS).where(ROWS.c.import_id == import_id, ROWS.c.row > after).order_by(ROWS.c.row).limit(limit)
    if receipt is not None:
        question = question.where(ROWS.c.receipt == receipt)
    return [_row_view(row) for row in await tx.rows(question)]


async def _file(tx: Transaction, import_id: UUID) -> Any:
    row = await tx.row(select(IMPORTS).where(IMPORTS.c.import_id == import_id, IMPORTS.c.agency == tx.principal.agency))
    if row is None:
        raise not_found("import")
    return row


def _view(row: Any) -> ImportView:
    return ImportView.model_validate(row._asdict())


def _row_view(row: Any) -> RowView:
    return RowView(row=row.row, receipt=row.receipt, problems=[ColumnProblem(column=column, code=code) for column, code in row.problems])


# -- reading a file ---------------------------------------------------------------------------------------------------------------------


def _lines(body: bytes, most: int) -> list[Line]:
    """The rows of a table. Raises 422 when it is not one."""
    try:
        content = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedError(422, "the file is not UTF-8", [FieldProblem("body", "not_utf8")]) from None
    if "\0" in content:
        raise RefusedError(422, "the file is no text", [FieldProblem("body", "not_text")])
    first = content.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if wrong := [FieldProblem(name, code) for name, code in table.wrong_columns(header)]:
            raise RefusedError(422, "the first row names the columns: see which are wrong", wrong[:100], columns=list(table.COLUMNS))
        lines: list[Line] = []
        for number, cells in enumerate(reader, 2):
            if not any(cell.strip() for cell in cells):
                continue
            lines.append(_line(number, header, cells))
            if len(lines) > most:
                raise RefusedError(413, "the file has too many rows: send it in parts", [FieldProblem("body", "too_many_rows")], most_rows=most)
    except csv.Error:
        raise RefusedError(422, "the file is no CSV", [FieldProblem(f"line {reader.line_num}", "not_csv")]) from None
    if not lines:
        raise RefusedError(422, "the file has no rows", [FieldProblem("body", "missing")])
    return lines


def _line(number: int, header: Sequence[str], cells: Sequence[str]) -> Line:
    if len(cells) != len(header):
        return Line(number, None, [])
    return Line(number, *table.body_of(dict(zip(header, cells, strict=True))))
