"""The public's door: anybody reports, also without a name, and later asks what became of it. No token, no account, nothing personal comes out.

The code is the report's reference; the PIN is a keyed hash of the code and is kept nowhere, so that neither a copy of the store nor a lost
hour of it matters. A wrong PIN and an unknown code take the same way through this module and get the same answer as a new report.
"""

import functools
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from chassis import RefusedError, Transaction, client_address, conflict, limited_to, reads_openly, writes_openly
from chassis.store.vault import Vault
from chassis.web.routes import ANYBODY
from contracts.vocabulary import Channel, ReporterRole, Risk
from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from intake import knocks, opening
from intake.api import bodies
from intake.api.desk import ProblemView, problem_views
from intake.api.reports import fields_of
from intake.domain import codes
from intake.domain.standing import State
from intake.opening import Safe, Submission, vault_of
from intake.reading import read_submission
from intake.store import CASES, SUBMISSIONS

# What the public need not say, and what it has no say in: who received the report, when, and by which way.
UNSAID = {"urgency": Risk.MEDIUM, "callback": "anonim", "reporter": ReporterRole.ANONYMOUS}
SETTLED = {"channel": Channel.PUBLIC, "post": None, "heard_at": None}
NOBODYS = "-"  # no reference begins with it
TAKEN = "this report could not be given a code: send it again under another Idempotency-Key"


class PublicReceipt(BaseModel):
    """The receipt of a public report. `pin` is shown here only: write both down."""

    code: str
    pin: str | None = None
    problems: list[ProblemView]


class Progress(StrEnum):
    """All that is said of a report at this door."""

    RECEIVED = "received"
    BEING_HANDLED = "being_handled"


class CodeBody(bodies.Body):
    """The two that the receipt gave."""

    code: str = Field(max_length=40)
    pin: str = Field(max_length=40)


class ProgressView(BaseModel):
    """What became of a report."""

    status: Progress


async def address_of(request: Request) -> str:
    """From where somebody asks."""
    return client_address(request, request.app.state.service.settings.gateways)


router = APIRouter(prefix="/public/reports", tags=["public"], route_class=limited_to("public_bytes"))
Endpoint = Callable[..., Awaitable[Any]]


async def knocked(request: Request) -> None:
    """Count that somebody reports."""
    database, vault, address = request.app.state.database, await vault_of(request), await address_of(request)

    async def counted(tx: Transaction) -> None:
        await tx.execute(knocks.UNHURRIED)
        await knocks.count(tx, vault, [("report", address, tx.settings.public_reports_per_hour)])

    await database.run(counted)


def with_pin(route: Endpoint) -> Endpoint:
    """Add the PIN to the answer on its way out: it is in no answer that is kept for a repeated Idempotency-Key."""

    @functools.wraps(route)
    async def endpoint(**arguments: Any) -> Response:
        answer: Response = await route(**arguments)
        receipt = json.loads(bytes(answer.body))
        return JSONResponse(receipt | {"pin": _pin(arguments["vault"], receipt["code"])}, answer.status_code)

    return endpoint


@router.post("", status_code=201)
@with_pin
@writes_openly(knocked)
async def report_openly(
    body: Annotated[dict[str, Any], Body(title="Body", description="as referral.submitted.v1; only what is known")], vault: Safe, tx: Transaction
) -> PublicReceipt:
    """Report what you see, without a token and, if you like, without a name. All fields may be left out; what cannot be read is named.

    The same Idempotency-Key with the same body gets the same code.
    """
    cause, agency = tx.cause_of(UUID(int=0)), _agency(tx)
    # From what was sent, and not from when: a report that is sent again after a restore finds its case under the same code.
    code = codes.code_of(vault.blind("public report", f"{cause.name}|{json.dumps(body, sort_keys=True)}"))
    said = {name: value for name, value in body.items() if value not in (None, "")}
    reading = read_submission({**UNSAID, **said, **SETTLED, "reference": code}, tx.now)
    if reading.referral is None:
        raise RefusedError(422, "this report cannot be taken: correct these fields and send it again", fields_of(reading.problems))
    (answer,) = await opening.open_cases(tx, vault, [Submission(agency, reading.referral, reading, cause, by_system=False)])
    if answer.case_id is None:
        raise conflict(TAKEN)
    tx.audit("report", answer.case_id, ["persons", "narrative", "callback"], by=replace(ANYBODY, agency=agency))
    return PublicReceipt(code=code, problems=problem_views(answer.problems))


@router.post("/status")
@reads_openly
async def progress(body: CodeBody, address: Annotated[str, Depends(address_of)], vault: Safe, tx: Transaction) -> ProgressView:
    """What became of a report. An unknown code and a wrong PIN are answered as a report that nobody has looked at yet."""
    code, pin, settings = codes.as_read(body.code), codes.as_read(body.pin), tx.settings
    limits = [("status", address, settings.public_status_per_hour), ("code", code, settings.public_code_per_hour)]
    await knocks.count(tx, vault, limits)
    right = hmac.compare_digest(_pin(vault, code).encode(), pin.encode())
    asked = (SUBMISSIONS.c.agency == _agency(tx)) & (SUBMISSIONS.c.reference == (code if right else NOBODYS))
    row = await tx.row(select(CASES.c.state).join(SUBMISSIONS, SUBMISSIONS.c.case_id == CASES.c.case_id).where(asked))
    handled = row is not None and row.state != State.REPORTED
    return ProgressView(status=Progress.BEING_HANDLED if handled else Progress.RECEIVED)


def _pin(vault: Vault, code: str) -> str:
    return codes.pin_of(vault.blind("public pin", code))


def _agency(tx: Transaction) -> str:
    agency: str = tx.settings.public_agency or tx.settings.desk_agency
    return agency
