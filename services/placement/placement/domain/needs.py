"""What intake said of a case, and whether its household looks for a home: the same whatever the order in which it was heard."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from placement.domain.homes import Refusal
from placement.domain.people import Household, Person


class State(StrEnum):
    """Where a household's need for shelter stands."""

    NONE = "none"  # nothing asks for a shelter
    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    ADMITTED = "admitted"
    SPLIT = "split"  # a supervisor let the household be housed in groups: each has a need of its own
    NO_SHOW = "no_show"  # did not come or cannot be reached: people decide
    DECLINED = "declined"  # the survivor said no
    SETTLED = "settled"  # the stay ended, or people ended the search
    ENDED = "ended"  # the case is over


IN_FLIGHT = frozenset({State.OFFERED, State.ACCEPTED, State.ON_THE_WAY})


@dataclass(frozen=True, slots=True)
class Need:
    """One case as placement knows it; the versions are those of the facts that said it, the newest of each kind counting.

    A household that a supervisor split is a need of the whole, which knows what intake says and looks for nothing, and one need for each group,
    `part_of` the case. `apart` are on a group those who are of it, on the whole those who are of some group; `kept_from` are members of other
    groups whom a group must not meet. `end_version` is that of the newest word on whether the case is over.
    """

    case_id: UUID
    version: int = 0
    household_version: int = 0
    revision: int = 0
    persons: tuple[Person, ...] = ()
    risk: str = "medium"
    grounds: frozenset[str] = frozenset()
    keep_apart: frozenset[UUID] = frozenset()
    perpetrator_areas: frozenset[str] = frozenset()
    medical_gate: bool = False
    shelter_needed: bool = False
    ended: bool = False
    state: State = State.NONE
    waiting_since: datetime | None = None
    declined: frozenset[UUID] = frozenset()
    not_now: frozenset[UUID] = frozenset()
    settled_version: int = 0
    waitlisted: bool = False
    review_at: datetime | None = None
    reasons: tuple[Refusal, ...] = ()
    channel: str | None = None
    area: str | None = None
    part_of: UUID | None = None
    area_changes: int = 0
    apart: frozenset[UUID] = frozenset()
    kept_from: frozenset[UUID] = frozenset()
    end_version: int = 0

    @property
    def subject(self) -> UUID:
        """The case that facts about this need are about, and whose lock and clocks it has: of a group the case of the whole."""
        return self.part_of or self.case_id

    @property
    def clock_key(self) -> str:
        """What tells the clocks of a group from those of its case."""
        return "" if self.part_of is None else str(self.case_id)

    @property
    def split(self) -> bool:
        """Whether this is the whole of a household that was split."""
        return self.part_of is None and bool(self.apart)

    @property
    def members(self) -> tuple[Person, ...]:
        """Those whom this need is for: of a split household its group, on the whole those whom nobody put into a group yet."""
        if not self.apart and self.part_of is None:
            return self.persons
        return tuple(person for person in self.persons if (person.id in self.apart) is (self.part_of is not None))

    @property
    def emptied(self) -> bool:
        """Whether this is a group of which nobody is in the household any more."""
        return self.part_of is not None and not self.members

    def household(self, now: datetime) -> Household:
        """Those who look for a home; who was never asked for waits from now."""
        return Household(
            case_id=self.case_id,
            persons=self.members,
            waiting_since=self.waiting_since or now,
            grounds=self.grounds,
            keep_apart=self.keep_apart,
            perpetrator_areas=self.perpetrator_areas,
            medical_gate=self.medical_gate,
            declined=self.declined,
            not_now=self.not_now,
            risk=self.risk,
            channel=self.channel,
            area=self.area,
            part_of=self.part_of,
        )


@dataclass(frozen=True, slots=True)
class Triage:
    """A triage was made, with everything that holds."""

    version: int
    at: datetime
    revision: int
    persons: tuple[Person, ...]
    risk: str
    grounds: frozenset[str]
    keep_apart: frozenset[UUID]
    perpetrator_areas: frozenset[str]
    medical_gate: bool
    shelter_needed: bool
    channel: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """The household changed."""

    version: int
    revision: int
    persons: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Over:
    """The case was withdrawn, referred out or closed, or nobody reaches her any more."""

    version: int = 1


@dataclass(frozen=True, slots=True)
class Again:
    """The case goes on."""

    version: int


Word: TypeAlias = Triage | Members | Over | Again


