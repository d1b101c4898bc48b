"""Where a case stands, from the set of its facts; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Kind(StrEnum):
    """The types of facts that move a case; others are only shown in its timeline."""

    TRIAGED = "case.intake.triaged.v1"
    RISK_CHANGED = "case.intake.risk_changed.v1"
    HOUSEHOLD_CHANGED = "case.intake.household_changed.v1"
    INCIDENT_RECORDED = "case.intake.incident_recorded.v1"
    JOINER_SETTLED = "case.intake.joiner_settled.v1"
    LEGAL_STEP_RECORDED = "case.intake.legal_step_recorded.v1"
    CLOSURE_PROPOSED = "case.intake.closure_proposed.v1"
    CLOSURE_RETURNED = "case.intake.closure_returned.v1"
    RESPONSIBILITY_PROPOSED = "case.intake.responsibility_proposed.v1"
    RESPONSIBILITY_DECLINED = "case.intake.responsibility_declined.v1"
    RESPONSIBILITY_TRANSFERRED = "case.intake.responsibility_transferred.v1"
    OUTREACH_DISPATCHED = "case.intake.outreach_dispatched.v1"
    OUTREACH_ENDED = "case.intake.outreach_ended.v1"
    CLOCK_MISSED = "case.intake.clock_missed.v1"
    WITHDRAWN = "case.intake.withdrawn.v1"
    REFERRED_OUT = "case.intake.referred_out.v1"
    CONTACT_LOST = "case.intake.contact_lost.v1"
    CLOSED = "case.intake.closed.v1"
    REOPENED = "case.intake.reopened.v1"
    WAITLISTED = "case.placement.waitlisted.v1"
    OFFERED = "case.placement.offered.v1"
    EXTENDED = "case.placement.extended.v1"
    DECLINED = "case.placement.declined.v1"
    EXPIRED = "case.placement.expired.v1"
    CANCELLED = "case.placement.cancelled.v1"
    UNMET = "case.placement.unmet.v1"
    ACCEPTED = "case.placement.accepted.v1"
    ON_THE_WAY = "case.placement.on_the_way.v1"
    NO_SHOW = "case.placement.no_show.v1"
    ADMITTED = "case.placement.admitted.v1"
    ADMITTED_DIRECTLY = "case.placement.admitted_directly.v1"
    LEFT = "case.placement.left.v1"
    DISCHARGED = "case.placement.discharged.v1"
    SPLIT_APPROVED = "case.placement.split_approved.v1"
    ASSIGNED = "case.assessment.assigned.v1"
    COMPLETED = "case.assessment.completed.v1"
    PLAN_APPROVED = "case.assessment.plan_approved.v1"
    REUNIFIED = "case.assessment.reunified.v1"
    REHABILITATION_STARTED = "case.assessment.rehabilitation_started.v1"
    REHABILITATION_COMPLETED = "case.assessment.rehabilitation_completed.v1"
    OUTCOME_REACHED = "case.assessment.outcome_reached.v1"
    OUTCOME_ABANDONED = "case.assessment.outcome_abandoned.v1"
    FOLLOWUP_DUE = "case.assessment.followup_due.v1"
    FOLLOWUP_DONE = "case.assessment.followup_done.v1"
    FOLLOWUP_MISSED = "case.assessment.followup_missed.v1"
    FOLLOWUP_LOST = "case.assessment.followup_lost.v1"


class State(StrEnum):
    """The states of a case, in the order of its way (DOMAIN 2.1)."""

    REPORTED = "reported"
    TRIAGED = "triaged"
    SHELTER_SOUGHT = "shelter_sought"
    OFFERED = "offered"
    WAITLISTED = "waitlisted"
    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    SHELTERED = "sheltered"
    ASSESSMENT = "assessment"
    ASSESSED = "assessed"
    PLANNED = "planned"
    OUTCOME_UNDER_WAY = "outcome_under_way"
    MONITORING = "monitoring"
    READY_TO_CLOSE = "ready_to_close"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    REFERRED_OUT = "referred_out"
    CONTACT_LOST = "contact_lost"


ENDS = {
    Kind.WITHDRAWN: State.WITHDRAWN,
    Kind.REFERRED_OUT: State.REFERRED_OUT,
    Kind.CONTACT_LOST: State.CONTACT_LOST,
    Kind.CLOSED: State.CLOSED,
}
ENDED = frozenset(ENDS.values())
TRIAGES = frozenset({Kind.TRIAGED, Kind.RISK_CHANGED})
# Who says which agency leads.
LEADS = TRIAGES | {Kind.RESPONSIBILITY_TRANSFERRED}
# What waits for a decision, which facts ask for it, and which answer it.
DECISIONS = (
    ("closure_approval", frozenset({Kind.CLOSURE_PROPOSED}), frozenset({Kind.CLOSURE_RETURNED})),
    (
        "transfer_answer",
        frozenset({Kind.RESPONSIBILITY_PROPOSED}),
        frozenset({Kind.RESPONSIBILITY_DECLINED, Kind.RESPONSIBILITY_TRANSFERRED}),
    ),
)
SNAPSHOTS = TRIAGES | {Kind.HOUSEHOLD_CHANGED}
FOLLOWUPS = frozenset({Kind.FOLLOWUP_DUE, Kind.FOLLOWUP_DONE, Kind.FOLLOWUP_MISSED, Kind.FOLLOWUP_LOST})
REACHED = frozenset({Kind.REUNIFIED, Kind.REHABILITATION_COMPLETED, Kind.OUTCOME_REACHED})
# Of somebody who died nothing is planned any more.
DIED = "died"
# Where the newest word of placement leaves the search for a bed; None: it begins anew, if a shelter is still needed.
SEARCH = {
    Kind.WAITLISTED: State.WAITLISTED,
    Kind.OFFERED: State.OFFERED,
    Kind.EXTENDED: State.OFFERED,
    Kind.ACCEPTED: State.ACCEPTED,
    Kind.ON_THE_WAY: State.ON_THE_WAY,
    Kind.DECLINED: None,
    Kind.EXPIRED: None,
    Kind.CANCELLED: None,
    Kind.NO_SHOW: None,
    Kind.UNMET: None,
}
# Of the groups of a split household, the one that is least far along says how far the search is.
LEAST_FIRST = (State.WAITLISTED, State.SHELTER_SOUGHT, State.OFFERED, State.ACCEPTED, State.ON_THE_WAY)
WAITS = {
    State.REPORTED: "triage",
    State.TRIAGED: "assignment",
    State.SHELTER_SOUGHT: "offer",
    State.OFFERED: "shelter_answer",
    State.WAITLISTED: "free_bed",
    State.ACCEPTED: "departure",
    State.ON_THE_WAY: "arrival",
    State.SHELTERED: "assignment",
    State.ASSESSMENT: "assessment",
    State.ASSESSED: "plan",
    State.PLANNED: "outcome",
    State.OUTCOME_UNDER_WAY: "outcome",
    State.MONITORING: "followup",
    State.READY_TO_CLOSE: "closure",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One event of a case: its producer's gapless version, its time and its codes; never personal data."""

    id: UUID
    producer: str
    version: int
    type: str
    at: datetime
    codes: Mapping[str, Any]
    causation: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """How far a household, or one group of a split one, has come on its way to a bed; `over` when its search ended without one."""

    state: State | None = None
    over: bool = False
    persons: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a case stands, and for what it waits.

    `triage` is the newest one, `asked` the one whose wishes hold: none after a case was reopened, until it is triaged anew. `matters` are those
    that only people of intake end, each with the fact that began it; `joiners` are in the household of those who have a bed, and have none.
    """

    state: State
    waiting_for: tuple[str, ...]
    triage: Fact | None
    inside: frozenset[str]
    team: str | None
    responsible: str | None = None
    unit: str | None = None
    asked: Fact | None = None
    matters: Mapping[str, Fact] = field(default_factory=dict)
    joiners: frozenset[str] = frozenset()

    @property
    def ended(self) -> bool:
        """Whether nothing new is to begin for this case."""
        return self.state in ENDED

    @property
    def risk(self) -> str | None:
        """The risk of the latest triage."""
        return str(self.triage.codes["risk"]) if self.triage else None


def standing(facts: Iterable[Fact]) -> Standing:
    """Where a case stands, from the set of its facts: any order, repetition or batching of them gives the same."""
    ordered = in_order(facts)
    intake, placement, assessment = ([fact for fact in ordered if fact.producer == producer] for producer in ("intake", "placement", "assessment"))
    triage, reopened = last(intake, TRIAGES), last(intake, {Kind.REOPENED})
    since = [fact for fact in intake if reopened is None or fact.version > reopened.version]
    asked, household = last(since, TRIAGES), _household(intake)
    searches, inside = _searches(placement, asked, household)
    going_on = sorted(_going_on(searches), key=LEAST_FIRST.index)
    search = State.SHELTERED if inside else next(iter(going_on), None)
    ended = last(since, ENDS)
    end = ENDS[Kind(ended.type)] if ended else None
    outreach = last(since, {Kind.OUTREACH_DISPATCHED, Kind.OUTREACH_ENDED})
    team = outreach.codes["team"] if outreach and outreach.type == Kind.OUTREACH_DISPATCHED else None
    joiners = _joiners(intake, placement, household, inside)
    matters = {} if end else _matters(since, asked)
    state = end or _stage(this_round(assessment, reopened)) or search or (State.TRIAGED if triage else State.REPORTED)
    waits = [WAITS[state]] if state in WAITS else []
    if not end:
        waits += ["triage"] if asked is None else []
        waits += [WAITS[sought] for sought in going_on]
        waits += ["outreach"] if team else []
        waits += [*(["joiner"] if joiners else []), *matters]
    leading = last(intake, LEADS)
    responsible = leading.codes.get("responsible_agency") or leading.codes.get("agency") if leading else None
    unit = leading.codes.get("responsible_unit") or leading.codes.get("unit") if leading else None
    return Standing(state, tuple(dict.fromkeys(waits)), triage, inside, None if end else team, responsible, unit, asked, matters, joiners)


def _matters(since: Sequence[Fact], asked: Fact | None) -> dict[str, Fact]:
    """What people of intake have to decide, by the fact that asks for it."""
    found: dict[str, Fact] = {}
    for matter, asks, answers in DECISIONS:
        newest = last(since, asks | answers)
        if newest and newest.type in asks:
            found[matter] = newest
    new = [fact for fact in since if fact.type == Kind.INCIDENT_RECORDED and not fact.codes.get("correction")]
    judged = next((fact for fact in reversed(since) if fact.type in TRIAGES and fact.codes.get("judged", True)), asked)
    if judged and new and new[-1].version > judged.version:
        found["risk_review"] = new[-1]
    return found


def _joiners(intake: Sequence[Fact], placement: Sequence[Fact], household: frozenset[str], inside: frozenset[str]) -> frozenset[str]:
    """Who is in a household that has beds and never got one, as long as nobody said where she sleeps; of a split household placement asks."""
    if not inside or any(fact.type == Kind.SPLIT_APPROVED and fact.codes.get("group_ids") for fact in placement):
        return frozenset()
    known = [persons_of(fact) for fact in placement if fact.type in (Kind.ADMITTED, Kind.ADMITTED_DIRECTLY)]
    settled = {str(fact.codes["person_id"]) for fact in intake if fact.type == Kind.JOINER_SETTLED}
    return household - frozenset[str]().union(*known) - settled


def this_round(assessment: Sequence[Fact], reopened: Fact | None) -> Sequence[Fact]:
    """What assessment said since it took the case up again, after it was reopened or somebody came back to a shelter after her outcome; else all."""
    assigned = [fact for fact in assessment if fact.type == Kind.ASSIGNED]
    if reopened is not None:
        assigned = [fact for fact in assigned if (fact.codes.get("reopened_version") or 0) >= reopened.version]
        if not assigned:
            return []
    rounds = [fact.codes.get("reentry") or 0 for fact in assigned]
    if reopened is None and not any(rounds):
        return assessment
    begun = assigned[rounds.index(max(rounds))].version
    return [fact for fact in assessment if fact.version >= begun]


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Each fact once, by producer and version."""
    once = {fact.id: fact for fact in facts}
    return sorted(once.values(), key=lambda fact: (fact.producer, fact.version, fact.type, fact.id))


