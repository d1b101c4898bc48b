"""Who is told of what, when an unanswered matter climbs a step, and where and when a webhook may be sent.

Order never matters here: a case file is a fold over facts that each carry their version, and whatever depends on a case file (the
agency or worker that a notice follows, the time of a ladder's next step) is decided again from the file as it is.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID


class Role(StrEnum):
    """The roles that notices are addressed to."""

    INTAKE_OFFICER = "intake_officer"
    OUTREACH = "outreach"
    SUPERVISOR = "supervisor"
    PLACEMENT_OFFICER = "placement_officer"
    SHELTER_HEAD = "shelter_head"
    PEKSOS = "peksos"
    OPERATOR = "operator"


class Urgency(StrEnum):
    """How soon someone must look."""

    NORMAL = "normal"
    URGENT = "urgent"


class Follows(StrEnum):
    """What an open notice follows: the agency that leads its case, the worker who has its case, or nothing."""

    NOTHING = "nothing"
    AGENCY = "agency"
    WORKER = "worker"


class Whose(StrEnum):
    """Which holders of a role are meant."""

    EVENT = "event"  # those of the agency that the event names
    CASE = "case"  # those of the agency that leads the case, as long as it does; of every agency while none is known
    EVERY = "every"  # all
    UNIT = "unit"  # those of the shelter that the event names
    NAMED = "named"  # the person whom the event names
    WORKER = "worker"  # the social worker who has the case, as long as she has it; parked while there is none


@dataclass(frozen=True, slots=True)
class Told:
    """One cell of the table: a role, whose, and whether only a pressing event is told."""

    role: Role
    whose: Whose
    only_pressing: bool = False


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What notifications knows of a case; versions are the factversions of the producer that said it."""

    case_id: UUID
    reported_by: str | None = None
    brought_by: str | None = None
    responsible: str | None = None
    risk: str | None = None
    triage_version: int = 0
    worker: UUID | None = None
    worker_version: int = 0
    ended: bool = False
    responsible_version: int = 0
    end_version: int = 0

    @property
    def agency(self) -> str | None:
        """The agency that leads: the responsible one, before a triage the one that reported or brought the household."""
        return self.responsible or self.reported_by or self.brought_by

    def reported(self, agency: str) -> "CaseFile":
        """An agency reported the case."""
        return replace(self, reported_by=agency)

    def brought(self, agency: str) -> "CaseFile":
        """An agency brought the household to a shelter's door."""
        return replace(self, brought_by=agency)

    def triaged(self, version: int, agency: str, risk: str) -> "CaseFile":
        """A triage settled risk and responsibility; an older one than what is known changes nothing."""
        if version < self.triage_version:
            return self
        return replace(self.led_by(version, agency), triage_version=version, risk=risk)

    def led_by(self, version: int, agency: str) -> "CaseFile":
        """An agency leads the case; an older word than what is known changes nothing."""
        if version < max(self.responsible_version, self.triage_version):
            return self
        return replace(self, responsible_version=version, responsible=agency)

    def assigned(self, version: int, worker: UUID) -> "CaseFile":
        """A worker has the case; an older assignment than what is known changes nothing."""
        if version < self.worker_version:
            return self
        return replace(self, worker_version=version, worker=worker)

    def end(self, version: int) -> "CaseFile":
        """The case ended: nothing new starts for it, unless it is reopened later."""
        return self if version < self.end_version else replace(self, ended=True, end_version=version)

    def reopen(self, version: int) -> "CaseFile":
        """The case goes on; an older word than its end changes nothing."""
        return self if version < self.end_version else replace(self, ended=False, end_version=version)


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, as far as it decides who is told; `pressing` means high risk or danger, `clock` is the code of a missed clock, `step` how often
    it ran out.
    """

    kind: str
    pressing: bool = False
    agency: str | None = None
    unit: UUID | None = None
    worker: UUID | None = None
    clock: str | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What one recipient is told; `recipient` names the recipient for good, so that one event makes one notice for each."""

    recipient: str
    role: Role
    kind: str
    urgency: Urgency
    agency: str | None = None
    unit: UUID | None = None
    officer: UUID | None = None
    follows: Follows = Follows.NOTHING


