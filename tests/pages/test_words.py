"""Every sentence that a page asks for stands in its catalogue, in both languages and with the same gaps."""

import importlib
import re
from pathlib import Path
from string import Formatter

import pytest
from chassis.web.pages.words import FRAME

SERVICES = [name for name in ("intake", "placement", "assessment", "notifications") if importlib.util.find_spec(f"{name}.pages")]
SAID = re.compile(r"""\b(?:t|say)\(f?["']([a-z_0-9.]+)["']""")


def catalogue(service: str) -> dict[str, tuple[str, str]]:
    words: dict[str, tuple[str, str]] = importlib.import_module(f"{service}.pages.words").WORDS
    return {**FRAME, **words}


def sources(service: str) -> dict[Path, str]:
    folders = [
        Path(str(importlib.import_module(f"{service}.pages").__file__)).parent,
        Path(str(importlib.import_module("chassis.web.pages").__file__)).parent,
    ]
    return {path: path.read_text() for folder in folders for path in (*folder.rglob("*.html"), *folder.rglob("*.py"))}


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_template_says_is_in_the_catalogue(service: str) -> None:
    known = catalogue(service)
    asked = {(path.name, key) for path, source in sources(service).items() for key in SAID.findall(source) if not key.endswith(".")}
    assert len(asked) > 20
    assert {entry for entry in asked if entry[1] not in known} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_both_languages_say_the_same_and_something(service: str) -> None:
    for key, (indonesian, english) in catalogue(service).items():
        gaps = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (indonesian, english)]
        assert gaps[0] == gaps[1], key
        assert indonesian.strip(), key
        assert english.strip(), key


@pytest.mark.parametrize("service", SERVICES)
def test_no_page_carries_a_script_or_a_style_of_its_own(service: str) -> None:
    forbidden = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)|\|\s*safe\b|https?://")
    for path, source in sources(service).items():
        if path.suffix == ".html":
            assert forbidden.findall(source) == [], path


@pytest.mark.parametrize("service", SERVICES)
def test_no_template_of_a_service_hides_one_of_the_frame(service: str) -> None:
    frame, own = (Path(str(importlib.import_module(name).__file__)).parent / "templates" for name in ("chassis.web.pages", f"{service}.pages"))
    hidden = {file.name for file in frame.iterdir()} & {file.name for file in own.iterdir()}
    assert hidden == set()
