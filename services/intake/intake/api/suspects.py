"""The routes by which officers keep the suspects of a case: persons with ids, whose names never leave the vault.

Whom the household must not meet and where it must not be housed follows from them, and placement hears of a change within seconds.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from chassis.store.vault import Keys, Vault
from contracts.incidents import AgeBand, PerpetratorRelation
from contracts.vocabulary import ProblemCode, Sex
from fastapi import APIRouter, Header
from pydantic import BaseModel

from intake import casebook, policy
from intake.api.bodies import SuspectBody
from intake.api.cases import open_case, seen, standing_view, takes_part
from intake.api.views import MASK, StandingView
from intake.casebook import Saying
from intake.consents.records import somebody_hidden
from intake.domain.incidents import age_band
from intake.domain.submitted import area_exists, nik_finding
from intake.opening import Safe
from intake.store import Book
from intake.violence import safety, suspected
from intake.violence.suspected import PERSONAL

# Who is just being written in another transaction is looked for once more a little later.
SETTLED = timedelta(seconds=5)
CHANGED_MEANWHILE = "somebody else wrote of this suspect since you read it"
IfMatch = Annotated[str | None, Header(alias="If-Match", description="the version that was read; left out: whatever is stored is written over")]
router = APIRouter(prefix="/cases", tags=["cases"])


class SuspectView(BaseModel):
    """A suspect; names and numbers masked for those who may not see them."""

    suspect_id: UUID
    relation: PerpetratorRelation
    age: int | None
    age_band: AgeBand | None
    areas: list[str]
    same_as: list[UUID]
    name: str | None
    nik: str | None
    address: str | None
    added_at: datetime
    version: str = ""


class SuspectSaid(StandingView):
    """A suspect was recorded; where the case stands then."""

    suspect_id: UUID


@router.get("/{case_id}/suspects")
@reads(*policy.SEE_SUSPECTS)
async def list_suspects(case_id: UUID, vault: Safe, tx: Transaction) -> list[SuspectView]:
    """The suspects of a case; which persons of other cases they are known to be only for agencies that take part."""
    book = await seen(tx, case_id)
    rows = await suspected.of_cases(tx, [case_id])
    keys = None
    if takes_part(tx, book) and not await somebody_hidden(tx, case_id):
        for row in rows:
            tx.audit("suspect_read", row.suspect_id, PERSONAL)
        keys = await vault.of([row.suspect_id for row in rows])
    known = await suspected.seen(tx, {person for row in rows for person in row.same_as})
    return [_view(row, keys, known) for row in rows]


@router.post("/{case_id}/suspects", status_code=201)
@writes(*policy.RECORD_SUSPECTS)
async def add_suspect(case_id: UUID, body: SuspectBody, vault: Safe, tx: Transaction) -> SuspectSaid:
    """Record a suspect. Who has the same NIK in another case is kept apart without anybody having to look."""
    book = await open_case(tx, case_id)
    blank = {"suspect_id": tx.new_id("suspect", case_id), "case_id": case_id, "nik_index": None, "added_at": tx.now, "removed_at": None}
    return await _keep(tx, vault, book, blank | dict.fromkeys(PERSONAL), body)


@router.put("/{case_id}/suspects/{suspect_id}")
@writes(*policy.RECORD_SUSPECTS)
async def change_suspect(
    case_id: UUID, suspect_id: UUID, body: SuspectBody, vault: Safe, tx: Transaction, *, if_match: IfMatch = None
) -> SuspectSaid:
    """Write what is known of a suspect now, as when he moved; personal fields that are left out stay.

    409 with both values when somebody else wrote of him or her since the version in `If-Match`.
    """
    book = await open_case(tx, case_id)
    now = await _one(tx, case_id, suspect_id)
    _check_version(if_match, now, body)
    return await _keep(tx, vault, book, now, body)


@router.post("/{case_id}/suspects/{suspect_id}/remove")
@writes(*policy.RECORD_SUSPECTS)
async def remove_suspect(case_id: UUID, suspect_id: UUID, tx: Transaction) -> SuspectSaid:
    """Somebody is no suspect any more: nobody is kept apart from him or her by this case, unless an officer named it."""
    book = await open_case(tx, case_id)
    row = await _one(tx, case_id, suspect_id) | {"removed_at": tx.now}
    tx.audit("suspect_removed", suspect_id)
    return await _said(tx, book, row, removed=True)


async def _keep(tx: Transaction, vault: Vault, book: Book, old: dict[str, Any], body: SuspectBody) -> SuspectSaid:
    """Seal what names a suspect, keep the row, and say what follows."""
    await _check(tx, book, body)
    plain = {name: value for name in PERSONAL if (value := getattr(body, name)) is not None}
    keys = await vault.new([old["suspect_id"]])
    sealed: dict[str, Any] = {name: keys.seal(old["suspect_id"], f"suspect.{name}", value) for name, value in plain.items()}
    if "nik" in plain:
        sealed["nik_index"] = vault.blind("nik", plain["nik"])
    tx.audit("suspect_written", old["suspect_id"], plain)
    # What was found by a NIK stays although the asker may not see it, until another NIK is written.
    before = old.get("same_as", ())
    found = set() if sealed.get("nik_index", old["nik_index"]) != old["nik_index"] else set(before) - await suspected.seen(tx, before)
    same_as = [*dict.fromkeys(body.same_as), *sorted(found - set(body.same_as))]
    codes = {"relation": body.relation, "age": body.age, "areas": list(dict.fromkeys(body.areas)), "same_as": same_as}
    return await _said(tx, book, {**old, **codes, **sealed})


async def _said(tx: Transaction, book: Book, row: dict[str, Any], *, removed: bool = False) -> SuspectSaid:
    await suspected.keep(tx, [row])
    case_id = book.case.case_id
    cause = tx.cause_of(case_id)
    tx.set_clock(casebook.SAFETY, case_id, tx.now + SETTLED)
    sayings = [Saying(case_id, safety.recorded(row, removed=removed), cause), *await safety.changed(tx, [case_id], cause)]
    now = await casebook.grow(tx, said=sayings)
    return SuspectSaid(**standing_view(tx, book, now[case_id]).model_dump(), suspect_id=row["suspect_id"])


def _check_version(if_match: str | None, now: dict[str, Any], body: SuspectBody) -> None:
    """Refuse to write over what the writer has not seen; what is sealed is in neither value. Raises 409."""
    if if_match is not None and if_match.strip('W/"') != _version(now):
        codes = ("relation", "age", "areas")
        current = {name: now[name] for name in codes}
        raise conflict(CHANGED_MEANWHILE, version=_version(now), current=current, sent=body.model_dump(mode="json", include=set(codes)))


def _version(now: dict[str, Any]) -> str:
    """What an officer can write of a suspect, as a mark; which persons he was found to be changes by itself, and is not in it."""
    written = (now["relation"], now["age"], sorted(now["areas"]), *(bytes(now[name] or b"").hex() for name in PERSONAL))
    return sha256(repr(written).encode()).hexdigest()[:16]


async def _check(tx: Transaction, book: Book, body: SuspectBody) -> None:
    """Refuse what cannot be. Raises 422 naming each field."""
    wrong = [FieldProblem(f"areas.{n}", ProblemCode.NOT_IN_AREA_LIST) for n, area in enumerate(body.areas) if not area_exists(area)]
    if body.nik and nik_finding(body.nik, Sex.UNKNOWN, body.age, tx.now.date()) == "impossible":
        wrong.append(FieldProblem("nik", ProblemCode.NIK_IMPOSSIBLE))
    known = await suspected.seen(tx, body.same_as)
    wrong += [FieldProblem(f"same_as.{n}", ProblemCode.INVALID) for n, person in enumerate(body.same_as) if person not in known]
    if wrong:
        raise RefusedError(422, "this suspect cannot be taken: correct these fields", wrong)
    members = {person.person_id for person in book.persons}
    if own := [n for n, person in enumerate(body.same_as) if person in members]:
        fields = [FieldProblem(f"same_as.{n}", ProblemCode.INVALID) for n in own]
        raise RefusedError(422, "this is a member of the household: take him or her out of it first", fields)


async def _one(tx: Transaction, case_id: UUID, suspect_id: UUID) -> dict[str, Any]:
    """A suspect of a case. Raises 404."""
    found = [row for row in await suspected.of_cases(tx, [case_id]) if row.suspect_id == suspect_id]
    if not found:
        raise not_found("suspect")
    values: dict[str, Any] = found[0]._asdict()
    return values


def _view(row: Any, keys: Keys | None, seen_persons: Collection[UUID]) -> SuspectView:
    def opened(name: str) -> str | None:
        sealed = getattr(row, name)
        return None if sealed is None else MASK if keys is None else keys.open_or_none(row.suspect_id, f"suspect.{name}", sealed)

    plain = {name: opened(name) for name in PERSONAL}
    same_as = [person for person in row.same_as if person in seen_persons]
    known = {**row._asdict(), **plain, "same_as": same_as, "age_band": age_band(row.age), "version": _version(row._asdict())}
    return SuspectView.model_validate({name: known[name] for name in SuspectView.model_fields})
