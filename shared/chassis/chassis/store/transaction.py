"""One transaction: the rows a decision changes, the facts it states and the clocks it sets, committed together or not at all."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CursorResult, Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable

from chassis.envelope import Cause, Emitted, Fact, Received
from chassis.inputs import Due

if TYPE_CHECKING:
    from chassis.settings import Settings
    from chassis.web.identity import Principal

# An anchor is made or locked, and read, in one statement and in id order: each statement is a way to the database and back.
LOCKED = "ON CONFLICT (subject) DO UPDATE SET factversion = anchor.factversion RETURNING subject, factversion"
TAKE = text(f"""
    WITH fresh AS (
        INSERT INTO inbox (event_id, type, subject)
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:subjects AS uuid[]))
        ON CONFLICT DO NOTHING RETURNING event_id, subject),
    locked AS (
        INSERT INTO anchor (subject) SELECT DISTINCT subject FROM fresh WHERE subject <> :nowhere ORDER BY subject {LOCKED})
    SELECT clock_timestamp(), array(SELECT event_id FROM fresh), array(SELECT subject FROM locked ORDER BY subject),
        array(SELECT factversion FROM locked ORDER BY subject)""")  # noqa: S608 - constants
NOW = text("SELECT clock_timestamp()")
LOCK = text(f"INSERT INTO anchor (subject) SELECT subject FROM unnest(CAST(:subjects AS uuid[])) AS s (subject) ORDER BY subject {LOCKED}")  # noqa: S608
# What a transaction leaves behind is written in one statement, whichever of these it consists of; no two of them touch the same row.
LEFT = {
    "facts": """
    counted AS (
        UPDATE anchor SET factversion = counted.version
        FROM unnest(CAST(:counted AS uuid[]), CAST(:versions AS bigint[])) AS counted (subject, version)
        WHERE anchor.subject = counted.subject),
    pending AS (INSERT INTO outbox_pending (id) SELECT unnest(CAST(:ids AS uuid[]))),
    stated AS (
        INSERT INTO outbox (id, type, stream, route, subject, time, factversion, correlation, causation, trace, body)
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:streams AS text[]), CAST(:routes AS text[]),
            CAST(:subjects AS uuid[]), CAST(:times AS timestamptz[]), CAST(:factversions AS bigint[]), CAST(:correlations AS text[]),
            CAST(:causations AS text[]), CAST(:traces AS text[]), CAST(:bodies AS bytea[])))""",
    "clocks taken back": """
    gone AS (
        DELETE FROM clock USING unnest(CAST(:gone_kinds AS text[]), CAST(:gone_subjects AS uuid[]), CAST(:gone_keys AS text[]))
            AS gone (kind, subject, key)
        WHERE clock.kind = gone.kind AND clock.subject = gone.subject AND clock.key = gone.key)""",
    "clocks set": """
    kept AS (
        INSERT INTO clock (kind, subject, key, id, due)
        SELECT * FROM unnest(CAST(:clock_kinds AS text[]), CAST(:clock_subjects AS uuid[]), CAST(:clock_keys AS text[]),
            CAST(:clock_ids AS uuid[]), CAST(:clock_dues AS timestamptz[]))
        ON CONFLICT (kind, subject, key) DO UPDATE SET id = excluded.id, due = excluded.due, attempts = 0)""",
}
AUDIT = text("""
    INSERT INTO audit (principal, roles, agency, action, subject, fields, purpose)
    VALUES (:principal, :roles, :agency, :action, :subject, :fields, :purpose)""")

Clock = tuple[str, UUID, str]


class Transaction:
    """What a handler touches, and all it touches: statements, emitted facts and clocks.

    The chassis opens and commits it. `now` is the database's clock; `principal` is who asks, in a request.
    """

    def __init__(
        self, connection: AsyncConnection, *, source: str, epoch: int, settings: "Settings", skew: timedelta, principal: "Principal | None"
    ) -> None:
        self.connection = connection
        self.settings: Any = settings
        self.sent: list[Emitted] = []
        self.next_due: datetime | None = None
        self.counted: list[Callable[[], object]] = []  # what metrics count once this is committed: a transaction may be tried again
        self._source, self._epoch, self._skew = source, epoch, skew
        self._principal = principal
        self.purpose: str | None = None  # why the principal asks, as a code, where she said it
        self._now: datetime | None = None
        self._causes: dict[UUID, Cause] = {}
        self._cause: Cause | None = None
        self._versions: dict[UUID, int] = {}
        self._out: list[tuple[Fact, UUID, str, Cause]] = []
        self._clocks: dict[Clock, tuple[UUID, datetime] | None] = {}
        self._audit: list[dict[str, Any]] = []

    @property
    def now(self) -> datetime:
        """The database's time of this transaction, UTC."""
        if self._now is None:
            message = "the transaction has not been started"
            raise RuntimeError(message)
        return self._now

    @property
    def principal(self) -> "Principal":
        """Who asks; only requests have one."""
        if self._principal is None:
            message = "nobody asked for this: it is not a request"
            raise RuntimeError(message)
        return self._principal

    # -- statements ---------------------------------------------------------------------------------------------------------------

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None) -> CursorResult[Any]:
        """Run one statement of the service's store."""
        return await self.connection.execute(statement, parameters)

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """All rows of a query."""
        return (await self.connection.execute(statement, parameters)).all()

    async def row(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a query, or None."""
        return (await self.connection.execute(statement, parameters)).first()

    async def lock(self, subjects: Iterable[UUID]) -> None:
        """Serialise these subjects until commit, in id order; what they protect is read by a later statement."""
        missing = sorted(set(subjects) - self._versions.keys())
        if not missing:
            return
        for subject, version in (await self.connection.execute(LOCK, {"subjects": missing})).all():
            self._versions[subject] = version

    # -- facts and clocks -----------------------------------------------------------------------------------------------------------

    def cause_of(self, subject: UUID) -> Cause:
        """Why something is decided about this subject: its own message or clock of this batch, or the request."""
        cause = self._causes.get(subject, self._cause)
        if cause is None:
            message = f"nothing in this transaction concerns subject {subject}: pass cause="
            raise ValueError(message)
        return cause

    def at(self, cause: Cause) -> datetime:
        """The stored time of a cause, by the clock that `now` goes by."""
        return cause.at + self._skew

    def new_id(self, key: str, subject: UUID | None = None, cause: Cause | None = None) -> UUID:
        """A time-ordered id that the same cause always gives again for the same key."""
        chosen = cause or (self.cause_of(subject) if subject else self.cause_of(UUID(int=0)))
        return chosen.derive(self._epoch, subject or UUID(int=0), f"id:{key}")

    def emit(self, fact: Fact, subject: UUID, *, key: str = "", cause: Cause | None = None) -> None:
        """State a fact about a subject; it is published after commit. Two facts of one type, cause and subject need different keys."""
        self._out.append((fact, subject, key, cause or self.cause_of(subject)))

    def set_clock(self, kind: str, subject: UUID, due: datetime, key: str = "", cause: Cause | None = None) -> None:
        """Let the handler of `kind` run at `due`, replacing an earlier clock of the same kind, subject and key."""
        chosen = cause or self.cause_of(subject)
        identity = chosen.derive(self._epoch, subject, f"clock:{kind}:{key}:{due.isoformat()}")
        self._clocks[(kind, subject, key)] = (identity, due)

    def cancel_clock(self, kind: str, subject: UUID, key: str = "") -> None:
        """Take a clock back; one that is not set is fine."""
        self._clocks[(kind, subject, key)] = None

    def audit(self, action: str, subject: UUID, fields: Iterable[str] = (), by: "Principal | None" = None, purpose: str | None = None) -> None:
        """Record that the principal, or `by` where several ask together, read or wrote these personal fields of a subject.

        Why is `purpose` (a code), or what the request said; where neither says anything, it is what the action is for.
        """
        who = by or self.principal
        self._audit.append(
            {
                "principal": str(who.subject),
                "roles": " ".join(sorted(who.roles)),
                "agency": who.agency,
                "action": action,
                "subject": subject,
                "fields": " ".join(sorted(fields)),
                "purpose": purpose or self.purpose,
            }
        )

    # -- for the chassis --------------------------------------------------------------------------------------------------------------

    async def start(self, cause: Cause | None = None, now: datetime | None = None) -> None:
        """Read the database's clock unless a statement before did; with a cause for everything that is decided here."""
        self._set_now(now or (await self.connection.execute(NOW)).scalar_one())
        self._cause = cause

    async def take(self, events: Sequence[Received[Any]]) -> list[Received[Any]]:
        """Insert the events' ids into the inbox first and return those that were not there, their subjects locked."""
        unique = {event.id: event for event in events}
        ordered = sorted(unique)
        parameters = {"ids": ordered, "types": [unique[i].type for i in ordered], "subjects": [unique[i].subject for i in ordered]}
        now, fresh, locked, versions = (await self.connection.execute(TAKE, parameters | {"nowhere": UUID(int=0)})).one()
        self._set_now(now)
        self._versions |= dict(zip(locked, versions, strict=True))
        survivors = set(fresh)
        taken = [event for event in unique.values() if event.id in survivors]
        self._causes |= {event.subject: event.cause for event in taken}
        return taken

    def caused_by_clocks(self, due: Sequence[Due]) -> None:
        """Let each clock be the cause of what is decided about its subject."""
        self._causes |= {clock.subject: clock.cause for clock in due}

    def caused_by(self, cause: Cause) -> None:
        """Let this be the cause of everything that has no nearer one."""
        self._cause = cause

    async def flush(self) -> None:
        """Write what was emitted, set and audited; the last thing before commit."""
        left: dict[str, dict[str, Any]] = {}
        if self._out:
            left["facts"] = await self._stated()
        if self._clocks:
            left |= self._clocks_left()
        if left:
            await self.connection.execute(_leave(tuple(left)), {name: value for part in left.values() for name, value in part.items()})
        if self._audit:
            await self.connection.execute(AUDIT, self._audit)

    def _set_now(self, database_now: datetime) -> None:
        self._now = database_now + self._skew

    async def _stated(self) -> dict[str, Any]:
        await self.lock(subject for _, subject, _, _ in self._out)
        for fact, subject, key, cause in self._out:
            self._versions[subject] += 1
            self.sent.append(
                Emitted(
                    id=cause.derive(self._epoch, subject, f"{self._source}|{fact.type}|{fact.route}|{key}"),
                    type=fact.type,
                    source=self._source,
                    stream=fact.stream,
                    route=fact.route,
                    subject=subject,
                    time=self.now,
                    factversion=self._versions[subject],
                    correlation=cause.correlation or cause.name[:64],
                    causation=cause.name[:64],
                    trace=cause.trace,
                    body=fact.model_dump_json().encode(),
                )
            )
        counted = sorted({event.subject for event in self.sent})
        sent = self.sent
        return {
            "counted": counted,
            "versions": [self._versions[subject] for subject in counted],
            "ids": [event.id for event in sent],
            "types": [event.type for event in sent],
            "streams": [event.stream for event in sent],
            "routes": [event.route for event in sent],
            "subjects": [event.subject for event in sent],
            "times": [event.time for event in sent],
            "factversions": [event.factversion for event in sent],
            "correlations": [event.correlation for event in sent],
            "causations": [event.causation for event in sent],
            "traces": [event.trace for event in sent],
            "bodies": [event.body for event in sent],
        }

    def _clocks_left(self) -> dict[str, dict[str, Any]]:
        ordered = sorted(self._clocks.items(), key=lambda entry: entry[0])
        gone = [clock for clock, value in ordered if value is None]
        kept = [(clock, value) for clock, value in ordered if value is not None]
        left: dict[str, dict[str, Any]] = {}
        if gone:
            kinds, subjects, keys = zip(*gone, strict=True)
            left["clocks taken back"] = {"gone_kinds": list(kinds), "gone_subjects": list(subjects), "gone_keys": list(keys)}
        if kept:
            left["clocks set"] = {
                "clock_kinds": [clock[0] for clock, _ in kept],
                "clock_subjects": [clock[1] for clock, _ in kept],
                "clock_keys": [clock[2] for clock, _ in kept],
                "clock_ids": [value[0] for _, value in kept],
                "clock_dues": [value[1] for _, value in kept],
            }
            self.next_due = min(value[1] for _, value in kept)
        return left


@functools.cache
def _leave(parts: tuple[str, ...]) -> TextClause:
    """The statement that writes these parts of what a transaction leaves behind."""
    return text(f"WITH {','.join(LEFT[part] for part in parts)} SELECT 1")
