"""Routes of notifications, one module for each thing that is asked about."""

from fastapi import APIRouter

from notifications.api import inbox, subscriptions

router = APIRouter()
for part in (inbox, subscriptions):
    router.include_router(part.router)
