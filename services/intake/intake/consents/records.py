"""What intake keeps of consents, disclosures and restrictions, and the few questions asked of it; ids and codes only."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from intake import store
from intake.domain.consent import Share, Word, restricted_by_person
from intake.store import MOMENT, Base


class ConsentRow(Base, table=True):
    """What somebody said, once, about one person, purpose and recipient (None: every agency); it is ended, never changed."""

    __tablename__: ClassVar[str] = "consent"
    __table__: ClassVar[Table]
    consent_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    person_id: UUID
    purpose: str
    recipient: str | None
    state: str
    said_at: datetime = Field(sa_type=MOMENT)
    ended_at: datetime | None = Field(sa_type=MOMENT)
    expires_at: datetime | None = Field(sa_type=MOMENT)
    given_by: str
    relation: str | None
    consenter_id: UUID | None
    alternative: str | None
    reason: str | None
    assent: bool | None
    medium: str
    text_version: str
    language: str
    witness_id: UUID | None
    witness_role: str | None
    recorded_by: UUID
    recorded_for: str


class RestrictionRow(Base, table=True):
    """Who is to learn nothing of a person: an agency (`recipient`), or a person by id or relation."""

    __tablename__: ClassVar[str] = "restriction"
    __table__: ClassVar[Table]
    restriction_id: UUID = Field(primary_key=True)
    case_id: UUID
    person_id: UUID = Field(index=True)
    recipient: str | None
    requester_id: UUID | None
    relation: str | None
    ground: str
    set_at: datetime = Field(sa_type=MOMENT)
    set_by: UUID
    set_for: str
    lifted_at: datetime | None = Field(sa_type=MOMENT)
    lifted_by: UUID | None


class DisclosureRow(Base, table=True):
    """What was shared with whom, why, and until when; `ended_by` is the code of why it ended."""

    __tablename__: ClassVar[str] = "disclosure"
    __table__: ClassVar[Table]
    disclosure_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    recipient: str = Field(index=True)
    purpose: str
    persons: list[UUID] = Field(sa_type=ARRAY(Uuid))
    fields: list[str] = Field(sa_type=ARRAY(Text))
    basis: str
    override: str | None
    until: datetime = Field(sa_type=MOMENT)
    made_at: datetime = Field(sa_type=MOMENT)
    made_by: UUID
    made_for: str
    ended_at: datetime | None = Field(sa_type=MOMENT)
    ended_by: str | None


class RefusedAccessRow(Base, table=True):
    """Somebody asked for a person's data and did not get them, because that would have endangered her or others."""

    __tablename__: ClassVar[str] = "refused_access"
    __table__: ClassVar[Table]
    refusal_id: UUID = Field(primary_key=True)
    case_id: UUID
    person_id: UUID = Field(index=True)
    requester_id: UUID | None
    relation: str | None
    ground: str
    refused_at: datetime = Field(sa_type=MOMENT)
    refused_by: UUID
    refused_for: str


def _keep(table: str, key: str, *ends: str) -> Any:
    """A statement that adds rows, and of a row that is there writes how it ended, if it did."""
    changes = ", ".join(f"{name} = coalesce({table}.{name}, excluded.{name})" for name in ends)
    rows = f"FROM jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS jsonb)) ORDER BY {key}"
    return text(f"INSERT INTO {table} SELECT * {rows} ON CONFLICT ({key}) DO UPDATE SET {changes}")


KEEP_DISCLOSURES = _keep("disclosure", "disclosure_id", "ended_at", "ended_by")
KEEP_RESTRICTIONS = _keep("restriction", "restriction_id", "lifted_at", "lifted_by")
# A yes that ended says how; a refusal stays one.
KEEP_CONSENTS = text("""
    INSERT INTO consent AS c SELECT * FROM jsonb_populate_recordset(CAST(NULL AS consent), CAST(:rows AS jsonb)) ORDER BY consent_id
    ON CONFLICT (consent_id) DO UPDATE SET state = CASE WHEN c.ended_at IS NULL THEN excluded.state ELSE c.state END,
        ended_at = coalesce(c.ended_at, excluded.ended_at)""")
