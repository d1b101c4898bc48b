"""The services of an approved plan, each a small state machine: asked of a provider, which may or may not hear of it, answered, and delivered."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from assessment.domain.case import HIGH_RISK, TERMINAL, Case, FieldError, Limits, StateError


class Status(StrEnum):
    """Where a service stands; the last two are its ends."""

    REQUESTED = "requested"
    WAITS_FOR_CONSENT = "waits_for_consent"
    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    DELIVERED = "delivered"
    ENDED = "ended"


class Answer(StrEnum):
    """What a provider says."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    DELIVERED = "delivered"


class Reason(StrEnum):
    """Why a provider does not give a service, or nobody asks for it any more (Primero's referral statuses, DOMAIN.md 4.4)."""

    PROVIDER_FULL = "provider_full"
    NOT_COMPETENT = "not_competent"
    NOT_ELIGIBLE = "not_eligible"
    SERVICE_UNAVAILABLE = "service_unavailable"
    NOT_REACHED = "not_reached"
    DECLINED_BY_SURVIVOR = "declined_by_survivor"
    RECEIVED_ELSEWHERE = "received_elsewhere"
    NOT_APPLICABLE = "not_applicable"
    ASKED_ELSEWHERE = "asked_elsewhere"
    PLAN_CHANGED = "plan_changed"


