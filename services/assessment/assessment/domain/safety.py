"""Whom a household must not meet and where it must not go, as intake said last: the same for any order in which it was learnt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

# What somebody who receives a person may be to her, where the perpetrator is this to the victim. The victim's spouse may be the child's parent.
SAME_RELATION: Mapping[str, frozenset[str]] = {
    "suami_istri": frozenset({"spouse", "parent"}),
    "orang_tua": frozenset({"parent", "guardian", "grandparent"}),
    "keluarga_saudara": frozenset({"sibling", "grandparent", "other_kin", "guardian"}),
    "pacar_teman": frozenset({"spouse", "none"}),
    "tetangga": frozenset({"none"}),
    "guru": frozenset({"none"}),
    "majikan": frozenset({"none"}),
    "rekan_kerja": frozenset({"none"}),
}


@dataclass(frozen=True, slots=True)
class Known:
    """The newest word on one suspect or one incident: the perpetrator's relation, and for a suspect where she or he is."""

    version: int
    relation: str | None = None
    areas: tuple[str, ...] = ()
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Safety:
    """What of a case's perpetrators matters for where its persons go; `keep_apart` is None as long as no triage told it to this release."""

    version: int = -1
    keep_apart: frozenset[UUID] | None = None
    areas: frozenset[str] = frozenset()
    suspects: Mapping[UUID, Known] = field(default_factory=dict)
    incidents: Mapping[UUID, Known] = field(default_factory=dict)

    @property
    def forbidden(self) -> frozenset[UUID]:
        """Persons to whom nobody of the household is handed over."""
        return (self.keep_apart or frozenset()) | {suspect for suspect, known in self.suspects.items() if not known.removed}

    @property
    def perpetrator_areas(self) -> frozenset[str]:
        """Where a perpetrator lives or works."""
        return self.areas.union(*(known.areas for known in self.suspects.values() if not known.removed))

    @property
    def relations(self) -> frozenset[str]:
        """What a receiver may be to a person if the receiver were a perpetrator."""
        told = (known for known in (*self.suspects.values(), *self.incidents.values()) if not known.removed)
        return frozenset[str]().union(*(SAME_RELATION.get(known.relation or "", frozenset()) for known in told))

    def triaged(self, version: int, keep_apart: Sequence[UUID], areas: Sequence[str]) -> "Safety":
        """A triage said it; an older one than what is known changes nothing."""
        return replace(self, version=version, keep_apart=frozenset(keep_apart), areas=frozenset(areas)) if version > self.version else self

    def suspected(self, suspect: UUID, known: Known) -> "Safety":
        """What is known of a suspect; the newest word on each holds."""
        return replace(self, suspects=_newest(self.suspects, suspect, known))

    def happened(self, incident: UUID, known: Known) -> "Safety":
        """What is known of an incident; the newest word on each holds."""
        return replace(self, incidents=_newest(self.incidents, incident, known))


def _newest(told: Mapping[UUID, Known], about: UUID, known: Known) -> Mapping[UUID, Known]:
    return {**told, about: known} if about not in told or told[about].version < known.version else told
