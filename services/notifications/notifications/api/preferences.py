"""What an officer chooses to be told beside what she must hear, and when."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated, Any

from chassis import FieldProblem, RefusedError, Transaction, reads, writes
from contracts.vocabulary import Risk
from fastapi import APIRouter, Header
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from notifications import policy
from notifications.domain import preferences as rules
from notifications.domain.notices import kinds_for
from notifications.domain.preferences import Pace
from notifications.preferences import store

router = APIRouter()

Place = Annotated[str, Field(pattern=r"^\d{2}(\.\d{2}(\.\d{2})?)?$", description="a province, city or district; all that lies in it is meant")]


class PreferencesBody(BaseModel):
    """Kinds of notices to be told too, and kinds to be told no more; empty areas and risks mean all."""

    model_config = ConfigDict(extra="forbid")

    kinds: list[str] = Field(default_factory=list, max_length=100)
    muted: list[str] = Field(default_factory=list, max_length=100)
    areas: list[Place] = Field(default_factory=list, max_length=300)
    risks: list[Risk] = Field(default_factory=list, max_length=10)
    own_cases: bool = False
    pace: Pace = Pace.AT_ONCE
    digest_at: time = time(7, 30)
    quiet_from: time | None = None
    quiet_until: time | None = None


class PreferencesView(PreferencesBody):
    """What was chosen, since when; version 0 is nothing yet."""

    version: int = 0
    policy_version: int
    chosen_at: datetime | None = None


class ChoiceView(BaseModel):
    """What holds now, and what may be chosen and turned off; all else that a role is told is compulsory."""

    chosen: PreferencesView
    choosable: list[str]
    optional: list[str]
    compulsory: list[str]


@router.get("/preferences")
@reads(*policy.INBOX)
async def preferences(tx: Transaction) -> ChoiceView:
    """What the one who asks chose, and what there is to choose."""
    data, roles = tx.settings.preferences, tx.principal.roles
    row = await store.current(tx, tx.principal.subject)
    optional = {kind for role in roles for kind in data.optional.get(role, ())}
    return ChoiceView(
        chosen=_view(row) if row is not None else PreferencesView(policy_version=data.version),
        choosable=sorted({kind for role in roles for kind in data.choosable.get(role, ())}),
        optional=sorted(optional),
        compulsory=sorted(kinds_for(roles) - optional),
    )


@router.get("/preferences/versions")
@reads(*policy.INBOX)
async def versions(tx: Transaction) -> list[PreferencesView]:
    """All that the one who asks ever chose, the newest first."""
    return [_view(row) for row in await store.versions(tx, tx.principal.subject)]


@router.put("/preferences")
@writes(*policy.INBOX)
async def choose(body: PreferencesBody, tx: Transaction, if_match: Annotated[str | None, Header()] = None) -> PreferencesView:
    """Choose anew, from now on; send the version that you saw as If-Match (0 is nothing yet), another one meanwhile is a 409 with both.

    What is urgent is shown at once whatever was chosen.
    """
    who, data = tx.principal, tx.settings.preferences
    await tx.lock([who.subject])
    row = await store.current(tx, who.subject)
    version = row.version if row is not None else 0
    if if_match is None:
        raise RefusedError(428, "send the version that you saw as If-Match", [FieldProblem("If-Match", "missing")])
    if (seen := if_match.strip().strip('"')) != str(version):
        raise RefusedError(409, "these preferences were changed meanwhile", version=version, yours=seen[:20])
    _check(body, who.roles, data)
    values = body.model_dump() | {name: sorted(set(getattr(body, name))) for name in ("kinds", "muted", "areas", "risks")}
    values |= {"officer": who.subject, "version": version + 1, "agency": who.agency, "roles": sorted(who.roles), "policy_version": data.version}
    await store.choose(tx, **values)
    (newest, *_) = await store.versions(tx, who.subject)
    return _view(newest)


def _check(body: PreferencesBody, roles: frozenset[str], data: Any) -> None:
    problems = _problems("kinds", "not_choosable", rules.not_choosable(body.kinds, roles, data.choosable))
    problems += _problems("muted", "compulsory", rules.compulsory(body.muted, roles, data.optional))
    if (body.quiet_from is None) != (body.quiet_until is None):
        problems.append(FieldProblem("quiet_until" if body.quiet_until is None else "quiet_from", "missing"))
    elif body.quiet_from is not None and body.quiet_from == body.quiet_until:
        problems.append(FieldProblem("quiet_until", "same_as_quiet_from"))
    problems += [
        FieldProblem(name, "with_an_offset") for name in ("digest_at", "quiet_from", "quiet_until") if getattr(getattr(body, name), "tzinfo", None)
    ]
    if problems:
        raise RefusedError(422, "some fields are wrong: correct them and send again", problems)


def _problems(field: str, code: str, places: Sequence[int]) -> list[FieldProblem]:
    return [FieldProblem(f"{field}.{place}", code) for place in places]


def _view(row: Row[Any]) -> PreferencesView:
    return PreferencesView(**{name: getattr(row, name) for name in PreferencesView.model_fields})
