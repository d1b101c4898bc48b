"""Who may be erased and what goes with her, what a receipt says, and what of a case is about one person; pure."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

# What a fact says of others than the person: who they are, where the perpetrator lives, from whom she is kept apart.
OF_OTHERS = frozenset({"keep_apart", "perpetrator_areas", "household_id"})


@dataclass(frozen=True, slots=True)
class Known:
    """A person of a case, as far as her erasure needs it; `others` is whether somebody else of this case is left with data."""

    person_id: UUID
    case_id: UUID
    erased: bool
    held: bool
    others: bool


@dataclass(frozen=True, slots=True)
class Erasing:
    """A person who is erased in her case; `texts` whether the case's texts go with her."""

    person_id: UUID
    case_id: UUID
    texts: bool


class ErasureError(Exception):
    """A person is not erased, for the reason that the kind of this error says."""


class HeldError(ErasureError):
    """The law keeps her data."""


class ErasedAlreadyError(ErasureError):
    """She was erased before."""


class TextsUndecidedError(ErasureError):
    """Others of her case are left: somebody has to say whether its texts, which may be their story too, stay."""


def erasing(people: Sequence[Known], *, keep_texts: bool | None) -> tuple[Erasing, ...]:
    """Who is erased: one person under all ids that merges make hers. Raises HeldError, ErasedAlreadyError or TextsUndecidedError."""
    if any(person.held for person in people):
        raise HeldError
    left = [person for person in people if not person.erased]
    if not left:
        raise ErasedAlreadyError
    if keep_texts is None and any(person.others for person in left):
        raise TextsUndecidedError
    # Texts that are about nobody else are kept for nobody.
    return tuple(Erasing(person.person_id, person.case_id, not (person.others and keep_texts)) for person in left)


def receipt(person_id: UUID, at: datetime, ground: str, *, texts: bool) -> tuple[dict[str, str | bool], str]:
    """What the person is given, and its SHA-256 hash, which is all that is said elsewhere: whoever shows the one proves the other."""
    given: dict[str, str | bool] = {"person_id": str(person_id), "erased_at": at.isoformat(), "ground": ground, "texts": texts}
    canonical = json.dumps(given, sort_keys=True, separators=(",", ":"))
    return given, hashlib.sha256(canonical.encode()).hexdigest()


def about(codes: Any, person_id: str, others: Collection[str]) -> Any:
    """What these codes of a fact say, without what they say of the other persons of the case."""
    if isinstance(codes, Mapping):
        return {
            name: about(value, person_id, others)
            for name, value in codes.items()
            if name not in OF_OTHERS and name not in others and not (isinstance(value, str) and value in others)
        }
    if isinstance(codes, (list, tuple)):
        return [about(value, person_id, others) for value in codes if not _of_another(value, person_id, others)]
    return codes


def _of_another(value: Any, person_id: str, others: Collection[str]) -> bool:
    if isinstance(value, Mapping):
        return str(value.get("person_id", person_id)) != person_id
    return isinstance(value, str) and value in others
