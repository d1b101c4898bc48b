"""What must be known before a person's outcome comes true, step by step, and what stands in its way (DOMAIN.md 2.1, state 9a)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from assessment.domain.case import HIGH_RISK, KIN, REHABILITATION, Case, FieldError, Goal, OwnPlanError, Progress, State, StateError, require

OTHER_REGION = "return_to_other_region"
HOMEWARD = frozenset({"reunification", OTHER_REGION, KIN})
HOME_PROVINCE = "31."
UNSUITABLE = "unsuitable"
DISAGREES = "disagrees"


class Step(StrEnum):
    """What is recorded on the way to an outcome; of each the newest word holds."""

    HOME_VISIT = "home_visit"
    RISK_RECHECK = "risk_recheck"
    RECEIVER = "receiver"
    CONSENT = "consent"
    REGION_ACCEPTANCE = "region_acceptance"
    CARER_CHECK = "carer_check"
    INDEPENDENCE = "independence"
    BODY_ACCEPTANCE = "body_acceptance"
    APPROVAL = "approval"


HOME = (Step.HOME_VISIT, Step.RISK_RECHECK, Step.RECEIVER, Step.CONSENT)
REQUIRED: Mapping[str, tuple[Step, ...]] = {
    "reunification": HOME,
    OTHER_REGION: (*HOME, Step.REGION_ACCEPTANCE),
    KIN: (*HOME, Step.CARER_CHECK),
    REHABILITATION: (Step.CONSENT,),
    "services_at_home": (Step.RISK_RECHECK, Step.CONSENT),
    "independent_living": (Step.RISK_RECHECK, Step.CONSENT, Step.INDEPENDENCE),
    "referral_out": (Step.CONSENT, Step.BODY_ACCEPTANCE),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """One step as it was recorded: `position` is its place in the order of recording, `codes` what it says."""

    position: int
    step: Step
    codes: Mapping[str, Any] = field(default_factory=dict)


def newest(taken: Iterable[Taken]) -> dict[Step, Taken]:
    """The newest word on each step."""
    return {entry.step: entry for entry in sorted(taken, key=lambda entry: entry.position)}


def check(case: Case, person: UUID, step: Step, codes: Mapping[str, Any]) -> None:
    """Whether a step may be recorded for a person. Raises StateError, or FieldError naming what is wrong with it.

    Nobody is ever handed over to a suspect or to somebody whom she must not meet, so such a receiver or consenter is not even recorded.
    """
    goal = under_way(case, person)
    problems: list[tuple[str, str]] = []
    if step not in REQUIRED[goal.outcome] and not (step is Step.REGION_ACCEPTANCE and goal.outcome in HOMEWARD):
        problems.append(("step", "not_for_this_outcome"))
    problems += [(name, "keep_apart") for name in ("receiver_id", "consenter_id") if _uuid(codes.get(name)) in case.safety.forbidden]
    if step is Step.RECEIVER and goal.outcome == OTHER_REGION and _at_home(codes):
        problems.append(("receiving_area", "not_another_region"))
    if step is Step.CONSENT and case.is_child(person):
        problems += [(name, "missing") for name in ("own_view",) if codes.get(name) is None]
        if codes.get("consenter") is None and codes.get("absence") is None:
            problems.append(("consenter", "missing"))
    if problems:
        raise FieldError(problems)


def under_way(case: Case, person: UUID) -> Goal:
    """What is planned for a person and not reached. Raises StateError or FieldError when there is no such thing."""
    require(case, State.PLAN_APPROVED, State.PLAN_PROPOSED)
    goal = case.goals.get(person)
    if goal is None:
        raise FieldError([("person_id", "not_in_plan")])
    if goal.progress is Progress.REACHED:
        raise StateError(goal.progress)
    return goal


def obstacles(case: Case, person: UUID, taken: Iterable[Taken]) -> list[tuple[str, str]]:
    """What stands in the way of a person's outcome, as fields and codes; nothing when it may come true."""
    steps, goal = newest(taken), case.goals[person]
    found = [(step.value, "missing") for step in _required(goal.outcome, steps) if step not in steps]
    said = {step: entry.codes for step, entry in steps.items()}
    visit, recheck = steps.get(Step.HOME_VISIT), steps.get(Step.RISK_RECHECK)
    if visit and recheck and recheck.position < visit.position:
        found.append(("risk_recheck", "before_the_home_visit"))
    found += [(step.value, UNSUITABLE) for step in (Step.HOME_VISIT, Step.CARER_CHECK) if said.get(step, {}).get("finding") == UNSUITABLE]
    found += [("independence.safety_plan", "missing")] if said.get(Step.INDEPENDENCE, {}).get("safety_plan") is False else []
    receiver, consent = said.get(Step.RECEIVER, {}), said.get(Step.CONSENT)
    # What is known of the perpetrators may have changed since the step was recorded.
    found += [(f"receiver.{name}", "keep_apart") for name in ("receiver_id",) if _uuid(receiver.get(name)) in case.safety.forbidden]
    if consent is not None:
        found += [("consent.consenter_id", "keep_apart")] if _uuid(consent.get("consenter_id")) in case.safety.forbidden else []
        found += [] if consent.get("agreed") or consent.get("absence") else [("consent", "refused")]
    return found + _not_approved(case, person, steps)