WORKER = Told(Role.PEKSOS, Whose.WORKER)
NAMED_WORKER = Told(Role.PEKSOS, Whose.NAMED)
HEAD = Told(Role.SHELTER_HEAD, Whose.UNIT)
PLACEMENT = Told(Role.PLACEMENT_OFFICER, Whose.EVERY)
INTAKE = Told(Role.INTAKE_OFFICER, Whose.CASE)
SUPERVISOR = Told(Role.SUPERVISOR, Whose.CASE)
INTAKE_NAMED = Told(Role.INTAKE_OFFICER, Whose.EVENT)
SUPERVISOR_IF_PRESSING = Told(Role.SUPERVISOR, Whose.EVENT, only_pressing=True)
SUPERVISOR_NAMED = Told(Role.SUPERVISOR, Whose.EVENT)
OUTREACH_NAMED = Told(Role.OUTREACH, Whose.EVENT)

TABLE: dict[str, tuple[Told, ...]] = {
    "intake.reported": (INTAKE_NAMED, SUPERVISOR_IF_PRESSING),
    "intake.triaged": (INTAKE_NAMED, SUPERVISOR_IF_PRESSING),
    "intake.risk_changed": (INTAKE_NAMED, SUPERVISOR_IF_PRESSING),
    "intake.outreach_dispatched": (OUTREACH_NAMED,),
    "intake.outreach_arrived": (INTAKE,),
    "intake.outreach_ended": (INTAKE,),
    "intake.withdrawn": (WORKER, PLACEMENT),
    "intake.referred_out": (WORKER, PLACEMENT),
    "intake.contact_lost": (WORKER, PLACEMENT),
    "intake.closed": (WORKER, PLACEMENT),
    "intake.reopened": (INTAKE, SUPERVISOR, WORKER),
    "intake.closure_proposed": (SUPERVISOR,),
    "intake.closure_returned": (INTAKE,),
    "intake.legal_step_recorded": (WORKER,),
    "intake.legal_step_expiring": (INTAKE, SUPERVISOR, WORKER),
    "intake.responsibility_proposed": (SUPERVISOR_NAMED,),
    "intake.responsibility_declined": (SUPERVISOR,),
    "intake.responsibility_transferred": (INTAKE_NAMED, WORKER),
    "intake.person_erased": (WORKER, SUPERVISOR),
    "intake.right_requested": (SUPERVISOR,),
    "intake.glass_broken": (SUPERVISOR,),
    "placement.offered": (HEAD,),
    "placement.extended": (),  # the ladder speaks while a hold is extended
    "placement.claimed": (),  # the ladder waits while somebody works on the answer
    "placement.cancelled": (HEAD,),
    "placement.declined": (PLACEMENT,),
    "placement.expired": (PLACEMENT,),
    "placement.no_show": (PLACEMENT,),
    "placement.waitlisted": (PLACEMENT,),
    "placement.unmet": (PLACEMENT,),
    "placement.accepted": (INTAKE,),
    "placement.on_the_way": (INTAKE,),
    "placement.admitted": (INTAKE,),
    "placement.admitted_directly": (INTAKE, PLACEMENT),
    "placement.split_approved": (INTAKE, PLACEMENT),
    "placement.transfer_offered": (HEAD,),
    "placement.transfer_answered": (PLACEMENT,),
    "placement.transferred": (HEAD, WORKER),
    "placement.probing_suspected": (SUPERVISOR,),
    "shelter.census_missed": (HEAD, PLACEMENT),
    "placement.left": (SUPERVISOR,),
    "placement.discharged": (SUPERVISOR,),
    "assessment.assigned": (NAMED_WORKER,),
    "assessment.reassigned": (NAMED_WORKER,),
    "assessment.alert_raised": (WORKER, SUPERVISOR),
    "assessment.completed": (SUPERVISOR,),
    "assessment.plan_approved": (WORKER,),
    "assessment.plan_returned": (WORKER,),
    "assessment.service_accepted": (WORKER,),
    "assessment.service_declined": (WORKER,),
    "assessment.service_delivered": (WORKER,),
    "assessment.reunified": (SUPERVISOR,),
    "assessment.rehabilitation_started": (SUPERVISOR,),
    "assessment.rehabilitation_completed": (SUPERVISOR,),
    "assessment.outcome_reached": (SUPERVISOR,),
    "assessment.outcome_abandoned": (WORKER, SUPERVISOR),
    "assessment.followup_due": (WORKER,),
    "assessment.followup_done": (Told(Role.SUPERVISOR, Whose.CASE, only_pressing=True),),  # only when she was found unsafe
    "assessment.followup_missed": (WORKER, SUPERVISOR),
    "assessment.followup_lost": (SUPERVISOR,),
}

