"""The event catalogue shows every event with all that a foreign team needs, in one page that asks nobody for anything."""

import html
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from contracts import golden
from contracts.catalogue import LIFECYCLE
from contracts.streams import SERVICES
from contracts.vocabulary import ProblemCode
from ops.cli import app
from typer.testing import CliRunner

from ops import catalogue, catalogue_pages, docs, errors

VOID = {"meta", "input", "br", "link", "img"}


class Page(HTMLParser):
    """What is in a page: the text by event, every link, every id, and tags that were not closed in order."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.languages: list[str] = []
        self.text: dict[str, str] = {}
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in {"href", "src", "action", "data", "srcset"} and value]
        self.languages += [told["lang"] or ""] if "lang" in told else []
        if told.get("id"):
            self.ids.append(str(told["id"]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        event = next((one for one in reversed(self.ids) if "." in one), "")
        self.text[event] = self.text.get(event, "") + data


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    said = CliRunner().invoke(app, ["docs", "--out", str(folder)])
    assert said.exit_code == 0, said.output
    assert str(folder / "index.html") in said.output.replace("\n", "")
    return folder


def test_each_event_is_shown_with_its_schema_example_speaker_readers_subject_stream_and_versions(built: Path) -> None:
    page = Page((built / "index.html").read_text())
    assert page.open == [], "every tag is closed"
    assert len(page.ids) == len(set(page.ids))
    for event in LIFECYCLE:
        shown = page.text[event.type]
        schema = json.dumps(golden.schema(event), indent=1, ensure_ascii=False)
        example = json.dumps(json.loads(golden.sample(event).model_dump_json()), indent=1, ensure_ascii=False)
        for expected in (
            event.producer,
            event.stream,
            *event.read_by,
            schema,
            example,
            *(s.replace("*", "<agency>") for s in golden.subjects(event)),
        ):
            assert expected in shown, f"{event.type}: {expected}"
        assert "forms that are kept" in shown
        assert all(f"{name}" in shown for name in event.model_fields)


@pytest.mark.parametrize("name", ["index.html", "routes.html", "errors.html"])
def test_a_page_asks_no_other_host_and_its_links_lead_somewhere(built: Path, name: str) -> None:
    content = (built / name).read_text()
    page = Page(content)
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert "default-src 'none'" in html.unescape(content), "a browser would refuse it, too"
    for link in page.links:
        assert "//" not in link
        assert link.removeprefix("#") in page.ids if link.startswith("#") else (built / link).exists(), link
    assert {*docs.documents()} <= {path.name for path in built.iterdir()}
    assert len(content.encode()) < (2_000_000 if name == "routes.html" else 1_000_000)


def test_its_own_words_are_there_in_both_languages(built: Path) -> None:
    content = "".join((built / name).read_text() for name in ("index.html", "routes.html", "errors.html"))
    unused = set() if any(event.stream == "PUBLIC" for event in LIFECYCLE) else {"anyone"}
    for indonesian, english in (said for name, said in catalogue.WORDS.items() if name not in unused):
        assert html.escape(indonesian) in content
        assert html.escape(english) in content


def test_each_route_is_shown_with_what_it_asks_and_answers(built: Path) -> None:
    content = (built / "routes.html").read_text()
    for service in SERVICES:
        for path, methods in json.loads((built / f"openapi.{service}.json").read_text())["paths"].items():
            for method, said in methods.items():
                assert f'id="{service}.{said["operationId"]}"' in content
                assert f"<b>{method.upper()} /{service}{html.escape(path)}</b>" in content
                for parameter in said.get("parameters", []):
                    assert f"<code>{parameter['name']}</code>" in content or parameter["name"] in catalogue_pages.EVERYWHERE
    assert "<code>events[].position</code>" in content, "a list's own fields are there too"


def test_each_error_code_and_title_is_on_the_page_of_errors(built: Path) -> None:
    content = (built / "errors.html").read_text()
    rows = [line for line in (built / "errors.md").read_text().splitlines() if line.startswith("| ") and not line.startswith(("| code", "| status"))]
    assert len(rows) > 100
    assert content.count("<tr><td>") == len(rows)
    assert "<td><code>position_gone</code></td>" in content


# -- error codes -----------------------------------------------------------------------------------------------------------------------


def test_codes_are_found_however_the_code_says_them() -> None:
    placement, intake, assessment = (errors.of(name) for name in ("placement", "intake", "assessment"))
    assert "night" in placement.codes["not_the_current_one"], "a literal"
    assert "areas.*" in intake.codes[ProblemCode.NOT_IN_AREA_LIST.value], "a member of a closed list"
    assert "occurred_at" in placement.codes["in_the_future"], "what another function returned"
    assert "person_id" in assessment.codes["planned_otherwise"], "a pair of an error of the domain"
    assert "given_by" in intake.codes["child_cannot_alone"], "a pair that a function promises"
    assert (404, "no such case") in intake.titles
    assert (409, "the state does not allow this") in assessment.titles, "a constant of another module"
    assert (422, "this cannot be shared: see what is missing") in intake.titles, "what a helper was given to refuse with"
    assert (409, "this case has ended") in intake.titles, "and one that makes the refusal for its caller"
    assert not any(place.startswith("P") for places in placement.codes.values() for place in places), "a rule and its fact are no error"


def test_every_code_of_a_receipt_is_listed_and_every_receipts_code_is_explained_to_agencies() -> None:
    listed = (docs.FOLDER / "errors.md").read_text()
    explained = (docs.FOLDER.parent / "integrating.md").read_text()
    for code in ProblemCode:
        assert f"`{code}`" in listed
        assert f"`{code}`" in explained
