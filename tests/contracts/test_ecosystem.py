"""The ecosystem's own tools read what is published: the AsyncAPI parser, an OpenAPI validator, a CloudEvents SDK."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from contracts import golden
from contracts.catalogue import BY_TYPE, LIFECYCLE
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from ops import docs
from tests.chassis.conftest import a_triage, start_toy
from tests.rig import Rig

TOOL = Path(__file__).parent / "asyncapi"
ASYNC = sorted(path.name for path in docs.FOLDER.glob("asyncapi*.json"))
OPEN = sorted(path.name for path in docs.FOLDER.glob("openapi*.json"))
Parse = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def parse() -> Parse:
    """The AsyncAPI initiative's parser, installed once for all runs by its lock file."""
    if shutil.which("npm") is None:
        pytest.skip("no Node here: the AsyncAPI parser is a Node package")
    lock = (TOOL / "package-lock.json").read_bytes()
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "naungan" / f"asyncapi-{hashlib.sha256(lock).hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (home / "ready").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(TOOL / name, home / name)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=home, check=True, timeout=100)
            (home / "ready").touch()
        shutil.copy(TOOL / "parse.js", home / "parse.js")

    def run(*files: Path) -> dict[str, Any]:
        done = subprocess.run(["node", "parse.js", *map(str, files)], cwd=home, capture_output=True, text=True, check=True, timeout=100)
        return {Path(name).name: found for name, found in json.loads(done.stdout).items()}

    return run


def test_the_asyncapi_parser_reads_every_document_and_has_nothing_against_it(parse: Parse) -> None:
    said = parse(*(docs.FOLDER / name for name in ASYNC))
    assert sorted(said) == ASYNC
    for name, found in said.items():
        assert found["read"], name
        assert [entry for entry in found["against"] if entry["code"] != "asyncapi-latest-version"] == [], name
    assert said["asyncapi.json"]["messages"] == len(LIFECYCLE)


def test_the_asyncapi_parser_sees_a_document_that_is_wrong(parse: Parse, tmp_path: Path) -> None:
    document = json.loads((docs.FOLDER / "asyncapi.agencies.json").read_text())
    document["operations"]["send.referral.submitted.v1"]["action"] = "shout"
    (tmp_path / "wrong.json").write_text(json.dumps(document))
    found = parse(tmp_path / "wrong.json")["wrong.json"]
    assert not found["read"]
    assert any("action" in entry["path"] for entry in found["against"])


@pytest.mark.parametrize("name", ASYNC)
def test_every_message_of_a_document_has_an_example_that_its_schema_takes(name: str) -> None:
    document = json.loads((docs.FOLDER / name).read_text())
    for kind, message in document["components"]["messages"].items():
        examples = [example["payload"] for example in message["examples"]]
        assert examples, kind
        for example in examples:
            schema = {"$ref": f"#/components/schemas/{kind}", "components": document["components"]}
            Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(example)


@pytest.mark.parametrize("name", OPEN)
def test_an_openapi_validator_has_nothing_against_a_service(name: str) -> None:
    document = json.loads((docs.FOLDER / name).read_text())
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    del document["info"]["title"]
    assert list(OpenAPIV31SpecValidator(document).iter_errors()), "it would see a mistake"


async def test_a_cloudevents_sdk_reads_what_a_service_published(rig: Rig) -> None:
    await start_toy(rig)
    case = uuid4()
    await rig.say(a_triage(), subject=case)
    await rig.settle()
    message = await rig.nats.jetstream().get_last_msg("CASES", "case.placement.waitlisted.v1")
    event = from_binary(HTTPMessage(headers=dict(message.headers), body=message.data), JSONFormat())
    assert (event.get_type(), event.get_source(), event.get_subject()) == ("case.placement.waitlisted.v1", "placement", str(case))
    assert event.get_specversion() == "1.0"
    assert event.get_datacontenttype() == "application/json"
    assert event.get_time().tzinfo is not None
    assert event.get_dataschema() == golden.schema(BY_TYPE[event.get_type()])["$id"]
    assert event.get_extension("factversion") == "1"
    Draft202012Validator(golden.schema(BY_TYPE[event.get_type()])).validate(event.get_data())
    Draft202012Validator(docs.HEADERS, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(dict(message.headers))
