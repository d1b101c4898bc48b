"""What comes in by NATS and by HTTP, on real servers: once per agency and reference, precise refusals, nothing secret in the clear."""

import asyncio
import json
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from contracts import catalogue
from intake import handlers
from intake.store import metadata
from sqlalchemy import text

from tests.intake.builders import a_body, a_nik, a_person, a_referral, at_the_door

POLDA = "referral.polda-ppa.submitted.v1"
DPPAPP = "referral.dppapp.submitted.v1"
OFFICER = {"role": "intake_officer", "agency": "dppapp"}


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def receipts(rig):
    return [(kind, subject, data) for kind, subject, data in await rig.facts("intake") if kind.startswith("receipt.")]


async def cases(rig):
    return await rig.sql("intake", "SELECT * FROM case_file ORDER BY opened_at")


def test_every_event_that_intake_reads_has_a_handler():
    assert set(handlers.inputs.types) == {event.type for stream in ("CASES", "AUDIT") for event in catalogue.read_by("intake", stream)}


async def test_the_migration_makes_the_tables_that_the_store_declares(intake):
    async with intake.services["intake"].database.engine.connect() as connection:
        difference = await connection.run_sync(lambda c: compare_metadata(MigrationContext.configure(c), metadata))
    # Uniqueness over two columns is only declared in the migration.
    assert [entry for entry in difference if entry[0] != "remove_constraint"] == []


async def test_a_complete_referral_opens_a_case_and_is_accepted(intake):
    await intake.publish(POLDA, a_body(reference="LP/1"))
    await intake.settle()
    ((kind, follow_id, receipt),) = await receipts(intake)
    assert (kind, receipt["agency"], receipt["reference"]) == ("receipt.accepted.v1", "polda-ppa", "LP/1")
    assert receipt["follow_id"] == str(follow_id)
    (case,) = await cases(intake)
    assert (case.state, case.reporting_agency, case.responsible_agency) == ("reported", "polda-ppa", "dppapp")
    (reported,) = [data for kind, subject, data in await intake.facts("intake") if kind == "case.intake.reported.v1" and subject == case.case_id]
    assert reported["household"]["persons"][0]["age"] == 36
    (opened,) = [(subject, data) for kind, subject, data in await intake.facts("intake") if kind == "agency.opened.v1"]
    assert opened == (follow_id, {"agency": "polda-ppa", "city": "31.71", "reference": "LP/1"})


async def test_an_incomplete_referral_opens_a_case_too_and_gives_the_desk_a_task(intake):
    await intake.publish(POLDA, a_body(area=None, persons=[a_person(nik=a_nik(serial=0))]))
    await intake.settle()
    ((kind, _, receipt),) = await receipts(intake)
    assert kind == "receipt.incomplete.v1"
    assert receipt["problems"] == [{"field": "persons.0.nik", "code": "nik_impossible"}, {"field": "area", "code": "missing"}]
    (task,) = (await intake.get("intake", "/desk", **OFFICER)).json()
    (case,) = await cases(intake)
    assert (task["kind"], task["case_id"], len(task["problems"])) == ("incomplete", str(case.case_id), 2)
    assert [data["city"] for kind, _, data in await intake.facts("intake") if kind == "agency.opened.v1"] == ["00.00"]
    await intake.advance(hours=25)
    (case,) = await cases(intake)
    assert set(case.missed) == {"incomplete", "triage"}
    done = await intake.post("intake", f"/desk/{task['task_id']}/done", **OFFICER)
    assert done.json()["done_at"]
    assert (await intake.post("intake", f"/desk/{task['task_id']}/done", **OFFICER)).status_code == 409
    assert (await cases(intake))[0].missed == ["triage"]
    assert (await intake.get("intake", "/desk", **OFFICER)).json() == []


async def test_unreadable_bytes_are_rejected_and_kept_sealed_for_the_desk(intake):
    await intake.publish(POLDA, b"Tolong, Ibu Sekar dipukul \xff")
    await intake.publish(POLDA, a_body(reference="LP/2", callback=None))
    await intake.settle()
    got = {json.dumps(data["problems"][0]): (kind, data["reference"]) for kind, _, data in await receipts(intake)}
    assert got == {
        '{"field": "body", "code": "unreadable"}': ("receipt.rejected.v1", None),
        '{"field": "callback", "code": "missing"}': ("receipt.rejected.v1", "LP/2"),
    }
    assert await cases(intake) == []
    tasks = (await intake.get("intake", "/desk", **OFFICER)).json()
    (unreadable,) = [task for task in tasks if task["reference"] is None]
    seen = (await intake.get("intake", f"/desk/{unreadable['task_id']}", **OFFICER)).json()
    assert seen["content"] == "Tolong, Ibu Sekar dipukul \\xff"
    (audit,) = await intake.sql("intake", "SELECT action, subject FROM audit WHERE action = 'desk_read'")
    assert str(audit.subject) == unreadable["task_id"]
    assert (await intake.get("intake", f"/desk/{unreadable['task_id']}", role="supervisor", agency="dinsos")).status_code == 404
    await intake.advance(hours=25)
    missed = [data["clock"] for kind, _, data in await intake.facts("intake") if kind == "case.intake.clock_missed.v1"]
    assert missed == ["incomplete", "incomplete"]


