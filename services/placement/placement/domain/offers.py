"""Which home each household is offered, and how long its beds are held. No clock, no database, no bus."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from placement.domain.homes import Considered, Home, Refusal, Verdict, taken
from placement.domain.people import Household, in_order
from placement.domain.rooms import Arrangement, arrange, beds_of
from placement.domain.rules import NO, RULES_VERSION, cost_of, of_overflow, of_rooms, refused_by, verdicts


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
    """Offer each household, in the order of the waiting list, the best home that suits all its members; never part of a household.

    Each takes its beds from what those before it left, who keep theirs: `assign.match` also moves them. The same homes and households give
    the same answers, whatever their order here.
    """
    left = {home.id: home for home in sorted(homes, key=lambda home: home.id)}
    decisions: list[Offer | Unplaceable] = []
    for household in in_order(households):
        decision = offer_home(left.values(), household)
        if isinstance(decision, Offer):
            left[decision.home] = taken(left[decision.home], household, decision.beds)
        decisions.append(decision)
    return decisions


def offer_home(homes: Iterable[Home], household: Household) -> Offer | Unplaceable:
    """The home that costs least for one household, then the one with the fewest beds left over, then by id; and what was found of every home.

    Exact, without a solver: homes are tried in the order of what they cost at least, until none of the others can be better.
    """
    known = list(homes)
    if any(person.id in home.sheltered for home in known for person in household.persons):
        return has_a_bed_already(household, known)
    return best_of([(home, verdicts(home, household)) for home in known], household)


def has_a_bed_already(household: Household, homes: Iterable[Home]) -> Unplaceable:
    """P1: a member of the household stays in one of the homes, or a bed is held for her."""
    found = tuple(Considered(home.id, (Verdict("P1", RULES_VERSION, NO, "person_has_a_bed"),), home.secret) for home in homes)
    return Unplaceable(household, _refusals(found), found)


def best_of(judged: Sequence[tuple[Home, tuple[Verdict, ...]]], household: Household) -> Offer | Unplaceable:
    """The best of these homes, of which the rules have said this, for one household."""
    considered = {home.id: Considered(home.id, found, home.secret) for home, found in judged}
    suiting = sorted((cost_of(found), home.free_beds, home.id, home) for home, found in judged if refused_by(found) is None)
    best: tuple[int, int, UUID] | None = None
    offer: Offer | None = None
    for cost, left_over, home_id, home in suiting:
        if best is not None and (cost, left_over, home_id) > best:
            rooms: tuple[Verdict, ...] = (of_rooms("not_tried"),)
        else:
            found = arrange(home, household)
            rooms = said_of_rooms(found)
            if found is not None and (best is None or (cost + found.whole, left_over, home_id) < best):
                best = (cost + found.whole, left_over, home_id)
                offer = Offer(household, home_id, beds_of(home, found))
        considered[home_id] = replace(considered[home_id], verdicts=considered[home_id].verdicts + rooms)
    everything = tuple(considered.values())
    return Unplaceable(household, _refusals(everything), everything) if offer is None else replace(offer, considered=everything)


def said_of_rooms(found: Arrangement | None) -> tuple[Verdict, ...]:
    """P4 and P16: what the best arrangement of a household in a home says, or that there is none."""
    return (of_rooms("rooms_do_not_fit"),) if found is None else (of_rooms("fits", found.cost), of_overflow(found.overflow))


def _refusals(considered: Iterable[Considered]) -> tuple[Refusal, ...]:
    found = ((entry, refused_by(entry.verdicts)) for entry in considered)
    return tuple(Refusal(entry.home, verdict.rule, verdict.fact, entry.secret) for entry, verdict in found if verdict)


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
