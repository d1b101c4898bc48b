"""What is known of a case, in which state that puts it, and which deadlines run: the same for any order in which it was learnt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from assessment.domain.limits import Limits
from assessment.domain.refusals import FieldError, OwnPlanError, StateError, UnknownError
from assessment.domain.risk import rank
from assessment.domain.safety import Known, Safety
from assessment.domain.said import FollowupCame, FollowupEnded, FollowupTried, Given, Missed, Said
from assessment.domain.told import Again, Entered, Gone, Household, Incident, Over, Perpetrator, Told, Triage

# What this module brings along, so that a decision has all of a case from one place.
__all__ = [
    "Again",
    "Case",
    "Entered",
    "FieldError",
    "FollowupCame",
    "FollowupEnded",
    "FollowupTried",
    "Given",
    "Gone",
    "Household",
    "Incident",
    "Known",
    "Limits",
    "Missed",
    "Over",
    "OwnPlanError",
    "Perpetrator",
    "Said",
    "StateError",
    "Told",
    "Triage",
    "UnknownError",
]

HIGH_RISK = "high"
ADULT = 18
# What has a child in residential care, and a carer whom somebody looks at again; their clocks are named after the person.
REHABILITATION, KIN, REVIEW, STAY = "rehabilitation", "kin_or_foster_care", "review", "stay"


class State(StrEnum):
    """Where assessment stands; only the last two are terminal."""

    NOT_STARTED = "not_started"
    WAITING_FOR_WORKER = "waiting_for_worker"
    ASSIGNED = "assigned"
    ASSESSED = "assessed"
    PLAN_PROPOSED = "plan_proposed"
    PLAN_APPROVED = "plan_approved"
    MONITORING = "monitoring"
    FINISHED = "finished"
    STOPPED = "stopped"


TERMINAL = frozenset({State.FINISHED, State.STOPPED})
OPEN = frozenset(State) - TERMINAL - {State.NOT_STARTED}
ASSESSED = OPEN - {State.WAITING_FOR_WORKER, State.ASSIGNED}


class Progress(StrEnum):
    """How far one person is on the way to the planned outcome."""

    PLANNED = "planned"
    REHABILITATING = "rehabilitating"
    REACHED = "reached"


class FollowupState(StrEnum):
    """A follow-up is planned, then due; it ends done, missed, or lost when nobody could be reached however often it was tried."""

    PLANNED = "planned"
    DUE = "due"
    DONE = "done"
    MISSED = "missed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the household; `age` in completed years, None when nobody knows."""

    person_id: UUID
    age: int | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """Whether a person is in a shelter, by placement's fact of this version; since when, and whether she died there."""

    version: int
    inside: bool
    since: datetime | None = None
    died: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """What the approved plan leads to for one person, and how far she is: since when, and which word on her stay was known then."""

    outcome: str
    progress: Progress = Progress.PLANNED
    since: datetime | None = None
    stay_version: int = 0


