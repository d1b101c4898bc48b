"""A home offered by a person, out of the waiting list's order and with a reason that is kept. The caller has locked the case."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from chassis import Transaction, conflict

from placement import policy, store
from placement.domain.homes import Refusal
from placement.domain.needs import Need, State, enter
from placement.domain.offers import Offer, offer_home
from placement.domain.placements import ByHand, Placement
from placement.finding import matching, timing
from placement.store import register, staying

RULED_OUT = "a rule stands against this shelter"


def told(tx: Transaction, against: Refusal) -> dict[str, str]:
    """What stands against a shelter, for whoever asks: of a secret one only a supervisor is told the rule."""
    if against.secret and not tx.principal.has(policy.SUPERVISOR):
        return {"rule": register.HIDDEN}
    return {"rule": against.rule, "fact": against.fact}


async def offer(tx: Transaction, need: Need, shelter_id: UUID, reason: str, overrides: Collection[str] = ()) -> Placement:
    """Offer a waiting household one shelter, whoever waits longer, and also if its head said no before: a person knows why.

    `overrides` are the codes of rules that a supervisor sets aside. Raises 409 naming the rule that stands against it; only those ask
    who may know it.
    """
    asked = replace(need.household(tx.now), declined=frozenset(), not_now=frozenset(), overrides=frozenset(overrides))
    (home,) = await register.homes(tx, [shelter_id])
    if await staying.housed(tx, [person.id for person in asked.persons]):
        raise conflict(RULED_OUT, rule="P1", fact="person_has_a_bed")
    chosen = offer_home([home], asked)
    if not isinstance(chosen, Offer):
        raise conflict(RULED_OUT, **told(tx, chosen.reasons[0]))
    kept_as = await matching.keep_alone(tx, [home], chosen)
    made = matching.make_offer(tx, need, chosen, kept_as, by_hand=ByHand(reason, tuple(sorted(overrides))))
    await store.save_placements(tx, [made])
    await store.hold_beds(tx, [(made, chosen)], {made.id: made.hold_until})
    await matching.record(tx, {need.case_id: need}, {need.case_id: enter(need, State.OFFERED)})
    timing.set_availability(tx, need.subject)
    return made
