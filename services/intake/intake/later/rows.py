"""What is kept of documents that agencies keep: codes, their number there and their hash; never a document. And how an agency's case is found."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import BigInteger, Row, Table, text
from sqlmodel import Field

from intake.store import MOMENT, Base


class AttachmentRow(Base, table=True):
    """A document of a case, as the agency that keeps it says."""

    __tablename__: ClassVar[str] = "attachment"
    __table__: ClassVar[Table]
    attachment_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    agency: str
    reference: str
    kind: str
    document: str
    sha256: str
    media_type: str | None
    size: int | None = Field(sa_type=BigInteger)
    received_at: datetime = Field(sa_type=MOMENT)


ADD = text("INSERT INTO attachment SELECT * FROM jsonb_populate_recordset(CAST(NULL AS attachment), CAST(:rows AS jsonb)) ON CONFLICT DO NOTHING")
OF_CASE = text("SELECT * FROM attachment WHERE case_id = :case_id ORDER BY received_at, attachment_id")
BY_REFERENCE = text("""
    SELECT s.agency, s.reference AS name, s.case_id, s.follow_id FROM submission s
    JOIN unnest(CAST(:agencies AS text[]), CAST(:names AS text[])) AS k (agency, name) ON s.agency = k.agency AND s.reference = k.name""")
BY_FOLLOW = text("""
    SELECT f.agency, CAST(f.follow_id AS text) AS name, f.case_id, f.follow_id FROM follow f
    JOIN unnest(CAST(:agencies AS text[]), CAST(:names AS text[])) AS k (agency, name) ON f.agency = k.agency AND f.follow_id = CAST(k.name AS uuid)""")
Name = tuple[str, str]


async def cases_of(tx: Transaction, references: Iterable[Name], follows: Iterable[Name]) -> dict[Name, Row[Any]]:
    """The cases under these (agency, own reference) and (agency, own follow id); another agency's are not found."""
    found: dict[Name, Row[Any]] = {}
    for statement, wanted in ((BY_REFERENCE, sorted(set(references))), (BY_FOLLOW, sorted(set(follows)))):
        if wanted:
            told = {"agencies": [agency for agency, _ in wanted], "names": [name for _, name in wanted]}
            found |= {(row.agency, row.name): row for row in await tx.rows(statement, told)}
    return found