def last(facts: Sequence[Fact], kinds: Collection[str]) -> Fact | None:
    """The newest of these kinds among ordered facts of one producer."""
    return next((fact for fact in reversed(facts) if fact.type in kinds), None)


def persons_of(fact: Fact) -> frozenset[str]:
    """The ids of the persons that an admission or a leaving names."""
    return frozenset(entry["person_id"] if isinstance(entry, Mapping) else str(entry) for entry in fact.codes["persons"])


def emptied_by(facts: Iterable[Fact]) -> frozenset[UUID]:
    """The ids of those facts by which the last person of a household left the shelter."""
    inside: frozenset[str] = frozenset()
    found: set[UUID] = set()
    for fact in in_order(facts):
        if fact.type in (Kind.ADMITTED, Kind.ADMITTED_DIRECTLY):
            inside |= persons_of(fact)
        elif fact.type in (Kind.LEFT, Kind.DISCHARGED):
            remaining = inside - persons_of(fact)
            if inside and not remaining:
                found.add(fact.id)
            inside = remaining
    return frozenset(found)


# The search of a household that was not split.
WHOLE = None


def _household(intake: Sequence[Fact]) -> frozenset[str]:
    """Who is in the household, as intake said last."""
    newest = last(intake, SNAPSHOTS)
    return frozenset(person["person_id"] for person in newest.codes.get("household", {}).get("persons", ())) if newest else frozenset()


