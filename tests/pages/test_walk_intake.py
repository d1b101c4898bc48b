"""A desk officer's day on a phone, in both languages: a report whose network is pulled, its triage, the case, and the public's own form."""

from typing import Any
from uuid import uuid4

import pytest
from chassis.web.pages.words import FRAME
from intake.pages.words import WORDS
from playwright.sync_api import Route

from tests.pages.conftest import LARGEST_PAGE, Phone, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
DESK = "desk-dppapp"
# All that the page left on the device, readable or not, as text.
LEFT_BEHIND = """async () => {
  const database = await new Promise((ok) => { const asked = indexedDB.open("naungan"); asked.onsuccess = () => ok(asked.result); });
  const all = (name) => new Promise((ok) => { const asked = database.transaction(name).objectStore(name).getAll(); asked.onsuccess = () => ok(asked.result); });
  const text = (bytes) => new TextDecoder("latin1").decode(bytes);
  const drafts = (await all("drafts")).map((d) => ({ ...d, iv: d.iv && text(d.iv), sealed: d.sealed && text(d.sealed) }));
  const keys = (await all("keys")).map((key) => [key.type, key.extractable]);
  const workers = (await navigator.serviceWorker.getRegistrations()).length;
  const kept = [...Object.values(localStorage), ...Object.values(sessionStorage)];
  return { drafts: JSON.stringify(drafts), keys, caches: await caches.keys(), workers, kept };
}"""


def words(language: str) -> Any:
    return lambda key, **values: WORDS[key][0 if language == "id" else 1].format(**values)


def fill(phone: Phone, name: str) -> None:
    page, t = phone.page, words(phone.language)
    page.locator('form[data-report="kept"]').wait_for()
    page.get_by_role("radio", name=t("report.urgency.high")).check()
    page.locator("#narrative").fill(f"Cerita {name}")
    page.locator('[id="persons.0.name"]').fill(name)
    page.locator('[id="persons.0.sex"]').select_option("female")
    page.locator('[id="persons.0.age"]').fill("31")
    page.locator("#area").select_option("31.74.03")
    page.locator("#callback").fill("Bu Ratna, di tempat")


def cases(town: Town) -> set[str]:
    return {line["case_id"] for line in town.call(DESK, "GET", "/intake/cases?limit=500")}


def test_a_network_that_is_pulled_in_the_middle_makes_exactly_one_case(town: Town, phone: Phone, language: str) -> None:
    t, before, name = words(language), cases(town), f"Kanarya {uuid4().hex[:8]}"
    phone.log_in(DESK, "/intake/pages/reports/new")
    phone.look("intake-report")
    fill(phone, name)

    def lost(route: Route) -> None:
        """The report arrives, and its answer does not."""
        route.fetch()
        route.abort()

    phone.page.route("**/intake/pages/reports", lost)
    phone.tap(t("report.send"))
    phone.page.get_by_text(t("draft.offline")).wait_for()
    phone.context.set_offline(True)
    left = phone.page.evaluate(LEFT_BEHIND)
    assert "queued" in left["drafts"]
    assert name not in str(left)
    assert "Cerita" not in str(left)
    assert (left["keys"], left["caches"], left["workers"], left["kept"]) == ([["secret", False]], [], 0, [])
    # A second one is written without a network, and waits too.
    fill(phone, f"{name} kedua")
    phone.page.wait_for_timeout(1100)  # two taps on one button within a second are one tap
    phone.tap(t("report.send"))
    phone.page.locator('[data-state="queued"]').nth(1).wait_for()
    phone.page.unroute("**/intake/pages/reports")
    phone.complaints.clear()  # that there was no network
    phone.context.set_offline(False)
    phone.page.locator('[data-state="sent"]').nth(1).wait_for()
    phone.look("intake-report-sent")
    made = cases(town) - before
    assert len(made) == 2
    assert sorted(town.call(DESK, "GET", f"/intake/cases/{case}")["persons"][0]["name"] for case in made) == [name, f"{name} kedua"]
    assert name not in str(phone.page.evaluate(LEFT_BEHIND))


