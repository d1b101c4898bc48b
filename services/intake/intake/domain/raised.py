"""Whether what assessment came to raises the risk of a case; pure."""

from collections.abc import Iterable

from intake.domain.standing import Fact, Kind, Standing

RISKS = ("low", "medium", "high")


def raised_by(received: Iterable[Fact], now: Standing, known: Iterable[Fact]) -> Fact | None:
    """The assessment, of those just heard of, that found a higher risk than the triage's, the highest first; None when nothing is raised.

    What an assessment raised before it does not raise again, whenever it is heard once more: people may have judged since.
    """
    if now.ended or now.asked is None or now.risk not in RISKS:
        return None
    said = {fact.causation for fact in known if fact.type == Kind.RISK_CHANGED}
    found = [fact for fact in received if fact.type == Kind.COMPLETED and fact.codes.get("risk") in RISKS and str(fact.id) not in said]
    highest = max(found, key=lambda fact: (RISKS.index(fact.codes["risk"]), fact.version), default=None)
    return highest if highest and RISKS.index(highest.codes["risk"]) > RISKS.index(now.risk) else None
