"""Which social worker gets which case: fairly, explained, never one with a conflict, and never away from who works on it already."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from assessment.domain.case import ADULT, OPEN, Case, Given, Limits, State, StateError, require, without

URGENCY = ("high", "medium", "low")
# Asia/Jakarta (WIB), which has no summer time: the wall clock that working hours are of.
WIB = timedelta(hours=7)


class Skill(StrEnum):
    """What a worker is trained for, as far as the platform can tell that a case wants it."""

    CHILDREN = "children"
    HIGH_RISK = "high_risk"


class Bar(StrEnum):
    """Why a worker may not be given a case."""

    OTHER_AREA = "other_area"
    ON_LEAVE = "on_leave"
    FULL = "full"
    CONFLICT = "conflict"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Leave:
    """Days on which somebody is away, the last one included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Shift:
    """Working hours on a day of the week (0 is Monday), in Jakarta."""

    weekday: int
    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Worker:
    """An active social worker (peksos), and what of her matters for a case.

    Areas served (none named: all), skills, open cases and how many at most, working hours (none named: always), leaves, and with which cases or
    persons she has a conflict; `declined` are cases that she gave back.
    """

    worker_id: UUID
    areas: frozenset[str] = frozenset()
    open_cases: int = 0
    most_cases: int = 1_000_000
    skills: frozenset[str] = frozenset()
    shifts: tuple[Shift, ...] = ()
    leaves: tuple[Leave, ...] = ()
    conflicts: frozenset[UUID] = frozenset()
    declined: frozenset[UUID] = frozenset()

    def serves(self, area: str) -> bool:
        """Whether she takes cases of this area."""
        return not self.areas or area in self.areas

    def away(self, now: datetime) -> bool:
        """Whether she is on leave on the day that it is in Jakarta."""
        today = (now.astimezone(UTC) + WIB).date()
        return any(leave.first <= today <= leave.last for leave in self.leaves)

    def on_duty(self, now: datetime) -> bool:
        """Whether it is in her working hours."""
        local = now.astimezone(UTC) + WIB
        return not self.shifts or any(s.weekday == local.weekday() and s.begins <= local.time().replace(tzinfo=None) < s.ends for s in self.shifts)

    def conflicts_with(self, case: Case) -> bool:
        """Whether she declared a conflict with the case or somebody in it."""
        return bool(self.conflicts & {case.case_id, *(member.person_id for member in case.members)})


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets a case and why: how full she is, which wanted skills she lacks, whether she is on duty, and how many others could not, by reason."""

    worker: UUID
    open_cases: int
    most_cases: int
    lacks: tuple[str, ...]
    on_duty: bool
    considered: int
    barred: Mapping[str, int]


def assignable(case: Case) -> bool:
    """Whether the case waits for a worker and its area is known; an admission may be heard of before the triage that names it."""
    return case.state is State.WAITING_FOR_WORKER and case.area is not None


def wants(case: Case) -> frozenset[str]:
    """The skills that a case wants, as far as codes tell: a child in it, a high risk."""
    wanted = {Skill.CHILDREN} if any(member.age is not None and member.age < ADULT for member in case.members) else set()
    return frozenset(wanted | ({Skill.HIGH_RISK} if case.risk == URGENCY[0] else set()))


def barred(worker: Worker, case: Case, now: datetime) -> Bar | None:
    """Why a worker is not given a case; None when she may be."""
    if worker.conflicts_with(case):
        return Bar.CONFLICT
    if case.case_id in worker.declined:
        return Bar.DECLINED
    if not worker.serves(case.area or ""):
        return Bar.OTHER_AREA
    if worker.away(now):
        return Bar.ON_LEAVE
    return Bar.FULL if worker.open_cases >= worker.most_cases else None


def share_out(cases: Iterable[Case], workers: Sequence[Worker], now: datetime) -> dict[UUID, Choice]:
    """Give each case that waits to a worker who may have it; riskiest first, and each counts at once for the next, so a batch is spread out.

    Of those who may: who lacks fewest of the wanted skills, at high risk who is on duty now, who is least full for her own limit, who has fewest
    open cases, ties by id. A case that nobody may have is left out: it goes on waiting, and its clock tells people.
    """
    load = {worker.worker_id: worker for worker in workers}
    given: dict[UUID, Choice] = {}
    for case in sorted(filter(assignable, cases), key=lambda case: (_rank(case.risk), case.case_id)):
        bars = {worker.worker_id: barred(worker, case, now) for worker in load.values()}
        able = [worker for worker in load.values() if bars[worker.worker_id] is None]
        if able:
            chosen = min(able, key=lambda worker: _preference(worker, case, now))
            given[case.case_id] = _choice(chosen, case, now, bars.values())
            load[chosen.worker_id] = replace(chosen, open_cases=chosen.open_cases + 1)
    return given


def _preference(worker: Worker, case: Case, now: datetime) -> tuple[int, bool, Fraction, int, UUID]:
    waits_for_shift = case.risk == URGENCY[0] and not worker.on_duty(now)
    fullness = Fraction(worker.open_cases, worker.most_cases)
    return len(wants(case) - worker.skills), waits_for_shift, fullness, worker.open_cases, worker.worker_id


def _choice(worker: Worker, case: Case, now: datetime, bars: Collection[Bar | None]) -> Choice:
    counts = {bar.value: sum(other is bar for other in bars) for bar in Bar}
    lacks = tuple(sorted(wants(case) - worker.skills))
    others = {bar: count for bar, count in counts.items() if count}
    return Choice(worker.worker_id, worker.open_cases, worker.most_cases, lacks, worker.on_duty(now), len(bars), others)


def _rank(risk: str | None) -> int:
    return URGENCY.index(risk) if risk in URGENCY else 0


def give(case: Case, worker: UUID, now: datetime, limits: Limits, *, anew: bool = False) -> tuple[Case, Given]:
    """Give a case that waits to a worker, who has the initial assessment due from now; `anew` when another had it before.

    Raises StateError unless it waits.
    """
    require(case, State.WAITING_FOR_WORKER)
    changed = replace(case, state=State.ASSIGNED, worker=worker, claimed=False, deadlines=without(case.deadlines, "assignment"))
    return changed, Given(worker, now + limits.initial, anew=anew, round_version=case.round_version, reentry=case.reentry)


def reassign(case: Case, worker: UUID, now: datetime, limits: Limits) -> tuple[Case, Given]:
    """Let a supervisor give an open case to another worker; deadlines stay. Raises StateError unless the case is open and another's."""
    require(case, *OPEN)
    if case.state is State.WAITING_FOR_WORKER:
        return give(case, worker, now, limits)
    if case.worker == worker:
        raise StateError(case.state)
    return replace(case, worker=worker, claimed=False), Given(worker, case.due or now + limits.initial, anew=True)


def claim(case: Case) -> Case:
    """The worker begins: from now on only a supervisor, or she herself, gives the case to another. Raises StateError unless it is hers to assess."""
    require(case, State.ASSIGNED)
    return replace(case, claimed=True)


def hand_back(case: Case, now: datetime, limits: Limits) -> Case:
    """The worker gives a case back that she is to assess: it waits for another, its own deadlines running on. Raises StateError otherwise."""
    require(case, State.ASSIGNED)
    deadlines = {**case.deadlines, "assignment": now + limits.assignment}
    return replace(case, state=State.WAITING_FOR_WORKER, worker=None, claimed=False, deadlines=deadlines)


def left_behind(cases: Iterable[Case]) -> list[Case]:
    """Of an absent worker's cases those that another may have: nobody began with them."""
    return [case for case in cases if case.state is State.ASSIGNED and not case.claimed]
