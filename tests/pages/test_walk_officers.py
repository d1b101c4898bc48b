"""A placement officer's and an operator's day on a phone, against the whole platform."""

from typing import Any

import pytest
from placement.pages.words import WORDS

from tests.pages.conftest import Phone, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


def test_who_places_looks_for_a_home_and_sees_why(town: Town, phone: Phone, language: str) -> None:
    def t(key: str, **values: Any) -> str:
        return WORDS[key][0 if language == "id" else 1].format(**values)

    offer = town.offered()
    phone.log_in("placement-dinsos", "/placement/pages/queue")
    phone.look("queue-officer")
    phone.page.goto(f"/placement/pages/placements/{offer['placement_id']}")
    phone.tap(t("act.why"), "link")
    phone.look("explanation")
    phone.page.goto(f"/placement/pages/needs/{offer['case_id']}")
    phone.look("need")
    phone.page.goto("/placement/pages/waiting")
    phone.look("waiting")
    phone.page.goto("/placement/pages/beds")
    phone.look("occupancy")


def test_an_operator_sees_how_the_platform_stands(phone: Phone) -> None:
    phone.log_in("operator")
    phone.look("inbox-operator")
    for path in ("/notifications/pages/subscriptions", "/notifications/pages/standing", "/placement/pages/standing"):
        phone.page.goto(path)
        phone.look("standing" if "placement" in path else None)


def test_a_new_notice_is_announced_on_the_open_inbox(town: Town, phone: Phone, language: str) -> None:
    offer = town.offered()
    head = town.heads[offer["shelter_id"]]
    with phone.page.expect_request("**/inbox/live"):
        phone.log_in(head)
    news = phone.page.locator("[data-news]")
    assert not news.is_visible()
    for _ in range(4):  # the next household may be offered the other home
        if town.offered()["shelter_id"] == offer["shelter_id"]:
            break
    news.wait_for(state="visible")
    phone.look("inbox-news")
