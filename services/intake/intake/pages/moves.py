"""Whose move it is in the cases that somebody sees: hers first, of these what was missed, then by risk, then the oldest. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from intake.api.views import CaseLine
from intake.domain.record import LEADS, MOVES

RISKS = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case and what it waits for; `matter` is the most pressing of them, `yours` whether that is the reader's move."""

    case: CaseLine
    matter: str
    yours: bool
    missed: bool
    due: datetime | None = None

    @property
    def risk(self) -> str:
        """The risk as judged, or as reported."""
        return self.case.risk or self.case.urgency


def waiting(cases: Iterable[CaseLine], roles: Collection[str], agency: str) -> list[Waiting]:
    """What waits in these cases, one entry a case: whoever reads first, then what was missed, then by risk, then the oldest."""
    found = [entry for line in cases if (entry := _of_case(line, roles, agency)) is not None]
    return sorted(found, key=lambda entry: (not entry.yours, not entry.missed, RISKS.index(entry.risk), entry.case.opened_at, entry.case.case_id))


def _of_case(line: CaseLine, roles: Collection[str], agency: str) -> Waiting | None:
    """The most pressing matter of a case: the reader's own before others', a missed one before one that is not."""
    matters = [matter for matter in dict.fromkeys([*line.waiting_for, *line.missed]) if matter in MOVES]
    if not matters:
        return None
    entries = [Waiting(line, matter, _hers(line, matter, roles, agency), matter in line.missed) for matter in matters]
    return min(entries, key=lambda entry: (not entry.yours, not entry.missed))


def _hers(line: CaseLine, matter: str, roles: Collection[str], agency: str) -> bool:
    """Whether a matter is for one of these roles of this agency; who leads the case has those that are for who leads."""
    move = MOVES[matter]
    return move.kept_by == "intake" and move.role in roles and (move.whose != LEADS or line.responsible_agency == agency)
