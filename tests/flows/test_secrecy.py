"""A safe house is found nowhere but in placement's vault, and by nobody who only asks for beds."""

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts import streams
from contracts.grounds import EndReason
from contracts.intake import Withdrawn
from nats.js.errors import NotFoundError
from placement.policy import SEE_ADDRESS

from tests.flows import people
from tests.flows.people import ok
from tests.placement.builders import a_triage
from tests.rig import Rig

# -- what must not be found -----------------------------------------------------------------------------------------------------------

ADDRESS, PHONE, NAME, AREA = "Jalan Kanarya Tersembunyi 41", "+62 000 4141 4141", "Rumah Kanarya", "31.71.08"
STAFF = UUID("0ca4a41a-0ca4-4a41-8a41-0ca4a41a0ca4")
SEALED = (ADDRESS, PHONE, PHONE.replace(" ", ""))
TELLING = (*SEALED, NAME, AREA, str(STAFF))
MUST_NOT = ("intake_officer", "outreach", "agency_system", "peksos", "shelter_head", "operator")
WHEN = {"from": "2026-01-01", "to": "2026-01-02", "month": "2026-01"}
# Routes that go on answering, from the beginning of what there is; they are made to end soon.
ENDLESS = {"/inbox/live": "after=0", "/feed/events": ""}


async def a_safe_house_with_a_household(rig: Rig) -> dict[str, str]:
    """All four services, with a safe house that somebody lives in; the ids that a route may be asked with."""
    safe = people.a_shelter(kind="rumah_aman", secret=True, name=NAME, area=AREA, address=ADDRESS, intake_phone=PHONE)
    open_one = people.a_shelter(kind="panti_transit")
    await people.platform(rig, safe, open_one)
    await rig.sql(
        "placement",
        "INSERT INTO staff_conflict (shelter_id, about, declared_by, declared_at) VALUES (:shelter, :about, :by, now())",
        shelter=UUID(safe["shelter_id"]),
        about=uuid4(),
        by=STAFF,
    )
    case_id = await people.refer(rig, people.a_referral("KANARI-1", shelter=True))
    placement = await people.offer_of(rig, case_id)
    assert placement["shelter_id"] == safe["shelter_id"]
    await people.admit(rig, placement, case_id)
    await people.refer(rig, people.a_referral("KANARI-2", shelter=True))
    head = {"role": "shelter_head", "units": [open_one["shelter_id"]]}
    ok(await rig.get("placement", f"/shelters/{safe['shelter_id']}/address", role="supervisor"))
    assert (await rig.get("placement", f"/shelters/{safe['shelter_id']}/address", **head)).status_code == 403
    (follow,) = await rig.sql("intake", "SELECT follow_id FROM follow WHERE case_id = :case_id AND agency = 'dppapp'", case_id=case_id)
    return {
        "shelter_id": safe["shelter_id"],
        "room_id": safe["rooms"][0]["room_id"],
        "bed_id": safe["rooms"][0]["beds"][0],
        "placement_id": placement["placement_id"],
        "case_id": str(case_id),
        "follow_id": str(follow.follow_id),
        "person_id": placement["members"][0]["person_id"],
        "open": open_one["shelter_id"],
    }


def readable(rig: Rig, known: dict[str, str]) -> list[tuple[str, str, str]]:
    """Every GET route of every service as (service, route, path), filled with what exists."""
    found = []
    for name, client in rig.clients.items():
        schema = client._transport.app.openapi()  # type: ignore[attr-defined]
        for route, methods in schema["paths"].items():
            if "get" not in methods:
                continue
            path = route
            for parameter in methods["get"].get("parameters", ()):
                if parameter["in"] == "path":
                    path = path.replace(f"{{{parameter['name']}}}", known.get(parameter["name"], str(uuid4())))
            needed = [p["name"] for p in methods["get"].get("parameters", ()) if p["in"] == "query" and p.get("required")]
            query = "&".join(f"{name}={WHEN.get(name, known.get(name, '1'))}" for name in needed)
            if route in ENDLESS:
                client._transport.app.state.service.settings.live_minutes = 0.005  # type: ignore[attr-defined]
                query = ENDLESS[route]
            found.append((name, route, f"{path}?{query}" if query else path))
    return found


