"""Which home each household is offered, and how long its beds are held. No clock, no database, no bus."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from placement.domain.homes import Considered, Home, Refusal, refusal, taken
from placement.domain.people import Household, in_arrival_order
from placement.domain.rooms import fit


@dataclass(frozen=True, slots=True)
class Offer:
    """A home for the whole household; `beds` are bed ids by person id."""

    household: Household
    home: UUID
    beds: Mapping[UUID, UUID]
    considered: tuple[Considered, ...] = ()


@dataclass(frozen=True, slots=True)
class Unplaceable:
    """No home for this household now; one reason per home."""

    household: Household
    reasons: tuple[Refusal, ...]
    considered: tuple[Considered, ...] = ()


def offer_homes(homes: Iterable[Home], households: Iterable[Household]) -> list[Offer | Unplaceable]:
    """Offer each household, in arrival order, the best home that suits all its members; never part of a household.

    Each takes its beds from what the earlier ones left. The same homes and households give the same answers, whatever their order here.
    """
    left = {home.id: home for home in sorted(homes, key=lambda home: home.id)}
    decisions: list[Offer | Unplaceable] = []
    for household in in_arrival_order(households):
        decision = offer_home(left.values(), household)
        if isinstance(decision, Offer):
            left[decision.home] = taken(left[decision.home], household, decision.beds)
        decisions.append(decision)
    return decisions


def offer_home(homes: Iterable[Home], household: Household) -> Offer | Unplaceable:
    """The best home for one household: a specialised one before transit, then the one with the fewest beds left over, then by id."""
    known = list(homes)
    if any(person.id in home.sheltered for home in known for person in household.persons):
        return Unplaceable(household, tuple(Refusal(home.id, "P1", "person_has_a_bed", home.secret) for home in known))
    reasons: dict[UUID, Refusal] = {home.id: reason for home in known if (reason := refusal(home, household))}
    suiting = [home for home in known if home.id not in reasons]
    for home in sorted(suiting, key=lambda home: (home.transit, home.free_beds, home.id)):
        if beds := fit(home, household):
            return Offer(household, home.id, beds)
        reasons[home.id] = Refusal(home.id, "P4", "rooms_do_not_fit", home.secret)
    return Unplaceable(household, tuple(reasons[home.id] for home in known))


@dataclass(frozen=True, slots=True)
class Hold:
    """How long the beds of an offer are kept for an answer; it is extended while the ladder of reminders runs."""

    until: datetime
    ladder_until: datetime


def first_hold(now: datetime, hold: timedelta, ladder: timedelta) -> Hold:
    """P12, P13: a hold begins with its usual length, or with the ladder's when that is shorter."""
    return Hold(now + min(hold, ladder), now + ladder)


def next_hold(current: Hold, now: datetime, hold: timedelta) -> Hold | None:
    """P13: the hold goes on while the ladder runs; None when the ladder is over."""
    until = min(max(current.until, now) + hold, current.ladder_until)
    return Hold(until, current.ladder_until) if current.until < current.ladder_until and until > now else None
