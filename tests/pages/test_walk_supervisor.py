"""A supervisor's day on a phone: what waits, a plan decided, a conference recorded, a worker's leave, a programme; and an operator's instruments."""

from datetime import date, timedelta
from typing import Any

import pytest
from assessment.pages.words import WORDS
from chassis.web.pages.words import FRAME
from ops.identities import identities

from tests.assessment.calls import plan_of
from tests.pages.conftest import Phone, Town
from tests.pages.test_walk_peksos import HEAD, WORKER, Say, choose, come, given, leave, mother_of

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
JUDGED = {"risk_view": {"band": "mild"}, "no_instrument_reason": "declined"}


def proposed(town: Town) -> tuple[str, list[dict[str, Any]]]:
    """A case whose plan waits for a supervisor; its persons."""
    case_id = given(town)
    at = f"/assessment/cases/{case_id}"
    persons = town.call(WORKER, "GET", at)["members"]
    town.call(WORKER, "POST", f"{at}/complete", JUDGED)
    town.call(WORKER, "POST", f"{at}/plan", plan_of({person["person_id"]: "services_at_home" for person in persons}))
    return case_id, persons


def decide(phone: Phone, t: Say, case_id: str) -> None:
    """From what waits to the approved plan."""
    phone.log_in(HEAD, "/assessment/pages/supervision")
    phone.look("supervision")
    phone.page.locator(f'a[href="/assessment/pages/cases/{case_id}/plan"]').tap()
    phone.tap(t("act.approve"))
    phone.page.get_by_text(t("said.approved")).wait_for()


def confer(phone: Phone, t: Say, case_id: str, mother: str) -> None:
    """A conference on it, at first with herself alone."""
    at = f"/assessment/pages/cases/{case_id}"
    phone.page.goto(f"{at}/plan/record")
    phone.tap(t("act.confer"))
    phone.page.wait_for_url("**/conferences/new")
    phone.look("conference")
    choose(phone, "decision", "plan_supported")
    phone.tap(t("act.save"))
    phone.page.get_by_text(t("code.present.invalid")).first.wait_for()
    phone.look("conference-problem")
    choose(phone, "present.1.role", "peksos")
    phone.page.locator('[name="present.1.agency"]').fill("dppapp")
    phone.page.locator(f'[name="comments.{mother}"]').fill("Contoh catatan")
    phone.tap(t("act.save"))
    phone.page.get_by_text(t("said.conferred")).wait_for()
    phone.look("record")


def keep_workers(phone: Phone, t: Say) -> None:
    """A worker's load, her leave, and what she does."""
    at = f"/assessment/pages/workers/{identities()[WORKER].subject}"
    phone.page.goto("/assessment/pages/workers")
    phone.look("workers")
    phone.page.locator(f'a[href="{at}"]').tap()
    phone.page.get_by_role("heading", name=t("worker.title")).wait_for()
    phone.look("worker")
    for page in ("shifts", "edit", "leaves"):
        phone.page.goto(f"{at}/{page}")
        phone.look(f"worker-{page}")
    later = date.today() + timedelta(days=400)  # noqa: DTZ011 - a day by the phone's own calendar
    for name in ("leaves.0.first", "leaves.0.last"):
        phone.page.locator(f'[name="{name}"]').fill(str(later))
    phone.tap(t("act.save"))
    phone.page.get_by_text(t("said.worker_kept")).wait_for()
    phone.page.goto(f"{at}/conflicts/new")
    phone.look("conflict")


def offer(phone: Phone, t: Say) -> None:
    """A programme, at first without anything in it."""
    phone.page.goto("/assessment/pages/programmes/new")
    phone.look("programme-new")
    phone.tap(t("offer.act"))
    phone.page.get_by_role("alert").wait_for()
    phone.look("programme-problem")
    choose(phone, "kind", "counselling")
    choose(phone, "area", "31.74.04")
    today = date.today()  # noqa: DTZ011 - a day by the phone's own calendar
    told = {"name": f"Konseling contoh {phone.language}", "places": "8", "begins_on": today, "ends_on": today + timedelta(days=60)}
    for name, value in {**told, "first_session": f"{today + timedelta(days=1)}T09:30", "how_many": "4"}.items():
        phone.page.locator(f'[name="{name}"]').fill(str(value))
    phone.tap(t("offer.act"))
    phone.page.get_by_text(t("said.programme_offered")).wait_for()
    phone.look("programmes-kept")
    phone.page.locator("li", has_text=str(told["name"])).get_by_role("link").tap()
    phone.page.wait_for_url("**/edit")
    phone.look("programme-edit")


def keep_instruments(phone: Phone, t: Say) -> None:
    """An operator looks at the versions, pastes what is no definition, and sees a wording's form."""
    come(phone, "operator", "/assessment/pages/instruments")
    phone.look("instruments-kept")
    for page in ("gad7/1", "gad7/1/wording/id", "new"):
        phone.page.goto(f"/assessment/pages/instruments/{page}")
        phone.look(f"instrument-{page.rpartition('/')[2]}")
    phone.page.locator('[name="definition"]').fill('{"code": "contoh", "items": [{"code": "satu", "values": [1, 1]}]}')
    phone.tap(t("version.draft_it"))
    phone.page.get_by_role("alert").wait_for()
    phone.look("instrument-problem")


def review(phone: Phone, t: Say, case_id: str) -> None:
    """The worker reviews the plan, and looks at her own entry."""
    come(phone, WORKER, f"/assessment/pages/cases/{case_id}/plan/review")
    phone.look("plan-review")
    choose(phone, "finding", "on_track")
    phone.tap(t("act.save"))
    phone.page.get_by_text(t("said.plan_reviewed")).wait_for()
    phone.look("record-reviewed")
    phone.page.goto(f"/assessment/pages/workers/{identities()[WORKER].subject}")
    phone.look("worker-own")


def test_a_supervisor_decides_confers_and_sees_to_her_workers(town: Town, phone: Phone, language: str) -> None:
    def t(key: str, **values: Any) -> str:
        return {**WORDS, **FRAME}[key][0 if language == "id" else 1].format(**values)

    case_id, persons = proposed(town)
    decide(phone, t, case_id)
    confer(phone, t, case_id, mother_of(persons))
    keep_workers(phone, t)
    offer(phone, t)
    leave(phone, t)
    review(phone, t, case_id)
    leave(phone, t)
    keep_instruments(phone, t)
