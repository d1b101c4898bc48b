"""The bench measures both sides, counts what they carried, and notices when a fact is missing or was carried twice."""

import pytest
from ops.bench import BenchError, Census, Limits, Report, Timed, measure
from rich.console import Console

TRIAGED, ASSIGNED = "case.intake.triaged.v1", "case.assessment.assigned.v1"
NOTHING = Census({"placement": 0, "assessment": 0, "notifications": 0}, {}, 0, 0)


def a_census(*, placement: int = 3, assessment: int = 3, notifications: int = 5, assigned: int = 2, pending: int = 0) -> Census:
    return Census({"placement": placement, "assessment": assessment, "notifications": notifications}, {ASSIGNED: assigned}, pending, 0)


def test_every_fact_in_the_inbox_of_each_reader_is_complete() -> None:
    assert a_census().complete_since(NOTHING, cases=3)
    assert a_census().consumed == 11


@pytest.mark.parametrize("lacking", [a_census(placement=2), a_census(assessment=2), a_census(notifications=4), a_census(pending=1)])
def test_a_fact_that_is_missing_or_unpublished_is_awaited(lacking: Census) -> None:
    assert not lacking.complete_since(NOTHING, cases=3)


def test_a_fact_that_nobody_said_is_refused() -> None:
    with pytest.raises(BenchError, match="placement has 1"):
        a_census(placement=4).complete_since(NOTHING, cases=3)


def test_what_earlier_rounds_left_does_not_count() -> None:
    assert not a_census().complete_since(a_census(), cases=3)
    later = a_census(placement=6, assessment=6, notifications=10, assigned=4)
    assert later.complete_since(a_census(), cases=3)


def test_the_figures_are_medians_of_the_rounds() -> None:
    limits = Limits(100, 1000, 200, 2000)
    report = Report(10, [limits] * 3, [Timed(30, seconds) for seconds in (1, 2, 3)], [Timed(60, seconds) for seconds in (0.1, 0.2, 0.5)])
    assert report.yardstick_rate == 15
    assert report.platform_rate == 300
    assert report.ratio == 20
    assert report.cpu_ratio is None
    assert report.as_dict()["share_of_limit"]["commits"] == 3


@pytest.mark.servers
async def test_a_tiny_run_carries_every_case_through_all_hops_of_both_sides() -> None:
    report = await measure(cases=20, rounds=1, limit_seconds=0.05)
    (theirs,), (ours,), (limits,) = report.yardstick, report.platform, report.limits
    assert theirs.events == 20 * 3
    assert ours.events >= 20 * 4  # the triage in three inboxes, and who was assigned in one, for those who are at home
    assert ours.stated >= 20
    assert min(theirs.seconds, ours.seconds) > 0
    assert min(limits.commits, limits.batched_commits, limits.publishes, limits.batched_publishes) > 0
    assert TRIAGED not in str(report.as_dict())
    console = Console(record=True, width=120)
    console.print(report.table())
    assert "yardstick" in console.export_text()
