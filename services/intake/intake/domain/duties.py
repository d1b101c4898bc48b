"""Which deadlines of a case ran out and still matter, and when it may be closed; pure."""

from collections.abc import Collection, Iterable

from intake.domain.standing import Fact, Kind, Standing, State, in_order, last, standing

# Clocks of matters that a case waits for, and clocks of the law with the steps that settle them.
WATCHED = frozenset({"triage", "outreach", "closure", "closure_approval", "transfer_answer", "risk_review", "joiner"})
SETTLED_BY = {
    "police_report": frozenset({"police_report"}),
    "protection": frozenset({"police_protection", "protection_not_wanted"}),
    "protection_request": frozenset({"lpsk_request", "court_request", "court_order", "protection_not_wanted"}),
    "rehabilitation": frozenset({"rehabilitation_begun"}),
}
# What assessment says that is a step too.
STEP_OF = {"case.assessment.rehabilitation_started.v1": "rehabilitation_begun"}
# What protects a victim for a time, and the clock of its end; a newer step of these settles it.
PROTECTS = frozenset({"police_protection", "court_order", "protection_not_wanted"})
EXPIRY = "protection_expiry"


def steps_taken(facts: Iterable[Fact]) -> set[str]:
    """The codes of the steps of the law that were taken, whoever said so."""
    return {
        str(fact.codes["code"]) if fact.type == Kind.LEGAL_STEP_RECORDED else STEP_OF[fact.type]
        for fact in facts
        if fact.type == Kind.LEGAL_STEP_RECORDED or fact.type in STEP_OF
    }


def missed(facts: Iterable[Fact], settled: Collection[str]) -> tuple[str, ...]:
    """The clocks that ran out and whose matter is still open; `settled` are matters that rows, not facts, say are done."""
    known = in_order(facts)
    if not any(fact.type == Kind.CLOCK_MISSED for fact in known):
        return ()
    now = standing(known)
    if now.ended:
        return ()
    intake = [fact for fact in known if fact.producer == "intake"]
    reopened = last(intake, {Kind.REOPENED})
    ran_out = {fact.codes["clock"]: fact for fact in intake if fact.type == Kind.CLOCK_MISSED and (not reopened or fact.version > reopened.version)}
    taken = [fact for fact in intake if fact.type == Kind.LEGAL_STEP_RECORDED]
    steps = steps_taken(known)
    done = {"unknown_case", "contact_retry", *settled, *(clock for clock, by in SETTLED_BY.items() if by & steps)}
    done |= WATCHED - set(now.waiting_for)
    if EXPIRY in ran_out and any(fact.codes["code"] in PROTECTS and fact.version > ran_out[EXPIRY].version for fact in taken):
        done.add(EXPIRY)
    return tuple(sorted(ran_out.keys() - done))


# What ends help by itself, whatever was reached (DOMAIN 2.1, closure reasons seen in practice).
EARLY_ENDS = frozenset({"refused_service", "information_only", "moved_away", "missing", "died", "not_eligible", "duplicate"})


def may_close(now: Standing, reason: str) -> bool:
    """A case closes after its last follow-up; earlier only for a reason that ends help by itself, and never while someone is in a bed."""
    return now.state == State.READY_TO_CLOSE or (not now.ended and not now.inside and reason in EARLY_ENDS)
