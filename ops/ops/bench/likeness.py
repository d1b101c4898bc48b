"""How long it takes to find who may be the same as one new person, among a million: encoding her, looking, opening and comparing.

All that intake keeps of a million invented people is made by several processes, each person with a key of her own; then new reports, half of
them of people who are known, are looked for one after the other, by the code of the service and on its own two databases.
"""

import asyncio
import base64
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from chassis.store.database import Database, create_engine
from chassis.store.keyring import name_of
from chassis.store.vault import Keys, Vault, read_key_file
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from intake.linkage.finding import SEALED_AS, Doubles
from intake.linkage.likeness import Encoder, packed
from intake.settings import IntakeSettings

from ops.bench.bed import Bed, connected, database_of, open_bed, settings_of, vault_of
from ops.bench.figures import Figure, Sizes, percentile
from ops.doubles import Written, written
from ops.linkage import described

SERVICE = "intake"
SLICE = 10_000
PROCESSES = 2
LOOKED_FOR = 1000
HELD_BACK_EVERY = 20  # of people who are reported again: their last report is not stored but looked for
STRANGERS = 999_983  # seed


@dataclass(frozen=True, slots=True)
class Store:
    """Where a process writes, and with which key."""

    url: str
    keys_url: str
    key_file: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report to look for, and the ids of the stored persons who are the same; none of a stranger."""

    entry: Written
    same: tuple[UUID, ...]


async def figure(_bed: Bed, sizes: Sizes, say: Callable[[str], None]) -> Figure:
    """A store of its own, filled once; each look is timed from the plain report to the judged pairs."""
    found = Figure("likeness", f"the same person among {sizes.in_store:,}, one look at a time")
    async with (
        open_bed() as bed,
        vault_of(bed, SERVICE, IntakeSettings) as vault,
        database_of(bed, SERVICE, IntakeSettings) as database,
    ):
        await vault.prepare()
        key_file = str(settings_of(bed, SERVICE, IntakeSettings).key_file)
        wanted = await _fill(bed, Store(bed.store(SERVICE), bed.store(SERVICE, f"{SERVICE}_keys"), key_file), sizes, say)
        looks = [*wanted[: LOOKED_FOR // 2], *(Wanted(entry, ()) for entry in islice(written(STRANGERS, LOOKED_FOR), LOOKED_FOR // 2))]
        seconds, processor, right, true = await _look(Doubles(lambda: vault), database, looks[: max(20, sizes.reports)])
    p50, p99 = percentile(seconds, 0.5) * 1e3, percentile(seconds, 0.99) * 1e3
    found.rows.append(("a look, p50 / p99", f"{p50:.1f} / {p99:.1f} ms"))
    found.rows.append(
        ("of it this process's processor time, p50 / p99", f"{percentile(processor, 0.5) * 1e3:.1f} / {percentile(processor, 0.99) * 1e3:.1f} ms")
    )
    found.rows.append(("of those known before, found above the shown threshold", f"{right} of {true}"))
    found.goal("candidates of one person, p99 ms", p99, most=50)
    found.data = {"seconds": seconds, "processor": processor, "found": right, "known": true}
    return found


async def _look(finding: Doubles, database: Database, looks: list[Wanted]) -> tuple[list[float], list[float], int, int]:
    """The time of each look and the processor's part of it, how many of the stored persons who are the same were found, and how many there are."""
    seconds, processor = list[float](), list[float]()
    right = true = 0
    for warming in (True, False):
        for look in looks[:50] if warming else looks:
            started, spent = perf_counter(), process_time()
            encoded = finding.encoder.encoded(described(look.entry))
            alike, _, _ = await finding.alike(encoded, uuid4(), uuid4(), database.run)
            if not warming:
                seconds.append(perf_counter() - started)
                processor.append(process_time() - spent)
                right += len({person for person, _ in alike} & set(look.same))
                true += len(look.same)
    return seconds, processor, right, true


# -- the store --------------------------------------------------------------------------------------------------------------------------