def _searches(placement: Sequence[Fact], triage: Fact | None, household: frozenset[str]) -> tuple[dict[str | None, Search], frozenset[str]]:
    """How far the way to a bed has come, of the household or of each of its groups by their ids, and which persons are in a bed.

    Nobody looks for a bed for a group of which nobody is in the household any more; whoever joined and is in no group is sought for as before.
    """
    begun = State.SHELTER_SOUGHT if triage and triage.codes["shelter_needed"] else None
    searches: dict[str | None, Search] = {WHOLE: Search(begun)}
    inside = frozenset[str]()
    for fact in placement:
        name = fact.codes.get("group_id") or WHOLE
        known = searches.get(name, Search())
        if fact.type == Kind.SPLIT_APPROVED:
            searches = _split(searches, fact, begun)
        elif fact.type in (Kind.ADMITTED, Kind.ADMITTED_DIRECTLY):
            inside |= persons_of(fact)
            searches[name] = replace(known, state=None, over=False)
        elif fact.type in (Kind.LEFT, Kind.DISCHARGED):
            inside -= persons_of(fact)
        elif fact.type in SEARCH:
            over = triage is not None and _ends_search(fact, triage)
            searches[name] = replace(known, state=SEARCH[Kind(fact.type)] or begun, over=over)
    grouped = frozenset[str]().union(*(search.persons for search in searches.values()))
    if grouped and household:
        searches = {name: replace(known, over=known.over or known.persons.isdisjoint(household)) for name, known in searches.items()}
        if household - grouped - inside:
            searches[WHOLE] = Search(begun)
    return searches, inside


