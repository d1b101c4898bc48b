"""The services of plans as rows: what was asked of whom, what intake said of it, and what follows - clocks and facts - from each change."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Received, Transaction
from contracts import assessment as facts
from contracts.event import Event
from contracts.intake import ServiceAnswered, ServiceRouted
from contracts.services import ServiceCode, ServiceReason
from sqlalchemy import BigInteger, Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field

from assessment import decisions, store
from assessment.domain import services
from assessment.domain.case import Case
from assessment.domain.services import Service, Status, Wanted, Word
from assessment.store import MOMENT, Base


class ServiceRow(Base, table=True):
    """One service for one person and where it stands: codes, ids and times only."""

    __tablename__ = "service"
    service_id: UUID = Field(primary_key=True)
    case_id: UUID
    person_id: UUID
    code: str
    provider: str
    status: str
    own: bool
    reason: str | None
    plan_version: int
    round_version: int = Field(sa_type=BigInteger)
    answer_version: int = Field(sa_type=BigInteger)
    heard_version: int = Field(sa_type=BigInteger)
    requested_at: datetime = Field(sa_type=MOMENT)
    changed_at: datetime = Field(sa_type=MOMENT)


class WordRow(Base, table=True):
    """What intake said of a request: one row for each of its facts, whatever became of it here."""

    __tablename__ = "service_word"
    event_id: UUID = Field(primary_key=True)
    case_id: UUID
    service_id: UUID
    version: int = Field(sa_type=BigInteger)
    passed_on: bool | None
    answer: str | None
    reason: str | None


SERVICE, WORD = ServiceRow.__table__, WordRow.__table__  # type: ignore[attr-defined]


# -- questions ----------------------------------------------------------------------------------------------------------------------


def service_of(row: Row[Any]) -> Service:
    """A row as the domain knows it."""
    return Service(
        row.service_id,
        row.person_id,
        row.code,
        row.provider,
        Status(row.status),
        row.own,
        row.reason,
        row.plan_version,
        row.round_version,
        row.answer_version,
        row.heard_version,
    )


async def rows_of(tx: Transaction, cases: Collection[UUID]) -> Sequence[Row[Any]]:
    """The rows of these cases, in the order in which they were asked for."""
    return await tx.rows(select(SERVICE).where(SERVICE.c.case_id.in_(cases)).order_by(SERVICE.c.requested_at, SERVICE.c.service_id))


async def of_cases(tx: Transaction, cases: Mapping[UUID, Case]) -> dict[UUID, list[Service]]:
    """The services of the present round of each case."""
    found: dict[UUID, list[Service]] = {case_id: [] for case_id in cases}
    for row in await rows_of(tx, cases.keys()):
        if row.round_version == cases[row.case_id].round:
            found[row.case_id].append(service_of(row))
    return found


async def row_of(tx: Transaction, service_id: UUID) -> Row[Any] | None:
    """One service's row."""
    return await tx.row(select(SERVICE).where(SERVICE.c.service_id == service_id))


async def asked_of(tx: Transaction, provider: str, most: int) -> Sequence[Row[Any]]:
    """What a provider was told of and has still to do, with the state of the case, the oldest first."""
    statement = select(SERVICE, store.CASE.c.deadlines).join(store.CASE, store.CASE.c.case_id == SERVICE.c.case_id)
    open_to_it = SERVICE.c.status.in_([Status.ASKED.value, Status.ACCEPTED.value])
    mine = statement.where(SERVICE.c.provider == provider, open_to_it, SERVICE.c.own.is_(False), store.CASE.c.ended.is_(False))
    return await tx.rows(mine.order_by(SERVICE.c.requested_at, SERVICE.c.service_id).limit(most))


# -- what follows -------------------------------------------------------------------------------------------------------------------


async def carry_out(tx: Transaction, case: Case, before: Iterable[Service], after: Collection[Service]) -> Case:
    """Write what changed of a case's services and say it; the case with their clocks, which the caller records."""
    earlier = {service.service_id: service for service in before}
    changed = [service for service in after if service != earlier.get(service.service_id)]
    await _keep(tx, case.case_id, changed)
    bounds = decisions.limits(tx)
    for service in changed:
        was = earlier.get(service.service_id)
        if (fact := _fact(service, was, due_at=tx.now + services.span("service_answer", case.risk, bounds))) is not None:
            tx.emit(fact, case.case_id, key=f"{service.service_id}:{service.status}:{service.answer_version}")
    return services.timed(case, earlier, after, tx.now, bounds)


def begun(tx: Transaction, case: Case, wanted: Iterable[Wanted], own_agency: str | None) -> list[Service]:
    """New services of the plan that holds; what the worker's own agency gives needs nobody's yes."""
    found = []
    for want in wanted:
        own = want.provider == own_agency
        status = Status.ACCEPTED if own else Status.REQUESTED
        identity = tx.new_id(f"service:{want.person}:{want.code}:{want.provider}", case.case_id)
        found.append(Service(identity, want.person, want.code, want.provider, status, own, None, case.plan_version, case.round))
    return found