END_DISCLOSURE = text("""
    UPDATE disclosure SET ended_at = :ended_at, ended_by = :ended_by WHERE disclosure_id = :disclosure_id AND ended_at IS NULL""")
REFUSE_ACCESS = text("INSERT INTO refused_access SELECT * FROM jsonb_populate_recordset(CAST(NULL AS refused_access), CAST(:rows AS jsonb))")

# Everybody whom merges make one with a person shares her restrictions. As long as there are none at all, nobody is looked for.
_HELD = "EXISTS (SELECT FROM restriction WHERE lifted_at IS NULL)"
_ONE = """
    one (origin, person_id) AS (
        {0} UNION SELECT one.origin, other.person_id FROM one JOIN LATERAL (
            SELECT c.second FROM candidate c WHERE c.state = 'merged' AND c.first = one.person_id
            UNION ALL SELECT c.first FROM candidate c WHERE c.state = 'merged' AND c.second = one.person_id) AS other (person_id) ON true)"""
OF_PERSONS = text(f"""
    WITH RECURSIVE {_ONE.format(f"SELECT p, p FROM unnest(CAST(:persons AS uuid[])) AS p WHERE {_HELD}")}
    SELECT DISTINCT one.origin, r.* FROM one JOIN restriction r USING (person_id) WHERE r.lifted_at IS NULL""")  # noqa: S608 - constants
# Which agencies a case is shared with or kept from, in one question: mostly there is nothing. Who left a household counts on: what
# happened while she belonged to it is hers too.
OF_CASES = text(f"""
    WITH RECURSIVE {_ONE.format(f"SELECT case_id, person_id FROM person WHERE case_id = ANY(CAST(:cases AS uuid[])) AND {_HELD}")}
    SELECT case_id, 'disclosed' AS what, recipient FROM disclosure WHERE case_id = ANY(CAST(:cases AS uuid[])) AND ended_at IS NULL
    UNION SELECT one.origin, 'restricted', r.recipient FROM one JOIN restriction r USING (person_id)
    WHERE r.lifted_at IS NULL AND r.recipient IS NOT NULL""")  # noqa: S608 - constants
CONSENTS = text("""
    INSERT INTO consent AS c SELECT * FROM jsonb_populate_recordset(CAST(NULL AS consent), CAST(:rows AS jsonb)) ORDER BY consent_id
    ON CONFLICT (consent_id) DO UPDATE SET state = CASE WHEN c.ended_at IS NULL THEN excluded.state ELSE c.state END,
        ended_at = coalesce(c.ended_at, excluded.ended_at)""")
END_DISCLOSURE = text("""
    UPDATE disclosure SET ended_at = :ended_at, ended_by = :ended_by WHERE disclosure_id = :disclosure_id AND ended_at IS NULL""")
REFUSE_ACCESS = text("INSERT INTO refused_access SELECT * FROM jsonb_populate_recordset(CAST(NULL AS refused_access), CAST(:rows AS jsonb))")

# Everybody whom merges make one with a person shares her restrictions. As long as there are none at all, nobody is looked for.
_ONE = """
    WITH RECURSIVE one (origin, person_id) AS (
        {0} UNION SELECT one.origin, CASE WHEN c.first = one.person_id THEN c.second ELSE c.first END
        FROM one JOIN candidate c ON c.state = 'merged' AND (c.first = one.person_id OR c.second = one.person_id))
    SELECT DISTINCT one.origin, r.* FROM one JOIN restriction r USING (person_id) WHERE r.lifted_at IS NULL"""