def _split(searches: dict[str | None, Search], fact: Fact, begun: State | None) -> dict[str | None, Search]:
    """The searches after a household was split into groups that look for beds; who is put into another group leaves the old one."""
    named = {name: frozenset(group) for name, group in zip(fact.codes.get("group_ids") or (), fact.codes["groups"], strict=False)}
    if not named:
        return searches  # some of a household that has beds move elsewhere
    moved = frozenset[str]().union(*named.values())
    others = {name: replace(known, persons=known.persons - moved) for name, known in searches.items() if name is not WHOLE}
    return {name: known for name, known in others.items() if known.persons} | {name: Search(begun, persons=group) for name, group in named.items()}


def _going_on(searches: Mapping[str | None, Search]) -> list[State]:
    """Where the searches are that go on; that of a whole household ends by a triage that needs no shelter any more."""
    return [search.state for name, search in searches.items() if search.state and not (search.over and name is not WHOLE)]


def _stage(assessment: Sequence[Fact]) -> State | None:
    """How far assessment has come; None before a social worker has the case."""
    kinds = {fact.type for fact in assessment}
    plan = last(assessment, {Kind.PLAN_APPROVED})
    # A newer plan begins the way to its outcomes anew; what a person reached before stays reached.
    since = [fact for fact in assessment if plan is None or fact.version > plan.version]
    given_up = [fact for fact in assessment if fact.type == Kind.OUTCOME_ABANDONED]
    died = {fact.codes["person_id"] for fact in given_up if fact.codes["reason"] == DIED}
    planned = {entry["person_id"] for entry in plan.codes["outcomes"]} - died if plan else set()
    newest = {fact.codes["person_id"]: fact for fact in assessment if fact.type in REACHED | {Kind.OUTCOME_ABANDONED}}
    reached = {person for person, fact in newest.items() if fact.type in REACHED}
    if any(fact.type == Kind.OUTCOME_ABANDONED and fact.codes["reason"] != DIED for fact in since):
        return State.ASSESSED  # a new plan is due for somebody, whatever was reached before
    if any(fact.type in FOLLOWUPS and fact.codes.get("last") for fact in since):
        return State.READY_TO_CLOSE
    if any(fact.type in FOLLOWUPS for fact in since) or (planned and planned <= reached):
        return State.MONITORING
    if reached or Kind.REHABILITATION_STARTED in kinds:
        return State.OUTCOME_UNDER_WAY
    if plan:
        return State.PLANNED
    begun = State.ASSESSMENT if assessment else None
    return State.ASSESSED if Kind.COMPLETED in kinds else begun


