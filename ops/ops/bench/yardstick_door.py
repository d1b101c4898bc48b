"""The HTTP door as the FastAPI and SQLModel documents teach it: one ORM session per request.

The same body, read by the same code, with the same rows of case, persons and submission; the token is verified, the report committed,
and its event published before the answer, awaiting the acknowledgement. Personal fields are sealed, with one key that is in memory. It
keeps no Idempotency-Key, no outbox, no standing, no clocks, no feed and no audit. Run as a process: `python -m ops.bench.yardstick_door`,
told by YARDSTICK_NATS_URL, YARDSTICK_NATS_PASSWORD, YARDSTICK_DATABASE_URL, YARDSTICK_JWKS_URL and YARDSTICK_PORT.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import httpx
import nats
import uvicorn
from contracts.agencies import ReferredPerson
from contracts.household import Household, Person
from contracts.intake import Reported
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from intake.reading import Reading, read_submission
from intake.store import CaseFileRow, PersonRow, SubmissionRow
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlmodel.ext.asyncio.session import AsyncSession

from ops.bench.bed import USER
from ops.bench.yardstick import engine_of, subject_of

STREAM = "YARDREPORTED"
PERSONAL = ("name", "nik", "phone", "address")
KEY = AESGCM(AESGCM.generate_key(256))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The engine, the broker and the issuer's keys."""
    app.state.engine = engine_of(os.environ["YARDSTICK_DATABASE_URL"])
    client = await nats.connect(os.environ["YARDSTICK_NATS_URL"], user=USER, password=os.environ["YARDSTICK_NATS_PASSWORD"])
    app.state.js = client.jetstream()
    async with httpx.AsyncClient(trust_env=False) as http:
        app.state.keys = KeySet.import_key_set((await http.get(os.environ["YARDSTICK_JWKS_URL"])).json())
    yield
    await client.close()
    await app.state.engine.dispose()


app = FastAPI(lifespan=lifespan)
CLAIMS = jwt.JWTClaimsRegistry(aud={"essential": True, "value": "naungan"}, exp={"essential": True}, sub={"essential": True})


async def current_agency(request: Request, authorization: Annotated[str, Header()]) -> str:
    """The agency in a verified token."""
    try:
        token = jwt.decode(authorization.removeprefix("Bearer "), request.app.state.keys, algorithms=["ES256"])
        CLAIMS.validate(token.claims)
    except JoseError as error:
        raise HTTPException(401) from error
    return str(token.claims["agency"])


async def a_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session per request."""
    async with AsyncSession(request.app.state.engine) as session:
        yield session


@app.post("/reports", status_code=201)
async def report(
    body: dict[str, Any], request: Request, session: Annotated[AsyncSession, Depends(a_session)], agency: Annotated[str, Depends(current_agency)]
) -> dict[str, str]:
    """Read, write, commit, publish."""
    now = datetime.now(UTC)
    reading = read_submission(body, now)
    if reading.referral is None:
        raise HTTPException(422)
    case = _case(reading, agency, now)
    persons = [_person(person, case, place) for place, person in enumerate(reading.referral.persons or (ReferredPerson(),))]
    submission = _submission(reading, agency, case, now)
    session.add(case)
    session.add_all(persons)
    session.add(submission)
    answer = {"follow_id": str(submission.follow_id), "receipt": submission.receipt}
    fact = _reported(reading, agency, case, persons)
    await session.commit()
    await request.app.state.js.publish(subject_of(STREAM), fact.model_dump_json().encode(), stream=STREAM, timeout=30)
    return answer


def _seal(value: str | None) -> bytes | None:
    if value is None:
        return None
    nonce = os.urandom(12)
    return nonce + KEY.encrypt(nonce, value.encode(), b"")


def _case(reading: Reading, agency: str, now: datetime) -> CaseFileRow:
    referral = reading.referral
    assert referral is not None  # noqa: S101 - the route has looked
    return CaseFileRow(
        case_id=uuid4(), household_id=uuid4(), revision=1, reporting_agency=agency, responsible_agency="dppapp", channel=referral.channel.value,
        area=referral.area or "00.00.00", area_kind=referral.area_kind.value, violence_types=[kind.value for kind in referral.violence_types],
        ppks=referral.ppks, urgency=referral.urgency.value, occurred_at=referral.occurred_at, opened_at=now,
        screen=referral.screen.model_dump(mode="json") if referral.screen else {}, narrative=_seal(referral.narrative),
        callback=_seal(referral.callback), state="reported", waiting_for=["triage"], risk=None, missed=[], settled=[], police_report_at=None,
        referred_to=None, changed_at=now,
    )  # fmt: skip


def _person(person: ReferredPerson, case: CaseFileRow, place: int) -> PersonRow:
    sealed: dict[str, Any] = {name: _seal(getattr(person, name)) for name in PERSONAL}
    return PersonRow(
        person_id=uuid4(), case_id=case.case_id, place=place, role=person.role.value, sex=person.sex.value, age=person.age,
        needs=[need.value for need in person.needs], nik_index=None, left_at=None, **sealed,
    )  # fmt: skip


def _submission(reading: Reading, agency: str, case: CaseFileRow, now: datetime) -> SubmissionRow:
    receipt = "accepted" if reading.complete else "incomplete"
    problems = [[field, code.value] for field, code in reading.problems]
    return SubmissionRow(
        agency=agency, reference=reading.reference or "", fingerprint=reading.content.encode()[:32], case_id=case.case_id, follow_id=uuid4(),
        receipt=receipt, problems=problems, at=now,
    )  # fmt: skip


def _reported(reading: Reading, agency: str, case: CaseFileRow, persons: list[PersonRow]) -> Reported:
    referral = reading.referral
    assert referral is not None  # noqa: S101 - the route has looked
    members = tuple(Person.model_validate({"person_id": p.person_id, "sex": p.sex, "age": p.age, "role": p.role, "needs": p.needs}) for p in persons)
    return Reported(
        household=Household(household_id=case.household_id, revision=1, persons=members), channel=referral.channel, reporter=referral.reporter,
        agency=agency, area=referral.area or "00.00.00", area_kind=referral.area_kind, violence_types=referral.violence_types, ppks=referral.ppks,
        urgency=referral.urgency, occurred_at=referral.occurred_at, recorded_at=case.opened_at,
    )  # fmt: skip


def main() -> None:
    """Serve until told to stop."""
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["YARDSTICK_PORT"]), log_config=None, access_log=False)


if __name__ == "__main__":
    main()
