"""Names, NIKs, numbers, addresses and stories put into every field of every channel lie in the vault's ciphertext afterwards, and nowhere else."""

import csv
import io
import json
from typing import Any
from uuid import uuid4

import pytest
from intake.domain.table import COLUMNS
from intake.sealed import bodies
from joserfc.jwk import OKPKey

from tests.flows import people
from tests.flows.people import ok
from tests.flows.test_secrecy import dumped, stored
from tests.intake.builders import a_nik
from tests.rig import Rig

OFFICER, TEAM = {"role": "intake_officer", "agency": "dppapp"}, {"role": "outreach", "agency": "dppapp"}


class Canaries:
    """Values that are found again: each channel and field has its own."""

    def __init__(self) -> None:
        self.all: dict[str, tuple[str, str]] = {}

    def person(self, channel: str, **codes: Any) -> dict[str, Any]:
        """A person of whom every field is a canary."""
        number = len(self.all)
        values = {
            "name": f"Kenari{number} Burungkuning",
            "nik": a_nik(serial=5000 + number),
            "phone": f"0813-7{number:03}-8899",
            "address": f"Jalan Kenari{number} Nomor Tujuh",
        }
        for field, value in values.items():
            self.all[value] = (channel, field)
        return {"role": "victim", "sex": "female", "age": 36, **values, **codes}

    def text(self, channel: str, field: str) -> str:
        """A text, with a NIK and a number in it."""
        value = f"cerita kenari{len(self.all)} dan {a_nik(serial=9000 + len(self.all))} serta 0812 {len(self.all):04} 5566"
        self.all[value] = (channel, field)
        return value

    def found_in(self, text: str) -> set[tuple[str, str]]:
        """Which of them are in a text, also without their separators, or as the hex of bytes."""
        return {
            where
            for value, where in self.all.items()
            if any(form in text for form in (value, value.replace("-", "").replace(" ", ""), value.encode().hex()))
        }


def a_report(canaries: Canaries, channel: str, **known: Any) -> dict[str, Any]:
    return {
        "urgency": "medium",
        "area": "31.75.01",
        "violence_types": ["fisik"],
        "callback": canaries.text(channel, "callback"),
        "narrative": canaries.text(channel, "narrative"),
        "persons": [canaries.person(channel)],
        **known,
    }


def a_file(canaries: Canaries) -> bytes:
    """Two rows, one of which cannot be read."""
    sheet = io.StringIO()
    rows = csv.DictWriter(sheet, COLUMNS)
    rows.writeheader()
    for number, urgency in ((1, "high"), (2, canaries.text("import", "urgency"))):
        person = canaries.person("import")
        told = {f"{field}_1": str(value) for field, value in person.items()}
        told |= {"reference": f"FILE-{number}", "urgency": urgency, "callback": canaries.text("import", "callback"), "area": "31.75.01"}
        rows.writerow(told | {"narrative": canaries.text("import", "narrative")})
    return sheet.getvalue().encode()


async def how_she_may_be_reached(rig: Rig, canaries: Canaries, case_id: str) -> None:
    """Her own rules, handed over to notifications, and a message that waits for an officer."""
    (row,) = await rig.sql(
        "intake", "SELECT person_id::text AS id FROM person WHERE case_id = :c AND left_at IS NULL ORDER BY place LIMIT 1", c=case_id
    )
    address, word, number = f"kenari{len(canaries.all)}@surat.test", "Kenarisandi Kuning", f"+62811888{len(canaries.all):04}"
    for field, value in (("address", address), ("code_word", word), ("number", number)):
        canaries.all[value] = ("safe contact", field)
    hours = [{"days": [1, 2, 3], "begins": "19:00", "ends": "21:00"}]
    channels = [{"channel": "sms", "address": number, "hours": hours}, {"channel": "email", "address": address, "hours": hours}]
    body = {"channels": channels, "code_word": word}
    changed = await rig.put("intake", f"/persons/{row.id}/safe-contact", json=body, if_match="0", **OFFICER)
    assert (changed.status_code, canaries.found_in(changed.text)) == (200, set()), changed.text
    refused = await rig.put("intake", f"/persons/{row.id}/safe-contact", json={**body, "code_word": f"{word} {'x' * 30}"}, if_match="1", **OFFICER)
    assert (refused.status_code, canaries.found_in(refused.text)) == (422, set())

    async def taken() -> bool:
        return bool(await rig.sql("notifications", "SELECT 1 FROM survivor WHERE held = 1"))

    await rig.until(taken)
    ok(await rig.post("notifications", f"/persons/{row.id}/messages", json={"purpose": "contact"}, **OFFICER))


