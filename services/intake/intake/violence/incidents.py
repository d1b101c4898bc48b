"""The incidents of a case: what happened when, where and by whom, as codes; each told in words only to who may read them.

The report itself is the first incident, under the id of its case; what officers add or correct is a row and a fact. The words are sealed
under the key of the case, so that whoever erases it ends them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from chassis.envelope import Received
from contracts.intake import IncidentRecorded, Reported
from sqlalchemy import Row, Table, Text, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from intake import store
from intake.domain.standing import Fact, in_order
from intake.store import MOMENT, Base

SEALED_AS = "incident.narrative"


class IncidentRow(Base, table=True):
    """One incident as it is known now."""

    __tablename__: ClassVar[str] = "incident"
    __table__: ClassVar[Table]
    incident_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    occurred_on: date | None
    area: str | None
    place: str | None
    relation: str | None
    violence_types: list[str] = Field(sa_type=ARRAY(Text))
    acts: list[str] | None = Field(sa_type=ARRAY(Text))
    core_type: str | None
    narrative: bytes | None
    recorded_at: datetime = Field(sa_type=MOMENT)


INCIDENTS = IncidentRow.__table__
KEEP = text("""
    INSERT INTO incident AS i SELECT * FROM jsonb_populate_recordset(CAST(NULL AS incident), CAST(:rows AS jsonb)) ORDER BY incident_id
    ON CONFLICT (incident_id) DO UPDATE SET occurred_on = excluded.occurred_on, area = excluded.area, place = excluded.place,
        relation = excluded.relation, violence_types = excluded.violence_types, acts = coalesce(excluded.acts, i.acts),
        core_type = excluded.core_type, narrative = coalesce(excluded.narrative, i.narrative), recorded_at = excluded.recorded_at""")
VIOLENCE = text("UPDATE case_file SET violence_types = CAST(:types AS text[]) WHERE case_id = :case_id")


async def of_case(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """The incidents that officers recorded of a case, the oldest record first."""
    return await tx.rows(select(INCIDENTS).where(INCIDENTS.c.case_id == case_id).order_by(INCIDENTS.c.recorded_at, INCIDENTS.c.incident_id))


def newest(case_id: UUID, facts: Iterable[Fact]) -> dict[str, Fact]:
    """The newest word on each incident, by its id; the report is the first word on the first."""
    found: dict[str, Fact] = {}
    for fact in in_order(facts):
        if fact.type == Reported.type:
            found.setdefault(str(case_id), fact)
        elif fact.type == IncidentRecorded.type:
            found[str(fact.codes["incident_id"])] = fact
    return found


def versions(case_id: UUID, facts: Iterable[Fact]) -> dict[str, int]:
    """How often each incident of a case was written, by its id."""
    told = [fact for fact in in_order(facts) if fact.type in (Reported.type, IncidentRecorded.type)]
    return dict(Counter(str(case_id if fact.type == Reported.type else fact.codes["incident_id"]) for fact in told))


def violence_of(case_id: UUID, facts: Iterable[Fact]) -> tuple[str, ...]:
    """The violence types of all incidents of a case, each once."""
    words = newest(case_id, facts).values()
    return tuple(dict.fromkeys(str(kind) for fact in words for kind in fact.codes.get("violence_types", ())))


def relations_of(case_id: UUID, facts: Iterable[Fact]) -> frozenset[str]:
    """What perpetrators are to the victim, over all incidents."""
    return frozenset(str(found) for fact in newest(case_id, facts).values() if (found := fact.codes.get("relation")))


async def keep(tx: Transaction, row: dict[str, Any]) -> None:
    """Keep an incident as it is known now; words and answers that are left out stay as they were."""
    await store.apply(tx, KEEP, [row])


async def keep_again(tx: Transaction, event: Received[IncidentRecorded]) -> None:
    """Keep an incident of which only its fact tells: its codes."""
    codes = event.data.model_dump(mode="json", exclude={"correction"})
    await keep(tx, {**codes, "case_id": event.subject, "recorded_at": event.time})


async def count_violence(tx: Transaction, case_id: UUID, facts: Iterable[Fact]) -> tuple[str, ...]:
    """Let a case have the violence types of all its incidents; which these are."""
    types = violence_of(case_id, facts)
    await tx.execute(VIOLENCE, {"case_id": case_id, "types": list(types)})
    return types
