"""How a submission becomes a case: the same for every door, once per agency and reference.

A module of its own because NATS, HTTP, the public and imports must not differ in it; it is the only place where personal data is sealed for the first time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import Cause, Received, Transaction
from chassis.store.vault import Keys, Vault
from contracts.agencies import Referral, ReferredPerson
from contracts.intake import Reported
from contracts.vocabulary import ProblemCode, ViolenceType
from fastapi import Depends, Request

from intake import casebook, feed, store
from intake.casebook import Saying
from intake.domain import standing, triage
from intake.reading import Problem, Reading
from intake.store import Book, CaseFileRow, PersonRow

VaultOf = Callable[[], Vault]


async def vault_of(request: Request) -> Vault:
    """The vault of the service that answers this request."""
    vault: Vault = request.app.state.service.vault
    return vault


Safe = Annotated[Vault, Depends(vault_of)]
PERSONAL = ("name", "nik", "phone", "address")
# The clock by which a case's persons are compared with all others, after the report is answered (`doubles`).
COMPARED = "likeness"
REUSED: tuple[Problem, ...] = (("reference", ProblemCode.REFERENCE_REUSED),)
# What nobody asked at a shelter's door, and a desk asks afterwards.
UNASKED: tuple[Problem, ...] = (("persons.0.name", ProblemCode.MISSING), ("narrative", ProblemCode.MISSING))


@dataclass(frozen=True, slots=True)
class Submission:
    """What one agency submitted; `by_system` when its system, and no officer, did."""

    agency: str
    referral: Referral
    reading: Reading
    cause: Cause
    by_system: bool

    @property
    def key(self) -> tuple[str, str]:
        """By what a repetition is known."""
        return self.agency, self.referral.reference


@dataclass(frozen=True, slots=True)
class Answer:
    """The receipt of a submission: `accepted`, `incomplete` or `rejected`; a rejected one opened nothing."""

    receipt: str
    problems: tuple[Problem, ...]
    follow_id: UUID | None = None
    case_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A case that is about to be written, with its household."""

    case: CaseFileRow
    persons: tuple[PersonRow, ...]
    submission: Submission


async def open_cases(tx: Transaction, vault: Vault, submissions: Sequence[Submission]) -> list[Answer]:
    """Open a case for each new submission; for one that came before, give the receipt that it got then.

    The answers are in the order of the submissions. The first of several with one agency and reference counts.
    """
    marks = [vault.blind("submission", entry.reading.content) for entry in submissions]
    firsts: dict[tuple[str, str], dict[str, Any]] = {}
    by_key: dict[tuple[str, str], Submission] = {}
    for entry, mark in zip(submissions, marks, strict=True):
        if entry.key not in firsts:
            firsts[entry.key], by_key[entry.key] = _submission_row(tx, entry, mark), entry
    claimed = await store.apply(tx, store.CLAIM, list(firsts.values()))
    await _open(tx, vault, [(firsts[tuple(key)], by_key[tuple(key)]) for key in claimed])
    stored = await store.submitted(tx, firsts)
    await _keep_resent(tx, vault, [(stored[entry.key], entry) for entry in submissions if not stored[entry.key].fingerprint])
    return [_answer(stored[entry.key], mark) for entry, mark in zip(submissions, marks, strict=True)]


def _answer(row: Any, mark: bytes) -> Answer:
    # A store that was restored may know a submission only by its receipt: whoever sends its reference again gets that one.
    if row.fingerprint and bytes(row.fingerprint) != mark:
        return Answer("rejected", REUSED)
    return Answer(row.receipt, tuple((field, ProblemCode(code)) for field, code in row.problems), row.follow_id, row.case_id)


