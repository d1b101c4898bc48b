"""A town's life, through the same doors as in life: each kind of thing that a page can show exists in it afterwards.

What it is told in comes from `Told`, so that a test can find every personal value again.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from ops.demo_outcomes import preparations, programme
from ops.identities import identities
from ops.seed import demo_shelters

from tests.intake.builders import a_nik

DESK, BOSS, TEAM = "desk-dppapp", "supervisor-dppapp", "outreach-dinsos"
PLACER, HEAD_OFFICE, OPERATOR, WORKER = "placement-dinsos", "supervisor-dinsos", "operator", "peksos-1"
SECRET, OPEN, OTHER = 1, 6, 21  # of the demo's shelters: all three for women and children
HEADS = {SECRET: "head-1", OPEN: "head-6", OTHER: "head-21"}
# Two numbers without a common divisor, so that no two persons have both names.
FIRST = ("Sekar", "Ratna", "Melati", "Wulan", "Dewi", "Indah", "Kirana", "Putri", "Laras", "Intan", "Gita", "Ayu", "Nirmala")
LAST = ("Kenaripuspa", "Kenarisutra", "Kenarijati", "Kenarimukti", "Kenarisari", "Kenarilestari", "Kenariwangi", "Kenaripertiwi", "Kenariutami")


class World(Protocol):
    """The platform as officers and agencies meet it."""

    async def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What somebody of the demo asks for through the gateway; the answer's body."""

    async def publish(self, user: str, subject: str, body: bytes, headers: dict[str, str]) -> None:
        """What a user of the broker publishes."""

    async def until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        """What a look finds, as soon as it finds something."""


