"""Services of plans: what the worker sees and does, and how a provider's own system answers."""

from typing import Annotated, Any
from uuid import UUID

from chassis import Transaction, not_found, reads, writes
from fastapi import APIRouter, Query

from assessment import decisions, policy, services, store
from assessment.api.bodies import AnswerBody, AskedView, EndBody, ProviderBody, ServiceView
from assessment.api.cases import owned, refusing, seen
from assessment.domain import plan
from assessment.domain import services as rules
from assessment.domain.case import Case
from assessment.domain.services import Service

router = APIRouter()


@router.get("/cases/{case_id}/services")
@reads(*policy.SEE_CASES)
async def list_services(case_id: UUID, tx: Transaction) -> list[ServiceView]:
    """The services of a case, those of former plans included; what waits for somebody has a clock."""
    known = await seen(case_id, tx)
    tx.audit("read", case_id, ["services"])
    return [ServiceView.of(row, dict(known.deadlines)) for row in await services.rows_of(tx, [case_id])]


@router.post("/cases/{case_id}/services/{service_id}/answer")
@writes(*policy.KEEP_SERVICES)
async def record_answer(case_id: UUID, service_id: UUID, body: AnswerBody, tx: Transaction) -> list[ServiceView]:
    """Record what a provider said otherwise than by its system; or that your own agency gave the service."""
    before = await owned(case_id, tx)
    return await _changed(tx, before, service_id, lambda service: [rules.answered_by_people(service, body.answer, body.reason)])


@router.post("/cases/{case_id}/services/{service_id}/end")
@writes(*policy.KEEP_SERVICES)
async def end(case_id: UUID, service_id: UUID, body: EndBody, tx: Transaction) -> list[ServiceView]:
    """Ask nobody for this service any more, because she does not want it, has it from elsewhere, or nobody gives it."""
    before = await owned(case_id, tx)
    return await _changed(tx, before, service_id, lambda service: [rules.ended(service, body.reason)])


@router.post("/cases/{case_id}/services/{service_id}/ask")
@writes(*policy.KEEP_SERVICES)
async def ask_another(case_id: UUID, service_id: UUID, body: ProviderBody, tx: Transaction) -> list[ServiceView]:
    """Ask another provider for the same service; the approved plan named what, and this is only of whom."""
    before = await owned(case_id, tx)

    def elsewhere(service: Service) -> list[Service]:
        gone, wanted = rules.asked_elsewhere(service, body.provider)
        own = tx.principal.agency if body.provider == tx.principal.agency else None
        return [gone, *services.begun(tx, before, [wanted], own)]

    return await _changed(tx, before, service_id, elsewhere)


async def _changed(tx: Transaction, before: Case, service_id: UUID, change: Any) -> list[ServiceView]:
    """Change one service of the case, and show all of them. Raises 404 for one that is not of its present round."""
    known = (await services.of_cases(tx, {before.case_id: before}))[before.case_id]
    mine = next((service for service in known if service.service_id == service_id), None)
    if mine is None:
        raise not_found("service")
    with refusing():
        plan.require_open(before)
        others = [service for service in known if service != mine]
        after = await services.carry_out(tx, before, known, [*others, *change(mine)])
    await decisions.record(tx, {before.case_id: before}, {before.case_id: after})
    tx.audit("write", mine.person, ["services"])
    return [ServiceView.of(row, dict(after.deadlines)) for row in await services.rows_of(tx, [before.case_id])]


# -- the provider's door --------------------------------------------------------------------------------------------------------------


@router.get("/services")
@reads(*policy.ANSWER_SERVICES)
async def asked(tx: Transaction, most: Annotated[int, Query(ge=1, le=500)] = 200) -> list[AskedView]:
    """What your agency is asked for and has not declined or delivered, the oldest first."""
    return [AskedView.of(row, row.deadlines) for row in await services.asked_of(tx, tx.principal.agency, most)]


@router.post("/services/{service_id}/answer")
@writes(*policy.ANSWER_SERVICES)
async def answer(service_id: UUID, body: AnswerBody, tx: Transaction) -> AskedView:
    """Answer a request of which your agency was told; for everybody else, and before that, there is none (404)."""
    row = await services.row_of(tx, service_id)
    if row is None or row.provider != tx.principal.agency or row.own:
        raise not_found("service")
    await tx.lock([row.case_id])
    known = (await store.cases(tx, [row.case_id]))[row.case_id]
    mine = (await services.of_cases(tx, {row.case_id: known}))[row.case_id]
    service = next((entry for entry in mine if entry.service_id == service_id), None)
    if service is None or known.ended or service.status in {rules.Status.REQUESTED, rules.Status.WAITS_FOR_CONSENT}:
        raise not_found("service")
    with refusing():
        told = rules.answered_by_people(service, body.answer, body.reason)
        after = await services.carry_out(tx, known, mine, [*(entry for entry in mine if entry != service), told])
    await decisions.record(tx, {row.case_id: known}, {row.case_id: after})
    tx.audit("write", service.person, ["services"])
    again: Any = await services.row_of(tx, service_id)
    return AskedView.of(again, dict(after.deadlines))
