"""What placement's own facts say again after its store lost them: where each offer, stay and search stands, and who needs a bed anew.

The facts name shelter and persons, never a bed. Whoever lost hers gets a free one of the same shelter, those who live there before those
who are expected, and a person confirms it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

from placement.domain.homes import Home, taken
from placement.domain.needs import Need, State, after_cancel, declined_by, enter, no_answer, out_of_bed
from placement.domain.people import Household, Person
from placement.domain.placements import LIVE, ByHand, Placement, Step
from placement.domain.rooms import fit
from placement.domain.split import divided, said_no

UNKNOWN_PLACEMENT = "placement_unknown"
FULL = "full"
# Where a need goes whose offer was taken back because of something that intake said.
TAKEN_BACK = {"household_changed": State.WAITING, "no_longer_needed": State.NONE, "case_ended": State.ENDED}
STATES = {Step.ACCEPTED: State.ACCEPTED, Step.ON_THE_WAY: State.ON_THE_WAY, Step.NO_SHOW: State.NO_SHOW}


@dataclass(frozen=True, slots=True)
class Offering:
    """A home was offered, or the hold of its beds goes on (`persons` is empty then).

    With `leaving` another shelter was asked to take over persons who stay in that placement until they have moved.
    """

    placement_id: UUID
    shelter_id: UUID
    at: datetime
    until: datetime
    persons: tuple[UUID, ...] = ()
    leaving: UUID | None = None
    by_hand: ByHand | None = None


@dataclass(frozen=True, slots=True)
class Answering:
    """What another shelter was asked got its answer, or none."""

    placement_id: UUID
    to: Step


@dataclass(frozen=True, slots=True)
class Relocating:
    """These persons moved from one placement to another."""

    placement_id: UUID
    shelter_id: UUID
    leaving: UUID
    at: datetime
    persons: tuple[UUID, ...]
    review_on: date


@dataclass(frozen=True, slots=True)
class Moving:
    """An offer went on, or ended without an admission; `until` is by when its household must arrive."""

    placement_id: UUID
    shelter_id: UUID
    at: datetime
    to: Step
    reason: str | None = None
    until: datetime | None = None
    handover: str | None = None


@dataclass(frozen=True, slots=True)
class Entering:
    """These persons were admitted; `household` is what was known of those who stood at the door."""

    placement_id: UUID
    shelter_id: UUID
    at: datetime
    persons: tuple[UUID, ...]
    review_on: date
    household: tuple[Person, ...] = ()
    re_entry: bool = False


@dataclass(frozen=True, slots=True)
class Going:
    """These persons left a home."""

    placement_id: UUID
    persons: tuple[UUID, ...]
    how: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The household was put on the waiting list."""

    review_at: datetime


@dataclass(frozen=True, slots=True)
class Unmet:
    """The search ended without a bed."""


@dataclass(frozen=True, slots=True)
class Suspecting:
    """A supervisor was told how often the household's areas had changed: once is enough."""

    changes: int


Word: TypeAlias = Offering | Answering | Relocating | Moving | Entering | Going | Waiting | Unmet | Suspecting


@dataclass(frozen=True, slots=True)
class Book:
    """One case, or one group of a split one, as it is told again: its need, its placements by id, and in which of them each person stays; `gone` are ended stays."""

    need: Need
    placements: Mapping[UUID, Placement] = field(default_factory=dict)
    inside: Mapping[UUID, UUID] = field(default_factory=dict)
    gone: tuple[tuple[UUID, UUID, str], ...] = ()

    @property
    def live(self) -> Placement | None:
        """The newest offer or stay that has not ended; what only asks another shelter to take somebody over is none."""
        found = [entry for entry in self.placements.values() if entry.state in LIVE and not entry.asks_to_move]
        return max(found, key=lambda entry: (entry.state is Step.ADMITTED, entry.offered_at, entry.id), default=None)

    @property
    def standing(self) -> tuple[Placement, ...]:
        """What goes on: the live one, and beside it the other stays of a household that was moved apart."""
        live = self.live
        if live is None:
            return ()
        apart = {entry.id for entry in self.placements.values() if entry.state is Step.ADMITTED and entry.id in set(self.inside.values())}
        return (live, *(self.placements[other] for other in sorted(apart - {live.id})))

    def residents(self, entry: Placement) -> tuple[Person, ...]:
        """Who needs a bed of a live placement: those who stay there, or all who are expected."""
        if entry.state is not Step.ADMITTED:
            return entry.members
        return tuple(person for person in entry.members if self.inside.get(person.id) == entry.id)


