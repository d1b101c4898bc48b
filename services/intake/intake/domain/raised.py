"""Whether what assessment came to raises the risk of a case; pure."""

from collections.abc import Iterable

from intake.domain.standing import Fact, Kind, Standing

RISKS = ("low", "medium", "high")


def raised_by(received: Iterable[Fact], now: Standing, known: Iterable[Fact], cause: str) -> str | None:
    """The risk of a case after what assessments just came to, where that is higher than the triage's; None when nothing is raised.

    What was raised by this cause before is not raised again: people may have judged since.
    """
    if now.ended or now.asked is None or now.risk not in RISKS:
        return None
    found = [str(fact.codes["risk"]) for fact in received if fact.type == Kind.COMPLETED and fact.codes.get("risk") in RISKS]
    highest = max(found, key=RISKS.index, default=now.risk)
    if RISKS.index(highest) <= RISKS.index(now.risk) or any(fact.type == Kind.RISK_CHANGED and fact.causation == cause for fact in known):
        return None
    return highest
