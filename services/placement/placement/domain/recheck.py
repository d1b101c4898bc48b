"""What of an answer that was found on a snapshot holds when it is written."""

from collections.abc import Iterable

from placement.domain.homes import Home, taken
from placement.domain.offers import Offer
from placement.domain.rooms import allowed
from placement.domain.rules import refusal


def still_hold(home: Home, offers: Iterable[Offer]) -> list[Offer]:
    """The offers of a home, in the order of the list, that hold for it as it is now: every rule says yes and their beds are free, one after the other.

    Where nothing about a home changed they all do, also when some of them are not made: a bed less taken stands in nobody's way.
    """
    held = []
    for offer in offers:
        if refusal(home, offer.household) is None and allowed(home, offer.household, offer.beds):
            home = taken(home, offer.household, offer.beds)
            held.append(offer)
    return held
