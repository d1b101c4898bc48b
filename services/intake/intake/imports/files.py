"""What intake keeps of a file of reports: how far it is, its parts that are still to be taken, sealed, and what became of each row."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from intake.store import MOMENT, Base

WORKING, DONE, LOST = "working", "done", "lost"


class ImportRow(Base, table=True):
    """A file: who sent it, and how far it is."""

    __tablename__: ClassVar[str] = "import"
    __table__: ClassVar[Table]
    import_id: UUID = Field(primary_key=True)
    agency: str = Field(index=True)
    officer: UUID
    roles: str
    state: str
    rows: int
    done: int
    accepted: int
    incomplete: int
    rejected: int
    at: datetime = Field(sa_type=MOMENT)
    finished_at: datetime | None = Field(sa_type=MOMENT)


class PartRow(Base, table=True):
    """Some rows of a file that are still to be taken, sealed under the file's own key; gone with the transaction that takes them."""

    __tablename__: ClassVar[str] = "import_part"
    __table__: ClassVar[Table]
    import_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    content: bytes


class ReportedRow(Base, table=True):
    """What became of one row: its receipt, and what is wrong in which column; never a value."""

    __tablename__: ClassVar[str] = "import_row"
    __table__: ClassVar[Table]
    import_id: UUID = Field(primary_key=True)
    row: int = Field(primary_key=True)
    receipt: str
    problems: list[list[str]] = Field(sa_type=JSONB)


IMPORTS, ROWS = ImportRow.__table__, ReportedRow.__table__

NEW = text("""
    INSERT INTO import (import_id, agency, officer, roles, state, rows, done, accepted, incomplete, rejected, at)
    VALUES (:import_id, :agency, :officer, :roles, 'working', :rows, 0, 0, 0, 0, :at)""")
KEEP = text("""
    INSERT INTO import_part (import_id, number, content)
    SELECT :import_id, number, content FROM unnest(CAST(:contents AS bytea[])) WITH ORDINALITY AS p (content, number)""")
NEXT = text("""
    SELECT i.*, p.number, p.content FROM import i LEFT JOIN LATERAL (
        SELECT number, content FROM import_part WHERE import_part.import_id = i.import_id ORDER BY number LIMIT 1) p ON true
    WHERE i.import_id = ANY(CAST(:ids AS uuid[])) AND i.state = 'working'""")
TAKE = text("DELETE FROM import_part WHERE import_id = :import_id AND number = :number RETURNING number")
TOLD = text("""
    INSERT INTO import_row SELECT * FROM jsonb_populate_recordset(CAST(NULL AS import_row), CAST(:rows AS jsonb)) ON CONFLICT DO NOTHING""")
COUNT = text("""
    UPDATE import SET done = done + :accepted + :incomplete + :rejected, accepted = accepted + :accepted, incomplete = incomplete + :incomplete,
        rejected = rejected + :rejected
    WHERE import_id = :import_id""")
END = text("UPDATE import SET state = :state, finished_at = :now WHERE import_id = :import_id")
DESTROY = text("DELETE FROM import_part WHERE import_id = :import_id")


# What became of the rows of files that ended long ago, a part at a time; and then the files themselves.
PAST_ROWS = text("""
    DELETE FROM import_row WHERE ctid IN (
        SELECT r.ctid FROM import_row r JOIN import i USING (import_id) WHERE i.finished_at < :before LIMIT :most)
    RETURNING import_id""")
PAST_FILES = text("""
    DELETE FROM import i WHERE i.finished_at < :before AND NOT EXISTS (SELECT FROM import_row r WHERE r.import_id = i.import_id) RETURNING import_id""")


def place_of(number: int) -> str:
    """The place to which a sealed part is bound."""
    return f"import_part.{number}"
