"""The register of agencies: versions of entries that an operator keeps, united with those whom the settings name, and asked by every route that takes a code.

A report is never refused because its sender is in no register: who reported and is not in it is shown to the operator instead.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import FieldProblem, Received, RefusedError, Transaction
from contracts.register import AgencyRegistered
from contracts.vocabulary import ProblemCode
from sqlalchemy import Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from intake import store
from intake.domain.agencies import Agency, Register, named, united
from intake.store import MOMENT, Base

UNKNOWN = "no such agency takes part: GET /agencies lists those that do; an operator adds one"


class AgencyRow(Base, table=True):
    """One version of an agency's entry; the newest counts, all are kept."""

    __tablename__: ClassVar[str] = "agency"
    __table__: ClassVar[Table]
    code: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    agency_id: UUID
    name: str | None
    kind: str
    units: list[str] = Field(sa_type=ARRAY(Text))
    areas: list[str] = Field(sa_type=ARRAY(Text))
    active: bool
    changed_at: datetime = Field(sa_type=MOMENT)
    changed_by: UUID | None


ADD = text("INSERT INTO agency SELECT * FROM jsonb_populate_recordset(CAST(NULL AS agency), CAST(:rows AS jsonb)) ON CONFLICT DO NOTHING")
NEWEST = text("SELECT DISTINCT ON (code) * FROM agency ORDER BY code, version DESC")
VERSIONS = text("SELECT * FROM agency WHERE code = :code ORDER BY version DESC")
# The agencies that reported, one step of the key's index for each.
REPORTED = text("""
    WITH RECURSIVE seen AS (
        (SELECT agency FROM submission ORDER BY agency LIMIT 1)
        UNION ALL SELECT (SELECT s.agency FROM submission s WHERE s.agency > seen.agency ORDER BY s.agency LIMIT 1) FROM seen WHERE seen.agency IS NOT NULL)
    SELECT agency FROM seen WHERE agency IS NOT NULL ORDER BY agency""")


async def register(tx: Transaction) -> Register:
    """The register as it is now."""
    rows = await tx.rows(NEWEST)
    return united((Agency(row.code, frozenset(row.units), row.active) for row in rows), by_settings(tx.settings))


def by_settings(settings: Any) -> dict[str, set[str]]:
    """Whom the settings name, with the units that lead for them."""
    usual = {True: settings.victims_agency, False: settings.ppks_agency}
    lines = [
        (code, line.unit)
        for line in settings.responsibility
        for code in ([line.agency] if line.agency else usual.values() if line.victims is None else [usual[line.victims]])
    ]
    return named(lines, (*usual.values(), settings.desk_agency, settings.public_agency))


async def require(tx: Transaction, field: str, code: str | None, *, ended_too: bool = False) -> None:
    """Refuse a code of nobody who takes part, naming the field; one that is left out is fine. Raises 422."""
    if code is not None and not (await register(tx)).knows(code, ended_too=ended_too):
        raise RefusedError(422, UNKNOWN, [FieldProblem(field, ProblemCode.UNKNOWN_CODE)])


async def require_unit(tx: Transaction, field: str, agency: str, unit: str | None) -> None:
    """Refuse a unit that an agency does not have, naming the field. Raises 422."""
    if unit is not None and not (await register(tx)).has_unit(agency, unit):
        raise RefusedError(422, "this agency has no such unit: GET /agencies lists them", [FieldProblem(field, ProblemCode.UNKNOWN_CODE)])


async def relearn(tx: Transaction, events: Sequence[Received[AgencyRegistered]]) -> None:
    """Keep lost versions again, without their names, which are in no fact."""
    rows = [
        event.data.model_dump(mode="json") | {"agency_id": event.subject, "name": None, "changed_at": event.time, "changed_by": None}
        for event in events
    ]
    await store.apply(tx, ADD, rows)