_ANY = "EXISTS (SELECT FROM restriction WHERE lifted_at IS NULL)"
OF_PERSONS = text(_ONE.format(f"SELECT p, p FROM unnest(CAST(:persons AS uuid[])) AS p WHERE {_ANY}"))  # noqa: S608 - constants
# Which agencies a case is shared with or kept from, in one question: mostly there is nothing. Who left a household counts on: what
# happened while she belonged to it is hers too.
OF_CASES = text(f"""
    SELECT d.case_id, 'disclosed' AS what, d.recipient FROM disclosure d WHERE d.case_id = ANY(CAST(:cases AS uuid[])) AND d.ended_at IS NULL
    UNION ALL SELECT m.case_id, 'restricted', kept.recipient FROM person m JOIN LATERAL (
        {_ONE.format("SELECT m.person_id, m.person_id")}) kept ON kept.recipient IS NOT NULL
    WHERE m.case_id = ANY(CAST(:cases AS uuid[])) AND {_ANY}""")  # noqa: S608 - constants
CONSENTS = text("SELECT * FROM consent WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY said_at, consent_id")
CONSENT = text("SELECT * FROM consent WHERE consent_id = :consent_id")
DISCLOSURES = text("SELECT * FROM disclosure WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY made_at, disclosure_id")
DISCLOSURE = text("SELECT * FROM disclosure WHERE disclosure_id = :disclosure_id")
TO_AGENCY = text("""
    SELECT * FROM disclosure WHERE recipient = :agency AND ended_at IS NULL AND until > :now ORDER BY made_at DESC, disclosure_id LIMIT :most""")
RESTRICTION = text("SELECT * FROM restriction WHERE restriction_id = :restriction_id")
RESTRICTIONS = text("SELECT * FROM restriction WHERE person_id = :person_id ORDER BY set_at, restriction_id")
REFUSALS = text("SELECT * FROM refused_access WHERE person_id = :person_id ORDER BY refused_at, refusal_id")
PERSONS_OF = text("SELECT person_id FROM person WHERE case_id = :case_id")
PERSON = text("SELECT * FROM person WHERE person_id = :person_id")


async def restrictions_on(tx: Transaction, persons: Iterable[UUID]) -> Sequence[Row[Any]]:
    """The restrictions that hold for these persons (`origin`), also those set on whom merges make one with them."""
    wanted = sorted(set(persons))
    return await tx.rows(OF_PERSONS, {"persons": wanted}) if wanted else []


async def restricted(tx: Transaction, persons: Iterable[UUID]) -> dict[UUID, set[str]]:
    """Which agencies are to learn nothing of which of these persons."""
    return restricted_by_person([(row.origin, row.recipient) for row in await restrictions_on(tx, persons) if row.recipient])


async def hidden(tx: Transaction, persons: Iterable[UUID]) -> set[UUID]:
    """Those of these persons of whom the asker is to learn nothing, herself or for her agency: whoever shows a person asks this first."""
    who = tx.principal
    return {row.origin for row in await restrictions_on(tx, persons) if row.recipient == who.agency or row.requester_id == who.subject}


async def somebody_hidden(tx: Transaction, case_id: UUID) -> bool:
    """Whether anybody of a case, who left it included, is hidden from the asker: then its texts are too."""
    return bool(await hidden(tx, [row.person_id for row in await tx.rows(PERSONS_OF, {"case_id": case_id})]))


def word(row: Any) -> Word:
    """A consent, as far as it decides; an expired one has ended by its own time and is no later no."""
    taken_back = row.ended_at if row.state == "withdrawn" else None
    return Word(row.person_id, row.purpose, row.recipient, row.state != "refused", row.said_at, row.expires_at, taken_back)


def share(row: Any) -> Share:
    """A disclosure, as far as it decides."""
    return Share(row.recipient, row.purpose, tuple(row.persons), row.basis, row.until, tuple(row.fields), row.override)


async def keep(tx: Transaction, statement: Any, rows: Collection[Mapping[str, Any]]) -> None:
    """Write rows by one of the statements above."""
    await store.apply(tx, statement, list(rows))
