"""Bugs on purpose: `python -m tests.faults.planted BUG SERVICE` is the service with one bug in it, to see whether the harness catches it.

Each is a change of one function at run time, in this process alone. Where two parts of the platform guard one promise, the other guard is
taken away too, and the name says so.
"""

import asyncio
import runpy
import sys
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from chassis.bus import consume, reconcile, relay, watch
from chassis.store import clocks, transaction
from chassis.web import routes
from sqlalchemy import text

Plant = Callable[[], None]
BUGS: dict[str, Plant] = {}


def bug(plant: Plant) -> Plant:
    """Register a bug under its function's name."""
    BUGS[plant.__name__] = plant
    return plant


async def _acknowledge(consumer: consume.Consumer, messages: Sequence[Any]) -> None:
    for message in messages:
        await consumer.client.publish(message.reply, b"+ACK")
    await consumer.client.flush()


def nobody_looks() -> None:
    """What was acknowledged and is not in the inbox is not noticed: the second guard of what is read."""

    async def nothing(self: watch.Watch) -> None:
        await self._stopping.wait()

    watch.Watch.run = nothing  # type: ignore[method-assign]


@bug
def acknowledged_before_commit_and_nobody_looks() -> None:
    """The broker forgets a message before its effects are committed."""
    nobody_looks()
    process = consume.Consumer.process

    async def early(self: consume.Consumer, batch: Sequence[Any]) -> None:
        await _acknowledge(self, batch)
        await process(self, batch)

    consume.Consumer.process = early  # type: ignore[method-assign]


@bug
def given_up_at_the_first_error_and_nobody_looks() -> None:
    """Any error is taken for the message's own, and the message is thrown away."""
    nobody_looks()
    commit = consume.Consumer._commit

    async def once(self: consume.Consumer, items: Sequence[Any]) -> None:
        try:
            await commit(self, items)
        except Exception:
            await _acknowledge(self, [item.message for item in items if item.message is not None])

    consume.Consumer._commit = once  # type: ignore[method-assign]


@bug
def facts_are_not_kept() -> None:
    """What is said has no row in the outbox."""
    transaction.LEFT["facts"] = "counted AS (SELECT CAST(:counted AS uuid[]), CAST(:versions AS bigint[]), CAST(:ids AS uuid[]))"


@bug
def facts_are_not_counted() -> None:
    """The last number of a subject's facts is not kept."""
    transaction.LEFT["facts"] = transaction.LEFT["facts"].replace("SET factversion = counted.version", "SET factversion = anchor.factversion")


@bug
def nobody_compares() -> None:
    """Reconcile does nothing."""

    async def nothing(self: reconcile.Reconcile) -> None:
        await self._stopping.wait()

    reconcile.Reconcile.run = nothing  # type: ignore[method-assign]


@bug
def a_failed_publication_is_confirmed_and_nobody_compares() -> None:
    """An exception is swallowed, and the rows are deleted as if all were well."""
    nobody_compares()
    carry = relay.Relay._carry

    async def swallowed(self: relay.Relay, events: Sequence[Any]) -> Any:
        try:
            return await asyncio.wait_for(carry(self, events), 1)
        except Exception:
            return list(events)

    relay.Relay._carry = swallowed  # type: ignore[method-assign]


@bug
def refilled_under_the_old_message_id() -> None:
    """The broker remembers the ids of what it lost, and drops the refill as a duplicate."""

    async def single(client: Any, event: Any, _message_id: str) -> None:
        await relay.publish_single(client, event, str(event.id))

    async def batch(client: Any, _stream: str, events: Sequence[Any]) -> None:
        await relay.publish(client, [event for event, _ in events])

    reconcile.publish_single, reconcile.publish_batch = single, batch


@bug
def what_a_crash_left_is_not_recovered() -> None:
    """Only what is in memory is ever published."""

    async def nothing(self: relay.Relay, _age: float) -> int:
        return 0

    relay.Relay.recover = nothing  # type: ignore[method-assign]


@bug
def the_unreadable_is_dropped_and_nobody_looks() -> None:
    """A message that this release cannot read is acknowledged and forgotten."""
    nobody_looks()

    async def dropped(self: consume.Consumer, message: Any, _error: Exception) -> None:
        await _acknowledge(self, [message])

    consume.Consumer._set_aside_malformed = dropped  # type: ignore[method-assign]


@bug
def poison_takes_its_neighbours_along() -> None:
    """One unreadable message, and its whole batch is set aside."""
    process = consume.Consumer.process

    async def all_or_nothing(self: consume.Consumer, batch: Sequence[Any]) -> None:
        try:
            for message in batch:
                self._read(message)
        except consume.MalformedError as error:
            for message in batch:
                await self._set_aside_malformed(message, error)
        else:
            await process(self, batch)

    consume.Consumer.process = all_or_nothing  # type: ignore[method-assign]


@bug
def clocks_do_not_run() -> None:
    """Nothing happens when a clock runs out."""

    async def nothing(self: clocks.Clocks, _kinds: object = None) -> int:
        return 0

    clocks.Clocks.fire = nothing  # type: ignore[method-assign]


@bug
def the_idempotency_key_is_ignored() -> None:
    """A request that is asked again is done again."""
    write = routes._write

    async def anew(request: Any, asker: Any, _key: str, work: Any) -> Any:
        return await write(request, asker, uuid4().hex, work)

    routes._write = anew


@bug
def a_referral_is_erased_before_commit() -> None:
    """The only copy of a call for help is erased before its case is committed."""
    process = consume.Consumer.process

    async def early(self: consume.Consumer, batch: Sequence[Any]) -> None:
        if self.raw is not None:
            await self._erase(batch)
        await process(self, batch)

    consume.Consumer.process = early  # type: ignore[method-assign]


@bug
def beds_are_given_away_twice() -> None:
    """No bed is ever taken, as matching sees it; the constraint of the database is dropped by whoever plants this."""
    from placement.store import register

    now = "tstzrange(CAST(:now AS timestamptz), NULL)"
    register.SEEN = text(str(register.SEEN).replace(now, f"{now} AND false", 1))


def main(name: str, of: str) -> None:
    """Run a service with a bug in it."""
    BUGS[name]()
    sys.argv = [of]
    runpy.run_module(of, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
