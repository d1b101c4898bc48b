"""The inventory as a file: one row per bed, without addresses. A file only adds; what it says otherwise than the register is reported."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, limited_to, reads, writes
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, ValidationError

from placement import policy
from placement.api import reach
from placement.api.bodies import Body
from placement.api.inventory_views import Added, ImportReport, RowProblem
from placement.api.shelter_views import Name, RoomFacts, ShelterFacts, UnitFacts
from placement.api.shelters import ID_IN_USE, columns_of
from placement.domain.inventory import BedEntry, Entry, Line, Plan, Problem, Register, column_of, plan
from placement.store import keeping

router = APIRouter(route_class=limited_to("inventory_bytes"))

MOST_ROWS = 20_000
# The columns of each thing that a row names, by what its body calls them.
SHELTER_CELLS = {"shelter_id": "shelter_id", **{name: column_of("shelter", name) for name in ("name", *ShelterFacts.facts())}}
UNIT_CELLS = {"unit_id": "unit_id", **{name: column_of("unit", name) for name in ("name", *UnitFacts.facts())}}
ROOM_CELLS = {"room_id": "room_id", **{name: column_of("room", name) for name in ("name", *RoomFacts.model_fields)}}
BED_CELLS = {"bed_id": "bed_id", "overflow": "overflow"}
COLUMNS = (*SHELTER_CELLS.values(), *UNIT_CELLS.values(), *ROOM_CELLS.values(), *BED_CELLS.values())
LISTS = frozenset({"sexes", "accepts_needs", "parameters"})
# What a spreadsheet takes for a formula is written with an apostrophe before it, as spreadsheets do themselves.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


# -- out ------------------------------------------------------------------------------------------------------------------------------


@router.get("/inventory.csv", response_class=Response)
@reads(*policy.SEE_SHELTER)
async def export(tx: Transaction) -> Response:
    """All shelters that you may see with their units, rooms and beds, without addresses; imported again it changes nothing."""
    shelters = await keeping.shelters(tx, secret=tx.principal.has(*policy.SEE_SECRET))
    there = await _registered(tx, [row.id for row in shelters])
    content = io.StringIO()
    writer = csv.DictWriter(content, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in _rows(there))
    disposition = {"Content-Disposition": 'attachment; filename="inventory.csv"'}
    return Response(content.getvalue().encode(), media_type="text/csv; charset=utf-8", headers=disposition)


def _rows(there: Register) -> Iterator[dict[str, Any]]:
    """One row per bed; a room without beds, and a unit or shelter without rooms, has a row of its own."""
    beds_of, rooms_of, units_of = dict[UUID, list[BedEntry]](), dict[UUID, list[Entry]](), dict[UUID, list[Entry]]()
    for bed in there.beds.values():
        beds_of.setdefault(bed.room, []).append(bed)
    for room in there.rooms.values():
        rooms_of.setdefault(_whose(room), []).append(room)
    for unit in there.units.values():
        units_of.setdefault(_whose(unit), []).append(unit)
    for shelter in there.shelters.values():
        rooms, units = rooms_of.get(shelter.id, []), units_of.get(shelter.id, [])
        lived_in = {room.belongs_to[1] for room in rooms}
        yield from (_columns(shelter, unit=unit) for unit in units if unit.id not in lived_in)
        for room in rooms:
            unit_id = room.belongs_to[1]
            row = _columns(shelter, unit=there.units[unit_id] if unit_id else None, room=room)
            beds = beds_of.get(room.id, [])
            yield from ({**row, "bed_id": bed.id, "overflow": bed.overflow} for bed in beds)
            yield from () if beds else (row,)
        yield from () if rooms or units else (_columns(shelter),)


def _whose(entry: Entry) -> UUID:
    owner = entry.belongs_to[0]
    if owner is None:
        raise ValueError(entry)
    return owner


def _columns(shelter: Entry, unit: Entry | None = None, room: Entry | None = None) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for entry, cells in ((shelter, SHELTER_CELLS), (unit, UNIT_CELLS), (room, ROOM_CELLS)):
        if entry:
            id_column, *names = cells
            row |= {id_column: entry.id, **{cells[name]: entry.facts[name] for name in names}}
    return row


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ";".join(value)
        case dict():
            return ";".join(f"{name}={number}" for name, number in sorted(value.items()))
        case str() if value.startswith((*FORMULA, "'")):
            return f"'{value}"
    return str(value)


# -- in -------------------------------------------------------------------------------------------------------------------------------


async def file_of(request: Request) -> str:
    """The text of a file that was sent: 411 or 422 when it has no length or is no UTF-8; one that is too large does not come so far."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise RefusedError(411, "say how long the file is", [FieldProblem("Content-Length", "missing")])
    try:
        content = (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedError(422, "the file is not UTF-8", [FieldProblem("body", "not_utf8")]) from None
    if "\0" in content:
        raise RefusedError(422, "the file is no text", [FieldProblem("body", "not_text")])
    return content


CSV_BODY = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.post("/inventory.csv", openapi_extra=CSV_BODY)
@writes(*policy.KEEP_SHELTERS)
async def take_file(
    content: Annotated[str, Depends(file_of)], tx: Transaction, *, dry_run: Annotated[bool, Query(description="only say what would happen")] = False
) -> ImportReport:
    """Add what a file names and the register has not: good rows are kept, nothing of a row with an error changes anything, row by row reported.

    The same file again changes nothing. What is registered is changed on its own routes; a new shelter's address is put on `PUT /shelters/ID`.
    """
    cells = _read(content)
    lines, problems = _parsed(cells)
    shelters = {line.shelter.id for line in lines}
    await tx.lock(shelters)
    found = plan(await _registered(tx, shelters, lines), lines, may_approve=tx.principal.has(*policy.APPROVE_OVERFLOW))
    if not dry_run:
        await _write(tx, found.added)
    return _report(found, [*problems, *found.problems], len(cells), dry_run=dry_run)


def _read(content: str) -> list[dict[str, Any]]:
    """The rows of a file by column; 422 for a file that cannot be read as this table."""
    reader = csv.DictReader(io.StringIO(content, newline=""), strict=True)
    try:
        header = list(reader.fieldnames or ())
        wrong = [FieldProblem(name, "missing") for name in COLUMNS if name not in header]
        wrong += [FieldProblem("header", "not_known") for name in set(header) - set(COLUMNS)]
        wrong += [FieldProblem(name, "column_twice") for name, count in Counter(header).items() if count > 1 and name in COLUMNS]
        if wrong:
            raise RefusedError(422, "the first row names the columns: see which are wrong", wrong, columns=list(COLUMNS))
        rows = []
        for row in reader:
            rows.append(row)
            if len(rows) > MOST_ROWS:
                raise RefusedError(413, "the file has too many rows: send it in parts", [FieldProblem("body", "too_many_rows")], most_rows=MOST_ROWS)
    except csv.Error:
        raise RefusedError(422, "the file is no CSV", [FieldProblem(f"line {reader.reader.line_num}", "not_csv")]) from None
    return rows


class ShelterCells(ShelterFacts):
    """The shelter of a row."""

    shelter_id: UUID


class UnitCells(UnitFacts):
    """The unit of a row."""

    unit_id: UUID


class RoomCells(RoomFacts):
    """The room of a row."""

    room_id: UUID
    name: Name


class BedCells(Body):
    """The bed of a row."""

    bed_id: UUID
    overflow: bool = Field(default=False)


def _parsed(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Line], list[Problem]]:
    """The readable rows, and what is wrong in the others. The header is row 1."""
    lines, problems = list[Line](), list[Problem]()
    for number, row in enumerate(rows, 2):
        wrong: list[Problem] = []
        if None in row or None in row.values():
            problems.append(Problem(number, "row", "wrong_number_of_cells"))
            continue
        shelter = _part(ShelterCells, row, number, wrong, SHELTER_CELLS)
        unit = _part(UnitCells, row, number, wrong, UNIT_CELLS)
        room = _part(RoomCells, row, number, wrong, ROOM_CELLS)
        bed = _part(BedCells, row, number, wrong, BED_CELLS)
        if bed and not room and not wrong:
            wrong.append(Problem(number, "room_id", "missing"))
        if shelter is None and not wrong:
            wrong.append(Problem(number, "shelter_id", "missing"))
        if wrong or shelter is None:
            problems += wrong
            continue
        lines.append(_line(number, shelter, unit, room, bed))
    return lines, problems


