"""The generated documents are what the code says now, and can be read by the tools of their formats."""

import json

import pytest
from contracts.catalogue import said_by

from ops import docs


@pytest.fixture(scope="module")
def documents() -> dict[str, str]:
    return docs.documents()


def test_the_generated_documents_are_up_to_date(documents: dict[str, str]) -> None:
    stored = {path.name: path.read_text() for path in docs.FOLDER.iterdir()}
    assert stored.keys() == documents.keys()
    for name, content in documents.items():
        assert stored[name] == content, f"{name} is old: run `make docs`"


def test_every_reference_in_them_leads_somewhere(documents: dict[str, str]) -> None:
    for name, content in documents.items():
        if not name.endswith(".json"):
            continue
        document = json.loads(content)
        for reference in set(references(document)):
            found = document
            for part in reference.removeprefix("#/").split("/"):
                assert part in found, f"{name}: {reference}"
                found = found[part]


def references(node: object) -> list[str]:
    """All $ref values below a node."""
    if isinstance(node, dict):
        own = [str(value) for key, value in node.items() if key == "$ref"]
        return own + [reference for value in node.values() for reference in references(value)]
    if isinstance(node, list):
        return [reference for value in node for reference in references(value)]
    return []


def test_an_agency_finds_in_its_document_all_it_may_say_and_hear_and_nothing_internal(documents: dict[str, str]) -> None:
    door = json.loads(documents["asyncapi.agencies.json"])
    # What is answered goes where the question says, so that its channel has no address; and its replay is all that an agency asks.
    addresses = {channel["address"] for channel in door["channels"].values()} - {None, "feed.{agency}.replay"}
    assert all(address.startswith(("referral.{agency}.", "receipt.{agency}.", "agency.{agency}.")) for address in addresses)
    assert "case." not in json.dumps(list(addresses))
    assert [operation["action"] for operation in door["operations"].values()].count("send") == len(said_by("agency")) + 1
    assert [name for name, operation in door["operations"].items() if "reply" in operation] == ["send.replay"]
