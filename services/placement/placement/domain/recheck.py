"""What of an answer that was found on a snapshot holds when it is written."""

from collections.abc import Iterable, Sequence

from placement.domain.homes import Home, taken
from placement.domain.offers import Offer, Unplaceable
from placement.domain.people import Household, rank
from placement.domain.rooms import allowed
from placement.domain.rules import refusal


def recheck(
    homes: Iterable[Home], households: Iterable[Household], decisions: Sequence[Offer | Unplaceable]
) -> tuple[list[Offer | Unplaceable], bool]:
    """The decisions that hold for these homes and households as they are now, in their order; and whether somebody is to be decided on again.

    An offer holds when its household is as it was, every rule says yes and its beds are free; and when nobody came meanwhile who goes before it.
    The beds of one that does not hold may suit somebody who waits.
    """
    now = {household.case_id: household for household in households}
    decided = {decision.household.case_id: decision.household for decision in decisions}
    new = [rank(household) for case_id, household in now.items() if decided.get(case_id) != household]
    first = min(new, default=None)
    left = {home.id: home for home in homes}
    held: list[Offer | Unplaceable] = []
    for decision in decisions:
        household = decision.household
        if now.get(household.case_id) != household:
            continue
        if isinstance(decision, Unplaceable):
            held.append(decision)
        elif (first is None or rank(household) < first) and _holds(left.get(decision.home), decision):
            left[decision.home] = taken(left[decision.home], household, decision.beds)
            held.append(decision)
    kept = {decision.household.case_id for decision in held}
    lost = any(isinstance(decision, Offer) and decision.household.case_id not in kept for decision in decisions)
    waits = any(isinstance(decision, Unplaceable) for decision in held)
    return held, bool(now.keys() - kept) or (lost and waits)


def _holds(home: Home | None, offer: Offer) -> bool:
    return home is not None and refusal(home, offer.household) is None and allowed(home, offer.household, offer.beds)