async def test_fifty_identical_submissions_by_both_doors_at_once_are_one_case_with_one_receipt(intake):
    body = a_referral(reference="S-50", narrative=None)
    raw = json.dumps(body).encode()
    by_http = [intake.post("intake", "/reports", json=body, role="agency_system", agency="dppapp") for _ in range(25)]
    by_nats = [intake.publish(DPPAPP, raw, {"Nats-Msg-Id": uuid4().hex}) for _ in range(25)]
    answers = [answer for answer in await asyncio.gather(*by_http, *by_nats) if answer is not None]
    await intake.settle()
    assert {answer.status_code for answer in answers} == {201}
    (case,) = await cases(intake)
    assert len({answer.text for answer in answers}) == 1
    answer = answers[0].json()
    got = await receipts(intake)
    assert len(got) == 25
    assert {(kind, data["follow_id"], json.dumps(data["problems"])) for kind, _, data in got} == {
        (f"receipt.{answer['receipt']}.v1", answer["follow_id"], json.dumps(answer["problems"]))
    }
    assert "case_id" not in answer
    assert answer["follow_id"] != str(case.case_id)
    assert [kind for kind, _, _ in await intake.facts("intake")].count("case.intake.reported.v1") == 1


async def test_two_agencies_may_use_one_reference_and_one_message_id(intake):
    body = a_body(reference="7")
    await intake.publish(POLDA, body, {"Nats-Msg-Id": "7"})
    await asyncio.sleep(0.3)  # a sender cannot know the other; the server's window is per stream and this short
    await intake.publish(DPPAPP, body, {"Nats-Msg-Id": "7"})
    await intake.settle()
    assert [case.reporting_agency for case in await cases(intake)] == ["polda-ppa", "dppapp"]
    assert len({data["follow_id"] for _, _, data in await receipts(intake)}) == 2


async def test_a_reused_reference_with_other_content_is_refused_at_both_doors(intake):
    await intake.publish(DPPAPP, a_body(reference="9"))
    await intake.publish(DPPAPP, a_body(reference="9", narrative="Orang lain."))
    await intake.settle()
    kinds = [(kind, data.get("problems")) for kind, _, data in await receipts(intake)]
    assert kinds == [("receipt.accepted.v1", None), ("receipt.rejected.v1", [{"field": "reference", "code": "reference_reused"}])]
    answer = await intake.post("intake", "/reports", json=a_referral(reference="9", urgency="low"), role="agency_system", agency="dppapp")
    assert answer.status_code == 409
    assert answer.json()["errors"] == [{"field": "reference", "code": "reference_reused"}]
    assert len(await cases(intake)) == 1
    (task,) = (await intake.get("intake", "/desk", **OFFICER)).json()
    assert (task["kind"], task["reference"]) == ("rejected", "9")


async def test_an_officer_may_leave_the_reference_out_and_sees_the_case(intake):
    answer = await intake.post("intake", "/reports", json=a_referral(reference=None), key="k", **OFFICER)
    assert (answer.status_code, answer.json()["receipt"]) == (201, "accepted")
    again = await intake.post("intake", "/reports", json=a_referral(reference=None), key="k2", **OFFICER)
    assert again.json()["case_id"] != answer.json()["case_id"]
    (case, _) = await cases(intake)
    assert answer.json()["case_id"] == str(case.case_id)
    refused = await intake.post("intake", "/reports", json=a_referral(reference=None), role="agency_system", agency="dppapp")
    assert (refused.status_code, refused.json()["errors"]) == (422, [{"field": "reference", "code": "missing"}])


async def test_a_refused_report_names_each_field_and_changes_nothing(intake):
    body = a_referral(urgency="sekali", callback=None, persons=[a_person(age=-1)])
    answer = await intake.post("intake", "/reports", json=body, **OFFICER)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"urgency", "callback", "persons.0.age"}
    assert "sekali" not in answer.text
    assert await cases(intake) == []
    assert (await intake.post("intake", "/reports", json=a_referral(), role="peksos")).status_code == 403
    assert (await intake.post("intake", "/reports", json=a_referral(), role="intake_officer", agency="Bad Agency")).status_code == 403


async def test_a_system_with_a_complete_screen_is_triaged_at_once_by_the_floor(intake):
    screen = {"red_flags": ["weapon"], "shelter_needed": True, "shelter_grounds": ["threat_to_life"], "perpetrator_areas": ["31.72.01"]}
    await intake.publish(POLDA, a_body(urgency="low", screen=screen))
    await intake.settle()
    (triaged,) = [data for kind, _, data in await intake.facts("intake") if kind == "case.intake.triaged.v1"]
    assert (triaged["risk"], triaged["shelter_needed"], triaged["responsible_agency"]) == ("high", True, "dppapp")
    (case,) = await cases(intake)
    assert (case.state, case.risk) == ("shelter_sought", "high")
    assert await intake.sql("intake", "SELECT 1 FROM clock WHERE kind = 'triage'") == []


