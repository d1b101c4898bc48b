"""Changes the key-encryption key of a service while it serves: a new one beside the old, every key wrapped anew, and only then the old one away.

A key opens what it opened before, so nothing else changes: no ciphertext, no blind index. What was interrupted goes on where it was.
"""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chassis.store.database import create_engine
from chassis.store.keyring import KEY_BYTES, KeyFile, name_of, read_keys, write_keys
from chassis.store.kms import KmsError
from chassis.store.rings import KeySource
from chassis.store.vault import Vault

CHUNK = 500


class StoppedError(Exception):
    """A rotation stopped in between: old and new open, and it goes on when it is called again."""


class KeysError(Exception):
    """What stands against it; the keys are as they were."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation came to: by which key everything is wrapped now, and which ones are left in the file."""

    current: str
    rewrapped: int
    others: tuple[str, ...]


async def rotate(key_file: Path, keys_url: str, say: Callable[[int], None] = lambda _done: None) -> Rotated:
    """Put a new key first in the file and wrap every key of the service by it; `say` hears how many are done.

    Raises KeysError when a key does not open: nothing is changed then.
    """
    async with _vault(key_file, keys_url) as (vault, ring):
        opened = await _proven(vault)
        await vault.prepare()
        keys = read_keys(key_file)
        if set(opened) <= {ring.names[0]}:  # else an earlier rotation was interrupted, and goes on
            keys = [secrets.token_bytes(KEY_BYTES), *keys]
            write_keys(key_file, keys)
        done = 0
        # Whoever had not looked at the file yet may have wrapped one more by the old key: until there is none.
        while set(await _proven(vault)) - {name_of(keys[0])}:
            while count := await vault.rewrap(CHUNK):
                done += count
                say(done)
    return Rotated(name_of(keys[0]), done, tuple(name_of(key) for key in keys[1:]))


async def rewrap(source: KeySource, keys_url: str, say: Callable[[int], None] = lambda _done: None) -> Rotated:
    """Wrap every key of the service by the key that wraps now in the environment or in the key-management service, where it was changed before.

    Raises KeysError when a key does not open, and StoppedError when the key-management service stops answering.
    """
    try:
        vault = Vault(create_engine(keys_url, 1), source.ring())
    except (OSError, ValueError) as error:
        raise KeysError(str(error)) from None
    done = 0
    try:
        await vault.make_tables()
        await _proven(vault)
        while set(await _proven(vault)) - {current := await vault.ring.current()}:
            while count := await vault.rewrap(CHUNK):
                done += count
                say(done)
    except KmsError as error:
        message = f"{error}; {done} keys were wrapped anew before: call it again"
        raise StoppedError(message) from None
    finally:
        await vault.close()
    return Rotated(current, done, ())


async def retire(key_file: Path, keys_url: str) -> list[str]:
    """Take the keys that wrap nothing any more out of the file; their names. Raises KeysError while one still wraps something."""
    async with _vault(key_file, keys_url) as (vault, ring):
        opened = await _proven(vault)
        await vault.prepare()
        current, *others = ring.names
        if left := [name for name in others if name in opened]:
            message = f"{', '.join(left)} still wraps keys: rotate first"
            raise KeysError(message)
        write_keys(key_file, read_keys(key_file)[:1])
    return [name for name in others if name != current]


async def _proven(vault: Vault) -> dict[str, int]:
    tried, failed, opened = await vault.prove()
    if failed:
        message = f"{failed} of {tried} keys do not open: put the key-encryption key back that wrapped them (naungan doctor), then try again"
        raise KeysError(message)
    return dict(opened)


@asynccontextmanager
async def _vault(key_file: Path, keys_url: str) -> AsyncIterator[tuple[Vault, KeyFile]]:
    try:
        ring = KeyFile(key_file)
    except (OSError, ValueError) as error:
        message = f"the key-encryption key cannot be read ({type(error).__name__})"
        raise KeysError(message) from None
    vault = Vault(create_engine(keys_url, 1), ring)
    try:
        await vault.make_tables()
        yield vault, ring
    finally:
        await vault.close()
