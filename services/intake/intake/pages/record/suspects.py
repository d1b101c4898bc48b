"""The suspects of a case: who they are for whom may see it, a new one, a change of which two at once both see, and that one is none any more."""

from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from chassis.web.problems import RefusedError, not_found
from contracts.incidents import PerpetratorRelation
from fastapi import Response

from intake import policy
from intake.api import suspects
from intake.api.bodies import SuspectBody
from intake.api.suspects import SuspectView
from intake.domain.standing import ENDED
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import areas, options
from intake.pages.record import asking
from intake.pages.record.asking import Asking, Question

router = pages.router
AREAS = 3  # districts that the form has room for; those beyond stay
PERSONAL = ("name", "nik", "address")


@router.get("/cases/{case_id}/suspects")
async def see_suspects(case_id: UUID, visit: Visit) -> Response:
    """All suspects of a case."""
    now = await asking.of_case(visit, case_id, *policy.SEE_SUSPECTS)
    writes = visit.who.has(*policy.RECORD_SUSPECTS) and now.state not in ENDED
    return visit.show("record/suspects.html", case_id=case_id, found=await _all(case_id, visit), area_name=asking.known_area, writes=writes)


@router.get("/cases/{case_id}/suspects/new")
async def ask_suspect(case_id: UUID, visit: Visit) -> Response:
    """A suspect who is not listed yet."""
    await asking.of_case(visit, case_id, *policy.RECORD_SUSPECTS)
    return asking.show(visit, _form(case_id, visit))


@router.post("/cases/{case_id}/suspects/new")
async def add_suspect(case_id: UUID, visit: Sent) -> Response:
    """Record a suspect: whom and where the household must not meet follows from it by itself."""
    return await asking.send(
        visit,
        _form(case_id, visit),
        suspects.add_suspect,
        then=f"cases/{case_id}/suspects?said=suspect",
        body=lambda: SuspectBody.model_validate(_body(Filled(visit.entered))),
        case_id=case_id,
        vault=visit.request.app.state.service.vault,
    )


@router.get("/cases/{case_id}/suspects/{suspect_id}")
async def ask_change(case_id: UUID, suspect_id: UUID, visit: Visit) -> Response:
    """What is known of a suspect, to be changed."""
    await asking.of_case(visit, case_id, *policy.RECORD_SUSPECTS)
    return asking.show(visit, _form(case_id, visit, await _one(case_id, suspect_id, visit)))


@router.post("/cases/{case_id}/suspects/{suspect_id}")
async def change(case_id: UUID, suspect_id: UUID, visit: Sent) -> Response:
    """Write what is known now; when somebody else did since the form was opened, both values are shown."""
    known = await _one(case_id, suspect_id, visit)
    try:
        body = read(lambda: SuspectBody.model_validate(_body(Filled(visit.entered), known)))
        vault = visit.request.app.state.service.vault
        await visit.tell(
            suspects.change_suspect, case_id=case_id, suspect_id=suspect_id, body=body, vault=vault, if_match=visit.field("version") or "none"
        )
    except RefusedError as refused:
        met = asking.conflicting(refused)
        form = _form(case_id, visit, known, None if met else visit.field("version"))
        return asking.show(visit, form, refused, asking.differing(visit, form, form.begins) if met else ())
    return visit.go(f"cases/{case_id}/suspects", said="suspect")


@router.get("/cases/{case_id}/suspects/{suspect_id}/remove")
async def ask_removal(case_id: UUID, suspect_id: UUID, visit: Visit) -> Response:
    """Whether somebody is no suspect any more."""
    await asking.of_case(visit, case_id, *policy.RECORD_SUSPECTS)
    return asking.show(visit, _removal(case_id, visit, await _one(case_id, suspect_id, visit)))


@router.post("/cases/{case_id}/suspects/{suspect_id}/remove")
async def remove(case_id: UUID, suspect_id: UUID, visit: Sent) -> Response:
    """Nobody is kept apart from him or her by this case any more."""
    done = f"cases/{case_id}/suspects?said=suspect_removed"

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return asking.show(visit, _removal(case_id, visit, await _one(case_id, suspect_id, visit)), refused)

    return await visit.send(suspects.remove_suspect, then=done, again=again, case_id=case_id, suspect_id=suspect_id)


def _removal(case_id: UUID, visit: Visiting, known: SuspectView) -> Asking:
    at = f"cases/{case_id}/suspects"
    who = known.name or visit.say(f"relation.{known.relation}")
    hint = visit.say("suspect.remove_hint", who=who)
    return Asking(
        title=visit.say("suspect.remove"),
        action=f"{at}/{known.suspect_id}/remove",
        back=at,
        button=visit.say("suspect.remove"),
        hint=hint,
        grave=True,
    )


def _form(case_id: UUID, visit: Visiting, known: SuspectView | None = None, version: str | None = None) -> Asking:
    """The questions of a suspect; of one who is known, with what is."""
    at, say = f"cases/{case_id}/suspects", visit.say
    begins, carries = asking.NOTHING, dict[str, list[str]]()
    if known is not None:
        begins, carries = _begun(known), {"version": [version or known.version], "same_as": [str(person) for person in known.same_as]}
    places = [
        Question("choose", f"areas.{n}", say("suspect.area", number=n + 1), areas(), hint=say("suspect.areas") if n == 0 else None, needed=False)
        for n in range(AREAS)
    ]
    return Asking(
        title=say("suspect.new" if known is None else "suspect.change"),
        action=f"{at}/new" if known is None else f"{at}/{known.suspect_id}",
        back=at,
        button=say("suspect.save"),
        hint=say("suspect.hint"),
        begins=begins,
        carries=carries,
        questions=[
            Question("radios", "relation", say("field.relation"), options("relation", PerpetratorRelation, visit.language)),
            Question("text", "name", say("field.name"), hint=say("choose.optional")),
            Question("number", "age", say("field.age"), hint=say("choose.optional")),
            Question("text", "nik", say("field.nik"), hint=say("choose.optional")),
            Question("text", "address", say("field.address"), hint=say("choose.optional")),
            *places,
        ],
    )


def _begun(known: SuspectView) -> Filled:
    stands: dict[str, Any] = {"relation": known.relation, "age": known.age, **{name: getattr(known, name) for name in PERSONAL}}
    stands |= {f"areas.{n}": area for n, area in enumerate(known.areas[:AREAS])}
    return Filled({name: () if value is None else (str(value),) for name, value in stands.items()})


def _body(filled: Filled, known: SuspectView | None = None) -> dict[str, Any]:
    """The body of the route: personal fields that were not changed, and districts for which the form has no room, stay."""
    changed = {name: value for name in PERSONAL if (value := filled.one(name)) and (known is None or value != getattr(known, name))}
    places = [area for n in range(AREAS) if (area := filled.one(f"areas.{n}"))]
    body: dict[str, Any] = {**changed, "areas": [*places, *(known.areas[AREAS:] if known else ())], "same_as": filled.all("same_as")}
    return body | {name: value for name in ("relation", "age") if (value := filled.one(name))}


async def _all(case_id: UUID, visit: Visiting) -> list[SuspectView]:
    found: list[SuspectView] = await visit.ask(suspects.list_suspects, case_id=case_id, vault=visit.request.app.state.service.vault)
    return found


async def _one(case_id: UUID, suspect_id: UUID, visit: Visiting) -> SuspectView:
    known = next((entry for entry in await _all(case_id, visit) if entry.suspect_id == suspect_id), None)
    if known is None:
        raise not_found("suspect")
    return known
