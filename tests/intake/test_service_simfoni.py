"""What goes to SIMFONI: tables that equal what the events say, names on consent alone, and numbers that nobody types twice."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from contracts.vocabulary import ViolenceType

from tests.flows.people import ok
from tests.intake.builders import a_person, a_referral
from tests.intake.sharing import OFFICER, POLICE, SUPERVISOR, open_case, people
from tests.rig import Rig

KINDS = list(ViolenceType)


def this_month() -> str:
    return (datetime.now(UTC) + timedelta(hours=7)).strftime("%Y-%m")


async def a_month_of_cases(rig: Rig, many: int = 24) -> None:
    for number in range(many):
        kinds = [KINDS[number % 3], KINDS[(number // 5) % 3]]
        victim = a_person(sex="female" if number % 4 else "male", age=number * 3, name=f"Contoh {number}")
        body = a_referral(
            reference=f"S-{number}", persons=[victim, a_person(role="child", age=4)], violence_types=sorted(set(kinds)), area="31.74.01"
        )
        ok(await rig.post("intake", "/reports", json=body, **POLICE))
    await rig.settle()
    rig.services["intake"].database.skew += timedelta(days=32)


async def as_the_events_say(rig: Rig) -> dict[tuple[str, str, str], int]:
    """SIMFONI's cells, counted from what intake published on the stream and from nothing else."""
    js = rig.nats.jetstream()
    state = (await js.stream_info("CASES")).state
    said = [await js.get_msg("CASES", number) for number in range(1, state.last_seq + 1)]
    found: Counter[tuple[str, str, str]] = Counter()
    for report in (json.loads(message.data) for message in said if message.headers["ce-type"] == "case.intake.reported.v1"):
        for person in report["household"]["persons"]:
            if person["role"] == "victim":
                rows = [("wilayah", report["area"][:5]), *(("bentuk_kekerasan", kind) for kind in report["violence_types"]), ("umur", "total")]
                for table, row in rows:
                    found[table, row, person["sex"]] += 1
                    found[table, row, "total"] += 1
    return found


async def test_the_tables_of_a_month_equal_the_events_and_name_no_small_group(rig: Rig) -> None:
    await rig.start("intake")
    month = this_month()
    await a_month_of_cases(rig)
    answer = ok(await rig.get("intake", f"/simfoni/aggregates?month={month}", **SUPERVISOR))
    cells = {(cell["table"], cell["row"], cell["sex"]): cell["count"] for cell in answer["cells"]}
    expected = await as_the_events_say(rig)
    assert expected["umur", "total", "total"] == 24
    for cell, count in expected.items():
        assert cells[cell] in (None, count), cell
        assert (cells[cell] is None) or count >= answer["small"], cell
    shown = [cell for cell, count in expected.items() if cells[cell] is not None]
    assert ("umur", "total", "total") in shown
    assert len(shown) > 5, "not everything is kept back"
    lines = list(csv.DictReader(io.StringIO((await rig.get("intake", f"/simfoni/aggregates?month={month}&format=csv", role="operator")).text)))
    assert {(line["table"], line["row"], line["sex"]): int(line["count"]) if line["count"] else None for line in lines} == cells


async def test_a_month_that_is_not_over_and_who_may_not_are_refused(rig: Rig) -> None:
    await rig.start("intake")
    early = await rig.get("intake", f"/simfoni/aggregates?month={this_month()}", **SUPERVISOR)
    assert (early.status_code, early.json()["errors"]) == (422, [{"field": "month", "code": "in_the_future"}])
    assert (await rig.get("intake", "/simfoni/aggregates?month=2026-13", **SUPERVISOR)).status_code == 422
    assert (await rig.get("intake", "/simfoni/aggregates?month=2026-01", **OFFICER)).status_code == 403
    assert (await rig.get("intake", "/simfoni/records?month=2026-01", role="operator")).status_code == 403


async def test_only_who_agreed_is_named_and_each_look_is_on_record(rig: Rig) -> None:
    await rig.start("intake")
    month = this_month()
    agrees, _ = await open_case(rig, a_person(name="=Setuju Contoh", nik=None, age=30))
    refuses, _ = await open_case(rig, a_person(name="Tidak Contoh", age=30))
    silent, _ = await open_case(rig, a_person(name="Diam Contoh", age=30))
    assert silent
    consent = {"purpose": "national_recording", "recipient": None, "medium": "written", "text_version": "v1"}
    (given,) = ok(await rig.post("intake", f"/cases/{agrees}/consents", json={**consent, "persons": await people(rig, agrees)}, **OFFICER))
    no = {**consent, "persons": await people(rig, refuses), "agreed": False}
    await rig.post("intake", f"/cases/{refuses}/consents", json=no, **OFFICER)
    ok(await rig.put("intake", f"/cases/{agrees}/simfoni-number", json={"number": "PPA-2026/117"}, **OFFICER))
    rig.services["intake"].database.skew += timedelta(days=32)
    (record,) = ok(await rig.get("intake", f"/simfoni/records?month={month}", **SUPERVISOR))
    assert (record["name"], record["simfoni"], record["naungan"]) == ("=Setuju Contoh", "PPA-2026/117", str(agrees))
    text = (await rig.get("intake", f"/simfoni/records?month={month}&format=csv", **SUPERVISOR)).text
    assert "'=Setuju Contoh" in text
    assert "Tidak" not in text
    looks = await rig.sql("intake", "SELECT subject FROM audit WHERE action = 'simfoni_by_name'")
    assert [str(look.subject) for look in looks] == (await people(rig, agrees)) * 2
    assert ok(await rig.get("intake", f"/simfoni/records?month={month}", role="supervisor", agency="dinsos")) == [], (
        "of cases that it takes no part in"
    )
    ok(await rig.post("intake", f"/consents/{given['consent_id']}/withdraw", **OFFICER))
    assert ok(await rig.get("intake", f"/simfoni/records?month={month}", **SUPERVISOR)) == []


async def test_a_number_is_of_one_case_and_known_both_ways(rig: Rig) -> None:
    await rig.start("intake")
    first, _ = await open_case(rig)
    second, _ = await open_case(rig)
    path = f"/cases/{first}/simfoni-number"
    assert (await rig.get("intake", path, **OFFICER)).status_code == 404
    for number in ("PPA-1", "PPA-2"):
        ok(await rig.put("intake", path, json={"number": number}, **OFFICER))
    assert ok(await rig.get("intake", path, **OFFICER)) == {"case_id": str(first), "number": "PPA-2"}
    taken = await rig.put("intake", f"/cases/{second}/simfoni-number", json={"number": "PPA-2"}, **OFFICER)
    assert (taken.status_code, taken.json()["field"]) == (409, "number")
    wrong = await rig.put("intake", path, json={"number": "?"}, **OFFICER)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "number")
    assert (await rig.put("intake", f"/cases/{uuid4()}/simfoni-number", json={"number": "PPA-3"}, **OFFICER)).status_code == 404
    said = [kind for kind, subject, _ in await rig.facts("intake") if kind == "case.intake.simfoni_numbered.v1" and subject == first]
    assert len(said) == 2
