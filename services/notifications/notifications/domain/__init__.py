"""The rules of notifications: who is told of what, when an unanswered matter climbs a step, and where and when a webhook may be sent."""

from notifications.domain.ladders import HIGH, UNACKNOWLEDGED, Ladder, Step, next_step_due, notices_of_step, reminder, subscription_disabled
from notifications.domain.notices import (
    CLOCK_MISSED,
    CLOCKS,
    MERGED,
    TABLE,
    CaseFile,
    Follows,
    Happening,
    Notice,
    Role,
    Told,
    Urgency,
    Whose,
    notices_for,
)
from notifications.domain.webhooks import Network, address_allowed, endpoint_of, next_try, url_problem

__all__ = [
    "CLOCKS",
    "CLOCK_MISSED",
    "HIGH",
    "MERGED",
    "TABLE",
    "UNACKNOWLEDGED",
    "CaseFile",
    "Follows",
    "Happening",
    "Ladder",
    "Network",
    "Notice",
    "Role",
    "Step",
    "Told",
    "Urgency",
    "Whose",
    "address_allowed",
    "endpoint_of",
    "next_step_due",
    "next_try",
    "notices_for",
    "notices_of_step",
    "reminder",
    "subscription_disabled",
    "url_problem",
]
