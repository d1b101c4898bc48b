"""Finds the same person twice, behind every door and after the report is answered: a clock encodes a case's persons, the next one compares.

Both have a loop of their own, so that nobody waits for them, and both work outside the transaction. That encodings are committed before
anybody is looked for makes sure that of two who arrive together the later one finds the other. People decide; nothing is ever merged here.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from chassis import Cause, Due, Transaction
from chassis.store.vault import Keys, Vault
from sqlalchemy import Row

from intake import store
from intake.linkage import pairs
from intake.linkage.likeness import Described, Encoded, Encoder, Judged, compared, judged, packed, unpacked
from intake.linkage.weights import SHOWN
from intake.opening import COMPARED, PERSONAL, VaultOf

LIKENESS, DOUBLES, FORGET = COMPARED, "doubles", "forget"
EVERYBODY = UUID("00000000-0000-8000-8000-000000000005")
AT_ONCE = 10  # cases looked at before what was found is kept: a look takes long, and what dies with it is done again
BOTH_HOUSED = "both_housed"
SEALED_AS = "likeness.sealed"
MOST_SHOWN = 10  # pairs of one person
CHUNK = 5000
Read = Callable[[Callable[[Transaction], Awaitable[Any]]], Awaitable[Any]]


@dataclass
class Kept:
    """Encodings that are to be kept, by case; and who has none (any more)."""

    rows: dict[UUID, list[dict[str, Any]]] = field(default_factory=dict)
    nothing: dict[UUID, list[UUID]] = field(default_factory=dict)


@dataclass
class Found:
    """Pairs that are to be suggested, by case; and persons met who were erased."""

    rows: dict[UUID, list[dict[str, Any]]] = field(default_factory=dict)
    erased: set[UUID] = field(default_factory=set)


class Doubles:
    """The clocks of finding, with the vault that the service gives once it runs."""

    def __init__(self, vault: VaultOf) -> None:
        self._vault_of = vault
        self._encoder: Encoder | None = None

    @property
    def vault(self) -> Vault:
        """The vault."""
        return self._vault_of()

    @property
    def encoder(self) -> Encoder:
        """The encoder, which remembers the bits of bigrams."""
        if self._encoder is None:
            self._encoder = Encoder(self.vault.blind)
        return self._encoder

    # -- encode -------------------------------------------------------------------------------------------------------------------

    async def encodings(self, due: Sequence[Due], read: Read) -> Kept:
        """What the persons of these cases are to be compared by."""
        kept = Kept()
        rows: Sequence[Row[Any]] = await read(lambda tx: pairs.members(tx, [clock.subject for clock in due]))
        keys = await self.vault.of(row.person_id for row in rows)
        for row in rows:
            encoded = self._encoded(row, keys)
            if encoded is None:
                kept.nothing.setdefault(row.case_id, []).append(row.person_id)
                continue
            sealed = keys.seal(row.person_id, SEALED_AS, base64.b64encode(packed(encoded.likeness)).decode())
            new = {"person_id": row.person_id, "sealed": sealed, "keys": [key.hash for key in encoded.keys]}
            kept.rows.setdefault(row.case_id, []).append(new)
            await asyncio.sleep(0)
        return kept

    async def keep_encodings(self, due: Sequence[Due], tx: Transaction, kept: Kept) -> None:
        """Keep what persons are compared by, and let them be looked for."""
        rows = [row | {"encoded_at": tx.now} for clock in due for row in kept.rows.get(clock.subject, ())]
        await pairs.keep(tx, rows, [person for clock in due for person in kept.nothing.get(clock.subject, ())])
        for clock in due:
            if clock.subject in kept.rows:
                tx.set_clock(DOUBLES, clock.subject, tx.now)

    def _encoded(self, row: Row[Any], keys: Keys) -> Encoded | None:
        """A person's encodings; None without a name and a NIK, or when the key is gone."""
        plain = {
            name: None if (sealed := getattr(row, name)) is None else keys.open_or_none(row.person_id, f"person.{name}", sealed) for name in PERSONAL
        }
        if not (plain["name"] or plain["nik"]):
            return None
        return self.encoder.encoded(Described(**plain, sex=row.sex, age=row.age, area=row.area, year=row.opened_at.year))

    # -- find ---------------------------------------------------------------------------------------------------------------------

    async def look(self, due: Sequence[Due], read: Read) -> Found:
        """Who may be the same as the persons of these cases."""
        found = Found()
        rows: Sequence[Row[Any]] = await read(lambda tx: pairs.members(tx, [clock.subject for clock in due]))
        keys = await self.vault.of(row.person_id for row in rows)
        for row in rows:
            encoded = self._encoded(row, keys)
            if encoded is not None:
                alike, erased, seconds = await self.alike(encoded, row.person_id, row.case_id, read)
                found.rows.setdefault(row.case_id, []).extend(_pair(row.person_id, other, result) for other, result in alike)
                found.erased |= erased
                # As long as comparing took, the others have the service to themselves: a backlog of comparisons slows nobody down.
                # Waiting for the store is none of it: a busy service would then compare ever slower.
                await asyncio.sleep(seconds)
        return found

    async def alike(self, encoded: Encoded, person_id: UUID, case_id: UUID, read: Read) -> tuple[list[tuple[UUID, Judged]], set[UUID], float]:
        """Who of other cases may be this person, the likeliest first; who was met and is erased; and for how many seconds nothing else had a turn."""
        met: list[pairs.Met] = await read(lambda tx: pairs.near(tx, person_id, case_id, encoded.probes))
        keys = await self.vault.of(entry.person_id for entry in met)
        alike: list[tuple[UUID, Judged]] = []
        erased: set[UUID] = set()
        began = perf_counter()
        for entry in met:
            content = keys.open_or_none(entry.person_id, SEALED_AS, entry.sealed)
            if content is None:
                erased.add(entry.person_id)
            elif other := unpacked(base64.b64decode(content)):
                alike.append((entry.person_id, judged(compared(encoded.likeness, other, rarest=entry.rarest, phones=entry.phones))))
        seconds = perf_counter() - began
        shown = sorted((entry for entry in alike if entry[1].bits >= SHOWN), key=lambda entry: -entry[1].bits)
        return shown[:MOST_SHOWN], await self.vault.erased(erased) if erased else erased, seconds

    async def suggest(self, due: Sequence[Due], tx: Transaction, found: Found) -> None:
        """Suggest the pairs to people, and forget who was erased."""
        await pairs.suggest(tx, [row | {"found_at": tx.now, "changed_at": tx.now} for row in _each(due, found.rows)])
        await pairs.forget(tx, found.erased)

    # -- forget -------------------------------------------------------------------------------------------------------------------

    async def left_over(self, _due: Sequence[Due], read: Read) -> set[UUID]:
        """Who is still kept here although she was erased."""
        found: set[UUID] = set()
        after = UUID(int=0)
        while some := [row.person_id for row in await read(_chunk(after))]:
            found |= await self.vault.erased(some)
            after = some[-1]
        return found

    async def forget(self, _due: Sequence[Due], tx: Transaction, erased: Collection[UUID]) -> None:
        """Forget them, and look again tomorrow."""
        await pairs.forget(tx, erased)
        tx.set_clock(FORGET, EVERYBODY, tx.now + timedelta(days=1))


