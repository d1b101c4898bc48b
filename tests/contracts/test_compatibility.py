"""A change of a contract that breaks a reader or a writer is refused, with what it breaks and what to do; any other passes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import contracts
import pytest
from contracts import golden
from contracts.catalogue import BY_TYPE, LIFECYCLE
from contracts.compatibility import Rule, Side, changes, side_of
from jsonschema import Draft202012Validator

from tests.contracts.mutations import LEGAL, MUTATIONS

DOCUMENTS = {event.type: golden.schema(event) for event in LIFECYCLE}
KEPT, WRONG = golden.versions(golden.FOLDER)


def test_the_contracts_keep_every_promise_that_was_made() -> None:
    assert golden.problems() == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_way_to_break_a_contract_is_seen_in_every_contract_and_told(name: str) -> None:
    mutation = MUTATIONS[name]
    tried = set()
    for event, document in DOCUMENTS.items():
        side = side_of(document)
        for mutated, place in mutation.make(document):
            tried.add(side)
            found = [change for change in changes(event, document, mutated) if change.rule is mutation.rule and change.place.endswith(place)]
            assert found, f"{event} {place}: {name}"
            for change in found:
                assert mutation.says in str(change) or not change.breaks
                assert change.breaks is (side not in mutation.allowed), f"{change.side}: {change}"
                if change.breaks:
                    assert f"{event.removesuffix('.v1')}.v2` beside it" in str(change), "what to do is said"
    assert tried, "it was applied to something"


@pytest.mark.parametrize("event", DOCUMENTS)
def test_an_event_that_is_gone_is_missed(event: str) -> None:
    (found,) = changes(event, DOCUMENTS[event], None)
    assert found.rule is Rule.EVENT_REMOVED
    assert found.breaks


@pytest.mark.parametrize("name", LEGAL)
def test_what_breaks_nobody_passes(name: str) -> None:
    tried = 0
    for event, document in DOCUMENTS.items():
        for mutated, _ in LEGAL[name](document):
            tried += 1
            assert changes(event, document, mutated) == []
    assert tried


def test_whom_a_change_breaks_is_named() -> None:
    triaged, ended, referral = (DOCUMENTS[event] for event in ("case.intake.triaged.v1", "agency.ended.v1", "referral.submitted.v1"))
    said = [str(change) for one in (triaged, ended, referral) for change in changes("some.event.v1", one, {**one, "x-subjects": ["elsewhere"]})]
    assert [line.split("This breaks ")[1].split(":")[0] for line in said] == [
        "placement, assessment, notifications",
        "agencies and subscribers",
        "agencies that send",
    ]


def test_a_code_more_is_fatal_only_where_a_reader_has_to_decide_by_it() -> None:
    closed = {
        event
        for event, document in DOCUMENTS.items()
        for _ in MUTATIONS["a closed list gets a code"].make(document)
        if side_of(document) is Side.SUBSCRIBERS
    }
    assert closed == {"agency.triaged.v1", "public.victims_counted.v1"}, "how high a risk is may not be a surprise, nor of what something is counted"


# -- old consumers, and what was said long ago -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", LIFECYCLE, ids=lambda event: event.type)
def test_every_version_is_kept(event: type) -> None:
    assert golden.version(event).name in {one.name for one in KEPT}
    assert WRONG == []


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_what_was_said_in_an_earlier_version_is_read_today(kept: golden.Version) -> None:
    read = BY_TYPE[kept.event].model_validate(kept.sample)
    assert {name: json.loads(read.model_dump_json())[name] for name in kept.sample} == kept.sample
    Draft202012Validator(golden.schema(BY_TYPE[kept.event])).validate(kept.sample)


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_an_old_consumer_that_checks_what_it_gets_takes_what_is_said_today(kept: golden.Version) -> None:
    Draft202012Validator.check_schema(kept.document)
    Draft202012Validator(kept.document).validate(json.loads(golden.sample(BY_TYPE[kept.event]).model_dump_json()))


# -- the command that everybody uses ---------------------------------------------------------------------------------------------------

EDITS = {
    "a field is renamed": ("intake.py", "    result: OutreachResult\n", "    outcome: OutreachResult\n", "case.intake.outreach_ended.v1, `result`: the field is gone; it seems to be called `outcome` now"),
    "a field is required": ("intake.py", "    unit: AgencyCode | None = None", "    unit: AgencyCode", "case.intake.responsibility_transferred.v1, `unit`: the field was optional"),
    "a list is narrowed": ("vocabulary.py", '    LOW = "low"\n', "", "its list lost `low`"),
    "a closed list of the agencies grows": ("vocabulary.py", '    LOW = "low"\n', '    LOW = "low"\n    NONE = "none"\n', "agency.triaged.v1, `risk`: its list got `none`"),
    "an agency must say more": ("agencies.py", "    reference: Reference\n    urgency: Risk\n", "    reference: Reference\n    desk: AgencyCode\n    urgency: Risk\n", "referral.submitted.v1, `desk`: the field is new and required. This breaks agencies that send"),
    "an agency may say less": ("agencies.py", "max_length=20000", "max_length=500", "referral.submitted.v1, `narrative`: its maxLength was `20000` and is `500`"),
    "the subject is another": ("placement.py", '"case.placement.left.v1"', '"case.placement.gone.v1"', "case.placement.left.v1: the event is gone"),
    "a major is made in place": ("placement.py", '"case.placement.left.v1"', '"case.placement.left.v2"', "case.placement.left.v1: the event is gone"),
}  # fmt: skip


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the contracts that may be edited."""
    shutil.copytree(Path(contracts.__file__).parent, tmp_path / "contracts", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def golden_command(folder: Path, *arguments: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "contracts.golden", *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def edit(folder: Path, module: str, old: str, new: str) -> None:
    path = folder / "contracts" / module
    assert old in path.read_text(), "the test edits what is there"
    path.write_text(path.read_text().replace(old, new, 1))


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted((folder / "contracts" / "golden").rglob("*.json"))}


@pytest.mark.parametrize("name", EDITS)
def test_make_golden_and_the_check_refuse_an_edit_that_breaks_somebody(copied: Path, name: str) -> None:
    module, old, new, says = EDITS[name]
    before = contents(copied)
    edit(copied, module, old, new)
    code, said = golden_command(copied)
    assert code == 1
    assert says in said
    assert "beside it" in said
    assert contents(copied) == before, "nothing was written"


def test_make_golden_takes_an_optional_field_and_keeps_the_version_before(copied: Path) -> None:
    before = contents(copied)
    edit(copied, "placement.py", "    handover: Handover | None = None", "    handover: Handover | None = None\n    seats: int | None = None")
    assert golden_command(copied, "--check") == (
        1,
        "case.placement.on_the_way.v1: the contract changed, and its golden files did not: run `make golden`\n",
    )
    assert golden_command(copied) == (0, "")
    assert golden_command(copied, "--check") == (0, "")
    after = contents(copied)
    assert len(after) == len(before) + 1
    assert {name: after[name] for name in before if "/versions/" in name} == {
        name: content for name, content in before.items() if "/versions/" in name
    }
    edit(copied, "placement.py", "    seats: int | None = None", "")
    assert "case.placement.on_the_way.v1, `seats`: the field is gone" in golden_command(copied)[1], "what was promised once stays promised"


def test_make_golden_says_whom_to_replace_first_when_a_list_between_services_grows(copied: Path) -> None:
    edit(copied, "vocabulary.py", '    FULL = "full"\n    CANNOT', '    FULL = "full"\n    CLOSED = "closed"\n    CANNOT')
    code, said = golden_command(copied)
    assert code == 0
    assert said == "case.placement.declined.v1, `reason`: its list got `closed`: replace those who read it before those who say it\n"


def test_a_version_that_was_changed_by_hand_is_seen(copied: Path) -> None:
    edit(copied, "placement.py", "    arrive_by: datetime", "    arrive_at: datetime")
    for path in (copied / "contracts" / "golden").rglob("case.placement.accepted.v1.*"):
        path.write_text(path.read_text().replace("arrive_by", "arrive_at"))
    code, said = golden_command(copied, "--check")
    assert code == 1
    assert "was changed by hand" in said
