"""Who looked is known: rows of the audit log are linked and sealed, and whoever changes, adds or takes away one is found out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.store import audit
from chassis.store.audit import Seal, Verdict, judge, link
from hypothesis import given
from hypothesis import strategies as st

from tests.chassis.conftest import start_toy
from tests.rig import Rig

SERVICE = "placement"


@dataclass(frozen=True)
class Linked:
    """A row of a log, with its link."""

    position: int
    at: datetime
    principal: str
    action: str
    subject: UUID
    number: int = 0
    hash: bytes = b""
    epoch: int = 1
    roles: str = "operator"
    agency: str = "dinsos"
    fields: str = "name phone"
    purpose: str | None = None


def a_log(length: int, epoch: int = 1) -> list[Linked]:
    last, rows = audit.beginning(SERVICE), list[Linked]()
    for number in range(1, length + 1):
        why = "court_order" if number % 3 == 0 else None
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
        row = Linked(2 * number, at, f"officer-{number % 3}", "read", UUID(int=number), purpose=why)
        last = link(last, number, row)
        rows.append(replace(row, number=number, hash=last, epoch=epoch))
    return rows


async def judged(rows: Sequence[Linked], seals: Sequence[Seal], epoch: int = 1) -> Verdict:
    async def stream() -> AsyncIterator[Linked]:
        for row in rows:
            yield row

    return await judge(SERVICE, stream(), seals, epoch)


def relinked(rows: Sequence[Linked]) -> list[Linked]:
    """The log of somebody who knows how it is made and links everything anew."""
    last, made = audit.beginning(SERVICE), list[Linked]()
    for number, row in enumerate(rows, 1):
        last = link(last, number, row)
        made.append(replace(row, number=number, hash=last))
    return made


def changed(rows: list[Linked], at: int) -> list[Linked]:
    return [*rows[:at], replace(rows[at], principal="nobody"), *rows[at + 1 :]]


def taken_away(rows: list[Linked], at: int) -> list[Linked]:
    return [*rows[:at], *rows[at + 1 :]]


def put_in(rows: list[Linked], at: int) -> list[Linked]:
    return [*rows[:at], replace(rows[at], position=1, subject=UUID(int=99)), *rows[at:]]


def exchanged(rows: list[Linked], at: int) -> list[Linked]:
    other = at - 1 if at else at + 1
    rows = list(rows)
    rows[at], rows[other] = replace(rows[other], number=rows[at].number), replace(rows[at], number=rows[other].number)
    return rows


def excused(rows: list[Linked], at: int) -> list[Linked]:
    """Another reason is put where there was one, or none."""
    return [*rows[:at], replace(rows[at], purpose=None if rows[at].purpose == "court_order" else "court_order"), *rows[at + 1 :]]


def cut_off(rows: list[Linked], at: int) -> list[Linked]:
    return rows[:at]


@given(st.integers(2, 40), st.data(), st.sampled_from([changed, taken_away, put_in, exchanged, cut_off, excused]), st.booleans())
def test_whatever_is_done_to_a_sealed_row_is_found(length: int, data: Any, tamper: Callable[..., list[Linked]], links_anew: bool) -> None:
    rows = a_log(length)
    sealed = data.draw(st.integers(1, length))
    seals = [Seal(1, number, rows[number - 1].hash) for number in {sealed, data.draw(st.integers(1, sealed))}]
    assert asyncio.run(judged(rows, seals)) == Verdict(length)
    tampered = tamper(rows, data.draw(st.integers(0, sealed - 1)))
    found = asyncio.run(judged(relinked(tampered) if links_anew else tampered, seals))
    assert found.wrong


async def test_what_a_restore_took_away_is_told_and_is_no_crime() -> None:
    rows = a_log(10)
    seals = [Seal(1, 10, rows[9].hash)]
    assert await judged(rows[:6], seals, epoch=2) == Verdict(6, (), ((1, 10),))
    went_on = [*rows[:6], *(replace(row, epoch=2) for row in relinked([*rows[:6], *(replace(row, principal="later") for row in rows[6:])])[6:])]
    assert await judged(went_on, [*seals, Seal(2, 10, went_on[9].hash)], epoch=2) == Verdict(10, (), ((1, 10),))
    assert (await judged(rows[:6], seals, epoch=1)).wrong, "without a restore it is"


# -- on real servers ------------------------------------------------------------------------------------------------------------------


async def looked(rig: Rig, times: int) -> None:
    answers = await asyncio.gather(*(rig.get(SERVICE, f"/cases/{uuid4()}", role="operator") for _ in range(times)))
    assert {answer.status_code for answer in answers} == {200}


async def linked(rig: Rig, number: int) -> None:
    async def all_are() -> bool:
        (row,) = await rig.sql(SERVICE, "SELECT count(*) AS n, max(number) AS last FROM audit_link")
        return (row.n, row.last) == (number, number)

    await rig.until(all_are)


async def verdict(rig: Rig, seals: Sequence[Seal] | None = None) -> Verdict:
    engine = rig.services[SERVICE].database.engine
    return await audit.verify(engine, SERVICE, await audit.seals_of(engine, SERVICE) if seals is None else seals)


async def test_every_look_is_linked_once_and_the_last_is_sealed(rig: Rig) -> None:
    await start_toy(rig, seal_seconds=0.01)
    service = rig.services[SERVICE]
    others = [audit.Chainer(service.database, SERVICE, service.seal, service.settings) for _ in range(3)]
    for _ in range(3):
        await looked(rig, 7)
        await asyncio.gather(*(other.look() for other in others))
    await linked(rig, 21)

    async def sealed() -> bool:
        return any(seal.number == 21 for seal in await audit.seals_of(service.database.engine, SERVICE))

    await rig.until(sealed)
    assert await verdict(rig) == Verdict(21)
    await rig.settle()
    said = [data for kind, _, data in await rig.facts(SERVICE) if kind == "audit.placement.sealed.v1"]
    assert said[-1]["number"] == 21
    assert len({data["number"] for data in said}) == len(said), "each is said once"


TAMPERINGS = {
    "a row is changed": "UPDATE audit SET principal = 'nobody' WHERE position = (SELECT position FROM audit_link WHERE number = 3)",
    "a row is taken away": """ALTER TABLE audit_link DROP CONSTRAINT audit_link_position_fkey;
        DELETE FROM audit WHERE position = (SELECT position FROM audit_link WHERE number = 3)""",
    "a link is taken away": "DELETE FROM audit_link WHERE number = 3",
    "the end is cut off": "DELETE FROM audit_link WHERE number > 3; DELETE FROM audit WHERE position NOT IN (SELECT position FROM audit_link)",
    "two rows change places": """UPDATE audit a SET subject = b.subject, principal = b.principal FROM audit b, audit_link la, audit_link lb
        WHERE la.number = 2 AND lb.number = 5 AND la.position = a.position AND lb.position = b.position""",
}


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_the_store_refuses_it_and_whoever_has_the_store_is_found_out(rig: Rig, what: str) -> None:
    await start_toy(rig)
    await looked(rig, 6)
    await linked(rig, 6)
    engine = rig.services[SERVICE].database.engine
    (last,) = await rig.sql(SERVICE, "SELECT epoch, number, hash FROM audit_link WHERE number = 6")
    seals = [Seal(*last)]
    assert await verdict(rig, seals) == Verdict(6)
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        with pytest.raises(Exception, match=r"only added|foreign key"):
            await raw.driver_connection.execute(TAMPERINGS[what].rsplit(";", 1)[-1])
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        for table in ("audit", "audit_link"):
            await raw.driver_connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER only_added")
        await raw.driver_connection.execute(TAMPERINGS[what])
    assert (await verdict(rig, seals)).wrong