async def plan_approved(tx: Transaction, case: Case, wanted: Sequence[Wanted], own_agency: str | None) -> Case:
    """Ask for what a newly approved version wants and is not under way already, and for no more of what it does not want any longer."""
    known = (await of_cases(tx, {case.case_id: case}))[case.case_id]
    change = services.by_plan(known, wanted)
    same = [service for service in known if service not in change.going_on and all(gone.service_id != service.service_id for gone in change.ended)]
    after = [*same, *change.going_on, *change.ended, *begun(tx, case, change.begun, own_agency)]
    return await carry_out(tx, case, known, after)


async def hear(tx: Transaction, events: Sequence[Received[Any]]) -> None:
    """Keep what intake said of requests, and let the services follow it."""
    rows = []
    for event in events:
        data: ServiceRouted | ServiceAnswered = event.data
        codes: dict[str, Any] = {"passed_on": None, "answer": None, "reason": None}
        if isinstance(data, ServiceRouted):
            codes["passed_on"] = data.passed_on
        else:
            codes |= {"answer": data.answer.value, "reason": data.reason.value if data.reason else None}
        rows.append({"event_id": event.id, "case_id": event.subject, "service_id": data.service_id, "version": event.factversion, **codes})
    await tx.execute(insert(WORD).values(rows).on_conflict_do_nothing())
    await follow(tx, {event.subject for event in events})


async def follow(tx: Transaction, cases: Collection[UUID]) -> None:
    """Let the services of these cases be what intake's words make of them."""
    known = await store.cases(tx, cases)
    of_case = await of_cases(tx, known)
    words: defaultdict[UUID, list[Word]] = defaultdict(list)
    for row in await tx.rows(select(WORD).where(WORD.c.case_id.in_(cases))):
        words[row.service_id].append(Word(row.version, row.passed_on, row.answer, row.reason))
    after = dict(known)
    for case_id, before in of_case.items():
        now = [services.heard(service, words[service.service_id]) for service in before]
        if now != before:
            after[case_id] = await carry_out(tx, known[case_id], before, now)
    await decisions.record(tx, known, after)


async def time_again(tx: Transaction, cases: Collection[UUID]) -> None:
    """Give each service of these cases the clock of what it waits for, where it has none."""
    known = await store.cases(tx, cases)
    of_case, bounds = await of_cases(tx, known), decisions.limits(tx)
    after = {
        case_id: services.timed(case, {service.service_id: service for service in of_case[case_id]}, of_case[case_id], tx.now, bounds)
        for case_id, case in known.items()
    }
    await decisions.record(tx, known, after)


async def learn_again(tx: Transaction, event: Received[Any], round_version: int) -> None:
    """Write a service again as one of our own facts, which the store lost, says it was."""
    data: facts.ServiceEvent = event.data
    row = await row_of(tx, data.service_id)
    known = service_of(row) if row else None
    status = {facts.ServiceAccepted: Status.ACCEPTED, facts.ServiceDelivered: Status.DELIVERED, facts.ServiceRequested: Status.REQUESTED}.get(
        type(data)
    )
    if isinstance(data, facts.ServiceDeclined):
        status = Status.ENDED if data.final else Status.DECLINED
    if status is None or (status is Status.REQUESTED and known is not None):
        return
    reason = data.reason.value if isinstance(data, facts.ServiceAnswered) and data.reason else None
    version = data.answer_version or 0 if isinstance(data, facts.ServiceAnswered) else 0
    # Only what the worker's own agency gives was never requested.
    own = known.own if known else status is Status.ACCEPTED
    again = Service(data.service_id, data.person_id, data.service.value, data.provider, status, own, reason, 0, round_version, version)
    await _keep(tx, event.subject, [again], event.time)


async def _keep(tx: Transaction, case_id: UUID, changed: Collection[Service], at: datetime | None = None) -> None:
    rows = []
    for service in changed:
        values = asdict(service)
        values["person_id"] = values.pop("person")
        rows.append({**values, "status": service.status.value, "case_id": case_id, "requested_at": at or tx.now, "changed_at": at or tx.now})
    if rows:
        statement = insert(SERVICE).values(rows)
        newer = ("status", "reason", "answer_version", "heard_version", "changed_at")
        await tx.execute(
            statement.on_conflict_do_update(index_elements=["service_id"], set_={name: getattr(statement.excluded, name) for name in newer})
        )


def _fact(service: Service, was: Service | None, due_at: datetime) -> Event | None:
    """What a change of a service says to others; that a provider is told, or not any more, is intake's word."""
    who = {"service_id": service.service_id, "person_id": service.person, "provider": service.provider, "service": ServiceCode(service.code)}
    if was is None and service.status is Status.REQUESTED:
        return facts.ServiceRequested.model_validate({**who, "due_at": due_at})
    if was is not None and (was.status, was.reason) == (service.status, service.reason):
        return None
    reason = ServiceReason(service.reason) if service.reason else None
    said = {**who, "reason": reason, "answer_version": service.answer_version or None}
    match service.status:
        case Status.ACCEPTED:
            return facts.ServiceAccepted.model_validate(said)
        case Status.DECLINED | Status.ENDED:
            return facts.ServiceDeclined.model_validate({**said, "final": service.status is Status.ENDED})
        case Status.DELIVERED:
            return facts.ServiceDelivered.model_validate(said)
    return None