def learn(need: Need, word: Word) -> Need:
    """What is known after one more word of intake; the order of the words does not matter."""
    match word:
        case Over() | Again():
            newer = word.version >= need.end_version
            return replace(need, ended=isinstance(word, Over), end_version=word.version) if newer else need
        case Triage():
            need = _with_triage(need, word)
    if word.version <= need.household_version:
        return need
    return replace(need, household_version=word.version, revision=word.revision, persons=_each_once(word.persons))


def _with_triage(need: Need, word: Triage) -> Need:
    if word.shelter_needed:
        need = replace(need, waiting_since=min(need.waiting_since or word.at, word.at))
    if word.version <= need.version:
        return need
    return replace(
        need,
        version=word.version,
        risk=word.risk,
        grounds=word.grounds,
        keep_apart=word.keep_apart,
        perpetrator_areas=word.perpetrator_areas,
        medical_gate=word.medical_gate,
        shelter_needed=word.shelter_needed,
        channel=word.channel,
        area=word.area,
    )


def _each_once(persons: tuple[Person, ...]) -> tuple[Person, ...]:
    return tuple({person.id: person for person in persons}.values())


@dataclass(frozen=True, slots=True)
class Turn:
    """What follows from what is known: the need as it is now, why its offer is taken back, and whether it ended without a bed."""

    need: Need
    cancel: str | None = None
    unmet: bool = False


def reconsider(need: Need, *, changed: bool = False, still_suits: bool = True) -> Turn:
    """Decide again on a case of which more is known.

    `changed` says that its offer was made for another household than it is now, `still_suits` whether the offered home suits it still.
    A household that is on its way or has arrived is left to people; so is one that did not come or said no, until intake asks again. The whole
    of a household that was split looks for nothing itself; a group of which nobody is left needs nothing any more.
    """
    flying = need.state in IN_FLIGHT
    unmet = need.state is State.WAITING and need.waitlisted
    if need.state is State.ADMITTED:
        return Turn(need)
    if need.ended or need.end_version > need.settled_version:
        # Of a case that had ended and goes on, what was asked for before is settled, whether its end was heard before it was reopened or not.
        over = enter(need, State.ENDED if need.ended else State.SETTLED)
        over = replace(over, settled_version=max(need.settled_version, need.end_version))
        return replace(Turn(over) if need.ended else reconsider(over), cancel="case_ended" if flying else None, unmet=unmet)
    if not need.shelter_needed or need.emptied:
        return Turn(enter(need, State.NONE), "no_longer_needed" if flying else None, unmet)
    if need.split:
        return Turn(enter(need, State.SPLIT))
    if need.state in {State.OFFERED, State.ACCEPTED} and (changed or not still_suits):
        return Turn(enter(need, State.WAITING), "household_changed")
    return Turn(_asked(need))


def _asked(need: Need) -> Need:
    """A need that somebody asks to be met, unless what asks is settled: as what was asked before a case was reopened, and heard of only now."""
    if need.state is State.NONE and need.version <= need.settled_version:
        return replace(enter(need, State.SETTLED), settled_version=need.settled_version)
    asks = need.state in {State.NONE, State.DECLINED, State.SETTLED} and need.version > need.settled_version
    return enter(need, State.WAITING) if asks or need.state is State.SPLIT else need


def enter(need: Need, state: State) -> Need:
    """The need in another state; what belonged to the waiting list is forgotten."""
    if state is need.state:
        return need
    settled = need.version if state in {State.DECLINED, State.SETTLED} else need.settled_version
    return replace(need, state=state, settled_version=settled, waitlisted=False, review_at=None, reasons=())


def no_answer(need: Need, home: UUID) -> Need:
    """The home's hold ran out: the household waits, and that home is left out until the next review."""
    return enter(replace(need, not_now=need.not_now | {home}), State.WAITING)


def declined_by(need: Need, home: UUID, *, for_good: bool) -> Need:
    """The home's head said no; a full home may be asked again after the next review."""
    if for_good:
        return enter(replace(need, declined=need.declined | {home}), State.WAITING)
    return no_answer(need, home)


def after_cancel(reason: str) -> State:
    """Where a need goes when people take an offer back."""
    return {"survivor_declined": State.DECLINED, "survivor_unreachable": State.NO_SHOW}.get(reason, State.SETTLED)


def out_of_bed(need: Need) -> Need:
    """The last member left the home."""
    return enter(need, State.ENDED if need.ended else State.SETTLED)
