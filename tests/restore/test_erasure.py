"""An erased person stays erased: a backup of all four services from before the erasure is put back, and her data cannot be read in any of them."""

import asyncio

import asyncpg
import pytest
from chassis.store.vault import ErasedError
from ops.audit import verdicts
from ops.backup import restore

from tests.flows.people import ALL, PEKSOS, a_referral, ok, platform, refer
from tests.restore.loss import agrees_with_the_streams, backed_up, put_back, started, tasks, urls_of
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)

NAME, NIK, PHONE, ADDRESS, STORY = "Kanarya Mawar", "9971014505900077", "0813-4141-4141", "Jalan Kanarya 41", "Kanarya Mawar tells her story"
MARKS = (NAME, NIK, PHONE, ADDRESS, STORY)
OFFICER, SUPERVISOR = {"role": "intake_officer", "agency": "dppapp"}, {"role": "supervisor", "agency": "dppapp"}


async def a_case(rig: Rig) -> tuple[str, str, str]:
    """A mother and her child in assessment, the mother with answers; the case and both."""
    her = {"role": "victim", "sex": "female", "age": 36, "name": NAME, "nik": NIK, "phone": PHONE, "address": ADDRESS}
    told = a_referral("KANARYA", shelter=False, narrative=STORY)
    case_id = await refer(rig, told | {"persons": [her, told["persons"][1]]})
    rows = await rig.sql("intake", "SELECT person_id::text AS id FROM person WHERE case_id = :c ORDER BY place", c=case_id)
    mother, child = (row.id for row in rows)
    for person in (mother, child):
        body = {"person_id": person, "instrument": "phq9", "answers": {"phq9_1": 3}}
        await rig.put("assessment", f"/cases/{case_id}/answers", json=body, role="peksos", subject=PEKSOS)
    return str(case_id), mother, child


async def readable(rig: Rig, case_id: str, mother: str) -> list[str]:
    """Her data, wherever somebody who may see it can read it."""
    answers = [
        await rig.get("intake", f"/cases/{case_id}", **OFFICER),
        await rig.get("intake", f"/persons/{mother}/export?texts=true", **SUPERVISOR),
        await rig.get("assessment", f"/cases/{case_id}/answers/{mother}", role="supervisor", agency="dinsos"),
    ]
    found = [mark for answer in answers for mark in MARKS if mark in answer.text]
    return found + [f"answer {item['answer']}" for item in answers[2].json().get("items", ()) if item["answer"] is not None]


async def all_started(rig: Rig, *services: str) -> None:
    for service in services:
        await rig.services[service].start()
    await rig.until(rig._bound)
    await rig.settle()


async def erase(rig: Rig, person: str, **body: object) -> None:
    ok(await rig.post("intake", f"/persons/{person}/erasure", json={"ground": "person_asked", **body}, **SUPERVISOR))
    await rig.settle()


async def nobody_has_a_key_of(rig: Rig, owner: str) -> None:
    for service in ALL:
        vault = rig.services[service].vault
        assert (await vault.of([owner]))._keys == {}, service
        with pytest.raises(ErasedError):
            await vault.new([owner])


async def test_a_backup_from_before_brings_nothing_of_her_back_in_any_service(rig: Rig) -> None:
    await platform(rig)
    case_id, mother, child = await a_case(rig)
    assert set(MARKS) <= set(await readable(rig, case_id, mother))
    assert "answer 3" in await readable(rig, case_id, mother)
    folders = {service: await backed_up(rig, service, rig.folder / service) for service in ALL}
    counted = await counts(rig)

    await erase(rig, mother, keep_texts=False)

    assert await readable(rig, case_id, mother) == []
    await nobody_has_a_key_of(rig, mother)

    for service, folder in folders.items():
        await put_back(rig, service, folder)
    await all_started(rig, *ALL)

    assert await readable(rig, case_id, mother) == []
    await nobody_has_a_key_of(rig, mother)
    assert await counts(rig) == counted, "codes, and so what is counted, stay"
    shown = ok(await rig.get("intake", f"/cases/{case_id}", **OFFICER))
    assert {member["person_id"]: member["name"] for member in shown["persons"]} == {mother: None, child: "Anak Contoh"}
    answers = ok(await rig.get("assessment", f"/cases/{case_id}/answers/{child}", role="supervisor", agency="dinsos"))
    assert answers["person_id"] == child
    assert not list(await rig.sql("intake", "SELECT 1 FROM person WHERE nik_index IS NOT NULL"))
    urls = {service: urls_of(rig, service).store for service in ALL}
    await asyncio.sleep(2)  # the chainer links what was written since
    assert {service: verdict.wrong for service, verdict in (await verdicts(urls, ALL)).items()} == dict.fromkeys(ALL, ())
    for service in ALL:
        await agrees_with_the_streams(rig, service)
    assert "not_relearnt" not in {missing for _, missing in await tasks(rig, "intake")}


