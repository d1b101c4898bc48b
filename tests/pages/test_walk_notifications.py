"""An operator at a glance, and what officers and the public choose of notifications, on a phone, against the whole platform."""

from typing import Any

import pytest
from chassis.web.pages.words import FRAME
from notifications.pages.words import WORDS

from tests.pages.conftest import Phone

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


@pytest.fixture
def t(language: str) -> Any:
    return lambda key, **values: {**FRAME, **WORDS}[key][0 if language == "id" else 1].format(**values)


def test_an_operator_sees_all_services_at_a_glance_and_which_does_not_answer(phone: Phone, t: Any) -> None:
    phone.log_in("operator", "/notifications/pages/standing/all")
    parts = phone.page.locator("[data-part] [class*=govuk-tag]")
    parts.nth(3).wait_for()
    assert t("standing.silent") not in parts.all_inner_texts()
    phone.look("glance")
    # One service is cut off: the others still say how they stand.
    phone.page.route("**/placement/pages/standing", lambda route: route.abort())
    phone.page.reload()
    parts.nth(3).wait_for()
    assert [text == t("standing.silent") for text in parts.all_inner_texts()] == [False, True, False, False]
    phone.complaints.clear()  # that it was cut off
    phone.look("glance-silent")


def test_an_operator_makes_a_subscription_and_a_policy(phone: Phone, t: Any) -> None:
    phone.log_in("operator", "/notifications/pages/subscriptions")
    phone.tap(t("subscription.new"), "button")
    phone.page.locator("#agency").wait_for()
    phone.look("subscription-new")
    phone.tap(t("subscription.make"))
    phone.page.locator(".govuk-error-summary").wait_for()
    phone.look("subscription-refused")
    phone.page.locator("#agency").fill("dppapp")
    phone.page.locator("#url").fill("https://agency.example/hook")
    phone.page.get_by_label(t("feed.agency.opened.v1"), exact=True).check()
    phone.page.wait_for_timeout(1100)  # two taps on one button within a second are one tap
    phone.tap(t("subscription.make"))
    phone.page.locator("#secret").wait_for()
    phone.look("subscription-secret")
    phone.tap(t("subscription.stored"), "button")
    phone.page.locator("summary").first.tap()
    phone.look("subscription")
    phone.page.goto("/notifications/pages/escalation/policies")
    phone.look("escalation")
    phone.page.goto("/notifications/pages/escalation/policies/high")
    phone.look("escalation-form")
    phone.page.locator('[id="high.0.minutes"]').fill("5")
    phone.page.locator("#source").fill("Surat edaran 7")
    phone.tap(t("escalation.look"))
    phone.page.get_by_text(t("escalation.from_now")).wait_for()
    phone.look("escalation-would")
    phone.page.goto("/notifications/pages/on-call/new")
    phone.look("duty-new")


def test_an_officer_chooses_and_a_desk_announces(phone: Phone, t: Any) -> None:
    phone.log_in("desk-dppapp", "/notifications/pages/preferences")
    phone.look("preferences")
    for part in ("what", "where", "when"):
        phone.page.goto(f"/notifications/pages/preferences/{part}")
        phone.look(f"preferences-{part}")
    phone.page.goto("/notifications/pages/me/phone")
    phone.look("phone")
    phone.page.goto("/notifications/pages/prevention/sessions/new")
    phone.look("session-new")
    phone.page.locator("#title").select_option("child_rights")
    phone.page.locator("input[name=place]").first.check()
    phone.page.locator("#area").select_option("31.71.01")
    phone.page.locator("input[name=audiences]").first.check()
    phone.page.locator("#starts_at").fill("2031-01-04T10:00")
    phone.tap(t("session.announce"))
    phone.page.get_by_text(t("said.announced")).wait_for()
    phone.look("sessions")
    phone.page.get_by_role("link", name=t("title.child_rights")).first.tap()
    phone.page.get_by_text(t("reach.title")).wait_for()
    phone.look("session")
    session = phone.page.url.rpartition("/")[2].partition("?")[0]
    phone.page.goto("/notifications/pages/prevention/statistics")
    phone.look("statistics")
    phone.page.goto(f"/notifications/public/prevention/sessions/{session}")
    phone.look("public-session")
    phone.page.goto("/notifications/public/prevention/stop/0123456789abcdef")
    phone.look("public-stop")
    phone.page.goto("/notifications/pages/public/prevention/choices/0123456789abcdef")
    phone.look("public-choices")
    phone.page.goto("/notifications/pages/public/prevention/contacts")
    phone.look("public-contacts")
    phone.tap(t("frame.leave"))
    phone.page.wait_for_url("**/notifications/pages/kalender")
