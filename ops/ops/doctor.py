"""Looks at a running platform from outside and says what is wrong and what to do about it; it changes nothing and shows no values."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from uuid import UUID

from chassis import migrate
from chassis.bus.history import id_of, read_stream
from chassis.bus.watch import Durable, durable_of, untaken
from chassis.rebuild import ShadowError, compare
from chassis.store.database import create_engine
from chassis.store.kms import KmsError
from chassis.store.vault import Vault
from contracts import streams
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from ops import stores
from ops.access import Access, joined
from ops.rebuild import STREAM, replayable

SHOWN = 3
BETWEEN_LOOKS = 3.0
AWAY = (SQLAlchemyError, OSError, TimeoutError, NatsError)
CONNECT = "start NATS, or correct the service's NATS_URL, NATS_USER and NATS_PASSWORD"
STILL = "see that the service runs (/readyz) and its log for batch_waits or message_failed"
SAID = text("SELECT id FROM outbox o WHERE stream = :stream AND NOT EXISTS (SELECT 1 FROM outbox_pending p WHERE p.id = o.id)")
STORE = text("""
    SELECT (SELECT count(*) FROM outbox_pending WHERE since < clock_timestamp() - interval '1 minute') AS pending,
        (SELECT count(*) FROM dead_letter WHERE set_aside_at IS NOT NULL) AS letters,
        (SELECT count(*) FROM clock WHERE due < clock_timestamp() - interval '1 minute') AS overdue,
        (SELECT count(*) FROM clock WHERE attempts > 0) AS failing,
        (SELECT version_num FROM alembic_version) AS revision""")


HELD_SINCE, HELD = "0011", text("SELECT count(*) FROM held_message WHERE field = 'sealed'")  # the revision of intake's store that has them


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to do when it is not `well`."""

    service: str
    check: str
    well: bool
    found: str
    advice: str = ""


def _wrong(service: str, check: str, found: str, advice: str) -> Finding:
    return Finding(service, check, well=False, found=found, advice=advice)


async def examine_all(reached: Sequence[Access], *, deep: bool = False) -> list[Finding]:
    """Everything that can be known of these services, one after the other."""
    return [finding for access in reached for finding in await examine(access, deep=deep)]


async def examine(reached: Access, *, deep: bool = False, between: float = BETWEEN_LOOKS) -> list[Finding]:
    """Everything that can be known of one service; `deep` replays its projections, and `between` seconds pass before lag counts as standing still."""
    engine = create_engine(reached.store, 2)
    try:
        found = await _store(reached, engine)
        found.append(await _keys(reached))
        try:
            async with joined(reached) as client:
                for stream, subjects in streams.said_on(reached.service).items():
                    found.append(await _guarded(reached, f"facts in {stream}", partial(_facts, reached, engine, client, stream, subjects)))
                for declared in streams.durables_of(reached.service):
                    found += await _durable(reached, engine, client, declared, between)
                if deep:
                    found.append(await _guarded(reached, "projections", partial(_projections, reached, client)))
        except AWAY as error:
            found.append(_wrong(reached.service, "bus", f"NATS does not let it in ({type(error).__name__})", CONNECT))
    finally:
        await engine.dispose()
    return found


