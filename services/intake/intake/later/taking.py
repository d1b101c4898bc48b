"""Takes what agencies say of their cases later: once per agency and reference, each with a receipt, and a task for the desk.

Nothing of a case is changed by it, not even by a withdrawal: what a system sends is a reason for a person to look, and people decide. Whether a case
that is not the agency's own exists is not told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis import Cause, Received, Transaction
from chassis.store.vault import Vault
from contracts.agencies import Problem as Told
from contracts.agencies import Receipt, ReceiptAccepted, ReceiptIncomplete, ReceiptRejected
from contracts.messages import LATER, Addition, Attachment, LaterMessage
from contracts.vocabulary import ProblemCode
from sqlalchemy import Row

from intake import casebook, opening, store
from intake.later import rows
from intake.later.reading import Later, read_later
from intake.opening import REUSED, Answer
from intake.reading import Problem
from intake.sealed import rows as held
from intake.sealed.bodies import Shut

UNKNOWN: Problem = ("to", ProblemCode.UNKNOWN_CODE)
AGAIN = 10.0  # seconds between two looks for the case
# By the end of its subject, what a message is: `referral.<agency>.added.v1`.
KINDS = {kind.type.removeprefix("referral"): kind for kind in LATER}


@dataclass(frozen=True, slots=True)
class Said:
    """One message as it was read, and whose it is."""

    agency: str
    read: Later[Any]
    cause: Cause
    kind: str

    @property
    def message(self) -> LaterMessage:
        """What could be read. Raises ValueError where nothing could."""
        message: LaterMessage | None = self.read.message
        if message is None:
            raise ValueError(self.kind)
        return message

    @property
    def key(self) -> tuple[str, str]:
        """By what a repetition is known."""
        return self.agency, self.message.reference

    @property
    def case(self) -> tuple[str, str]:
        """By what its case is found: the agency's own reference, else its own follow id."""
        return self.agency, self.message.to or str(self.message.follow_id)


def kind_of(route: str) -> type[LaterMessage] | None:
    """Which later message comes on a subject, if one does."""
    return next((kind for suffix, kind in KINDS.items() if route.endswith(suffix)), None)


async def take_later(messages: Sequence[Received[bytes]], tx: Transaction, vault: Vault) -> None:
    """Take later messages over NATS, and answer each with a receipt; what cannot be taken waits for a desk too."""
    read = [_said(message) for message in messages]
    told = await take(tx, vault, read)
    parked = [await _park(tx, vault, *entry) for entry in zip(messages, read, told, strict=True)]
    taken = [entry for entry, waits in zip(zip(messages, read, told, strict=True), parked, strict=True) if not waits]
    refused = [
        (said.agency, said.read.reference, answer.problems, message.body, said.cause)
        for message, said, answer in taken
        if answer.receipt == "rejected"
    ]
    await opening.keep_for_the_desk(tx, vault, refused)
    for _, entry, answer in taken:
        tx.emit(_receipt(entry, answer), answer.follow_id or tx.new_id("receipt", cause=entry.cause), key="later", cause=entry.cause)


async def _park(tx: Transaction, vault: Vault, message: Received[bytes], entry: Said, answer: Answer) -> bool:
    """Let a message wait whose case may still be on its way, as when another replica has the referral in hand; whether it waits."""
    if answer.problems != (UNKNOWN,) or tx.now - message.time > tx.settings.span(minutes=tx.settings.later_minutes):
        return False
    await held.hold(tx, vault, message, Shut(UNKNOWN, entry.read.reference, held=True))
    tx.set_clock(held.HELD, message.id, tx.now + tx.settings.span(seconds=AGAIN), cause=entry.cause)
    return True


def _said(message: Received[bytes]) -> Said:
    kind = kind_of(message.route)
    assert kind is not None  # noqa: S101 - only such messages are given here
    return Said(message.route.split(".")[1], read_later(message.body, kind), message.cause, kind.type.split(".")[1])


def _receipt(entry: Said, answer: Answer) -> Receipt:
    problems = tuple(Told(field=field, code=code) for field, code in answer.problems)
    if answer.follow_id is None:
        return ReceiptRejected(agency=entry.agency, reference=entry.read.reference, problems=problems)
    if problems:
        return ReceiptIncomplete(agency=entry.agency, reference=entry.read.reference, follow_id=answer.follow_id, problems=problems)
    return ReceiptAccepted(agency=entry.agency, reference=entry.read.reference, follow_id=answer.follow_id)


