"""Backups, what comes after putting one back, and the key-encryption keys."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from contracts.streams import SERVICES
from rich.table import Table

from ops import backup, keys, recovery
from ops.commands.options import DEFAULT, Data, access, console

recovery_app = typer.Typer(no_args_is_help=True, add_completion=False, help="What a restored service could not learn again, for people to settle.")
keys_app = typer.Typer(no_args_is_help=True, add_completion=False, help="The key-encryption key of a service: change it while everything works.")


@contextlib.contextmanager
def _saying_why() -> Iterator[None]:
    try:
        yield
    except (backup.BackupError, keys.KeysError, LookupError) as error:
        console.print(f"nothing was changed: {error}", soft_wrap=True)
        raise typer.Exit(1) from None
    except keys.StoppedError as error:
        console.print(f"stopped: {error}", soft_wrap=True)
        raise typer.Exit(1) from None


Chosen = Annotated[list[str] | None, typer.Option("--service", help="a service, again for each; all without it")]
Apart = Annotated[Path | None, typer.Option("--keys", help="folder of the keys' own backup set; FOLDER/keys without it")]


def back_up(folder: Path, service: Chosen = None, keys: Apart = None, data: Data = DEFAULT) -> None:
    """Back up stores and, apart from them, keys, while everything works; the earlier backup in FOLDER stays until this one is whole."""
    with recovery.reachable(data), _saying_why():
        manifest = asyncio.run(backup.back_up(folder, recovery.urls(service or SERVICES, data), keys))
    for name, entry in manifest["stores"].items():
        console.print(f"{name}: {entry['size']} bytes, schema {entry['revision']}, epoch {entry['epoch']}")


def put_back(folder: Path, service: Chosen = None, keys: Apart = None, data: Data = DEFAULT) -> None:
    """Put stores back from a backup; their services must be stopped, and bring them up to date when they start."""
    with recovery.reachable(data), _saying_why():
        epochs = asyncio.run(backup.restore(folder, recovery.urls(service or SERVICES, data), keys))
    for name, epoch in epochs.items():
        console.print(f"{name}: put back, closed, epoch {epoch}; start the service, then see `naungan recovery list {name}`")


@recovery_app.command("list")
def list_recovery(service: str, data: Data = DEFAULT) -> None:
    """List what a service's recovery left to people and nobody has settled yet."""
    table = Table("event", "what happened", "whose", "missing", "since")
    with recovery.reachable(data), _saying_why():
        found = asyncio.run(recovery.listed(recovery.urls([service], data)[service].store))
    for row in found:
        table.add_row(str(row["event_id"]), row["type"], str(row["subject"]), row["missing"], f"{row['opened_at']:%Y-%m-%d %H:%M}")
    console.print(table)


@recovery_app.command("done")
def settle_recovery(
    service: str, event: Annotated[UUID | None, typer.Argument(help="one event; all without it")] = None, data: Data = DEFAULT
) -> None:
    """Say that people settled what a recovery left to them."""
    with recovery.reachable(data), _saying_why():
        settled = asyncio.run(recovery.settle(recovery.urls([service], data)[service].store, event))
    console.print(f"settled {settled}")


@keys_app.command("rotate")
def rotate_keys(service: str, data: Data = DEFAULT) -> None:
    """Make a new key-encryption key, put it first in the service's key file, and wrap every key by it; services go on and notice by themselves.

    Where the environment or a key-management service wraps, make the new key there first: then every key is wrapped by it.
    """
    reached = access(service, data)
    if reached.kms or reached.environment_keys or reached.key_file is None:
        with _saying_why():
            done = asyncio.run(keys.rewrap(reached.key_source, reached.keys, lambda count: console.print(f"{count} keys")))
        console.print(f"{done.rewrapped} keys were wrapped anew, all are wrapped by {done.current} now", soft_wrap=True)
        return
    with _saying_why():
        done = asyncio.run(keys.rotate(reached.key_file, reached.keys, lambda count: console.print(f"{count} keys")))
    console.print(
        f"{done.rewrapped} keys are wrapped by {done.current} now: copy {reached.key_file} to its second place before anything else", soft_wrap=True
    )
    console.print(
        f"keep {', '.join(done.others)} as long as a backup of the keys from before is kept; then: naungan keys retire {service}", soft_wrap=True
    )


@keys_app.command("retire")
def retire_keys(service: str, data: Data = DEFAULT) -> None:
    """Take the key-encryption keys that wrap nothing any more out of the service's key file."""
    reached = access(service, data)
    if reached.kms or reached.environment_keys or reached.key_file is None:
        console.print(
            "the key file is not what wraps: naungan doctor says what wraps which keys; take away what wraps none where it is", soft_wrap=True
        )
        raise typer.Exit(2)
    with _saying_why():
        gone = asyncio.run(keys.retire(reached.key_file, reached.keys))
    console.print(f"gone: {', '.join(gone) or 'none'}")
