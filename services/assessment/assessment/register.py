"""The instruments of this store: those that come with the platform, those that an operator added, what is published, and loaded wordings.

Shipped definitions are published until a row says otherwise. A version is never changed once it was published: who began with it finishes on it.
"""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Column, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Field

from assessment import definitions
from assessment.definitions import Definition, Language
from assessment.domain.case import FieldError
from assessment.store import MOMENT, Base


class Stage(StrEnum):
    """Whether a version is used: not yet, now, or only by who began with it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class InstrumentRow(Base, table=True):
    """A version that an operator added, or whose stage an operator changed; without a definition it is a shipped one."""

    __tablename__ = "instrument"
    code: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    stage: str
    definition: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    changed_by: UUID
    changed_at: datetime = Field(sa_type=MOMENT)


class WordingRow(Base, table=True):
    """The validated wording of a version in one language: a text for each item."""

    __tablename__ = "wording"
    code: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    language: str = Field(primary_key=True)
    texts: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    source: str
    loaded_by: UUID
    loaded_at: datetime = Field(sa_type=MOMENT)


INSTRUMENT, WORDING = InstrumentRow.__table__, WordingRow.__table__  # type: ignore[attr-defined]
Key = tuple[str, int]
# What those who change instruments lock: one after the other.
ALL = UUID("00000000-0000-8000-8000-000000000006")


@dataclass(frozen=True, slots=True)
class Known:
    """A version, its stage, and in which languages its wording is there: texts by item."""

    definition: Definition
    stage: Stage
    wordings: Mapping[Language, Mapping[str, str]] = field(default_factory=dict)

    @property
    def for_training_only(self) -> bool:
        """Whether nobody may be assessed with it: its validated wording is not there."""
        return not (self.definition.own_wording or self.wordings)


@functools.lru_cache(maxsize=256)
def _read(content: str) -> Definition:
    return definitions.read(content)


async def known(tx: Transaction, codes: Iterable[str] | None = None) -> dict[Key, Known]:
    """All versions (of these codes), by code and version."""
    stages, words = select(INSTRUMENT), select(WORDING)
    wanted = None if codes is None else sorted(set(codes))
    if wanted is not None:
        stages, words = stages.where(INSTRUMENT.c.code.in_(wanted)), words.where(WORDING.c.code.in_(wanted))
    found = {(d.code, d.version): (d, Stage.PUBLISHED) for d in definitions.shipped() if wanted is None or d.code in wanted}
    for row in await tx.rows(stages):
        definition = found[row.code, row.version][0] if row.definition is None else _read(json.dumps(row.definition, sort_keys=True))
        found[row.code, row.version] = (definition, Stage(row.stage))
    wordings: dict[Key, dict[Language, Mapping[str, str]]] = {}
    for row in await tx.rows(words):
        wordings.setdefault((row.code, row.version), {})[Language(row.language)] = row.texts
    return {key: Known(definition, stage, wordings.get(key, {})) for key, (definition, stage) in sorted(found.items())}


def newest(versions: Mapping[Key, Known], code: str) -> Known | None:
    """The published version of an instrument by which a new assessment goes: the newest."""
    return next((entry for key, entry in sorted(versions.items(), reverse=True) if key[0] == code and entry.stage is Stage.PUBLISHED), None)


async def draft(tx: Transaction, definition: Definition) -> None:
    """Keep a draft, or another try at one. Raises FieldError for a version that was published: that one never changes."""
    have = (await known(tx, [definition.code])).get((definition.code, definition.version))
    if have is not None and have.stage is not Stage.DRAFT:
        raise FieldError([("version", "already_published")])
    await _keep(tx, definition.code, definition.version, Stage.DRAFT, definition.model_dump(mode="json"))


async def move(tx: Transaction, code: str, version: int, stage: Stage) -> None:
    """Publish a version, or withdraw it, which is to go back to the one before it; who began with it finishes on it."""
    row = await tx.row(select(INSTRUMENT).where(INSTRUMENT.c.code == code, INSTRUMENT.c.version == version))
    await _keep(tx, code, version, stage, row.definition if row else None)


async def _keep(tx: Transaction, code: str, version: int, stage: Stage, definition: Any) -> None:
    values = {"stage": stage.value, "definition": definition, "changed_by": tx.principal.subject, "changed_at": tx.now}
    rows = insert(INSTRUMENT).values({"code": code, "version": version} | values)
    await tx.execute(rows.on_conflict_do_update(index_elements=["code", "version"], set_=values))


async def load_wording(tx: Transaction, definition: Definition, language: Language, texts: Mapping[str, str], source: str) -> None:
    """Keep the validated wording of a language. Raises FieldError unless every item has a text, and nothing else has."""
    if problems := definitions.misfits(definition, texts):
        raise FieldError([(f"texts.{code}", problem) for code, problem in problems])
    values = {"texts": dict(texts), "source": source, "loaded_by": tx.principal.subject, "loaded_at": tx.now}
    key = {"code": definition.code, "version": definition.version, "language": language.value}
    await tx.execute(insert(WORDING).values(key | values).on_conflict_do_update(index_elements=list(key), set_=values))
