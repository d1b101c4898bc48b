"""All of notifications' pages, one module for each thing that is done there."""

from fastapi import APIRouter

from notifications.api.live import InboxBell
from notifications.pages import deliveries, inbox, pages


def routers(bell: InboxBell) -> list[APIRouter]:
    """The pages of a service with this bell."""
    return [inbox.live(bell), pages.router]


__all__ = ["deliveries", "routers"]