async def _guarded(reached: Access, check: str, work: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await work()
    except (LookupError, NotFoundError):
        return _wrong(reached.service, check, "the stream is not there", "start the provisioner; what was said comes back by itself")
    except AWAY as error:
        return _wrong(reached.service, check, f"could not be looked at ({type(error).__name__})", "see that Postgres and NATS answer, look again")


async def _store(reached: Access, engine: AsyncEngine) -> list[Finding]:
    """What the store alone tells."""
    service, head = reached.service, migrate.head(stores.migrations(reached.service))
    try:
        async with engine.connect() as connection:
            row = (await connection.execute(STORE)).one()
            held = (await connection.execute(HELD)).scalar_one() if service == "intake" and row.revision >= HELD_SINCE else None
    except AWAY as error:
        return [_wrong(service, "store", f"does not answer as a store ({type(error).__name__})", "start Postgres, then migrate the store")]
    return [
        Finding(service, "schema", row.revision == head, f"revision {row.revision}, this release has {head}", "migrate the store (a start does)"),
        _none(service, "unpublished", row.pending, "facts pending for over a minute", "see that the service runs and reaches NATS (/readyz)"),
        _none(service, "dead letters", row.letters, "messages set aside", f"naungan dead-letters list {service}; repair the cause, then redrive"),
        _none(service, "overdue clocks", row.overdue, "clocks overdue by over a minute", "see that the service runs, and its log for clocks_wait"),
        _none(service, "failing clocks", row.failing, "clocks whose handler failed", "see the service's log for clock_failed; they try again"),
        *([] if held is None else [_none(service, "held messages", held, "sealed messages that cannot be opened", "naungan quarantine list")]),
    ]


def _none(service: str, check: str, count: int, what: str, advice: str) -> Finding:
    return Finding(service, check, count == 0, f"{count} {what}", advice)


async def _keys(reached: Access) -> Finding:
    """Whether every key opens, without showing any."""
    advice = "put back the key-encryption key that the service ran with, from its second copy; write nothing until then"
    try:
        ring = reached.key_source.ring()
    except (OSError, ValueError) as error:
        return _wrong(reached.service, "keys", f"the key-encryption key cannot be read ({type(error).__name__})", advice)
    vault = Vault(create_engine(reached.keys, 1), ring)
    try:
        tried, failed, opened = await vault.prove()
        wraps = await ring.current()
    except KmsError as error:
        return _wrong(reached.service, "keys", str(error), "see that the key-management service runs, is unsealed and lets this service use its key")
    except AWAY as error:
        return _wrong(reached.service, "keys", f"the key database does not answer ({type(error).__name__})", "start it, or correct KEYS_URL")
    finally:
        await vault.close()
    by = "; ".join(f"{opened[name]} by {name}{' (wraps now)' if name == wraps else ''}" for name in sorted(opened))
    return Finding(reached.service, "keys", failed == 0, f"{tried} keys tried, {failed} do not open{f' ({by})' if by else ''}", advice)


async def _facts(reached: Access, engine: AsyncEngine, client: Client, stream: str, subjects: Collection[str]) -> Finding:
    """Whether the stream holds what the service said in it; what is not confirmed yet is not asked for."""
    async with engine.connect() as connection:
        said = set((await connection.execute(SAID, {"stream": stream})).scalars())
    held: set[UUID | None] = set()
    async for batch in read_stream(client, stream, list(subjects), who=f"doctor-{reached.service}", headers_only=True):
        held |= {id_of(message) for message in batch}
    missing = sorted(said - held)
    advice = "let the service run: it says them again within minutes; if it does not, see its log for reconcile_waits"
    return Finding(reached.service, f"facts in {stream}", not missing, f"{len(said)} said, {len(missing)} not there{_some(missing)}", advice)


def _some(ids: Collection[object]) -> str:
    return f" ({', '.join(str(identity) for identity in list(ids)[:SHOWN])}{', ...' if len(ids) > SHOWN else ''})" if ids else ""


async def _durable(reached: Access, engine: AsyncEngine, client: Client, declared: streams.Durable, between: float) -> list[Finding]:
    """Whether a durable is there, whether it moves, and whether the inbox holds what it has acknowledged."""
    service, name = reached.service, f"{declared.stream}/{declared.name}"
    try:
        now = await durable_of(client, declared.stream, declared.name)
        if now is None:
            return [_wrong(service, name, "the durable is not there", "start the provisioner: it makes it again, and nothing is taken twice")]
        lag = Finding(service, name, well=True, found=f"{now.pending} to come, {now.unacknowledged} in hand")
        if now.pending + now.unacknowledged:
            await asyncio.sleep(between)
            later = await durable_of(client, declared.stream, declared.name)
            # Of what is erased once it is taken the number tells: nobody pulls intake's on REFERRALS, it counts what waits in the lanes.
            moves = later is None or later.floor != now.floor or (declared.stream in streams.ERASED and later.pending != now.pending)
            if not moves and later is not None and later.pending + later.unacknowledged:
                lag = _wrong(service, name, f"{later.pending} to come, {later.unacknowledged} in hand, standing still", STILL)
    except AWAY as error:
        return [_wrong(service, name, f"could not be looked at ({type(error).__name__})", "see that NATS answers, look again")]
    if declared.stream in streams.ERASED:  # erased once they are taken: nothing is there to compare
        return [lag]
    return [lag, await _guarded(reached, f"inbox of {name}", partial(_inbox, reached, engine, client, declared, now))]


async def _inbox(reached: Access, engine: AsyncEngine, client: Client, declared: streams.Durable, durable: Durable) -> Finding:
    who = f"doctor-{reached.service}"
    missing, compared = await untaken(client, engine, declared.stream, declared.name, durable, who=who)
    found = f"{compared} acknowledged, {len(missing)} of them not in the inbox"
    found += f" (sequences {', '.join(map(str, missing[:SHOWN]))}{', ...' if len(missing) > SHOWN else ''})" if missing else ""
    advice = "start the service anew: it compares at its start, and takes up what its store has forgotten"
    return Finding(reached.service, f"inbox of {declared.stream}/{declared.name}", not missing, found, advice)


async def _projections(reached: Access, client: Client) -> Finding:
    """Whether a replay of the stream gives what the store holds."""
    check = "projections"
    try:
        result = await compare(replayable(reached.service, reached.store), client)
    except ShadowError as error:
        return _wrong(reached.service, check, str(error), "wait for it, or migrate; then look again")
    parts = [f"{entry.table} ({', '.join(entry.columns[:SHOWN])}, ...): {entry.rows} rows{_some(entry.subjects)}" for entry in result.differences]
    lacking = f"; the stream lacks {result.lacking} that were taken" if result.lacking else ""
    found = f"{result.replayed} events replayed in {STREAM}, {'; '.join(parts) or 'no difference'}{lacking}"
    return Finding(reached.service, check, result.clean, found, f"naungan rebuild {reached.service}")


def as_json(findings: Collection[Finding]) -> str:
    """The findings for a machine."""
    return json.dumps({"well": all(finding.well for finding in findings), "findings": [asdict(finding) for finding in findings]}, indent=1)


def as_table(findings: Collection[Finding]) -> Table:
    """The findings for people; advice only where something is wrong."""
    table = Table("service", "what", "", "found", "what to do")
    for finding in findings:
        table.add_row(finding.service, finding.check, "ok" if finding.well else "WRONG", finding.found, "" if finding.well else finding.advice)
    return table
