"""When does somebody who listens have to look again? One look for all who listen at this replica, whichever replica said something."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from chassis import Service, Transaction

from intake.following import numbering

log = structlog.get_logger()


class Bell:
    """Knows the number of each agency's newest event, and rings when one grew."""

    def __init__(self) -> None:
        self.listening = 0
        self.newest: dict[str, int] = {}
        self.closing: Callable[[], bool] = lambda: False
        self._rung = asyncio.Event()

    async def ring(self, service: Service) -> None:
        """Number what is new and look again and again, as long as somebody listens, until this is cancelled."""
        settings = service.settings
        while True:
            await asyncio.sleep(settings.feed_poll_seconds)  # type: ignore[attr-defined]
            if self.listening:
                try:
                    newest = await service.database.run(_look)
                except Exception as error:  # noqa: BLE001 - the store may be away; who listens goes on listening
                    log.warning("feed_waits", error=type(error).__name__)
                    continue
                if newest != self.newest:
                    self.newest = newest
                    self._rung.set()
                    self._rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for the next ring, or for so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)


async def _look(tx: Transaction) -> dict[str, int]:
    await numbering.number(tx)
    return {row.agency: row.number for row in await tx.rows(numbering.NEWEST_OF_ALL)}
