"""What the tests of sharing do and see: cases, consents, disclosures, restrictions, and what an agency can pull from the broker."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from contracts import assessment

from tests.flows.people import ok
from tests.intake.builders import a_person, a_referral, a_triage

OFFICER = {"role": "intake_officer", "agency": "dppapp"}
SUPERVISOR = {"role": "supervisor", "agency": "dppapp"}
POLICE = {"role": "intake_officer", "agency": "polda-ppa"}
RECIPIENT = {"role": "agency_system", "agency": "dinsos"}
MOTHER, CHILD = a_person(name="Canary Contoh"), a_person(role="child", age=9, name="Anak Contoh", phone="0813-0000-0009")
IN_WRITING = {"medium": "written", "text_version": "v1"}


async def open_case(rig, *persons, who=POLICE):
    """A triaged case that the police reported and dppapp leads, and its persons."""
    report = ok(await rig.post("intake", "/reports", json=a_referral(persons=list(persons) or [MOTHER]), **who))
    case_id = UUID(report["case_id"])
    ok(await rig.post("intake", f"/cases/{case_id}/triage", json=a_triage(), **OFFICER)) if who == OFFICER else await triaged(rig, case_id)
    return case_id, await people(rig, case_id)


async def triaged(rig, case_id):
    ok(await rig.post("intake", f"/cases/{case_id}/triage", json=a_triage(), **OFFICER))


async def people(rig, case_id):
    rows = await rig.sql("intake", "SELECT person_id::text FROM person WHERE case_id = :c AND left_at IS NULL ORDER BY place", c=case_id)
    return [row.person_id for row in rows]


async def agree(rig, case_id, persons, who=OFFICER, **known):
    body = {"persons": persons, "purpose": "health", "recipient": "dinsos", **IN_WRITING, **known}
    return await rig.post("intake", f"/cases/{case_id}/consents", json=body, **who)


async def disclose(rig, case_id, who=OFFICER, **known):
    body = {"recipient": "dinsos", "purpose": "health", "fields": ["name", "phone", "area"], **known}
    return await rig.post("intake", f"/cases/{case_id}/disclosures", json=body, **who)


async def shared(rig, **known):
    """A case of which a disclosure to dinsos holds."""
    case_id, persons = await open_case(rig)
    (consent,) = ok(await agree(rig, case_id, persons, **known))
    return case_id, persons, consent, ok(await disclose(rig, case_id))


async def on_the_stream(rig, agency):
    """What an agency can pull from the broker, oldest first."""
    await rig.settle()
    js = rig.nats.jetstream()
    state = (await js.stream_info("AGENCIES")).state
    found = [await js.get_msg("AGENCIES", n) for n in range(1, state.last_seq + 1)] if state.last_seq else []
    return [message.headers["ce-type"].split(".")[1] for message in found if message.subject.startswith(f"agency.{agency}.")]


async def moved_on(rig, case_id, version):
    """Another service says something that a reduced feed has too."""
    await rig.say(assessment.Assigned(worker_id=uuid4(), due_at=datetime.now(UTC)), subject=case_id, factversion=version)
    await rig.settle()


async def audited(rig, action):
    return [(row.agency, str(row.subject), row.fields) for row in await rig.sql("intake", "SELECT * FROM audit WHERE action = :a", a=action)]


def wrong(answer):
    assert answer.status_code == 422, answer.text
    return {(entry["field"], entry["code"]) for entry in answer.json()["errors"]}


async def restrict(rig, person, who=OFFICER, **known):
    return await rig.post("intake", f"/persons/{person}/restrictions", json={"ground": "endangers_person", **known}, **who)
