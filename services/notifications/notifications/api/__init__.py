"""Routes of notifications, one module for each thing that is asked about."""

from fastapi import APIRouter

from notifications.api import answers, contacts, escalation, inbox, preferences, prevention, subscriptions

router = APIRouter()
for part in (answers, contacts, escalation, inbox, preferences, prevention, subscriptions):
    router.include_router(part.router)