CLOCK_MISSED = "clock_missed"
CLOCKS: dict[str, tuple[Told, ...]] = {
    "triage": (INTAKE, SUPERVISOR),
    "incomplete": (INTAKE,),
    "unknown_case": (INTAKE,),
    "police_report": (INTAKE, SUPERVISOR),
    "protection": (INTAKE, SUPERVISOR),
    "protection_request": (INTAKE, SUPERVISOR),
    "protection_expiry": (INTAKE, SUPERVISOR),
    "closure": (SUPERVISOR,),
    "closure_approval": (SUPERVISOR,),
    "transfer_answer": (SUPERVISOR,),
    "risk_review": (INTAKE, SUPERVISOR),
    "joiner": (INTAKE, PLACEMENT, SUPERVISOR),
    "contact_retry": (INTAKE, SUPERVISOR),
    "right_request": (SUPERVISOR,),
    "hold_review": (SUPERVISOR,),
    "waiting": (PLACEMENT,),
    "ungrouped": (PLACEMENT, SUPERVISOR),
    "stay_review": (PLACEMENT,),
    "arrival": (PLACEMENT,),
    "absence": (PLACEMENT,),
    "initial_assessment": (WORKER, SUPERVISOR),
    "comprehensive_assessment": (WORKER, SUPERVISOR),
    "reassessment": (WORKER, SUPERVISOR),
    "plan": (WORKER, SUPERVISOR),
    "outcome": (WORKER, SUPERVISOR),
    "lost_contact": (SUPERVISOR,),
    "review": (WORKER, SUPERVISOR),
    "assignment": (SUPERVISOR,),
    "service_answer": (WORKER, SUPERVISOR),
    "service_consent": (WORKER, INTAKE, SUPERVISOR),
    "service_delivery": (WORKER, SUPERVISOR),
    "service_declined": (WORKER, SUPERVISOR),
}
ANY_OTHER_CLOCK = (SUPERVISOR,)


def notices_for(event: Happening, case: CaseFile) -> list[Notice]:
    """Who is told of an event, by the table above. Raises KeyError for an event that the table does not know."""
    if event.kind.endswith(CLOCK_MISSED):
        told, kind, pressing = _on_the_ladder(CLOCKS.get(event.clock or "", ANY_OTHER_CLOCK), event, case), CLOCK_MISSED, True
    else:
        told, kind, pressing = TABLE[event.kind], event.kind, event.pressing
    urgency = Urgency.URGENT if pressing else Urgency.NORMAL
    return [_address(cell, kind, urgency, event, case) for cell in told if pressing or not cell.only_pressing]


def _on_the_ladder(told: tuple[Told, ...], event: Happening, case: CaseFile) -> tuple[Told, ...]:
    """Those who are told of this step: first whoever is to act; later, at high risk, or where no worker has the case, the supervisor too."""
    if WORKER not in told or event.step != 1 or case.risk == HIGH or case.worker is None:
        return told
    return tuple(cell for cell in told if cell is not SUPERVISOR)


