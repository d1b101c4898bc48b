"""The nightly question who is still there, as settings and clocks have it."""

from chassis import Transaction

from placement.domain.nights import Hours
from placement.settings import PlacementSettings
from placement.store import census


def hours_of(settings: PlacementSettings) -> Hours:
    """From when and until when a night is to be confirmed."""
    return Hours(settings.census_from, settings.census_by)


async def ask_of_all(tx: Transaction) -> None:
    """Let every shelter that no clock asks about be asked from the coming night on."""
    for shelter_id in await census.unasked(tx):
        tx.set_clock(census.CLOCK, shelter_id, hours_of(tx.settings).next_deadline(tx.now))
