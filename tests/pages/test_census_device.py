"""What stays on a device after its browser was closed: nothing of what was told, in no store of the browser and in no file of its profile."""

import gzip
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from chassis.web.pages.words import FRAME
from intake.pages.words import WORDS
from playwright.sync_api import BrowserContext, BrowserType

from tests.intake.builders import a_nik
from tests.pages.conftest import PHONE, STARTED, Phone, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
DESK = "desk-dppapp"
PLAIN = "Kenari yang lupa disandikan"
# What a page would do that forgets to encrypt, in each store that a browser has for it.
FORGET = """async text => {
  localStorage.setItem("lupa", text);
  await (await caches.open("lupa")).put("/lupa", new Response(text));
  await new Promise(done => {
    const asked = indexedDB.open("lupa");
    asked.onupgradeneeded = () => asked.result.createObjectStore("x");
    asked.onsuccess = () => { asked.result.transaction("x", "readwrite").objectStore("x").put(text, 1).transaction?.commit?.(); setTimeout(done, 200); };
  });
}"""
STORES = """async () => [await caches.keys(), (await navigator.serviceWorker.getRegistrations()).length, Object.keys(localStorage), Object.keys(sessionStorage)]"""


def t(key: str) -> str:
    return WORDS[key][0]


def lying_in(profile: Path, marks: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Which kinds of what was told lie in which files, in the encodings that a browser writes, unpacked where it packs."""
    for file in profile.rglob("*"):
        if not file.is_file() or file.is_symlink():
            continue
        content = file.read_bytes()
        if (at := content.find(b"\x1f\x8b\x08")) >= 0:
            with suppress(OSError, EOFError):
                content += gzip.decompress(content[at:])
        for value, kind in marks.items():
            if any(value.encode(code) in content for code in ("utf-8", "utf-16-le", "utf-16-be")):
                yield str(file.relative_to(profile)), kind


class Device:
    """A browser whose profile is kept, as on somebody's phone."""

    def __init__(self, chromium: BrowserType, town: Town, profile: Path) -> None:
        self.profile = profile
        self.context: BrowserContext = chromium.launch_persistent_context(str(profile), base_url=town.origin, **PHONE, **STARTED)
        self.phone = Phone(town, self.context, "id")

    def lies(self, marks: Mapping[str, str]) -> list[tuple[str, str]]:
        """Close it, and look at what it wrote."""
        self.phone.page.wait_for_timeout(1500)  # a browser writes behind
        self.context.close()
        return sorted(set(lying_in(self.profile, marks)))


def told() -> dict[str, str]:
    number = uuid4().int % 10**8
    return {
        f"Kenari{number} Burungkuning": "name",
        a_nik(serial=number % 9000 + 1000): "nik",
        f"0813-{number:08}": "phone",
        f"Jalan Kenari{number} Nomor Tujuh": "address",
        f"Bu Kenari{number} di warung": "callback",
        f"Cerita kenari{number} yang panjang": "narrative",
    }


def write_a_report(phone: Phone, marks: Mapping[str, str]) -> None:
    """A report of which every field is known."""
    page, of = phone.page, {kind: value for value, kind in marks.items()}
    page.locator('form[data-report="kept"]').wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(found => { found.open = true; })")
    page.get_by_role("radio", name=t("report.urgency.high")).check()
    for name in ("narrative", "callback"):
        page.locator(f"#{name}").fill(of[name])
    for name in ("name", "nik", "phone", "address"):
        page.locator(f'[id="persons.0.{name}"]').fill(of[name])
    page.locator('[id="persons.0.sex"]').select_option("female")
    page.locator('[id="persons.0.age"]').fill("31")
    page.locator("#area").select_option("31.74.03")


def test_nothing_that_an_officer_wrote_or_read_lies_on_the_device(town: Town, chromium: BrowserType, tmp_path: Path) -> None:
    device, sent, queued, draft = Device(chromium, town, tmp_path / "phone"), told(), told(), told()
    phone = device.phone
    phone.log_in(DESK, "/intake/pages/reports/new")
    write_a_report(phone, sent)
    phone.tap(t("report.send"))
    phone.page.get_by_text(t("said.reported")).wait_for()
    assert phone.page.get_by_text(next(iter(sent))).count(), "her case is open, with what was told of her"
    phone.page.goto("/intake/pages/reports/new")
    phone.page.locator('form[data-report="kept"]').wait_for()
    phone.context.set_offline(True)
    write_a_report(phone, queued)
    phone.tap(t("report.send"))
    phone.page.locator('[data-state="queued"]').wait_for()
    write_a_report(phone, draft)
    phone.page.wait_for_timeout(700)  # what is written is kept a moment later
    assert phone.page.evaluate(STORES) == [[], 0, [], []]
    assert device.lies({**sent, **queued, **draft}) == []


def test_nothing_of_the_publics_report_lies_on_the_device_nor_the_way_back_to_it(town: Town, chromium: BrowserType, tmp_path: Path) -> None:
    device, cry = Device(chromium, town, tmp_path / "phone"), f"Kenari{uuid4().int % 10**8} menangis di sebelah"
    page = device.phone.page
    page.goto("/intake/pages/public")
    page.locator("#narrative").fill(cry)
    device.phone.tap(t("public.send"))
    page.locator("#code").wait_for()
    marks = {cry: "narrative", page.locator("#code").inner_text(): "code"}
    page.goto("/intake/pages/public")
    page.locator("#narrative").fill(cry)
    device.phone.tap(FRAME["frame.leave"][0])
    page.wait_for_url("**/intake/pages/kalender")
    page.go_back()
    assert not page.get_by_text(cry).count()
    assert cry not in page.locator("body").inner_html()
    assert page.evaluate(STORES) == [[], 0, [], []]
    assert device.lies(marks) == []


def test_what_a_page_forgot_to_encrypt_would_be_found(town: Town, chromium: BrowserType, tmp_path: Path) -> None:
    device = Device(chromium, town, tmp_path / "phone")
    device.phone.page.goto("/intake/pages/kalender")
    device.phone.page.evaluate(FORGET, PLAIN)
    found = {file.split("/")[1] for file, _ in device.lies({PLAIN: "plain"})}
    assert {"Local Storage", "IndexedDB", "Service Worker"} <= found, found
