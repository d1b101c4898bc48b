"""The route by which a service gives its part of an export that was ordered: live, to the officer who ordered it, each look on record."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from chassis.store import exports
from chassis.store.transaction import Transaction
from chassis.store.vault import Vault
from chassis.web.routes import reads

# What a service keeps of a person: of the person and the subject (a case) under which she is known.
Part = Callable[[Transaction, Vault | None, UUID, UUID], Awaitable[dict[str, Any]]]


def vault_of(request: Request) -> Vault | None:
    """The vault of the service that answers."""
    vault: Vault | None = request.app.state.service.vault
    return vault


def routes(service: str, part: Part, *roles: str) -> APIRouter:
    """The routes of a service's part of an export, open to an officer who ordered it and has one of these roles."""
    router = APIRouter(tags=["rights"])

    @router.get("/exports/{request_id}/{person_id}")
    @reads(*roles)
    async def export_part(request_id: UUID, person_id: UUID, vault: Annotated[Vault | None, Depends(vault_of)], tx: Transaction) -> dict[str, Any]:
        """What this service keeps of a person whose export was ordered under this request, for her; nothing of others, no shelter."""
        order = await exports.ordered(tx, request_id, person_id)
        kept = await part(tx, vault, person_id, order.subject)
        tx.audit("person_exported", person_id, sorted(kept))
        looks = await exports.looked_at(tx, {person_id, order.subject})
        return {"service": service, "request_id": request_id, "person_id": person_id, "case_id": order.subject, **kept, "looked_at": looks}

    return router
