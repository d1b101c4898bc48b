"""Which ring of key-encryption keys a service has: a file, the environment, a key-management service, or several of them one after the other.

With several, the first wraps and the others only open what they wrapped before: so a service moves from one to another while it serves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.store.keyring import KeyEnvironment, KeyFile, KeyRing, UnknownKeyError
from chassis.store.kms import Kms, KmsPlace


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where key-encryption keys are, in the order in which they wrap: key-management service, environment, file."""

    file: Path | None = None
    environment: str | None = None
    kms: KmsPlace | None = None

    @property
    def said(self) -> bool:
        """Whether there is any."""
        return bool(self.file or self.environment or self.kms)

    def ring(self) -> KeyRing:
        """The ring. Raises ValueError or OSError where what is named cannot be read."""
        rings: list[KeyRing] = []
        if self.kms:
            rings.append(Kms(self.kms))
        if self.environment:
            rings.append(KeyEnvironment(self.environment))
        if self.file:
            rings.append(KeyFile(self.file))
        if not rings:
            message = "no key-encryption key is named: set KEY_FILE, KEY_ENCRYPTION_KEYS or KMS_URL"
            raise ValueError(message)
        return rings[0] if len(rings) == 1 else Several(rings)


class Several:
    """Rings of which the first wraps, and each opens what it knows."""

    def __init__(self, rings: Sequence[KeyRing]) -> None:
        self._rings = rings

    async def current(self) -> str:
        """As `KeyRing.current`."""
        return await self._rings[0].current()

    async def wrap(self, keys: Sequence[bytes]) -> tuple[str, list[bytes]]:
        """As `KeyRing.wrap`."""
        return await self._rings[0].wrap(keys)

    async def unwrap(self, wrapped: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """As `KeyRing.unwrap`."""
        opened: dict[int, bytes] = {}
        for ring, places in self._whose(wrapped).items():
            opened |= dict(zip(places, await self._rings[ring].unwrap([wrapped[place] for place in places]), strict=True))
        return [opened[place] for place in range(len(wrapped))]

    def _whose(self, wrapped: Sequence[tuple[str, bytes]]) -> Mapping[int, list[int]]:
        """The places of what each ring has to open."""
        found: dict[int, list[int]] = {}
        for place, (name, _) in enumerate(wrapped):
            ring = next((number for number, ring in enumerate(self._rings) if ring.knows(name)), None)
            if ring is None:
                raise UnknownKeyError(name)
            found.setdefault(ring, []).append(place)
        return found

    def origin(self, purpose: str) -> bytes | None:
        """As `KeyRing.origin`: that of the last ring that has one, for it is the oldest."""
        return next((made for ring in reversed(self._rings) if (made := ring.origin(purpose))), None)

    def knows(self, name: str) -> bool:
        """As `KeyRing.knows`."""
        return any(ring.knows(name) for ring in self._rings)

    async def close(self) -> None:
        """As `KeyRing.close`."""
        for ring in self._rings:
            await ring.close()