async def take(tx: Transaction, vault: Vault, said: Sequence[Said]) -> list[Answer]:
    """Keep what is new of these, for whichever door; the answers in their order. The same reference with the same content gets the same answer."""
    read = [entry for entry in said if entry.read.message is not None]
    cases = await rows.cases_of(tx, [entry.case for entry in read if entry.message.to], [entry.case for entry in read if not entry.message.to])
    gone = await vault.erased({row.case_id for row in cases.values()})
    mine = {name: row for name, row in cases.items() if row.case_id not in gone}
    marks = {id(entry): vault.blind("submission", entry.read.content) for entry in read}
    firsts = {entry.key: entry for entry in reversed(read) if entry.case in mine}
    await tx.lock({mine[entry.case].case_id for entry in firsts.values()})
    claimed = await store.apply(tx, store.CLAIM, [_row(tx, entry, mine[entry.case], marks[id(entry)]) for entry in firsts.values()])
    await _keep(tx, vault, [(firsts[tuple(key)], mine[firsts[tuple(key)].case]) for key in claimed])
    known = await store.submitted(tx, [entry.key for entry in read])
    return [_answer(entry, known.get(entry.key) if entry.read.message else None, marks.get(id(entry), b"")) for entry in said]


def _answer(entry: Said, row: Row[Any] | None, mark: bytes) -> Answer:
    if entry.read.message is None:
        return Answer("rejected", entry.read.problems)
    if row is None:
        return Answer("rejected", (UNKNOWN if entry.message.to else ("follow_id", ProblemCode.UNKNOWN_CODE),))
    if row.fingerprint and bytes(row.fingerprint) != mark:
        return Answer("rejected", REUSED)
    problems: tuple[Problem, ...] = tuple((field, ProblemCode(code)) for field, code in row.problems)
    return Answer(row.receipt, problems, row.follow_id, row.case_id)


def _row(tx: Transaction, entry: Said, case: Row[Any], mark: bytes) -> dict[str, Any]:
    receipt = "incomplete" if entry.read.problems else "accepted"
    told = {"fingerprint": mark, "case_id": case.case_id, "follow_id": case.follow_id, "receipt": receipt, "problems": entry.read.problems}
    return {"agency": entry.agency, "reference": entry.message.reference, **told, "at": tx.now}


async def _keep(tx: Transaction, vault: Vault, new: Sequence[tuple[Said, Row[Any]]]) -> None:
    """A task for the desk of each, with what was said, sealed; documents are kept with the case beyond it."""
    if not new:
        return
    tasks = {tx.new_id(f"later:{entry.kind}", row.case_id, entry.cause): (entry, row.case_id) for entry, row in new}
    keys = await vault.new(tasks)
    made: list[Mapping[str, Any]] = []
    documents: list[Mapping[str, Any]] = []
    for task_id, (entry, case_id) in tasks.items():
        message = entry.message
        told = {"task_id": task_id, "kind": entry.kind, "agency": entry.agency, "reference": message.reference, "case_id": case_id}
        content = keys.seal(task_id, "desk_task.content", message.model_dump_json(exclude_none=True))
        made.append({**told, "problems": entry.read.problems, "fingerprint": task_id.bytes, "content": content, "opened_at": tx.now})
        tx.set_clock("desk", task_id, tx.now + _patience(tx, message), cause=entry.cause)
        if isinstance(message, Attachment):
            kept = message.model_dump(include={"kind", "document", "sha256", "media_type", "size", "reference"})
            documents.append({**kept, "attachment_id": task_id, "case_id": case_id, "agency": entry.agency, "received_at": tx.now})
    await store.add(tx, store.TASKS, made)
    await store.apply(tx, rows.ADD, documents)


def _patience(tx: Transaction, message: LaterMessage) -> Any:
    """How long the desk has: as long as for a triage of that urgency, where the agency says one."""
    if isinstance(message, Addition) and message.urgency is not None:
        return casebook.triage_span(tx.settings, message.urgency, tx.now)
    return tx.settings.span(hours=tx.settings.desk_hours)


def of_requests(agency: str, kind: type[LaterMessage], body: Mapping[str, Any], cause: Cause) -> Said:
    """A later message as it comes over HTTP."""
    return Said(agency, read_later(body, kind), cause, kind.type.split(".")[1])
