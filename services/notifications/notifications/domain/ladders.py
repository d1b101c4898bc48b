"""When an unanswered matter climbs a step, and whom each step tells (DOMAIN P13)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from notifications.domain.calendars import Calendar
from notifications.domain.notices import HEAD, HIGH, PLACEMENT, SUPERVISOR, CaseFile, Happening, Notice, Role, Urgency, address

LADDER_KINDS = {
    Role.SHELTER_HEAD: "ladder.answer_awaited",
    Role.PLACEMENT_OFFICER: "ladder.unanswered",
    Role.INTAKE_OFFICER: "ladder.try_another",
}
UNACKNOWLEDGED = "unacknowledged"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how long after the offer, which roles are told, by which channels, whether by name too who is on call, and in whose working time."""

    after: timedelta
    roles: tuple[Role, ...]
    channels: tuple[str, ...] = ()
    on_call: bool = False
    calendar: Calendar | None = None

    def due(self, offered_at: datetime) -> datetime:
        """When it is told, unless somebody answers."""
        return offered_at + self.after if self.calendar is None else self.calendar.after(offered_at, self.after)


@dataclass(frozen=True, slots=True)
class Duty:
    """Somebody is on call for a role: of an agency, and of one unit or of all."""

    role: str
    agency: str
    unit: UUID | None
    officer: UUID


@dataclass(frozen=True, slots=True)
class Ladder:
    """One offer's ladder; an answer may be known before the offer is, and `done` steps are never told twice."""

    placement_id: UUID
    case_id: UUID
    unit: UUID
    offered_at: datetime | None = None
    answered: bool = False
    done: int = 0
    claimed_until: datetime | None = None

    def offered(self, at: datetime) -> "Ladder":
        """The offer was made."""
        return replace(self, offered_at=at)

    def answer(self) -> "Ladder":
        """Someone answered, or the offer is gone: the ladder stops for good."""
        return replace(self, answered=True)

    def claimed(self, until: datetime) -> "Ladder":
        """Somebody is on the answer: nobody is told before that runs out."""
        return replace(self, claimed_until=max(self.claimed_until or until, until))

    def climbed(self) -> "Ladder":
        """One more step was told."""
        return replace(self, done=self.done + 1)


def next_step_due(ladder: Ladder, steps: Sequence[Step], case: CaseFile) -> datetime | None:
    """When the next step is to be told; None for a ladder that has not begun, has stopped or is at its end."""
    if ladder.offered_at is None or ladder.answered or case.ended or ladder.done >= len(steps):
        return None
    due = steps[ladder.done].due(ladder.offered_at)
    return due if ladder.claimed_until is None else max(due, ladder.claimed_until)


def notices_of_step(ladder: Ladder, step: Step, case: CaseFile) -> list[Notice]:
    """Whom a step tells: the head of the shelter that does not answer, those who place, and for those who asked their supervisor.

    An intake officer who were told that an offer stays unanswered would learn that there was one, and so could look for a secret house.
    """
    cells = {Role.SHELTER_HEAD: HEAD, Role.INTAKE_OFFICER: SUPERVISOR}
    urgency = Urgency.URGENT if case.risk == HIGH else Urgency.NORMAL
    event = Happening("ladder", unit=ladder.unit)
    return [address(cells.get(role, PLACEMENT), LADDER_KINDS[role], urgency, event, case) for role in step.roles]


def notices_on_call(told: Sequence[Notice], duties: Sequence[Duty]) -> list[Notice]:
    """By name, once each, who is on call for those whom a step tells."""
    called = {
        duty.officer: Notice(f"on_call:{duty.officer}", notice.role, notice.kind, Urgency.URGENT, officer=duty.officer)
        for notice in told
        for duty in duties
        if duty.role == notice.role and notice.agency in {None, duty.agency} and (duty.unit is None or notice.unit in {None, duty.unit})
    }
    return list(called.values())


def reminder(case: CaseFile) -> Notice:
    """The second ladder's only step: nobody acknowledged an alert or a missed clock, so a supervisor is told again."""
    return address(SUPERVISOR, UNACKNOWLEDGED, Urgency.URGENT, Happening(UNACKNOWLEDGED), case)


def call_wanted() -> Notice:
    """Those who place are told that the head of a shelter wants to be called about a request."""
    return address(PLACEMENT, "call_wanted", Urgency.URGENT, Happening("call_wanted"), CaseFile(UUID(int=0)))


def subscription_disabled(agency: str) -> list[Notice]:
    """The operator, and whoever supervises at the agency, are told that its endpoint takes nothing and that nothing is sent there any more."""
    kind = "subscription_disabled"
    return [
        Notice(str(Role.OPERATOR), Role.OPERATOR, kind, Urgency.NORMAL),
        Notice(f"{Role.SUPERVISOR}@{agency}", Role.SUPERVISOR, kind, Urgency.NORMAL, agency=agency),
    ]