def _part(kind: type[Any], row: Mapping[str, str], number: int, wrong: list[Problem], columns: Mapping[str, str]) -> Any:
    """One thing that a row names, or None when its cells are empty; what is wrong is added to `wrong`."""
    values = {name: value for name, column in columns.items() if (value := row[column] if name == "name" else row[column].strip())}
    if not values or (kind is BedCells and "bed_id" not in values and values.get("overflow", "").lower() == "false"):
        return None
    try:
        return kind(**{name: _value(name, value) for name, value in values.items()})
    except ValidationError as error:
        for entry in error.errors():
            name = str(entry["loc"][0]) if entry["loc"] else next(iter(columns))
            wrong.append(Problem(number, columns.get(name, name), str(entry["type"])))
    return None


def _value(name: str, cell: str) -> Any:
    if name == "parameters":
        return dict(part.partition("=")[::2] for part in cell.split(";"))
    if name in LISTS:
        return [part.strip() for part in cell.split(";")]
    return cell.removeprefix("'")


def _line(number: int, shelter: ShelterCells, unit: UnitCells | None, room: RoomCells | None, bed: BedCells | None) -> Line:
    whose = shelter.shelter_id
    return Line(
        number,
        Entry(whose, shelter.columns()),
        Entry(unit.unit_id, unit.columns(), (whose,)) if unit else None,
        Entry(room.room_id, room.model_dump(exclude={"room_id"}), (whose, unit.unit_id if unit else None)) if room else None,
        BedEntry(bed.bed_id, room.room_id, bed.overflow) if bed and room else None,
    )


