"""Reviews of plans and case conferences on pages: who took part, what was decided, how far goals are, and when the plan is looked at again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.assessment.builders import CHILD, MOTHER, OTHER_WORKER
from tests.assessment.calls import AGREED, a_planned_case, a_started_case, act, data, decide, plan_of, see
from tests.pages.test_assessment_pages import LOW, supervisor, worker
from tests.rig import Rig

SECRET = "Canary Contoh takut pulang"
GOALS = [{"code": code, "target": "2199-01-02", "measure": "own_word"} for code in ("safety", "income")]
HERS = f"progress.{MOTHER}"


async def with_goals(rig: Rig) -> UUID:
    case_id = await a_started_case(rig, MOTHER, CHILD)
    await act(rig, case_id, "complete", LOW)
    plan = plan_of({MOTHER: "services_at_home", CHILD: "services_at_home"})
    plan["outcomes"][0] |= {"goals": GOALS, "agreement": AGREED}
    assert (await act(rig, case_id, "plan", plan)).is_success
    assert (await decide(rig, case_id)).is_success
    return case_id


async def recorded(rig: Rig, case_id: UUID) -> Any:
    return (await see(rig, case_id, "/plan/record")).json()


async def test_a_plan_is_reviewed_goal_by_goal_and_the_next_date_is_said(rig: Rig) -> None:
    case_id = await with_goals(rig)
    peksos, at = worker(rig), f"cases/{case_id}/plan/review"
    assert 'href="/pages/' + f"cases/{case_id}/plan/record" in (await peksos.see(f"cases/{case_id}")).text
    empty = await peksos.send(at, "/review", **{f"{HERS}.safety": "reached"})
    assert empty.status_code == 422
    assert 'href="#finding"' in empty.text
    assert "Pilih bagaimana rencananya berjalan" in empty.text
    assert '<option value="reached" selected>' in empty.text, "what was chosen is not lost"
    form = await peksos.form(at, "/review")
    told = {**form.fields, "finding": "change_needed", f"{HERS}.safety": "reached"}
    done = [await peksos.post(form.action, told) for _ in range(2)]
    assert [answer.status_code for answer in done] == [303, 303]
    assert [entry["finding"] for entry in await data(rig, case_id, "plan_reviewed")] == ["change_needed"], "a double tap reviews once"
    page = (await supervisor(rig).see(f"cases/{case_id}/plan/record?said=plan_reviewed")).text
    for words in (
        "Tinjauan tercatat",
        "Rencana ditinjau lagi <strong>dalam 30 hari",
        "1. Dewasa, 31 tahun: aman",
        "tercapai",
        "Perlu perubahan",
        "belum ditinjau",
    ):
        assert words in page, words
    assert "/plan/review" not in page, "a supervisor reviews no plan of a worker's"
    assert "Terakhir: tercapai" in (await peksos.see(at)).text


async def test_who_reviews_a_plan_that_was_revised_meanwhile_sees_both_versions(rig: Rig) -> None:
    case_id = await with_goals(rig)
    peksos, at = worker(rig), f"cases/{case_id}/plan/review"
    form = await peksos.form(at, "/review")
    assert (await act(rig, case_id, "plan", plan_of({MOTHER: "rehabilitation", CHILD: "services_at_home"}))).is_success
    late = await peksos.post(form.action, {**form.fields, "finding": "on_track"})
    assert late.status_code == 409
    assert "Versi 2, Rencana menunggu persetujuan" in late.text
    assert ">Versi 1<" in late.text
    again = await peksos.send(at, "/review", finding="on_track")
    assert again.status_code == 303
    assert [entry["version"] for entry in (await recorded(rig, case_id))["reviews"]] == [1]


async def test_a_conference_is_recorded_with_who_took_part_and_what_it_decided(rig: Rig) -> None:
    case_id = await with_goals(rig)
    head, at = supervisor(rig), f"cases/{case_id}/conferences/new"
    held = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M")
    alone = {
        "held_at": held,
        "present.0.role": "supervisor",
        "present.0.agency": "dinsos",
        "present.3.agency": "dppapp",
        f"comments.{MOTHER}": SECRET,
    }
    wrong = await head.send(at, "/new", **alone)
    assert wrong.status_code == 422
    assert 'href="#present.3.role"' in wrong.text, "the row that she filled in"
    assert "Peserta 4: peran: pilih perannya" in wrong.text
    assert 'href="#decision"' in wrong.text
    assert SECRET in wrong.text, "what was written is not lost"
    one = {name: value for name, value in alone.items() if not name.startswith("present.3")} | {"decision": "plan_supported"}
    assert "sekurang-kurangnya dua peserta" in (await head.send(at, "/new", **one)).text
    later = {**alone, "present.3.role": "shelter_head", "decision": "plan_supported", "held_at": "2199-01-01T08:00"}
    assert 'href="#held_at"' in (await head.send(at, "/new", **later)).text
    done = await head.send(at, "/new", **{**later, "held_at": held})
    assert done.status_code == 303, done.text
    (kept,) = (await recorded(rig, case_id))["conferences"]
    assert kept["present"] == [{"role": "supervisor", "agency": "dinsos"}, {"role": "shelter_head", "agency": "dppapp"}]
    page = (await worker(rig).see(f"cases/{case_id}/plan/record")).text
    for words in ("rencana didukung", "supervisor (dinsos), kepala rumah aman atau panti (dppapp)", SECRET):
        assert words in page, words
    assert SECRET not in (await worker(rig).see(f"cases/{case_id}")).text
    assert SECRET not in str(await data(rig, case_id, "conference_held"))


async def test_who_may_not_is_not_offered_it_and_refused(rig: Rig) -> None:
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home"})
    other = worker(rig, OTHER_WORKER)
    for path in ("plan/record", "plan/review", "conferences/new"):
        assert (await other.see(f"cases/{case_id}/{path}")).status_code == 404
    head = supervisor(rig)
    form = await head.form(f"cases/{case_id}/conferences/new", "/new")
    refused = await head.post(form.action.replace("conferences/new", "plan/review"), {**form.fields, "finding": "on_track"})
    assert refused.status_code == 403
    assert (await recorded(rig, case_id))["reviews"] == []