class Told:
    """What is told of persons and houses; every value is found again by its kind."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}
        self.persons = 0

    def mark(self, kind: str, value: str) -> str:
        """A value that is to be found again."""
        self.marks[value] = kind
        return value

    def person(self, **known: Any) -> dict[str, Any]:
        """A person of whom every field is known."""
        number = len(self.marks)
        first, last = FIRST[self.persons % len(FIRST)], LAST[self.persons % len(LAST)]
        self.persons += 1
        born = date(1970, 1, 3) + timedelta(days=411 * (self.persons % 40))
        told = {
            "name": self.mark("name", f"{first} {last}"),
            "nik": self.mark("nik", a_nik(born=born, serial=5000 + number)),
            "phone": self.mark("phone", f"0813-7{number:03}-{number * 7919 % 10000:04}"),
            "address": self.mark("address", f"Gang {last} {number}"),
        }
        return {"role": "victim", "sex": "female", "age": 36, **told, **known}

    def report(self, **known: Any) -> dict[str, Any]:
        """A complete report of a mother and her daughter."""
        number = len(self.marks)
        return {
            "urgency": "medium",
            "area": "31.75.01",
            "violence_types": ["fisik"],
            "callback": self.mark("callback", f"Bu RT {number}, di warung sebelah"),
            "narrative": self.mark("narrative", f"Cerita {number}: ia dipukul di rumah."),
            "persons": [self.person(), self.person(role="child", age=9)],
            **known,
        }


class Life:
    """What happens in the town; `cases` are its cases by what became of them, `links` the pages that somebody is told of in messages."""

    def __init__(self, world: World) -> None:
        self.world, self.told = world, Told()
        self.cases: dict[str, str] = {}
        self.links: dict[str, list[str]] = {}
        self.secret, self.follow, self.session = "", "", ""

    async def all(self) -> None:
        """Everything, in the order in which it may happen."""
        await self.houses()
        await self.beginnings()
        await self.twice_reported()
        await self.searches()
        await self.work()
        await self.sharing()
        await self.subscriptions()
        await self.rarely()
        await self.poison()

    async def houses(self) -> None:
        """A secret house and two open ones, a worker, a programme."""
        for number, telling in ((SECRET, True), (OPEN, False), (OTHER, False)):
            house = demo_shelters()[number - 1]
            if telling:
                self.secret = house["shelter_id"]
                for field, value in (("name", "Rumah Kenari Rahasia"), ("address", "Jalan Kenari Tersembunyi 99"), ("intake_phone", "+62 000 7373")):
                    house[field] = self.told.mark(f"secret {field}", value)
            await self.world.call(OPERATOR, "POST", "/placement/shelters", house)
        unit = {"unit_id": str(uuid4()), "name": "Putri", "sexes": ["female"], "min_age": 6, "max_age": 18}
        await self.world.call(OPERATOR, "POST", f"/placement/shelters/{demo_shelters()[OTHER - 1]['shelter_id']}/units", unit)
        await self.world.call(OPERATOR, "PUT", f"/assessment/workers/{identities()[WORKER].subject}", {"agency": "dinsos"})
        await self.world.call(OPERATOR, "PUT", f"/assessment/programmes/{uuid4()}", programme("skills_training"))

    async def report(self, name: str, **known: Any) -> str:
        """A case comes of a report at the desk."""
        answer = await self.world.call(DESK, "POST", "/intake/reports", self.told.report(**known))
        self.cases[name], self.follow = (case_id := str(answer["case_id"])), str(answer["follow_id"])
        return case_id

    async def triage(self, case_id: str, **known: Any) -> None:
        body = {"risk": "medium", "shelter_needed": False, **known}
        await self.world.call(DESK, "POST", f"/intake/cases/{case_id}/triage", body)

    async def sheltered(self, name: str, **known: Any) -> str:
        """A case that needs a bed."""
        case_id = await self.report(name, **known)
        await self.triage(case_id, risk="high", shelter_needed=True, shelter_grounds=["threat_to_life"])
        return case_id

    async def beginnings(self) -> None:
        """Cases that wait for the desk, for a team, and for a supervisor; one that is over."""
        await self.report("incomplete", area=None)
        await self.report("reported", urgency="high", screen={"red_flags": ["weapon"]})
        sent = await self.report("outreach")
        await self.world.call(DESK, "POST", f"/intake/cases/{sent}/outreach", {"team": "dinsos"})
        arrived = await self.report("arrived")
        await self.world.call(DESK, "POST", f"/intake/cases/{arrived}/outreach", {"team": "dinsos"})
        await self.world.call(TEAM, "POST", f"/intake/cases/{arrived}/outreach/arrived", {})
        over = await self.report("withdrawn")
        await self.world.call(DESK, "POST", f"/intake/cases/{over}/withdraw", {"reason": "refused_service"})

    async def twice_reported(self) -> None:
        """Two cases of persons who may be one."""
        her = self.told.person()
        for name in ("twin", "other twin"):
            await self.report(name, persons=[her])
        await self.world.until(lambda: self.world.call(DESK, "GET", "/intake/candidates"))

    async def placement(self, case_id: str, *states: str) -> dict[str, Any]:
        """The placement of a case, as soon as it is in one of these states."""

        async def look() -> Any:
            found = await self.world.call(PLACER, "GET", f"/placement/placements?case_id={case_id}")
            return next((entry for entry in found if entry["state"] in states), None)

        found: dict[str, Any] = await self.world.until(look)
        return found

    async def accepted(self, case_id: str) -> dict[str, Any]:
        """The offer of a case, accepted for its shelter."""
        offer = await self.placement(case_id, "offered")
        await self.world.call(PLACER, "POST", f"/placement/placements/{offer['placement_id']}/accept", {"decided_by": str(uuid4())})
        return offer

    async def admitted(self, case_id: str) -> dict[str, Any]:
        """A household that is in."""
        offer = await self.accepted(case_id)
        agreements = [
            {"person_id": member["person_id"], "agreement": "own" if member["age"] >= 18 else "own_view_and_consenter"} for member in offer["members"]
        ]
        await self.world.call(PLACER, "POST", f"/placement/placements/{offer['placement_id']}/admit", {"agreements": agreements})
        return offer

    async def searches(self) -> None:
        """An offer that is open, one accepted, a household on the way, two that are in, a transfer, and one that nobody takes."""
        await self.admitted(await self.sheltered("secret stay"))
        await self.asked(await self.placement(await self.sheltered("offered"), "offered"))
        await self.accepted(await self.sheltered("accepted"))
        coming = await self.accepted(await self.sheltered("on the way"))
        await self.world.call(PLACER, "POST", f"/placement/placements/{coming['placement_id']}/on-the-way", {})
        moving = await self.admitted(await self.sheltered("moving"))
        await self.world.call(PLACER, "POST", f"/placement/placements/{moving['placement_id']}/transfer", {})
        man = self.told.person(sex="male", age=40)
        nobody = await self.sheltered("nowhere", persons=[man, self.told.person()])
        await self.world.until(lambda: self._waits(nobody))

    async def asked(self, offer: dict[str, Any]) -> None:
        """A head is told of an offer in a message, with a link to answer by."""
        head = next(who.name for who in identities().values() if offer["shelter_id"] in who.units)
        waiting = f"/notifications/inbox/waiting?placement_id={offer['placement_id']}"

        async def look() -> Any:
            return (await self.world.call(head, "GET", waiting))["notices"]

        notice = (await self.world.until(look))[0]
        link = await self.world.call(head, "POST", f"/notifications/inbox/{notice['id']}/link")
        self.links[head] = ["/notifications/pages/answers/" + link["path"].rpartition("/")[2]]

    async def _waits(self, case_id: str) -> bool:
        return any(entry["case_id"] == case_id for entry in await self.world.call(PLACER, "GET", "/placement/waiting"))

    # -- assessment ---------------------------------------------------------------------------------------------------------------------

    async def given(self, name: str) -> tuple[str, list[str]]:
        """A case at home that is given to the only worker, and its persons."""
        case_id = await self.report(name)
        await self.triage(case_id)
        await self.world.until(lambda: self._given(case_id))
        members = (await self.world.call(WORKER, "GET", f"/assessment/cases/{case_id}"))["members"]
        return case_id, [str(member["person_id"]) for member in members]

    async def _given(self, case_id: str) -> bool:
        return case_id in {case["case_id"] for case in await self.world.call(WORKER, "GET", "/assessment/cases")}

    async def assessed(self, name: str) -> tuple[str, list[str]]:
        case_id, persons = await self.given(name)
        await self.world.call(WORKER, "POST", f"/assessment/cases/{case_id}/claim", {})
        # Who thinks of death is at high risk, so that a supervisor has to approve what is planned for her.
        answers = {f"phq9_{n}": int(n < 9 or name == "approved") for n in range(1, 10)}
        answers = {"person_id": persons[0], "instrument": "phq9", "answers": answers}
        await self.world.call(WORKER, "PUT", f"/assessment/cases/{case_id}/answers", answers)
        await self.world.call(WORKER, "POST", f"/assessment/cases/{case_id}/complete", {"risk_view": {"band": "moderate"}})
        return case_id, persons

    async def planned(self, name: str, outcome: str, *, decide: bool = True) -> tuple[str, list[str]]:
        """A case with a plan for everybody."""
        case_id, persons = await self.assessed(name)
        agreements: list[dict[str, Any]] = [{"agreed": "agreed"}, {"agreed": "own_view_and_consenter", "own_view": "agrees", "consenter": "guardian"}]
        services = [{"code": "psikologis", "provider": "dinsos"}, {"code": "visum", "provider": "dppapp"}]
        outcomes = [
            {"person_id": person, "outcome": outcome, "agreement": agreement, "services": services}
            for person, agreement in zip(persons, agreements, strict=True)
        ]
        await self.world.call(WORKER, "POST", f"/assessment/cases/{case_id}/plan", {"outcomes": outcomes})
        if decide:
            await self.world.call(HEAD_OFFICE, "POST", f"/assessment/cases/{case_id}/plan/approve", {})
        return case_id, persons

    async def reached(self, name: str, outcome: str, route: str) -> tuple[str, list[str]]:
        """A case whose plan came true, or began to."""
        case_id, persons = await self.planned(name, outcome)
        for body in preparations(outcome, persons):
            await self.world.call(WORKER, "POST", f"/assessment/cases/{case_id}/preparations", body)
        for person in persons:
            await self.world.call(WORKER, "POST", f"/assessment/cases/{case_id}/{route}", {"person_id": person})
        return case_id, persons

    async def work(self) -> None:
        """Cases at each step of a social worker's way."""
        await self.given("given")
        await self.assessed("assessed")
        await self.planned("proposed", "services_at_home", decide=False)
        await self.planned("approved", "reunification")
        await self.planned("approved alone", "services_at_home")
        learning, persons = await self.reached("rehabilitating", "rehabilitation", "rehabilitation/start")
        (offered,) = await self.world.call(WORKER, "GET", "/assessment/programmes")
        enrolled = {"person_id": persons[0], "programme_id": offered["programme_id"]}
        await self.world.call(WORKER, "POST", f"/assessment/cases/{learning}/enrolments", enrolled)
        lost, _ = await self.reached("lost", "services_at_home", "outcome")
        for _ in range(3):
            await self.world.call(WORKER, "POST", f"/assessment/cases/{lost}/followups/1/done", {"result": "not_reached"})
        await self.reached("followed", "services_at_home", "outcome")
        for name in ("done", "closing"):
            done, _ = await self.reached(name, "services_at_home", "outcome")
            for followup in await self.world.call(WORKER, "GET", f"/assessment/cases/{done}/followups"):
                await self.world.call(WORKER, "POST", f"/assessment/cases/{done}/followups/{followup['number']}/done", {"result": "safe"})
            await self.world.until(lambda case_id=done: self._ready(case_id))
        await self.world.call(DESK, "POST", f"/intake/cases/{done}/closure", {"reason": "needs_met"})

    async def _ready(self, case_id: str) -> bool:
        return (await self.world.call(DESK, "GET", f"/intake/cases/{case_id}"))["state"] == "ready_to_close"

    # -- rights and sharing -------------------------------------------------------------------------------------------------------------

    async def sharing(self) -> None:
        """What the desk keeps of a case beside the household: incidents, suspects, consents, a disclosure, a restriction, how she may be reached."""
        case_id, tell = self.cases["followed"], self.told.mark
        at = f"/intake/cases/{case_id}"
        incident = {"narrative": tell("narrative", "Kejadian kenari: ia diancam lagi.")}
        await self.world.call(DESK, "POST", f"{at}/incidents", incident)
        him = {
            "name": tell("suspect", "Kenaripelaku Hitam"),
            "nik": tell("suspect", a_nik(serial=8001)),
            "address": tell("suspect", "Gang Kenaripelaku 1"),
        }
        await self.world.call(DESK, "POST", f"{at}/suspects", {"relation": "suami_istri", **him})
        household = (await self.world.call(DESK, "GET", at))["persons"]
        mother, child = (person["person_id"] for person in household)
        agreed = {"purpose": "health", "recipient": "dinsos", "medium": "written", "text_version": "v1"}
        await self.world.call(DESK, "POST", f"{at}/consents", {**agreed, "persons": [mother]})
        for_child = {"given_by": "guardian", "relation": "parent", "consenter_id": mother, "assent": True}
        await self.world.call(DESK, "POST", f"{at}/consents", {**agreed, **for_child, "persons": [child]})
        disclosed = {"recipient": "dinsos", "purpose": "health", "fields": ["name", "phone", "area"]}
        await self.world.call(DESK, "POST", f"{at}/disclosures", disclosed)
        await self.world.call(DESK, "POST", f"/intake/persons/{child}/restrictions", {"ground": "endangers_person", "recipient": "polda-ppa"})
        step = {"code": "police_report", "on": str(date.today() - timedelta(days=1))}  # noqa: DTZ011 - a day by the desk's own calendar
        await self.world.call(DESK, "POST", f"{at}/legal-steps", step)
        hours = [{"days": [1, 2, 3], "begins": "19:00", "ends": "21:00"}]
        ways = [
            {"channel": "sms", "address": tell("safe contact", "+628118887766"), "hours": hours},
            {"channel": "email", "address": tell("safe contact", "kenari@surat.test"), "hours": hours},
        ]
        reach = {"channels": ways, "code_word": tell("safe contact", "Kenarisandi Kuning")}
        await self.world.call(DESK, "PUT", f"/intake/persons/{mother}/safe-contact", reach, if_match="0")
        await self.world.call(DESK, "POST", f"/intake/persons/{mother}/requests", {"right": "access"})
        handed = {"agency": "dinsos", "reason": "moved"}
        await self.world.call(BOSS, "POST", f"/intake/cases/{self.cases['given']}/handover", handed)

    async def rarely(self) -> None:
        """A hold, a case opened in an emergency by another agency, a child who joins a household that is in, a duty; what is found by an id alone."""
        at = f"/intake/cases/{self.cases['assessed']}"
        review = str(date.today() + timedelta(days=90))  # noqa: DTZ011 - a day by the desk's own calendar
        await self.world.call(BOSS, "POST", f"{at}/holds", {"ground": "investigation", "review_on": review})
        await self.world.call(HEAD_OFFICE, "POST", "/intake/break-glass", {"case_id": self.cases["incomplete"], "reason": "danger_to_life"})
        stay = f"/intake/cases/{self.cases['secret stay']}"
        seen = await self.world.until(lambda: self._inside(stay))
        persons = [
            {"person_id": person["person_id"], "role": person["role"], "sex": person["sex"], "age": person["age"]} for person in seen["persons"]
        ]
        joined = [*persons, self.told.person(role="child", age=1)]
        await self.world.call(DESK, "PUT", f"{stay}/household", {"persons": joined}, if_match=str(seen["revision"]))
        now = datetime.now(UTC)
        duty = {
            "role": "supervisor",
            "officer": str(identities()[BOSS].subject),
            "starts": now.isoformat(),
            "ends": (now + timedelta(hours=8)).isoformat(),
        }
        await self.world.call(BOSS, "POST", "/notifications/on-call", duty)
        self.links.setdefault(BOSS, []).append(f"/intake/pages/cases/{self.cases['withdrawn']}")
        kept = f"/intake/pages/cases/{self.cases['followed']}"
        found = (f"{kept}/consents", f"{kept}/disclosures", f"{kept}/suspects", f"/intake/pages/follow/{self.follow}")
        self.links.setdefault(DESK, []).extend(found)

    async def _inside(self, case: str) -> Any:
        seen = await self.world.call(DESK, "GET", case)
        return seen if seen["state"] in {"sheltered", "assessment"} else None

    async def subscriptions(self) -> None:
        """An agency's subscription, a session to come, and one that has begun when somebody looks."""
        await self.world.call("system-dppapp", "POST", "/notifications/subscriptions", {"url": "http://127.0.0.1:9/naungan"})
        session = {
            "title": "child_rights", "place": "rptra", "area": "31.71.01", "audiences": ["forum_anak"],
            "starts_at": (datetime.now(UTC) + timedelta(days=3)).isoformat(),
        }  # fmt: skip
        made = await self.world.call(BOSS, "POST", "/notifications/prevention/sessions", session)
        self.session = str(made["id"])
        soon = datetime.now(UTC) + timedelta(seconds=4)
        begun = await self.world.call(BOSS, "POST", "/notifications/prevention/sessions", {**session, "starts_at": soon.isoformat()})
        self.links.setdefault(BOSS, []).append(f"/notifications/pages/prevention/sessions/{begun['id']}")

    async def poison(self) -> None:
        """A message that nobody can read, set aside by every service that reads its kind."""
        for number in range(2):
            headers = {"ce-id": f"not-an-id-{number}", "ce-type": "case.intake.triaged.v1"}
            await self.world.publish("intake", "case.intake.triaged.v1", b"{", headers)