@dataclass(frozen=True, slots=True)
class Followup:
    """One visit or call after the outcomes; numbers count from 1, `tries` those that reached nobody."""

    number: int
    due: datetime
    state: FollowupState = FollowupState.PLANNED
    result: str | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what others said of it, and what was decided here. `deadlines` are running clocks, by `kind` or `kind:number`, `missed` how often
    each of these ran out since it was set.

    `assessed_risk` and `incident_seen` are the risk and the incident that the newest assessment knew of. `end_version` is that of intake's newest word
    on whether the case is over, `round_version` that of the reopening which this assessment follows; `reentry` counts how often somebody came back to
    a shelter after her outcome. `deceased` are those who died as people here recorded it.
    """

    case_id: UUID
    household_version: int = -1
    members: tuple[Member, ...] = ()
    triage_version: int = -1
    area: str | None = None
    risk: str | None = None
    shelter_needed: bool | None = None
    at_home: bool = False
    admitted: bool = False
    stays: Mapping[UUID, Stay] = field(default_factory=dict)
    ended: bool = False
    state: State = State.NOT_STARTED
    worker: UUID | None = None
    claimed: bool = False
    plan_version: int = 0
    goals: Mapping[UUID, Goal] = field(default_factory=dict)
    followups: tuple[Followup, ...] = ()
    deadlines: Mapping[str, datetime] = field(default_factory=dict)
    end_version: int = 0
    round_version: int = 0
    missed: Mapping[str, int] = field(default_factory=dict)
    assessed_risk: str | None = None
    incident_version: int = 0
    incident_seen: int = 0
    reentry: int = 0
    safety: Safety = field(default_factory=Safety)
    deceased: frozenset[UUID] = frozenset()

    @property
    def round(self) -> int:
        """Which assessment of the case this is: another one after each reopening and each re-entry."""
        return self.round_version + (self.reentry << 40)

    def died(self, person: UUID) -> bool:
        """Whether a person is dead, as people recorded it here or in a shelter."""
        return person in self.deceased or (person in self.stays and self.stays[person].died)

    def is_child(self, person: UUID) -> bool:
        """Whether a person is known to be under age."""
        return any(m.person_id == person and m.age is not None and m.age < ADULT for m in self.members)

    @property
    def sheltered(self) -> bool:
        """Whether anybody of the case is in a shelter now."""
        return any(stay.inside for stay in self.stays.values())

    @property
    def due(self) -> datetime | None:
        """The next deadline that people are to keep; None when there is none."""
        return min((due for clock, due in self.deadlines.items() if clock != "assignment"), default=None)


# -- what others say --------------------------------------------------------------------------------------------------------------


def learn(case: Case, told: Iterable[Told]) -> Case:
    """The case with these facts known: each projection keeps the newest version, so their order and repetition do not matter."""
    for fact in told:
        match fact:
            case Triage():
                case = _triaged(_household(case, fact.version, fact.members), fact)
            case Household():
                case = _household(case, fact.version, fact.members)
            case Perpetrator():
                told_of = case.safety.suspected if fact.suspect else case.safety.happened
                case = replace(case, safety=told_of(fact.about, fact.known))
            case Entered():
                case = replace(_stays(case, fact.persons, Stay(fact.version, inside=True, since=fact.since)), admitted=True)
            case Gone():
                case = _stays(case, fact.persons, Stay(fact.version, inside=False, died=fact.died))
            case Incident():
                case = replace(case, incident_version=max(case.incident_version, fact.version))
            case Over() | Again():
                newer = fact.version >= case.end_version
                case = replace(case, ended=isinstance(fact, Over), end_version=fact.version) if newer else case
    return case


def _triaged(case: Case, fact: Triage) -> Case:
    # Once any triage says that no shelter is needed, the assessment has begun; a later need for one does not undo it.
    case = replace(case, at_home=case.at_home or fact.shelter_needed is False)
    if fact.keep_apart is not None:
        case = replace(case, safety=case.safety.triaged(fact.version, fact.keep_apart, fact.perpetrator_areas))
    if fact.version <= case.triage_version:
        return case
    return replace(case, triage_version=fact.version, area=fact.area, risk=fact.risk, shelter_needed=fact.shelter_needed)


def _household(case: Case, version: int, members: tuple[Member, ...]) -> Case:
    return replace(case, household_version=version, members=members) if version > case.household_version else case


def _stays(case: Case, persons: Sequence[UUID], stay: Stay) -> Case:
    newer = {p: stay for p in persons if p not in case.stays or case.stays[p].version < stay.version}
    return replace(case, stays={**case.stays, **newer})


# -- what follows of itself -------------------------------------------------------------------------------------------------------


def advance(case: Case, now: datetime, limits: Limits) -> Case:
    """Take the steps that need nobody: stop an ended case, start one that is at home or admitted, follow up one whose outcomes are reached.

    An ended case starts nothing, and is nobody's open work any more; a finished one stays finished. One that was reopened is assessed anew, and so
    is one of which somebody is in a shelter again after her outcome.
    """
    if not case.ended and case.end_version > case.round_version:
        case = _anew(case)
    if not case.ended and came_back(case):
        case = replace(_anew(case), reentry=case.reentry + 1)
    if case.state in TERMINAL:
        return case
    if case.ended:
        return replace(case, state=State.STOPPED, worker=None, deadlines={})
    if case.state is State.NOT_STARTED and (case.at_home or case.admitted):
        first = {"assignment": now + limits.assignment, "initial": now + limits.initial}
        deadlines = {**first, "comprehensive": now + limits.comprehensive, "plan": now + limits.plan}
        return replace(case, state=State.WAITING_FOR_WORKER, deadlines=deadlines)
    if case.state is State.PLAN_APPROVED and not still_to_reach(case) and any(not case.died(m.person_id) for m in case.members):
        case = _monitored(case, now, limits)
    return _watched(_looked_at_again(case, now, limits), now, limits)


def came_back(case: Case) -> bool:
    """Whether somebody came into a shelter after her outcome: a stay of which nothing was known then, and that placement does not end for it.

    Placement ends each stay that began before the outcome, so only one that began later is an answer by itself; after the last follow-up any is.
    """
    found = _strange_stays(case).values()
    return any(case.state is State.FINISHED or bool(goal.since and stay.since and stay.since > goal.since) for goal, stay in found)


def _strange_stays(case: Case) -> dict[UUID, tuple[Goal, Stay]]:
    """Who is in a shelter although her outcome was reached, by a fact of which nothing was known then."""
    reached = {
        person: (goal, case.stays[person]) for person, goal in case.goals.items() if goal.progress is Progress.REACHED and person in case.stays
    }
    return {person: (goal, stay) for person, (goal, stay) in reached.items() if stay.inside and stay.version > goal.stay_version}


def _watched(case: Case, now: datetime, limits: Limits) -> Case:
    """Let clocks run for what people are to look at: a child in residential care, and a stay of which nobody knows whether the outcome ended it."""
    wanted = {f"{STAY}:{person}": now + limits.stay for person in _strange_stays(case)}
    open_goals = {person: goal for person, goal in case.goals.items() if goal.progress is not Progress.REACHED}
    children = {review_clock(person) for person, goal in open_goals.items() if goal.outcome == REHABILITATION and case.is_child(person)}
    if case.state is State.PLAN_APPROVED:
        wanted |= dict.fromkeys(children, now + limits.review)
    carers = {review_clock(person) for person in case.goals.keys() - open_goals.keys()}
    kept = {
        clock: due
        for clock, due in case.deadlines.items()
        if not clock.startswith((f"{STAY}:", f"{REVIEW}:")) or clock in wanted.keys() | children | carers
    }
    deadlines = wanted | kept
    return case if deadlines == case.deadlines else replace(case, deadlines=deadlines)


def review_clock(person: UUID) -> str:
    """The clock by which people look at a person's residential care or carer again."""
    return f"{REVIEW}:{person}"


