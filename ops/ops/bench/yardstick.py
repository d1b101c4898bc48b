"""What the platform's speed is measured against: the same three hops as the FastStream and SQLModel documents teach them.

One handler per service takes one message, decides with the service's own domain functions on what it reads from the service's own
tables, writes the rows in one session, commits, publishes the next event, waits for its acknowledgement and lets FastStream acknowledge.
It keeps no inbox, no outbox and no clocks, so a crash between commit and publish loses an event and a redelivery doubles one. Run as a
process: `python -m ops.bench.yardstick <hop>`, told by YARDSTICK_NATS_URL, YARDSTICK_NATS_PASSWORD and YARDSTICK_DATABASE_URL.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import anyio
from assessment import roster
from assessment import store as assessments
from assessment.domain import assignment, case
from contracts.intake import Triaged
from faststream import FastStream
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.security import SASLPlaintext
from notifications import domain as notices
from notifications import store as inboxes
from placement.domain import needs
from placement.domain.offers import Offer, first_hold, offer_homes
from placement.domain.people import Household, Person
from placement.store import register
from placement.store import tables as placements
from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import text
from sqlmodel.ext.asyncio.session import AsyncSession

from ops.bench.bed import MANY, USER

AT_ONCE = 1
HOLD, LADDER = timedelta(minutes=90), timedelta(hours=4)


class CaseEvent(BaseModel):
    """What travels: the triage, and what was done about it so far."""

    case_id: UUID
    fact: Triaged
    worker_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A session as the services' own queries ask it."""

    session: AsyncSession
    now: datetime

    async def rows(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """All rows of a query."""
        return (await self.session.execute(statement, parameters)).all()


async def place(session: AsyncSession, event: CaseEvent) -> CaseEvent:
    """Keep what the household needs; offer it a home when it needs one, and hold the beds."""
    now, fact = datetime.now(UTC), event.fact
    persons = tuple(Person(p.person_id, p.sex.value, p.age, p.role.value, frozenset(need.value for need in p.needs)) for p in fact.household.persons)
    state, grounds = needs.State.NONE, frozenset(ground.value for ground in fact.shelter_grounds)
    if fact.shelter_needed:
        homes = await register.homes(Asked(session, now))  # type: ignore[arg-type]
        (decision,) = offer_homes(homes, [Household(event.case_id, persons, now, grounds=grounds)])
        state = needs.State.WAITING
        if isinstance(decision, Offer):
            state = needs.State.OFFERED
            await _hold(session, decision, now)
    session.add(_need_row(event, persons, state, now))
    return event


async def _hold(session: AsyncSession, offer: Offer, now: datetime) -> None:
    hold = first_hold(now, HOLD, LADDER)
    made = placements.PlacementRow(
        id=uuid4(),
        case_id=offer.household.case_id,
        shelter_id=offer.home,
        state="offered",
        revision=1,
        members=_members(offer.household.persons),
        offered_at=now,
        hold_until=hold.until,
        ladder_until=hold.ladder_until,
        arrive_by=None,
        admitted_at=None,
        review_on=None,
        reason=None,
        direct=False,
        decided_by=None,
    )
    session.add(made)
    await session.flush()
    for person in offer.household.persons:
        during = Range(now, hold.until)
        session.add(
            placements.StayRow(
                placement_id=made.id,
                person_id=person.id,
                bed_id=offer.beds[person.id],
                case_id=made.case_id,
                sex=person.sex,
                small=person.small,
                during=during,
                ended_as=None,
            )
        )


def _need_row(event: CaseEvent, persons: Sequence[Person], state: needs.State, now: datetime) -> placements.NeedRow:
    fact = event.fact
    return placements.NeedRow(
        case_id=event.case_id,
        version=1,
        household_version=1,
        revision=fact.household.revision,
        persons=_members(persons),
        risk=fact.risk.value,
        grounds=[ground.value for ground in fact.shelter_grounds],
        keep_apart=[],
        perpetrator_areas=[],
        medical_gate=False,
        shelter_needed=fact.shelter_needed,
        ended=False,
        state=state.value,
        waiting_since=now if fact.shelter_needed else None,
        declined=[],
        not_now=[],
        apart=[],
        kept_from=[],
        settled_version=0,
        waitlisted=False,
        review_at=None,
        reasons=[],
    )


def _members(persons: Sequence[Person]) -> list[dict[str, Any]]:
    return [{"id": str(p.id), "sex": p.sex, "age": p.age, "role": p.role, "needs": sorted(p.needs)} for p in persons]


async def assess(session: AsyncSession, event: CaseEvent) -> CaseEvent:
    """Begin the assessment of a case that is at home, and give it to the worker with the fewest open cases."""
    now, fact, limits = datetime.now(UTC), event.fact, case.Limits()
    members = tuple(case.Member(person.person_id, person.age) for person in fact.household.persons)
    told = case.Triage(1, members, fact.area, fact.risk.value, fact.shelter_needed)
    known = case.advance(case.learn(case.Case(event.case_id), [told]), now, limits)
    if assignment.assignable(known):
        given = assignment.share_out([known], await roster.active_workers(Asked(session, now), MANY), now)  # type: ignore[arg-type]
        for case_id, choice in given.items():
            known, _ = assignment.give(known, choice.worker, now, limits)
            session.add(assessments.AssignmentRow(case_id=case_id, worker_id=choice.worker, at=now, why=None))
    row = assessments._row(known)  # noqa: SLF001 - the service's own way of writing a case
    session.add(assessments.CaseRow(**row | {"case_id": known.case_id, "worker_id": known.worker, "due_at": known.due}))
    return event.model_copy(update={"worker_id": known.worker})


async def notify(session: AsyncSession, event: CaseEvent) -> None:
    """Keep who leads the case and who works on it, and write a notice for everybody who is to be told of the triage and of the worker."""
    now, fact = datetime.now(UTC), event.fact
    file = notices.CaseFile(event.case_id).triaged(1, fact.responsible_agency, fact.risk.value)
    happened = [notices.Happening("intake.triaged", pressing=fact.urgent, agency=fact.responsible_agency)]
    if event.worker_id:
        file = file.assigned(1, event.worker_id)
        happened.append(notices.Happening("assessment.assigned", worker=event.worker_id))
    session.add(inboxes.CaseFileRow(**{name: getattr(file, name) for name in inboxes.CaseFileRow.model_fields}))
    for happening in happened:
        for notice in notices.notices_for(happening, file):
            position = (await session.execute(text("SELECT nextval('notice_position')"))).scalar_one()
            session.add(
                inboxes.NoticeRow(
                    id=uuid4(),
                    position=position,
                    source=f"{event.case_id}|{happening.kind}",
                    recipient=notice.recipient,
                    role=notice.role,
                    agency=notice.agency,
                    unit=notice.unit,
                    officer=notice.officer,
                    follows=notice.follows,
                    kind=notice.kind,
                    urgency=notice.urgency,
                    case_id=event.case_id,
                    subscription_id=None,
                    placement_id=None,
                    number=None,
                    clock=None,
                    occurred_at=now,
                    due_at=fact.due_at,
                    created_at=now,
                    acknowledged_at=None,
                    acknowledged_by=None,
                    acknowledged_after_seconds=None,
                )
            )


@dataclass(frozen=True, slots=True)
class Hop:
    """One service of the tutorial: the stream it reads, whose subject is the stream's name in lower case, and the one it fills."""

    name: str
    reads: str
    fills: str | None
    decide: Callable[[AsyncSession, CaseEvent], Awaitable[CaseEvent | None]]
    table: str


HOPS = (
    Hop("placement", "YARDTRIAGED", "YARDPLACED", place, "need"),
    Hop("assessment", "YARDPLACED", "YARDASSIGNED", assess, "assessment_case"),
    Hop("notifications", "YARDASSIGNED", None, notify, "case_file"),
)


def subject_of(stream: str) -> str:
    """The one subject that a stream of the yardstick stores."""
    return stream.lower()


def engine_of(url: str) -> AsyncEngine:
    """An engine as the documents make it."""
    return create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))