def _submission_row(tx: Transaction, entry: Submission, mark: bytes) -> dict[str, Any]:
    case_id = tx.new_id("case", cause=entry.cause)
    return {
        "agency": entry.agency,
        "reference": entry.referral.reference,
        "fingerprint": mark,
        "case_id": case_id,
        "follow_id": tx.new_id(feed.follow_key(entry.agency), case_id, entry.cause),
        "receipt": "accepted" if entry.reading.complete else "incomplete",
        "problems": entry.reading.problems,
        "at": tx.now,
    }


async def _open(tx: Transaction, vault: Vault, claimed: Sequence[tuple[dict[str, Any], Submission]]) -> None:
    """Write the cases, their persons, tasks and clocks, and say that they were reported."""
    if not claimed:
        return
    members = [(row["case_id"], entry, entry.referral.persons or (ReferredPerson(),)) for row, entry in claimed]
    ids = {case_id: [tx.new_id(f"person:{n}", case_id, entry.cause) for n in range(len(persons))] for case_id, entry, persons in members}
    await tx.lock(ids)
    keys = await vault.new([owner for case_id, persons in ids.items() for owner in (case_id, *persons)])
    opened: list[Opened] = []
    for case_id, entry, persons in members:
        rows = tuple(
            _person_row(vault, keys, person, person_id=person_id, case_id=case_id, place=n)
            for n, (person_id, person) in enumerate(zip(ids[case_id], persons, strict=True))
        )
        opened.append(Opened(_case_row(tx, keys, case_id, entry), rows, entry))
    await store.add(tx, store.CASES, [entry.case.model_dump() for entry in opened])
    await store.add(tx, store.PERSONS, [row.model_dump() for entry in opened for row in entry.persons])
    await ask_the_desk(tx, [(row["case_id"], entry.agency, row["reference"], entry.reading.gaps, entry.cause) for row, entry in claimed])
    for new in opened:
        set_clocks(tx, new.case, new.submission.cause)
        tx.set_clock(COMPARED, new.case.case_id, tx.now, cause=new.submission.cause)
    said = [saying for new in opened for saying in _sayings(tx, new)]
    books = {new.case.case_id: Book(new.case, new.persons, (), ()) for new in opened}
    await casebook.grow(tx, said=said, references={row["case_id"]: row["reference"] for row, _ in claimed}, opened=books)


def _case_row(tx: Transaction, keys: Keys, case_id: UUID, entry: Submission) -> CaseFileRow:
    referral = entry.referral
    violence, ppks = [str(kind) for kind in referral.violence_types], referral.ppks
    return blank_case(
        tx,
        case_id,
        household_id=tx.new_id("household", case_id, entry.cause),
        reporting_agency=entry.agency,
        channel=referral.channel,
        area=referral.area or feed.UNKNOWN_AREA,
        area_kind=referral.area_kind,
        violence_types=violence,
        ppks=ppks,
        urgency=referral.urgency,
        occurred_at=referral.occurred_at,
        screen=referral.screen.model_dump(mode="json") if referral.screen else {},
        reporter=referral.reporter,
        post=referral.post,
        heard_at=heard(tx, referral.heard_at or tx.at(entry.cause)),
        narrative=keys.seal(case_id, "case_file.narrative", referral.narrative) if referral.narrative else None,
        callback=keys.seal(case_id, "case_file.callback", referral.callback),
    )


def heard(tx: Transaction, moment: datetime) -> datetime:
    """From when a case's clocks run: as soon as the first person of the system heard, or the report arrived; never from the future."""
    return min(moment, tx.now)


def blank_case(tx: Transaction, case_id: UUID, **known: Any) -> CaseFileRow:
    """A case nothing has happened to yet, led by whom the kind of case and its area give."""
    line = casebook.leads(tx, known["violence_types"], known["ppks"], known["area"])
    nothing: dict[str, Any] = {
        "revision": 1,
        "occurred_at": None,
        "screen": {},
        "narrative": None,
        "callback": None,
        "police_report_at": None,
        "referred_to": None,
        "risk": None,
        "reporter": None,
        "post": None,
        "heard_at": None,
        "responsible_agency": line.agency,
    }
    open_yet: dict[str, Any] = {
        "state": standing.State.REPORTED,
        "waiting_for": [],
        "missed": [],
        "settled": [],
        "opened_at": tx.now,
        "changed_at": tx.now,
    }
    return CaseFileRow(**{"case_id": case_id, **nothing, **open_yet, **known})


