"""What is kept of messages that cannot be opened yet: sealed as dead letters are, with the code of why, and never with a value."""

import functools
import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Received, Transaction
from chassis.store.vault import Vault
from contracts.catalogue import said_by
from sqlalchemy import Row, Table, text
from sqlmodel import Field

from intake.sealed.bodies import Shut
from intake.store import MOMENT, Base

HELD = "held"  # the clock by which one is tried again


class HeldMessageRow(Base, table=True):
    """A message that waits for a key or a release; `id` and `stored_at` make its cause, so that it has the same effects whenever it is opened."""

    __tablename__: ClassVar[str] = "held_message"
    __table__: ClassVar[Table]
    id: UUID = Field(primary_key=True)
    agency: str
    route: str
    reference: str | None
    field: str
    code: str
    kid: str | None
    mark: bytes = Field(index=True, unique=True)
    content: bytes
    release: str
    attempts: int
    stored_at: datetime = Field(sa_type=MOMENT)
    held_at: datetime = Field(sa_type=MOMENT)


KEEP = text("""
    INSERT INTO held_message (id, agency, route, reference, field, code, kid, mark, content, release, attempts, stored_at, held_at)
    VALUES (:id, :agency, :route, :reference, :field, :code, :kid, :mark, :content, :release, 1, :stored_at, :now) ON CONFLICT DO NOTHING RETURNING id""")
ALL = text("SELECT * FROM held_message ORDER BY held_at, id LIMIT :most")
ONE = text("SELECT * FROM held_message WHERE id = :id")
THESE = text("SELECT * FROM held_message WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE")
AGAIN = text("""
    UPDATE held_message SET attempts = attempts + 1, release = :release, field = :field, code = :code, kid = :kid WHERE id = :id""")
GONE = text("DELETE FROM held_message WHERE id = ANY(CAST(:ids AS uuid[]))")
# What there is a key for now, and what another release could not read.
READY = text("""
    SELECT id FROM held_message h WHERE (code = 'unknown_key' AND kid = ANY(CAST(:kids AS text[])) OR code <> 'unknown_key' AND release <> :release)
        AND NOT EXISTS (SELECT FROM clock c WHERE c.kind = 'held' AND c.subject = h.id) LIMIT :most""")


@functools.cache
def release() -> str:
    """What this release can read of agencies, as a hash: another one may read what it cannot."""
    told = json.dumps({event.type: event.model_json_schema() for event in said_by("agency")}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


async def hold(tx: Transaction, vault: Vault, message: Received[bytes], shut: Shut) -> bool:
    """Keep a message; whether it was not kept before."""
    agency, (field, code) = message.route.split(".")[1], shut.problem
    told = {"id": message.id, "agency": agency, "route": message.route, "reference": shut.reference, "field": field, "code": code, "kid": shut.kid}
    kept = {
        "mark": vault.blind("held", f"{message.route}|{message.body.hex()}"),
        "content": vault.seal(message.body, str(message.id)),
        "release": release(),
    }
    return await tx.row(KEEP, {**told, **kept, "stored_at": message.time, "now": tx.now}) is not None


async def again(tx: Transaction, held_id: UUID, shut: Shut) -> None:
    """It was tried again, and still waits."""
    field, code = shut.problem
    await tx.execute(AGAIN, {"id": held_id, "release": release(), "field": field, "code": code, "kid": shut.kid})


def message(row: Row[Any], vault: Vault) -> Received[bytes]:
    """A held message as it came."""
    body, nowhere = vault.open(bytes(row.content), str(row.id)), UUID(int=0)
    return Received(row.id, "", "", nowhere, row.stored_at, 0, body, row.route, body, str(row.id))


async def wake(tx: Transaction, ids: Iterable[UUID], cause: Any = None) -> None:
    """Let these be tried again now."""
    for held_id in ids:
        tx.set_clock(HELD, held_id, tx.now, cause=cause)


async def ready(tx: Transaction, kids: Collection[str], most: int = 500) -> Sequence[UUID]:
    """Those that may be opened now by themselves: their key is here, or another release held them."""
    return [row.id for row in await tx.rows(READY, {"kids": sorted(kids), "release": release(), "most": most})]
