"""Providers' answers to requests for services, as they come over NATS: read, answered with a receipt, and said once to assessment.

A provider may answer what it was told of and nothing else; whether there is such a request at all is not told to anybody else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis import Cause, Received, Transaction
from chassis.store.vault import Vault
from contracts import agencies
from contracts.agencies import ReceiptAccepted, ReceiptRejected
from contracts.intake import ServiceAnswered
from contracts.services import ServiceAnswer
from contracts.vocabulary import ProblemCode
from pydantic import ValidationError
from sqlalchemy import text

from intake import casebook, opening, store
from intake.casebook import Saying
from intake.domain import referring
from intake.reading import LARGEST, UNREADABLE, Problem

SUFFIX = ".service_answered.v1"
UNKNOWN: Problem = ("service_id", ProblemCode.UNKNOWN_CODE)
CASES_OF = text("""
    SELECT case_id, codes->>'service_id' AS service_id FROM case_fact
    WHERE type = 'case.assessment.service_requested.v1' AND codes->>'service_id' = ANY(CAST(:services AS text[]))""")


@dataclass(frozen=True, slots=True)
class Answering:
    """One message as it could be read; `said` is None when it cannot be taken, and then `problems` say why."""

    agency: str
    cause: Cause
    body: bytes
    said: agencies.ServiceAnswer | None
    problems: tuple[Problem, ...] = ()


async def take_answers(messages: Sequence[Received[bytes]], tx: Transaction, vault: Vault) -> None:
    """Say to assessment what providers answered, and give each message a receipt; what cannot be taken waits for a desk too."""
    read = [_read(message) for message in messages]
    known = [entry for entry in read if entry.said is not None]
    rows = await tx.rows(CASES_OF, {"services": [str(entry.said.service_id) for entry in known if entry.said]})
    case_of = {UUID(row.service_id): row.case_id for row in rows}
    await tx.lock(case_of.values())
    books = await store.books(tx, case_of.values())
    taken: dict[int, UUID] = {}
    newest: dict[UUID, tuple[str, str | None] | None] = {}
    sayings: dict[tuple[UUID, UUID], Saying] = {}
    for place, entry in enumerate(read):
        case_id = case_of.get(entry.said.service_id) if entry.said else None
        if entry.said is None or case_id is None or books[case_id].case is None or books[case_id].standing.ended:
            continue
        request = referring.requests(books[case_id].facts).get(str(entry.said.service_id))
        follow = next((row.follow_id for row in books[case_id].follows if row.agency == entry.agency), None)
        if request is None or request.provider != entry.agency or not request.passed_on or follow is None:
            continue
        taken[place] = follow
        said = (entry.said.answer.value, entry.said.reason.value if entry.said.reason else None)
        if newest.get(entry.said.service_id, request.answer) != said:
            newest[entry.said.service_id] = said
            fact = ServiceAnswered(service_id=entry.said.service_id, provider=entry.agency, answer=entry.said.answer, reason=entry.said.reason)
            sayings[case_id, entry.said.service_id] = Saying(case_id, fact, entry.cause, key=str(entry.said.service_id))
    await casebook.grow(tx, said=list(sayings.values()))
    await _receipts(tx, vault, read, taken)


async def _receipts(tx: Transaction, vault: Vault, read: Sequence[Answering], taken: dict[int, UUID]) -> None:
    refused: list[opening.Refused] = []
    for place, entry in enumerate(read):
        reference, service_id = (entry.said.reference, entry.said.service_id) if entry.said else (None, None)
        mine: dict[str, Any] = {"agency": entry.agency, "reference": reference, "service_id": service_id}
        if place in taken:
            tx.emit(ReceiptAccepted(follow_id=taken[place], **mine), taken[place], key="service", cause=entry.cause)
            continue
        problems = entry.problems or (UNKNOWN,)
        refused.append((entry.agency, reference, problems, entry.body, entry.cause))
        told = tuple(agencies.Problem(field=field, code=code) for field, code in problems)
        tx.emit(ReceiptRejected(problems=told, **mine), tx.new_id("receipt", cause=entry.cause), cause=entry.cause)
    await opening.keep_for_the_desk(tx, vault, refused)


def _read(message: Received[bytes]) -> Answering:
    agency = message.route.split(".")[1]
    if len(message.body) > LARGEST:
        return Answering(agency, message.cause, message.body, None, (UNREADABLE,))
    try:
        said = agencies.ServiceAnswer.model_validate_json(message.body)
    except ValidationError as error:
        return Answering(agency, message.cause, message.body, None, tuple(_problems(error)))
    declined = said.answer is ServiceAnswer.DECLINED
    if declined and said.reason is None:
        return Answering(agency, message.cause, message.body, None, (("reason", ProblemCode.MISSING),))
    if not declined and said.reason is not None:
        return Answering(agency, message.cause, message.body, None, (("reason", ProblemCode.INVALID),))
    return Answering(agency, message.cause, message.body, said)


def _problems(error: ValidationError) -> Iterable[Problem]:
    """Which known field is wrong, and how; never what was in it."""
    for entry in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(entry["loc"][0]) if entry["loc"] else ""
        if name not in agencies.ServiceAnswer.model_fields:
            yield UNREADABLE
            return
        yield name, {"missing": ProblemCode.MISSING, "enum": ProblemCode.UNKNOWN_CODE}.get(str(entry["type"]), ProblemCode.INVALID)
