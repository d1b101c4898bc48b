"""The work queue: whose move it is in intake, and the tasks of the desk."""

from dataclasses import replace
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from fastapi import Response

from intake import policy
from intake.api import cases, desk, handover, persons, record, rights
from intake.pages import pages
from intake.pages.lists import area_name
from intake.pages.moves import Waiting, waiting

router = pages.router
MOST = 300  # cases that are looked through
SHOWN = 40
MOST_ENDED = 100
WITH_CLOCKS = 12  # of whom the clock is asked too: one question each


@router.get("/queue")
async def queue(visit: Visit) -> Response:
    """Whose move it is, the most urgent first."""
    lines = await visit.ask(cases.cases, state=None, overdue=None, ended=False, limit=MOST)
    found = waiting(lines, visit.who.roles, visit.who.agency)
    timed = [await _with_clock(visit, entry) if entry.yours and place < WITH_CLOCKS else entry for place, entry in enumerate(found[:SHOWN])]
    on_desk, vault = visit.who.has(*policy.WORK_THE_DESK), visit.request.app.state.service.vault
    return visit.show(
        "queue.html",
        found=timed,
        many=len(found) > SHOWN or len(lines) == MOST,
        tasks=await visit.ask(desk.desk, done=False, limit=SHOWN) if on_desk else [],
        pairs=len(await visit.ask(persons.queue, vault=vault, state=persons.PairState.OPEN, limit=SHOWN)) if on_desk else 0,
        asked=await visit.ask(handover.handovers) if visit.who.has(*policy.HAND_OVER) else [],
        rights_waiting=await visit.ask(rights.requests, person_id=None, done=False, limit=SHOWN) if visit.who.has(*policy.SEE_RIGHTS) else None,
        holds_kept=visit.who.has(*policy.HOLD),
        may_report=visit.who.has(*policy.REPORT),
        below={"pace": visit.who.has(*policy.SEE_PACE), "follow": visit.who.has(*policy.FOLLOW)},
        area_name=area_name,
    )


@router.get("/ended")
async def see_ended(visit: Visit) -> Response:
    """The cases that have ended, what changed last first: to look one up, or to open it again."""
    found = await visit.ask(cases.cases, state=None, overdue=None, ended=True, limit=MOST_ENDED)
    return visit.show("ended.html", found=found, many=len(found) == MOST_ENDED, area_name=area_name)


@router.get("/desk/{task_id}")
async def see_task(task_id: UUID, visit: Visit) -> Response:
    """A task of the desk; of a report that could not be read, what was sent."""
    task = await visit.ask(desk.open_task, task_id=task_id, vault=visit.request.app.state.service.vault)
    return visit.show("task.html", task=task, wrong=problem_words(visit, task.problems))


@router.post("/desk/{task_id}/done")
async def finish_task(task_id: UUID, visit: Sent) -> Response:
    """The desk has dealt with it."""
    await visit.tell(desk.finish_task, task_id=task_id)
    return visit.go("queue", said="task_done")


def problem_words(visit: Visiting, problems: list[desk.ProblemView]) -> list[str]:
    """What is wrong with a submission, as a desk reads it."""
    found = []
    for problem in problems:
        parts, words = problem.field.split("."), pages.words
        name = next((part for part in reversed(parts) if f"field.{part}" in words), None)
        field = visit.say(f"field.{name}") if name else problem.field
        if parts[0] == "persons" and len(parts) > 1 and parts[1].isdigit():
            field = f"{visit.say('report.person', number=int(parts[1]) + 1)}, {field}"
        found.append(visit.say(f"code.{problem.code}", field=field))
    return found


async def _with_clock(visit: Visiting, entry: Waiting) -> Waiting:
    seen = await visit.ask(record.record, case_id=entry.case.case_id)
    return replace(entry, due=next((matter.due_at for matter in seen.matters if matter.matter == entry.matter), None))
