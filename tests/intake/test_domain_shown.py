"""Who asks for a bed is shown nothing of the search that depends on a secret house, until somebody said yes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from intake import shown
from intake.domain.standing import Fact, Kind, State, standing

START = datetime(2026, 1, 1, tzinfo=UTC)
TRIAGE = Fact(UUID(int=1), "intake", 1, Kind.TRIAGED, START, {"shelter_needed": True, "risk": "high"})
BEFORE_A_YES = [
    Kind.WAITLISTED,
    Kind.OFFERED,
    Kind.EXTENDED,
    Kind.DECLINED,
    Kind.EXPIRED,
    Kind.CANCELLED,
    Kind.UNMET,
    "case.placement.transfer_offered.v1",
]


def word(number: int, kind: str, placement: int = 7, producer: str = "placement", **codes: Any) -> Fact:
    named = {"placement_id": str(UUID(int=placement)), "shelter_id": str(UUID(int=9)), **codes}
    return Fact(UUID(int=100 + number), producer, number, kind, START + timedelta(minutes=number), named)


searches = st.lists(
    st.builds(lambda kind, placement: (kind, placement), st.sampled_from([*BEFORE_A_YES, "case.notifications.delivered.v1"]), st.integers(1, 3)),
    max_size=6,
)


def seen(search: list[tuple[str, int]]) -> tuple[Any, ...]:
    """All that a requester sees of a case in search: its line, its list, its timeline."""
    said = [word(n, kind, placement, kind.split(".")[1], refusals=[n], reason="x") for n, (kind, placement) in enumerate(search, 1)]
    now = standing([TRIAGE, *said])
    row = {"state": now.state, "waiting_for": list(now.waiting_for), "opened_at": START, "changed_at": START + timedelta(minutes=len(search))}
    line = shown.line(row)
    assert now.state in shown.states_like(State.OFFERED) == shown.states_like(line["state"])
    return line, shown.facts([TRIAGE, *said])


@given(searches)
def test_whatever_became_of_a_search_so_far_looks_like_a_search_that_just_began(search: list[tuple[str, int]]) -> None:
    assert seen(search) == seen([])


def test_after_a_yes_its_placement_is_shown_without_the_shelter_and_what_came_before_stays_hidden() -> None:
    said = [word(1, Kind.OFFERED, 1), word(2, Kind.DECLINED, 1), word(3, Kind.OFFERED, 2), word(4, Kind.ACCEPTED, 2), word(5, Kind.ON_THE_WAY, 2)]
    told = shown.facts([TRIAGE, *said, word(6, Kind.CANCELLED, 2), word(7, Kind.OFFERED, 3)])
    assert [fact.type for fact in told] == [Kind.TRIAGED, Kind.ACCEPTED, Kind.ON_THE_WAY, Kind.CANCELLED]
    assert all("shelter_id" not in fact.codes for fact in told)
    assert shown.state(standing([TRIAGE, *said]).state) is State.ON_THE_WAY


def test_an_admission_at_the_door_and_a_leaving_are_shown() -> None:
    door, left = word(1, Kind.ADMITTED_DIRECTLY, persons=[]), word(2, Kind.LEFT, persons=[])
    assert [fact.type for fact in shown.facts([door, left])] == [Kind.ADMITTED_DIRECTLY, Kind.LEFT]


def test_a_matter_that_is_not_the_search_stays_as_it_is() -> None:
    assert shown.waiting_for(["triage", "shelter_answer", "free_bed", "outreach"]) == ["triage", "offer", "outreach"]
    assert shown.states_like(State.CLOSED) == {State.CLOSED}
    row = {"state": "closed", "waiting_for": [], "opened_at": START, "changed_at": START + timedelta(1)}
    assert shown.line(row) == {**row, "state": State.CLOSED}
