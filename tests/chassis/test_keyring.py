"""The key-encryption key may change while everything goes on: what it wraps is wrapped anew, and opens what it opened."""

import asyncio
import contextlib
import stat
from uuid import uuid4

import pytest
from chassis.store.database import create_engine
from chassis.store.keyring import KeyFile, UnknownKeyError, derived, name_of, read_keys, write_keys
from chassis.store.vault import Vault
from ops.keys import KeysError

from ops import keys
from tests.rig import Templates

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
PLACE = "person.name"


@pytest.fixture
async def vaults(templates: Templates, tmp_path):
    """Makes vaults, as replicas have them, on one key database and one key file."""
    url, file, made = await templates.empty(), tmp_path / "kek", []
    write_keys(file, [OLD])

    async def vault(ring=None):
        made.append(Vault(create_engine(url, 2), ring or KeyFile(file)))
        await made[-1].prepare()
        return made[-1]

    vault.url, vault.file = url, file
    yield vault
    for one in made:
        await one.engine.dispose()


async def test_a_replica_notices_a_new_key_without_a_restart_and_reads_what_another_one_wrapped_by_it(vaults):
    first, second = await vaults(), await vaults()
    before, after = uuid4(), uuid4()
    old = (await first.new([before])).seal(before, PLACE, "Canary Contoh")
    write_keys(vaults.file, [NEW, OLD])
    new = (await first.new([after])).seal(after, PLACE, "Canary Baru")
    for vault in (first, second):
        opened = await vault.of([before, after])
        assert (opened.open(before, PLACE, old), opened.open(after, PLACE, new)) == ("Canary Contoh", "Canary Baru")
    assert (await second.prove())[2] == {name_of(OLD): 4, name_of(NEW): 1}


async def test_purpose_keys_are_those_that_existing_data_was_made_with_and_a_rotation_changes_none(vaults):
    vault = await vaults(OLD)
    assert vault.blind("nik", "1") == Vault(vault.engine, OLD).blind("nik", "1"), "as the release before made them"
    assert vault.purpose("fingerprint") == derived(OLD, "fingerprint")
    marks = (vault.blind("nik", "1"), vault.purpose("fingerprint"), vault.seal(b"letter", "x"))
    rotated = await keys.rotate(vaults.file, vaults.url)
    assert rotated.rewrapped == 3
    assert await keys.retire(vaults.file, vaults.url) == [name_of(OLD)]
    assert OLD not in read_keys(vaults.file)
    again = await vaults()
    assert (again.blind("nik", "1"), again.purpose("fingerprint"), again.open(marks[2], "x")) == (*marks[:2], b"letter")


async def test_keys_rotate_under_reads_and_writes_and_go_on_after_a_kill_in_between(vaults, monkeypatch):
    monkeypatch.setattr(keys, "CHUNK", 7)
    first, second = await vaults(), await vaults()
    sealed = {}
    stop = asyncio.Event()

    async def work(vault):
        while not stop.is_set():
            owners = [uuid4() for _ in range(3)]
            made = await vault.new(owners)
            sealed.update({owner: made.seal(owner, PLACE, str(owner)) for owner in owners})
            known = list(sealed)[-50:] + list(sealed)[:50]
            opened = await second.of(known)
            assert all(opened.open(owner, PLACE, sealed[owner]) == str(owner) for owner in known)
            await asyncio.sleep(0)

    owners = [uuid4() for _ in range(200)]
    made = await first.new(owners)
    sealed |= {owner: made.seal(owner, PLACE, str(owner)) for owner in owners}
    running = [asyncio.create_task(work(vault)) for vault in (first, second)]

    def kill(done):
        if done > 50:
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        await keys.rotate(vaults.file, vaults.url, kill)
    halfway = (await first.prove())[2]
    assert len(halfway) == 2, "some are wrapped by the new key, some by the old"
    with pytest.raises(KeysError):
        await keys.retire(vaults.file, vaults.url)
    rotated = await keys.rotate(vaults.file, vaults.url)
    assert len(rotated.others) == 1, "the second run goes on with the key of the first"
    stop.set()
    await asyncio.gather(*running)
    await keys.rotate(vaults.file, vaults.url) if set((await first.prove())[2]) - {rotated.current} else None
    tried, failed, opened = await first.prove()
    assert (failed, opened) == (0, {rotated.current: tried})
    await keys.retire(vaults.file, vaults.url)
    third = await vaults()
    known = await third.of(sealed)
    assert all(known.open(owner, PLACE, value) == str(owner) for owner, value in sealed.items())
    assert len(sealed) > 200


async def test_an_erased_person_is_not_brought_back_by_a_rotation(vaults):
    vault = await vaults()
    gone, stays = uuid4(), uuid4()
    await vault.new([gone, stays])
    await asyncio.gather(vault.erase([gone]), keys.rotate(vaults.file, vaults.url))
    assert (await vault.prove())[0] == 4
    assert await vault.erased([gone, stays]) == {gone}


async def test_a_key_that_is_not_here_is_named_and_nothing_changes(vaults):
    vault = await vaults()
    owner = uuid4()
    await vault.new([owner])
    write_keys(vaults.file, [NEW])
    with pytest.raises(KeysError, match="4 of 4 keys do not open"):
        await keys.rotate(vaults.file, vaults.url)
    assert read_keys(vaults.file) == [NEW]
    lost = Vault(create_engine(vaults.url, 1), NEW)
    with pytest.raises(UnknownKeyError):
        await lost.of([owner])
    await lost.engine.dispose()


def test_a_key_file_is_its_owners_alone_and_a_broken_one_leaves_the_keys_as_they_were(tmp_path):
    file = tmp_path / "kek"
    write_keys(file, [NEW, OLD])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ring = KeyFile(file)
    file.write_text("nonsense")
    ring._look()
    assert ring.names == [name_of(NEW), name_of(OLD)]
    with pytest.raises(ValueError, match=r"invalid|non-hex"):
        KeyFile(file)
