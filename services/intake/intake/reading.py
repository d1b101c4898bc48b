"""How is a submission read? The same for both doors, NATS and HTTP, and leniently: a malformed call for help is still a call for help.

A module of its own because it is where hostile bytes meet the contract: nothing else in intake sees a body. It never echoes a value.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from contracts.agencies import Referral, ReferredPerson, SafetyScreen
from contracts.vocabulary import HouseholdRole, ProblemCode, Sex
from pydantic import ValidationError

from intake.domain import submitted

MANDATORY = ("reference", "urgency", "callback")
# What is odd and taken as it is; nobody has to do anything about it.
ODD = {"differs": ProblemCode.NIK_DIFFERS, "unknown_district": ProblemCode.NIK_UNKNOWN_DISTRICT, "not_jakarta": ProblemCode.NIK_NOT_JAKARTA}
IN_TEXT = {"nik": ProblemCode.NIK_IN_TEXT, "phone": ProblemCode.PHONE_IN_TEXT}
WARNINGS = frozenset({*ODD.values(), *IN_TEXT.values()})
LARGEST = 256 * 1024
DEEPEST = 20
MOST_PROBLEMS = 100
MOST_PERSONS = 30
PASSES = 5
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
# How long ago somebody may have heard of what is reported now, and how far the clocks of two machines may be apart.
HEARD_WITHIN, ASKEW = timedelta(days=366), timedelta(minutes=5)
# Fields that a later release added: what was understood of a submission without them reads as it did before, so that it is known again.
ADDED = ("post", "heard_at")
# A time without an offset is the reporter's wall clock: WIB, Asia/Jakarta, which has no summer time.
JAKARTA = timezone(timedelta(hours=7))
UNREADABLE = ("body", ProblemCode.UNREADABLE)

Problem = tuple[str, ProblemCode]
Problems = dict[str, ProblemCode]


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read: the referral without the fields that could not, or None when it is refused; and what is wrong with which field.

    `content` is one text per content that was understood: it does not depend on when it is read, so that a retry is known again.
    """

    referral: Referral | None
    reference: str | None = None
    problems: tuple[Problem, ...] = ()
    content: str = field(default="", repr=False)

    @property
    def complete(self) -> bool:
        """Whether nothing is wrong or missing; a warning is neither."""
        return self.referral is not None and not self.gaps

    @property
    def gaps(self) -> tuple[Problem, ...]:
        """The problems that someone has to do something about."""
        return gaps(self.problems)


