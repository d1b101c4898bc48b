"""The desk: what is incomplete or was refused, for a person to look at."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import RefusedError, Transaction, not_found, reads, writes
from contracts.vocabulary import ProblemCode
from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, select

from intake import policy, store, timing
from intake.consents.records import somebody_hidden
from intake.opening import Safe
from intake.reading import Problem
from intake.store import CASES, TASKS


class ProblemView(BaseModel):
    """What is wrong with one field; never its value."""

    field: str
    code: ProblemCode


class TaskView(BaseModel):
    """A task of the desk."""

    task_id: UUID
    kind: str
    agency: str
    reference: str | None
    case_id: UUID | None
    problems: list[ProblemView]
    opened_at: datetime
    done_at: datetime | None
    content: str | None = None


router = APIRouter(prefix="/desk", tags=["reports"])


@router.get("")
@reads(*policy.WORK_THE_DESK)
async def desk(
    tx: Transaction, *, done: bool = False, limit: Annotated[int, Query(ge=1, le=500)] = 100, case_id: UUID | None = None
) -> list[TaskView]:
    """What your desk has to look at, oldest first: incomplete submissions, and refused ones with what was sent; of one case where you name it."""
    finished = TASKS.c.done_at.is_not(None) if done else TASKS.c.done_at.is_(None)
    question = select(TASKS).outerjoin(CASES, CASES.c.case_id == TASKS.c.case_id).where(_of_my_desk(tx), finished)
    if case_id is not None:
        question = question.where(TASKS.c.case_id == case_id)
    return [_task_view(row) for row in await tx.rows(question.order_by(TASKS.c.opened_at).limit(limit))]


@router.get("/{task_id}")
@reads(*policy.WORK_THE_DESK)
async def open_task(task_id: UUID, vault: Safe, tx: Transaction) -> TaskView:
    """A task; of a refused submission, what was sent."""
    row = await _task(tx, task_id)
    content = None
    if row.content is not None and not (row.case_id and await somebody_hidden(tx, row.case_id)):
        tx.audit("desk_read", task_id, ["content"])
        content = (await vault.of([task_id])).open(task_id, "desk_task.content", row.content)
    return _task_view(row, content)


@router.post("/{task_id}/done")
@writes(*policy.WORK_THE_DESK)
async def finish_task(task_id: UUID, tx: Transaction) -> TaskView:
    """The desk has dealt with it."""
    seen = await _task(tx, task_id)
    await tx.lock([task_id, *([seen.case_id] if seen.case_id else [])])
    row = await _task(tx, task_id)
    if row.done_at is not None:
        raise RefusedError(409, "this task is done already", state="done")
    await tx.execute(store.FINISH, {"task_id": task_id, "now": tx.now})
    timing.note_task(tx, row)
    tx.cancel_clock("desk", task_id)
    if row.case_id:
        await tx.execute(store.SETTLE, {"case_id": row.case_id, "matter": "incomplete"})
    return _task_view(row).model_copy(update={"done_at": tx.now})


def _of_my_desk(tx: Transaction) -> ColumnElement[bool]:
    """Tasks of submissions of the asker's agency, or of cases it leads; refused ones of all agencies are the desk agency's."""
    agency = tx.principal.agency
    mine = (TASKS.c.agency == agency) | (CASES.c.responsible_agency == agency)
    return mine | TASKS.c.case_id.is_(None) if agency == tx.settings.desk_agency else mine


async def _task(tx: Transaction, task_id: UUID) -> Any:
    question = select(TASKS).outerjoin(CASES, CASES.c.case_id == TASKS.c.case_id)
    row = await tx.row(question.where(TASKS.c.task_id == task_id, _of_my_desk(tx)))
    if row is None:
        raise not_found("task")
    return row


def _task_view(row: Any, content: str | None = None) -> TaskView:
    return TaskView(
        task_id=row.task_id,
        kind=row.kind,
        agency=row.agency,
        reference=row.reference,
        case_id=row.case_id,
        problems=[ProblemView(field=field, code=ProblemCode(code)) for field, code in row.problems],
        opened_at=row.opened_at,
        done_at=row.done_at,
        content=content,
    )


def problem_views(problems: tuple[Problem, ...]) -> list[ProblemView]:
    """What is wrong with which field, to be shown."""
    return [ProblemView(field=field, code=code) for field, code in problems]
