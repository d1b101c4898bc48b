"""The whole platform on this machine, with a phone in front of it: Debian's Chromium, driven by Playwright."""

import asyncio
import json
import os
import shutil
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar
from uuid import uuid4

import httpx
import nats
import pytest
from ops.identities import identities
from ops.platform import Platform
from ops.seed import demo_shelters
from playwright.sync_api import Browser, BrowserContext, BrowserType, ConsoleMessage, FloatRect, Locator, Request, sync_playwright

from tests.flows.people import a_referral

CHROMIUM = shutil.which("chromium")
ROOT = Path(__file__).parents[2]
AXE = ROOT / "shared/chassis/assets/node_modules/axe-core/axe.min.js"
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
PATIENCE = 60
LARGEST_PAGE = 100_000
LARGEST_PICTURE = 100_000
SCALES: tuple[Literal["device"], Literal["css"]] = ("device", "css")
R = TypeVar("R")


class Town:
    """The platform of these tests, in a thread with a loop of its own, and what agencies and officers do to it from outside."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.platform = Platform(folder, settings={"NOTIFICATIONS_LIVE_POLL_SECONDS": "0.2", **settings})
        self.client = httpx.Client(timeout=30, trust_env=False)
        self.seen: list[str] = []
        self.heads = {who.units[0]: who.name for who in identities().values() if who.units}

    def run(self, work: Coroutine[Any, Any, R], patience: float = 180) -> R:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(patience)

    @property
    def origin(self) -> str:
        return self.platform.gateway

    def call(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """What somebody's system asks; the answer's body."""
        token = self.run(self.platform.token(who))
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
        answer = self.client.request(method, f"{self.origin}{path}", json=body, headers=headers)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    def until(self, look: Any) -> Any:
        """What a look finds, as soon as it finds something."""
        deadline = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.1)
        return found

    def offered(self, **changes: Any) -> dict[str, Any]:
        """A household is referred over NATS; the offer that comes of it."""
        reference = uuid4().hex[:12]
        self.run(self._refer(a_referral(reference, shelter=True, risk="high", **changes)))
        known = set(self.seen)
        found: dict[str, Any] = self.until(
            lambda: next(
                (p for p in self.call("placement-dinsos", "GET", "/placement/placements?state=offered") if p["placement_id"] not in known), None
            )
        )
        self.seen.append(found["placement_id"])
        return found

    async def _refer(self, referral: dict[str, Any]) -> None:
        platform = self.platform
        client = await nats.connect(platform.nats.url, user="dppapp", password=platform.secrets.passwords["dppapp"], inbox_prefix="_INBOX_dppapp")
        await client.request("referral.dppapp.submitted.v1", json.dumps(referral).encode(), timeout=10)
        await client.close()

    def stop(self) -> None:
        self.client.close()
        self.run(self.platform.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)


@contextmanager
def a_town(folder: Path, **settings: str) -> Iterator[Town]:
    """A platform in this folder, as long as it is needed."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here (Debian's package `chromium`): the pages are not walked")
    if not AXE.exists():
        pytest.skip("axe-core is not here: `make setup` brings it with what the pages are dressed in")
    made = Town(folder, **settings)
    try:
        made.run(made.platform.start())
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with a_town(tmp_path_factory.mktemp("town")) as made:
        for number in (6, 7):
            made.call("operator", "POST", "/placement/shelters", demo_shelters()[number - 1])
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserType]:
    # While Playwright is there its loop counts as running in this thread, and no asynchronous test can: so it goes before another file's tests come.
    with sync_playwright() as playwright:
        yield playwright.chromium


STARTED: dict[str, Any] = {"executable_path": CHROMIUM, "args": ["--no-sandbox"] if os.geteuid() == 0 else []}


@pytest.fixture(scope="module")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    started = chromium.launch(**STARTED)
    yield started
    started.close()