# Why the worker may end a request; the last two reasons are the platform's own.
ENDS = frozenset(Reason) - {Reason.PROVIDER_FULL, Reason.ASKED_ELSEWHERE, Reason.PLAN_CHANGED}
OVER = frozenset({Status.DELIVERED, Status.ENDED})
# A provider that was told of a request may answer it; before that it is not to learn that there is one.
TOLD = frozenset({Status.ASKED, Status.ACCEPTED, Status.DECLINED})
# What each status waits for; whoever is silent is called upon.
CLOCKS = {
    Status.REQUESTED: "service_answer",
    Status.ASKED: "service_answer",
    Status.WAITS_FOR_CONSENT: "service_consent",
    Status.ACCEPTED: "service_delivery",
    Status.DECLINED: "service_declined",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan wants for one person, and of which agency."""

    person: UUID
    code: str
    provider: str


@dataclass(frozen=True, slots=True)
class Service:
    """One service for one person; `own` when the worker's own agency gives it. `answer_version` is that of the newest answer which intake told,
    `heard_version` that of its newest word on whether the provider hears of the request.
    """

    service_id: UUID
    person: UUID
    code: str
    provider: str
    status: Status
    own: bool = False
    reason: str | None = None
    plan_version: int = 0
    round_version: int = 0
    answer_version: int = 0
    heard_version: int = 0

    @property
    def wanted(self) -> Wanted:
        """What it is, by which the next version of a plan finds it again."""
        return Wanted(self.person, self.code, self.provider)


@dataclass(frozen=True, slots=True)
class Word:
    """What intake said of a request: that the provider hears of it or not, or what the provider answered."""

    version: int
    passed_on: bool | None = None
    answer: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What an approved plan does to the services: some go on, some begin, some are not wanted any more."""

    going_on: tuple[Service, ...]
    begun: tuple[Wanted, ...]
    ended: tuple[Service, ...]


def by_plan(known: Iterable[Service], wanted: Sequence[Wanted]) -> Change:
    """Compare what runs with what a newly approved version wants: the same service of the same provider is never asked for twice."""
    running = {service.wanted: service for service in known if service.status is not Status.ENDED}
    going_on = tuple(service for want, service in running.items() if want in wanted)
    ended = tuple(
        replace(service, status=Status.ENDED, reason=Reason.PLAN_CHANGED.value)
        for want, service in running.items()
        if want not in wanted and service.status is not Status.DELIVERED
    )
    return Change(going_on, tuple(want for want in dict.fromkeys(wanted) if want not in running), ended)


def answered(service: Service, answer: str, reason: str | None = None) -> Service:
    """The service after its provider's answer; the same answer again changes nothing, and what is over stays so.

    Raises FieldError for a decline without a reason, or a reason with another answer.
    """
    if answer == Answer.DECLINED and reason is None:
        raise FieldError([("reason", "missing")])
    if answer != Answer.DECLINED and reason is not None:
        raise FieldError([("reason", "only_with_declined")])
    status = {Answer.ACCEPTED: Status.ACCEPTED, Answer.DECLINED: Status.DECLINED, Answer.DELIVERED: Status.DELIVERED}[Answer(answer)]
    if service.status in OVER or (service.status, service.reason) == (status, reason):
        return service
    return replace(service, status=status, reason=reason)


def answered_by_people(service: Service, answer: str, reason: str | None) -> Service:
    """The same, as somebody says it on a route: StateError unless the provider was told of the request, or it is over."""
    if service.status not in TOLD:
        raise StateError(service.status)
    return answered(service, answer, reason)


def ended(service: Service, reason: str) -> Service:
    """The worker asks for a service no more. Raises StateError for one that is over, FieldError for a reason that is not hers to give."""
    if service.status in OVER:
        raise StateError(service.status)
    if reason not in ENDS:
        raise FieldError([("reason", "not_yours_to_give")])
    return replace(service, status=Status.ENDED, reason=reason)


def asked_elsewhere(service: Service, provider: str) -> tuple[Service, Wanted]:
    """Ask another provider for the same. Raises StateError for a service that is over, FieldError for the same provider."""
    if service.status in OVER:
        raise StateError(service.status)
    if provider == service.provider:
        raise FieldError([("provider", "same_as_before")])
    gone = replace(service, status=Status.ENDED, reason=Reason.ASKED_ELSEWHERE.value)
    return gone, replace(service.wanted, provider=provider)


def heard(service: Service, words: Iterable[Word]) -> Service:
    """The service after what intake said of it, each word once. The newest answer holds, in whatever order they come; what was delivered was delivered."""
    for word in sorted(words, key=lambda word: word.version):
        if word.answer is not None:
            service = _with_answer(service, word.answer, word.reason, word.version)
        elif word.version > service.heard_version:
            waits = service.status in {Status.REQUESTED, Status.WAITS_FOR_CONSENT, Status.ASKED}
            status = Status.ASKED if word.passed_on else Status.WAITS_FOR_CONSENT
            service = replace(service, status=status if waits else service.status, heard_version=word.version)
    return service


def _with_answer(service: Service, answer: str, reason: str | None, version: int) -> Service:
    if version <= service.answer_version and answer != Answer.DELIVERED:
        return service
    declined = answer == Answer.DECLINED
    after = answered(service, answer, (reason or Reason.SERVICE_UNAVAILABLE.value) if declined else None)
    return replace(after, answer_version=max(service.answer_version, version))


def timed(case: Case, before: Mapping[UUID, Service], after: Collection[Service], now: datetime, limits: Limits) -> Case:
    """The case with a clock for each service that waits for somebody, set when it began to wait for that, and none for the others."""
    if case.state in TERMINAL:
        return case
    deadlines, missed = dict(case.deadlines), dict(case.missed)
    for service in after:
        clock = CLOCKS.get(service.status)
        name = f"{clock}:{service.service_id}"
        earlier = before.get(service.service_id)
        stays = earlier is not None and CLOCKS.get(earlier.status) == clock and earlier.status is not Status.REQUESTED
        for kind in set(CLOCKS.values()):
            if kind != clock or not stays:
                deadlines.pop(f"{kind}:{service.service_id}", None)
                missed.pop(f"{kind}:{service.service_id}", None)
        if clock is not None and name not in deadlines:
            deadlines[name] = now + span(clock, case.risk, limits)
    return case if deadlines == case.deadlines else replace(case, deadlines=deadlines, missed=missed)


def span(clock: str, risk: str | None, limits: Limits) -> timedelta:
    """How long somebody has for it; a provider at high risk, or one that nobody named, not as long."""
    if clock == "service_answer":
        return limits.service_answer_high_risk if risk in {HIGH_RISK, None} else limits.service_answer
    return {"service_consent": limits.service_consent, "service_delivery": limits.service_delivery, "service_declined": limits.service_declined}[
        clock
    ]
