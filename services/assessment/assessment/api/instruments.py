"""The instruments: which there are, and how an operator adds, publishes and withdraws a version or loads its wording."""

from typing import Any

from chassis import RefusedError, Transaction, conflict, not_found, reads, writes
from fastapi import APIRouter

from assessment import policy, register
from assessment.api.cases import refusing
from assessment.definitions import Definition, Language, read
from assessment.register import Known, Stage
from assessment.views import InstrumentView, WordingBody

WORDED = "this instrument is worded already, by its definition"

router = APIRouter(prefix="/instruments", tags=["instruments"])


@router.get("")
@reads(*policy.SEE_INSTRUMENTS)
async def instruments(tx: Transaction) -> list[InstrumentView]:
    """All versions of all instruments, with their stages and the languages of their wordings."""
    return [InstrumentView.of(entry) for entry in (await register.known(tx)).values()]


@router.get("/{code}/{version}")
@reads(*policy.SEE_INSTRUMENTS)
async def instrument(code: str, version: int, tx: Transaction) -> Definition:
    """A version in full, as its file has it."""
    return (await _version(tx, code, version)).definition


@router.post("", status_code=201)
@writes(*policy.KEEP_INSTRUMENTS)
async def add(body: dict[str, Any], tx: Transaction) -> InstrumentView:
    """Add a version as a draft, or a draft again; what does not hold together is refused, with the place of each mistake."""
    await tx.lock([register.ALL])
    with refusing():
        definition = read(body)
        await register.draft(tx, definition)
    return InstrumentView.of(await _version(tx, definition.code, definition.version))


@router.post("/{code}/{version}/publish")
@writes(*policy.KEEP_INSTRUMENTS)
async def publish(code: str, version: int, tx: Transaction) -> InstrumentView:
    """New assessments go by this version from now on; those under way finish on theirs."""
    return await _moved(tx, code, version, Stage.PUBLISHED)


@router.post("/{code}/{version}/withdraw")
@writes(*policy.KEEP_INSTRUMENTS)
async def withdraw(code: str, version: int, tx: Transaction) -> InstrumentView:
    """New assessments go by the version published before it, if there is one; those under way finish on theirs."""
    return await _moved(tx, code, version, Stage.WITHDRAWN)


@router.put("/{code}/{version}/wording/{language}")
@writes(*policy.KEEP_INSTRUMENTS)
async def load_wording(code: str, version: int, language: Language, body: WordingBody, tx: Transaction) -> InstrumentView:
    """Load the validated wording, which whoever runs this may use; then people may be assessed with it."""
    found = await _version(tx, code, version)
    if found.definition.own_wording:
        raise conflict(WORDED)
    with refusing():
        await register.load_wording(tx, found.definition, language, body.texts, body.source)
    return InstrumentView.of(await _version(tx, code, version))


async def _version(tx: Transaction, code: str, version: int) -> Known:
    found = (await register.known(tx, [code])).get((code, version))
    if found is None:
        raise not_found("instrument")
    return found


async def _moved(tx: Transaction, code: str, version: int, stage: Stage) -> InstrumentView:
    await tx.lock([register.ALL])
    found = await _version(tx, code, version)
    if found.stage is Stage.DRAFT and stage is Stage.WITHDRAWN:
        raise RefusedError(409, "this version was never published", state=found.stage)
    await register.move(tx, code, version, stage)
    return InstrumentView.of(await _version(tx, code, version))
