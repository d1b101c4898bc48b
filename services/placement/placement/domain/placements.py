"""One offer's way to an admission and out again, and who may be admitted on what agreement."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum
from uuid import UUID

from placement.domain.homes import Home
from placement.domain.offers import Hold
from placement.domain.people import Household, Person
from placement.domain.rules import NO, RULES, has_a_bed_for_everyone

JAKARTA = timezone(timedelta(hours=7))


class Step(StrEnum):
    """The state of one placement."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    ADMITTED = "admitted"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    ENDED = "ended"


# Beside rules that were set aside, what `overrides` says of an offer that a person made out of order.
BY_HAND = "by_hand"
LIVE = (Step.OFFERED, Step.ACCEPTED, Step.ON_THE_WAY, Step.ADMITTED)
EXPECTED = frozenset({Step.ACCEPTED, Step.ON_THE_WAY})
# At which hour of its day in Jakarta a review is due, and how long before that it is somebody's move.
REVIEW_BY = time(17)
REVIEW_AHEAD = timedelta(days=3)
# From which states people may take a placement into which.
MOVES: Mapping[Step, frozenset[Step]] = {
    Step.ACCEPTED: frozenset({Step.OFFERED}),
    Step.DECLINED: frozenset({Step.OFFERED}),
    Step.ON_THE_WAY: frozenset({Step.ACCEPTED}),
    Step.ADMITTED: EXPECTED,
    Step.NO_SHOW: EXPECTED,
    Step.CANCELLED: EXPECTED | {Step.OFFERED},
    Step.ENDED: frozenset({Step.ADMITTED}),
}


@dataclass(frozen=True, slots=True)
class ByHand:
    """Why a person offered a home out of order, and the codes of the rules that a supervisor set aside for it."""

    reason: str
    set_aside: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[str, ...]:
        """As the placement keeps it."""
        return (f"{BY_HAND}:{self.reason}", *(f"{rule}:{self.reason}" for rule in self.set_aside))


class WrongStateError(Exception):
    """The state of the placement does not allow this."""

    def __init__(self, state: Step) -> None:
        super().__init__(state.value)
        self.state = state


class ClaimedError(Exception):
    """Somebody else said that she is on it."""

    def __init__(self, by: UUID, until: datetime) -> None:
        super().__init__(str(by))
        self.by, self.until = by, until


@dataclass(frozen=True, slots=True)
class Said:
    """Who decided something and when, and who recorded it: she herself, or a coordinator who was told by phone."""

    by: UUID
    at: datetime
    recorded_by: UUID


@dataclass(frozen=True, slots=True)
class Placement:
    """A home offered to a household, and what became of it; `revision` is that of the household it was made for."""

    id: UUID
    case_id: UUID
    shelter_id: UUID
    state: Step
    revision: int
    members: tuple[Person, ...]
    offered_at: datetime
    hold_until: datetime | None = None
    ladder_until: datetime | None = None
    arrive_by: datetime | None = None
    admitted_at: datetime | None = None
    review_on: date | None = None
    reason: str | None = None
    direct: bool = False
    decided_by: UUID | None = None
    transfer_of: UUID | None = None
    part_of: UUID | None = None
    claimed_by: UUID | None = None
    claimed_until: datetime | None = None
    recorded_by: UUID | None = None
    decided_at: datetime | None = None
    handover: str | None = None
    decision_id: UUID | None = None
    overrides: tuple[str, ...] = ()
    re_entry: bool = False

    @property
    def subject(self) -> UUID:
        """The case that facts about this placement are about, and whose lock and clocks it has: of a group of a split household the whole's."""
        return self.part_of or self.case_id

    @property
    def clock_key(self) -> str:
        """What tells the clocks of a group from those of its case."""
        return "" if self.part_of is None else str(self.case_id)

    @property
    def asks_to_move(self) -> bool:
        """Whether this only asks another shelter to take over persons who stay where they are until they have moved."""
        return self.transfer_of is not None and self.state in {Step.OFFERED, Step.ACCEPTED}

    @property
    def lapses_at(self) -> datetime | None:
        """Until when its beds are kept: an offer's until its hold is over, those of who is expected until they must have arrived."""
        return self.hold_until if self.state is Step.OFFERED else self.arrive_by

    @property
    def set_aside(self) -> frozenset[str]:
        """The codes of the rules that a supervisor set aside for this offer; `overrides` are these, each with its reason."""
        return frozenset(entry.partition(":")[0] for entry in self.overrides) - {BY_HAND}

    @property
    def hold(self) -> Hold:
        """The hold of an offer."""
        if self.hold_until is None or self.ladder_until is None:
            raise WrongStateError(self.state)
        return Hold(self.hold_until, self.ladder_until)


def move(placement: Placement, to: Step, by: UUID | None = None) -> Placement:
    """The placement in its next state. Raises WrongStateError when it cannot go there from where it is."""
    if placement.state not in MOVES[to]:
        raise WrongStateError(placement.state)
    return replace(placement, state=to, decided_by=by, recorded_by=None, decided_at=None)


