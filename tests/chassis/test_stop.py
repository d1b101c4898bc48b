"""A service that is stopped in good order leaves nothing unsaid, and ends."""

import asyncio
import contextlib
from uuid import UUID, uuid4

from chassis import Cause, Transaction
from contracts.placement import Waitlisted

from tests.chassis.conftest import start_toy
from tests.chassis.test_delivery import stream_ids
from tests.rig import Rig

AT_ONCE = 4
ENOUGH = 20


async def test_what_its_workers_commit_while_a_service_stops_is_published_before_it_ends(rig: Rig) -> None:
    await start_toy(rig)
    service = rig.services["placement"]
    cases: list[UUID] = []

    async def say(tx: Transaction) -> None:
        cases.append(uuid4())
        tx.emit(Waitlisted(review_at=tx.now), cases[-1], cause=Cause(f"test|{cases[-1]}", tx.now, ""))

    async def busy() -> None:
        while True:
            await service.database.run(say)

    async def enough() -> bool:
        return len(cases) >= ENOUGH

    for number in range(AT_ONCE):
        service._spawn(f"busy {number}", busy)
    await rig.until(enough)
    await service.stop()
    said = {row.id for row in await rig.sql("placement", "SELECT id FROM outbox")}
    assert len(said) >= ENOUGH - AT_ONCE
    assert {UUID(identity) for identity in await stream_ids(rig)} == said
    assert await rig.sql("placement", "SELECT id FROM outbox_pending") == []


async def test_a_task_that_does_not_hear_it_is_cancelled_is_cancelled_again(rig: Rig) -> None:
    await start_toy(rig)
    service = rig.services["placement"]

    async def deaf() -> None:
        """As nats-py's close and the wait_for of Python 3.11 are, when it comes as what they wait for is done."""
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        await asyncio.Event().wait()

    service._spawn("deaf", deaf)
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await service.stop()
