"""Takes a file of reports part by part, each in a transaction of its own: what a crash interrupts is taken again by any replica.

A part's rows, its cases and the report of what became of them are written together, and the part is gone. When none is left, the key under
which all were sealed is destroyed, and with it every copy of the file.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis import Cause, Due, Principal, Transaction
from contracts.vocabulary import ProblemCode
from sqlalchemy import Row

from intake import opening, store
from intake.domain import table
from intake.imports import files
from intake.opening import PERSONAL, Answer, Submission, VaultOf
from intake.reading import Reading, read_submission

IMPORT = "import"
AT_ONCE = 1
REPORTED = (*PERSONAL, "narrative", "callback")
UNREADABLE_ROW = ("row", ProblemCode.UNREADABLE)
# What is told of a file whose rows were refused in part: the desk calls whoever sent it.
SOME_REFUSED = (("rows", ProblemCode.INVALID),)
Read = Callable[[Callable[[Transaction], Awaitable[Any]]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: its number, what it says (None: not a row of this table), and the numbers of its persons."""

    row: int
    body: dict[str, Any] | None
    persons: list[int]


@dataclass(frozen=True, slots=True)
class Part:
    """The next part of a file; no number when none is left, and no lines when its key is gone."""

    file: Row[Any]
    number: int | None
    lines: tuple[Line, ...] | None


def packed(lines: Sequence[Line]) -> str:
    """Lines as the text that is sealed."""
    return json.dumps([[line.row, line.body, line.persons] for line in lines])


class Importing:
    """The clock of files, with the vault that the service gives once it runs."""

    def __init__(self, vault: VaultOf) -> None:
        self._vault_of = vault

    async def look(self, due: Sequence[Due], read: Read) -> dict[UUID, Part]:
        """The next part of each of these files, opened; the key of a file without one is destroyed."""
        ids = [clock.subject for clock in due]
        rows: Sequence[Row[Any]] = await read(lambda tx: tx.rows(files.NEXT, {"ids": ids}))
        vault = self._vault_of()
        await vault.erase(row.import_id for row in rows if row.number is None)
        keys = await vault.of(row.import_id for row in rows)
        found: dict[UUID, Part] = {}
        for row in rows:
            plain = None if row.number is None else keys.open_or_none(row.import_id, files.place_of(row.number), row.content)
            found[row.import_id] = Part(row, row.number, None if plain is None else tuple(Line(*entry) for entry in json.loads(plain)))
        return found

    async def take(self, due: Sequence[Due], tx: Transaction, found: Mapping[UUID, Part]) -> None:
        """Open the cases of a part's rows and keep what became of each; end a file of which nothing is left."""
        for clock in due:
            part = found.get(clock.subject)
            if part is None:
                continue
            if part.number is None or part.lines is None:
                await self._end(tx, part)
            elif await tx.row(files.TAKE, {"import_id": clock.subject, "number": part.number}):
                await self._take(tx, part.file, part.lines)
                tx.set_clock(IMPORT, clock.subject, tx.now)

    async def _take(self, tx: Transaction, file: Row[Any], lines: Sequence[Line]) -> None:
        readings = [Reading(None, None, (UNREADABLE_ROW,)) if line.body is None else read_submission(line.body, tx.now) for line in lines]
        submissions = [_submission(file, line, reading) for line, reading in zip(lines, readings, strict=True) if reading.referral]
        answers = iter(await opening.open_cases(tx, self._vault_of(), [entry for entry in submissions if entry]))
        final = [next(answers) if reading.referral else Answer("rejected", reading.problems) for reading in readings]
        officer = Principal(file.officer, frozenset(file.roles.split()), file.agency)
        for answer in final:
            if answer.case_id:
                tx.audit("import", answer.case_id, REPORTED, by=officer)
        told = [
            {"import_id": file.import_id, "row": line.row, "receipt": answer.receipt, "problems": _by_column(answer, line)}
            for line, answer in zip(lines, final, strict=True)
        ]
        await store.apply(tx, files.TOLD, told)
        counted = Counter(answer.receipt for answer in final)
        counts = {name: counted[name] for name in ("accepted", "incomplete", "rejected")}
        await tx.execute(files.COUNT, counts | {"import_id": file.import_id})

    async def _end(self, tx: Transaction, part: Part) -> None:
        """No part is left, or nobody can open what is left: an older copy of the store was put back after the key was destroyed."""
        file = part.file
        state = files.DONE if part.number is None else files.LOST
        await tx.execute(files.DESTROY, {"import_id": file.import_id})
        await tx.execute(files.END, {"import_id": file.import_id, "state": state, "now": tx.now})
        if file.rejected or state == files.LOST:
            await opening.keep_refusal(tx, file.import_id, file.agency, None, SOME_REFUSED)


def _submission(file: Row[Any], line: Line, reading: Reading) -> Submission | None:
    """A row as what an officer submits; its cause is the file and the row, so that whoever takes the part again names the same case."""
    if reading.referral is None:
        return None
    cause = Cause(f"import|{file.import_id}|{line.row}", file.at, str(file.import_id))
    return Submission(file.agency, reading.referral, reading, cause, by_system=False)


def _by_column(answer: Answer, line: Line) -> list[tuple[str, str]]:
    return list(dict.fromkeys((table.column_of(field, line.persons), str(code)) for field, code in answer.problems))