@cache
def axe() -> str:
    """The checker's script."""
    return AXE.read_text()


class Phone:
    """A phone in somebody's hand: it counts her taps, and looks that no page asks another host, is large, or complains."""

    def __init__(self, town: Town, browser: Browser | BrowserContext, language: str, **options: Any) -> None:
        self.town, self.language = town, language
        if isinstance(browser, BrowserContext):  # of somebody's own device, whose profile is kept
            self.context, self.page = browser, browser.pages[0]
        else:
            self.context = browser.new_context(**{**PHONE, **options}, base_url=town.origin)
            self.page = self.context.new_page()
        self.taps, self.bytes = 0, 0
        self.complaints: list[str] = []
        self.page.on("console", self._complained)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        # (Asking Playwright for the sizes of a request waits for its end, which a stream of events does not have.)
        wire = self.context.new_cdp_session(self.page)
        wire.send("Network.enable")
        wire.on("Network.loadingFinished", self._came)

    def _complained(self, message: ConsoleMessage) -> None:
        # A form that is refused is a page with the status of its refusal, which the browser mentions.
        refused = "status of 4" in message.text and message.location["url"] == self.page.url
        if message.type == "error" and not refused:
            self.complaints.append(f"{message.text} {message.location['url']}")

    def _came(self, told: dict[str, Any]) -> None:
        self.bytes += int(told["encodedDataLength"])

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(self.town.origin):
            self.complaints.append(f"another host: {request.url}")

    def log_in(self, who: str, to: str = "/") -> None:
        """Follow a link, through the issuer's page, as somebody."""
        self.page.goto(to)
        self.page.get_by_role("link", name=who, exact=True).click()
        if self.language == "en":
            self.page.get_by_role("link", name="English").click()

    def tap(self, name: str, role: Any = "button", nth: int = 0) -> None:
        """Tap on what is called so."""
        self.tap_on(self.page.get_by_role(role, name=name, exact=True).nth(nth))

    def tap_on(self, what: Locator) -> None:
        """Tap on this."""
        self.taps += 1
        what.tap()

    def look(self, picture: str | None = None) -> None:
        """The page as it is: nothing complains, it is small, axe finds nothing; a picture of it for the docs where that is asked for."""
        assert self.complaints == [], self.page.url
        cdp = self.context.new_cdp_session(self.page)
        cdp.send("Runtime.evaluate", {"expression": axe()})
        found = self.page.evaluate("async () => (await axe.run(document)).violations.map(v => [v.id, v.nodes.map(n => n.html)])")
        assert found == [], (self.page.url, found)
        cdp.detach()
        # (A page that is too wide makes a phone's window as wide as itself: so it is held against the screen.)
        wide = self.page.evaluate("document.documentElement.scrollWidth - screen.width")
        assert wide <= 0, f"{wide} wider than the phone: {self.page.url}"
        if picture:
            self.picture(f"{picture}-{self.language}")

    def picture(self, name: str) -> None:
        """A picture of the page for the docs, where NAUNGAN_PICTURES names a folder for them; of a long page its beginning."""
        if not (folder := os.environ.get("NAUNGAN_PICTURES")):
            return
        size = self.page.evaluate("[screen.width, Math.min(document.documentElement.scrollHeight, 1200)]")
        clip: FloatRect = {"x": 0, "y": 0, "width": size[0], "height": size[1]}
        for scale in SCALES:
            taken = self.page.screenshot(path=f"{folder}/{name}.png", full_page=True, clip=clip, scale=scale)
            if len(taken) < LARGEST_PICTURE:
                break

    def close(self) -> None:
        self.context.close()


@pytest.fixture(params=["id", "en"])
def language(request: pytest.FixtureRequest) -> str:
    """Both languages."""
    return str(request.param)


@pytest.fixture
def phone(town: Town, browser: Browser, language: str) -> Iterator[Phone]:
    held = Phone(town, browser, language)
    yield held
    held.close()
