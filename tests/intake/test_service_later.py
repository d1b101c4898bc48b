"""What an agency says of its case later: an addition, a withdrawal, a document; once, with a receipt, for people to look at."""

import json
from uuid import uuid4

import pytest
from contracts.messages import Addition, Attachment, Withdrawal
from contracts.vocabulary import ProblemCode
from intake.later.reading import read_later
from intake.sealed import bodies

from tests.intake.builders import a_body, a_person
from tests.intake.test_service_sealed import public_key, receipts

SYSTEM = {"role": "agency_system", "agency": "polda-ppa"}
DESK = {"role": "intake_officer", "agency": "dppapp"}
VISUM = {"to": "LP/1", "kind": "visum", "document": "V/2026/7", "sha256": "ab" * 32, "media_type": "application/pdf", "size": 12345}


@pytest.fixture
async def intake(rig):
    await rig.start("intake", sealing_lead_hours=0)
    await rig.publish("referral.polda-ppa.submitted.v1", a_body(reference="LP/1"))
    await rig.settle()
    return rig


async def say(rig, what, agency="polda-ppa", **body):
    await rig.publish(f"referral.{agency}.{what}.v1", json.dumps(body).encode(), {"Nats-Msg-Id": uuid4().hex})
    await rig.settle()
    return (await receipts(rig))[-1]


async def test_an_addition_is_a_task_for_the_desk_with_what_was_said(intake):
    (_, first), *_ = await receipts(intake)
    said = {"reference": "A-1", "to": "LP/1", "urgency": "high", "narrative": "Ia kembali dengan pisau.", "persons": [a_person(name="Adik")]}
    kind, receipt = await say(intake, "added", **said)
    assert (kind, receipt["reference"], receipt["follow_id"]) == ("receipt.accepted.v1", "A-1", first["follow_id"])
    assert await say(intake, "added", **said) == (kind, receipt), "the same again gets its receipt again"
    (task,) = (await intake.get("intake", "/desk", **DESK)).json()
    assert (task["kind"], task["reference"]) == ("added", "A-1")
    content = json.loads((await intake.get("intake", f"/desk/{task['task_id']}", **DESK)).json()["content"])
    assert (content["narrative"], content["persons"][0]["name"]) == ("Ia kembali dengan pisau.", "Adik")
    assert len(await intake.sql("intake", "SELECT 1 FROM audit WHERE action = 'desk_read'")) == 1
    (row,) = await intake.sql("intake", "SELECT content FROM desk_task WHERE kind = 'added'")
    assert b"pisau" not in bytes(row.content)
    await intake.advance(minutes=20)
    ((missed,),) = await intake.sql("intake", "SELECT missed FROM case_file")
    assert "incomplete" in missed, "as urgent as it says"
    other = await say(intake, "added", **{**said, "narrative": "Lain."})
    assert other[1]["problems"] == [{"field": "reference", "code": "reference_reused"}]


async def test_a_withdrawal_ends_nothing_and_asks_the_desk(intake):
    kind, _ = await say(intake, "withdrawn", reference="W-1", to="LP/1", reason="survivor_declines", narrative="Ia takut.")
    assert kind == "receipt.accepted.v1"
    (task,) = (await intake.get("intake", "/desk", **DESK)).json()
    assert task["kind"] == "withdrawn"
    assert [row.state for row in await intake.sql("intake", "SELECT state FROM case_file")] == ["reported"]
    case_id = task["case_id"]
    assert (await intake.post("intake", f"/cases/{case_id}/withdraw", json={"reason": "refused_service"}, **DESK)).is_success
    assert (await intake.post("intake", f"/desk/{task['task_id']}/done", **DESK)).is_success
    kind, _ = await say(intake, "added", reference="A-9", to="LP/1", narrative="Ia kembali.")
    assert kind == "receipt.accepted.v1"
    before = len(await intake.facts("intake"))
    await intake.advance(hours=30)
    missed = [data["clock"] for kind, _, data in (await intake.facts("intake"))[before:] if kind == "case.intake.clock_missed.v1"]
    assert missed == ["incomplete"], "somebody hears of what came after the end"


async def test_a_document_stays_with_its_agency_and_is_known_by_number_and_hash(intake):
    assert (await say(intake, "attached", reference="D-1", **VISUM))[0] == "receipt.accepted.v1"
    (task,) = (await intake.get("intake", "/desk", **DESK)).json()
    (document,) = (await intake.get("intake", f"/cases/{task['case_id']}/attachments", **DESK)).json()
    assert {name: document[name] for name in ("agency", "reference", "kind", "document", "sha256")} == {
        "agency": "polda-ppa", "reference": "D-1", "kind": "visum", "document": "V/2026/7", "sha256": "ab" * 32,
    }  # fmt: skip
    assert (await intake.get("intake", f"/cases/{task['case_id']}/attachments", role="intake_officer", agency="dinsos")).status_code == 404