def _address(cell: Told, kind: str, urgency: Urgency, event: Happening, case: CaseFile) -> Notice:
    role = cell.role
    match cell.whose:
        case Whose.EVENT:
            return Notice(f"{role}@{event.agency}", role, kind, urgency, agency=event.agency)
        case Whose.CASE:
            return Notice(f"{role}@case", role, kind, urgency, agency=case.agency, follows=Follows.AGENCY)
        case Whose.UNIT:
            return Notice(f"{role}#{event.unit}", role, kind, urgency, unit=event.unit)
        case Whose.NAMED:
            return Notice(f"{role}:{event.worker}", role, kind, urgency, officer=event.worker)
        case Whose.WORKER:
            return Notice(f"{role}:case", role, kind, urgency, officer=case.worker, follows=Follows.WORKER)
        case Whose.EVERY:
            return Notice(str(role), role, kind, urgency)


# -- the escalation ladder (DOMAIN P13) -------------------------------------------------------------------------------------------------

HIGH = "high"
LADDER_KINDS = {
    Role.SHELTER_HEAD: "ladder.answer_awaited",
    Role.PLACEMENT_OFFICER: "ladder.unanswered",
    Role.INTAKE_OFFICER: "ladder.try_another",
}
UNACKNOWLEDGED = "unacknowledged"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how long after the offer, and which roles are told."""

    after: timedelta
    roles: tuple[Role, ...]


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
    due = ladder.offered_at + steps[ladder.done].after
    return due if ladder.claimed_until is None else max(due, ladder.claimed_until)


def notices_of_step(ladder: Ladder, step: Step, case: CaseFile) -> list[Notice]:
    """Whom a step tells: the head of the shelter that does not answer, those who place, and for those who asked their supervisor.

    An intake officer who were told that an offer stays unanswered would learn that there was one, and so could look for a secret house.
    """
    cells = {Role.SHELTER_HEAD: HEAD, Role.INTAKE_OFFICER: SUPERVISOR}
    urgency = Urgency.URGENT if case.risk == HIGH else Urgency.NORMAL
    event = Happening("ladder", unit=ladder.unit)
    return [_address(cells.get(role, PLACEMENT), LADDER_KINDS[role], urgency, event, case) for role in step.roles]


def reminder(case: CaseFile) -> Notice:
    """The second ladder's only step: nobody acknowledged an alert or a missed clock, so a supervisor is told again."""
    return _address(SUPERVISOR, UNACKNOWLEDGED, Urgency.URGENT, Happening(UNACKNOWLEDGED), case)


def subscription_disabled() -> Notice:
    """The operator is told that an agency's endpoint failed so often that nothing is sent there any more."""
    return Notice(str(Role.OPERATOR), Role.OPERATOR, "subscription_disabled", Urgency.NORMAL)


# -- webhooks ---------------------------------------------------------------------------------------------------------------------------

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NAT64 = ipaddress.IPv6Network("64:ff9b::/32")


def next_try(failed: int, delays: Sequence[timedelta], chance: float) -> timedelta | None:
    """How long to wait after the `failed`-th failure in a row; `chance` in [0, 1) spreads it by a fifth either way. None: give up."""
    if failed > len(delays):
        return None
    return delays[failed - 1] * (0.8 + 0.4 * chance)


def address_allowed(address: str, scheme: str, allowed: Sequence[Network]) -> bool:
    """Whether a webhook may go to this IP address: https to the public internet, and anything in the networks that the operator listed."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if any(found in network for network in allowed):
        return True
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return address_allowed(str(found.ipv4_mapped), scheme, allowed)
        if found.sixtofour is not None or found.teredo is not None or found in NAT64:
            return False  # each of them hides an IPv4 address
    return scheme == "https" and found.is_global and not found.is_multicast and not found.is_reserved


def url_problem(url: str, allowed: Sequence[Network]) -> str | None:
    """The code of what is wrong with a webhook's URL, as far as the URL alone tells; names are resolved and checked at each sending."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "invalid"
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None or parts.fragment or not url.isascii() or " " in url:
        return "invalid"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None if parts.scheme == "https" or allowed else "https_required"
    if address_allowed(host, parts.scheme, allowed):
        return None
    return "https_required" if address_allowed(host, "https", allowed) else "address_not_allowed"


def endpoint_of(url: str) -> str:
    """Scheme, host and port of a URL: what may be busy or dead, whichever subscriptions point there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