def retell(book: Book, word: Word) -> tuple[Book, str | None]:
    """The book after one more lost fact, told in their order; and the code of what the fact does not say, if it cannot be applied."""
    match word:
        case Going():
            return _gone(book, word)
        case Entering():
            return _entered(book, word), None
        case Offering():
            return _asked(book, word) if word.leaving else _offered(book, word), None
        case Moving():
            return _moved(book, word), None
        case Answering() | Relocating():
            return _answered(book, word) if isinstance(word, Answering) else _relocated(book, word), None
        case Waiting() | Unmet() | Suspecting():
            return replace(book, need=_searching(book.need, word)), None


def _searching(need: Need, word: Waiting | Unmet | Suspecting) -> Need:
    match word:
        case Waiting():
            return replace(enter(need, State.WAITING), waitlisted=True, review_at=word.review_at)
        case Suspecting():
            return replace(need, area_changes=max(need.area_changes, word.changes))
        case Unmet():
            return _unmet(need)


def _unmet(need: Need) -> Need:
    if need.ended:
        return enter(need, State.ENDED)
    return enter(need, State.SETTLED if need.shelter_needed and not need.emptied else State.NONE)


def _entry(book: Book, word: Offering | Moving | Entering | Relocating, persons: Iterable[UUID] = ()) -> Placement:
    """The placement of a fact; one that nothing else is known of is for these persons, or for the household as it is."""
    if word.placement_id in book.placements:
        return book.placements[word.placement_id]
    known = {person.id: person for person in book.need.members}
    members = tuple(known.get(person) or Person(person, "unknown") for person in persons) or book.need.members
    same = {person.id for person in members} == known.keys()
    revision, need = book.need.revision if same else 0, book.need
    return Placement(word.placement_id, need.case_id, word.shelter_id, Step.OFFERED, revision, members, word.at, part_of=need.part_of)


def _with(book: Book, entry: Placement, need: Need) -> Book:
    return replace(book, placements={**book.placements, entry.id: entry}, need=need)


def _asked(book: Book, word: Offering) -> Book:
    """Another shelter is asked: nothing changes for those who would move."""
    entry = replace(_entry(book, word, word.persons), hold_until=word.until, transfer_of=word.leaving)
    return _with(book, entry, book.need) if entry.state is Step.OFFERED else book


def _answered(book: Book, word: Answering) -> Book:
    """Of what nobody knows to have been asked, nothing is to be done any more."""
    entry = book.placements.get(word.placement_id)
    if entry is None or not entry.asks_to_move:
        return book
    return _with(book, replace(entry, state=word.to), book.need)


def _relocated(book: Book, word: Relocating) -> Book:
    """They live in the new home alone: whoever moved has no bed in the old one any more."""
    entry = replace(_entry(book, word, word.persons), state=Step.ADMITTED, transfer_of=word.leaving, admitted_at=word.at, review_on=word.review_on)
    inside = {**book.inside, **dict.fromkeys(word.persons, entry.id)}
    gone = tuple((word.leaving, person, "transferred") for person in word.persons)
    book = replace(_with(book, entry, enter(book.need, State.ADMITTED)), inside=inside, gone=(*book.gone, *gone))
    old = book.placements.get(word.leaving)
    if old is None or old.id in inside.values() or old.state not in LIVE:
        return book
    return _with(book, replace(old, state=Step.ENDED), book.need)


def _offered(book: Book, word: Offering) -> Book:
    entry = replace(_entry(book, word, word.persons), hold_until=word.until)
    if entry.state is not Step.OFFERED:
        return book
    if word.by_hand is not None:
        entry = replace(entry, overrides=word.by_hand.kept)
    return _with(book, entry, enter(book.need, State.OFFERED))