def decided(placement: Placement, to: Step, said: Said) -> Placement:
    """The same by people: who said so, when, and who recorded it is kept. Raises WrongStateError."""
    return replace(move(placement, to, said.by), recorded_by=said.recorded_by, decided_at=said.at)


def wrong_time(said_at: datetime, now: datetime, offered_at: datetime) -> str | None:
    """The code of what is wrong with the time at which something was decided about an offer, or None."""
    if said_at > now:
        return "in_the_future"
    return "before_the_offer" if said_at < offered_at else None


def claim(offer: Placement, by: UUID, now: datetime, until: datetime) -> Placement:
    """The offer with somebody on it until a time; its hold lasts at least as long (P13).

    Raises WrongStateError for what is no offer, ClaimedError while somebody else is on it.
    """
    if offer.state is not Step.OFFERED:
        raise WrongStateError(offer.state)
    require_unclaimed(offer, {by}, now)
    return replace(offer, claimed_by=by, claimed_until=until, hold_until=max(offer.hold.until, until))


def require_unclaimed(offer: Placement, by: Collection[UUID], now: datetime) -> None:
    """Raises ClaimedError while somebody other than these said that she is on it."""
    if offer.claimed_by is not None and offer.claimed_by not in by and offer.claimed_until is not None and offer.claimed_until > now:
        raise ClaimedError(offer.claimed_by, offer.claimed_until)


def prolonged(offer: Placement, now: datetime, by: timedelta) -> Placement:
    """The offer with a longer hold, or the expected household with more time to arrive. Raises WrongStateError for any other."""
    match offer.state:
        case Step.OFFERED:
            return replace(offer, hold_until=max(offer.hold.until, now) + by)
        case Step.ACCEPTED | Step.ON_THE_WAY:
            return replace(offer, arrive_by=max(offer.arrive_by or now, now) + by)
        case _:
            raise WrongStateError(offer.state)


def admit(placement: Placement, said: Said, review_at: datetime) -> Placement:
    """The household is in since it was said; its stay is reviewed on the day of `review_at` in Jakarta (P17: a review, never an eviction)."""
    return replace(decided(placement, Step.ADMITTED, said), admitted_at=said.at, review_on=review_at.astimezone(JAKARTA).date())


# What no rule has a say in for people who are inside already.
NOT_AT_THE_DOOR = frozenset({"declined", "no_response"})


def warnings(home: Home, household: Household, *, fits: bool) -> tuple[str, ...]:
    """The codes of the rules that would have ruled the home out for people who are in it already; `fits` is whether its rooms fit them."""
    found = [rule(home, household) for rule in RULES if rule is not has_a_bed_for_everyone]
    broken = [verdict.rule for verdict in found if verdict.answer == NO and verdict.rule not in NOT_AT_THE_DOOR]
    return tuple(dict.fromkeys(broken if fits else [*broken, "P4"]))


@dataclass(frozen=True, slots=True)
class Agreed:
    """How one person agreed; `until` is the end of a legal ground."""

    person_id: UUID
    how: str
    until: date | None = None


FOR_ADULTS = frozenset({"own", "legal_ground"})
FOR_CHILDREN = frozenset({"own_view_and_consenter", "alternative_consenter", "legal_ground"})


def missing_agreements(members: Iterable[Person], agreed: Iterable[Agreed], today: date) -> list[tuple[str, str]]:
    """What stands against an admission, as (person or field, code); empty when everyone agreed.

    Each adult agrees for herself; a child has an own view and a consenter, or an alternative consenter. A legal ground takes the place
    of either and needs an end date after today (DESIGN invariant 6).
    """
    given = {entry.person_id: entry for entry in agreed}
    problems: list[tuple[str, str]] = []
    known: set[UUID] = set()
    for person in members:
        known.add(person.id)
        entry = given.get(person.id)
        if entry is None:
            problems.append((str(person.id), "agreement_missing"))
        elif entry.how not in (FOR_ADULTS if person.adult else FOR_CHILDREN):
            problems.append((str(person.id), "agreement_not_for_adults" if person.adult else "agreement_not_for_children"))
        elif entry.how == "legal_ground" and (entry.until is None or entry.until <= today):
            problems.append((f"{person.id}.legal_ground_until", "missing" if entry.until is None else "not_in_the_future"))
    return problems + [(str(person_id), "not_a_member") for person_id in sorted(given.keys() - known)]


OUTCOMES = {
    "reunification": "family",
    "return_to_other_region": "other_region",
    "kin_or_foster_care": "kin_or_foster",
    "rehabilitation": "rehabilitation",
    "services_at_home": "family",
    "independent_living": "independent",
    "referral_out": "other_shelter",
}
KIN = frozenset({"grandparent", "other_kin", "guardian"})
HOME_PROVINCE = "31."


def destination_of_outcome(outcome: str) -> str:
    """Where a person went whose plan came true."""
    return OUTCOMES[outcome]


def destination_of_return(receiver: str, area: str) -> str:
    """Where a person went who was reunified: to another region, to kin, or to her family."""
    if not area.startswith(HOME_PROVINCE):
        return "other_region"
    return "kin_or_foster" if receiver in KIN else "family"
