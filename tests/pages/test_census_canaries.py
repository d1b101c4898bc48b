"""Personal data in every field and a secret house: what the pages say of them to each role of each agency, and that nothing of it may be kept."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import httpx
import pytest
from contracts.streams import SERVICES
from intake import policy as intake
from intake.api.cases import TO_FIND_HER
from ops.identities import identities
from placement import policy as placement

from tests.pages import survey
from tests.pages.life import HEADS, OPEN, SECRET, WORKER, Life
from tests.pages.survey import Survey
from tests.pages.visitor import Visitor
from tests.rig import Rig

Who = tuple[str, str, str]
# Role, agency, and as whom of the demo where it matters who she is.
LOOKING: tuple[Who, ...] = (
    *((role, agency, "") for role in ("intake_officer", "supervisor") for agency in ("dppapp", "dinsos", "polda-ppa")),
    ("outreach", "dinsos", ""),
    ("placement_officer", "dinsos", ""),
    ("peksos", "dinsos", WORKER),
    ("peksos", "dppapp", ""),
    ("shelter_head", "dinsos", HEADS[OPEN]),
    ("shelter_head", "dinsos", HEADS[SECRET]),
    ("operator", "dinsos", ""),
    ("agency_system", "dppapp", ""),
)
LEADS = "dppapp"
PERSONAL = ("name", "nik", "phone", "address", "callback", "narrative")


def may_see(who: Who) -> set[str]:
    """Which kinds of what was told a role may find on pages: of persons who takes part in the case, and a team that was sent what finds her; of a secret
    house who places, and its own head.
    """
    role, agency, name = who
    allowed: set[str] = set(TO_FIND_HER) if role in intake.FIND_HER else set()
    for kinds, roles in ((PERSONAL, intake.SEE_NAMES), (("suspect",), intake.SEE_SUSPECTS), (("safe contact",), intake.SAFE_CONTACT)):
        allowed |= set(kinds) if role in roles and agency == LEADS else set()
    allowed |= {"secret name"} if role in placement.SEE_SECRET or name == HEADS[SECRET] else set()
    return allowed | ({"secret address", "secret intake_phone"} if role in placement.SEE_ADDRESS else set())


class RigWorld:
    """The platform of one test, as the people of the demo meet it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    async def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        _, service, rest = path.split("/", 2)
        one = identities()[who]
        told: dict[str, Any] = {"role": one.role, "agency": one.agency, "subject": one.subject, "units": one.units, **headers}
        answer = await self.rig.send(method, service, f"/{rest}", json=body, **told)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def publish(self, user: str, subject: str, body: bytes, headers: dict[str, str]) -> None:
        del user
        await self.rig.publish(subject, body, headers)

    async def until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        found: list[Any] = []

        async def there() -> bool:
            found[:] = [await look()]
            return bool(found[0])

        await self.rig.until(there)
        return found[0]


def eyes(rig: Rig, who: Who) -> Callable[[str], Awaitable[httpx.Response]]:
    """How somebody looks at a path through the gateway."""
    role, agency, name = who
    one = identities().get(name)
    known: dict[str, Any] = {"subject": one.subject, "units": one.units} if one else {}
    visitors = {service: Visitor(rig, service, role=role, agency=agency, **known) for service in SERVICES}

    async def look(path: str) -> httpx.Response:
        _, service, _, rest = path.split("/", 3)
        return await visitors[service].see(rest)

    return look


def found_in(text: str, marks: Mapping[str, str]) -> set[str]:
    """Which kinds of what was told stand in a page, also without their separators."""
    return {kind for value, kind in marks.items() if any(form in text for form in (value, value.replace("-", "").replace(" ", "")))}


def asked_for(surveys: Iterable[Survey], marks: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Of each kind of page an address that told least and one that told most, and one that told nothing."""
    telling, silent = set[str](), set[str]()
    seen = [page for found in surveys for page in found.seen]
    for kind in {page.kind for page in seen}:
        told = {page.path: len(found_in(page.answer.text, marks)) for page in seen if page.kind == kind}
        loud = sorted((path for path in told if told[path]), key=lambda path: told[path])
        telling |= {*loud[:1], *loud[-1:]}
        silent |= set([path for path in told if not told[path]][:1])
    return telling, silent


@pytest.mark.timeout(240)
async def test_a_page_says_to_each_role_what_policy_lets_it_see_and_is_kept_nowhere(rig: Rig) -> None:
    await rig.start("intake", "placement", "assessment")
    await rig.start("notifications", webhook_allow=("127.0.0.0/8",))
    life = Life(RigWorld(rig))
    await life.all()
    await rig.settle()
    marks = life.told.marks
    # Whatever was linked for one of them is asked for by everybody, linked or not.
    led = [
        await survey.walk(eyes(rig, who), survey.starts_of(who[0])) for who in LOOKING if who[1] == LEADS or who[2] or who[0] == "placement_officer"
    ]
    telling, silent = asked_for(led, marks)
    wrong, told, refused = [], dict[str, set[str]](), 0
    for who in LOOKING:
        look = eyes(rig, who)
        for path in {*telling, *silent, *survey.PUBLIC}:
            answer = await look(path)
            refused += answer.status_code in {403, 404}
            if answer.headers["cache-control"] != "no-store" or "default-src 'none'" not in answer.headers["content-security-policy"]:
                wrong.append((who, path, "may be kept"))
            kinds = found_in(answer.text, marks)
            told[who[0]] = told.get(who[0], set()) | kinds
            wrong += [(who, path, kind) for kind in kinds - may_see(who)]
    assert wrong == []
    assert told["intake_officer"] >= set(PERSONAL), "whoever may see them finds them"
    team = next(who for who in LOOKING if who[0] == "outreach")
    led_to = await survey.walk(eyes(rig, team), survey.starts_of("outreach"))
    assert {kind for page in led_to.seen for kind in found_in(page.answer.text, marks)} == TO_FIND_HER, "of whom it was sent to"
    assert "secret name" in told["placement_officer"]
    assert len(telling) > 5, telling
    assert refused > len(LOOKING)
