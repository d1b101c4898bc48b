"""The inventory as a file, out and in, on real servers."""

import csv
import io
from typing import Any
from uuid import uuid4

import pytest
from placement.api.inventory_csv import COLUMNS

from tests.placement.builders import a_room_body, a_shelter_body
from tests.placement.steps import platform
from tests.rig import Rig

TABLES = ("shelter", "unit", "room", "bed")
Row = dict[str, str]


def a_row(**changes: str) -> Row:
    row = dict.fromkeys(COLUMNS, "") | {"shelter_id": str(uuid4()), "shelter_name": "Panti Contoh", "kind": "panti_transit", "area": "31.74.01"}
    row |= {"sexes": "female;male", "stay_review_days": "30", "room_id": str(uuid4()), "room_name": "A", "bed_id": str(uuid4())}
    return row | changes


def a_file(*rows: Row, columns: tuple[str, ...] = COLUMNS) -> str:
    content = io.StringIO()
    writer = csv.DictWriter(content, columns)
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue()


async def send(rig: Rig, content: str | bytes, *, dry_run: bool = False, **who: Any) -> Any:
    headers = rig._headers(who or {"role": "operator"}) | {"Idempotency-Key": uuid4().hex, "Content-Type": "text/csv"}
    body = content if isinstance(content, bytes) else content.encode()
    answer = await rig.clients["placement"].post(f"/inventory.csv?dry_run={str(dry_run).lower()}", content=body, headers=headers)
    await rig.settle()
    return answer


async def export(rig: Rig, role: str = "supervisor") -> str:
    answer = await rig.get("placement", "/inventory.csv", role=role)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8"), answer.text
    return answer.text


async def everything(rig: Rig) -> dict[str, list[str]]:
    return {name: [row.whole for row in await rig.sql("placement", f"SELECT {name}::text AS whole FROM {name} ORDER BY id")] for name in TABLES}


def rows_of(content: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(content, newline="")))


async def test_what_goes_out_changes_nothing_when_it_comes_in_again(rig: Rig) -> None:
    unit = {"unit_id": str(uuid4()), "name": "Putri, lantai 2", "sexes": ["female"], "min_age": 7, "max_age": 17}
    empty = unit | {"unit_id": str(uuid4()), "name": "Belum ada kamar"}
    odd = a_shelter_body(
        a_room_body(2, unit_id=unit["unit_id"], name='Kamar "1"; baru\nlantai 2'),
        a_room_body(0, name="'=1+1"),
        units=[unit, empty],
        name="=SUM(A1)",
        parameters={"too_far": 1},
        boys_max_age=None,
    )
    bare = a_shelter_body(name=" @Rumah ")
    bare["rooms"] = []
    await platform(rig, odd, bare, a_shelter_body(a_room_body(1), secret=True))
    overflow = f"/rooms/{odd['rooms'][0]['room_id']}/overflow-beds"
    assert (await rig.post("placement", overflow, json={"bed_id": str(uuid4())}, role="supervisor")).status_code == 201
    before, content = await everything(rig), await export(rig)
    assert len(rows_of(content)) == 3 + 1 + 1 + 1 + 1
    assert "Rahasia" not in content
    assert "1111" not in content
    assert "'=SUM(A1)" in content
    report = (await send(rig, content, role="placement_officer")).json()
    assert (report["rows"], report["unchanged"], report["refused"], report["errors"]) == (7, 7, 0, [])
    assert report["added"] == {"shelters": 0, "units": 0, "rooms": 0, "beds": 0}
    assert await everything(rig) == before
    assert await export(rig) == content


async def test_a_file_registers_shelters_and_the_same_file_again_nothing(rig: Rig) -> None:
    await platform(rig)
    first = a_row(unit_id=str(uuid4()), unit_name="U", unit_sexes="female", parameters="too_far=2;boys_max_age=10", family="true")
    second = first | {"bed_id": str(uuid4())}
    third = first | {"room_id": str(uuid4()), "room_name": "B", "bed_id": ""}
    content = a_file(first, second, third)
    tried = (await send(rig, content, dry_run=True)).json()
    assert (tried["result"], tried["added"]) == ("tried", {"shelters": 1, "units": 1, "rooms": 2, "beds": 2})
    assert await rig.sql("placement", "SELECT 1 FROM shelter") == []
    report = (await send(rig, "\ufeff" + content)).json()
    assert (report["result"], report["added"], report["errors"]) == ("imported", tried["added"], [])
    again = (await send(rig, content)).json()
    assert (again["unchanged"], again["added"]["beds"]) == (3, 0)
    path = f"/shelters/{first['shelter_id']}"
    shown = (await rig.get("placement", path, role="operator")).json()
    assert (shown["parameters"], len(shown["rooms"]), shown["units"][0]["name"]) == ({"too_far": 2, "boys_max_age": 10}, 2, "U")
    assert (await rig.get("placement", f"{path}/address", role="supervisor")).status_code == 404, "a file has no address"
    assert len(await rig.sql("placement", "SELECT 1 FROM clock WHERE kind = 'census'")) == 1


