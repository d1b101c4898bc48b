"""What does an agency that takes part in a case hear of it? One table: fact type -> coarse copy.

A module of its own so that what leaves the four services can be read, and reviewed, in one place. A copy carries the agency's own
follow id and the city, and nothing that is not in this table; a fact that is not in it is never copied. Who reported the case or is
responsible for it hears the full feed, who has but a disclosure the reduced one, which says neither risk nor shelter nor outcome.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts import agencies, assessment, intake, placement
from contracts.agencies import AgencyEvent
from contracts.catalogue import ORDER
from contracts.vocabulary import EndReason, Outcome, Relation

from intake.domain import referring
from intake.domain.standing import Fact, emptied_by

# The area of a case whose area nobody knows yet, and its city: no Kemendagri code begins with 00.
UNKNOWN_AREA = "00.00.00"
HOME_PROVINCE = "31."
KIN = frozenset({Relation.SIBLING, Relation.GRANDPARENT, Relation.OTHER_KIN, Relation.GUARDIAN})


@dataclass(frozen=True, slots=True)
class Copy:
    """A coarse copy before it is addressed to an agency; `key` names it once per agency."""

    key: str
    kind: type[AgencyEvent]
    fields: Mapping[str, Any] = field(default_factory=dict)

    def to(self, agency: str, area: str, reference: str | None) -> AgencyEvent:
        """The copy for one agency; its own reference goes with the opening only."""
        own = {"reference": reference} if self.kind is agencies.CaseOpened else {}
        return self.kind.model_validate({"agency": agency, "city": area[:5], **self.fields, **own})


Rule = Callable[[Fact], Mapping[str, Any]]


def _nothing(_fact: Fact) -> Mapping[str, Any]:
    return {}


def _triage(fact: Fact) -> Mapping[str, Any]:
    return {"risk": fact.codes["risk"], "responsible": fact.codes["responsible_agency"]}


def _outcome(fact: Fact) -> Mapping[str, Any]:
    return {"outcome": fact.codes["outcome"]}


def _rehabilitated(_fact: Fact) -> Mapping[str, Any]:
    return {"outcome": Outcome.REHABILITATION}


def _reunion(fact: Fact) -> Mapping[str, Any]:
    """Home to another region, to kin, or to the family: which of the three follows from receiver and region."""
    if not fact.codes["receiving_area"].startswith(HOME_PROVINCE):
        return {"outcome": Outcome.RETURN_TO_OTHER_REGION}
    return {"outcome": Outcome.KIN_OR_FOSTER_CARE if fact.codes["receiver"] in KIN else Outcome.REUNIFICATION}


def _end(fact: Fact) -> Mapping[str, Any]:
    return {"reason": fact.codes["reason"]}


def _asked(fact: Fact) -> Mapping[str, Any]:
    return {name: fact.codes[name] for name in ("service_id", "service", "due_at")}


def _not_asked(fact: Fact) -> Mapping[str, Any]:
    return {"service_id": fact.codes["service_id"]}


def _some_end(_fact: Fact) -> Mapping[str, Any]:
    return {"reason": EndReason.OTHER}


TABLE: Mapping[str, tuple[type[AgencyEvent], Rule]] = {
    intake.Reported.type: (agencies.CaseOpened, _nothing),
    intake.Triaged.type: (agencies.CaseTriaged, _triage),
    intake.RiskChanged.type: (agencies.CaseTriaged, _triage),
    placement.Waitlisted.type: (agencies.ShelterSought, _nothing),
    placement.Offered.type: (agencies.ShelterSought, _nothing),
    placement.Admitted.type: (agencies.Sheltered, _nothing),
    placement.AdmittedDirectly.type: (agencies.Sheltered, _nothing),
    placement.Left.type: (agencies.ShelterEnded, _nothing),
    placement.Discharged.type: (agencies.ShelterEnded, _nothing),
    assessment.Assigned.type: (agencies.AssessmentBegan, _nothing),
    assessment.Completed.type: (agencies.CaseAssessed, _nothing),
    assessment.PlanApproved.type: (agencies.CasePlanned, _nothing),
    # Of services an agency hears of those that it is asked for, and of no other: `referring.concerning` goes before.
    intake.ServiceRouted.type: (agencies.ServiceAsked, _asked),
    assessment.ServiceDeclined.type: (agencies.ServiceOver, _not_asked),
    assessment.Reunified.type: (agencies.OutcomeReached, _reunion),
    assessment.RehabilitationCompleted.type: (agencies.OutcomeReached, _rehabilitated),
    assessment.OutcomeReached.type: (agencies.OutcomeReached, _outcome),
    assessment.FollowupDone.type: (agencies.FollowedUp, _nothing),
    intake.Withdrawn.type: (agencies.CaseEnded, _end),
    intake.ReferredOut.type: (agencies.CaseEnded, _end),
    intake.Closed.type: (agencies.CaseEnded, _end),
    intake.ContactLost.type: (agencies.CaseEnded, _end),
    intake.Reopened.type: (agencies.CaseReopened, _nothing),
}
# What of that goes into a reduced feed, and its fields there.
REDUCED: Mapping[type[AgencyEvent], Rule] = {
    agencies.CaseOpened: _nothing,
    agencies.AssessmentBegan: _nothing,
    agencies.CasePlanned: _nothing,
    agencies.ServiceAsked: _asked,
    agencies.ServiceOver: _not_asked,
    agencies.CaseEnded: _some_end,
    agencies.CaseReopened: _nothing,
}
# Said once, however many shelters are asked; and only when the last of the household has left.
ONCE = frozenset({agencies.ShelterSought})
WHEN_EMPTY = frozenset({agencies.ShelterEnded})


def copies(facts: Iterable[Fact], *, reduced: bool = False) -> list[Copy]:
    """The copies that a set of facts gives, in the order in which a case meets them; a larger set gives at least the same."""
    known = sorted(referring.concerning(None, list(facts)), key=lambda fact: (ORDER.get(fact.type, 0), fact.at, fact.id))
    empty = emptied_by(known)
    found: dict[str, Copy] = {}
    for fact in known:
        if (entry := TABLE.get(fact.type)) is None:
            continue
        kind, rule = entry
        if (kind in WHEN_EMPTY and fact.id not in empty) or (reduced and kind not in REDUCED):
            continue
        rule = REDUCED[kind] if reduced else rule
        copy = Copy(kind.type if kind in ONCE else str(fact.id), kind, rule(fact))
        found.setdefault(copy.key, copy)
    return list(found.values())


def news(before: Iterable[Fact], after: Iterable[Fact]) -> list[Copy]:
    """The copies that the larger set gives and the smaller one did not."""
    told = {copy.key for copy in copies(before)}
    return [copy for copy in copies(after) if copy.key not in told]


@dataclass(frozen=True, slots=True)
class Following:
    """How far an agency hears of a case: whether it does now, reduced or not, and which copies it got before it last began or changed."""

    hears: bool = False
    reduced: bool = False
    told: frozenset[str] = frozenset()


def heard(was: Following, reduced: bool | None, before: Iterable[Fact], after: Iterable[Fact], *, ended: bool) -> tuple[list[Copy], Following]:  # noqa: FBT001
    """What a follower hears when a case's facts grow, and how far it hears from then on; `reduced` is None for one without a grant.

    Who begins hears the way so far; who begins again what it missed; who stops nothing more, whatever that transaction adds. A case that
    `ended` says so to all who hear of it, and then nobody hears any more.
    """
    told = was.told | {copy.key for copy in copies(before, reduced=was.reduced)} if was.hears else was.told
    if reduced is None:
        return [], Following(hears=False, reduced=was.reduced, told=told)
    new = [copy for copy in copies(after, reduced=reduced) if copy.key not in told]
    if ended:
        return new, Following(hears=False, reduced=reduced, told=told | {copy.key for copy in new})
    goes_on = was.hears and was.reduced == reduced
    return new, was if goes_on else Following(hears=True, reduced=reduced, told=told)


def follow_key(agency: str) -> str:
    """The key of the id under which an agency follows a case."""
    return f"follow:{agency}"
