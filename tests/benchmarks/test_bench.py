"""The bench measures both sides, counts what they carried, and notices when a fact is missing or was carried twice."""

import pytest
from ops.bench import carry, doors, growth, hops, inboxes, likeness, limits, lists, replicas, webhooks
from ops.bench.bed import BenchError, open_bed
from ops.bench.carry import summary
from ops.bench.census import Census
from ops.bench.figures import Figure, Sizes, Timed, percentile
from ops.bench.run import FIGURES
from ops.cli import app
from rich.console import Console
from typer.testing import CliRunner

TRIAGED, ASSIGNED = "case.intake.triaged.v1", "case.assessment.assigned.v1"
NOTHING = Census({"placement": 0, "assessment": 0, "notifications": 0}, {}, 0, 0)
TINY = Sizes(cases=20, rounds=1, limit_seconds=0.05, latency_seconds=0.5, reports=70, in_store=200, backlog=20, heavy=40,
    endpoints=40, inboxes=300, hook_rate=30, hook_seconds=4, kills=2, kill_every=2)  # fmt: skip


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
    figure = summary([Timed(30, seconds) for seconds in (1, 2, 3)], [Timed(60, seconds) for seconds in (0.1, 0.2, 0.5)], 10)
    found = figure.as_dict()
    assert (found["yardstick_events_per_second"], found["platform_events_per_second"]) == (15, 300)
    assert (found["ratio"], found["cpu_ratio"]) == (20, None)


def test_a_goal_says_whether_it_was_reached() -> None:
    figure = Figure("some", "figure")
    figure.goal("more", 3, least=4)
    figure.goal("less", 3, most=4)
    assert [goal["met"] for goal in figure.as_dict()["goals"]] == [False, True]
    console = Console(record=True, width=120)
    console.print(figure.table())
    assert console.export_text().count("not reached") == 1


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.99)] == [51, 100]
    assert percentile([7.0], 0.99) == 7


def test_a_figure_that_there_is_none_of_is_refused() -> None:
    answer = CliRunner().invoke(app, ["bench", "--only", "carry,luck"])
    assert answer.exit_code == 2
    assert "luck" in answer.output
    assert {
        "limits",
        "carry",
        "hops",
        "doors",
        "growth",
        "strain",
        "replicas",
        "footprint",
        "lists",
        "matching",
        "likeness",
        "webhooks",
        "inboxes",
        "answers",
    } == FIGURES.keys()


@pytest.mark.servers
@pytest.mark.timeout(300)
async def test_people_who_are_known_are_found_in_a_small_store() -> None:
    found = await likeness.figure(None, Sizes(in_store=1500, reports=60), print)  # type: ignore[arg-type]  # it opens servers of its own
    assert len(found.data["seconds"]) == 60
    assert 0 < found.data["found"] <= found.data["known"]
    assert [goal.what for goal in found.goals] == ["candidates of one person, p99 ms"]


@pytest.mark.servers
@pytest.mark.timeout(300)
async def test_nothing_is_lost_or_under_a_second_id_beside_bad_receivers_and_under_kills() -> None:
    async with open_bed() as bed:
        found = await webhooks.figure(bed, TINY, print)
    assert {name: seen["kills"] for name, seen in found.data.items()} == {"healthy": 0, "bad": 0, "healthy_killed": 2, "bad_killed": 2}
    assert all(seen["events"] > 60 for seen in found.data.values())


@pytest.mark.servers
@pytest.mark.timeout(600)
async def test_a_tiny_run_carries_everything_on_both_sides() -> None:
    async with open_bed() as bed:
        found = {
            "limits": await limits.figure(bed, TINY),
            "carry": await carry.figure(bed, TINY),
            "hops": await hops.figure(bed, TINY),
            "doors": await doors.figure(bed, TINY),
            "replicas": await replicas.figure(bed, TINY, print),
            "growth": await growth.figure(bed, TINY, print),
            "lists": await lists.figure(bed, TINY, print),
            "inboxes": await inboxes.figure(bed, TINY, print),
        }
    (carried,) = found["carry"].data["rounds"]
    assert carried["yardstick"]["events"] == 20 * 3
    assert carried["platform"]["events"] >= 20 * 4  # the triage in three inboxes, and who was assigned in one, for those who are at home
    assert carried["platform"]["stated"] >= 20
    assert min(found["limits"].data["per_second"].values()) > 0
    assert found["hops"].data["ratio_p50_per_hop"] > 0
    assert found["doors"].data["rounds"][0]["platform"]["reports"] == 70
    assert set(found["replicas"].data["facts_per_second"]) == {1, 2, 3}
    assert [len(rounds) for rounds in found["growth"].data["rounds"].values()] == [1, 1, 1], "full stores carry too"
    assert (found["inboxes"].data["officers"], len(found["inboxes"].data["seconds"])) == (300, 3)
    listed = found["lists"].data["p99_seconds"]
    assert {tuple(both) for both in listed.values()} == {(lists.EMPTY, lists.FULL)}
    assert len(found["lists"].goals) == len(listed) - 1
    assert TRIAGED not in str([figure.as_dict() for figure in found.values()])