async def stored(rig: Rig) -> AsyncIterator[str]:
    """Everything that lies in the streams."""
    js = rig.nats.jetstream()
    for stream in streams.STREAMS:
        state = (await js.stream_info(stream.name)).state
        for sequence in range(max(1, state.first_seq), state.last_seq + 1):
            try:
                message = await js.get_msg(stream.name, sequence)
            except NotFoundError:
                continue
            yield f"{message.subject} {message.headers} {(message.data or b'').decode('utf-8', 'replace')}"


async def dumped(rig: Rig, service: str) -> list[str]:
    """Every row of every table of a store, as a dump has it, with the bodies of its outbox readable."""
    tables = await rig.sql(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [row[0] for (table,) in tables for row in await rig.sql(service, f"SELECT t::text FROM {table} t")]
    return rows + [bytes(row.body).decode("utf-8", "replace") for row in await rig.sql(service, "SELECT body FROM outbox")]


async def test_a_safe_house_is_found_nowhere_but_in_placements_vault(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    known = await a_safe_house_with_a_household(rig)
    leaks, asked = [], 0
    for role in (*MUST_NOT, "supervisor", "placement_officer"):
        hidden = TELLING if role in MUST_NOT else SEALED
        who = {"role": role, "units": [known["open"]]} if role == "shelter_head" else {"role": role}
        for agency in ("dppapp", "dinsos"):
            for service, route, path in readable(rig, known):
                answer = await rig.get(service, path, agency=agency, **who)
                asked += answer.status_code == 200
                if route.endswith("/address") and role in SEE_ADDRESS:
                    assert answer.json()["address"] == ADDRESS, "decrypted on its own route"
                    continue
                leaks += [(role, route, mark) for mark in hidden if mark in answer.text]
    assert leaks == []
    assert asked > 60, "the roles do see a good deal"
    for name, client in rig.clients.items():
        figures = (await client.get("/metrics")).text
        assert not [mark for mark in TELLING if mark in figures], name
    said = [message async for message in stored(rig)]
    assert len(said) > 20
    assert [mark for mark in TELLING if any(mark in message for message in said)] == []
    logged = "".join(capfd.readouterr())
    assert [mark for mark in TELLING if mark in logged] == []
    for service in people.ALL:
        rows = "\n".join(await dumped(rig, service))
        hidden = SEALED if service == "placement" else TELLING
        assert [mark for mark in hidden if mark in rows or mark.encode().hex() in rows] == [], service
    assert NAME in "\n".join(await dumped(rig, "placement")), "a dump is searched where the name does lie"


# -- who only asks --------------------------------------------------------------------------------------------------------------------

AREAS = (*(f"31.71.{n:02}" for n in range(1, 9)), "31.72.01", "31.72.02")
OFFICER = {"role": "intake_officer", "agency": "dppapp"}
REQUESTERS = (OFFICER, {"role": "outreach", "agency": "dppapp"}, {"role": "agency_system", "agency": "dppapp"})
BY_HAND, BY_FACT = 4, 96
AN_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
A_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T")


def coarse(value: Any, area: str, began: datetime) -> Any:
    """An answer without what the asker put in or what differs for every case: ids are one, times are half hours since the round began."""
    if isinstance(value, dict):
        return {name: coarse(entry, area, began) for name, entry in value.items()}
    if isinstance(value, list):
        return sorted((coarse(entry, area, began) for entry in value), key=lambda entry: json.dumps(entry, sort_keys=True))
    if not isinstance(value, str):
        return value
    if AN_ID.fullmatch(value):
        return "an id"
    if A_TIME.match(value):
        return round((datetime.fromisoformat(value) - began).total_seconds() / 1800)
    return "the named area" if value == area else value


async def observed(rig: Rig, cases: list[str], area: str, began: datetime) -> dict[str, Any]:
    """All that those who ask for beds can read."""
    found = await rig.sql(
        "intake", "SELECT follow_id::text AS id FROM follow WHERE case_id = ANY(CAST(:cases AS uuid[])) AND agency = 'dppapp'", cases=cases
    )
    follows = [row.id for row in found]
    paths = [("intake", f"/cases?state={state}") for state in ("shelter_sought", "offered", "waitlisted", "triaged")]
    paths += [("intake", f"/cases/{case_id}{more}") for case_id in cases for more in ("", "/timeline")]
    paths += [("intake", f"/follow/{follow_id}") for follow_id in follows] + [("intake", "/availability")]
    paths += [("placement", path) for path in ("/shelters", "/placements", "/waiting", "/occupancy", f"/needs/{cases[0]}/explanation", "/unmet")]
    seen: dict[str, Any] = {}
    for who in REQUESTERS:
        for service, path in paths:
            answer = await rig.get(service, path, **who)
            seen.setdefault(f"{who['role']} {AN_ID.sub('*', path)}", []).append([answer.status_code, coarse(answer.json(), area, began)])
    feed = await rig.sql(
        "intake",
        "SELECT type, count(*) AS n FROM outbox WHERE stream = 'AGENCIES' AND subject = ANY(CAST(:follows AS uuid[])) GROUP BY type ORDER BY type",
        follows=follows,
    )
    return {name: coarse(answers, area, began) for name, answers in seen.items()} | {"feed": [[row.type, row.n] for row in feed]}


async def by_hand(rig: Rig, area: str, n: int) -> list[str]:
    """Requests that name an area, made by an officer."""
    cases = []
    for _ in range(n):
        report = ok(await rig.post("intake", "/reports", json=people.a_referral(uuid4().hex, shelter=True), **OFFICER))
        body = {"risk": "medium", "shelter_needed": True, "shelter_grounds": ["threat_to_life"], "perpetrator_areas": [area]}
        ok(await rig.post("intake", f"/cases/{report['case_id']}/triage", json=body, **OFFICER))
        cases.append(report["case_id"])
    await rig.settle()
    return cases


async def by_fact(rig: Rig, area: str, n: int) -> list[UUID]:
    """The same as the facts that an officer's requests become."""
    cases = [uuid4() for _ in range(n)]
    for case_id in cases:
        await rig.say(a_triage(perpetrator_areas=(area,)), subject=case_id)
    await rig.settle()
    return cases


@pytest.mark.timeout(240)
async def test_a_thousand_crafted_requests_tell_nothing_of_where_a_safe_house_is(rig: Rig) -> None:
    await rig.start("intake", "placement")
    house = AREAS[3]
    for shelter in (
        people.a_shelter(kind="rumah_aman", secret=True, area=house, beds=3),
        people.a_shelter(kind="rumah_aman", secret=True, area="31.73.01", beds=2, sexes=["male"], boys_max_age=None),
        people.a_shelter(kind="panti_transit", area="31.75.02", beds=2),
    ):
        ok(await rig.post("placement", "/shelters", json=shelter, role="operator"))
    await rig.advance(minutes=31)
    views: dict[str, list[dict[str, Any]]] = {}
    offers: dict[str, int] = {}
    for area in AREAS:
        began = (await rig.sql("intake", "SELECT clock_timestamp() AS now"))[0].now + rig.services["intake"].database.skew
        # One alone, while everything is free; then so many that nothing is; then when nobody answered them; then when all are withdrawn.
        mine = await by_hand(rig, area, 1)
        views[area] = [await observed(rig, mine, area, began)]
        mine += await by_hand(rig, area, BY_HAND - 1)
        others = await by_fact(rig, area, BY_FACT)
        views[area].append(await observed(rig, mine, area, began))
        await rig.advance(hours=5)
        views[area].append(await observed(rig, mine, area, began))
        (made,) = await rig.sql(
            "placement",
            "SELECT count(DISTINCT placement.case_id) AS n FROM placement JOIN shelter ON shelter.id = placement.shelter_id"
            " JOIN need ON need.case_id = placement.case_id WHERE shelter.secret AND need.perpetrator_areas = CAST(:areas AS text[])",
            areas=[area],
        )
        offers[area] = made.n
        for case_id in mine:
            ok(await rig.post("intake", f"/cases/{case_id}/withdraw", json={"reason": "refused_service"}, **OFFICER))
        for case_id in others:
            await rig.say(Withdrawn(reason=EndReason.REFUSED_SERVICE), subject=case_id, factversion=2)
        await rig.settle()
        await rig.advance(minutes=31)
        views[area].append(await observed(rig, mine, area, began))
    assert offers[house] == 0
    assert all(n > 0 for area, n in offers.items() if area != house), "the requests do reach the house, unless its own area is named"
    reference = views[AREAS[0]]
    for area, view in views.items():
        for moment, (one, other) in enumerate(zip(view, reference, strict=True)):
            differing = {name: (one[name], other[name]) for name in other if one[name] != other[name]}
            assert differing == {}, (area, moment)
    assert reference[0]["feed"], "there is something to compare"
    guesses = {area: json.dumps(view, sort_keys=True) for area, view in views.items()}
    assert len(set(guesses.values())) == 1, "no statistic of these answers can prefer an area: the best guess is one in ten"