async def test_every_row_is_reported_by_field_and_only_good_ones_are_kept(rig: Rig) -> None:
    await platform(rig)
    good, known = a_row(), a_row()
    assert (await send(rig, a_file(known))).json()["refused"] == 0
    bad: list[tuple[Row, set[tuple[str, str]]]] = [
        (a_row(shelter_id="nobody"), {("shelter_id", "uuid_parsing")}),
        (a_row(area="Cakung", sexes="some"), {("area", "string_pattern_mismatch"), ("sexes", "literal_error")}),
        (a_row(kind="secret"), {("kind", "reserved")}),
        (a_row(min_age="40", max_age="20"), {("shelter_id", "value_error")}),
        (a_row(room_id="", room_name=""), {("room_id", "missing")}),
        (a_row(unit_id=str(uuid4()), unit_name="U"), {("unit_sexes", "missing")}),
        (a_row(parameters="too_far=3"), {("parameters", "parameter_out_of_bounds")}),
        (a_row(overflow="true"), {("overflow", "approver_needed")}),
        (good | {"bed_id": str(uuid4()), "shelter_name": "Lain"}, {("shelter_name", "differs")}),
        (known | {"room_name": "Lain"}, {("room_name", "differs")}),
        (known | {"shelter_id": good["shelter_id"]}, {("room_id", "belongs_elsewhere")}),
        (good, {("bed_id", "id_twice")}),
        (dict.fromkeys(COLUMNS, ""), {("shelter_id", "missing")}),
    ]
    before = await rig.sql("placement", "SELECT id FROM bed")
    report = (await send(rig, a_file(good, *[row for row, _ in bad]))).json()
    found: dict[int, set[tuple[str, str]]] = {}
    for entry in report["errors"]:
        found.setdefault(entry["row"], set()).add((entry["field"], entry["code"]))
    assert found == {number: expected for number, (_, expected) in enumerate(bad, 3)}
    assert (report["rows"], report["refused"], report["added"]["beds"]) == (len(bad) + 1, len(bad), 1)
    assert len(await rig.sql("placement", "SELECT id FROM bed")) == len(before) + 1


@pytest.mark.parametrize(
    ("content", "status", "field", "code"),
    [
        (b"\xff\xfe", 422, "body", "not_utf8"),
        (b"a\0b", 422, "body", "not_text"),
        (b"", 422, "shelter_id", "missing"),
        (a_file(columns=(*COLUMNS, "address")).encode(), 422, "header", "not_known"),
        (a_file(columns=(*COLUMNS, "kind")).encode(), 422, "kind", "column_twice"),
        ((a_file() + '"a"b,c\r\n').encode(), 422, "line 2", "not_csv"),
        (b"x" * (8 * 2**20 + 1), 413, "body", "too_large"),
        ((a_file() + "a\r\n" * 20_001).encode(), 413, "body", "too_many_rows"),
    ],
    ids=["not utf-8", "not text", "no header", "a column more", "a column twice", "not csv", "too large", "too many rows"],
)
async def test_what_is_no_such_file_is_refused_whole(rig: Rig, content: bytes, status: int, field: str, code: str) -> None:
    await platform(rig)
    answer = await send(rig, content)
    assert answer.status_code == status, answer.text
    assert {"field": field, "code": code} in answer.json()["errors"]


async def test_a_row_with_too_few_or_too_many_cells_is_bad(rig: Rig) -> None:
    await platform(rig)
    report = (await send(rig, a_file() + "a,b\r\n" + "," * len(COLUMNS) + "\r\n")).json()
    assert [(entry["row"], entry["code"]) for entry in report["errors"]] == [(2, "wrong_number_of_cells"), (3, "wrong_number_of_cells")]


async def test_who_may_not_know_a_house_gets_no_row_of_it_and_adds_none(rig: Rig) -> None:
    secret, known = a_shelter_body(a_room_body(1), secret=True), a_shelter_body(a_room_body(1))
    await platform(rig, secret, known)
    assert {row["shelter_id"] for row in rows_of(await export(rig, "operator"))} == {known["shelter_id"]}
    content = await export(rig, "supervisor")
    assert {row["shelter_id"] for row in rows_of(content)} == {known["shelter_id"], secret["shelter_id"]}
    more = [row | {"bed_id": str(uuid4())} for row in rows_of(content) if row["shelter_id"] == secret["shelter_id"]]
    report = (await send(rig, a_file(*more), role="operator")).json()
    assert [(entry["field"], entry["code"]) for entry in report["errors"]] == [("shelter_id", "id_in_use")]
    assert (await send(rig, a_file(*more), role="placement_officer")).json()["added"]["beds"] == 1
    for role in ("peksos", "shelter_head", "intake_officer"):
        assert (await rig.get("placement", "/inventory.csv", role=role)).status_code == 403
        assert (await send(rig, content, role=role)).status_code == 403
