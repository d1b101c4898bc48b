"""One round of the waiting list, however long that is: who is decided on, and what is written of it.

A round decides on a block: the first of the list who were not told yet that they wait, or for whom some home as it is now would do. For whoever is
left out no arrangement has a place, since placing others never makes room, so nobody is passed over; and a large household at the head does not hide a
bed from a single woman behind it. Of a block the first always gets a place: a list of any length is through after as many rounds as it has blocks.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from placement.domain import explain
from placement.domain.assign import Told, placed_together
from placement.domain.explain import Answer, How
from placement.domain.homes import Home, Refusal, summary
from placement.domain.offers import Offer
from placement.domain.people import Household, rank
from placement.domain.placing import Solve
from placement.domain.rooms import Known, arrange
from placement.domain.rules import RULES, refusal
from placement.domain.seen import Listed

# So many households are decided on together.
BLOCK = 500


@dataclass(frozen=True, slots=True)
class Line:
    """What is written of one household: an offer, or that it waits for other `reasons` than were kept; `counts` are homes by rule that refused it.

    The household, what was said of every home, and the reasons are JSON as it is kept, so that whoever writes it need not read it; the long ones are
    `packed`, so that a block takes little memory until it is written.
    """

    case_id: UUID
    household: str
    considered: bytes
    offer: Offer | None
    reasons: bytes
    counts: Mapping[str, int] | None = None
    persons: int = 0
    risk: str = ""
    told: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a round found for its block, in the order of the list: of whom nothing changes there is no line.

    `homes` are what it saw of them, by name (`explain.name_of`), `free` their free beds before, by id.
    """

    how: How
    proven: bool
    homes: Mapping[UUID, str]
    free: Mapping[UUID, int]
    lines: Sequence[Line]

    @property
    def cases(self) -> list[UUID]:
        """The cases of the lines."""
        return [line.case_id for line in self.lines]

    @property
    def offers(self) -> list[Offer]:
        """The offers, in the order of the list."""
        return [line.offer for line in self.lines if line.offer]


def choose(homes: Iterable[Home], waiting: Iterable[Listed], most: int = BLOCK) -> tuple[list[UUID], bool]:
    """The block of a round, in the order of the list: the cases, and whether the list goes on with somebody for whom a home would do.

    What room the block has is filled up with the first of the others, so that it is said anew why they wait.
    """
    known = list(homes)
    housed = {person for home in known for person in home.sheltered}
    room, memo = [home for home in known if home.open and home.free_beds], Known()
    chosen, others, more = list[Household](), list[Household](), False
    for entry in sorted(waiting, key=lambda entry: rank(entry.household)):
        household = entry.household
        if not entry.told or (_would_do(room, household, memo) and not any(person.id in housed for person in household.persons)):
            if more := len(chosen) == most:
                break
            chosen.append(household)
        elif len(others) < most:
            others.append(household)
    block = chosen + others[: most - len(chosen)]
    return [household.case_id for household in sorted(block, key=rank)], more


def _would_do(homes: Iterable[Home], household: Household, memo: Known) -> bool:
    """Whether some home as it is now would take a household."""
    beds = len(household.persons)
    return any(home.free_beds >= beds and refusal(home, household, RULES) is None and arrange(home, household, memo) is not None for home in homes)


def decide(homes: Sequence[Home], block: Sequence[Listed], solve: Solve | None, time: Callable[[], bool]) -> Found:
    """Decide on a block together (`assign`), within a time."""
    found = placed_together(homes, [entry.household for entry in block], solve, time)
    told, kept = Told(found), {entry.household.case_id: entry for entry in block}
    lines = []
    for household in found.ordered:
        entry = kept[household.case_id]
        if entry.told and (reasons := told.reasons(household)) is not None and entry.reasons == digest(_plain(reasons)):
            continue
        if line := line_of(entry, told.decision(household)):
            lines.append(line)
    return found_of(How.SOLVED, homes, lines, proven=found.proven)


def found_of(how: How, homes: Iterable[Home], lines: Sequence[Line], *, proven: bool = True) -> Found:
    """What a round found, with the homes as they are kept."""
    known = list(homes)
    texts = map(explain.text_of, known)
    return Found(how, proven, {explain.name_of(seen): seen for seen in texts}, {home.id: home.free_beds for home in known}, lines)


def line_of(entry: Listed, answer: Answer) -> Line | None:
    """What is written of one answer; None when nothing changes: who waits was told, and waits for the same reasons."""
    household = entry.household
    offer = replace(answer, considered=()) if isinstance(answer, Offer) else None
    reasons = () if isinstance(answer, Offer) else answer.reasons
    written = _plain(reasons)
    if offer is None and entry.told and entry.reasons == digest(written):
        return None
    return Line(
        household.case_id,
        json.dumps(explain.plain(household)),
        packed(json.dumps(explain.kept(answer.considered))),
        offer,
        packed(written),
        summary(reasons),
        len(household.persons),
        household.risk,
        entry.told,
    )


def _plain(reasons: Iterable[Refusal]) -> str:
    """Reasons as the store tells them: the same reasons are the same text."""
    return json.dumps([{"fact": e.fact, "home": str(e.home), "rule": e.rule, "secret": e.secret} for e in reasons])


def digest(reasons: str) -> str:
    """By what reasons that were kept are recognised; the store makes it of its own text in the same way."""
    return hashlib.md5(reasons.encode(), usedforsecurity=False).hexdigest()


def packed(told: str) -> bytes:
    """A text that is kept for a while."""
    return zlib.compress(told.encode(), 1)


def unpacked(told: bytes) -> str:
    """The text again."""
    return zlib.decompress(told).decode()