def _person_row(vault: Vault, keys: Keys, person: ReferredPerson, *, person_id: UUID, case_id: UUID, place: int) -> PersonRow:
    codes: dict[str, Any] = {"role": person.role, "sex": person.sex, "age": person.age, "needs": [str(need) for need in person.needs]}
    sealed: dict[str, Any] = sealed_fields(vault, keys, person_id, {name: getattr(person, name) for name in PERSONAL})
    return PersonRow(person_id=person_id, case_id=case_id, place=place, left_at=None, **codes, **sealed)


def sealed_fields(vault: Vault, keys: Keys, person_id: UUID, plain: Mapping[str, str | None]) -> dict[str, bytes | None]:
    """A person's fields sealed under her own key, and the keyed hash by which an equal NIK can be found."""
    sealed: dict[str, bytes | None] = {name: keys.seal(person_id, f"person.{name}", value) if value else None for name, value in plain.items()}
    if "nik" in plain:
        sealed["nik_index"] = vault.blind("nik", plain["nik"]) if plain["nik"] else None
    return sealed


def _sayings(tx: Transaction, entry: Opened) -> list[Saying]:
    """What is said of a case when it is opened: the report; and its triage, when an agency's system answered the whole screen."""
    case, referral, cause = entry.case, entry.submission.referral, entry.submission.cause
    household = casebook.household_of(case, entry.persons)
    reported = Reported(
        household=household,
        channel=referral.channel,
        reporter=referral.reporter,
        agency=case.reporting_agency,
        area=case.area,
        area_kind=referral.area_kind,
        violence_types=referral.violence_types,
        ppks=case.ppks,
        urgency=referral.urgency,
        occurred_at=case.occurred_at,
        recorded_at=tx.now,
        post=case.post,
        heard_at=case.heard_at,
    )
    said = [Saying(case.case_id, reported, cause)]
    if entry.submission.by_system and case.screen.get("shelter_needed") is not None:
        said.append(Saying(case.case_id, casebook.triage_by_floor(tx, case, household), cause))
    return said


def set_clocks(tx: Transaction, case: CaseFileRow, cause: Cause) -> None:
    """The triage clock, by what is known of the risk; the police report's, which the law sets for sexual violence."""
    risk = triage.risk_floor(case.urgency, case.screen.get("red_flags", []), case.violence_types)
    since = case.heard_at or tx.now
    set_triage_clock(tx, case.case_id, risk, cause, since)
    if ViolenceType.SEXUAL in case.violence_types:
        tx.set_clock("police_report", case.case_id, since + tx.settings.span(hours=tx.settings.police_report_hours), cause=cause)


def set_triage_clock(tx: Transaction, case_id: UUID, risk: str, cause: Cause, since: datetime | None = None) -> None:
    """Let the triage be due, by risk, counted from now or from an earlier moment."""
    begun = since or tx.now
    tx.set_clock("triage", case_id, begun + casebook.triage_span(tx.settings, risk, begun), cause=cause)


Gap = tuple[UUID, str, str | None, tuple[Problem, ...], Cause]


async def ask_the_desk(tx: Transaction, gaps: Iterable[Gap]) -> None:
    """Give the desk a task with a clock for each (case, agency, reference, problems, cause)."""
    rows: list[dict[str, Any]] = []
    for case_id, agency, reference, problems, cause in gaps:
        if not problems:
            continue
        task_id = tx.new_id("desk", case_id, cause)
        rows.append(
            _task(tx, task_id, "incomplete", agency=agency, reference=reference, problems=problems, fingerprint=case_id.bytes) | {"case_id": case_id}
        )
        tx.set_clock("desk", task_id, tx.now + tx.settings.span(hours=tx.settings.desk_hours), cause=cause)
    await store.add(tx, store.TASKS, rows)


