"""Which providers may hear that a service is asked of them, and what they answered, as the facts of a case tell it; pure.

A provider hears of a request as long as it takes part in the case, or something of the person is disclosed to it for the purpose that the service
serves. Everybody else would learn from the request that she is somebody's case.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from intake.domain.standing import Fact, Kind, in_order, last, this_round

REQUESTED = "case.assessment.service_requested.v1"
DECLINED, DELIVERED = "case.assessment.service_declined.v1", "case.assessment.service_delivered.v1"
ROUTED, ANSWERED = "case.intake.service_routed.v1", "case.intake.service_answered.v1"
# For which purpose something is disclosed to whoever gives a service; what is not here is case work.
PURPOSES = {
    "kesehatan": "health",
    "visum": "health",
    "psikologis": "psychological",
    "bantuan_hukum": "legal_aid",
    "penegakan_hukum": "law_enforcement",
    "penampungan_sementara": "shelter",
    "rehabilitasi_sosial": "rehabilitation",
    "pemberdayaan_ekonomi": "rehabilitation",
    "reintegrasi_sosial": "reintegration",
    "pemulangan": "reintegration",
    "pendidikan": "education",
    "dokumen_kependudukan": "civil_documents",
    "restitusi_lpsk": "restitution",
}
CASE_WORK = "case_work"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that nobody ended: of whom what is asked for whom, and whether the provider was told; `answer` is the newest that it sent."""

    service_id: str
    provider: str
    service: str
    person: str
    due_at: str
    passed_on: bool | None = None
    answer: tuple[str, str | None] | None = None

    @property
    def purpose(self) -> str:
        """What something of the person would be disclosed for."""
        return PURPOSES.get(self.service, CASE_WORK)


@dataclass(frozen=True, slots=True)
class Grants:
    """Who takes part in a case, who is to learn nothing of somebody in it, and what is disclosed to whom: (recipient, purpose, person)."""

    full: Collection[str] = ()
    restricted: Collection[str] = ()
    covers: Collection[tuple[str, str, UUID]] = ()

    def allow(self, request: Request) -> bool:
        """Whether the provider may hear of the request."""
        if request.provider in self.restricted:
            return False
        return request.provider in self.full or (request.provider, request.purpose, UUID(request.person)) in self.covers


def requests(facts: Iterable[Fact]) -> dict[str, Request]:
    """The requests that are open, by service id, whatever order their facts come in; those from before a case was reopened are not."""
    known = in_order(facts)
    asked = this_round([fact for fact in known if fact.producer == "assessment"], last([f for f in known if f.producer == "intake"], {Kind.REOPENED}))
    over = {str(f.codes["service_id"]) for f in known if f.type == DELIVERED or (f.type == DECLINED and f.codes.get("final"))}
    found: dict[str, Request] = {}
    for fact in asked:
        if fact.type == REQUESTED and (service_id := str(fact.codes["service_id"])) not in over:
            codes = fact.codes
            found[service_id] = Request(service_id, codes["provider"], codes["service"], codes["person_id"], codes["due_at"])
    said = {**_newest(known, ROUTED)}
    answers = _newest(known, ANSWERED)
    return {name: _with(request, said.get(name), answers.get(name)) for name, request in found.items()}


def _newest(facts: Iterable[Fact], kind: str) -> Mapping[str, Fact]:
    return {str(fact.codes["service_id"]): fact for fact in facts if fact.type == kind}


def _with(request: Request, routed: Fact | None, answer: Fact | None) -> Request:
    passed_on = bool(routed.codes["passed_on"]) if routed else None
    said = (answer.codes["answer"], answer.codes.get("reason")) if answer else None
    return Request(request.service_id, request.provider, request.service, request.person, request.due_at, passed_on, said)


def to_route(facts: Iterable[Fact], grants: Grants) -> list[tuple[Request, bool]]:
    """The requests of which something else holds now than what was said last: whether the provider hears of them."""
    return [(request, grants.allow(request)) for request in requests(facts).values() if request.passed_on is not grants.allow(request)]


OF_SERVICES = frozenset({ROUTED, DECLINED})


def concerning(agency: str | None, facts: Collection[Fact]) -> Collection[Fact]:
    """The facts of a case as far as an agency (None: any) may hear a copy of them: of services only those that it was told of.

    That somebody is asked elsewhere is nobody else's matter.
    """
    if not any(fact.type in OF_SERVICES for fact in facts):
        return facts
    passed_on = [f for f in facts if f.type == ROUTED and f.codes["passed_on"] and agency in (None, f.codes["provider"])]
    told = {str(fact.codes["service_id"]) for fact in passed_on}
    return [fact for fact in facts if fact.type not in OF_SERVICES or _told(fact, told)]


def _told(fact: Fact, told: Collection[str]) -> bool:
    return str(fact.codes["service_id"]) in told and bool(fact.codes["passed_on"] if fact.type == ROUTED else fact.codes.get("final"))
