"""Key-encryption keys: the seam behind which a file, the environment or a key-management service (`kms`) wraps the keys of persons.

A ring has one key that wraps, and may have others that only open what they wrapped before. Keys are known by a name that tells nothing
of them. Key wrap by RFC 3394.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

KEY_BYTES = 32
PLAIN = re.compile("[0-9a-f]{16}")


class UnknownKeyError(Exception):
    """No key of the ring opens this: it was wrapped by one that is not here, or changed."""


class KeyRing(Protocol):
    """Wraps and opens keys. Whatever implements it (a file, a KMS) may take its time, and gets many keys in one call."""

    async def current(self) -> str:
        """The name of the key-encryption key that wraps now."""

    async def wrap(self, keys: Sequence[bytes]) -> tuple[str, list[bytes]]:
        """The name of the current key-encryption key, and these keys wrapped by it."""

    async def unwrap(self, wrapped: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """The keys in these (name of what wrapped it, wrapped key). Raises UnknownKeyError when one does not open."""

    def origin(self, purpose: str) -> bytes | None:
        """What a key for a purpose was before such keys were kept; None where it never was: then it is made at random."""

    def knows(self, name: str) -> bool:
        """Whether what a key of this name wrapped is for this ring to open."""

    async def close(self) -> None:
        """Let go of what was opened to reach the keys."""


def derived(kek: bytes, purpose: str) -> bytes:
    """A key for one purpose, derived from the key-encryption key (HMAC-SHA-256 as in NIST SP 800-108)."""
    return hmac.new(kek, f"naungan|{purpose}".encode(), hashlib.sha256).digest()


def name_of(kek: bytes) -> str:
    """By what a key-encryption key is known."""
    return hashlib.sha256(derived(kek, "name")).hexdigest()[:16]


def read_key_file(path: Path) -> bytes:
    """The key-encryption key in a file that wraps. Raises ValueError when it is not one or more keys of 32 bytes in hex, a line each."""
    return read_keys(path)[0]


def read_keys(path: Path) -> list[bytes]:
    """The key-encryption keys in a file, the one that wraps first. Raises ValueError as `read_key_file`."""
    return _read(path.read_text().split(), f"{path}: a key-encryption key must be 32 bytes in hex, one a line")


def _read(written: Sequence[str], message: str) -> list[bytes]:
    keys = [bytes.fromhex(line) for line in written]
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise ValueError(message)
    return keys


def write_keys(path: Path, keys: Sequence[bytes]) -> None:
    """Replace a file's keys at once, readable by its owner only: whoever reads finds the earlier ones or these."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("".join(f"{key.hex()}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


class _Plain:
    """A ring whose keys are in this process; the first one wraps."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {name_of(key): key for key in keys}

    @property
    def names(self) -> list[str]:
        """The names of the keys, the one that wraps first."""
        return list(self._keys)

    async def current(self) -> str:
        """As `KeyRing.current`."""
        return (await self.wrap([]))[0]

    def knows(self, name: str) -> bool:
        """As `KeyRing.knows`: what has the form of a name of such a key, for the key may be in the file in a moment."""
        return PLAIN.fullmatch(name) is not None

    async def close(self) -> None:
        """As `KeyRing.close`: nothing is open."""

    async def wrap(self, keys: Sequence[bytes]) -> tuple[str, list[bytes]]:
        """As `KeyRing.wrap`."""
        name, kek = next(iter(self._keys.items()))
        return name, [aes_key_wrap(kek, key) for key in keys]

    async def unwrap(self, wrapped: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """As `KeyRing.unwrap`."""
        return [self._opened(name, key) for name, key in wrapped]

    def origin(self, purpose: str) -> bytes | None:
        """As `KeyRing.origin`: the oldest key, which is the last, is the one that it was derived from."""
        return derived(list(self._keys.values())[-1], purpose)

    def _opened(self, name: str, wrapped: bytes) -> bytes:
        kek = self._keys.get(name)
        if kek is None:
            raise UnknownKeyError(name)
        try:
            return aes_key_unwrap(kek, wrapped)
        except (InvalidUnwrap, ValueError):
            raise UnknownKeyError(name) from None


class OneKey(_Plain):
    """A single key that never changes."""

    def __init__(self, kek: bytes) -> None:
        super().__init__([kek])


class KeyEnvironment(_Plain):
    """The keys in a setting, in hex, separated by commas: the first wraps. It changes with the process, so replicas are restarted one by one.

    Raises ValueError when it is not one or more keys of 32 bytes; what was set is not told.
    """

    def __init__(self, told: str) -> None:
        message = "KEY_ENCRYPTION_KEYS must be keys of 32 bytes in hex, separated by commas, the one that wraps first"
        try:
            keys = _read(told.replace(",", " ").split(), message)
        except ValueError:
            raise ValueError(message) from None
        super().__init__(keys)


class KeyFile(_Plain):
    """The keys in a file, read again when the file changed: a rotation needs no restart.

    Raises ValueError or OSError as `read_keys` at the start; a file that cannot be read later leaves the keys as they were.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._stamp()
        super().__init__(read_keys(path))

    async def wrap(self, keys: Sequence[bytes]) -> tuple[str, list[bytes]]:
        """As `KeyRing.wrap`, by the key that the file names first now."""
        self._look()
        return await super().wrap(keys)

    def _opened(self, name: str, wrapped: bytes) -> bytes:
        if name not in self._keys:
            self._look()
        return super()._opened(name, wrapped)

    def _look(self) -> None:
        try:
            stamp = self._stamp()
            if stamp != self._seen:
                super().__init__(read_keys(self.path))
                self._seen = stamp
        except (OSError, ValueError):
            return

    def _stamp(self) -> tuple[int, int]:
        found = self.path.stat()
        return found.st_mtime_ns, found.st_ino