async def counts(rig: Rig) -> list[int]:
    queries = {
        "intake": ("SELECT count(*) FROM case_file", "SELECT count(*) FROM person"),
        "assessment": ("SELECT count(*) FROM answer", "SELECT count(*) FROM assessment_case"),
    }
    return [(await rig.sql(service, query))[0][0] for service, some in queries.items() for query in some]


async def test_when_the_keys_are_lost_too_the_stream_still_knows_who_was_erased(rig: Rig) -> None:
    await platform(rig)
    case_id, mother, _ = await a_case(rig)
    folders = {service: await backed_up(rig, service, rig.folder / service) for service in ("intake", "assessment")}
    await erase(rig, mother, keep_texts=True)
    for service, folder in folders.items():
        urls = urls_of(rig, service)
        old = rig.services[service]
        await old.stop()
        await rig.clients[service].aclose()
        keys = await asyncpg.connect(urls.keys)
        await keys.execute("TRUNCATE person_key, erased")
        await keys.close()
        await restore(folder, {service: urls})
        rig.add(service, old.settings).database.skew = old.database.skew
    vault = rig.services["intake"].vault
    assert len((await vault.of([mother]))._keys) == 1, "the backup of the keys has brought hers back"

    await all_started(rig, *folders)

    assert set(await readable(rig, case_id, mother)) == {STORY, NAME}, "but for the case's text, which was to stay"
    await nobody_has_a_key_of(rig, mother)


async def test_holds_requests_and_grants_of_the_lost_hour_are_learnt_again(rig: Rig) -> None:
    await rig.start("intake")
    case_id = await refer(rig, a_referral("HELD", shelter=False))
    (person, *_) = await rig.sql("intake", "SELECT person_id FROM person WHERE case_id = :c ORDER BY place", c=case_id)
    folder = await backed_up(rig, "intake")
    held = {"ground": "court", "review_on": "2099-01-01"}
    first = ok(await rig.post("intake", f"/cases/{case_id}/holds", json=held, **SUPERVISOR))
    second = ok(await rig.post("intake", f"/cases/{case_id}/holds", json=held, **SUPERVISOR))
    ok(await rig.post("intake", f"/holds/{second['hold_id']}/lift", json={}, **SUPERVISOR))
    asked = ok(await rig.post("intake", f"/persons/{person.person_id}/requests", json={"right": "erasure"}, **OFFICER))
    grant = ok(await rig.post("intake", "/break-glass", json={"case_id": str(case_id), "reason": "danger_to_life"}, role="intake_officer"))
    await rig.settle()

    await put_back(rig, "intake", folder)
    await started(rig, "intake")

    assert [entry["hold_id"] for entry in ok(await rig.get("intake", "/holds", **SUPERVISOR))] == [first["hold_id"]]
    assert [entry["request_id"] for entry in ok(await rig.get("intake", "/requests", **OFFICER))] == [asked["request_id"]]
    assert [entry["grant_id"] for entry in ok(await rig.get("intake", "/break-glass", **SUPERVISOR))] == [grant["grant_id"]]
    refused = await rig.post("intake", f"/persons/{person.person_id}/erasure", json={"ground": "person_asked", "keep_texts": True}, **SUPERVISOR)
    assert (refused.status_code, refused.json()["state"]) == (409, "held"), "what the law keeps is not lost to a restore"
    await agrees_with_the_streams(rig, "intake")