async def test_an_officers_report_waits_for_a_triage_even_with_a_screen(intake):
    await intake.post("intake", "/reports", json=a_referral(screen={"shelter_needed": True}), **OFFICER)
    assert [case.state for case in await cases(intake)] == ["reported"]


async def test_nothing_that_names_anybody_is_in_the_clear_anywhere(intake, capfd):
    canaries = ["Kanarya-Nama", "0899-KANARYA", "Kanarya-Alamat", "Kanarya-Cerita", "Kanarya-Petugas", a_nik()]
    person = a_person(name=canaries[0], phone=canaries[1], address=canaries[2], nik=a_nik())
    body = a_referral(reference="K-1", persons=[person], narrative=canaries[3], callback=canaries[4])
    await intake.publish(POLDA, json.dumps(body).encode())
    await intake.publish(POLDA, json.dumps(body | {"narrative": canaries[0]}).encode())
    await intake.publish(POLDA, json.dumps(body).encode()[:-5])
    await intake.post("intake", "/reports", json=body, **OFFICER)
    await intake.settle()
    assert len(await cases(intake)) == 2
    tables = await intake.sql("intake", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [row[0] for (table,) in tables for row in await intake.sql("intake", f"SELECT t::text FROM {table} t")]
    bodies = [str(row.body, "utf-8", "replace") for row in await intake.sql("intake", "SELECT body FROM outbox")]
    said = "\n".join(rows + bodies + [message async for message in stored(intake)] + list(capfd.readouterr()))
    for canary in canaries:
        assert canary not in said
        assert canary.encode().hex() not in said
    assert (await intake.nats.jetstream().stream_info("REFERRALS")).state.messages == 0


async def stored(rig):
    js = rig.nats.jetstream()
    for stream in ("CASES", "REFERRALS", "RECEIPTS", "AGENCIES"):
        state = (await js.stream_info(stream)).state
        for sequence in range(state.first_seq, state.last_seq + 1):
            try:
                message = await js.get_msg(stream, sequence)
            except Exception:
                continue
            yield f"{message.subject} {message.headers} {(message.data or b'').decode('utf-8', 'replace')}"


async def test_a_poison_in_a_batch_hurts_only_itself(intake):
    service = intake.services["intake"]
    async with service.database.engine.begin() as connection:  # hold the consumer back until all three are there
        await connection.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        await intake.publish(POLDA, a_body(reference="first"))
        await asyncio.sleep(0.2)
        await intake.publish(POLDA, a_body(reference="a"))
        await intake.publish("referral.NOBODY.submitted.v1", a_body(narrative="Kanarya"))
        await intake.publish(POLDA, a_body(reference="b"))
        await asyncio.sleep(0.2)
    await intake.settle()
    assert {data["reference"] for _, _, data in await receipts(intake)} == {"first", "a", "b"}
    (letter,) = await intake.sql("intake", "SELECT * FROM dead_letter")
    assert letter.set_aside_at is not None
    assert letter.sealed
    assert b"Kanarya" not in bytes(letter.body)


async def test_a_follow_id_is_of_use_to_its_own_agency_only(intake):
    answer = await intake.post("intake", "/reports", json=a_referral(reference="F-1"), role="agency_system", agency="polda-ppa")
    path = f"/follow/{answer.json()['follow_id']}"
    seen = (await intake.get("intake", path, role="agency_system", agency="polda-ppa")).json()
    assert (seen["state"], seen["reference"], seen["risk"]) == ("reported", "F-1", None)
    assert (await intake.get("intake", path, role="agency_system", agency="dppapp")).status_code == 404
    assert (await intake.get("intake", f"/follow/{UUID(int=1)}", role="agency_system", agency="polda-ppa")).status_code == 404
    (case,) = await cases(intake)
    assert (await intake.get("intake", f"/cases/{case.case_id}", role="agency_system", agency="polda-ppa")).status_code == 403


async def test_someone_at_the_door_gets_a_case_a_desk_task_and_a_triage_clock(intake):
    case_id, admitted = uuid4(), at_the_door()
    await intake.say(admitted, subject=case_id)
    await intake.settle()
    (case,) = await cases(intake)
    assert (case.case_id, case.state, case.channel, case.reporting_agency, case.responsible_agency) == (
        case_id,
        "sheltered",
        "placement",
        "dinsos",
        "dinsos",
    )
    (task,) = (await intake.get("intake", "/desk", role="intake_officer", agency="dinsos")).json()
    assert {problem["field"] for problem in task["problems"]} == {"persons.0.name", "narrative"}
    kinds = [kind for kind, _, _ in await intake.facts("intake")]
    assert kinds.count("agency.opened.v1") == kinds.count("agency.sheltered.v1") == 1
    await intake.advance(hours=7)
    (case,) = await cases(intake)
    assert case.missed == ["triage"]