# Why a search for a bed is over although the triage asked for one: the survivor said no, or people ended it.
SEARCH_OVER = frozenset({"survivor_declined", "no_longer_needed"})


def search_is_over(facts: Iterable[Fact]) -> bool:
    """Whether the survivor or people ended the search for a bed that the latest triage asked for, so that help is to go on at home.

    Which triage they ended is told by its version, for the services' clocks may differ. Facts of the first release do not say it: of
    these a survivor's no counts when it came after the triage.
    """
    known = in_order(facts)
    if not any(fact.type in (Kind.CANCELLED, Kind.UNMET) for fact in known):
        return False
    now = standing(known)
    if now.ended or now.asked is None or not now.asked.codes["shelter_needed"]:
        return False
    placement, intake = ([fact for fact in known if fact.producer == producer] for producer in ("placement", "intake"))
    searches, _ = _searches(placement, now.asked, _household(intake))
    if searches.keys() != {WHOLE}:
        # Of a split household every group: as long as one looks for a bed or has one, the others' no ends their own search only.
        return all(search.over for search in searches.values())
    return any(_ends_search(fact, now.asked) for fact in known)


def _ends_search(fact: Fact, triage: Fact) -> bool:
    reason = fact.codes.get("reason") if fact.type == Kind.CANCELLED else None
    if fact.type != Kind.UNMET and reason not in SEARCH_OVER:
        return False
    if (heard := fact.codes.get("triage_version")) is not None:
        return bool(heard >= triage.version)
    return reason == "survivor_declined" and fact.at >= triage.at
