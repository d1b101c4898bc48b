"""How long people of intake took to act: from when a matter became somebody's move until it was done, from the set of a case's facts; pure.

Each is found from facts that are kept once, so however often one comes again, and in which order, nothing is counted twice.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from uuid import UUID

from intake.domain.duties import SETTLED_BY, STEP_OF
from intake.domain.legal import SEXUAL
from intake.domain.record import MOVES, in_telling_order
from intake.domain.standing import ENDS, FOLLOWUPS, TRIAGES, Fact, Kind

REPORTED = "case.intake.reported.v1"
Says = Callable[[Fact], bool]


@dataclass(frozen=True, slots=True)
class Act:
    """A matter that was done: what it was, whose role's move, from when, and by which fact."""

    matter: str
    since: datetime
    done_at: datetime
    fact_id: UUID

    @property
    def role(self) -> str:
        """The role whose move it was."""
        return MOVES[self.matter].role

    @property
    def took(self) -> timedelta:
        """How long it took; services' clocks may differ, and nobody acts before her move."""
        return max(self.done_at - self.since, timedelta(0))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a matter is acted on: how often, the middle one, and what nine of ten do not exceed."""

    matter: str
    times: int
    median: timedelta
    most: timedelta


def _of(*kinds: str) -> Says:
    return lambda fact: fact.type in kinds


def _step(*codes: str) -> Says:
    return lambda fact: (fact.type == Kind.LEGAL_STEP_RECORDED and fact.codes.get("code") in codes) or STEP_OF.get(fact.type) in codes


def _sexual(fact: Fact) -> bool:
    return fact.type in (REPORTED, Kind.INCIDENT_RECORDED) and SEXUAL in fact.codes.get("violence_types", ())


def _new_incident(fact: Fact) -> bool:
    return fact.type == Kind.INCIDENT_RECORDED and not fact.codes.get("correction")


def _judged(fact: Fact) -> bool:
    return fact.type in TRIAGES and bool(fact.codes.get("judged", True))


def _followed_to_the_end(fact: Fact) -> bool:
    return fact.type in FOLLOWUPS and bool(fact.codes.get("last"))


# What makes a matter somebody's move, and what is the act that was waited for. A joiner begins in no single fact and has no entry; what is
# incomplete is a task of the desk, with a row of its own.
BEGIN_AND_END: Mapping[str, tuple[Says, Says]] = {
    "triage": (_of(REPORTED, Kind.REOPENED), _of(*TRIAGES)),
    "risk_review": (_new_incident, _judged),
    "outreach": (_of(Kind.OUTREACH_DISPATCHED), _of(Kind.OUTREACH_ENDED)),
    "closure_approval": (_of(Kind.CLOSURE_PROPOSED), _of(Kind.CLOSURE_RETURNED, Kind.CLOSED)),
    "closure": (_followed_to_the_end, _of(Kind.CLOSED)),
    "transfer_answer": (_of(Kind.RESPONSIBILITY_PROPOSED), _of(Kind.RESPONSIBILITY_DECLINED, Kind.RESPONSIBILITY_TRANSFERRED)),
    "police_report": (_sexual, _step(*SETTLED_BY["police_report"])),
    "protection": (_step("police_report"), _step(*SETTLED_BY["protection"])),
    "protection_request": (_step("police_protection"), _step(*SETTLED_BY["protection_request"])),
    "rehabilitation": (_step("rehabilitation_request"), _step(*SETTLED_BY["rehabilitation"])),
}


def acts(facts: Iterable[Fact]) -> list[Act]:
    """What was done in a case, in the order in which it was. What nobody did before the case ended is none."""
    told = in_telling_order(facts)
    # What a clock brought about because nobody had acted in time is no act of anybody's.
    by_clock = {fact.causation for fact in told if fact.type == Kind.CLOCK_MISSED}
    begun: dict[str, Fact] = {}
    done: list[Act] = []
    for fact in told:
        for matter, (begins, ends) in BEGIN_AND_END.items():
            if matter in begun and ends(fact):
                first = begun.pop(matter)
                # A report with a complete screen is triaged by the rules as it comes: by the same cause, and by nobody.
                if not fact.causation or fact.causation not in {*by_clock, first.causation}:
                    done.append(Act(matter, first.at, fact.at, fact.id))
            elif matter not in begun and begins(fact) and not _done_before(matter, done):
                begun[matter] = fact
        if fact.type in ENDS:
            begun.clear()
    return done


def acts_by(facts: Iterable[Fact], new: Iterable[Fact]) -> list[Act]:
    """Those of a case's acts that were done by these of its facts."""
    ids = {fact.id for fact in new if any(ends(fact) for _, ends in BEGIN_AND_END.values())}
    return [act for act in acts(facts) if act.fact_id in ids] if ids else []


def paces(done: Iterable[Act]) -> list[Pace]:
    """How fast each matter was acted on, in the order of the matters."""
    took: dict[str, list[float]] = {}
    for act in done:
        took.setdefault(act.matter, []).append(act.took.total_seconds())
    return [_pace(matter, took[matter]) for matter in MOVES if matter in took]


def _pace(matter: str, seconds: list[float]) -> Pace:
    tenths = quantiles(seconds, n=10, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 9
    return Pace(matter, len(seconds), timedelta(seconds=tenths[4]), timedelta(seconds=tenths[8]))


def _done_before(matter: str, done: Iterable[Act]) -> bool:
    """A case is reported to the police once, whatever else becomes known of it."""
    return matter == "police_report" and any(act.matter == matter for act in done)
