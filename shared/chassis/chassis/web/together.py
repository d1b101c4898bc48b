"""Writes whose concurrent requests share a transaction: what has arrived is decided together and committed once.

Nobody waits for company: a request that is alone is committed alone, and those that come meanwhile are the next batch. Each keeps its
own Idempotency-Key, stored answer and refusal; one that fails by its own fault is found by halving, as a message is, and fails alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import Row, text

from chassis.envelope import Cause
from chassis.store.database import Database
from chassis.store.transaction import Transaction
from chassis.web.identity import Principal
from chassis.web.problems import FieldProblem, RefusedError, not_found

CLAIM = text("""
    INSERT INTO request (principal, key, fingerprint)
    SELECT * FROM unnest(CAST(:principals AS text[]), CAST(:keys AS text[]), CAST(:fingerprints AS bytea[]))
    ON CONFLICT DO NOTHING RETURNING principal, key, clock_timestamp() AS first""")
EARLIER = text("""
    SELECT r.principal, r.key, r.fingerprint, r.status, r.answer FROM request r
    JOIN unnest(CAST(:principals AS text[]), CAST(:keys AS text[])) AS asked (principal, key) ON r.principal = asked.principal AND r.key = asked.key""")
ANSWER = text("""
    UPDATE request SET status = given.status, answer = given.answer
    FROM unnest(CAST(:principals AS text[]), CAST(:keys AS text[]), CAST(:statuses AS integer[]), CAST(:answers AS text[]))
        AS given (principal, key, status, answer)
    WHERE request.principal = given.principal AND request.key = given.key""")
FORGET = text("""
    DELETE FROM request USING unnest(CAST(:principals AS text[]), CAST(:keys AS text[])) AS gone (principal, key)
    WHERE request.principal = gone.principal AND request.key = gone.key""")
MOST = 100  # requests in a transaction
AT_ONCE = 2  # transactions: the database works on one while the other's rows are made
B = TypeVar("B")
Attempt = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Asked(Generic[B]):
    """One of the requests that a route decides together: who asks, what, and the cause of all that is decided about it."""

    principal: Principal
    body: B
    cause: Cause
    purpose: str | None = None


@dataclass(slots=True, eq=False)
class Waiting:
    """A request that waits for its answer."""

    principal: Principal
    key: str
    fingerprint: bytes
    trace: str | None
    body: Any
    purpose: str | None = None
    answer: asyncio.Future[Response] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def name(self) -> Name:
        """By what a repetition is known."""
        return str(self.principal.subject), self.key

    def cause(self, first: datetime) -> Cause:
        """The cause of what is decided, by the time at which the key was first committed."""
        return Cause(f"request|{self.principal.subject}|{self.key}", first.astimezone(UTC), "", self.trace)


class Together:
    """The concurrent requests of one route: `decide(asked, tx)` gives for each its answer as plain JSON, or its refusal and then no effect."""

    def __init__(self, database: Database, decide: Callable[..., Awaitable[Sequence[Any]]], status: int, attempt: Attempt) -> None:
        self.database, self.decide, self.status, self.attempt = database, decide, status, attempt
        self._waiting: list[Waiting] = []
        self._running: set[asyncio.Task[None]] = set()

    async def answer(self, entry: Waiting) -> Response:
        """The answer to one request, once it is committed. Raises RefusedError, or what failed."""
        self._waiting.append(entry)
        if len(self._running) < AT_ONCE:
            task = asyncio.create_task(self._work())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await entry.answer

    async def _work(self) -> None:
        while self._waiting:
            await self._settle(self._next())

    def _next(self) -> list[Waiting]:
        """Whatever has arrived; of several with one key the first, for its answer is theirs too."""
        batch: dict[Name, Waiting] = {}
        later: list[Waiting] = []
        for entry in self._waiting:
            if len(batch) < MOST and entry.name not in batch:
                batch[entry.name] = entry
            else:
                later.append(entry)
        self._waiting = later
        return list(batch.values())

    async def _settle(self, batch: Sequence[Waiting]) -> None:
        """Commit a batch; when a request fails by its own fault, halve until it stands alone."""
        try:
            answers = await self.attempt(lambda: self._commit(batch))
        except Exception as error:  # noqa: BLE001 - it is raised to whoever asked
            away = isinstance(error, RefusedError) and error.status == 503  # noqa: PLR2004 - the store, not a request, is at fault
            if len(batch) == 1 or away:
                for entry in batch:
                    _tell(entry, error)
                return
            middle = len(batch) // 2
            await self._settle(batch[:middle])
            await self._settle(batch[middle:])
        else:
            for entry in batch:
                _tell(entry, answers[entry.name])

    async def _commit(self, batch: Sequence[Waiting]) -> dict[Name, Response | Exception]:
        """One transaction: the keys first, those that are new are decided, and their answers are kept with what was decided."""
        asked = {entry.name: entry for entry in sorted(batch, key=lambda entry: entry.name)}
        async with self.database.transaction() as tx:
            fingerprints = [entry.fingerprint for entry in asked.values()]
            claimed = await tx.rows(CLAIM, _named(asked) | {"fingerprints": fingerprints})
            first: dict[Name, datetime] = {(row.principal, row.key): row.first for row in claimed}
            answers: dict[Name, Response | Exception] = {name: not_found("request") for name in asked if name not in first}
            if answers:
                answers |= {(row.principal, row.key): _again(row, asked) for row in await tx.rows(EARLIER, _named(answers))}
            if first:
                new = [entry for name, entry in asked.items() if name in first]
                await tx.start(None, max(first.values()))
                answers |= await self._decide(new, first, tx)
        return answers

    async def _decide(self, new: Sequence[Waiting], first: Mapping[Name, datetime], tx: Transaction) -> dict[Name, Response | Exception]:
        asked = [Asked(entry.principal, entry.body, entry.cause(first[entry.name]), entry.purpose) for entry in new]
        told = await self.decide(asked=asked, tx=tx)
        refused = {entry.name: given for entry, given in zip(new, told, strict=True) if isinstance(given, RefusedError)}
        kept = {entry.name: JSONResponse(given, self.status) for entry, given in zip(new, told, strict=True) if entry.name not in refused}
        if refused:
            await tx.execute(FORGET, _named(refused))
        if kept:
            bodies = [bytes(response.body).decode() for response in kept.values()]
            await tx.execute(ANSWER, _named(kept) | {"statuses": [self.status] * len(kept), "answers": bodies})
        return {**kept, **refused}


def fingerprint_of(request: Request, body: bytes) -> bytes:
    """A keyed hash of what is asked, by which a key that is used for something else is known."""
    secret: bytes = request.app.state.service.fingerprint_key
    return blake2b(b"|".join([request.method.encode(), request.url.path.encode(), body]), key=secret, digest_size=16).digest()


def repeated(row: Row[Any], fingerprint: bytes) -> Response | RefusedError:
    """The answer that a key got before, or the refusal of a key that was used for something else."""
    if row.fingerprint != fingerprint:
        return RefusedError(422, "this Idempotency-Key was used for another request", [FieldProblem("Idempotency-Key", "reused")])
    return Response(row.answer, row.status, media_type="application/json")


def _again(row: Row[Any], asked: Mapping[Name, Waiting]) -> Response | Exception:
    return repeated(row, asked[(row.principal, row.key)].fingerprint)


def _named(names: Iterable[Name]) -> dict[str, Any]:
    ordered = list(names)
    return {"principals": [principal for principal, _ in ordered], "keys": [key for _, key in ordered]}


def _tell(entry: Waiting, answer: Response | Exception) -> None:
    if entry.answer.done():  # whoever asked is gone
        return
    if isinstance(answer, Exception):
        entry.answer.set_exception(answer)
    else:
        entry.answer.set_result(answer)
