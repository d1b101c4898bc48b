"""Holds, requests, grants and erasures of a lost hour, learnt again from what was said of them."""

from collections.abc import Iterable
from typing import Any

from chassis import Received, Transaction
from contracts import rights as facts

from intake.rights import erasing, rows


async def relearn(tx: Transaction, events: Iterable[Received[Any]]) -> None:
    """Make the rows of these facts again, as sets: in any order, and as often as it is tried. Who decided is in no fact, and stays open."""
    said = sorted((event for event in events if isinstance(event.data, facts.RIGHTS)), key=lambda event: (event.time, event.factversion))
    for event in said:
        match event.data:
            case facts.HoldSet() as data:
                blank = {"set_at": event.time, "set_by": None, "lifted_at": None, "lifted_by": None}
                await rows.add(tx, rows.ADD_HOLD, [{**data.model_dump(mode="json"), "case_id": event.subject, **blank}])
                tx.set_clock("hold_review", data.hold_id, rows.review_time(data.review_on))
            case facts.RightRequested() as data:
                blank = dict.fromkeys(("taken_by", "answer", "refusal", "answered_at", "answered_by"))
                told = data.model_dump(mode="json") | {"kind": data.right, "case_id": event.subject}
                await rows.add(tx, rows.ADD_REQUEST, [{**told, **blank}])
                tx.set_clock("right_request", data.request_id, data.due_at)
            case facts.GlassBroken() as data:
                told = {**data.model_dump(mode="json"), "officer": data.officer_id, "case_id": event.subject}
                await rows.add(tx, rows.ADD_GLASS, [{**told, "agency": None, "broken_at": event.time, "ended_at": None}])
    await _end(tx, said)
    await erasing.relearn(tx, [event for event in said if isinstance(event.data, facts.PersonErased)])


async def _end(tx: Transaction, said: Iterable[Received[Any]]) -> None:
    """End what began; after all beginnings, for a fact's time may be the same as that of the one it ends."""
    for event in said:
        match event.data:
            case facts.HoldLifted() as ended:
                await tx.execute(rows.LIFT, {"hold_id": ended.hold_id, "now": event.time, "by": None})
            case facts.RightAnswered() as ended:
                answered = {"request_id": ended.request_id, "answer": ended.answer, "refusal": ended.refusal, "now": event.time, "by": None}
                await tx.execute(rows.ANSWER, answered)
            case facts.GlassMended() as ended:
                await tx.execute(rows.END_GLASS, {"grant_id": ended.grant_id, "now": event.time})