Refused = tuple[str, str | None, tuple[Problem, ...], bytes, Cause]


async def keep_for_the_desk(tx: Transaction, vault: Vault, refused: Sequence[Refused]) -> None:
    """Keep refused submissions (agency, reference, problems, body, cause), sealed: a malformed call for help is still a call for help."""
    if not refused:
        return
    tasks = {tx.new_id("refused", cause=entry[4]): entry for entry in refused}
    keys = await vault.new(tasks)
    rows: list[dict[str, Any]] = []
    for task_id, (agency, reference, problems, body, cause) in tasks.items():
        mark = vault.blind("refused", body.hex())
        sealed = keys.seal(task_id, "desk_task.content", body.decode("utf-8", "backslashreplace"))
        rows.append(_task(tx, task_id, "rejected", agency=agency, reference=reference, problems=problems, fingerprint=mark) | {"content": sealed})
        tx.set_clock("desk", task_id, tx.now + tx.settings.span(hours=tx.settings.desk_hours), cause=cause)
    await store.add(tx, store.TASKS, rows)


def _task(
    tx: Transaction, task_id: UUID, kind: str, *, agency: str, reference: str | None, problems: Sequence[Problem], fingerprint: bytes
) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "kind": kind,
        "agency": agency,
        "reference": reference,
        "problems": problems,
        "fingerprint": fingerprint,
        "opened_at": tx.now,
    }


async def _keep_resent(tx: Transaction, vault: Vault, resent: Sequence[tuple[Any, Submission]]) -> None:
    """Keep, sealed for the desk, what comes again under a reference whose first content nobody knows any more: a person compares it."""
    if not resent:
        return
    tasks = {tx.new_id("resent", row.case_id, entry.cause): (row, entry) for row, entry in resent}
    keys = await vault.new(tasks)
    rows: list[dict[str, Any]] = []
    for task_id, (row, entry) in tasks.items():
        mark = vault.blind("resent", entry.reading.content)
        task = _task(tx, task_id, "resent", agency=entry.agency, reference=row.reference, problems=entry.reading.problems, fingerprint=mark)
        sealed = keys.seal(task_id, "desk_task.content", entry.referral.model_dump_json())
        rows.append(task | {"case_id": row.case_id, "content": sealed})
        tx.set_clock("desk", task_id, tx.now + tx.settings.span(hours=tx.settings.desk_hours), cause=entry.cause)
    await store.add(tx, store.TASKS, rows)


async def keep_refusal(tx: Transaction, task_id: UUID, agency: str, reference: str | None, problems: Sequence[Problem]) -> None:
    """Give the desk a refused submission of which only the refusal is known: to call the agency, not to read it."""
    task = _task(tx, task_id, "rejected", agency=agency, reference=reference, problems=problems, fingerprint=task_id.bytes)
    await store.add(tx, store.TASKS, [task])
    tx.set_clock("desk", task_id, tx.now + tx.settings.span(hours=tx.settings.desk_hours))


def case_reported(tx: Transaction, event: Received[Reported]) -> CaseFileRow:
    """A case as its own report tells it: codes only."""
    data = event.data
    violence = [str(kind) for kind in data.violence_types]
    return blank_case(
        tx,
        event.subject,
        household_id=data.household.household_id,
        revision=data.household.revision,
        reporting_agency=data.agency,
        channel=data.channel,
        area=data.area,
        area_kind=data.area_kind,
        violence_types=violence,
        ppks=data.ppks,
        urgency=data.urgency,
        occurred_at=data.occurred_at,
        opened_at=data.recorded_at,
        reporter=data.reporter,
        post=data.post,
        heard_at=data.heard_at,
    )