def stays_on(case: Case, person: UUID) -> Case:
    """Somebody is in a shelter long after her outcome, and nothing ended it: the case is assessed anew. One who left changes nothing."""
    if case.ended or case.state in TERMINAL or person not in _strange_stays(case):
        return replace(case, deadlines=without(case.deadlines, f"{STAY}:{person}"))
    return replace(_anew(case), reentry=case.reentry + 1)


def _anew(case: Case) -> Case:
    """The case before its next assessment; whatever it was at, so that it does not matter whether its end was heard before it was reopened."""
    known = replace(case, round_version=case.end_version)
    if case.state is State.NOT_STARTED:
        return known
    return replace(known, state=State.NOT_STARTED, worker=None, goals={}, followups=(), deadlines={}, missed={}, assessed_risk=None)


def _looked_at_again(case: Case, now: datetime, limits: Limits) -> Case:
    """Let a case that was assessed be assessed again soon when its risk was raised or another incident was recorded since."""
    if case.state not in ASSESSED or "comprehensive" in case.deadlines:
        return case
    raised, incident = case.assessed_risk is not None and rank(case.risk) > rank(case.assessed_risk), case.incident_version > case.incident_seen
    if not (raised or incident):
        return case
    due = min(case.deadlines.get("reassessment", now + limits.reassess_soon), now + limits.reassess_soon)
    seen = replace(case, deadlines={**case.deadlines, "reassessment": due}, incident_seen=case.incident_version)
    return replace(seen, assessed_risk=case.risk) if raised else seen