def test_what_is_not_finished_waits_encrypted_for_the_officer_who_wrote_it(town: Town, phone: Phone, language: str) -> None:
    t, name = words(language), f"Kanarya {uuid4().hex[:8]}"
    phone.log_in(DESK, "/intake/pages/reports/new")
    fill(phone, name)
    phone.page.wait_for_function("async () => (await indexedDB.databases()).length > 0")
    phone.page.wait_for_timeout(700)
    assert name not in str(phone.page.evaluate(LEFT_BEHIND))
    phone.page.goto("/intake/pages/reports/new")
    phone.tap(t("draft.open"))
    phone.page.locator(f'input[value="{name}"]').wait_for()
    # Somebody else who takes the device sees nothing of it.
    phone.context.clear_cookies()
    phone.log_in("outreach-dinsos", "/intake/pages/reports/new")
    phone.page.locator('form[data-report="kept"]').wait_for()
    assert phone.page.locator("[data-drafts-list] li").count() == 0


def test_a_desk_officers_day(town: Town, phone: Phone, language: str) -> None:
    t, name = words(language), f"Kanarya {uuid4().hex[:8]}"
    phone.log_in(DESK, "/intake/pages/queue")
    phone.look("intake-queue")
    phone.tap(t("queue.new"))
    fill(phone, name)
    phone.page.get_by_role("checkbox", name=t("flag.weapon")).check()
    phone.page.locator("#callback").fill("")
    phone.tap(t("report.send"))
    phone.page.get_by_role("alert").wait_for()
    phone.complaints.clear()  # the browser mentions that the script was refused, before the page says why
    phone.look("intake-report-problem")
    phone.page.locator('form[data-report="kept"]').wait_for()
    phone.page.locator("#callback").fill("Bu Ratna, di tempat")
    phone.tap(t("report.send"))
    phone.page.get_by_text(t("said.reported")).wait_for()
    phone.look("intake-case")
    phone.tap(t("act.triage"))
    phone.page.get_by_role("radio", name=t("risk.low"), exact=True).check()
    phone.page.get_by_role("radio", name=t("choose.no"), exact=True).check()
    phone.tap(t("triage.save"))
    phone.page.locator("input[name=floor]").wait_for(state="attached")
    phone.look("intake-triage")
    phone.tap(t("triage.save"))
    phone.page.get_by_text(t("said.triaged")).wait_for()
    phone.look("intake-case-triaged")
    phone.page.goto("/intake/pages/queue")
    phone.look("intake-queue-others")


def test_the_public_reports_and_leaves_at_once(town: Town, phone: Phone, language: str) -> None:
    t = words(language)
    phone.page.goto("/intake/pages/public")
    if language == "en":
        phone.page.get_by_role("link", name="English").click()
    phone.look("public")
    phone.page.locator("#narrative").fill("Kanarya terdengar menangis")
    phone.tap(t("public.send"))
    phone.page.locator("#code").wait_for()
    phone.look("public-receipt")
    code, pin = (phone.page.locator(f"#{name}").inner_text() for name in ("code", "pin"))
    phone.tap(t("public.ask"), "link")
    phone.page.locator("#code").fill(code)
    phone.page.locator("#pin").fill(pin)
    phone.tap(t("public.look"))
    phone.page.get_by_text(t("public.received")).wait_for()
    phone.look("public-status")
    phone.page.goto("/intake/pages/public")
    phone.page.locator("#narrative").fill("Kanarya")
    at = phone.page.evaluate("history.length")
    phone.tap(FRAME["frame.leave"][0 if language == "id" else 1])
    phone.page.wait_for_url("**/intake/pages/kalender")
    assert phone.page.evaluate("history.length") == at  # the form's place in the history is the calendar's now
    phone.look("calendar")
    phone.page.goto("/intake/pages/public")
    for _ in range(3):
        phone.page.keyboard.press("Escape")
    phone.page.wait_for_url("**/intake/pages/kalender")
    assert phone.bytes < 4 * LARGEST_PAGE