async def test_the_same_over_http_sealed_or_not(intake):
    key = await public_key(intake)
    (_, first), *_ = await receipts(intake)
    said = {"reference": "H-1", "follow_id": first["follow_id"], "narrative": "Lebih banyak."}
    sealed = {"sealed": bodies.seal(json.dumps(said).encode(), key, type="referral.added.v1", agency="polda-ppa")}
    answers = [await intake.post("intake", "/messages/added", json=body, **SYSTEM) for body in (said, sealed)]
    assert {answer.status_code for answer in answers} == {201}
    assert answers[0].json() == answers[1].json() == {"follow_id": first["follow_id"], "receipt": "accepted", "problems": []}
    await intake.publish("referral.polda-ppa.sealed.v1", json.dumps(sealed).encode())
    await intake.settle()
    assert (await receipts(intake))[-1][1]["follow_id"] == first["follow_id"]
    assert len((await intake.get("intake", "/desk", **DESK)).json()) == 1
    wrong = await intake.post("intake", "/messages/withdrawn", json={"reference": "H-2", "to": "LP/1", "reason": "bored"}, **SYSTEM)
    assert (wrong.status_code, wrong.json()["errors"]) == (422, [{"field": "reason", "code": "unknown_code"}])
    reused = await intake.post("intake", "/messages/added", json={**said, "narrative": "Lain."}, **SYSTEM)
    assert reused.status_code == 409
    kind = await intake.post("intake", "/messages/withdrawn", json=sealed, **SYSTEM)
    assert kind.json()["errors"] == [{"field": "sealed", "code": "unknown_type"}]


async def test_a_case_of_another_agency_is_as_unknown_as_none(intake):
    (_, first), *_ = await receipts(intake)
    for n, (field, value) in enumerate((("follow_id", first["follow_id"]), ("follow_id", str(uuid4())))):
        kind, receipt = await say(intake, "added", "dinsos", reference=f"X-{n}", narrative="Apa ini?", **{field: value})
        assert (kind, receipt["problems"]) == ("receipt.rejected.v1", [{"field": field, "code": "unknown_code"}])
    theirs = await intake.post(
        "intake", "/messages/added", json={"reference": "X", "to": "LP/1", "narrative": "Apa?"}, role="agency_system", agency="dinsos"
    )
    none = await intake.post(
        "intake", "/messages/added", json={"reference": "X", "to": "LP/2", "narrative": "Apa?"}, role="agency_system", agency="dinsos"
    )
    assert (theirs.status_code, theirs.json()["errors"]) == (none.status_code, none.json()["errors"])


async def test_an_addition_before_its_referral_waits_for_it_and_not_for_ever(intake):
    for name in ("LP/2", "LP/3"):
        await intake.publish("referral.polda-ppa.added.v1", json.dumps({"reference": f"A-{name}", "to": name, "narrative": "Lebih."}).encode())
    await intake.settle()
    assert len(await receipts(intake)) == 1
    await intake.publish("referral.polda-ppa.submitted.v1", a_body(reference="LP/2"))
    await intake.settle()
    await intake.advance(seconds=15)
    assert [(kind, data["reference"]) for kind, data in await receipts(intake)][1:] == [
        ("receipt.accepted.v1", "LP/2"),
        ("receipt.accepted.v1", "A-LP/2"),
    ]
    await intake.advance(minutes=11)
    kind, receipt = (await receipts(intake))[-1]
    assert (kind, receipt["reference"], receipt["problems"]) == ("receipt.rejected.v1", "A-LP/3", [{"field": "to", "code": "unknown_code"}])
    assert await intake.sql("intake", "SELECT 1 FROM held_message") == []


def test_what_cannot_be_read_is_named_and_left_out_and_only_what_is_needed_refuses():
    read = read_later({"reference": "A", "to": "B", "urgency": "now", "narrative": "Lebih."}, Addition)
    assert (read.message.narrative, read.problems) == ("Lebih.", (("urgency", ProblemCode.UNKNOWN_CODE),))
    assert read_later({"reference": "A", "narrative": "Lebih."}, Addition).problems == (("to", ProblemCode.MISSING),)
    assert read_later({"reference": "A", "to": "B"}, Addition).problems == (("narrative", ProblemCode.MISSING),)
    assert read_later(b"\xff", Addition).problems == (("body", ProblemCode.UNREADABLE),)
    refused = read_later({"reference": "A", "to": "B", "kind": "visum", "document": "V 1", "sha256": "ab"}, Attachment)
    assert (refused.message, refused.reference, {field for field, _ in refused.problems}) == (None, "A", {"document", "sha256"})
    assert read_later({"reference": "A b", "to": "B"}, Withdrawal).reference is None
