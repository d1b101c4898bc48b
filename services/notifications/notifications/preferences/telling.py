"""Tells officers what they chose to hear, and shows at its time what was held back for them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis import Due, Received, Transaction
from contracts import intake

from notifications import domain
from notifications.domain import CaseFile, Happening
from notifications.domain.preferences import shown_from
from notifications.preferences import store
from notifications.preferences.store import Told
from notifications.store import merge

JAKARTA = ZoneInfo("Asia/Jakarta")


async def keep_areas(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Keep where the cases are that were reported or triaged."""
    reported = [
        (event.subject, event.data.area, event.data.recorded_at.astimezone(JAKARTA).date())
        for event in events
        if isinstance(event.data, intake.Reported)
    ]
    triaged = [(event.subject, event.data.area, event.factversion) for event in events if isinstance(event.data, intake.Triage)]
    await store.keep_areas(tx, reported, triaged)


async def tell_who_chose(
    events: Sequence[tuple[Received[Any], Happening, Mapping[str, Any]]], files: Mapping[UUID, CaseFile], tx: Transaction
) -> None:
    """Tell each officer who chose to hear of such an event and is not told by role; what is not urgent waits for her rhythm."""
    told = [told_of(event, happening, numbers, files[event.subject]) for event, happening, numbers in events]
    led = [one for one in told if one.agency is not None]
    rhythms = await store.rhythms(tx, {str(one.agency) for one in led}, {one.kind for one in led}) if led else []
    if not rhythms:
        return
    held = await store.fan_out(tx, led, [(rhythm, shown_from(tx.now, rhythm, JAKARTA)) for rhythm in rhythms])
    await merge(tx, [one.source for one in led if one.kind in domain.MERGED])
    for moment in held:
        tx.set_clock(store.RELEASE, store.release_of(moment), moment, cause=events[0][0].cause)


def told_of(event: Received[Any], happening: Happening, numbers: Mapping[str, Any], file: CaseFile) -> Told:
    """An event as it is matched with what officers chose."""
    return Told(
        source=str(event.id),
        kind=happening.kind,
        urgency=(domain.Urgency.URGENT if happening.pressing else domain.Urgency.NORMAL).value,
        occurred_at=event.time,
        case_id=event.subject,
        agency=file.agency,
        risk=file.risk,
        worker=file.worker,
        prefix=event.id.hex[:12],
        **numbers,
    )


async def release(_due: Sequence[Due], tx: Transaction) -> None:
    """Show what was held back until now."""
    await store.show(tx)
