"""Who is told of what.

Order never matters here: a case file is a fold over facts that each carry their version, and whatever depends on a case file (the
agency or worker that a notice follows, the time of a ladder's next step) is decided again from the file as it is.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

HIGH = "high"


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
    "intake.export_ordered": (),  # an order to the services; who asked and who is to answer is told already
    "intake.glass_broken": (SUPERVISOR,),
    "intake.agency_slowed": (Told(Role.OPERATOR, Whose.EVERY),),
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

# Kinds of which a later one says no more than: look at it again.
MERGED = frozenset({"intake.triaged", "intake.risk_changed", "intake.legal_step_recorded", "placement.waitlisted", "assessment.completed"})

CLOCK_MISSED = "clock_missed"
CLOCKS: dict[str, tuple[Told, ...]] = {
    "triage": (INTAKE, SUPERVISOR),
    "incomplete": (INTAKE,),
    "unknown_case": (INTAKE,),
    "police_report": (INTAKE, SUPERVISOR),
    "protection": (INTAKE, SUPERVISOR),
    "protection_request": (INTAKE, SUPERVISOR),
    "protection_expiry": (INTAKE, SUPERVISOR),
    "rehabilitation": (INTAKE, SUPERVISOR),
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


def kinds_for(roles: Collection[str]) -> set[str]:
    """The kinds of notices that somebody who holds one of these roles may be told without having asked."""
    return {kind for kind, told in TABLE.items() if any(cell.role in roles for cell in told)}


def notices_for(event: Happening, case: CaseFile) -> list[Notice]:
    """Who is told of an event, by the table above. Raises KeyError for an event that the table does not know."""
    if event.kind.endswith(CLOCK_MISSED):
        told, kind, pressing = _on_the_ladder(CLOCKS.get(event.clock or "", ANY_OTHER_CLOCK), event, case), CLOCK_MISSED, True
    else:
        told, kind, pressing = TABLE[event.kind], event.kind, event.pressing
    urgency = Urgency.URGENT if pressing else Urgency.NORMAL
    return [address(cell, kind, urgency, event, case) for cell in told if pressing or not cell.only_pressing]


def _on_the_ladder(told: tuple[Told, ...], event: Happening, case: CaseFile) -> tuple[Told, ...]:
    """Those who are told of this step: first whoever is to act; later, at high risk, or where no worker has the case, the supervisor too."""
    if WORKER not in told or event.step != 1 or case.risk == HIGH or case.worker is None:
        return told
    return tuple(cell for cell in told if cell is not SUPERVISOR)


def address(cell: Told, kind: str, urgency: Urgency, event: Happening, case: CaseFile) -> Notice:
    """The notice of one cell of the table: its recipient, by what the event and the case say."""
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
