"""Plans on pages: proposed person by person, approved or returned by who does not work on the case; what two people wrote is shown side by side."""

from uuid import UUID

from tests.assessment.builders import CHILD, MOTHER, WORKER
from tests.assessment.calls import a_started_case, act, data, decide, plan_of, see, state
from tests.pages.test_assessment_pages import LOW, supervisor, worker
from tests.pages.visitor import Visitor
from tests.rig import Rig

SECRET = "Canary Contoh takut pulang"


async def assessed(rig: Rig) -> UUID:
    case_id = await a_started_case(rig, MOTHER, CHILD)
    await act(rig, case_id, "complete", LOW)
    return case_id


def part(person: UUID, outcome: str, **more: str) -> dict[str, str]:
    agreed = {"agreement.agreed": "agreed"} if person == MOTHER else {
        "agreement.agreed": "own_view_and_consenter", "agreement.own_view": "agrees", "agreement.consenter": "guardian",
    }  # fmt: skip
    return {f"outcomes.{person}.{name}": value for name, value in {"outcome": outcome, **agreed, **more}.items()}


GOAL = {"goals.1.code": "safety", "goals.1.target": "2199-01-02", "goals.1.measure": "own_word"}
SERVICE = {"services.0.code": "psikologis", "services.0.provider": "dppapp"}


async def test_a_plan_is_proposed_person_by_person_and_approved_as_it_was_seen(rig: Rig) -> None:
    case_id = await assessed(rig)
    peksos, head = worker(rig), supervisor(rig)
    plan = part(MOTHER, "services_at_home", **GOAL, **SERVICE) | part(CHILD, "services_at_home")
    done = await peksos.send(f"cases/{case_id}/plan/propose", "/propose", **plan)
    assert done.status_code == 303, done.text
    stored = (await see(rig, case_id)).json()["plans"][0]["persons"][str(MOTHER)]
    assert stored["goals"] == [{"code": "safety", "target": "2199-01-02", "measure": "own_word"}]
    assert stored["services"] == [{"code": "psikologis", "provider": "dppapp"}]
    seen = (await head.see(f"cases/{case_id}/plan")).text
    for words in (
        "aman sampai 2 Januari 2199 (menurut dirinya sendiri)",
        "psikologis oleh dppapp",
        "pendapat anak didengar dan wali setuju",
        "ringan",
    ):
        assert words in seen, words
    assert "/plan/approve" not in (await peksos.see(f"cases/{case_id}/plan")).text
    assert (await head.send(f"cases/{case_id}/plan", "/plan/approve")).status_code == 303
    assert await state(rig, case_id) == "plan_approved"
    assert [entry["service"] for entry in await data(rig, case_id, "service_requested")] == ["psikologis"]


async def test_what_is_wrong_is_said_at_its_field_and_nothing_entered_is_lost(rig: Rig) -> None:
    case_id = await assessed(rig)
    nothing = await worker(rig).send(f"cases/{case_id}/plan/propose", "/propose")
    assert all(f'href="#outcomes.{person}.outcome"' in nothing.text for person in (MOTHER, CHILD))
    late = {**GOAL, "goals.1.target": "2020-01-01"}
    wrong = await worker(rig).send(f"cases/{case_id}/plan/propose", "/propose", **part(MOTHER, "services_at_home", **late))
    assert wrong.status_code == 422
    assert f'href="#outcomes.{CHILD}.outcome"' in wrong.text, "nobody is left out"
    assert "2. Anak, 6 tahun: pilih hasil akhir" in wrong.text
    alone = part(MOTHER, "services_at_home", **late) | part(CHILD, "rehabilitation") | {f"outcomes.{CHILD}.agreement.agreed": "agreed"}
    wrong = await worker(rig).send(f"cases/{case_id}/plan/propose", "/propose", **alone)
    assert f'href="#outcomes.{CHILD}.agreement.agreed"' in wrong.text
    assert f'href="#outcomes.{MOTHER}.goals.1.target"' in wrong.text
    assert 'value="2020-01-01"' in wrong.text
    half = part(MOTHER, "services_at_home", **{"goals.1.code": "safety"}) | part(CHILD, "rehabilitation")
    assert f'href="#outcomes.{MOTHER}.goals.1.target"' in (await worker(rig).send(f"cases/{case_id}/plan/propose", "/propose", **half)).text


