"""Which columns of a store follow from others' events alone, so that they can be made again from the stream."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Projection:
    """Columns of a table that depend on the set of received events alone, whatever their order; services declare theirs beside the store.

    `key` identifies a row and `subject` is the column with the subject of the events it comes from; `where` (SQL) says which rows are
    made from events at all. `blank` has the values of a row nobody has told anything of, by column: they stand for a row that is not
    there, and fill the columns that a service decides on itself when a lost row is made again. Where it has no value for some of
    `columns`, a row that no event explains is deleted; otherwise it is set back to `blank`. `seeds` are columns that begin with what the
    events say but do not depend on it alone: a lost row gets them again, but they are not compared.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    subject: str
    where: str = "true"
    blank: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[str, ...] = ()

    @property
    def resettable(self) -> bool:
        """Whether a row can be set back to what it is when nobody has told anything."""
        return set(self.columns) <= set(self.blank)

    def differing(self, live: str, shadow: str) -> str:
        """A query for the rows that differ between two schemas, of `:subjects` only unless that is NULL.

        It gives `subject`, `key`, `told` (columns and seeds as the events say, NULL when they say nothing) and `lost` (no live row is there).
        """
        nothing = f"CAST('{json.dumps({name: self.blank[name] for name in self.columns})}' AS jsonb)" if self.resettable else "NULL"
        key = ", ".join(f"'{name}', {name}" for name in self.key)
        columns = ", ".join(f"'{name}', {name}" for name in self.columns)
        seeds = ", ".join(f"'{name}', {name}" for name in self.seeds)

        def side(schema: str) -> str:
            return (
                f"(SELECT {self.subject} AS subject_, jsonb_build_object({key}) AS key_, jsonb_build_object({columns}) AS told_, "  # noqa: S608
                f"jsonb_build_object({seeds}) AS seeds_ "
                f'FROM "{schema}".{self.table} WHERE ({self.where}) '
                f"AND (CAST(:subjects AS uuid[]) IS NULL OR {self.subject} = ANY(CAST(:subjects AS uuid[]))))"
            )

        return (
            "SELECT coalesce(s.subject_, l.subject_) AS subject, coalesce(s.key_, l.key_) AS key, s.told_ || s.seeds_ AS told, l.key_ IS NULL AS lost "  # noqa: S608
            f"FROM {side(live)} l FULL JOIN {side(shadow)} s ON l.key_ = s.key_ "
            f"WHERE coalesce(l.told_, {nothing}) IS DISTINCT FROM coalesce(s.told_, {nothing})"
        )

    def write(self, live: str) -> str:
        """A statement that writes `:rows` (JSON, key and all) into the live table: the declared columns of a row that is there, else all."""
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.columns)
        names = ", ".join(dict.fromkeys((*self.key, *self.columns, *self.seeds, *self.blank)))
        return (
            f'INSERT INTO "{live}".{self.table} ({names}) SELECT {names} '  # noqa: S608 - a service's own names, not input
            f'FROM jsonb_populate_recordset(CAST(NULL AS "{live}".{self.table}), CAST(:rows AS jsonb)) '
            f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changes}"
        )

    def erase(self, live: str) -> str:
        """A statement that deletes the live rows with the keys in `:rows` (JSON)."""
        same = " AND ".join(f"t.{name} = gone.{name}" for name in self.key)
        return (
            f'DELETE FROM "{live}".{self.table} t '  # noqa: S608 - a service's own names, not input
            f'USING jsonb_populate_recordset(CAST(NULL AS "{live}".{self.table}), CAST(:rows AS jsonb)) gone WHERE {same}'
        )