# -- the register -----------------------------------------------------------------------------------------------------------------------


async def _registered(tx: Transaction, shelters: Iterable[UUID], lines: Iterable[Line] = ()) -> Register:
    """What is registered of these shelters, and what of another shelter has an id that the lines name."""
    asked = list(shelters)
    there = Register()
    rows = await keeping.shelters_by_id(tx, asked)
    there.hidden = frozenset(row.id for row in rows if not reach.may_see(tx, row))
    ordered = sorted(rows, key=lambda row: (row.name, row.id))
    there.shelters = {row.id: Entry(row.id, columns_of(row)) for row in ordered}
    units, rooms, beds = ({part.id for line in lines if (part := getattr(line, name))} for name in ("unit", "room", "bed"))
    for row in await keeping.units_of(tx, asked, units):
        facts = {name: getattr(row, name) for name in UnitFacts.facts()}
        there.units[row.id] = Entry(row.id, facts | {"sexes": sorted(row.sexes)}, (row.shelter_id,))
    for row in await keeping.rooms_of(tx, asked, rooms):
        facts = {name: getattr(row, name) for name in RoomFacts.model_fields}
        there.rooms[row.id] = Entry(row.id, facts, (row.shelter_id, row.unit_id))
    for row in await keeping.beds_of(tx, asked, beds):
        there.beds[row.id] = BedEntry(row.id, row.room_id, row.overflow)
    return there


async def _write(tx: Transaction, added: Register) -> None:
    nowhere = {"address_sealed": b"", "phone_sealed": b""}
    for shelter in added.shelters.values():
        if not await keeping.add_shelter(tx, {"id": shelter.id, **shelter.facts, **nowhere}):
            raise conflict(ID_IN_USE)
    approver = tx.principal.subject
    units = [{"id": unit.id, "shelter_id": _whose(unit), **unit.facts} for unit in added.units.values()]
    rooms = [{"id": room.id, "shelter_id": _whose(room), "unit_id": room.belongs_to[1], **room.facts} for room in added.rooms.values()]
    beds = [(bed.id, bed.room, approver if bed.overflow else None) for bed in added.beds.values()]
    if not (await keeping.add_units(tx, units) and await keeping.add_rooms(tx, rooms) and await keeping.add_beds(tx, beds)):
        raise conflict(ID_IN_USE)
    if added.shelters or units or rooms or beds:
        await reach.register_changed(tx)


def _report(found: Plan, problems: Iterable[Problem], rows: int, *, dry_run: bool) -> ImportReport:
    wrong = sorted(problems, key=lambda problem: problem.row)
    added = found.added
    return ImportReport(
        result="tried" if dry_run else "imported",
        rows=rows,
        added=Added(shelters=len(added.shelters), units=len(added.units), rooms=len(added.rooms), beds=len(added.beds)),
        unchanged=found.unchanged,
        refused=len({problem.row for problem in wrong}),
        errors=tuple(RowProblem(row=problem.row, field=problem.field, code=problem.code) for problem in wrong),
    )
