"""Makes notifications' state again of what it said and its store lost, so that nobody is told twice and no acknowledged matter climbs."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Received, Transaction
from chassis.bus.recovery import Lost, Unlearnt
from contracts import catalogue, placement
from contracts.notifications import Acknowledged, Escalated
from contracts.vocabulary import OfficerRole
from sqlalchemy import text

from notifications import domain, handlers, store
from notifications.domain import CaseFile, Ladder
from notifications.escalation.policies import Policies, policies
from notifications.store import Entry
from notifications.survivors import taking

LEARNT = tuple(kind.type for kinds, _ in handlers.inputs.facts for kind in kinds if issubclass(kind, handlers.TEACHES))
TOLD = frozenset(kind.type for kind in catalogue.read_by("notifications", "CASES"))
WATCHED = frozenset(kind.type for kind in handlers.WATCHED)
NOTICE_UNKNOWN, LADDER_UNKNOWN, REMINDER_UNKNOWN = "notice_unknown", "ladder_unknown", "reminder_unknown"
# Who acknowledged is in no fact; that somebody did is.
ACKNOWLEDGE = text("UPDATE notice SET acknowledged_at = :at WHERE id = :id AND acknowledged_at IS NULL RETURNING id")
KNOWN = text("SELECT 1 FROM notice WHERE id = :id")
LADDERS_OF = text("""
    SELECT placement_id, case_id, unit, offered_at, answered, done, claimed_until FROM ladder WHERE case_id = ANY(CAST(:cases AS uuid[]))""")
WATCHED_SOURCES = text("""
    SELECT DISTINCT source, case_id, occurred_at FROM notice
    WHERE case_id = ANY(CAST(:cases AS uuid[])) AND kind IN ('clock_missed', 'assessment.alert_raised', 'placement.probing_suspected')""")


async def relearn(lost: Lost, tx: Transaction) -> list[Unlearnt]:
    """Learn files, notices under the ids they had, ladders and acknowledgements again."""
    others = [event for event in lost.others if event.type in TOLD]
    await taking.relearn(lost, tx)
    cases = sorted({event.subject for event in [*lost.own, *others]})
    if not cases:
        return []
    await tx.lock(cases)
    files = await _files(tx, cases, others)
    told = [(event, notice) for event in others for notice in domain.notices_for(handlers.happening(event), files[event.subject])]
    # Under the ids of the lost epoch: by these they were acknowledged, and clients know them.
    await store.write_notices(
        tx,
        [handlers.entry_of(e, n, e.cause.derive(lost.epoch, e.subject, f"id:{handlers.notice_key(e, n)}")) for e, n in told],
    )
    unlearnt = await _ladders(tx, files, others, [event for event in lost.own if isinstance(event.data, Escalated)])
    for event in lost.own:
        if isinstance(event.data, Acknowledged) and not await _acknowledged(tx, event.data.notice_id, event.time):
            unlearnt.append(Unlearnt(event, NOTICE_UNKNOWN))
    return unlearnt


async def _files(tx: Transaction, cases: Sequence[UUID], others: Iterable[Received[Any]]) -> dict[UUID, CaseFile]:
    known = await store.files_of(tx, cases)
    files = dict(known)
    for event in others:
        if event.type in LEARNT:
            files[event.subject] = handlers.learned(files[event.subject], event)
    changed = [file for case_id, file in files.items() if file != known[case_id]]
    if changed:
        await store.keep_files(tx, changed)
        await store.readdress(tx, changed, changed)
    return files


async def _acknowledged(tx: Transaction, notice_id: UUID, at: datetime) -> bool:
    """Whether the notice is acknowledged now."""
    return bool(await tx.rows(ACKNOWLEDGE, {"id": notice_id, "at": at}) or await tx.rows(KNOWN, {"id": notice_id}))


async def _ladders(
    tx: Transaction, files: dict[UUID, CaseFile], others: Sequence[Received[Any]], escalated: Sequence[Received[Any]]
) -> list[Unlearnt]:
    """Let each ladder stand on the step that was told last, with the notices of those steps; and each reminder be told once."""
    found = {row.placement_id: store.made(Ladder, row) for row in await tx.rows(LADDERS_OF, {"cases": list(files)})}
    kinds = (placement.Offered, *handlers.ANSWERS)
    for event in others:
        if isinstance(event.data, kinds):
            found[event.data.placement_id] = handlers.followed(found.get(event.data.placement_id), event)
    watched = [(str(event.id), event.subject, event.time) for event in others if event.type in WATCHED]
    watched += [(row.source, row.case_id, row.occurred_at) for row in await tx.rows(WATCHED_SOURCES, {"cases": list(files)})]
    reminded = await store.known_sources(tx, [handlers.reminder_of(source) for source, _, _ in watched])
    entries: list[Entry] = []
    unlearnt: list[Unlearnt] = []
    held = await policies(tx)
    for event in escalated:
        # A reminder is one step, told to a supervisor; a ladder may end with one too.
        reminder = event.data.role is OfficerRole.SUPERVISOR and event.data.step == 1
        entry = _reminder(event, files[event.subject], watched, reminded) if reminder else _step(event, files[event.subject], found, held)
        if entry is None:
            unlearnt.append(Unlearnt(event, REMINDER_UNKNOWN if reminder else LADDER_UNKNOWN))
        else:
            entries.append(entry)
    await store.write_notices(tx, entries)
    if found:
        await store.keep_ladders(tx, list(found.values()), [held.version_at(ladder.offered_at) for ladder in found.values()])
        handlers.set_clocks(found.values(), files, held, tx)
    return unlearnt


def _step(event: Received[Any], file: CaseFile, found: dict[UUID, Ladder], held: Policies) -> Entry | None:
    """The notice of a step that was told, on the newest ladder of its case that had begun by then."""
    begun = [ladder for ladder in found.values() if ladder.case_id == event.subject and ladder.offered_at and ladder.offered_at <= event.time]
    if not begun:
        return None
    ladder = max(begun, key=lambda ladder: (ladder.offered_at, ladder.placement_id))
    steps = held.steps(ladder.offered_at, file.risk)
    if event.data.step > len(steps):
        return None
    found[ladder.placement_id] = replace(ladder, done=max(ladder.done, event.data.step))
    notices = [n for n in domain.notices_of_step(ladder, steps[event.data.step - 1], file) if n.role == event.data.role.value]
    if not notices:
        return None
    source = f"{ladder.placement_id}/{event.data.step}"
    return Entry(event.data.notice_id, source, notices[0], occurred_at=event.time, case_id=event.subject, placement_id=ladder.placement_id)


def _reminder(event: Received[Any], file: CaseFile, watched: Iterable[tuple[str, UUID, datetime]], reminded: set[str]) -> Entry | None:
    """The reminder of the oldest matter of its case that nobody was reminded of yet."""
    open_then = sorted((at, source) for source, case_id, at in watched if case_id == event.subject and at <= event.time)
    source = next((name for _, source in open_then if (name := handlers.reminder_of(source)) not in reminded), None)
    if source is None:
        return None
    reminded.add(source)
    return Entry(event.data.notice_id, source, domain.reminder(file), occurred_at=event.time, case_id=event.subject)
