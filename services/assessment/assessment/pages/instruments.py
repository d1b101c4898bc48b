"""The instruments for who keeps them: versions, what is in one, a new one with the place of each mistake, publishing, and validated wordings."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from fastapi import Response

from assessment import policy
from assessment.api import instruments
from assessment.definitions import Definition, Language
from assessment.pages import pages
from assessment.register import Stage
from assessment.views import InstrumentView, WordingBody

router = pages.router
AT = "/instruments/{code}/{version}"


@router.get("/instruments")
async def listed(visit: Visit) -> Response:
    """All versions; drafts, which wait for somebody, first."""
    found: list[InstrumentView] = await visit.ask(instruments.instruments)
    found.sort(key=lambda entry: (entry.stage is not Stage.DRAFT, entry.stage is Stage.WITHDRAWN, entry.code, -entry.version))
    return visit.show("versions.html", found=found, keeps=_keeps(visit))


def _keeps(visit: Visiting) -> bool:
    return visit.who.has(*policy.KEEP_INSTRUMENTS)


def _require_keeper(visit: Visiting) -> None:
    if not _keeps(visit):
        raise RefusedError(403, "instruments are the operator's to keep")


@router.get("/instruments/new")
async def what(visit: Visit) -> Response:
    """The definition of a version, as its file has it."""
    return await _new(visit, None)


@router.post("/instruments/new")
async def add(visit: Sent) -> Response:
    """Keep it as a draft; what does not hold together is shown with its place."""
    told = _read(visit.field("definition") or "")
    if not isinstance(told, dict):
        return await _new(visit, RefusedError(422, "this is no definition", [FieldProblem("definition", "unreadable")]))
    try:
        kept = await visit.tell(instruments.add, body=told)
    except RefusedError as refused:
        return await _new(visit, refused, told)
    return visit.go(f"instruments/{kept['code']}/{kept['version']}", said="drafted")


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


async def _new(visit: Visiting, refused: RefusedError | None, told: Mapping[str, Any] | None = None) -> Response:
    _require_keeper(visit)
    wrong = list(_mistakes(refused, told, visit)) if refused is not None and told is not None else []
    if refused is not None and wrong:
        refused = RefusedError(refused.status, refused.title, [FieldProblem("definition", "does_not_hold")])
    return visit.show("draft.html", refused=refused, wrong=wrong)


def _mistakes(refused: RefusedError, told: Mapping[str, Any], visit: Visiting) -> Iterator[tuple[str, str, str]]:
    """Each mistake: its path in the definition, what that part is called there, and what is wrong."""
    for problem in refused.problems:
        why = f"wrong.{problem.code}"
        yield problem.field, _called(problem.field, told), visit.say(why if why in visit.pages.words else "wrong.unreadable", code=problem.code)


def _called(path: str, told: Mapping[str, Any]) -> str:
    """The code of the item, scale or criterion that a path leads to, where it has one."""
    part, number = [*path.split("."), "", ""][:2]
    listed = told.get(part)
    found = listed[int(number)] if isinstance(listed, list) and number.isdecimal() and int(number) < len(listed) else None
    code = found.get("code") if isinstance(found, dict) else None
    return code if isinstance(code, str) else ""


@router.get(AT)
async def see(code: str, version: int, visit: Visit) -> Response:
    """A version in full."""
    return await _see(code, version, visit, None)


@router.post(AT + "/publish")
async def publish(code: str, version: int, visit: Sent) -> Response:
    """New assessments go by it from now on."""
    then, again = f"instruments/{code}/{version}?said=published", partial(_see, code, version)
    return await visit.send(instruments.publish, then=then, again=again, code=code, version=version)


@router.post(AT + "/withdraw")
async def withdraw(code: str, version: int, visit: Sent) -> Response:
    """New assessments go by the version before it."""
    then, again = f"instruments/{code}/{version}?said=withdrawn", partial(_see, code, version)
    return await visit.send(instruments.withdraw, then=then, again=again, code=code, version=version)


async def _found(code: str, version: int, visit: Visiting) -> tuple[Definition, InstrumentView]:
    definition: Definition = await visit.ask(instruments.instrument, code=code, version=version)
    known: list[InstrumentView] = await visit.ask(instruments.instruments)
    return definition, next(entry for entry in known if (entry.code, entry.version) == (code, version))


async def _see(code: str, version: int, visit: Visiting, refused: RefusedError | None) -> Response:
    definition, known = await _found(code, version, visit)
    return visit.show("version.html", refused=refused, definition=definition, known=known, keeps=_keeps(visit), wordings=list(Language))


@router.get(AT + "/wording/{language}")
async def words(code: str, version: int, language: Language, visit: Visit) -> Response:
    """The validated wording of a language, item by item."""
    return await _wording(code, version, language, visit, None)


@router.post(AT + "/wording/{language}")
async def load(code: str, version: int, language: Language, visit: Sent) -> Response:
    """Load it; then people may be assessed with it."""
    definition, _ = await _found(code, version, visit)
    texts = {item.code: text for item in definition.items if (text := visit.field(f"texts.{item.code}"))}
    return await visit.send(
        instruments.load_wording,
        then=f"instruments/{code}/{version}?said=worded",
        again=partial(_wording, code, version, language),
        body=lambda: WordingBody.model_validate({"texts": texts, "source": visit.field("source")}),
        code=code,
        version=version,
        language=language,
    )


async def _wording(code: str, version: int, language: Language, visit: Visiting, refused: RefusedError | None) -> Response:
    _require_keeper(visit)
    definition, known = await _found(code, version, visit)
    labels = {item.code: item.label.id if visit.language == "id" else item.label.en for item in definition.items}
    return visit.show(
        "wording.html",
        refused=_texts(refused) if refused else None,
        names={f"texts.{item}": label for item, label in labels.items()},
        definition=definition,
        known=known,
        labels=labels,
        worded=language,
    )


def _texts(refused: RefusedError) -> RefusedError:
    """The same refusal; that a text is missing or too long is said in the words of a text, whichever item it is of."""
    told = [FieldProblem(entry.field, f"text_{entry.code}" if entry.field.startswith("texts.") else entry.code) for entry in refused.problems]
    return RefusedError(refused.status, refused.title, told, **refused.members)
