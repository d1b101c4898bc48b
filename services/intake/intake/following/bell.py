"""When does somebody who listens have to look again? One look for all who listen at this replica, whichever replica said something."""

import asyncio
import contextlib
from collections.abc import Callable
from time import monotonic

import structlog
from chassis import Service, Transaction

from intake.following import numbering

log = structlog.get_logger()

# Seconds after which is numbered what nobody asks for, so that whoever comes after a long time does not wait for all of it.
UNASKED = 60.0


class Bell:
    """Knows the number of each agency's newest event, and rings when one grew."""

    def __init__(self) -> None:
        self.listening = 0
        self.newest: dict[str, int] = {}
        self.closing: Callable[[], bool] = lambda: False
        self._rung = asyncio.Event()

    async def ring(self, service: Service) -> None:
        """Number what is new and look again and again while somebody listens, and else now and then, until this is cancelled."""
        settings, looked = service.settings, monotonic()
        while True:
            await asyncio.sleep(settings.feed_poll_seconds)  # type: ignore[attr-defined]
            if self.listening or monotonic() - looked > UNASKED:
                looked = monotonic()
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
