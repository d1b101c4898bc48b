"""A social worker's day on a phone, and her supervisor's: from a new case to its outcome, in both languages, against the whole platform."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from assessment.pages.words import WORDS
from chassis.web.pages.words import FRAME
from ops.identities import identities

from tests.flows.people import a_referral
from tests.pages.conftest import Phone, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
WORKER, HEAD = "peksos-1", "supervisor-dinsos"
Say = Callable[..., str]


def given(town: Town) -> str:
    """A case at home that is given to the only worker."""
    town.call("operator", "PUT", f"/assessment/workers/{identities()[WORKER].subject}", {"agency": "dinsos"})
    known = {case["case_id"] for case in town.call(WORKER, "GET", "/assessment/cases")}
    town.run(town._refer(a_referral(uuid4().hex[:12], shelter=False)))
    new = town.until(lambda: [case for case in town.call(WORKER, "GET", "/assessment/cases") if case["case_id"] not in known])
    return str(new[0]["case_id"])


def choose(phone: Phone, name: str, value: str) -> None:
    """Choose in a list, or one of some buttons, by the field's name."""
    field = phone.page.locator(f'[name="{name}"]')
    if field.first.evaluate("field => field.tagName") == "SELECT":
        field.select_option(value)
    else:
        phone.page.locator(f'[name="{name}"][value="{value}"]').check()


def leave(phone: Phone, t: Say) -> None:
    """Log out."""
    phone.tap(t("frame.log_out"))
    phone.page.get_by_role("heading", name=t("frame.logged_out")).wait_for()


def come(phone: Phone, who: str, to: str) -> None:
    """Log in as another on the same phone, which knows its language already."""
    phone.page.goto(to)
    phone.page.get_by_role("link", name=who, exact=True).click()
    phone.page.wait_for_url(f"**{to}")


def ask_the_screen(phone: Phone, t: Say) -> None:
    """The safety screen, question by question; at the third she goes back and changes an answer."""
    phone.look("question")
    phone.tap(t("question.save"))
    phone.page.get_by_role("alert").wait_for()
    phone.look("question-problem")
    for number in range(1, 11):
        phone.page.get_by_text(t("question.place", place=number, of=10)).wait_for()
        choose(phone, "answer", "1" if number == 2 else "0")
        phone.tap(t("question.save"))
        if number == 2:
            phone.page.get_by_text(t("question.place", place=3, of=10)).wait_for()
            phone.page.go_back()
            choose(phone, "answer", "0")
            phone.tap(t("question.save"))
            phone.page.get_by_text(t("question.place", place=3, of=10)).wait_for()
            phone.page.go_back()
            choose(phone, "answer", "1")
            phone.tap(t("question.save"))
    phone.page.get_by_role("button", name=t("sheet.conclude")).wait_for()
    phone.look("sheet")


def plan(phone: Phone, persons: list[dict[str, Any]]) -> None:
    """What is agreed with a mother and her child."""
    for person in persons:
        at = f"outcomes.{person['person_id']}"
        choose(phone, f"{at}.outcome", "services_at_home")
        child = person["age"] < 18
        choose(phone, f"{at}.agreement.agreed", "own_view_and_consenter" if child else "agreed")
        if child:
            choose(phone, f"{at}.agreement.own_view", "agrees")
            choose(phone, f"{at}.agreement.consenter", "guardian")


def assess(town: Town, phone: Phone, t: Say, case_id: str) -> list[dict[str, Any]]:
    """From the queue to a judgement which the rules raise; the persons of the case."""
    at = f"/assessment/pages/cases/{case_id}"
    phone.log_in(WORKER, "/assessment/pages/queue")
    phone.look("queue-peksos")
    phone.page.locator(f'a[href="{at}"]').tap()
    phone.page.get_by_role("button", name=t("act.claim")).wait_for()
    phone.look("assessment-case")
    phone.tap(t("act.claim"))
    phone.page.get_by_text(t("said.claimed")).wait_for()
    persons: list[dict[str, Any]] = town.call(WORKER, "GET", f"/assessment/cases/{case_id}")["members"]
    phone.page.goto(f"{at}/persons/{mother_of(persons)}/instruments")
    phone.look("instruments")
    phone.page.goto(f"{at}/persons/{mother_of(persons)}/instruments/triage_screen/next")
    ask_the_screen(phone, t)
    phone.tap(t("sheet.conclude"))
    phone.page.get_by_role("button", name=t("act.conclude")).wait_for()
    phone.look("conclude")
    for name, value in (("risk_view.band", "mild"), ("risk", "low")):
        choose(phone, name, value)
    phone.tap(t("act.conclude"))
    phone.page.get_by_text(t("said.concluded")).wait_for()
    phone.look("assessments")
    assert "danger_weapon" in town.call(WORKER, "GET", f"/assessment/cases/{case_id}/assessments")[0]["rules"]
    return persons


def mother_of(persons: list[dict[str, Any]]) -> str:
    return next(str(person["person_id"]) for person in persons if person["age"] >= 18)


def propose(phone: Phone, t: Say, at: str, persons: list[dict[str, Any]]) -> None:
    """The plan, at first without anything in it."""
    phone.page.goto(f"{at}/plan/propose")
    phone.look("plan-form")
    phone.tap(t("act.propose"))
    phone.page.get_by_role("alert").wait_for()
    phone.look("plan-problem")
    plan(phone, persons)
    phone.tap(t("act.propose"))
    phone.page.get_by_text(t("said.proposed")).wait_for()
    leave(phone, t)


def decide(phone: Phone, t: Say, at: str) -> None:
    """A supervisor looks at it and approves."""
    come(phone, HEAD, f"{at}/plan")
    phone.page.goto("/assessment/pages/queue")
    phone.look("queue-supervisor")
    phone.page.goto(f"{at}/plan/return")
    phone.look("plan-return")
    phone.page.goto(f"{at}/plan")
    phone.look("plan-decide")
    phone.tap(t("act.approve"))
    phone.page.get_by_text(t("said.approved")).wait_for()
    phone.page.goto(f"{at}/reassign")
    phone.look("reassign")
    leave(phone, t)


def carry_out(phone: Phone, t: Say, at: str, mother: str) -> None:
    """The first step on the mother's way, and every other page of the case."""
    come(phone, WORKER, f"{at}/outcomes")
    phone.look("outcomes")
    phone.page.goto(f"{at}/outcomes/{mother}/steps/risk_recheck")
    phone.look("step")
    choose(phone, "step.risk", "low")
    yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 - a day by the phone's own calendar
    phone.page.locator('[name="step.on"]').fill(str(yesterday))
    phone.tap(t("act.save"))
    phone.page.get_by_text(t("said.step"), exact=True).wait_for()
    for page in ("", "/services", "/enrolments", "/followups"):
        phone.page.goto(f"{at}{page}")
        phone.look("assessment-case-later" if not page else None)
    phone.page.goto("/assessment/pages/programmes")
    phone.look("programmes")


def test_a_worker_assesses_and_plans_and_a_supervisor_decides(town: Town, phone: Phone, language: str) -> None:
    def t(key: str, **values: Any) -> str:
        return {**WORDS, **FRAME}[key][0 if language == "id" else 1].format(**values)

    case_id = given(town)
    at = f"/assessment/pages/cases/{case_id}"
    persons = assess(town, phone, t, case_id)
    propose(phone, t, at, persons)
    decide(phone, t, at)
    carry_out(phone, t, at, mother_of(persons))
