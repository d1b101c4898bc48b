"""What a service listens to: reading the decorators of its handlers is reading the list of its inputs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from chassis.envelope import Cause, Fact, Received

if TYPE_CHECKING:
    from chassis.store.transaction import Transaction

Handler = Callable[..., Awaitable[None]]
H = TypeVar("H", bound=Callable[..., Awaitable[None]])
# What is done before a clock is claimed: given the due clocks and a way to read in a transaction of its own, it returns what the handler is given.
Beforehand = Callable[[Sequence[Any], Callable[..., Awaitable[Any]]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Due:
    """A clock that ran out: what it was set for, and when it was due."""

    id: UUID
    kind: str
    subject: UUID
    key: str
    due: datetime

    @property
    def cause(self) -> Cause:
        """This clock as the cause of what a handler decides."""
        return Cause(f"clock|{self.id}|{self.due.isoformat()}", self.due, str(self.id))


@dataclass
class Inputs:
    """The handlers of one service: for facts, for messages from outside, and for clocks."""

    facts: list[tuple[tuple[type[Fact], ...], Handler]] = field(default_factory=list)
    raw: dict[str, Handler] = field(default_factory=dict)
    clocks: dict[str, Handler] = field(default_factory=dict)
    beforehand: dict[str, Beforehand] = field(default_factory=dict)
    at_once: dict[str, int] = field(default_factory=dict)  # how many clocks of a kind are taken up together, where it is few

    def consumes(self, *types: type[Fact]) -> Callable[[H], H]:
        """Register `handler(events: Sequence[Received[...]], tx)` for these facts.

        It gets the new events of a batch in the lifecycle order of their types, several of one case among them, and never an event twice.
        """

        def register(handler: H) -> H:
            self.facts.append((types, handler))
            return handler

        return register

    def consumes_raw(self, stream: str) -> Callable[[H], H]:
        """Register `handler(messages: Sequence[Received[bytes]], tx)` for all messages of a stream that outsiders write.

        The handler answers for unreadable ones itself; each message is erased from the stream once its effects are committed.
        """

        def register(handler: H) -> H:
            self.raw[stream] = handler
            return handler

        return register

    def clock(self, kind: str, beforehand: Beforehand | None = None) -> Callable[[H], H]:
        """Register `handler(due: Sequence[Due], tx)` for clocks of this kind that ran out.

        What takes long is done `beforehand(due, read)`, while no transaction is open: `await read(work)` runs `work(tx)` in one that only reads.
        The handler is `handler(due, tx, found)` then, with what it found, and looks again at what may have changed since. The clocks are claimed
        with the handler's transaction and not before, so that a crash in between loses nothing; of two replicas that both found something one writes.
        Such a kind has a loop of its own: the others do not wait for it.
        """

        def register(handler: H) -> H:
            self.clocks[kind] = handler
            if beforehand is not None:
                self.beforehand[kind] = beforehand
            return handler

        return register

    def with_clock(self, kind: str, handler: Handler, beforehand: Beforehand) -> "Inputs":
        """These inputs and one more clock, as `clock` registers it; these stay as they are."""
        return Inputs(self.facts, self.raw, {**self.clocks, kind: handler}, {**self.beforehand, kind: beforehand}, self.at_once)

    @property
    def types(self) -> dict[str, type[Fact]]:
        """All facts that some handler consumes, by type; under an earlier major's type, unless a handler takes that itself, the later one."""
        consumed = [kind for kinds, _ in self.facts for kind in kinds]
        return {older.type: kind for kind in consumed for older in kind.earlier} | {kind.type: kind for kind in consumed}

    async def dispatch(self, events: Sequence[Received[Any]], order: dict[str, int], tx: "Transaction") -> None:
        """Give each handler its events; handlers run in the lifecycle order of their earliest type."""
        ranked = sorted(events, key=lambda event: (order.get(event.type, 0), event.subject, event.factversion))
        for kinds, handler in sorted(self.facts, key=lambda entry: min(order.get(kind.type, 0) for kind in entry[0])):
            names = {kind.type for kind in kinds}
            if own := [event for event in ranked if event.type in names]:
                await handler(own, tx)
