"""A store that loses its last hour: backed up, worked on, put back, and started again, as an operator would do it."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

from ops.backup import Urls, back_up, restore
from sqlalchemy import text

from tests.rig import Rig


def urls_of(rig: Rig, service: str) -> Urls:
    """Where a service of this test keeps rows and keys."""
    settings = rig.services[service].settings
    return Urls(settings.database_url.get_secret_value(), settings.keys_url.get_secret_value())


async def backed_up(rig: Rig, service: str, folder: Path | None = None) -> Path:
    """A backup of one service's store and keys as they are now."""
    place = folder or rig.folder / "backup"
    await back_up(place, {service: urls_of(rig, service)})
    return place


async def put_back(rig: Rig, service: str, folder: Path) -> None:
    """Stop a service, put its store back, and build it again; it is not started."""
    old = rig.services[service]
    await old.stop()
    await rig.clients[service].aclose()
    await restore(folder, {service: urls_of(rig, service)})
    rig.add(service, old.settings).database.skew = old.database.skew


async def started(rig: Rig, service: str) -> None:
    """Start the service whose store was put back, and wait until it has recovered and everything is calm."""
    await rig.services[service].start()
    await rig.until(rig._bound)
    await rig.settle()


async def lose_since(rig: Rig, service: str, folder: Path) -> None:
    """Put a store back and let its service recover."""
    await put_back(rig, service, folder)
    await started(rig, service)


async def held(rig: Rig, source: str) -> dict[str, list[UUID]]:
    """The ids of a service's facts in the streams, by stream, as often as each stands there."""
    found: dict[str, list[UUID]] = {}
    js = rig.nats.jetstream()
    for stream in ("CASES", "RECEIPTS", "AGENCIES", "PUBLIC"):
        state = (await js.stream_info(stream)).state
        for sequence in range(max(1, state.first_seq), state.last_seq + 1):
            message = await js.get_msg(stream, sequence)
            if message.headers["ce-source"] == source:
                found.setdefault(stream, []).append(UUID(message.headers["ce-id"]))
    return found


async def agrees_with_the_streams(rig: Rig, service: str) -> None:
    """What the store said is what the streams hold, each fact once, and each subject's versions have no gap."""
    rows = await rig.sql(service, "SELECT id, stream, subject, factversion FROM outbox")
    said: dict[str, list[UUID]] = {}
    for row in rows:
        said.setdefault(row.stream, []).append(row.id)
    streams = await held(rig, service)
    assert {stream: sorted(ids) for stream, ids in said.items()} == {stream: sorted(ids) for stream, ids in streams.items()}
    versions: dict[UUID, list[int]] = {}
    for row in rows:
        versions.setdefault(row.subject, []).append(row.factversion)
    for subject, seen in versions.items():
        assert sorted(seen) == list(range(1, len(seen) + 1)), f"versions of {subject}"


async def tasks(rig: Rig, service: str) -> list[tuple[str, str]]:
    """What a recovery left to people, as (type, missing)."""
    return [(row.type, row.missing) for row in await rig.sql(service, "SELECT type, missing FROM recovery_task ORDER BY opened_at, missing")]


async def rows(rig: Rig, service: str, *queries: str) -> list[list[Any]]:
    """What several queries give, to compare before and after."""
    async with rig.services[service].database.engine.connect() as connection:
        return [[tuple(row) for row in (await connection.execute(text(query))).all()] for query in queries]


async def refused_meanwhile(rig: Rig, service: str, path: str, **who: Any) -> int:
    """The status of a write while the store is closed."""
    answer = await asyncio.wait_for(rig.post(service, path, json={}, **who), 30)
    assert answer.headers.get("retry-after"), answer.text
    return answer.status_code
