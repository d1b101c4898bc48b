"""Where the thing that a notice is about can be opened, as a path of ids through the gateway; and which notices can be answered from a link."""

from collections.abc import Mapping
from uuid import UUID

from notifications.domain.notices import Role

ANSWERABLE = frozenset({"placement.offered", "placement.transfer_offered", "ladder.answer_awaited"})
AT_CASE: Mapping[str, str] = {
    Role.PEKSOS: "/assessment/cases/{}",
    Role.PLACEMENT_OFFICER: "/placement/needs/{}",
    Role.INTAKE_OFFICER: "/intake/cases/{}",
    Role.OUTREACH: "/intake/cases/{}",
    Role.SUPERVISOR: "/intake/cases/{}",
}
PLACES = frozenset({Role.SHELTER_HEAD, Role.PLACEMENT_OFFICER})


def link_of(role: str, case_id: UUID | None, placement_id: UUID | None, subscription_id: UUID | None, session_id: UUID | None) -> str | None:
    """The path at which the holder of a role opens what a notice is about; None where there is nothing to open."""
    if subscription_id is not None:
        return f"/notifications/subscriptions/{subscription_id}/deliveries" if role == Role.OPERATOR else None
    if session_id is not None:
        return f"/notifications/prevention/sessions/{session_id}"
    if placement_id is not None and role in PLACES:
        return f"/placement/placements/{placement_id}"
    if case_id is not None and role in AT_CASE:
        return AT_CASE[role].format(case_id)
    return None
