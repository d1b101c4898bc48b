"""When a way out keeps failing: a mail server, a gateway, or the endpoint of a webhook; and who is told. One try says nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications.domain.notices import Notice, Role, Urgency

WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Rule:
    """A way fails when so many sendings in a row did, over at least so long. What a provider refused may be the address's fault, so that takes more."""

    tries: int
    refusals: int
    span: timedelta


@dataclass(frozen=True, slots=True)
class Tries:
    """What came of a way since it last took something: sendings that failed, those that were refused, and since when."""

    failed: int
    refused: int
    since: datetime


def is_failing(tries: Tries, rule: Rule, now: datetime) -> bool:
    """Whether a way keeps failing, by the rule."""
    enough = tries.failed >= rule.tries or tries.failed + tries.refused >= rule.refusals
    return enough and now - tries.since >= rule.span


def told_of_way(way: str, *, works: bool, agency: str | None = None) -> list[Notice]:
    """Who hears that a way fails, or works again: operators and supervisors; of a webhook those of its agency.

    While a channel fails nobody is reached by it, so that is urgent.
    """
    kind = f"{way}_{'works_again' if works else 'failing'}"
    urgency = Urgency.NORMAL if works or way == WEBHOOK else Urgency.URGENT
    supervisor = f"{Role.SUPERVISOR}@{agency}" if agency else str(Role.SUPERVISOR)
    return [
        Notice(str(Role.OPERATOR), Role.OPERATOR, kind, urgency),
        Notice(supervisor, Role.SUPERVISOR, kind, urgency, agency=agency),
    ]
