"""The smallest service that uses all of the chassis: it counts triages per case, answers each with a fact, and sets a clock."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar
from uuid import UUID

from chassis import Asked, Due, Inputs, Received, Service, Settings, Transaction, conflict, reads, writes, writes_together
from chassis.migrate import AUDIT_CHAIN
from chassis.store.tables import chassis_tables
from contracts import audit, catalogue, streams
from contracts.intake import Triaged
from contracts.placement import ClockMissed, Waitlisted
from fastapi import APIRouter, Body
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine

COUNT = text("""
    INSERT INTO seen (case_id, n) SELECT case_id, count(*) FROM unnest(CAST(:cases AS uuid[])) AS c (case_id) GROUP BY case_id
    ON CONFLICT (case_id) DO UPDATE SET n = seen.n + excluded.n""")


class Poison:
    """Cases whose handling fails, as long as they are listed here."""

    cases: ClassVar[set[UUID]] = set()


class Thought:
    """Whether the toy has begun to think, and may end."""

    begun: ClassVar[asyncio.Event]
    ended: ClassVar[asyncio.Event]
    looked: ClassVar[list[int]] = []


async def prepare(url: str) -> None:
    """The toy's schema in an empty database."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    metadata = MetaData()
    chassis_tables(metadata)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(text("INSERT INTO store_epoch VALUES (1)"))
        for statement in AUDIT_CHAIN:
            await connection.exec_driver_sql(statement)
        await connection.execute(text("CREATE TABLE seen (case_id uuid PRIMARY KEY, n int NOT NULL CHECK (n < 1000))"))
    await engine.dispose()


def build(settings: Settings, **more: Any) -> Service:
    """The toy, in place of the placement service."""
    inputs = Inputs()

    @inputs.consumes(Triaged)
    async def count(events: Sequence[Received[Triaged]], tx: Transaction) -> None:
        for event in events:
            if event.subject in Poison.cases:
                message = "a value nobody may see"
                raise ValueError(message)
        await tx.execute(COUNT, {"cases": [event.subject for event in events]})
        for event in events:
            tx.emit(Waitlisted(review_at=tx.now), event.subject, key=str(event.id))
            tx.set_clock("review", event.subject, tx.now + tx.settings.span(hours=1))

    @inputs.clock("review")
    async def review(due: Sequence[Due], tx: Transaction) -> None:
        for clock in due:
            tx.emit(ClockMissed(clock="review", due_at=clock.due), clock.subject)

    think_first(inputs)
    router = APIRouter()

    @router.post("/cases/{case_id}", status_code=201)
    @writes("operator")
    async def add(case_id: UUID, tx: Transaction) -> dict[str, str]:
        await tx.lock([case_id])
        if await tx.row(text("SELECT 1 FROM seen WHERE case_id = :c"), {"c": case_id}):
            raise conflict("seen", state="seen")
        await tx.execute(COUNT, {"cases": [case_id]})
        tx.emit(Waitlisted(review_at=tx.now), case_id)
        return {"case_id": str(case_id), "id": str(tx.new_id("thing"))}

    @router.get("/cases/{case_id}")
    @reads("operator")
    async def see(case_id: UUID, tx: Transaction) -> dict[str, int]:
        tx.audit("read", case_id, ["n"])
        row = await tx.row(text("SELECT n FROM seen WHERE case_id = :c"), {"c": case_id})
        return {"n": row.n if row else 0}

    decide_together(router)
    return Service(
        name="placement",
        settings=settings,
        inputs=inputs,
        routers=[router],
        durables=[(d.stream, d.name) for d in streams.durables_of("placement")],
        order=catalogue.ORDER,
        said_on=streams.said_on("placement"),
        seal=audit.PlacementSealed,
        **more,
    )


def think_first(inputs: Inputs) -> None:
    """A clock whose decision takes long: it is made before a transaction is open."""

    async def look(due: Sequence[Due], read: Any) -> int:
        Thought.looked.append(len(due))
        Thought.begun.set()
        await Thought.ended.wait()
        return int(await read(_cases_seen))

    @inputs.clock("think", beforehand=look)
    async def decide(due: Sequence[Due], tx: Transaction, found: int) -> None:
        for clock in due:
            tx.emit(ClockMissed(clock=f"found_{found}", due_at=clock.due), clock.subject)

    inputs.at_once["think"] = 2


async def _cases_seen(tx: Transaction) -> int:
    return int((await tx.rows(text("SELECT count(*) FROM seen")))[0][0])


def decide_together(router: APIRouter) -> None:
    """A write whose concurrent requests share a transaction."""

    @router.post("/seen", status_code=201)
    @writes_together("operator", body=Annotated[dict[str, str], Body()])
    async def see_together(asked: Sequence[Asked[dict[str, str]]], tx: Transaction) -> list[Any]:
        cases = [UUID(entry.body["case_id"]) for entry in asked]
        await tx.lock(cases)
        known = {row.case_id for row in await tx.rows(text("SELECT case_id FROM seen WHERE case_id = ANY(CAST(:c AS uuid[]))"), {"c": cases})}
        if Poison.cases.intersection(cases):
            message = "a value nobody may see"
            raise ValueError(message)
        new = [(case, entry) for case, entry in zip(cases, asked, strict=True) if case not in known]
        await tx.execute(COUNT, {"cases": [case for case, _ in new]})
        for case, entry in new:
            tx.emit(Waitlisted(review_at=tx.now), case, cause=entry.cause)
        return [
            conflict("seen", state="seen") if case in known else {"case_id": str(case), "id": str(tx.new_id("thing", cause=entry.cause))}
            for case, entry in zip(cases, asked, strict=True)
        ]
