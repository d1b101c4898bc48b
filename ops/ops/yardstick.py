"""What the platform's speed is measured against: the same three hops as the FastStream and SQLModel documents teach them.

One handler per service takes one message, writes one row in one session, commits, publishes the next event and lets FastStream
acknowledge. It keeps no inbox and no outbox, so a crash between commit and publish loses an event. Run as a process: `python -m
ops.yardstick <hop>`, told by YARDSTICK_NATS_URL, YARDSTICK_NATS_PASSWORD and YARDSTICK_DATABASE_URL.
"""

import os
import sys
from dataclasses import dataclass
from uuid import UUID

import anyio
from faststream import FastStream
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.security import SASLPlaintext
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

USER = "bench"
AT_ONCE = 1


@dataclass(frozen=True, slots=True)
class Hop:
    """One service of the tutorial: the stream it reads, whose subject is the stream's name in lower case, and the one it fills."""

    name: str
    reads: str
    fills: str | None


HOPS = (
    Hop("placement", "YARDTRIAGED", "YARDPLACED"),
    Hop("assessment", "YARDPLACED", "YARDASSIGNED"),
    Hop("notifications", "YARDASSIGNED", None),
)


def subject_of(stream: str) -> str:
    """The one subject that a stream of the yardstick stores."""
    return stream.lower()


class CaseEvent(BaseModel):
    """What travels; about 300 bytes of JSON."""

    case_id: UUID
    household_id: UUID
    person_id: UUID
    area: str
    risk: str
    responsible_agency: str
    shelter_needed: bool
    due_at: str
    hop: str


class CaseRow(SQLModel, table=True):
    """What each hop keeps of a case."""

    __tablename__ = "yardstick_case"
    case_id: UUID = Field(primary_key=True)
    household_id: UUID
    person_id: UUID
    area: str
    risk: str
    responsible_agency: str
    shelter_needed: bool
    due_at: str


async def fresh_table(database_url: str) -> None:
    """Make the empty table of one hop."""
    engine = _engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.drop_all)
        await connection.run_sync(SQLModel.metadata.create_all)
    await engine.dispose()


def _engine(url: str) -> AsyncEngine:
    return create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))


def application(hop: Hop, nats_url: str, password: str, database_url: str) -> FastStream:
    """One hop as an application."""
    engine = _engine(database_url)
    # Without a log line per message, which the documents' default has: the yardstick is measured at its best.
    broker = NatsBroker(nats_url, security=SASLPlaintext(USER, password), logger=None)

    @broker.subscriber(subject_of(hop.reads), stream=JStream(hop.reads, declare=False), durable=hop.name, pull_sub=PullSub(AT_ONCE))
    async def carry(event: CaseEvent) -> None:
        async with AsyncSession(engine) as session:
            session.add(CaseRow(**event.model_dump(exclude={"hop"})))
            await session.commit()
        if hop.fills is not None:
            after = event.model_copy(update={"hop": hop.name})
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