def application(hop: Hop, nats_url: str, password: str, database_url: str) -> FastStream:
    """One hop as an application."""
    engine = engine_of(database_url)
    # Without a log line per message, which the documents' default has: the yardstick is measured at its best.
    broker = NatsBroker(nats_url, security=SASLPlaintext(USER, password), logger=None)

    @broker.subscriber(subject_of(hop.reads), stream=JStream(hop.reads, declare=False), durable=hop.name, pull_sub=PullSub(AT_ONCE))
    async def carry(event: CaseEvent) -> None:
        async with AsyncSession(engine) as session:
            after = await hop.decide(session, event)
            await session.commit()
        if hop.fills is not None and after is not None:
            await broker.publish(after, subject_of(hop.fills), stream=hop.fills, timeout=5)

    return FastStream(broker, logger=None)


def main() -> None:
    """Serve one hop until told to stop."""
    hop = next(hop for hop in HOPS if hop.name == sys.argv[1])
    url, password = os.environ["YARDSTICK_NATS_URL"], os.environ["YARDSTICK_NATS_PASSWORD"]
    app = application(hop, url, password, os.environ["YARDSTICK_DATABASE_URL"])
    anyio.run(app.run, backend_options={"use_uvloop": True})  # as `faststream run` does


if __name__ == "__main__":
    main()
