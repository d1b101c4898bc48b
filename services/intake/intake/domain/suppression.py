"""Which cells of a table of counts may be published, so that nobody is found in it; pure.

A count under `SMALL` is kept back, and so many others that no kept one follows from the rest: whoever subtracts what is shown from the totals
(which are cells too) learns at best a sum of two or more cells of at least `SMALL` together. Every cell is an edge between its row and its
column; the kept ones follow from the shown ones exactly where they are a bridge. Zeros are shown, unless they protect another one.
Sources: DOMAIN 8 (aggregate-only sharing); Hundepool et al., Statistical Disclosure Control, 2012, section 4.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SMALL = 5
TOTAL = "total"
Cell = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Counts:
    """A table with its totals, by (row, column). Where `adds` is false a person may be in several rows, so the rows add up to nothing."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[Cell, int]
    adds: bool = True


def counted(rows: Sequence[str], columns: Sequence[str], entries: Iterable[Cell], totals: Mapping[str, int], *, adds: bool = True) -> Counts:
    """Count the entries; `totals` are how many there are in each column, which the rows need not add up to."""
    cells: dict[Cell, int] = {(row, column): 0 for row in (*rows, TOTAL) for column in (*columns, TOTAL)}
    for row, column in entries:
        cells[row, column] += 1
        cells[row, TOTAL] += 1
    for column in columns:
        cells[TOTAL, column] = totals.get(column, 0)
    cells[TOTAL, TOTAL] = sum(totals.get(column, 0) for column in columns)
    return Counts(tuple(rows), tuple(columns), cells, adds)


def kept_back(table: Counts, also: Iterable[Cell] = ()) -> frozenset[Cell]:
    """The cells that are not published; `also` are some that another table keeps back."""
    kept = {cell for cell, count in table.cells.items() if 0 < count < SMALL} | set(also)
    while (more := _exposed(table, kept)) is not None:
        kept.add(more)
    return frozenset(kept)


def together(tables: Mapping[str, Counts]) -> dict[str, frozenset[Cell]]:
    """What each of several tables of the same people keeps back: a total that one of them keeps back is in none of them."""
    shared: frozenset[Cell] = frozenset()
    while True:
        found = {name: kept_back(table, shared) for name, table in tables.items()}
        totals = frozenset(cell for cells in found.values() for cell in cells if cell[0] == TOTAL)
        if totals == shared:
            return found
        shared = totals


def _lines(table: Counts) -> Iterable[tuple[list[Cell], Cell]]:
    """Each row, and each column where rows add up: what it consists of, and its total."""
    for row in (*table.rows, TOTAL):
        yield [(row, column) for column in table.columns], (row, TOTAL)
    if table.adds:
        for column in (*table.columns, TOTAL):
            yield [(row, column) for row in table.rows], (TOTAL, column)


def _exposed(table: Counts, kept: set[Cell]) -> Cell | None:
    """The next cell to keep back, because otherwise one that is kept back follows from those that are shown; None when none does."""
    for parts, total in _lines(table):
        hidden = [cell for cell in parts if cell in kept]
        if total in kept and not hidden:
            return _cheapest(table, parts, kept)
        if total not in kept and hidden and (len(hidden) == 1 or sum(table.cells[cell] for cell in hidden) < SMALL):
            return _cheapest(table, parts, kept) or total
    if table.adds and (bridge := _bridge(kept)) is not None:
        row, column = bridge
        line = [(row, other) for other in (*table.columns, TOTAL)] + [(other, column) for other in (*table.rows, TOTAL)]
        return _cheapest(table, line, kept) or _cheapest(table, list(table.cells), kept)
    return None


def _cheapest(table: Counts, cells: Iterable[Cell], kept: set[Cell]) -> Cell | None:
    """The cell whose loss tells the readers least: the smallest that is not zero, or a zero where there is no other."""
    return min((cell for cell in cells if cell not in kept), key=lambda cell: (table.cells[cell] == 0, table.cells[cell], cell), default=None)


def _bridge(kept: Iterable[Cell]) -> Cell | None:
    """A kept cell that is the only way between its row and its column among the kept ones: it follows from the shown ones."""
    edges = sorted(kept)
    for edge in edges:
        near: defaultdict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for row, column in edges:
            if (row, column) != edge:
                near["row", row].add(("column", column))
                near["column", column].add(("row", row))
        seen, ahead = {("row", edge[0])}, [("row", edge[0])]
        while ahead:
            for node in near[ahead.pop()] - seen:
                seen.add(node)
                ahead.append(node)
        if ("column", edge[1]) not in seen:
            return edge
    return None