def grounds(case: Case, person: UUID, taken: Iterable[Taken]) -> frozenset[str]:
    """Why a supervisor must approve before the outcome of a person comes true."""
    steps = newest(taken)
    said = {step: entry.codes for step, entry in steps.items()}
    receiver, homeward = said.get(Step.RECEIVER, {}), case.goals[person].outcome in HOMEWARD
    found = {
        "high_risk": Step.RISK_RECHECK in _required(case.goals[person].outcome, steps)
        and HIGH_RISK in {case.risk or HIGH_RISK, said.get(Step.RISK_RECHECK, {}).get("risk")},
        "perpetrator_area": receiver.get("receiving_area") in case.safety.perpetrator_areas,
        "perpetrator_relation": receiver.get("receiver") in case.safety.relations,
        # Before an upgrade this was not kept: until intake says it again, or the store is rebuilt, a person looks.
        "safety_not_known": homeward and case.safety.keep_apart is None,
        "child_disagrees": case.is_child(person) and said.get(Step.CONSENT, {}).get("own_view") == DISAGREES,
    }
    return frozenset(ground for ground, holds in found.items() if holds)


def approve(case: Case, person: UUID, taken: Sequence[Taken], codes: Mapping[str, Any], by: UUID) -> None:
    """Whether a supervisor may approve that a person's outcome comes true, as all else stands now.

    Raises StateError, OwnPlanError for who works on the case, FieldError when something else stands in the way or the approval says too little.
    """
    under_way(case, person)
    if by == case.worker:
        raise OwnPlanError
    with_it = [*taken, Taken(max((entry.position for entry in taken), default=0) + 1, Step.APPROVAL, codes)]
    if problems := obstacles(case, person, with_it):
        raise FieldError(problems)


def _required(outcome: str, steps: Mapping[Step, Taken]) -> tuple[Step, ...]:
    receiver = steps.get(Step.RECEIVER)
    far = outcome in HOMEWARD and receiver is not None and not _at_home(receiver.codes)
    return tuple(dict.fromkeys((*REQUIRED[outcome], Step.REGION_ACCEPTANCE) if far else REQUIRED[outcome]))


def _not_approved(case: Case, person: UUID, steps: Mapping[Step, Taken]) -> list[tuple[str, str]]:
    """What the approval does not cover; one that is older than any other step approved something else."""
    if not (why := grounds(case, person, steps.values())):
        return []
    approval = steps.get(Step.APPROVAL)
    if approval is None or any(entry.position > approval.position for entry in steps.values()):
        return [("approval", ground) for ground in sorted(why)]
    says = {"perpetrator_area": ("area_reason", "missing"), "perpetrator_relation": ("another_person", "not_confirmed")}
    return [says[ground] for ground in sorted(why & says.keys()) if not approval.codes.get(says[ground][0])]


def _at_home(codes: Mapping[str, Any]) -> bool:
    return str(codes.get("receiving_area", "")).startswith(HOME_PROVINCE)


def _uuid(value: Any) -> UUID | None:
    return UUID(str(value)) if value else None
