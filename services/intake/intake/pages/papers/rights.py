"""Requests for one's rights, each with its clock: the queue, taking one, what is done for it, the export, and the answer."""

from uuid import UUID

from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from contracts.rights import RightAnswer, RightKind, RightRefusal
from fastapi import Response

from intake import policy
from intake.api import exports, rights
from intake.api.exports import ExportView
from intake.api.rights import AnswerBody, RequestBody
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import options
from intake.pages.papers import asked
from intake.rights.ordering import ANSWERED_BY_EXPORT

router = pages.router
MOST = 200


@router.get("/requests")
async def queue(visit: Visit) -> Response:
    """The requests that wait for an answer, the next due first."""
    return visit.show("papers/requests.html", found=await visit.ask(rights.requests, person_id=None, done=False, limit=MOST))


@router.get("/cases/{case_id}/persons/{person_id}/requests/new")
async def ask(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """The form: what she asks."""
    return await _form(case_id, person_id, visit, None)


@router.post("/cases/{case_id}/persons/{person_id}/requests/new")
async def take(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """Take it."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _form(case_id, person_id, visit, refused)

    filled = Filled(visit.entered)
    asked_at = forms.as_moment(filled.one("asked_at"))
    body = asked.filled_in(filled, "right") | ({} if asked_at is None else {"asked_at": asked_at})
    then = f"cases/{case_id}/persons/{person_id}?said=right_taken"
    return await visit.send(rights.request, then=then, again=again, body=lambda: RequestBody.model_validate(body), person_id=person_id)


@router.get("/requests/{request_id}")
async def see(request_id: UUID, visit: Visit) -> Response:
    """One request: what was asked, what is done for it, its answer."""
    return await _see(request_id, visit, None)


@router.post("/requests/{request_id}/answer")
async def answer(request_id: UUID, visit: Sent) -> Response:
    """Grant it, or refuse it for a reason."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _see(request_id, visit, refused)

    filled = Filled(visit.entered)
    return await visit.send(
        rights.answer,
        then=f"requests/{request_id}?said=right_answered",
        again=again,
        body=lambda: AnswerBody.model_validate(asked.filled_in(filled, "answer", "refusal")),
        request_id=request_id,
    )


@router.post("/requests/{request_id}/export")
async def order(request_id: UUID, visit: Sent) -> Response:
    """Order what every service keeps of her."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _see(request_id, visit, refused)

    return await visit.send(exports.order_export, then=f"requests/{request_id}?said=export_ordered", again=again, request_id=request_id)


@router.get("/cases/{case_id}/persons/{person_id}/export")
async def export(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """All that intake keeps of her, to be read with her; each look is on record."""
    case, person = await asked.person_of(visit, case_id, person_id, *policy.EXPORT)
    texts, vault = visit.request.query_params.get("texts") == "yes", visit.request.app.state.service.vault
    found = await visit.ask(rights.export, person_id=person_id, vault=vault, texts=texts)
    return visit.show("papers/export.html", case=case, person=person, called=asked.called(visit, person), found=found, texts=texts)


async def _form(case_id: UUID, person_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    case, person = await asked.person_of(visit, case_id, person_id, *policy.TAKE_RIGHTS)
    return visit.show(
        "papers/request_new.html",
        refused=refused,
        names=asked.labels(visit, "rights", ("right", "asked_at")),
        case=case,
        person=person,
        called=asked.called(visit, person),
        filled=Filled(visit.entered),
        kinds=options("right", RightKind, visit.language),
        key=asked.key_of(visit),
    )


async def _see(request_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    found = await visit.ask(rights.request_of, request_id=request_id)
    return visit.show(
        "papers/request.html",
        refused=refused,
        names=asked.labels(visit, "rights", ("answer", "refusal")),
        found=found,
        exported=found.right in ANSWERED_BY_EXPORT,
        export=await _export_of(request_id, visit) if found.right in ANSWERED_BY_EXPORT else None,
        answers=found.answer is None and visit.who.has(*policy.ANSWER_RIGHTS),
        orders=found.answer is None and visit.who.has(*policy.EXPORT),
        filled=Filled(visit.entered),
        lists={
            "answer": options("right_answer", RightAnswer, visit.language),
            "refusal": options("right_refusal", RightRefusal, visit.language),
        },
        key=asked.key_of(visit),
    )


async def _export_of(request_id: UUID, visit: Visiting) -> ExportView | None:
    """The export that was ordered for a request; None before."""
    try:
        found: ExportView = await visit.ask(exports.export_of, request_id=request_id)
    except RefusedError:
        return None
    return found