async def later_and_sealed(rig: Rig, canaries: Canaries) -> None:
    """What an agency says of its case later, plain and sealed, read, refused and held."""
    later = {"to": "N-1", "narrative": canaries.text("later", "narrative")}
    added = {**later, "callback": canaries.text("later", "callback"), "persons": [canaries.person("later")]}
    refused = {**added, "reference": "L-2", "urgency": canaries.text("later refused", "urgency")}
    for kind, message in {
        "added": {**added, "reference": "L-1"},
        "withdrawn": {**later, "reference": "L-3", "reason": "sent_in_error"},
    }.items():
        await rig.publish(f"referral.dppapp.{kind}.v1", json.dumps(message).encode())
    await rig.publish("referral.dppapp.added.v1", json.dumps(refused).encode())
    system = {"role": "agency_system", "agency": "dppapp"}
    said = {"reference": "L-4", "to": "N-1", "persons": [canaries.person("later by http")]}
    assert canaries.found_in(str(ok(await rig.post("intake", "/messages/added", json=said, **system)))) == set()
    (key,) = ok(await rig.clients["intake"].get("/sealing/keys"))["keys"]
    nobodys = OKPKey.generate_key("X25519", {"kid": "nobodys"}, private=False).as_dict(private=False)
    for channel, reference, to in (("sealed", "Z-1", key), ("sealed to nobody", "Z-2", nobodys)):
        body = json.dumps(a_report(canaries, channel, reference=reference)).encode()
        await rig.publish("referral.dppapp.sealed.v1", json.dumps({"sealed": bodies.seal(body, to), "reference": reference}).encode())
    await rig.settle()
    said_of = [data["reference"] for kind, _, data in await rig.facts("intake") if kind == "receipt.held.v1"]
    assert said_of == ["Z-2"]


async def every_channel(rig: Rig, canaries: Canaries) -> str:
    """Reports by each way that there is, good, incomplete and refused ones, and what officers add to a case; the id of that one."""
    refer = "referral.dppapp.submitted.v1"
    await rig.publish(refer, json.dumps(a_report(canaries, "nats", reference="N-1")).encode())
    await rig.publish(refer, json.dumps(a_report(canaries, "nats incomplete", reference="N-2", area=canaries.text("nats", "area"))).encode())
    await rig.publish(refer, json.dumps(a_report(canaries, "nats refused", urgency=canaries.text("nats", "urgency"))).encode())
    await rig.publish(refer, canaries.text("nats", "bytes").encode())
    case_id = ok(await rig.post("intake", "/reports", json=a_report(canaries, "desk"), **OFFICER))["case_id"]
    refused = await rig.post("intake", "/reports", json=a_report(canaries, "desk refused", urgency=canaries.text("desk", "urgency")), **OFFICER)
    assert (refused.status_code, canaries.found_in(refused.text)) == (422, set())
    ok(await rig.post("intake", "/reports", json=a_report(canaries, "street", violence_types=[], ppks=11), **TEAM))
    system = {"role": "agency_system", "agency": "polda-ppa"}
    ok(await rig.post("intake", "/reports", json=a_report(canaries, "system", reference="S-1"), **system))
    answer = await rig.clients["intake"].post("/public/reports", json=a_report(canaries, "public"), headers={"Idempotency-Key": uuid4().hex})
    assert (answer.status_code, canaries.found_in(answer.text)) == (201, set())
    headers = {**rig._headers({**OFFICER}), "Idempotency-Key": uuid4().hex, "Content-Type": "text/csv"}
    file = ok(await rig.clients["intake"].post("/imports", content=a_file(canaries), headers=headers))
    household = {"persons": [canaries.person("household"), {**canaries.person("joiner"), "role": "child", "age": 6}]}
    changed = await rig.put("intake", f"/cases/{case_id}/household", json=household, if_match="1", **OFFICER)
    assert changed.status_code == 200, changed.text
    ok(await rig.post("intake", f"/cases/{case_id}/incidents", json={"narrative": canaries.text("incident", "narrative")}, **OFFICER))
    him = {name: value for name, value in canaries.person("suspect").items() if name in {"name", "nik", "address"}}
    ok(await rig.post("intake", f"/cases/{case_id}/suspects", json={"relation": "suami_istri", **him}, **OFFICER))
    await how_she_may_be_reached(rig, canaries, case_id)
    await rig.settle()
    await later_and_sealed(rig, canaries)
    told = ok(await rig.get("intake", f"/imports/{file['import_id']}", **OFFICER))
    assert (told["state"], told["rejected"]) == ("done", 1)
    return str(case_id)


@pytest.mark.timeout(240)
async def test_what_is_told_by_any_channel_lies_in_the_vault_and_nowhere_else(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    canaries = Canaries()
    await people.platform(rig, people.a_shelter())
    case_id = await every_channel(rig, canaries)
    channels = {channel for channel, _ in canaries.all.values()}
    assert len(channels) > 10, channels
    assert set().union(*[canaries.found_in(message) async for message in stored(rig)]) == set(), "in a stream"
    for service, client in rig.clients.items():
        assert canaries.found_in("\n".join(await dumped(rig, service))) == set(), f"in the store of {service}"
        assert canaries.found_in((await client.get("/metrics")).text) == set(), f"in the figures of {service}"
    assert canaries.found_in("".join(capfd.readouterr())) == set(), "in a log"
    shown = canaries.found_in((await rig.get("intake", f"/cases/{case_id}", **OFFICER)).text)
    assert {field for _, field in shown} == {"name", "nik", "phone", "address", "narrative", "callback"}, "whoever may see them finds them"
    rows = await rig.sql("intake", "SELECT count(*) AS n FROM case_file")
    assert rows[0].n >= 7, "the reports were taken"
