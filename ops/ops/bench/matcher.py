"""Placement with a matcher that thinks: every triage costs some milliseconds of a processor, as a solver over many homes would.

Only for the benchmark, in the place of the placement service: `python -m ops.bench.matcher`, told what placement is told.
"""

from collections.abc import Sequence
from time import process_time

import uvicorn
from chassis import Received, Transaction, logs
from contracts.intake import Triaged
from placement import handlers
from placement.app import build
from placement.settings import PlacementSettings

THINKS = 0.003


@handlers.inputs.consumes(Triaged)
async def think(events: Sequence[Received[Triaged]], tx: Transaction) -> None:
    """Use a processor for a while per event."""
    until = process_time() + THINKS * len(events)
    while process_time() < until:
        hash((tx.now, len(events)))


def main() -> None:
    """Serve until told to stop."""
    settings = PlacementSettings()
    logs.configure(settings.log_level, "placement")
    uvicorn.run(build(settings).app(), host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=20)


if __name__ == "__main__":
    main()
