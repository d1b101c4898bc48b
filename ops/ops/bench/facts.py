"""The facts that are fed, as intake would say them, and the yardstick's messages of the same content."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from chassis.bus.relay import publish_batch
from chassis.envelope import Cause, Emitted
from contracts.household import Household, Person
from contracts.intake import Triaged
from contracts.vocabulary import HouseholdRole, Risk, Sex, ShelterGround, ViolenceType
from nats.aio.client import Client

from ops.bench.bed import AGENCY, BenchError
from ops.bench.inventory import AREA
from ops.bench.yardstick import CaseEvent, subject_of

ATOMIC = 500
SHELTER_EVERY, URGENT_EVERY = 20, 10
# More than a store's column takes: a fact that can be read, and whose handling then fails by its own fault.
POISONOUS_VERSION = 2**63


def a_triage(number: int) -> Triaged:
    """A triage: every twentieth case needs a shelter, every tenth is urgent."""
    needed = number % SHELTER_EVERY == 0
    persons = [Person(person_id=_id("person"), sex=Sex.FEMALE, age=34, role=HouseholdRole.VICTIM)]
    if needed:
        persons.append(Person(person_id=_id("child"), sex=Sex.MALE, age=6, role=HouseholdRole.CHILD))
    return Triaged(
        household=Household(household_id=_id("household"), revision=1, persons=tuple(persons)),
        area=AREA,
        risk=Risk.HIGH if number % URGENT_EVERY == 0 else Risk.MEDIUM,
        responsible_agency=AGENCY,
        shelter_needed=needed,
        shelter_grounds=(ShelterGround.THREAT_TO_LIFE,) if needed else (),
        violence_types=(ViolenceType.PHYSICAL,),
        due_at=datetime.now(UTC) + timedelta(hours=24),
    )


def triaged(number: int, *, poison: bool = False) -> Emitted:
    """The fact that a case was triaged, in its envelope; a poisonous one cannot be handled."""
    now, case, fact = datetime.now(UTC), _id("case"), a_triage(number)
    cause = Cause(f"bench|{case}", now, str(case))
    return Emitted(
        id=cause.derive(1, case, fact.type),
        type=fact.type,
        source=fact.producer,
        stream=fact.stream,
        route=fact.route,
        subject=case,
        time=now,
        factversion=POISONOUS_VERSION if poison else 1,
        correlation=str(case),
        causation=cause.name,
        trace=None,
        body=fact.model_dump_json().encode(),
    )


def _id(kind: str) -> UUID:
    """A time-ordered id, as the services make them."""
    return Cause(uuid4().hex, datetime.now(UTC), "").derive(1, UUID(int=0), kind)


async def feed(client: Client, facts: Sequence[Emitted]) -> None:
    """Publish facts in atomic batches."""
    for start in range(0, len(facts), ATOMIC):
        await publish_batch(client, Triaged.stream, [(fact, str(fact.id)) for fact in facts[start : start + ATOMIC]])


def yardstick_body(number: int) -> bytes:
    """The same triage as the yardstick's first message."""
    return CaseEvent(case_id=_id("case"), fact=a_triage(number)).model_dump_json().encode()


async def feed_yardstick(client: Client, stream: str, bodies: Sequence[bytes]) -> None:
    """Publish bodies in atomic batches. Raises BenchError when the server refuses one."""
    for start in range(0, len(bodies), ATOMIC):
        await publish_bodies(client, stream, bodies[start : start + ATOMIC])


async def publish_bodies(client: Client, stream: str, bodies: Sequence[bytes]) -> None:
    """Publish bodies as one atomic batch. Raises BenchError when the server refuses it."""
    batch, subject = uuid4().hex, subject_of(stream)
    for number, body in enumerate(bodies, 1):
        headers = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number), "content-type": "application/json"}
        if number < len(bodies):
            await client.publish(subject, body, headers=headers)
        else:
            answer = await client.request(subject, body, headers=headers | {"Nats-Batch-Commit": "1"}, timeout=30)
            if b"error" in answer.data:
                raise BenchError(answer.data.decode())