def gaps(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those of these problems that are no mere warnings."""
    return tuple(entry for entry in problems if entry[1] not in WARNINGS)


def read_submission(body: bytes | Mapping[str, Any], now: datetime) -> Reading:
    """Read a submission: without a readable reference, urgency and callback it is refused, whatever else is wrong is dropped and named."""
    payload = read_json(body)
    if payload is None:
        return Reading(None, None, (UNREADABLE,))
    problems: Problems = {}
    origin = list(range(MOST_PERSONS))
    referral = _lenient(payload, problems, origin)
    if referral is None:
        return Reading(None, _reference(payload), _listed(problems))
    content = referral.model_dump_json(exclude={name for name in ADDED if getattr(referral, name) is None})
    odd: list[Problem] = []
    referral = _sensible(referral, now, problems, origin, odd)
    for path in _missing(referral, origin):
        problems.setdefault(path, ProblemCode.MISSING)
    return Reading(referral, referral.reference, (*_listed(problems), *odd)[:MOST_PROBLEMS], content)


def _reference(payload: Mapping[str, Any]) -> str | None:
    """The reference in a submission that is refused, if it can be read: so that the sender knows which one was."""
    try:
        return Referral.model_validate({"reference": payload.get("reference"), "urgency": "low", "callback": "none"}).reference
    except ValidationError:
        return None


def read_json(body: bytes | Mapping[str, Any]) -> dict[str, Any] | None:
    """The object in a body, or None: too large, not UTF-8, not JSON, with NaN, too deep, or no object."""
    try:
        raw = body if isinstance(body, bytes) else json.dumps(body, allow_nan=False).encode()
        value = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse) if len(raw) <= LARGEST else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and _depth_is_sane(value) else None


def _refuse(_constant: str) -> None:
    message = "not a JSON number"
    raise ValueError(message)


def _depth_is_sane(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level if isinstance(outer, (dict, list)) for inner in (outer.values() if isinstance(outer, dict) else outer)]
        if not level:
            return True
    return False


def _lenient(payload: dict[str, Any], problems: Problems, origin: list[int]) -> Referral | None:
    """Validate; drop what is wrong, and validate again. None when something mandatory is wrong or missing.

    `origin` keeps the place in what was submitted of each person that is left.
    """
    if isinstance(payload.get("callback"), str):
        payload["callback"] = payload["callback"].strip()
    persons = payload.get("persons")
    if isinstance(persons, list) and len(persons) > MOST_PERSONS:
        payload["persons"] = persons[:MOST_PERSONS]
        problems["persons"] = ProblemCode.INVALID
    for attempt in range(PASSES):
        try:
            return Referral.model_validate(payload)
        except ValidationError as error:
            wrong = [(entry["loc"], str(entry["type"])) for entry in error.errors(include_url=False, include_context=False, include_input=False)]
        for place, kind in wrong:
            problems.setdefault(_path(place, origin), _code(kind))
        if any(name in problems for name in MANDATORY):
            return None
        _drop(payload, [place if attempt < PASSES - 2 else place[:1] for place, _ in wrong], origin)
    return None


def _path(place: tuple[int | str, ...], origin: list[int]) -> str:
    """The path of a field in what was submitted, even after persons before it were dropped."""
    parts = list(place)
    if len(parts) > 1 and parts[0] == "persons" and isinstance(parts[1], int):
        parts[1] = origin[parts[1]]
    return ".".join(str(part) for part in parts)


def _code(kind: str) -> ProblemCode:
    return {"missing": ProblemCode.MISSING, "enum": ProblemCode.UNKNOWN_CODE}.get(kind, ProblemCode.INVALID)


def _drop(payload: dict[str, Any], places: list[tuple[int | str, ...]], origin: list[int]) -> None:
    """Take wrong fields and list elements out; elements from the back, so that the others keep their place until all are out."""
    for place in sorted(
        set(places), key=lambda place: [(isinstance(part, int), part if isinstance(part, int) else 0, str(part)) for part in place], reverse=True
    ):
        holder: Any = payload
        for part in place[:-1]:
            holder = holder[part]
        if isinstance(holder, dict):
            holder.pop(place[-1], None)
        else:
            del holder[place[-1]]
            if place[0] == "persons" and len(place) == 2:  # noqa: PLR2004 - persons.<index>
                del origin[int(place[1])]


def _sensible(referral: Referral, now: datetime, problems: Problems, origin: list[int], odd: list[Problem]) -> Referral:
    """The referral without what has the right form and cannot be: areas off the list, impossible times and NIKs; lists without repetition.

    What is merely `odd` is added to that list.
    """
    area, post, occurred_at, heard_at = referral.area, referral.post, None, None
    if area is not None and not submitted.area_exists(area):
        area = None
        problems["area"] = ProblemCode.NOT_IN_AREA_LIST
    if referral.occurred_at is not None:
        occurred_at = _moment(referral.occurred_at, now)
        if occurred_at is None:
            problems["occurred_at"] = ProblemCode.INVALID
    if post is not None and not submitted.area_exists(submitted.post_area(post)):
        post = None
        problems["post"] = ProblemCode.NOT_IN_AREA_LIST
    if referral.heard_at is not None:
        heard_at = _moment(referral.heard_at, now)
        if heard_at is None or not now - HEARD_WITHIN <= heard_at <= now + ASKEW:
            heard_at = None
            problems["heard_at"] = ProblemCode.INVALID
    odd += [("narrative", IN_TEXT[kind]) for kind in submitted.numbers_in(referral.narrative or "")]
    return referral.model_copy(
        update={
            "area": area,
            "occurred_at": occurred_at,
            "post": post,
            "heard_at": heard_at,
            "persons": tuple(_person(place, person, now, problems, odd) for place, person in zip(origin, referral.persons, strict=False)),
            "violence_types": tuple(dict.fromkeys(referral.violence_types)),
            "screen": _screen(referral.screen, problems),
        }
    )


def _moment(moment: datetime, now: datetime) -> datetime | None:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=JAKARTA)
    if not EARLIEST <= aware <= min(LATEST, now + timedelta(days=1)):
        return None
    return aware.astimezone(UTC)


def _person(place: int, person: ReferredPerson, now: datetime, problems: Problems, odd: list[Problem]) -> ReferredPerson:
    nik = re.sub(r"[ .-]", "", person.nik) if person.nik else None
    findings = submitted.nik_findings(nik, person.sex, person.age, now.date()) if nik is not None else ()
    if "impossible" in findings:
        nik = None
        problems[f"persons.{place}.nik"] = ProblemCode.NIK_IMPOSSIBLE
    odd += [(f"persons.{place}.nik", ODD[finding]) for finding in findings if finding in ODD]
    return person.model_copy(update={"nik": nik, "needs": tuple(dict.fromkeys(person.needs))})


def _screen(screen: SafetyScreen | None, problems: Problems) -> SafetyScreen | None:
    if screen is None:
        return None
    for number, area in enumerate(screen.perpetrator_areas):
        if not submitted.area_exists(area):
            problems[f"screen.perpetrator_areas.{number}"] = ProblemCode.NOT_IN_AREA_LIST
    return screen.model_copy(
        update={
            "red_flags": tuple(dict.fromkeys(screen.red_flags)),
            "shelter_grounds": tuple(dict.fromkeys(screen.shelter_grounds)),
            "perpetrator_areas": tuple(dict.fromkeys(area for area in screen.perpetrator_areas if submitted.area_exists(area))),
        }
    )


def _missing(referral: Referral, origin: list[int]) -> list[str]:
    """What a desk will ask for: where, who, what happened, and how old and of which sex each victim is."""
    missing = [name for name in ("area", "persons", "narrative") if not getattr(referral, name)]
    if not referral.violence_types and referral.ppks is None:
        missing.append("violence_types")
    for place, person in zip(origin, referral.persons, strict=False):
        if person.role is HouseholdRole.VICTIM:
            missing += [f"persons.{place}.sex"] if person.sex is Sex.UNKNOWN else []
            missing += [f"persons.{place}.age"] if person.age is None else []
    return missing


def _listed(problems: Problems) -> tuple[Problem, ...]:
    return tuple(problems.items())[:MOST_PROBLEMS]