async def test_two_who_edit_one_plan_both_see_both_values(rig: Rig) -> None:
    case_id = await assessed(rig)
    peksos = worker(rig)
    form = await peksos.form(f"cases/{case_id}/plan/propose", "/propose")
    await act(rig, case_id, "plan", plan_of({MOTHER: "rehabilitation", CHILD: "services_at_home"}))
    await decide(rig, case_id, "return", {"reason": "unsafe"})
    mine = part(MOTHER, "independent_living") | part(CHILD, "services_at_home")
    both = await peksos.post(form.action, {**form.fields, **mine})
    assert both.status_code == 409
    assert "Seseorang mengubahnya lebih dahulu" in both.text
    assert '<td class="govuk-table__cell">rehabilitasi sosial</td><td class="govuk-table__cell">hidup mandiri</td>' in both.text
    assert len((await see(rig, case_id)).json()["plans"]) == 1, "nothing is written over"
    again = Visitor(rig, "assessment", role="peksos", subject=WORKER)
    done = await again.send(f"cases/{case_id}/plan/propose", "/propose", **mine)
    assert done.status_code == 303, done.text
    assert (await see(rig, case_id)).json()["plans"][1]["outcomes"][str(MOTHER)] == "independent_living"
    page = (await again.see(f"cases/{case_id}/plan")).text
    assert "<li>1. Dewasa, 31 tahun: Hasil akhir: <del>rehabilitasi sosial</del> → <ins>hidup mandiri</ins></li>" in page
    assert "2. Anak, 6 tahun: Hasil akhir: <del>" not in page, "what stayed is no change"
    assert "Diputuskan oleh petugas" in page


async def test_services_for_the_whole_case_outlive_a_revision_by_the_form(rig: Rig) -> None:
    case_id = await assessed(rig)
    plan = {**plan_of({MOTHER: "rehabilitation", CHILD: "services_at_home"}), "services": ["psikologis"]}
    assert (await act(rig, case_id, "plan", plan)).is_success
    await decide(rig, case_id, "return", {"reason": "unsafe"})
    mine = part(MOTHER, "independent_living") | part(CHILD, "services_at_home")
    done = await worker(rig).send(f"cases/{case_id}/plan/propose", "/propose", **mine)
    assert done.status_code == 303, done.text
    assert [version["services"] for version in (await see(rig, case_id)).json()["plans"]] == [["psikologis"], ["psikologis"]]


async def test_a_version_that_nobody_saw_is_not_approved(rig: Rig) -> None:
    case_id = await assessed(rig)
    plan = plan_of({MOTHER: "rehabilitation", CHILD: "services_at_home"})
    await act(rig, case_id, "plan", plan)
    head = supervisor(rig)
    form = await head.form(f"cases/{case_id}/plan", "/approve")
    await decide(rig, case_id, "return", {"reason": "unsafe"}, subject=UUID(int=0xB9))
    await act(rig, case_id, "plan", plan_of({MOTHER: "reunification", CHILD: "services_at_home"}))
    late = await head.post(form.action, form.fields)
    assert late.status_code == 409
    assert "kembali ke keluarga" in late.text, "she sees what is proposed now"
    assert await state(rig, case_id) == "plan_proposed"


async def test_a_plan_is_returned_in_words_that_the_worker_reads_and_nobody_else(rig: Rig) -> None:
    case_id = await assessed(rig)
    await act(rig, case_id, "plan", plan_of({MOTHER: "rehabilitation", CHILD: "services_at_home"}))
    head = supervisor(rig)
    at = f"cases/{case_id}/plan/return"
    empty = await head.send(at, "/return", **{f"comments.{MOTHER}": SECRET})
    assert empty.status_code == 422
    assert SECRET in empty.text, "what was written is not lost"
    assert (await head.send(at, "/return", reason="unsafe", **{f"comments.{MOTHER}": SECRET})).status_code == 303
    page = (await worker(rig).see(f"cases/{case_id}/plan")).text
    assert SECRET in page
    assert "dikembalikan: tidak aman" in page
    assert SECRET not in (await worker(rig).see(f"cases/{case_id}")).text
    assert SECRET not in str(await data(rig, case_id, "plan_returned"))


async def test_who_works_on_the_case_decides_nothing_by_a_form_either(rig: Rig) -> None:
    case_id = await assessed(rig)
    await act(rig, case_id, "plan", plan_of({MOTHER: "rehabilitation", CHILD: "services_at_home"}))
    form = await supervisor(rig).form(f"cases/{case_id}/plan", "/approve")
    own = Visitor(rig, "assessment", role="supervisor", subject=WORKER)
    page = await own.see(f"cases/{case_id}/plan/return")
    token = page.text.partition('name="token" value="')[2].partition('"')[0]
    refused = await own.post(form.action, {**form.fields, "token": token})
    assert refused.status_code == 403
    assert await state(rig, case_id) == "plan_proposed"