def _each(due: Sequence[Due], rows: Mapping[UUID, Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rows of these clocks, each pair once: two persons of one batch find each other."""
    return list({row["candidate_id"]: row for clock in due for row in rows.get(clock.subject, ())}.values())


def _chunk(after: UUID) -> Callable[[Transaction], Awaitable[Any]]:
    return lambda tx: tx.rows(pairs.AFTER, {"after": after, "most": CHUNK})


def _pair(person: UUID, other: UUID, result: Judged) -> dict[str, Any]:
    return {
        "candidate_id": pairs.pair_id(person, other),
        "first": min(person, other),
        "second": max(person, other),
        "bits": result.bits,
        "agree": result.agree,
        "differ": result.differ,
        "state": pairs.OPEN,
        "steps": [],
    }


async def tell_if_both_housed(tx: Transaction, persons: Iterable[UUID], cause: Cause) -> None:
    """Give the desk a task when somebody whom merges made one is in a shelter under two ids: people sort it out, no stay is touched."""
    for person in persons:
        members = await pairs.one(tx, [person])
        books = await store.books(tx, members.values()) if len(members) > 1 else {}
        housed = [other for other, case_id in members.items() if case_id in books and str(other) in books[case_id].standing.inside]
        if len(housed) > 1:
            task_id = tx.new_id(f"{BOTH_HOUSED}:{person}", cause=cause)
            task = {"task_id": task_id, "kind": BOTH_HOUSED, "agency": tx.settings.desk_agency, "reference": f"persons/{person}", "problems": []}
            await store.add(tx, store.TASKS, [task | {"fingerprint": task_id.bytes, "opened_at": tx.now}])
            tx.set_clock("desk", task_id, tx.now + tx.settings.span(hours=tx.settings.desk_hours), cause=cause)
