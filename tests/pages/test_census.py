"""Every page of every service in a real browser, on a phone, in both languages, for each role that may see it, and every form sent empty.

What there is in the town, `life.py` says. Nobody lists pages here: they are found from the routers, and reached as officers reach them, by links.
"""

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import TimeoutError as Late

from tests.pages import survey
from tests.pages.conftest import LARGEST_PAGE, Phone, Town, a_town
from tests.pages.life import BOSS, DESK, HEAD_OFFICE, HEADS, OPERATOR, PLACER, TEAM, WORKER, Life
from tests.pages.survey import Seen, Shape, Survey
from tests.pages.world import TownWorld

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]
LOOKING = (DESK, BOSS, HEAD_OFFICE, TEAM, PLACER, WORKER, OPERATOR, *HEADS.values())
# Pages of what `life.py` does not make, and why; their other tests are of their pages' files.
NOT_MADE = {
    "/intake/pages/quarantine/{held_id}": "of a message that no key opens; test_intake_pages_moves.py",
    "/placement/pages/needs/{case_id}/clear-alarm": "of a case whose areas changed four times; test_placement_pages_search.py",
}
# Links that may lead to nothing, by the page that shows them and the page they lead to; and why.
MAY_BE_NOTHING = {
    ("/assessment/pages/cases/{case_id}", "/intake/pages/cases/{case_id}"): "assessment does not know which agencies take part in a case",
}
# The main pages of each role, for docs/images (`make pictures`).
PICTURES = {
    (DESK, "/intake/pages/queue"): "intake-queue",
    (DESK, "/intake/pages/cases/{case_id}"): "intake-case",
    (DESK, "/intake/pages/cases/{case_id}/triage"): "intake-triage",
    (DESK, "/intake/pages/candidates/{candidate_id}"): "intake-pair",
    (DESK, "/notifications/pages/inbox"): "inbox",
    (PLACER, "/placement/pages/queue"): "queue",
    (PLACER, "/placement/pages/placements/{placement_id}"): "offer",
    (PLACER, "/placement/pages/placements/{placement_id}/explanation"): "explanation",
    (PLACER, "/placement/pages/waiting"): "waiting",
    (PLACER, "/placement/pages/shelters/{shelter_id}/beds"): "beds",
    (WORKER, "/assessment/pages/queue"): "assessment-queue",
    (WORKER, "/assessment/pages/cases/{case_id}"): "assessment-case",
    (WORKER, "/assessment/pages/cases/{case_id}/persons/{person_id}/instruments/{code}/{item}"): "assessment-question",
    (WORKER, "/assessment/pages/cases/{case_id}/outcomes"): "outcomes",
    (OPERATOR, "/placement/pages/standing"): "standing",
    (OPERATOR, "/notifications/pages/subscriptions"): "subscriptions",
}
REFUSED = {"/placement/pages/placements/{placement_id}/admit": "admission-refused"}
# What whoever is not logged in may see, and a page that is not there.
OUTSIDE = (*survey.PUBLIC, "/intake/pages/session/ended")
# What messages of prevention lead to: looking uses no token up and says nothing of it, so any will do.
OPEN_KINDS = tuple(
    f"/notifications/pages/public/prevention/{rest}" for rest in ("confirm/{token}", "stop/{token}", "choices/{token}", "sessions/{session_id}")
)
NOT_THERE = f"/placement/pages/placements/{UUID(int=0)}"
FORM, FIELD = re.compile(r"<form.*?</form>", re.DOTALL), re.compile(r"<(?:select|textarea|input(?![^>]*hidden))")
FORMS = "form:has(input:not([type=hidden])), form:has(select), form:has(textarea)"
# A form that the browser keeps until there is a line is sent by script; its walk sends it empty.
BY_SCRIPT = "data-report"
EMPTY = """form => {
  for (const field of form.elements) {
    if (["checkbox", "radio"].includes(field.type)) field.checked = false;
    else if (field.type !== "hidden" && field.tagName !== "BUTTON") field.value = "";
  }
  form.requestSubmit(form.querySelector("button"));
}"""

Lived = tuple[TownWorld, Life, dict[str, Survey]]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A town of its own, since what happens in it is no other test's, and what everybody was led to in it."""
    with a_town(tmp_path_factory.mktemp("census"), NOTIFICATIONS_WEBHOOK_ALLOW=json.dumps(["127.0.0.0/8"])) as town:
        world = TownWorld(town)
        life = Life(world)
        town.run(life.all())
        yield world, life, town.run(world.walks({who: life.links.get(who, ()) for who in LOOKING}), patience=300)


def dead_links(surveys: Mapping[str, Survey]) -> Iterator[str]:
    """Links that somebody is shown and that lead to a refusal."""
    known = survey.kinds()
    for who, found in surveys.items():
        for shown_by, to, status in found.dead:
            ends = [survey.kind_of(urlsplit(path).path, known) for path in (shown_by, to)]
            if tuple(end[0].path for end in ends if end) not in MAY_BE_NOTHING:
                yield f"{who} is led from {shown_by or 'the navigation'} to {to}: {status}"


def never_seen(surveys: Mapping[str, Survey]) -> Iterator[str]:
    """Pages that nobody was led to."""
    seen = {kind for found in surveys.values() for kind in found.kinds()}
    for kind in survey.kinds():
        if kind not in seen and kind.path not in {*OUTSIDE, *OPEN_KINDS, *NOT_MADE}:
            yield f"no link leads to {kind.path} for anybody here: let `life.py` make what it shows"


