"""What a backup is made of, when it is refused, and that an erased person stays erased whatever is put back."""

import asyncio
import json
import stat
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from chassis import migrate
from chassis.store.database import create_engine
from chassis.store.vault import ErasedError, KeyLostError, Vault
from ops.backup import DamagedError, InUseError, Urls, back_up, checked, restore
from ops.cli import app
from ops.stores import migrations
from typer.testing import CliRunner

from tests.flows.people import a_referral, ok, platform, refer
from tests.restore.loss import backed_up, put_back, started, urls_of
from tests.rig import Rig, Templates

pytestmark = pytest.mark.timeout(300)

KEK = bytes(range(32))


async def stores(templates: Templates) -> Urls:
    return Urls(await templates.copy("placement"), await templates.empty())


async def shelters(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM availability"))
    finally:
        await connection.close()


async def run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def owners(url: str) -> set[UUID]:
    connection = await asyncpg.connect(url)
    try:
        return {row["owner"] for row in await connection.fetch("SELECT owner FROM person_key")}
    finally:
        await connection.close()


async def test_keys_are_apart_files_are_the_owners_and_the_earlier_set_goes_when_the_new_one_is_whole(templates: Templates, tmp_path: Path) -> None:
    urls = await stores(templates)
    first = await back_up(tmp_path / "b", {"placement": urls}, tmp_path / "k")
    second = await back_up(tmp_path / "b", {"placement": urls}, tmp_path / "k")
    assert {path.name for path in (tmp_path / "b").iterdir()} == {"manifest.json", second["set"]}
    assert first["set"] != second["set"]
    assert {path.name for path in (tmp_path / "b").rglob("*.*") if path.is_file()} == {"manifest.json", "placement.dump"}
    assert {path.name for path in (tmp_path / "k").rglob("*.*") if path.is_file()} == {"manifest.json", "placement.keys"}
    for path in (*(tmp_path / "b").rglob("*"), *(tmp_path / "k").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    entry = second["stores"]["placement"]
    assert (entry["epoch"], entry["revision"]) == (1, migrate.head(migrations("placement")))


@pytest.mark.parametrize("harm", ["flip", "cut", "gone", "manifest", "keys", "other"])
async def test_a_damaged_backup_is_refused_and_nothing_changes(templates: Templates, tmp_path: Path, harm: str) -> None:
    urls = await stores(templates)
    manifest = await back_up(tmp_path, {"placement": urls})
    dump = tmp_path / manifest["set"] / "placement.dump"
    keys = tmp_path / "keys" / manifest["set"] / "placement.keys"
    match harm:
        case "flip":
            content = bytearray(dump.read_bytes())
            content[len(content) // 2] ^= 1
            dump.write_bytes(content)
        case "cut":
            dump.write_bytes(dump.read_bytes()[:-1])
        case "gone":
            dump.unlink()
        case "manifest":
            (tmp_path / "manifest.json").write_text("{")
        case "keys":
            keys.write_text(json.dumps({"owner": str(uuid4())}))
        case "other":
            written = json.loads((tmp_path / "manifest.json").read_text())
            written["stores"]["placement"]["revision"] = "9999"
            (tmp_path / "manifest.json").write_text(json.dumps(written))
    await run(urls.store, "INSERT INTO availability VALUES ('since', 'full')")
    with pytest.raises(DamagedError):
        await restore(tmp_path, {"placement": urls})
    assert await shelters(urls.store) == 1
    connection = await asyncpg.connect(urls.store)
    assert tuple(await connection.fetchrow("SELECT epoch, state FROM store_epoch")) == (1, "open")
    await connection.close()


async def test_a_restore_that_fails_halfway_leaves_the_store_as_it_was(templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = await stores(templates)
    await back_up(tmp_path, {"placement": urls})
    await run(urls.store, "INSERT INTO availability VALUES ('since', 'full')")
    monkeypatch.setattr("ops.backup.migrate.RECOVERY", ("ALTER TABLE nothing_of_this_name ADD COLUMN x integer",))
    with pytest.raises(RuntimeError, match="psql failed"):
        await restore(tmp_path, {"placement": urls})
    assert await shelters(urls.store) == 1


async def test_each_restore_raises_the_epoch_also_when_the_lost_store_cannot_be_asked(templates: Templates, tmp_path: Path) -> None:
    urls = await stores(templates)
    await back_up(tmp_path, {"placement": urls})
    first = (await restore(tmp_path, {"placement": urls}))["placement"]
    second = (await restore(tmp_path, {"placement": urls}))["placement"]
    await run(urls.store, "DROP SCHEMA public CASCADE")
    await run(urls.store, "CREATE SCHEMA public")
    await asyncio.sleep(2)
    assert 1 < first < second < (await restore(tmp_path, {"placement": urls}))["placement"]


async def test_a_store_in_use_is_not_put_back(rig: Rig) -> None:
    await rig.start("placement")
    folder = await backed_up(rig, "placement")
    with pytest.raises(InUseError):
        await restore(folder, {"placement": urls_of(rig, "placement")})


async def test_erasing_destroys_the_key_and_none_is_made_again(templates: Templates) -> None:
    vault = Vault(create_engine(await templates.empty(), 2), KEK)
    await vault.prepare()
    gone, stays = uuid4(), uuid4()
    keys = await vault.new([gone, stays])
    sealed = keys.seal(gone, "person.name", "Canary Contoh")
    await vault.erase([gone])
    await vault.erase([gone])
    with pytest.raises(KeyLostError):
        (await vault.of([gone])).open(gone, "person.name", sealed)
    with pytest.raises(ErasedError):
        await vault.new([stays, gone])
    other = uuid4()
    with pytest.raises(ErasedError):
        await vault.new([other, gone])
    assert await owners(vault.engine.url.render_as_string(hide_password=False).replace("+asyncpg", "")) == {stays}
    await vault.engine.dispose()


async def test_restored_keys_are_only_added_and_erasures_of_both_sides_hold(templates: Templates, tmp_path: Path) -> None:
    urls = await stores(templates)
    vault = Vault(create_engine(urls.keys, 2), KEK)
    await vault.prepare()
    erased_later, erased_before, lost, kept = (uuid4() for _ in range(4))
    await vault.new([erased_later, erased_before, lost, kept])
    await vault.erase([erased_before])
    sealed = (await vault.of([lost])).seal(lost, "person.name", "Canary Contoh")
    await vault.engine.dispose()
    await back_up(tmp_path, {"placement": urls})
    await run(urls.keys, f"DELETE FROM person_key WHERE owner = '{lost}'")
    await run(urls.keys, "DELETE FROM erased")
    vault = Vault(create_engine(urls.keys, 2), KEK)
    newer = uuid4()
    await vault.new([newer])
    await vault.erase([erased_later])
    await vault.engine.dispose()

    await restore(tmp_path, {"placement": urls})

    assert await owners(urls.keys) == {lost, kept, newer}
    vault = Vault(create_engine(urls.keys, 2), KEK)
    assert (await vault.of([lost])).open(lost, "person.name", sealed) == "Canary Contoh"
    for gone in (erased_later, erased_before):
        with pytest.raises(ErasedError):
            await vault.new([gone])
    await vault.engine.dispose()


async def test_a_person_who_was_erased_after_the_backup_cannot_be_read_from_it(rig: Rig) -> None:
    await platform(rig)
    case = await refer(rig, a_referral("ERASED", shelter=False))
    folder = await backed_up(rig, "intake")
    (person, *_) = await rig.sql("intake", "SELECT person_id, name FROM person WHERE case_id = :case AND role = 'victim'", case=case)
    await rig.services["intake"].vault.erase([person.person_id])
    urls = urls_of(rig, "intake")
    await put_back(rig, "intake", folder)
    assert person.person_id not in await owners(urls.keys)
    assert checked(folder)[1]["keys"]["intake"]["keys"] > 0, "though the backup of the keys has it"
    content = "".join(path.read_text() for path in (folder / "keys").rglob("*.keys"))
    assert str(person.person_id) in content
    assert "Canary" not in content
    await started(rig, "intake")
    shown = ok(await rig.get("intake", f"/cases/{case}", role="intake_officer", agency="dppapp"))
    names = {member["person_id"]: member["name"] for member in shown["persons"]}
    assert names.pop(str(person.person_id)) is None
    assert set(names.values()) == {"Anak Contoh"}
    assert "tells her story" in shown["narrative"], "which is the case's, not the person's"


async def test_the_command_finds_stores_by_their_settings_and_says_why_it_does_nothing(
    templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = await stores(templates)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLACEMENT_DATABASE_URL", urls.store)
    monkeypatch.setenv("PLACEMENT_KEYS_URL", urls.keys)

    def run_command(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(words))
        return result.exit_code, result.output

    called = [("backup", "b", "--service", "placement"), ("restore", "b", "--service", "placement"), ("recovery", "list", "placement")]
    for words in called:
        code, said = await asyncio.to_thread(run_command, *words)
        assert code == 0, said
    assert names(tmp_path) == ["b"], "and nothing else is left where it was called"
    for words in (("restore", "elsewhere", "--service", "placement"), ("backup", "b", "--service", "nobody"), ("recovery", "list", "intake")):
        code, said = await asyncio.to_thread(run_command, *words)
        assert (code, said.startswith("nothing was changed: ")) == (1, True), said
