"""Two officers, two phones, one field: whoever comes second sees both values and decides, and so does the first when she comes again."""

from collections.abc import Iterator

import pytest
from chassis.web.pages.words import FRAME
from intake.pages.words import WORDS
from playwright.sync_api import Browser

from tests.intake.builders import a_person, a_referral
from tests.pages.conftest import Phone, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
DESK, BOSS = "desk-dppapp", "supervisor-dppapp"


@pytest.fixture
def two(town: Town, browser: Browser, language: str) -> Iterator[tuple[Phone, Phone]]:
    phones = Phone(town, browser, language), Phone(town, browser, language)
    yield phones
    for phone in phones:
        phone.close()


def test_two_who_edit_one_field_both_see_both_values(town: Town, two: tuple[Phone, Phone], language: str) -> None:
    def t(key: str) -> str:
        return {**FRAME, **WORDS}[key][0 if language == "id" else 1]

    def keep(phone: Phone, name: str, button: str) -> None:
        phone.page.locator('[id="persons.0.name"]').fill(name)
        phone.tap(t(button))

    def sees_both(phone: Phone, theirs: str, yours: str) -> None:
        phone.page.get_by_role("heading", name=t("frame.conflict")).wait_for()
        row = phone.page.locator("table tr", has_text=theirs)
        assert row.locator("td").all_inner_texts() == [theirs, yours]
        phone.complaints.clear()  # the browser mentions that the form was refused
        phone.look()

    case_id = town.call(DESK, "POST", "/intake/reports", a_referral(persons=[a_person(name="Sekar Ayu", nik=None)]))["case_id"]
    at = f"/intake/pages/cases/{case_id}/household"
    first, second = two
    for phone, who in ((first, DESK), (second, BOSS)):
        phone.log_in(who, at)
        phone.page.locator('[id="persons.0.name"]').wait_for()
    keep(first, "Sekar Lestari", "household.save")
    first.page.get_by_text(t("said.household")).wait_for()
    first.page.goto(at)
    keep(second, "Sekar Kenanga", "household.save")
    sees_both(second, "Sekar Lestari", "Sekar Kenanga")
    keep(second, "Sekar Kenanga", "household.mine")
    second.page.get_by_text(t("said.household")).wait_for()
    # The first had the form open again, from before the second decided, and keeps to her word.
    keep(first, "Sekar Melati", "household.save")
    sees_both(first, "Sekar Kenanga", "Sekar Melati")
    (person,) = town.call(DESK, "GET", f"/intake/cases/{case_id}")["persons"]
    assert person["name"] == "Sekar Kenanga", "nothing is written over unseen"
