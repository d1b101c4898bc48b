"""One social worker in full, and which edition of her entry that is."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import Row

from assessment.views import WorkerBody, WorkerView

NOBODY = "none"


class ConflictView(BaseModel):
    """With which case or person she has a conflict, since when, and who said so."""

    about: UUID
    declared_at: datetime
    declared_by: UUID


class WorkerDetail(WorkerView):
    """A social worker with her conflicts; an operator is not told of these, and reads null."""

    version: str = Field(description="for If-Match of who changes it")
    conflicts: tuple[ConflictView, ...] | None

    @classmethod
    def all_of(cls, row: Row[Any], conflicts: Sequence[Row[Any]] | None) -> Self:
        """The view of a row of `roster.workers` and, for who may know them, of her conflicts."""
        known = WorkerView.of(row)
        told = None if conflicts is None else tuple(ConflictView.model_validate(entry, from_attributes=True) for entry in conflicts)
        return cls(**known.model_dump(), version=edition(known), conflicts=told)


def entry(worker: WorkerView) -> dict[str, Any]:
    """What of a worker was registered, as a body has it."""
    return worker.model_dump(mode="json", include=set(WorkerBody.model_fields))


def edition(worker: WorkerView) -> str:
    """A name for exactly this entry: no two different ones have the same."""
    return hashlib.sha256(json.dumps(entry(worker), sort_keys=True).encode()).hexdigest()[:16]
