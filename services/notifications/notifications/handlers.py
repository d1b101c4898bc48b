"""What notifications listens to: the events of cases, the agencies' feeds, and its own two ladders.

What it says about notices is only who acknowledged one and which step a ladder took. That a notice lies in an inbox is not said (there
is one for nearly every event), and a webhook's fate is in the delivery log: a feed names follow ids, and `Delivered` and `Failed` are
facts about cases.
"""

import functools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from chassis import Due, Inputs, Received, Transaction, witness
from chassis.store import erasure
from chassis.store.erasure import Tombstone
from contracts import assessment, catalogue, intake, placement
from contracts.agencies import AgencyEvent
from contracts.audit import AssessmentSealed
from contracts.event import Event
from contracts.notifications import Escalated
from contracts.rights import PersonErased
from contracts.vocabulary import FollowupResult, OfficerRole

from notifications import domain, stops, store
from notifications.domain import CaseFile, Happening, Ladder, Notice
from notifications.store import Entry, FeedEvent

inputs = Inputs()
inputs.consumes(AssessmentSealed)(witness)  # of whose audit log this store keeps the seals

LADDER = "ladder"
ENDINGS = (intake.Withdrawn, intake.ReferredOut, intake.ContactLost, intake.Closed)
LED = intake.ResponsibilityTransferred
ANSWERS = (
    placement.Declined,
    placement.Expired,
    placement.Cancelled,
    placement.Accepted,
    placement.OnTheWay,
    placement.NoShow,
    placement.Admitted,
)
TEACHES = (intake.Reported, placement.AdmittedDirectly, intake.Triage, assessment.Assigned, assessment.Reassigned, *ENDINGS, intake.Reopened, LED)
MOVES = (placement.Offered, placement.Claimed, *ANSWERS, intake.Triage, *ENDINGS, intake.Reopened)
WATCHED = (assessment.AlertRaised, placement.ProbingSuspected, intake.ClockMissed, placement.ClockMissed, assessment.ClockMissed)


