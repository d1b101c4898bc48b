"""A file of reports is taken row by row as any other report, once, whoever dies in between; and is destroyed when it is done.

NAUNGAN_IMPORT_ROWS=50000 is the long form of the first proof.
"""

import asyncio
import csv
import io
import os
import signal
import socket
import sys
from uuid import uuid4

import pytest
from intake.domain import table

from tests.intake.builders import a_nik

ROWS = int(os.environ.get("NAUNGAN_IMPORT_ROWS", "300"))
PART = max(20, ROWS // 500)
PATIENCE = 60 + ROWS / 10
OFFICER = {"role": "intake_officer", "agency": "dinsos"}
PARTS = "SELECT 1 FROM import_part"


def a_file(rows, delimiter=",", columns=table.COLUMNS):
    """A file as a spreadsheet program saves it."""
    content = io.StringIO()
    writer = csv.DictWriter(content, columns, restval="", delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue()


def a_row(number, **known):
    return {
        "reference": f"LAMA/{number}",
        "urgency": "low",
        "callback": f"Petugas {number}",
        "channel": "p3s_outreach",
        "area": "31.71.02",
        "ppks": "12",
        "narrative": f"Kanarya-Cerita {number}",
        "name_1": f"Kanarya-Nama {number}",
        "sex_1": "female",
        "age_1": str(20 + number % 60),
        **known,
    }


async def send(rig, content, key=None, **who):
    headers = {**rig._headers({**OFFICER, **who}), "Idempotency-Key": key or uuid4().hex, "Content-Type": "text/csv"}
    return await rig.clients["intake"].post("/imports", content=content, headers=headers)


async def done(rig, import_id):
    async def ended():
        return (await rig.get("intake", f"/imports/{import_id}", **OFFICER)).json()["state"] != "working"

    await rig.until(ended, PATIENCE)
    return (await rig.get("intake", f"/imports/{import_id}", **OFFICER)).json()


async def rows_of(rig, import_id, **question):
    found, after = [], 0
    while True:
        page = await rig.clients["intake"].get(f"/imports/{import_id}/rows", params={"after": after, **question}, headers=rig._headers(dict(OFFICER)))
        if not page.json():
            return found
        found += page.json()
        after = found[-1]["row"]


def environment(rig, **told):
    settings = rig.services["intake"].settings
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = {name: getattr(settings, name) for name in ("keys_url", "database_url")}
    named = {name: value.get_secret_value() for name, value in known.items()}
    named |= {name: str(getattr(settings, name)) for name in ("key_file", "nats_url", "nats_user", "issuer", "jwks_url", "import_part_rows")}
    return {
        **os.environ,
        **{f"INTAKE_{name.upper()}": value for name, value in (named | {"nats_password": "test", "port": str(port)}).items()},
        **told,
    }


@pytest.mark.servers
@pytest.mark.timeout(240 + ROWS / 5)
async def test_a_file_whose_taker_is_killed_goes_on_where_it_was_and_sent_again_opens_nothing(rig):
    await rig.start("intake", import_part_rows=PART, body_bytes=10_000)  # a file may be larger than all other requests
    service = rig.services["intake"]
    service.clocks.stop()
    bad = range(50, ROWS, 100)
    rows = [a_row(n, **({"urgency": "kemarin", "age_1": "-3"} if n in bad else {})) for n in range(ROWS)]
    content = a_file(rows)
    sent = await send(rig, content)
    assert (sent.status_code, sent.json()["state"], sent.json()["rows"]) == (201, "working", ROWS), sent.text
    import_id = sent.json()["import_id"]
    await service.stop()

    parts = -(-ROWS // PART)
    command = [sys.executable, "-m", "tests.intake.import_process"]
    process = await asyncio.create_subprocess_exec(*command, env=environment(rig, IMPORT_DIES_AT=str(parts // 2)))
    try:
        assert await asyncio.wait_for(process.wait(), PATIENCE) == -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.kill()
    taken = (parts // 2 - 1) * PART
    await rig.add("intake", service.settings).start()
    for count in ("SELECT done AS n FROM import", "SELECT count(*) AS n FROM import_row"):
        assert (await rig.sql("intake", count))[0].n >= taken, "what was committed is there"
    first = await done(rig, import_id)
    counts = {"rows": ROWS, "done": ROWS, "accepted": ROWS - len(bad), "incomplete": 0, "rejected": len(bad)}
    assert {name: first[name] for name in counts} == counts
    assert first["state"] == "done"
    assert (await rig.sql("intake", "SELECT count(*) AS n FROM case_file"))[0].n == ROWS - len(bad)
    refused = await rows_of(rig, import_id, receipt="rejected")
    problems = [{"column": "urgency", "code": "unknown_code"}, {"column": "age_1", "code": "invalid"}]
    assert refused == [{"row": n + 2, "receipt": "rejected", "problems": problems} for n in bad]
    told = await rows_of(rig, import_id)
    assert [line["row"] for line in told] == list(range(2, ROWS + 2))

    again = (await send(rig, content)).json()["import_id"]
    second = await done(rig, again)
    assert again != import_id
    assert {name: second[name] for name in counts} == counts
    assert await rows_of(rig, again) == told, "the same result, row by row"
    assert (await rig.sql("intake", "SELECT count(*) AS n FROM case_file"))[0].n == ROWS - len(bad)
    assert await rig.sql("intake", PARTS) == []
    gone = await rig.services["intake"].vault.of([import_id, again])
    assert gone._keys == {}, "no copy of the file can be read again"


@pytest.fixture
async def intake(rig):
    await rig.start("intake", import_part_rows=2, import_rows=20, import_bytes=100_000)
    return rig


@pytest.mark.parametrize(("delimiter", "mark"), [(",", ""), (";", "\ufeff")])
async def test_both_kinds_of_csv_are_read_and_what_is_wrong_is_told_by_column_and_without_values(intake, delimiter, mark):
    rows = [
        a_row(1, nik_1=a_nik(serial=0), role_2="child", age_2="Kanarya", sex_2="male", name_2="Anak"),
        a_row(2, area="31.71.99", red_flags="weapon|Kanarya", shelter_needed="ya", violence_types="fisik|seksual"),
        a_row(3, reference="", urgency="Kanarya"),
        a_row(4, narrative="Telepon 0812-0000-0000", heard_at="2026-11-25T10:00:00+07:00"),
        a_row(4, narrative="Orang lain."),
        a_row(5, narrative='Dua baris,\ndan "kutip"; semua satu sel'),
    ]
    content = mark + a_file(rows, delimiter) + f"LAMA/9{delimiter}low\r\n\r\n"
    sent = await send(intake, content.encode())
    assert sent.status_code == 201, sent.text
    view = await done(intake, sent.json()["import_id"])
    assert [view[name] for name in ("rows", "done", "accepted", "incomplete", "rejected")] == [7, 7, 2, 2, 3]
    told = await rows_of(intake, view["import_id"])
    assert [(line["row"], line["receipt"], {entry["column"]: entry["code"] for entry in line["problems"]}) for line in told] == [
        (2, "incomplete", {"age_2": "invalid", "nik_1": "nik_impossible"}),
        (3, "incomplete", {"red_flags": "unknown_code", "area": "not_in_area_list"}),
        (4, "rejected", {"reference": "missing", "urgency": "unknown_code"}),
        (5, "accepted", {"narrative": "phone_in_text"}),
        (6, "rejected", {"reference": "reference_reused"}),
        (7, "accepted", {}),
        (8, "rejected", {"row": "unreadable"}),
    ]
    await intake.settle()
    (task,) = await intake.sql("intake", "SELECT * FROM desk_task WHERE kind = 'rejected'")
    assert (str(task.task_id), task.agency) == (view["import_id"], "dinsos"), "a desk calls whoever sent it"
    audited = {row.action: row.n for row in await intake.sql("intake", "SELECT action, count(*) AS n FROM audit GROUP BY action")}
    assert audited == {"import": 1 + 4}
    assert (await intake.sql("intake", "SELECT agency, roles FROM audit LIMIT 1"))[0] == ("dinsos", "intake_officer")


async def test_nothing_of_a_file_is_in_the_clear_and_other_agencies_do_not_know_of_it(intake):
    intake.services["intake"].clocks.stop()
    await asyncio.sleep(0)
    sent = await send(intake, a_file([a_row(n) for n in range(5)]), key="once")
    assert (await send(intake, a_file([a_row(n) for n in range(5)]), key="once")).text == sent.text
    tables = await intake.sql("intake", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    kept = [row[0] for (name,) in tables for row in await intake.sql("intake", f"SELECT t::text FROM {name} t")]
    assert b"Kanarya".hex() not in "\n".join(kept)
    assert "Kanarya" not in "\n".join(kept)
    path = f"/imports/{sent.json()['import_id']}"
    for who in ({"role": "supervisor", "agency": "dppapp"},):
        assert (await intake.get("intake", path, **who)).status_code == 404
        assert (await intake.get("intake", f"{path}/rows", **who)).status_code == 404
        assert (await intake.get("intake", "/imports", **who)).json() == []
    assert [view["import_id"] for view in (await intake.get("intake", "/imports", **OFFICER)).json()] == [sent.json()["import_id"]]
    assert (await intake.get("intake", path, role="agency_system", agency="dinsos")).status_code == 403
    assert (await send(intake, "x", role="outreach")).status_code == 403
    stranger = await intake.clients["intake"].post("/imports", content=b"x" * 200_000)
    assert stranger.status_code == 401, "before anything is read"


NO_TABLES = [
    (b"", 422, {"field": "reference", "code": "missing"}),
    (b"\xff\xfe", 422, {"field": "body", "code": "not_utf8"}),
    (b"reference,urgency,callback\n\x00,low,x", 422, {"field": "body", "code": "not_text"}),
    (b"reference,urgency,callback\n", 422, {"field": "body", "code": "missing"}),
    (b"reference,urgency,callback,Kanarya\na,low,abc,d", 422, {"field": "column 4", "code": "not_known"}),
    (b"reference,urgency\na,low", 422, {"field": "callback", "code": "missing"}),
    (b'reference,urgency,callback\n"a,low,abc', 422, {"field": "line 2", "code": "not_csv"}),
    (b"reference,urgency,callback\n" + b"a,low,abc\n" * 21, 413, {"field": "body", "code": "too_many_rows"}),
    (b"reference,urgency,callback\n" + b"a" * 100_000, 413, {"field": "body", "code": "too_large"}),
]


async def test_what_is_no_table_of_reports_is_refused_whole(intake):
    for content, status, problem in NO_TABLES:
        answer = await send(intake, content)
        assert (answer.status_code, problem in answer.json()["errors"]) == (status, True), (content[:40], answer.text)
        assert "Kanarya" not in answer.text
    assert await intake.sql("intake", "SELECT 1 FROM import") == []


async def test_a_file_whose_key_is_gone_ends_and_says_so(intake):
    intake.services["intake"].clocks.stop()
    sent = (await send(intake, a_file([a_row(n) for n in range(5)]))).json()
    service = intake.services["intake"]
    await service.stop()
    again = intake.add("intake", service.settings)
    await again.vault.prepare()
    await again.vault.erase([sent["import_id"]])
    await again.start()
    assert (await done(intake, sent["import_id"]))["state"] == "lost"
    assert await intake.sql("intake", PARTS) == []


async def test_the_template_names_the_columns_that_a_file_may_have(intake):
    template = await intake.get("intake", "/imports/template.csv", **OFFICER)
    assert template.text.strip().split(",") == list(table.COLUMNS)
    rows = csv.DictReader(io.StringIO(template.text))
    assert list(rows) == []


async def test_what_became_of_rows_is_told_for_some_months_and_then_goes(rig):
    await rig.start("intake")
    sent = (await send(rig, a_file([a_row(1), a_row(2, urgency="soon")]))).json()["import_id"]
    second = (await send(rig, a_file([a_row(3)]))).json()["import_id"]
    await done(rig, sent)
    await done(rig, second)
    await rig.settle()
    await rig.advance(days=89)
    assert len(await rig.sql("intake", "SELECT 1 FROM import_row")) == 3
    await rig.advance(days=2)
    assert (await rig.sql("intake", "SELECT 1 FROM import_row UNION ALL SELECT 1 FROM import")) == []
    for path in (f"/imports/{sent}", f"/imports/{second}/rows"):
        assert (await rig.get("intake", path, **OFFICER)).status_code == 404
    counts = [row.fields for row in await rig.sql("intake", "SELECT fields FROM audit WHERE action = 'retention_purged'")]
    assert any("import_rows=3" in told and "imports=2" in told for told in counts), counts
    assert len(await rig.sql("intake", "SELECT 1 FROM case_file")) == 2, "the cases stay"
