"""What officers and intake do in the service tests."""

from typing import Any
from uuid import UUID, uuid4

from contracts.intake import Triage

from tests.placement.builders import a_shelter_body, a_triage
from tests.rig import Rig

PREFIX = "case.placement."


async def platform(rig: Rig, *shelters: dict[str, Any], **settings: Any) -> None:
    """Placement with these shelters."""
    await rig.start("placement", **settings)
    for shelter in shelters:
        answer = await rig.post("placement", "/shelters", json=shelter, role="operator")
        assert answer.status_code == 201, answer.text
    await rig.settle()


async def ask(rig: Rig, fact: Triage | None = None, *, case_id: UUID | None = None, version: int = 1, **changes: Any) -> UUID:
    """Intake asks for a home; the case."""
    subject = case_id or uuid4()
    await rig.say(fact or a_triage(**changes), subject=subject, factversion=version)
    await rig.settle()
    return subject


async def said(rig: Rig, case_id: UUID) -> list[str]:
    """What placement said of a case, in order, in short."""
    return [kind.removeprefix(PREFIX).removesuffix(".v1") for kind, subject, _ in await rig.facts("placement") if subject == case_id]


async def data(rig: Rig, case_id: UUID, kind: str) -> list[dict[str, Any]]:
    """The facts of one kind about a case."""
    return [body for name, subject, body in await rig.facts("placement") if subject == case_id and name == f"{PREFIX}{kind}.v1"]


async def state(rig: Rig, case_id: UUID) -> str:
    """Where a need stands."""
    (row,) = await rig.sql("placement", "SELECT state FROM need WHERE case_id = :case_id", case_id=case_id)
    return str(row.state)


async def offer(rig: Rig, case_id: UUID) -> dict[str, Any]:
    """The newest placement of a case."""
    answer = await rig.get("placement", f"/placements?case_id={case_id}", role="placement_officer")
    found: dict[str, Any] = answer.json()[0]
    return found


async def act(rig: Rig, placement: dict[str, Any], action: str, body: dict[str, Any] | None = None, *, status: int = 200, **who: Any) -> Any:
    """One action of the shelter's head, or of `who`; what is answered."""
    head = who or {"role": "shelter_head", "units": [placement["shelter_id"]]}
    answer = await rig.post("placement", f"/placements/{placement['placement_id']}/{action}", json=body or {}, **head)
    assert answer.status_code == status, answer.text
    await rig.settle()
    return answer.json()


def agreements(placement: dict[str, Any]) -> dict[str, Any]:
    """Everyone agreed."""
    adult = {True: "own", False: "own_view_and_consenter"}
    return {"agreements": [{"person_id": m["person_id"], "agreement": adult[(m["age"] or 30) >= 18]} for m in placement["members"]]}


async def admitted(rig: Rig, case_id: UUID) -> dict[str, Any]:
    """Take the offer of a case to the admission."""
    placement = await offer(rig, case_id)
    await act(rig, placement, "accept")
    await act(rig, placement, "admit", agreements(placement))
    return await offer(rig, case_id)


async def beds_in_use(rig: Rig) -> int:
    """How many beds are slept in or held now."""
    skew = rig.services["placement"].database.skew.total_seconds()
    question = "SELECT count(*) AS n FROM stay WHERE during && tstzrange(clock_timestamp() + make_interval(secs => :skew), NULL)"
    (row,) = await rig.sql("placement", question, skew=skew)
    return int(row.n)


def one_bed(**changes: Any) -> dict[str, Any]:
    """A shelter with a single bed."""
    from tests.placement.builders import a_room_body

    return a_shelter_body(a_room_body(1), **changes)
