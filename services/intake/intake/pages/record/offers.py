"""What an officer may record and decide on a case as it stands, the most likely first; the routes decide again."""

from dataclasses import dataclass

from chassis.web.pages.visit import Visiting

from intake import policy
from intake.api import outreach
from intake.api.record import RecordView
from intake.api.views import CaseView
from intake.domain.standing import ENDED
from intake.pages.record import asking

ASKED = "transfer_answer"


@dataclass(frozen=True, slots=True)
class Offer:
    """Somewhere to go from the case: the path below it, and its words."""

    path: str
    words: str


@dataclass(frozen=True, slots=True)
class Offers:
    """What stands first on the page, what stands in its list, and whether the outreach team has arrived."""

    first: list[Offer]
    listed: list[Offer]
    there: bool


async def offers(case: CaseView, now: RecordView, visit: Visiting) -> Offers:
    """What to offer on the page of a case."""
    waits, ended = {matter.matter for matter in now.matters}, now.state in ENDED
    out = (await visit.ask(outreach.outings, case_id=case.case_id))[-1:] if "outreach" in waits else []
    there = any(outing.arrived_at for outing in out)
    team = any(outing.team == visit.who.agency for outing in out)
    first = [
        ("outreach/result", "do.result", policy.END_OUTREACH, there and team),
        ("reopen", "do.reopen", policy.REOPEN, ended),
    ]
    asks = case.responsible_agency == visit.who.agency and not ended
    listed = [
        ("incidents", "do.incidents", policy.RECORD_INCIDENTS, True),
        ("suspects", "do.suspects", policy.SEE_SUSPECTS, True),
        ("legal", "do.legal", policy.RECORD_LEGAL_STEPS, True),
        ("outreach", "do.outreach", policy.SEE_CASES, True),
        ("documents", "do.documents", policy.SEE_NAMES, True),
        ("handover", "do.handover", policy.HAND_OVER, asks and ASKED not in waits),
        ("handover/withdraw", "do.handover_withdraw", policy.HAND_OVER, asks and ASKED in waits),
        ("lost", "do.lost", policy.LOSE_CONTACT, not ended),
        ("refer-out", "do.refer_out", policy.REFER_OUT, not ended),
        ("withdraw", "do.withdraw", policy.WITHDRAW, not ended),
    ]
    return Offers([*_joiners(case, now, visit), *_allowed(first, visit)], _allowed(listed, visit), there)


def _allowed(offered: list[tuple[str, str, tuple[str, ...], bool]], visit: Visiting) -> list[Offer]:
    return [Offer(path, visit.say(key)) for path, key, roles, fits in offered if fits and visit.who.has(*roles)]


def _joiners(case: CaseView, now: RecordView, visit: Visiting) -> list[Offer]:
    """Whoever joined a household that is in a shelter, and of whom nobody said yet where she sleeps."""
    if not visit.who.has(*policy.CHANGE_HOUSEHOLD):
        return []
    waiting = [person for person in case.persons if person.person_id in now.joiners]
    return [Offer(f"household/{person.person_id}/place", visit.say("do.joiner", who=asking.called(visit, person))) for person in waiting]