async def _fill(bed: Bed, store: Store, sizes: Sizes, say: Callable[[str], None]) -> list[Wanted]:
    """Everything that intake keeps to compare people by; the key of the keys is made when all are there."""
    loop, found = asyncio.get_running_loop(), list[Wanted]()
    async with connected(bed.store(SERVICE)) as connection:
        await connection.execute("ALTER TABLE likeness_key DROP CONSTRAINT likeness_key_pkey")
        with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
            slices = [(seed, min(SLICE, sizes.in_store - start)) for seed, start in enumerate(range(0, sizes.in_store, SLICE))]
            work = [loop.run_in_executor(pool, slice_of, store, seed, people) for seed, people in slices]
            for done, part in enumerate(asyncio.as_completed(work), 1):
                found += await part
                if done % 10 == 0:
                    say(f"{min(done * SLICE, sizes.in_store):,} people")
        await connection.execute("SET maintenance_work_mem = '256MB'")
        await connection.execute("ALTER TABLE likeness_key ADD PRIMARY KEY (key, person_id)", timeout=3600)
        await connection.execute("VACUUM (ANALYZE)", timeout=3600)
        size = await connection.fetchval(
            "SELECT pg_size_pretty(sum(pg_total_relation_size(t::regclass))) FROM unnest(ARRAY['likeness', 'likeness_key']) t"
        )
    say(f"encodings and keys: {size}")
    async with connected(store.keys_url) as keys:
        await keys.execute("VACUUM (ANALYZE)", timeout=3600)
    return found


def slice_of(store: Store, seed: int, people: int) -> list[Wanted]:
    """Make and write a slice of people, in a process of its own; the reports that were held back."""
    return asyncio.run(_slice(store, seed, people))


async def _slice(store: Store, seed: int, people: int) -> list[Wanted]:
    kek = read_key_file(Path(store.key_file))
    keks_name = name_of(kek)
    vault = Vault(create_engine(store.keys_url, 1), kek)
    encoder, now = Encoder(vault.blind), datetime.now(UTC)
    kept, held_back = _held_back(written(seed, people))
    persons, keys, encodings, under = list[Any](), list[Any](), list[Any](), list[Any]()
    ids: dict[int, list[UUID]] = {}
    for entry in kept:
        person_id, key = uuid4(), AESGCM.generate_key(256)
        encoded = encoder.encoded(described(entry))
        hashes = [one.hash for one in encoded.keys]
        content = base64.b64encode(packed(encoded.likeness)).decode()
        ids.setdefault(entry.who, []).append(person_id)
        persons.append((person_id, uuid4(), 0, "victim", entry.sex, entry.age, []))
        keys.append((person_id, aes_key_wrap(kek, key), keks_name))
        encodings.append((person_id, Keys({person_id: key}).seal(person_id, SEALED_AS, content), hashes, now))
        under += [(one, person_id) for one in hashes]
    connection = await asyncpg.connect(store.url)
    await connection.copy_records_to_table("person", records=persons, columns=("person_id", "case_id", "place", "role", "sex", "age", "needs"))
    await connection.copy_records_to_table("likeness", records=encodings, columns=("person_id", "sealed", "keys", "encoded_at"))
    await connection.copy_records_to_table("likeness_key", records=under, columns=("key", "person_id"))
    await connection.close()
    apart = await asyncpg.connect(store.keys_url)
    await apart.copy_records_to_table("person_key", records=keys, columns=("owner", "wrapped", "kek"))
    await apart.close()
    await vault.engine.dispose()
    return [Wanted(entry, tuple(ids[entry.who])) for entry in held_back]


def _held_back(entries: Iterator[Written]) -> tuple[list[Written], list[Written]]:
    """Reports to store, and of some people who are reported again the last one, to look for."""
    by_person: dict[int, list[Written]] = {}
    for entry in entries:
        by_person.setdefault(entry.who, []).append(entry)
    again = [reports for reports in by_person.values() if len(reports) > 1]
    held_back = [reports.pop() for reports in again[::HELD_BACK_EVERY]]
    return [entry for reports in by_person.values() for entry in reports], held_back
