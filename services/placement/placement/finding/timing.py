"""When something is done: the clocks of rounds, reviews and availability, and how long holds and ladders are by the settings."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis import Cause, Due, Transaction

from placement.domain.needs import Need
from placement.domain.probing import Limits
from placement.settings import PlacementSettings
from placement.store.register import HIDDEN

# Clocks that belong to no case: the round of the waiting list, and what is said of availability.
NOBODY = UUID(int=0)
# The clock of persons who joined a split household and are in no group of it yet.
UNGROUPED = "ungrouped"


def beds_became_free(tx: Transaction, case_id: UUID = NOBODY, cause: Cause | None = None) -> None:
    """Let the waiting list be tried again, and what is said of availability be looked at."""
    set_round(tx, case_id, cause)
    set_availability(tx, case_id, cause)


def set_round(tx: Transaction, case_id: UUID = NOBODY, cause: Cause | None = None, *, turn: int = 0) -> None:
    """Have a round of the waiting list. Each cause sets a clock of its own, so that nobody waits for another's; one round takes up all.

    `turn` counts the rounds that follow one another because an answer did not hold any more.
    """
    chosen = cause or tx.cause_of(case_id)
    tx.set_clock("match", NOBODY, tx.now, key=f"{turn}:{tx.new_id('match', case_id, chosen)}", cause=chosen)


def turn_of(due: Iterable[Due]) -> int:
    """Which turn a round is that was called by these clocks."""
    return max((int(turn) for turn, colon, _ in (clock.key.partition(":") for clock in due) if colon), default=0)


def set_availability(tx: Transaction, case_id: UUID = NOBODY, cause: Cause | None = None, *, at_once: bool = False) -> None:
    """Look at availability now; at that of the secret shelters later and at even times, so that no single stay shows in it, or `at_once`."""
    chosen = cause or tx.cause_of(case_id)
    own = str(tx.new_id("availability", case_id, chosen))
    tx.set_clock("availability", NOBODY, tx.now, key=f"{HIDDEN}:{own}" if at_once else own, cause=chosen)
    delay = tx.settings.span(minutes=_settings(tx).secret_delay_minutes)
    began = datetime(2020, 1, 1, tzinfo=UTC)
    tx.set_clock("availability", NOBODY, began + ((tx.now - began) // delay + 1) * delay, key=HIDDEN, cause=chosen)


def set_waiting_review(tx: Transaction, need: Need, cause: Cause | None = None) -> datetime:
    """Set the next review of a waiting household; when it is."""
    due = tx.now + review_span(tx, need)
    tx.set_clock("waiting_review", need.subject, due, key=need.clock_key, cause=cause)
    return due


def review_span(tx: Transaction, need: Need) -> timedelta:
    """After how long people are told again that a household waits."""
    return _by_risk(tx, _settings(tx).waiting_review_hours, need.risk, timedelta(hours=1))


def set_no_show_review(tx: Transaction, need: Need) -> None:
    """Set the next review of a household that did not come."""
    tx.set_clock("no_show_review", need.subject, tx.now + tx.settings.span(hours=_settings(tx).no_show_review_hours), key=need.clock_key)


def hold_span(tx: Transaction, need: Need | None = None) -> timedelta:
    """For how long beds are held; longer for who comes through a channel or from an area that the settings name (P12)."""
    settings = _settings(tx)
    minutes = [settings.hold_minutes]
    if need is not None and need.channel is not None:
        minutes.append(settings.hold_minutes_by_channel.get(need.channel, 0))
    if need is not None and need.area is not None:
        minutes += [longer for area, longer in settings.hold_minutes_by_area.items() if need.area.startswith(area)]
    span: timedelta = settings.span(minutes=max(minutes))
    return span


def ladder_end(tx: Transaction, offered_at: datetime, risk: str) -> datetime:
    """Until when an unanswered hold of an offer is extended."""
    return offered_at + ladder_span(tx, risk)


def ladder_span(tx: Transaction, risk: str) -> timedelta:
    """For how long people are told of an unanswered offer."""
    return _by_risk(tx, _settings(tx).ladder_minutes, risk, timedelta(minutes=1))


def limits(tx: Transaction) -> Limits:
    """How often and how many areas a case may name."""
    return Limits(_settings(tx).probing_changes, _settings(tx).probing_areas)


def _settings(tx: Transaction) -> PlacementSettings:
    settings: PlacementSettings = tx.settings
    return settings


def _by_risk(tx: Transaction, limits: Mapping[str, float], risk: str, unit: timedelta) -> timedelta:
    """The limit of a risk level; a level that the operator left out has the longest."""
    span: timedelta = tx.settings.span(seconds=limits.get(risk, max(limits.values())) * unit.total_seconds())
    return span