@inputs.consumes(*catalogue.read_by("notifications", "CASES"))
async def hear(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Learn what the events say of their cases, and with that tell whoever is to be told, and follow the offers."""
    files = await learn([event for event in events if isinstance(event.data, TEACHES)], tx, {event.subject for event in events})
    watch([event for event in events if isinstance(event.data, WATCHED)], tx)
    await tell(events, files, tx)
    if moved := [event for event in events if isinstance(event.data, MOVES)]:
        await follow_offers(moved, files, tx)


async def learn(events: Sequence[Received[Any]], tx: Transaction, cases: Collection[UUID]) -> Mapping[UUID, CaseFile]:
    """Keep who leads each case, who works on it, its risk and whether it ended; let its open notices follow. The files of the `cases` now."""
    known = await store.files_of(tx, cases)
    files = dict(known)
    for event in events:
        files[event.subject] = learned(files[event.subject], event)
    changed = [file for case, file in files.items() if file != known[case]]
    if changed:
        await store.keep_files(tx, changed)
        await store.readdress(
            tx,
            [file for file in changed if file.agency != known[file.case_id].agency],
            [file for file in changed if file.worker != known[file.case_id].worker],
        )
    return files


def learned(file: CaseFile, event: Received[Any]) -> CaseFile:
    """A case file after one more fact."""
    match event.data:
        case intake.Reported() as data:
            return file.reported(data.agency)
        case placement.AdmittedDirectly() as data:
            return file.brought(data.brought_by)
        case intake.Triage() as data:
            return file.triaged(event.factversion, data.responsible_agency, data.risk)
        case assessment.Assigned() | assessment.Reassigned() as data:
            return file.assigned(event.factversion, data.worker_id)
        case intake.ResponsibilityTransferred() as data:
            return file.led_by(event.factversion, data.agency)
        case data:
            return file.reopen(event.factversion) if isinstance(data, intake.Reopened) else file.end(event.factversion)


async def tell(events: Sequence[Received[Any]], files: Mapping[UUID, CaseFile], tx: Transaction) -> None:
    """Put a notice into the inbox of everybody who is to be told."""
    told = [(event, notice) for event in events for notice in domain.notices_for(happening(event), files[event.subject])]
    entries = [entry_of(event, notice, tx.new_id(notice_key(event, notice), event.subject, cause=event.cause)) for event, notice in told]
    await store.write_notices(tx, entries)


def happening(event: Received[Any]) -> Happening:
    """An event, as far as it decides who is told."""
    data: Event = event.data
    return Happening(
        kind=event.type.removeprefix("case.").rsplit(".", 1)[0],
        pressing=data.urgent or _first(data, "result") is FollowupResult.UNSAFE,
        agency=_first(data, "responsible_agency", "agency", "team"),
        unit=_first(data, "shelter_id"),
        worker=_first(data, "worker_id"),
        clock=_first(data, "clock"),
        step=_first(data, "step"),
    )


def notice_key(event: Received[Any], notice: Notice) -> str:
    """What names a notice beside its cause."""
    return f"{event.id}|{notice.recipient}"


def entry_of(event: Received[Any], notice: Notice, identity: UUID) -> Entry:
    """A notice of an event, about to be written."""
    data = event.data
    return Entry(
        id=identity,
        source=str(event.id),
        notice=notice,
        occurred_at=event.time,
        case_id=event.subject,
        placement_id=_first(data, "placement_id"),
        number=_first(data, "number", "version", "step"),
        clock=_first(data, "clock"),
        due_at=_first(data, "due_at", "hold_until", "arrive_by", "review_at"),
    )


def _first(data: Event, *names: str) -> Any:
    """The first of these fields that this event has."""
    name = _field(type(data), names)
    return getattr(data, name) if name else None


@functools.cache
def _field(kind: type[Event], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in kind.model_fields), None)


def watch(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Begin the second ladder: an alert or a missed clock that nobody acknowledges is told again."""
    due = tx.now + tx.settings.span(minutes=tx.settings.unacknowledged_minutes)
    for event in events:
        tx.set_clock(domain.UNACKNOWLEDGED, event.subject, due, key=str(event.id), cause=event.cause)


@inputs.consumes(PersonErased)
async def forget_person(events: Sequence[Received[PersonErased]], tx: Transaction) -> None:
    """Keep that a person was erased, and have no key of hers: notices hold codes alone."""
    await erasure.order(tx, [Tombstone(event.data.person_id, event.subject, event.data.receipt, event.time) for event in events])


@inputs.clock(domain.UNACKNOWLEDGED)
async def remind(due: Sequence[Due], tx: Transaction) -> None:
    """Tell a supervisor that nobody acknowledged an alert or a missed clock, unless the case has ended since."""
    files = await store.files_of(tx, {clock.subject for clock in due})
    acknowledged = await store.acknowledged_sources(tx, [clock.key for clock in due])
    # A reminder that was told before the store was restored is not told again.
    reminded = await store.known_sources(tx, [reminder_of(clock.key) for clock in due])
    entries = [
        _escalated(clock, domain.reminder(files[clock.subject]), reminder_of(clock.key), step=1, placement_id=None, tx=tx)
        for clock in due
        if clock.key not in acknowledged and reminder_of(clock.key) not in reminded and not files[clock.subject].ended
    ]
    await store.write_notices(tx, entries)


def reminder_of(event_id: object) -> str:
    """The source of the reminder that nobody acknowledged the notices of an event."""
    return f"{event_id}/reminder"


async def follow_offers(events: Sequence[Received[Any]], files: Mapping[UUID, CaseFile], tx: Transaction) -> None:
    """Begin an offer's ladder, stop an answered one even before its offer is heard of, let it wait while somebody is on the answer.

    Open ones are timed anew when risk or case change.
    """
    offers = [event for event in events if isinstance(event.data, placement.OfferEvent)]
    known = await store.ladders(tx, {event.data.placement_id for event in offers}, open_of={event.subject for event in events})
    found = dict(known)
    for event in offers:
        found[event.data.placement_id] = followed(found.get(event.data.placement_id), event)
    changed = [ladder for placed, ladder in found.items() if ladder != known.get(placed)]
    if changed:
        await store.keep_ladders(tx, changed, tx.settings.ladder.version)
    set_clocks(found.values(), files, tx)


def followed(ladder: Ladder | None, event: Received[Any]) -> Ladder:
    """A ladder after one more fact of its offer."""
    ladder = ladder or Ladder(event.data.placement_id, event.subject, event.data.shelter_id)
    match event.data:
        case placement.Offered():
            return ladder.offered(event.time)
        case placement.Claimed() as claim:
            return ladder.claimed(claim.claimed_until)
        case _:
            return ladder.answer()


@inputs.clock(LADDER)
async def climb(due: Sequence[Due], tx: Transaction) -> None:
    """Tell the next step of each offer that nobody has answered in time."""
    files = await store.files_of(tx, {clock.subject for clock in due})
    found = await store.ladders(tx, {UUID(clock.key) for clock in due})
    entries: list[Entry] = []
    for clock in due:
        ladder, case = found[UUID(clock.key)], files[clock.subject]
        steps = tx.settings.ladder_steps(case.risk)
        at = domain.next_step_due(ladder, steps, case)
        if at is None or at > tx.now:
            continue
        found[ladder.placement_id] = ladder.climbed()
        source = f"{ladder.placement_id}/{ladder.done + 1}"
        entries += [
            _escalated(clock, notice, source, step=ladder.done + 1, placement_id=ladder.placement_id, tx=tx)
            for notice in domain.notices_of_step(ladder, steps[ladder.done], case)
        ]
    await store.write_notices(tx, entries)
    await store.keep_ladders(tx, list(found.values()), tx.settings.ladder.version)
    set_clocks(found.values(), files, tx)


def _escalated(clock: Due, notice: Notice, source: str, *, step: int, placement_id: UUID | None, tx: Transaction) -> Entry:
    """A step's notice, and the fact that it was told."""
    identity = tx.new_id(f"{source}|{notice.recipient}", clock.subject, cause=clock.cause)
    fact = Escalated(notice_id=identity, step=step, role=OfficerRole(notice.role))
    tx.emit(fact, clock.subject, key=f"{source}|{notice.recipient}", cause=clock.cause)
    return Entry(identity, source, notice, occurred_at=clock.due, case_id=clock.subject, placement_id=placement_id)


def set_clocks(climbed: Iterable[Ladder], files: Mapping[UUID, CaseFile], tx: Transaction) -> None:
    """Let each ladder's next step be told in its time; one that has none is not waited for."""
    for ladder in climbed:
        case = files[ladder.case_id]
        due = domain.next_step_due(ladder, tx.settings.ladder_steps(case.risk), case)
        if due is None:
            tx.cancel_clock(LADDER, ladder.case_id, key=str(ladder.placement_id))
        else:
            tx.set_clock(LADDER, ladder.case_id, due, key=str(ladder.placement_id))


@inputs.consumes(*catalogue.read_by("notifications", "AGENCIES"))
async def forward(events: Sequence[Received[AgencyEvent]], tx: Transaction) -> None:
    """Plan the delivery of an agency's feed to the webhooks that it subscribed; where a feed stopped, what waits from before is not sent."""
    await stops.keep(tx, events)
    feed = [FeedEvent(e.id, e.type, e.data.agency, e.data.city, cloud_event(e), e.subject, e.factversion) for e in events]
    await store.plan_deliveries(tx, feed)


def cloud_event(event: Received[AgencyEvent]) -> bytes:
    """An event as CloudEvents 1.0 in structured mode; every try of a delivery sends these bytes."""
    content = {
        "specversion": "1.0",
        "id": str(event.id),
        "type": event.type,
        "source": event.source,
        "subject": str(event.subject),
        "time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": json.loads(event.body),
    }
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
