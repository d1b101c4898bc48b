"""Consent, sharing and a person's rights on a phone: a desk's and a supervisor's pages, as they are and refused."""

import pytest

from tests.flows.people import a_referral
from tests.pages.conftest import Phone, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
DESK = "desk-dppapp"
EMPTY = ("consents/new", "disclosures/new")


def test_a_desk_asks_records_and_shares_on_a_phone(town: Town, phone: Phone, language: str) -> None:
    case = town.call(DESK, "POST", "/intake/reports", a_referral(f"papers-{language}", shelter=False))["case_id"]
    person = town.call(DESK, "GET", f"/intake/cases/{case}")["persons"][0]["person_id"]
    at = f"/intake/pages/cases/{case}"
    phone.log_in(DESK, at)
    phone.look()
    for path in EMPTY:
        phone.page.goto(f"{at}/{path}")
        phone.look(f"papers-{path.replace('/', '-')}")
        phone.page.locator("main form button").first.tap()
        phone.page.locator(".govuk-error-summary").wait_for()
        phone.look(f"papers-{path.replace('/', '-')}-empty")
    said = {"purpose": "health", "medium": "written", "text_version": "v1"}
    (consent,) = town.call(DESK, "POST", f"/intake/cases/{case}/consents", {"persons": [person], **said})
    shared = {"recipient": "dinsos", "purpose": "health", "fields": ["name", "area"], "persons": [person]}
    town.call(DESK, "POST", f"/intake/cases/{case}/disclosures", shared)
    for path in ("consents", f"consents/{consent['consent_id']}/withdraw", "disclosures"):
        phone.page.goto(f"{at}/{path}")
        phone.look(f"papers-{path.split('/')[0]}{'-withdraw' if 'withdraw' in path else ''}")
    for path in ("", "/safe-contact", "/restrictions", "/restrictions/new", "/requests/new"):
        phone.page.goto(f"{at}/persons/{person}{path}")
        phone.look(f"papers-person{path.replace('/', '-')}")
    phone.page.goto("/intake/pages/break-glass/new")
    phone.look("papers-glass")
