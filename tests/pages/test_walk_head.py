"""A shelter head's day on a phone, in both languages, against the whole platform."""

import time
from typing import Any

import pytest
from notifications.pages.words import WORDS as INBOX
from placement.pages.words import WORDS

from tests.pages.conftest import LARGEST_PAGE, Phone, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


def words(language: str) -> Any:
    both = {**WORDS, **INBOX}
    return lambda key, **values: both[key][0 if language == "id" else 1].format(**values)


def test_a_head_who_was_never_trained_accepts_within_three_taps_of_the_notice(town: Town, phone: Phone, language: str) -> None:
    t = words(language)
    offer = town.offered()
    head = town.heads[offer["shelter_id"]]
    waiting = f"/notifications/inbox/waiting?placement_id={offer['placement_id']}"
    notice = town.until(lambda: town.call(head, "GET", waiting)["notices"])[0]
    phone.log_in(head)
    phone.look("inbox")
    began, phone.taps = time.monotonic(), 0
    phone.tap_on(phone.page.locator("li", has=phone.page.locator(f"#notice-{notice['id']}")).get_by_role("button", name=t("inbox.open")))
    phone.page.wait_for_url(f"**/placement/pages/placements/{offer['placement_id']}")
    assert not phone.page.get_by_text("Canary").count()
    phone.look("offer")
    phone.tap(t("act.accept"))
    phone.page.get_by_text(t("said.accepted")).wait_for()
    took = time.monotonic() - began
    phone.look("accepted")
    assert phone.taps <= 3
    print(f"accepted {phone.taps} taps and {took:.1f} s after the notice was seen, {phone.bytes} bytes on the wire for the inbox and two pages")
    assert phone.bytes < LARGEST_PAGE
    town.until(lambda: not town.call(head, "GET", waiting)["notices"])
    seen = town.call(head, "GET", f"/placement/placements/{offer['placement_id']}")
    assert seen["state"] == "accepted"

    # They come, everyone agrees, and they are in.
    phone.tap(t("act.admit"), "button")
    phone.page.wait_for_url("**/admit")
    phone.look("admit")
    phone.tap(t("act.admit"))
    phone.page.get_by_role("alert").wait_for()
    phone.look("admit-problem")
    for group, how in zip(phone.page.get_by_role("group").all(), ("own", "own_view_and_consenter"), strict=True):
        group.get_by_role("radio", name=t(f"agreement.{how}")).check()
    phone.tap(t("act.admit"))
    phone.page.get_by_text(t("said.admitted")).wait_for()
    phone.look("stay")
    phone.page.goto("/placement/pages/beds")
    phone.look("beds")


def test_a_head_says_no_and_why(town: Town, phone: Phone, language: str) -> None:
    t = words(language)
    offer = town.offered()
    head = town.heads[offer["shelter_id"]]
    phone.log_in(head, "/placement/pages/queue")
    phone.look("queue")
    phone.page.goto(f"/placement/pages/placements/{offer['placement_id']}")
    phone.tap(t("act.decline"))
    phone.page.wait_for_url("**/decline")
    phone.tap(t("act.decline"))
    phone.page.get_by_role("alert").wait_for()
    phone.look("decline-problem")
    phone.page.get_by_role("radio", name=t("reason.full"), exact=True).check()
    phone.look("decline")
    phone.tap(t("act.decline"))
    phone.page.get_by_text(t("said.declined")).wait_for()
    phone.look("declined")


def test_a_link_in_a_message_leads_through_the_login_to_the_request(town: Town, phone: Phone, language: str) -> None:
    t = words(language)
    offer = town.offered()
    head = town.heads[offer["shelter_id"]]
    notice = town.until(lambda: town.call(head, "GET", f"/notifications/inbox/waiting?placement_id={offer['placement_id']}")["notices"])[0]
    link = town.call(head, "POST", f"/notifications/inbox/{notice['id']}/link")["path"]
    phone.log_in(head, link)
    phone.page.wait_for_url(f"**/placement/pages/placements/{offer['placement_id']}**")
    phone.tap(t("act.call"), "link")
    phone.look("call")
    phone.tap(t("inbox.call"))
    phone.page.get_by_text(t("said.called")).wait_for()
    phone.look()
    asked = town.until(
        lambda: [n for n in town.call("placement-dinsos", "GET", "/notifications/inbox/waiting")["notices"] if n["kind"] == "call_wanted"]
    )
    assert len(asked) >= 1