class Looking:
    """What a browser finds wrong with pages; a page whose parts were all looked at on another of its kind is not opened again."""

    def __init__(self, town: Town, browser: Browser) -> None:
        self.town, self.browser = town, browser
        self.known: dict[tuple[str, str], set[tuple[str, ...]]] = {}
        self.problems: list[str] = []
        self.pages, self.refused = 0, 0
        self.taken: set[tuple[str, str]] = set()

    def look(self, phone: Phone, path: str, who: str, status: int = 200) -> None:
        """Open a page and look at it."""
        phone.page.wait_for_load_state()  # what is still to come of the page before (after a log-in) is not this one's
        before = phone.bytes
        answer = phone.page.goto(path)
        self.pages += 1
        if answer is None or answer.status != status:
            self.problems.append(f"{who} {path}: {answer and answer.status}")
        if phone.bytes - before > LARGEST_PAGE:
            self.problems.append(f"{who} {path}: {phone.bytes - before} bytes")
        self.judge(phone, who)

    def judge(self, phone: Phone, who: str) -> None:
        """Look at the page that is open."""
        try:
            phone.look()
        except AssertionError as wrong:
            self.problems.append(f"{who} {phone.page.url} {phone.language}: {str(wrong)[:1500]}")
            phone.complaints.clear()

    def outside(self, language: str, session: str) -> None:
        """What everybody sees, logged in or not."""
        phone = Phone(self.town, self.browser, language)
        phone.page.goto(f"/intake/pages/language/{language}?to=/intake/pages/public")
        for path in (*OUTSIDE, *(kind.format(token="none", session_id=session) for kind in OPEN_KINDS)):
            self.look(phone, path, "nobody")
            if path == survey.PUBLIC[0]:
                phone.picture("public-report" if language == "id" else "public-report-en")
        phone.close()

    def as_seen_by(self, who: str, found: Survey, language: str) -> None:
        """The pages of somebody that have parts which no page of their kind had so far; in English one page of each kind."""
        phone = Phone(self.town, self.browser, language)
        phone.log_in(who)
        for page, parts in sorted(shapes(found), key=lambda entry: -len(entry[1])):
            known = self.known.setdefault((page.kind.path, language), set())
            name = PICTURES.get((who, page.kind.path))
            wanted = name is not None and (name, language) not in self.taken
            if wanted or (not parts <= known and (language == "id" or not known)):
                known |= parts
                self.look(phone, page.path, who)
            if wanted:
                self.taken.add((str(name), language))
                phone.picture(str(name) if language == "id" else f"{name}-en")
        if who == PLACER:
            self.look(phone, NOT_THERE, who, 404)
        phone.close()

    def forms_of(self, who: str, found: Survey, language: str, sent: set[str]) -> None:
        """Each form sent with nothing in it: what is refused is a page too."""
        phone = Phone(self.town, self.browser, language)
        phone.log_in(who)
        for page in found.seen:
            fields = [form for form in FORM.findall(page.answer.text) if FIELD.search(form)]
            if page.kind.path in sent or not fields:
                continue
            answer = phone.page.goto(page.path)
            if answer and answer.ok:
                sent.add(page.kind.path)
                for number in range(len(fields)):
                    self.send_empty(phone, page, number, who)
        phone.close()

    def send_empty(self, phone: Phone, page: Seen, number: int, who: str) -> None:
        phone.page.goto(page.path)
        form = phone.page.locator(FORMS).nth(number)
        if not form.count():  # what was sent before changed the page
            return
        if form.get_attribute(BY_SCRIPT) is not None:
            return
        try:
            with phone.page.expect_navigation(timeout=5000) as gone:
                form.evaluate(EMPTY)
        except Late:
            self.problems.append(f"{who} {page.path}: form {number} is not sent empty")
            return
        answer = gone.value
        if answer.status >= 500:
            self.problems.append(f"{who} {page.path}: form {number} sent empty: {answer.status}")
        if answer.status == 422:
            self.refused += 1
            if not phone.page.get_by_role("alert").count():
                self.problems.append(f"{who} {page.path}: form {number} is refused without a summary of what is wrong")
        phone.complaints = [entry for entry in phone.complaints if "status of 4" not in entry]
        self.judge(phone, who)
        if page.kind.path in REFUSED and phone.language == "id":
            phone.picture(REFUSED[page.kind.path])


def shapes(found: Survey) -> Iterator[tuple[Seen, set[tuple[str, ...]]]]:
    """The pages that somebody saw, with what each is made of."""
    for page in found.seen:
        if page.answer.status_code == 200:
            yield page, Shape(page.answer.text).parts


@pytest.mark.timeout(600)
def test_every_page_is_opened_by_everybody_who_may_and_every_form_sent_empty(lived_in: Lived, browser: Browser) -> None:
    world, life, surveys = lived_in
    looking = Looking(world.town, browser)
    for language in ("id", "en"):
        looking.outside(language, life.session)
        for who, found in surveys.items():
            looking.as_seen_by(who, found, language)
    sent: set[str] = set()
    # After all looking, since some may be sent empty, and then what was to be done is done. One half of them send theirs in one language and the others in the other.
    for number, who in enumerate(LOOKING):
        looking.forms_of(who, surveys[who], ("id", "en")[number % 2], sent)
    print(f"{looking.pages} pages were looked at, {looking.refused} refusals of {len(sent)} pages with forms")
    wrong = "\n".join(looking.problems)
    assert not wrong, wrong
    assert 2 * looking.pages > len(survey.kinds())
    assert looking.refused > 15, "otherwise no forms were sent"


def test_every_page_is_reached_by_a_link_and_every_link_leads_to_a_page(lived_in: Lived) -> None:
    *_, surveys = lived_in
    wrong = "\n".join([*dead_links(surveys), *never_seen(surveys)])
    assert not wrong, wrong
