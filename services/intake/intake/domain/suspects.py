"""Whom a household must not meet and where it must not live, from the suspects of its case; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Suspect:
    """A suspect: where she or he lives and works, and which persons of any case she or he is known to be."""

    suspect_id: UUID
    areas: tuple[str, ...] = ()
    same_as: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Apart:
    """Whom a household must not meet, and where it must not be housed."""

    persons: tuple[UUID, ...] = ()
    areas: tuple[str, ...] = ()


def apart(
    suspects: Sequence[Suspect],
    aliases: Mapping[UUID, Collection[UUID]],
    own: Collection[UUID] = (),
    *,
    named: Iterable[UUID] = (),
    named_areas: Iterable[str] = (),
) -> Apart:
    """What a person named, and what follows from the suspects; `aliases` are those whom merges make one with a person.

    A member of the household itself is never kept apart from it by this: that is a split, which people decide.
    """
    persons = dict.fromkeys(named)
    for suspect in sorted(suspects, key=lambda entry: entry.suspect_id):
        known = {suspect.suspect_id, *suspect.same_as}
        known |= {other for person in suspect.same_as for other in aliases.get(person, ())}
        persons |= dict.fromkeys(sorted(known - set(own)))
    areas = dict.fromkeys([*named_areas, *(area for suspect in suspects for area in suspect.areas)])
    return Apart(tuple(persons), tuple(areas))
