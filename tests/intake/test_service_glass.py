"""Break-glass, why somebody looked, and what goes by itself when its time is over."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from chassis.store.retention import Retention

from tests.intake.test_service_rights import (  # noqa: F401 - a fixture
    CHILD,
    MARKS,
    MOTHER,
    OFFICER,
    POLICE,
    POLICE_HEAD,
    SUPERVISOR,
    a_hold,
    intake,
    keys_of,
    open_case,
)

STRANGER = {"role": "intake_officer", "agency": "polda-ppa", "subject": UUID(int=11)}


async def broken(rig, case_id, who=STRANGER, status=201, reason="danger_to_life"):
    answer = await rig.post("intake", "/break-glass", json={"case_id": str(case_id), "reason": reason}, **who)
    assert answer.status_code == status, answer.text
    await rig.settle()
    return answer.json()


async def test_an_officer_outside_reads_a_case_for_an_hour_and_each_look_is_marked(intake):  # noqa: F811
    case_id, _mother = await open_case(intake, MOTHER)
    assert (await intake.get("intake", f"/cases/{case_id}", **STRANGER)).status_code == 404
    grant = (await broken(intake, case_id))["grant_id"]
    seen = (await intake.get("intake", f"/break-glass/{grant}/case", **STRANGER)).json()
    assert (seen["persons"][0]["name"], seen["narrative"]) == (MOTHER["name"], "Dipukul di rumah kontrakan.")
    assert (await intake.get("intake", f"/break-glass/{grant}/timeline", **STRANGER)).status_code == 200
    looks = await intake.sql("intake", "SELECT action, fields, purpose FROM audit WHERE purpose IS NOT NULL ORDER BY position")
    assert [row.action for row in looks] == ["glass_broken", "case_read", "timeline_read"]
    assert {row.purpose for row in looks} == {f"break_glass:{grant}"}
    assert "name" in looks[1].fields.split()
    told = [body for kind, _, body in await intake.facts("intake") if kind == "case.intake.glass_broken.v1"]
    assert [(body["officer_id"], body["reason"]) for body in told] == [(str(STRANGER["subject"]), "danger_to_life")]
    assert (await intake.get("intake", f"/cases/{case_id}", **STRANGER)).status_code == 404, "and nothing else opens"
    await intake.advance(minutes=61)
    assert (await intake.get("intake", f"/break-glass/{grant}/case", **STRANGER)).status_code == 404


async def test_a_grant_is_its_officers_alone_is_seen_by_supervisors_of_the_case_and_ended_early(intake):  # noqa: F811
    case_id, _ = await open_case(intake, MOTHER)
    grant = (await broken(intake, case_id))["grant_id"]
    for other in (POLICE, POLICE_HEAD, SUPERVISOR):
        assert (await intake.get("intake", f"/break-glass/{grant}/case", **other)).status_code == 404
    assert [entry["grant_id"] for entry in (await intake.get("intake", "/break-glass", **SUPERVISOR)).json()] == [grant]
    assert (await intake.get("intake", "/break-glass", **POLICE_HEAD)).json() == []
    assert (await intake.post("intake", f"/break-glass/{grant}/end", json={}, **POLICE_HEAD)).status_code == 404
    ended = await intake.post("intake", f"/break-glass/{grant}/end", json={}, **SUPERVISOR)
    assert ended.status_code == 200, ended.text
    assert (await intake.get("intake", f"/break-glass/{grant}/case", **STRANGER)).status_code == 404
    again = await intake.post("intake", f"/break-glass/{grant}/end", json={}, **SUPERVISOR)
    assert (again.status_code, again.json()["state"]) == (409, "ended")


async def test_glass_is_broken_only_by_a_desk_outside_for_a_reason_on_the_list(intake):  # noqa: F811
    case_id, _ = await open_case(intake, MOTHER)
    assert (await broken(intake, case_id, OFFICER, 409))["state"] == "takes_part"
    await broken(intake, uuid4(), status=404)
    await broken(intake, case_id, {"role": "peksos", "agency": "polda-ppa"}, 403)
    assert (await broken(intake, case_id, status=422, reason="curious"))["errors"][0]["field"] == "reason"


async def test_the_supervisors_of_the_case_are_told_at_once_with_codes_alone(rig):
    await rig.start("intake", "notifications")
    case_id, _ = await open_case(rig, MOTHER)
    await broken(rig, case_id)
    (notice,) = await rig.sql("notifications", "SELECT role, agency, urgency, n::text AS whole FROM notice n WHERE kind = 'intake.glass_broken'")
    assert (notice.role, notice.agency, notice.urgency) == ("supervisor", "dppapp", "urgent")
    assert not any(mark in notice.whole for mark in MARKS)
    inbox = (await rig.get("notifications", "/inbox", **SUPERVISOR)).text
    assert "emergency" in inbox or "darurat" in inbox


async def test_why_somebody_looked_is_kept_with_the_look(intake):  # noqa: F811
    case_id, _ = await open_case(intake, MOTHER)
    headers = {**intake._headers(dict(OFFICER)), "X-Purpose": "court_order"}
    assert (await intake.clients["intake"].get(f"/cases/{case_id}", headers=headers)).status_code == 200
    await intake.get("intake", f"/cases/{case_id}", **OFFICER)
    looks = await intake.sql("intake", "SELECT purpose FROM audit WHERE action = 'case_read' ORDER BY position")
    assert [row.purpose for row in looks] == ["court_order", None]
    bad = await intake.clients["intake"].get(f"/cases/{case_id}", headers={**headers, "X-Purpose": "Because Kenanga asked"})
    assert (bad.status_code, bad.json()["errors"][0]["field"], "Kenanga" in bad.text) == (422, "X-Purpose", False)


# -- retention ------------------------------------------------------------------------------------------------------------------------


async def closed(rig, case_id, years):
    moment = datetime.now(UTC) - timedelta(days=366 * years)
    answer = await rig.post("intake", f"/cases/{case_id}/close", json={"reason": "information_only"}, **SUPERVISOR)
    assert answer.status_code == 200, answer.text
    await rig.sql("intake", "UPDATE case_file SET changed_at = :at WHERE case_id = :c", at=moment, c=case_id)


async def test_who_is_past_her_time_is_erased_by_itself_unless_a_hold_or_an_open_case_keeps_her(intake):  # noqa: F811
    first, mother, child = await open_case(intake, MOTHER, CHILD)
    young, recent = await open_case(intake, {**MOTHER, "name": "Sri Rahayu", "nik": None, "phone": None, "address": None})
    held_case, held = await open_case(intake, {**MOTHER, "name": "Ratna Dewi", "nik": None, "phone": None, "address": None})
    going, open_one = await open_case(intake, {**MOTHER, "name": "Puspa Lestari", "nik": None, "phone": None, "address": None})
    for case_id, years in ((first, 11), (young, 9), (held_case, 11)):
        await closed(intake, case_id, years)
    await a_hold(intake, held_case)
    await intake.advance(days=2)
    keys = await keys_of(intake)
    assert not {mother, child, first} & keys, "the last one takes the case's texts with her"
    assert {recent, young, held, held_case, open_one, going} <= keys
    (row,) = await intake.sql("intake", "SELECT principal, fields FROM audit WHERE action = 'retention_purged'")
    assert (row.principal, row.fields) == (str(UUID(int=0)), "desk_contents=0 import_rows=0 imports=0 persons=2 returned_persons=0")


async def test_a_merged_person_stays_while_one_of_her_cases_is_not_past_its_time(intake):  # noqa: F811
    old, one = await open_case(intake, MOTHER)
    new, other = await open_case(intake, {**MOTHER, "name": "Ny. WULANDARI Kenangah"})
    (pair,) = await intake.sql("intake", "SELECT candidate_id AS id FROM candidate")
    for step in ("link", "merge"):
        assert (await intake.post("intake", f"/candidates/{pair.id}/{step}", json={}, **SUPERVISOR)).status_code == 200
    await closed(intake, old, 11)
    await intake.advance(days=2)
    assert {one, other} <= await keys_of(intake)
    await closed(intake, new, 11)
    await intake.advance(days=2)
    assert not {one, other} & await keys_of(intake)


async def test_what_a_desk_is_done_with_goes_after_its_time(intake):  # noqa: F811
    await intake.publish("referral.polda-ppa.submitted.v1", b'{"narrative": "unreadable"}')
    await intake.settle()
    (task,) = await intake.sql("intake", "SELECT task_id FROM desk_task WHERE kind = 'rejected'")
    await intake.advance(days=100)
    assert task.task_id in await keys_of(intake), "nobody has dealt with it"
    assert (await intake.post("intake", f"/desk/{task.task_id}/done", json={}, **OFFICER)).status_code == 200
    await intake.advance(days=89)
    assert task.task_id in await keys_of(intake)
    await intake.advance(days=3)
    assert task.task_id not in await keys_of(intake)
    assert (await intake.sql("intake", "SELECT content FROM desk_task"))[0].content is None


async def test_answers_to_requests_and_sealed_letters_age_out_on_record_and_others_wait(intake):  # noqa: F811
    await open_case(intake, MOTHER)
    await intake.sql(
        "intake",
        """WITH ago AS (SELECT now() - interval '200 days' AS old), letters AS (
            INSERT INTO dead_letter (id, stream, durable, route, headers, body, sealed, stored_at, sequence, reason, attempts, set_aside_at)
            SELECT gen_random_uuid(), 'S', 'd', 'r', '{}', '', sealed, old, 1, 'x', 5, old FROM ago, unnest(ARRAY[true, false]) AS sealed)
        INSERT INTO request (principal, key, fingerprint, status, answer, at) SELECT 'p', 'old', '', 200, '', old FROM ago""",
    )
    service = intake.services["intake"]
    loop = Retention(service.database, "intake", service.settings)

    async def gone() -> bool:  # the service's own loop may look at the same time, and then has the turn
        await loop.look()
        return not await intake.sql("intake", "SELECT 1 FROM request WHERE key = 'old'")

    await intake.until(gone)
    assert [row.sealed for row in await intake.sql("intake", "SELECT sealed FROM dead_letter")] == [False]
    assert [row.key for row in await intake.sql("intake", "SELECT key FROM request WHERE key = 'old'")] == []
    assert len(await intake.sql("intake", "SELECT 1 FROM request")) == 1
    (row,) = await intake.sql("intake", "SELECT fields FROM audit WHERE action = 'retention_purged'")
    assert row.fields == "export_orders=0 requests=1 sealed_letters=1"
