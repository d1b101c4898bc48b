"""What a principal may know of placements, and how they are shown; what several routes need."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found

from placement import policy, store
from placement.api.placement_views import PlacementView, SaidBody
from placement.domain.placements import ClaimedError, Placement, Said, WrongStateError, require_unclaimed, wrong_time
from placement.store import staying

WRONG_STATE = "the state does not allow this"
MEMBER_FIELDS = ["members.sex", "members.age", "members.role", "members.needs"]


@contextmanager
def refusing() -> Iterator[None]:
    """Answer what the domain refuses with 409, and the state that is or who is on it until when."""
    try:
        yield
    except WrongStateError as error:
        raise conflict(WRONG_STATE, state=error.state.value) from None
    except ClaimedError as error:
        title = "somebody else is working on the answer"
        raise conflict(title, claimed_by=str(error.by), claimed_until=error.until.isoformat()) from None


def may_act_for(tx: Transaction, shelter_id: UUID) -> bool:
    """A head only for its own shelters; those who may act for all were let through by the route."""
    return shelter_id in units(tx) or tx.principal.has(*policy.FOR_ALL_SHELTERS)


def units(tx: Transaction) -> set[UUID]:
    """The shelters of a head."""
    found = set()
    for unit in tx.principal.units:
        try:
            found.add(UUID(unit))
        except ValueError:
            continue
    return found


async def visible(tx: Transaction, placement_id: UUID) -> Placement:
    """A placement that the principal may know of; 404 otherwise."""
    entry = await store.placement(tx, placement_id)
    if entry is None or not may_act_for(tx, entry.shelter_id):
        raise not_found("placement")
    return entry


async def locked(tx: Transaction, placement_id: UUID) -> Placement:
    """The same, with its case locked, as it is under the lock."""
    entry = await visible(tx, placement_id)
    await tx.lock([entry.subject])
    return await visible(tx, placement_id)


def said_by(tx: Transaction, body: SaidBody | None, offer: Placement) -> Said:
    """Who decided about an offer, when, and who records it. Refused are a time that cannot be, and speaking for others without the right to."""
    me = tx.principal.subject
    by, at = (body and body.decided_by) or me, (body and body.occurred_at) or tx.now
    if by != me and not tx.principal.has(*policy.RECORD_FOR_OTHERS):
        raise RefusedError(403, "only a coordinator records what somebody else decided", [FieldProblem("decided_by", "not_yours")])
    if body is not None and body.occurred_at is not None and (code := wrong_time(at, tx.now, offer.offered_at)):
        raise RefusedError(422, "this cannot have been decided then", [FieldProblem("occurred_at", code)])
    return Said(by, at, me)


def unclaimed(tx: Transaction, offer: Placement, said: Said) -> None:
    """Raises ClaimedError while somebody else is on the answer, unless the principal may overrule."""
    if not tx.principal.has(*policy.OVERRULE):
        require_unclaimed(offer, {said.by, said.recorded_by}, tx.now)


def only_present(persons: Collection[UUID], here: Collection[UUID]) -> None:
    """Refuse, naming each of them, persons who are not among those here."""
    if absent := sorted(set(persons) - set(here)):
        raise RefusedError(422, "some of these persons do not stay here", [FieldProblem(f"persons.{person}", "not_here") for person in absent])


async def answer(tx: Transaction, entry: Placement) -> PlacementView:
    """What an action answers: its placement, with the members for those who may see them."""
    return (await shown(tx, [entry]))[0]


async def shown(tx: Transaction, entries: Sequence[Placement]) -> list[PlacementView]:
    """Placements as the principal may see them."""
    if not tx.principal.has(*policy.SEE_PLACEMENTS):
        secret = await staying.secret_ones(tx, {entry.shelter_id for entry in entries})
        return [PlacementView.for_requester(entry, secret=entry.shelter_id in secret) for entry in entries]
    ids = [entry.id for entry in entries]
    beds, away = await store.beds_of(tx, ids), await staying.away(tx, ids)
    for case_id in sorted({entry.subject for entry in entries}):
        tx.audit("read", case_id, MEMBER_FIELDS)
    return [PlacementView.of(entry, beds.get(entry.id, {}), away.get(entry.id, {})) for entry in entries]
