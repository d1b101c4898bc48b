"""Which homes the households of a waiting list get when they are decided on together.

Of all ways to house them, the one that houses the first of the list if any way can, then the second, and so on: nobody is passed over for
somebody after them unless no arrangement holds them together with those before. Among the ways that house the same households, one that costs
least in all (`rules` says what costs). Cheap steps that are sure come first: a household that takes what is left, or for which one other moves, is
housed; one for which nothing would be left in all homes that can be reached by moving is not. What they leave open a solver decides (`placing`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from placement.domain.homes import Considered, Home, Refusal, Verdict, taken
from placement.domain.offers import Offer, Unplaceable, best_of, has_a_bed_already, offer_home, said_of_rooms
from placement.domain.people import Household
from placement.domain.placing import STATIC, Placed, Placing, Seeker, Solution, Solve
from placement.domain.rooms import arrange, beds_of
from placement.domain.rules import WITH_GUESTS, cost_of, of_rooms, refusal, refused_by

__all__ = ["Matching", "Solution", "Solve", "Told", "at_once", "match", "placed_together"]

# So many pairs of a home and a household are looked at while others wait.
AT_ONCE = 300


@dataclass(frozen=True, slots=True)
class Matching:
    """What was decided for each household, in the order of the list; `proven` says that no other way is better, `cost` what all costs."""

    decisions: tuple[Offer | Unplaceable, ...]
    proven: bool
    cost: int


def match(homes: Iterable[Home], households: Iterable[Household], solve: Solve | None = None, time: Callable[[], bool] = lambda: True) -> Matching:
    """Decide on all households together; never part of one.

    Without a solver, and when it gives up or there is no `time` for it any more, what the cheap steps found is the answer, and it may not be
    proven. The same homes and households give the same answer, whatever their order here; and an answer that is proven is the same without
    those who were not housed.
    """
    found = placed_together(homes, households, solve, time)
    told = Told(found)
    return Matching(tuple(told.decision(household) for household in found.ordered), found.proven, found.cost)


def placed_together(
    homes: Iterable[Home], households: Iterable[Household], solve: Solve | None = None, time: Callable[[], bool] = lambda: True
) -> Placing:
    """Who is placed where. Where a solver said who is housed, these are placed once more by themselves, so that nobody else shows in it."""
    known = list(homes)
    found = Placing(known, households, solve, time)
    found.run()
    if found.asked and found.proven and len(found.placed) < len(found.seekers):
        alone = Placing(known, [found.seekers[number].household for number in found.placed], solve, time)
        alone.run()
        found.proven = alone.proven and len(alone.placed) == len(found.placed)
        if found.proven:
            found.adopt(alone)
    return found


def at_once(homes: Sequence[Home], households: Sequence[Household]) -> Sequence[Offer | Unplaceable] | None:
    """The decisions where they take no time and are surely the best: on a lone household, or on a few for which the cheap steps are enough."""
    if len(households) == 1:
        return [offer_home(homes, households[0])]
    if len(homes) * len(households) > AT_ONCE:
        return None
    found = match(homes, households)
    return found.decisions if found.proven else None


class Told:
    """What is said of a placing: each decision with what was found of every home as the others of the batch leave it."""

    def __init__(self, placing: Placing) -> None:
        self.placing = placing
        self._seekers = {seeker.household.case_id: seeker for seeker in placing.seekers}
        self._given = dict[int, dict[UUID, UUID]]()
        left = dict(placing.homes)
        for number in sorted(placing.placed):
            entry = placing.placed[number]
            self._given[number] = beds_of(left[entry.home], entry.arrangement)
            left[entry.home] = taken(left[entry.home], placing.seekers[number].household, self._given[number])

    def decision(self, household: Household) -> Offer | Unplaceable:
        """What was decided for one of the households, in full."""
        placing, seeker = self.placing, self._seekers.get(household.case_id)
        if seeker is None:
            return has_a_bed_already(household, placing.homes.values())
        if seeker.number in placing.placed:
            entry = placing.placed[seeker.number]
            return Offer(household, entry.home, self._given[seeker.number], tuple(self._seen(seeker, entry)))
        if seeker.doubles & placing.placed.keys():
            return has_a_bed_already(household, placing.left.values())
        return best_of([(home, _verdicts(seeker, home)) for home in placing.left.values()], household)

    def reasons(self, household: Household) -> tuple[Refusal, ...] | None:
        """Only why there is no home for one of the households, which is much less work; None where this way does not tell."""
        placing, seeker = self.placing, self._seekers.get(household.case_id)
        if seeker is None or seeker.number in placing.placed or seeker.doubles & placing.placed.keys():
            return None
        found = tuple(self._against(seeker, home) for home in placing.left.values())
        return None if None in found else tuple(reason for reason in found if reason)

    def _against(self, seeker: Seeker, home: Home) -> Refusal | None:
        if verdict := seeker.against.get(home.id):
            return Refusal(home.id, verdict.rule, verdict.fact, home.secret)
        if found := refusal(home, seeker.household, WITH_GUESTS):
            return found
        if arrange(home, seeker.household, self.placing.known) is not None:
            return None
        verdict = of_rooms("rooms_do_not_fit")
        return Refusal(home.id, verdict.rule, verdict.fact, home.secret)

    def _seen(self, seeker: Seeker, entry: Placed) -> Iterator[Considered]:
        """The homes of one that is placed: the one it gets as the others leave it, the others as they are left."""
        known = self.placing.known
        for home_id, left in self.placing.left.items():
            home = self.placing.without(home_id, seeker.number) if home_id == entry.home else left
            found = _verdicts(seeker, home)
            if home_id == entry.home:
                found += said_of_rooms(arrange(home, seeker.household, known))
            elif refused_by(found) is None:
                dearer = cost_of(found) > entry.cost
                found += (of_rooms("not_tried"),) if dearer else said_of_rooms(arrange(home, seeker.household, known))
            yield Considered(home_id, found, home.secret)


def _verdicts(seeker: Seeker, home: Home) -> tuple[Verdict, ...]:
    return tuple(rule(home, seeker.household) for rule in (*STATIC, *WITH_GUESTS))
