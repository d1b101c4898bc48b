"""Routes of notifications, one module for each thing that is asked about."""

from fastapi import APIRouter

from notifications.api import answers, contacts, escalation, inbox, preferences, prevention, subscriptions, waiting

router = APIRouter()
for part in (answers, contacts, escalation, inbox, preferences, prevention, subscriptions, waiting):
    router.include_router(part.router)
