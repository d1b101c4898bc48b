"""The rest of a house's day on a phone, of those who place, and of a supervisor: each page is looked at, against the whole platform."""

from typing import Any
from uuid import uuid4

import pytest
from placement.pages.words import WORDS

from tests.flows.people import a_referral
from tests.pages.conftest import Phone, Town
from tests.placement.steps import agreements

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


def words(language: str) -> Any:
    return lambda key, **values: WORDS[key][0 if language == "id" else 1].format(**values)


def go(phone: Phone, path: str, picture: str | None = None) -> None:
    """Open a page of placement and look at it."""
    answer = phone.page.goto(f"/placement/pages/{path}")
    assert answer is not None
    assert answer.status == 200, path
    phone.look(picture)


def refused(phone: Phone, button: str, picture: str | None = None) -> None:
    """Send a form as it is, and look at what is said to be wrong."""
    phone.tap(button)
    phone.page.get_by_role("alert").wait_for()
    phone.look(picture)


def inside(town: Town) -> dict[str, Any]:
    """A household that is in."""
    offer = town.offered()
    head = town.heads[offer["shelter_id"]]
    at = f"/placement/placements/{offer['placement_id']}"
    town.call(head, "POST", f"{at}/accept", {})
    admitted: dict[str, Any] = town.call(head, "POST", f"{at}/admit", agreements(offer))
    return admitted


@pytest.mark.parametrize("language", ["id"])
def test_a_head_lets_somebody_in_at_the_door_counts_the_night_and_closes_her_house(town: Town, phone: Phone, language: str) -> None:
    t = words(language)
    stay = inside(town)
    house = f"shelters/{stay['shelter_id']}"
    phone.log_in(town.heads[stay["shelter_id"]], f"/placement/pages/{house}/door")
    refused(phone, t("door.let_in"), "door")
    for name, value in {"sex": "female", "role": "victim", "agreement": "own"}.items():
        phone.page.locator(f'[name="persons.0.{name}"]').select_option(value)
    for name, value in {"persons.0.age": "30", "brought_by": "dinsos", "area": "31.75.01"}.items():
        phone.page.locator(f'[name="{name}"]').fill(value)
    phone.tap(t("door.let_in"))
    phone.page.get_by_text(t("said.door")).wait_for()
    go(phone, f"{house}/night")
    refused(phone, t("night.confirm"), "night")
    for answer in phone.page.locator('[value="yes"]').all():
        answer.check()
    phone.tap(t("night.confirm"))
    phone.page.get_by_text(t("said.night")).wait_for()
    go(phone, f"{house}/conflicts?about={stay['case_id']}", "conflicts")
    go(phone, f"placements/{stay['placement_id']}/go", "go")
    go(phone, "occupancy")
    go(phone, f"{house}/close")
    refused(phone, t("close.do"), "close")
    phone.page.locator('[value="full"]').check()
    phone.tap(t("close.do"))
    phone.page.get_by_text(t("said.closed")).wait_for()
    phone.look("board-closed")
    phone.tap(t("close.open"))
    phone.page.get_by_text(t("said.opened")).wait_for()


@pytest.mark.parametrize("language", ["en"])
def test_who_places_gives_more_time_moves_a_household_and_keeps_a_house(town: Town, phone: Phone, language: str) -> None:
    t = words(language)
    offer, stay = town.offered(), inside(town)
    town.call(town.heads[offer["shelter_id"]], "POST", f"/placement/placements/{offer['placement_id']}/accept", {})
    at, house = f"placements/{offer['placement_id']}", f"shelters/{stay['shelter_id']}"
    phone.log_in("placement-dinsos", f"/placement/pages/{at}")
    phone.look("expected")
    phone.tap(t("extend.title"), "link")
    phone.page.wait_for_url("**/extend")
    refused(phone, t("extend.do"), "extend")
    go(phone, f"{at}/cancel", "cancel")
    go(phone, f"{at}/contact", "contact")
    go(phone, at)
    phone.tap(t("act.no_show"))
    phone.page.get_by_text(t("said.no_show")).wait_for()
    phone.look("no-show")
    go(phone, f"needs/{offer['case_id']}", "need-decide")
    go(phone, f"placements/{stay['placement_id']}/transfer", "transfer")
    phone.tap(t("transfer.ask"))
    phone.page.locator(".govuk-notification-banner, .govuk-error-summary").wait_for()
    phone.look()
    # The house that was asked to take them over is asked as for an offer: the walks that follow wait for one of their own.
    town.seen += [asked["placement_id"] for asked in town.call("placement-dinsos", "GET", "/placement/placements?state=offered")]
    room = town.call("placement-dinsos", "GET", f"/placement/{house}")["rooms"][0]
    go(phone, f"{house}/rooms", "rooms")
    go(phone, f"{house}/rooms/{room['room_id']}", "room")
    go(phone, f"{house}/rooms/{room['room_id']}/edit", "room-edit")
    go(phone, f"{house}/units/new", "unit")
    go(phone, f"{house}/beds/{room['beds'][0]}", "bed")
    go(phone, f"{house}/beds/{room['beds'][0]}/out", "bed-out")
    go(phone, f"{house}/address", "address")
    go(phone, f"{house}/address/edit")
    go(phone, "new-shelter")
    refused(phone, t("shelter.save"), "new-shelter")
    go(phone, "inventory")
    refused(phone, t("inventory.try"), "inventory")
    go(phone, f"{house}/beds", "board-officer")


@pytest.mark.parametrize("language", ["id"])
def test_a_supervisor_sees_the_figures_offers_a_home_and_houses_a_household_apart(town: Town, phone: Phone, language: str) -> None:
    t = words(language)
    inside(town)
    known = {need["case_id"] for need in town.call("supervisor-dinsos", "GET", "/placement/waiting")}
    referral = a_referral(uuid4().hex[:12], shelter=True)
    # No house of this town can meet it.
    referral["persons"][0]["needs"] = ["acute_psychiatric"]
    town.run(town._refer(referral))
    waiting = town.until(lambda: [n for n in town.call("supervisor-dinsos", "GET", "/placement/waiting") if n["case_id"] not in known])
    case = waiting[0]["case_id"]
    phone.log_in("supervisor-dinsos", "/placement/pages/waiting")
    phone.look("waiting-supervisor")
    go(phone, f"needs/{case}", "need-supervisor")
    go(phone, f"needs/{case}/offer")
    refused(phone, t("need.offer"), "offer-by-hand")
    go(phone, f"needs/{case}/split")
    refused(phone, t("split.do"), "split")
    for number, choice in enumerate(phone.page.locator('select[name^="group."]').all(), 1):
        choice.select_option(str(number))
    for choice in phone.page.locator('select[name^="agreements."]').all():
        choice.select_option(index=1)
    for field in ("ground", "reason"):
        phone.page.locator(f'[name="{field}"][value="health"]').check()
    phone.tap(t("split.do"))
    phone.page.get_by_text(t("said.split")).wait_for()
    phone.look("need-apart")
    go(phone, "occupancy?days=90", "occupancy-supervisor")
    phone.page.get_by_text(t("occupancy.table")).click()
    phone.look("occupancy-table")
    go(phone, "indicators", "indicators")
    go(phone, "unmet", "unmet")
    go(phone, f"needs/{case}/clear-alarm", "alarm")
