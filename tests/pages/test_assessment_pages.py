"""Assessment's pages: the queue, who has a case, and the case's page. They ask the routes of systems in the name of who is logged in."""

from uuid import UUID

from tests.assessment.builders import CHILD, MOTHER, OTHER_WORKER, SUPERVISOR, WORKER
from tests.assessment.calls import a_planned_case, a_started_case, act, add_worker, plan_of, state
from tests.pages.visitor import Visitor
from tests.rig import Rig

LOW = {"risk_view": {"band": "mild"}, "no_instrument_reason": "declined"}


def worker(rig: Rig, subject: UUID = WORKER, **who: str) -> Visitor:
    return Visitor(rig, "assessment", role="peksos", subject=subject, **who)


def supervisor(rig: Rig, subject: UUID = SUPERVISOR, **who: str) -> Visitor:
    return Visitor(rig, "assessment", role="supervisor", subject=subject, **who)


async def test_a_worker_sees_what_waits_for_her_and_begins_with_it(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER, CHILD)
    peksos = worker(rig)
    queue = await peksos.see("queue")
    assert f"/pages/cases/{case_id}" in queue.text
    assert "Mulai kasus baru" in queue.text
    assert "Asesmen awal <strong>dalam 24 jam" in queue.text
    done = await peksos.send(f"cases/{case_id}", "/claim")
    assert done.status_code == 303, done.text
    page = await peksos.see(done.headers["location"].removeprefix("/pages/"))
    assert "Tercatat: Anda menangani kasus ini." in page.text
    assert "/claim" not in page.text
    assert "Lakukan asesmen" in (await peksos.see("queue")).text


async def test_a_case_is_handed_back_with_a_reason_and_is_then_for_a_supervisor_to_give(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    peksos = worker(rig)
    at = f"cases/{case_id}/hand-back"
    empty = await peksos.send(at, "/hand-back")
    assert empty.status_code == 422
    assert 'href="#reason"' in empty.text
    assert (await peksos.send(at, "/hand-back", reason="conflict")).headers["location"] == "/pages/queue?said=handed_back"
    assert str(case_id) not in (await peksos.see("queue")).text
    head = supervisor(rig)
    assert "Berikan kepada petugas" in (await head.see("queue")).text
    assert "Tidak ada petugas" not in (await head.see(f"cases/{case_id}/reassign")).text
    refused = await head.send(f"cases/{case_id}/reassign", "/reassign", worker_id=str(WORKER))
    assert "menyatakan konflik" in refused.text
    await add_worker(rig, OTHER_WORKER)
    assert str(case_id) in (await worker(rig, OTHER_WORKER).see("queue")).text, "given as soon as there is another"


async def test_a_supervisor_sees_first_what_she_decides_then_what_is_late_at_others(rig: Rig) -> None:
    late = await a_started_case(rig, MOTHER)
    await rig.advance(hours=30)
    proposed = await another_case(rig)
    await act(rig, proposed, "complete", LOW)
    await act(rig, proposed, "plan", plan_of({MOTHER: "services_at_home"}))
    page = (await supervisor(rig).see("queue")).text
    order = [page.index(entry) for entry in (f"cases/{proposed}", "Terlambat, menunggu orang lain", f"cases/{late}")]
    assert order == sorted(order)
    assert "Putuskan rencana" in page
    assert "batas waktu terlewat 1 kali" in page


async def another_case(rig: Rig) -> UUID:
    from uuid import uuid4

    from tests.assessment.builders import triaged

    case_id = uuid4()
    await rig.say(triaged(MOTHER), subject=case_id)
    await rig.settle()
    return case_id


async def test_who_works_on_a_case_is_not_asked_to_decide_on_it_whatever_her_roles(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    await act(rig, case_id, "complete", LOW)
    await act(rig, case_id, "plan", plan_of({MOTHER: "services_at_home"}))
    both = Visitor(rig, "assessment", role="supervisor", subject=WORKER)
    page = (await both.see(f"cases/{case_id}")).text
    assert "Supervisor yang tidak menangani kasus ini" in page
    assert "Periksa dan putuskan rencana" not in page


async def test_the_case_page_says_what_was_done_what_is_next_and_whose_move_it_is(rig: Rig) -> None:
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home", CHILD: "rehabilitation"})
    page = (await worker(rig).see(f"cases/{case_id}")).text
    for words in ("Laksanakan rencana", "Giliran: <strong>Anda", "1. Dewasa, 31 tahun", "2. Anak, 6 tahun", "rehabilitasi sosial: direncanakan"):
        assert words in page, words
    done = [
        page.index(words)
        for words in ("Rencana versi 1 disetujui", "Rencana versi 1 diajukan", "Asesmen menyeluruh selesai", "Diberikan kepada Anda")
    ]
    assert done == sorted(done), "the newest first"
    assert "Tinjauan pengasuhan (2. Anak, 6 tahun)" in page, "a clock says whose it is"
    seen = (await supervisor(rig).see(f"cases/{case_id}")).text
    assert "Petugas kasus (petugas" in seen


async def test_another_workers_case_is_not_there_for_her(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    other = worker(rig, OTHER_WORKER)
    assert (await other.see(f"cases/{case_id}")).status_code == 404
    assert str(case_id) not in (await other.see("queue")).text
    assert await state(rig, case_id) == "assigned"


async def test_in_english_and_nothing_of_a_page_is_kept_or_asked_of_others(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    peksos = worker(rig, language="en")
    for path in ("queue", f"cases/{case_id}", f"cases/{case_id}/hand-back"):
        page = await peksos.see(path)
        assert '<html lang="en"' in page.text
        assert page.headers["cache-control"] == "no-store"
        assert not any(word in page.text for word in ("<style", "style=", "onclick", "http://", "https://", "<script>"))
        assert len(page.content) < 30_000
