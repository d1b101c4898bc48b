"""All of notifications' pages, one module for each thing that is done there."""

from fastapi import APIRouter

from notifications.api.live import InboxBell
from notifications.pages import deliveries, duties, escalation, inbox, openly, pages, preferences, prevention, reached, subscriptions


def routers(bell: InboxBell) -> list[APIRouter]:
    """The pages of a service with this bell."""
    return [inbox.live(bell), pages.router]


__all__ = ["deliveries", "duties", "escalation", "openly", "preferences", "prevention", "reached", "routers", "subscriptions"]
