"""When does somebody who listens have to look again? One look for all who listen at this replica, whichever replica said something."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from chassis.store.transaction import Transaction

if TYPE_CHECKING:
    from chassis.service import Service

log = structlog.get_logger()
T = TypeVar("T")


class Bell(Generic[T]):
    """Rings when what `look` finds has changed; `newest` is what it found. `every` is the setting that says how many seconds lie between two looks.

    Nobody listening, it looks `unasked` seconds after the last look, or not at all.
    """

    def __init__(self, look: Callable[[Transaction], Awaitable[T]], nothing: T, every: str, unasked: float | None = None) -> None:
        self.look, self.newest, self.every, self.unasked = look, nothing, every, unasked
        self.listening = 0
        self.closing: Callable[[], bool] = lambda: False
        self._rung = asyncio.Event()

    async def ring(self, service: "Service") -> None:
        """Look again and again, as long as somebody listens, until this is cancelled."""
        looked = monotonic()
        while True:
            await asyncio.sleep(getattr(service.settings, self.every))
            if not self.listening and (self.unasked is None or monotonic() - looked <= self.unasked):
                continue
            looked = monotonic()
            try:
                newest = await service.database.run(self.look)
            except Exception as error:  # noqa: BLE001 - the store may be away; who listens goes on listening
                log.warning("bell_waits", service=service.name, error=type(error).__name__)
                continue
            if newest != self.newest:
                self.newest = newest
                self._rung.set()
                self._rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for the next ring, or for so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)
