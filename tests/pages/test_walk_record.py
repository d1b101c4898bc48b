"""An outreach worker's day on a phone, from her queue to what each person said at the door; then the case's record as a supervisor and an operator see it."""

from uuid import uuid4

import pytest
from intake.pages.words import WORDS

from tests.pages.conftest import Phone, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
DESK, BOSS = "desk-dppapp", "supervisor-dppapp"
OF_A_CASE = (
    "incidents",
    "incidents/new",
    "suspects",
    "suspects/new",
    "legal",
    "legal/step",
    "documents",
    "handover",
    "refer-out",
    "lost",
    "withdraw",
)


def a_case(town: Town) -> str:
    """A case with an incident, a suspect and a step of the law, for which a team is under way."""
    child = {"role": "child", "sex": "male", "age": 9, "name": "Anak Kanarya"}
    mother = {"role": "victim", "sex": "female", "age": 31, "name": "Kanarya Dewi"}
    body = {
        "reference": uuid4().hex,
        "urgency": "high",
        "callback": "di tempat",
        "area": "31.74.03",
        "persons": [mother, child],
        "violence_types": ["seksual"],
        "narrative": "Kanarya bercerita di halte.",
    }
    case: str = town.call(DESK, "POST", "/intake/reports", body)["case_id"]
    at = f"/intake/cases/{case}"
    town.call(DESK, "POST", f"{at}/incidents", {"place": "kos", "relation": "suami_istri", "acts": ["physical"], "narrative": "Dipukul lagi."})
    town.call(DESK, "POST", f"{at}/suspects", {"relation": "suami_istri", "name": "Anwar Kanarya", "age": 40, "areas": ["31.72.01"]})
    town.call(DESK, "POST", f"{at}/legal-steps", {"code": "visum", "on": "2026-01-02"})
    town.call(DESK, "POST", f"{at}/outreach", {"team": "dinsos"})
    return case


def test_outreach_sees_where_to_go_and_says_at_the_door_what_it_found(town: Town, phone: Phone, language: str) -> None:
    def t(key: str, **values: object) -> str:
        return WORDS[key][0 if language == "id" else 1].format(**values)

    case = a_case(town)
    phone.log_in("outreach-dinsos", "/intake/pages/queue")
    phone.look("record-outreach-queue")
    phone.tap_on(phone.page.locator(f'a[href$="/cases/{case}"]'))
    phone.tap(t("act.arrived"))
    phone.page.get_by_text(t("said.arrived")).wait_for()
    phone.look("record-outreach-case")
    phone.tap(t("do.result"))
    phone.look("record-outreach-result")
    phone.tap(t("result.brought"))
    phone.page.locator("#title, h1").first.wait_for()
    phone.tap(t("outing.save"))
    phone.page.get_by_role("alert").wait_for()
    phone.look("record-outreach-refused")
    phone.page.get_by_role("radio", name=t("agreement.agreed"), exact=True).first.check()
    phone.page.get_by_role("radio", name=t("agreement.by_guardian"), exact=True).nth(1).check()
    phone.tap(t("outing.save"))
    phone.page.get_by_text(t("said.came_back")).wait_for()
    assert phone.taps == 6  # queue, arrived, result, brought, and the form, once too early
    phone.context.clear_cookies()
    phone.log_in(BOSS, f"/intake/pages/cases/{case}")
    phone.look("record-case")
    for path in (*OF_A_CASE, "outreach"):
        phone.page.goto(f"/intake/pages/cases/{case}/{path}")
        phone.look(f"record-{path.replace('/', '-')}")
    for path in ("pace", "availability", "agencies", "handovers", "follow"):
        phone.page.goto(f"/intake/pages/{path}")
        phone.look(f"record-{path}")
    phone.context.clear_cookies()
    phone.log_in("operator", "/intake/pages/agencies")
    for path in ("agencies", "agencies/dppapp", "agencies/dppapp/edit", "agencies/new", "quarantine", "standing"):
        phone.page.goto(f"/intake/pages/{path}")
        phone.look(f"record-operator-{path.replace('/', '-')}")