def _moved(book: Book, word: Moving) -> Book:
    entry = replace(_entry(book, word), state=word.to, reason=word.reason)
    if word.until is not None:
        entry = replace(entry, arrive_by=word.until)
    if word.handover is not None:
        entry = replace(entry, handover=word.handover)
    need = book.need
    match word.to:
        case Step.DECLINED:
            need = declined_by(need, word.shelter_id, for_good=word.reason != FULL)
        case Step.EXPIRED:
            need = no_answer(need, word.shelter_id)
        case Step.CANCELLED:
            need = enter(need, TAKEN_BACK.get(word.reason or "") or after_cancel(word.reason or ""))
        case _:
            need = enter(need, STATES[word.to])
    return _with(book, entry, need)


def _entered(book: Book, word: Entering) -> Book:
    if word.household:
        first = Need(book.need.case_id, persons=word.household, shelter_needed=True, waiting_since=word.at)
        book = replace(book, need=first if book.need == Need(book.need.case_id) else book.need)
    entry = replace(_entry(book, word, word.persons), state=Step.ADMITTED, admitted_at=word.at, review_on=word.review_on)
    entry = replace(entry, direct=bool(word.household), re_entry=word.re_entry)
    inside = {**book.inside, **dict.fromkeys(word.persons, entry.id)}
    return replace(_with(book, entry, enter(book.need, State.ADMITTED)), inside=inside)


def _gone(book: Book, word: Going) -> tuple[Book, str | None]:
    entry = book.placements.get(word.placement_id)
    if entry is None:
        return book, UNKNOWN_PLACEMENT
    inside = {person: where for person, where in book.inside.items() if person not in word.persons or where != entry.id}
    book = replace(book, inside=inside, gone=(*book.gone, *((entry.id, person, word.how) for person in word.persons)))
    if entry.id in inside.values():
        return book, None
    return _with(book, replace(entry, state=Step.ENDED), book.need if inside else out_of_bed(book.need)), None


def split_anew(whole: Book, parts: Mapping[UUID, Book], persons: Iterable[Collection[UUID]], *, apart: bool) -> dict[UUID, Book]:
    """The books that change when a household was split into these groups, by id; who said no before is known from its placements."""
    known = {name: book.need for name, book in parts.items()}
    asked = [entry for book in (whole, *parts.values()) for entry in book.placements.values()]
    needs = divided(whole.need, known, persons, declined=said_no(asked), apart=apart)
    books = {whole.need.case_id: whole, **parts}
    return {name: replace(books.get(name) or Book(need), need=need) for name, need in needs.items()}


# -- beds anew --------------------------------------------------------------------------------------------------------------------------

FIRST = (Step.ADMITTED, Step.ON_THE_WAY, Step.ACCEPTED, Step.OFFERED)


@dataclass(frozen=True, slots=True)
class Bedless:
    """A live placement whose beds nobody knows any more, and who needs one."""

    placement: Placement
    household: Household


def beds_anew(homes: Iterable[Home], bedless: Sequence[Bedless]) -> dict[UUID, dict[UUID, UUID] | None]:
    """Free beds of its own shelter for each household, bed ids by person id and placement id; None when there are not enough.

    Those who live there come first, then who is on the way, then who was accepted, then offers, each in their order of time. Once a
    shelter has too few, nobody after that household gets one: its beds are in doubt.
    """
    left = {home.id: home for home in homes}
    given: dict[UUID, dict[UUID, UUID] | None] = {}
    in_doubt: set[UUID] = set()
    for entry in sorted(bedless, key=lambda entry: (FIRST.index(entry.placement.state), entry.placement.offered_at, entry.placement.id)):
        home = left.get(entry.placement.shelter_id)
        beds = None if home is None or home.id in in_doubt else fit(home, entry.household) or any_beds(home, entry.household)
        if home is not None and beds is not None:
            left[home.id] = taken(home, entry.household, beds)
        else:
            in_doubt.add(entry.placement.shelter_id)
        given[entry.placement.id] = beds
    return given


def any_beds(home: Home, household: Household) -> dict[UUID, UUID] | None:
    """Any free beds, bed ids by person id, whatever the rooms: people are there already, and somebody looks at it. None when there are too few."""
    free = sorted(bed for room in home.rooms for bed in room.free)
    if len(free) < len(household.persons):
        return None
    return {person.id: bed for person, bed in zip(household.persons, free, strict=False)}
