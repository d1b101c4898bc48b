"""Routes of notifications, one module for each thing that is asked about."""

from fastapi import APIRouter

from notifications.api import inbox, preferences, subscriptions

router = APIRouter()
for part in (inbox, preferences, subscriptions):
    router.include_router(part.router)
