"""How a household that a shelter let in before any report becomes a case, from what the shelter said of it."""

from collections.abc import Sequence

from chassis import Received, Transaction
from contracts.intake import Reported
from contracts.placement import AdmittedDirectly
from contracts.vocabulary import AreaKind, Channel, ReporterRole, Risk

from intake import casebook, opening, store
from intake.casebook import Saying
from intake.store import CaseFileRow


async def open_from_the_door(tx: Transaction, events: Sequence[Received[AdmittedDirectly]]) -> None:
    """Open the cases of households that a shelter let in before any report; those that exist already stay as they are."""
    first = {event.subject: event for event in reversed(events)}
    rows = {case_id: _case_at_the_door(tx, event) for case_id, event in first.items()}
    new = {row.case_id for row in await store.apply(tx, store.OPEN, [row.model_dump() for row in rows.values()])}
    opened = [event for case_id, event in first.items() if case_id in new]
    persons = [
        {"person_id": p.person_id, "case_id": event.subject, "place": n, "role": p.role, "sex": p.sex, "age": p.age, "needs": p.needs}
        for event in opened
        for n, p in enumerate(event.data.household.persons)
    ]
    await store.add(tx, store.PERSONS, persons)
    await opening.ask_the_desk(tx, [(event.subject, event.data.brought_by, None, opening.UNASKED, event.cause) for event in opened])
    for event in opened:
        tx.cancel_clock("orphan", event.subject)
        opening.set_clocks(tx, rows[event.subject], event.cause)
    await casebook.grow(tx, received=events, said=[_reported_at_the_door(tx, event) for event in opened])


def _case_at_the_door(tx: Transaction, event: Received[AdmittedDirectly]) -> CaseFileRow:
    data = event.data
    return opening.blank_case(
        tx,
        event.subject,
        household_id=data.household.household_id,
        revision=data.household.revision,
        reporting_agency=data.brought_by,
        channel=Channel.PLACEMENT,
        area=data.area,
        area_kind=AreaKind.FOUND,
        violence_types=[],
        ppks=data.ppks,
        urgency=Risk.MEDIUM,
        occurred_at=data.admitted_at,
        reporter=ReporterRole.PROFESSIONAL,
        heard_at=opening.heard(tx, data.admitted_at),
    )


def _reported_at_the_door(tx: Transaction, event: Received[AdmittedDirectly]) -> Saying:
    data = event.data
    reported = Reported.model_validate(
        {
            "household": data.household,
            "channel": Channel.PLACEMENT,
            "reporter": ReporterRole.PROFESSIONAL,
            "agency": data.brought_by,
            "area": data.area,
            "area_kind": AreaKind.FOUND,
            "ppks": data.ppks,
            "urgency": Risk.MEDIUM,
            "occurred_at": data.admitted_at,
            "recorded_at": tx.now,
            "heard_at": opening.heard(tx, data.admitted_at),
        }
    )
    return Saying(event.subject, reported, event.cause)
