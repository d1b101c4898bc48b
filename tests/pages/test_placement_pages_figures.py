"""Occupancy as a plot with the same numbers as a table, the figures of placement, and the ledger of unmet needs."""

import csv
import io
import re
from typing import Any

import pytest
from placement.pages.plot import FLOOR, plotted

from tests.pages.visitor import Visitor
from tests.placement.builders import a_member, a_room_body, a_shelter_body, a_snapshot
from tests.placement.steps import act, admitted, ask, platform
from tests.placement.test_service_indicators import days, figures
from tests.rig import Rig

ROW = re.compile(r'<tr><th scope="row">([^<]+)</th><td>([^<]+)</td>')


def test_a_plot_steps_once_a_night_and_breaks_where_a_number_is_not_told() -> None:
    plot = plotted([2, 2, None, 4], beds=4)
    assert [part[0] for part in re.findall(r"[MVH][^MVH]+", plot.line)] == ["M", "H", "M", "H"]
    assert [tick.value for tick in plot.up] == [0, 1, 2, 3, 4]
    assert (plot.up[0].at, plot.up[-1].at) == (FLOOR, plot.beds)
    assert [tick.value for tick in plot.across] == [0, 1, 2, 3]


@pytest.mark.parametrize("people", [[], [None, None], [0], [1], [7700] * 366])
def test_every_number_of_people_and_nights_has_a_plot_within_its_frame(people: list[int | None]) -> None:
    plot = plotted(people, beds=max((number or 0 for number in people), default=0))
    assert len(plot.up) <= 6
    assert all(0 < tick.at <= plot.floor for tick in plot.up)
    assert 0 < plot.beds <= plot.floor
    assert {tick.value for tick in plot.across} <= set(range(len(people)))


async def a_stay_of_three_nights(rig: Rig, **changes: Any) -> dict[str, Any]:
    shelter = a_shelter_body(a_room_body(2), **changes)
    await platform(rig, shelter)
    woman = a_member()
    placement = await admitted(rig, await ask(rig, household=a_snapshot(woman)))
    await rig.advance(days=3)
    await act(rig, placement, "leave", {"persons": [str(woman.person_id)]})
    await rig.advance(days=2)
    return shelter


async def test_the_plot_and_its_table_say_what_the_indicators_say(rig: Rig) -> None:
    shelter = await a_stay_of_three_nights(rig)
    slept = {night["day"]: night["people"] for night in (await figures(rig, before=30))["occupancy"]}
    assert sorted(slept.values(), reverse=True)[:4] == [1, 1, 1, 0]
    told = (await rig.get("placement", f"/occupancy/nights{days(rig, 30)}", role="supervisor")).json()
    assert {night["day"]: night["people"] for night in told["nights"]} == slept
    for who in ({"role": "shelter_head", "units": [shelter["shelter_id"]]}, {"role": "operator"}, {"role": "supervisor"}):
        page = await Visitor(rig, "placement", language="en", **who).see("occupancy?days=30")
        assert page.status_code == 200, page.text
        assert [int(people) for _, people in ROW.findall(page.text)] == [slept[day] for day in sorted(slept, reverse=True)]
        assert 'class="app-plot" role="img" aria-labelledby="plot-name"' in page.text
    head = Visitor(rig, "placement", role="shelter_head", units=[shelter["shelter_id"]])
    file = await head.see("occupancy.csv?days=30")
    assert file.headers["content-type"].startswith("text/csv")
    assert file.headers["cache-control"] == "no-store"
    assert {row["day"]: int(row["people"]) for row in csv.DictReader(io.StringIO(file.text))} == slept
    year = await Visitor(rig, "placement", role="operator").see("occupancy?days=365")
    assert len(year.content) < 60_000
    stays = (await Visitor(rig, "placement", language="en", role="operator").see("indicators")).text.split("Stays that ended", 1)[1]
    assert ("1 admissions" in stays, '<th scope="row">Rumah Contoh</th><td>1</td><td>3.0</td>' in stays) == (True, True), stays


async def test_a_secret_house_is_told_apart_to_supervisors_and_its_head_only(rig: Rig) -> None:
    safe = await a_stay_of_three_nights(rig, secret=True, kind="rumah_aman", name="Rumah Kenari Rahasia")
    of_it = f"occupancy?house={safe['shelter_id']}"
    for role, status in (("supervisor", 200), ("placement_officer", 404), ("operator", 404), ("shelter_head", 404), ("peksos", 403)):
        page = await Visitor(rig, "placement", role=role).see(of_it)
        assert page.status_code == status, role
        assert ("Kenari" in page.text) == (role == "supervisor"), role
    head = await Visitor(rig, "placement", role="shelter_head", units=[safe["shelter_id"]]).see(of_it)
    assert [people for _, people in ROW.findall(head.text)].count("1") == 3
    officer = Visitor(rig, "placement", role="placement_officer")
    together = await officer.see("occupancy?house=secret")
    assert {people for _, people in ROW.findall(together.text)} == {"terlalu sedikit"}
    assert '<path class="app-plot__people" d="M0 4H28"' not in together.text, "nothing is plotted"
    assert ",1," not in (await officer.see("occupancy.csv?house=secret")).text
    everything = await officer.see("occupancy")
    assert {people for _, people in ROW.findall(everything.text)} == {"0"}, "the secret ones are in no other number"
    assert (await Visitor(rig, "placement", role="shelter_head").see("occupancy?house=secret")).status_code == 200
    assert (await officer.see("occupancy?house=none")).status_code == 404


async def test_the_figures_name_what_went_unmet_and_why(rig: Rig) -> None:
    await platform(rig, a_shelter_body(name="Panti A"))
    case = await ask(rig, household=a_snapshot(a_member("male", 40)))
    officer = Visitor(rig, "placement", language="en", role="placement_officer")
    page = await officer.see("indicators?days=90")
    assert "1 households found no place at once" in page.text
    assert "sex or age not served: 1" in page.text
    ledger = await officer.see("unmet")
    assert f"/pages/needs/{case}" in ledger.text
    assert str(case) not in (await officer.see("unmet?ended=housed&risk=medium")).text
    file = await officer.see("indicators.csv?days=90")
    assert ("unmet", "needs", "1") in {(row["indicator"], row["name"], row["value"]) for row in csv.DictReader(io.StringIO(file.text))}
    head = Visitor(rig, "placement", role="shelter_head")
    assert [(await head.see(path)).status_code for path in ("indicators", "indicators.csv", "unmet")] == [403, 403, 403]
    operator = await Visitor(rig, "placement", role="operator").see("indicators")
    assert (operator.status_code, "/pages/unmet" in operator.text) == (200, False)