def still_to_reach(case: Case) -> tuple[UUID, ...]:
    """Persons of the household whose outcome is not reached, planned or not; one who left the household is not waited for."""
    reached = {person for person, goal in case.goals.items() if goal.progress is Progress.REACHED}
    return tuple(member.person_id for member in case.members if member.person_id not in reached and not case.died(member.person_id))


def _monitored(case: Case, now: datetime, limits: Limits) -> Case:
    """Plan the follow-ups; a risk that nobody named counts as high. The day on which people look at a carer again is one of them.

    They take the place of what was looked at from time to time; services go on.
    """
    spans = limits.followups_high_risk if case.risk in {HIGH_RISK, None} else limits.followups
    reviews = [case.deadlines.get(review_clock(person), now) for person, goal in case.goals.items() if goal.outcome == KIN]
    days = sorted([now + span for span in spans] + [due for due in reviews if due > now])
    followups = tuple(Followup(number, day) for number, day in enumerate(days, 1))
    return replace(
        case,
        state=State.MONITORING,
        followups=followups,
        deadlines=services_only(case.deadlines) | {f"followup:{f.number}": f.due for f in followups},
    )


# -- what came of it --------------------------------------------------------------------------------------------------------------


def require(case: Case, *states: State) -> None:
    """Raise StateError unless the case is in one of these states."""
    if case.state not in states:
        raise StateError(case.state)


def without(deadlines: Mapping[str, datetime], *clocks: str) -> dict[str, datetime]:
    """Deadlines but these."""
    return {clock: due for clock, due in deadlines.items() if clock not in clocks}


def services_only(deadlines: Mapping[str, datetime]) -> dict[str, datetime]:
    """Those that are of services."""
    return {clock: due for clock, due in deadlines.items() if clock.startswith("service_")}


def settled(case: Case) -> Case:
    """The case without clocks when it is over, and without a count of misses of what does not run any more."""
    deadlines = {} if case.state in TERMINAL else case.deadlines
    return replace(case, deadlines=deadlines, missed={clock: count for clock, count in case.missed.items() if clock in deadlines})


CALLED = {"initial": "initial_assessment", "comprehensive": "comprehensive_assessment", "lost": "lost_contact"}


def ran_out(case: Case, clock: str, due: datetime, now: datetime, limits: Limits) -> tuple[Case, Missed | None]:
    """A deadline ran out: say so, with its step on the ladder, and set it again, for no open case may be without one; one that was met changes nothing."""
    if clock not in case.deadlines or case.state in TERMINAL:
        return case, None
    kind, _, about = clock.partition(":")
    step = case.missed.get(clock, 0) + 1
    following = {"assignment": limits.assignment, "lost": limits.lost}.get(kind) or (limits.escalate if step == 1 else limits.again)
    after = replace(case, deadlines={**case.deadlines, clock: now + following}, missed={**case.missed, clock: step})
    return after, Missed(CALLED.get(kind, kind), due, step, UUID(about) if kind.startswith("service_") else None)


def assessed(case: Case) -> Case:
    """The first assessments are complete; the plan's deadline runs on. Raises StateError unless a worker has it to assess."""
    require(case, State.ASSIGNED)
    return replace(case, state=State.ASSESSED, deadlines=without(case.deadlines, "initial", "comprehensive"))
