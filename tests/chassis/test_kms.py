"""Every place of key-encryption keys does the same for a vault: it wraps, opens, is changed under work, and says clearly what is wrong."""

import asyncio
from uuid import uuid4

import pytest
from chassis import Settings
from chassis.store.database import create_engine
from chassis.store.failures import Fault, fault_of
from chassis.store.keyring import KeyFile, UnknownKeyError, name_of, write_keys
from chassis.store.kms import KmsError, KmsPlace
from chassis.store.rings import KeySource
from chassis.store.vault import Vault
from ops.keys import KeysError, StoppedError
from pydantic import SecretStr, ValidationError

from ops import keys
from tests.chassis.transit import TOKEN, Transit

FIRST, SECOND = b"\x11" * 32, b"\x22" * 32
PLACE = "person.name"


@pytest.fixture
def transit():
    service = Transit()
    yield service
    service.close()


@pytest.fixture
async def vaults(rig):
    """Vaults on one key database, each with the ring of the source it is given."""
    url, made = await rig.templates.empty(), []

    async def vault(source):
        made.append(Vault(create_engine(url, 2), source.ring()))
        await made[-1].prepare()
        return made[-1]

    vault.url = url
    yield vault
    for one in made:
        await one.close()


def managed(transit, **changes):
    return KeySource(kms=KmsPlace(**{"url": transit.url, "key": "naungan", "token": TOKEN} | changes))


def sources(transit, tmp_path):
    """Each place, before and after its key is changed, and what changes it."""
    file = tmp_path / "kek"
    write_keys(file, [FIRST])
    return {
        "file": (KeySource(file=file), KeySource(file=file), lambda: write_keys(file, [SECOND, FIRST])),
        "environment": (KeySource(environment=FIRST.hex()), KeySource(environment=f"{SECOND.hex()},{FIRST.hex()}"), lambda: None),
        "kms": (managed(transit), managed(transit), transit.rotate),
    }


@pytest.mark.parametrize("place", ["file", "environment", "kms"])
async def test_a_key_is_changed_under_work_and_everything_opens_before_meanwhile_and_after(vaults, transit, tmp_path, place):
    before, after, change = sources(transit, tmp_path)[place]
    old = await vaults(before)
    owners = [uuid4() for _ in range(60)]
    made = await old.new(owners)
    sealed = {owner: made.seal(owner, PLACE, str(owner)) for owner in owners}
    marks = (old.blind("nik", "1"), old.seal(b"letter", "x"))
    first = await old.ring.current()
    # A replica that does not know the new key yet serves on beside one that does; in the environment it is told to open it first.
    beside = await vaults(KeySource(environment=f"{FIRST.hex()},{SECOND.hex()}") if place == "environment" else before)
    change()
    new = await vaults(after)

    async def work(vault):
        for _ in range(15):
            mine = uuid4()
            sealed[mine] = (await vault.new([mine])).seal(mine, PLACE, str(mine))
            known = list(sealed)
            opened = await vault.of(known)
            assert all(opened.open(owner, PLACE, sealed[owner]) == str(owner) for owner in known)

    rotated, *_ = await asyncio.gather(keys.rewrap(after, vaults.url), work(beside), work(new))
    last = await keys.rewrap(after, vaults.url)
    tried, failed, opened = await new.prove()
    assert rotated.current == last.current == await new.ring.current() != first
    assert (failed, opened) == (0, {last.current: tried})
    assert (new.blind("nik", "1"), new.open(marks[1], "x")) == (marks[0], b"letter"), "what was made with the keys holds"


async def test_a_service_moves_from_a_file_to_a_kms_and_back_while_it_serves(vaults, transit, tmp_path):
    file = tmp_path / "kek"
    write_keys(file, [FIRST])
    owner = uuid4()
    by_file = await vaults(KeySource(file=file))
    sealed = (await by_file.new([owner])).seal(owner, PLACE, "Canary Contoh")
    mark = by_file.blind("nik", "1")
    both = KeySource(file=file, kms=managed(transit).kms)
    moving = await vaults(both)
    assert (await moving.of([owner])).open(owner, PLACE, sealed) == "Canary Contoh"
    assert (await keys.rewrap(both, vaults.url)).current == "kms:naungan:v1"
    alone = await vaults(managed(transit))
    assert (await alone.of([owner])).open(owner, PLACE, sealed) == "Canary Contoh"
    assert alone.blind("nik", "1") == mark
    assert (await alone.prove())[1] == 0
    with pytest.raises(UnknownKeyError):
        await by_file.of([owner])
    with pytest.raises(KeysError, match="do not open"):
        await keys.rewrap(KeySource(file=file), vaults.url)


async def test_a_new_platform_on_a_kms_makes_purpose_keys_by_itself(vaults, transit):
    first, second = await vaults(managed(transit)), await vaults(managed(transit))
    assert first.purpose("fingerprint") == second.purpose("fingerprint")
    assert (await first.prove())[2] == {"kms:naungan:v1": 3}


async def test_many_keys_take_few_calls(vaults, transit):
    vault = await vaults(managed(transit))
    transit.calls = 0
    owners = [uuid4() for _ in range(1200)]
    await vault.new(owners)
    assert len((await vault.of(owners))._keys) == 1200
    assert transit.calls <= 6


@pytest.mark.parametrize(
    ("status", "changes", "says"),
    [
        (503, {}, "cannot work now .HTTP 503.: unseal it"),
        (0, {"token": "stolen"}, "refuses the token: it must be allowed to use transit/encrypt"),
        (0, {"key": "other"}, "has no key other at transit"),
        (0, {"url": "http://127.0.0.1:1"}, "does not answer .ConnectError."),
        (418, {}, "refuses the call .HTTP 418."),
    ],
)
async def test_what_is_wrong_with_a_kms_is_said_and_is_nobodys_message(transit, status, changes, says):
    transit.status = status
    ring = managed(transit, **changes).ring()
    for call in (ring.current(), ring.wrap([FIRST]), ring.unwrap([(f"kms:{changes.get('key', 'naungan')}:v1", b"vault:v1:AAAA")])):
        with pytest.raises(KmsError, match=says) as raised:
            await call
        assert fault_of(raised.value) is Fault.INFRASTRUCTURE
        assert TOKEN not in str(raised.value)
    await ring.close()


async def test_what_another_key_wrapped_or_somebody_changed_does_not_open(vaults, transit):
    vault = await vaults(managed(transit))
    name, (wrapped,) = await vault.ring.wrap([FIRST])
    assert await vault.ring.unwrap([(name, wrapped)]) == [FIRST]
    for told in ((name, wrapped[:-8] + b"AAAAAAA="), ("kms:another:v1", wrapped), (name_of(FIRST), wrapped), (name, b"\xff\x00")):
        with pytest.raises(UnknownKeyError):
            await vault.ring.unwrap([told])
    transit.versions[0] = SECOND
    tried, failed, opened = await vault.prove()
    assert (tried, failed, opened) == (3, 3, {})


async def test_a_kms_that_goes_away_in_a_rotation_leaves_all_keys_open_and_it_goes_on(vaults, transit, monkeypatch):
    monkeypatch.setattr(keys, "CHUNK", 5)
    vault = await vaults(managed(transit))
    owners = [uuid4() for _ in range(20)]
    await vault.new(owners)
    transit.rotate()

    def seal(done):
        transit.status = 503 if done >= 10 else 0

    with pytest.raises(StoppedError, match=r"1[0-9] keys were wrapped anew before: call it again"):
        await keys.rewrap(managed(transit), vaults.url, seal)
    transit.status = 0
    assert set((await vault.prove())[2]) == {"kms:naungan:v1", "kms:naungan:v2"}
    await keys.rewrap(managed(transit), vaults.url)
    assert (await vault.prove())[2] == {"kms:naungan:v2": 23}


async def test_a_token_file_is_read_anew(transit, tmp_path):
    token = tmp_path / "token"
    token.write_text("expired\n")
    ring = managed(transit, token="", token_file=token).ring()
    with pytest.raises(KmsError, match="refuses the token"):
        await ring.current()
    token.write_text(f"{TOKEN}\n")
    assert await ring.current() == "kms:naungan:v1"
    await ring.close()


SAID = {"database_url": "postgresql://x", "issuer": "x", "jwks_url": "x", "keys_url": "postgresql://x"}


def test_settings_name_where_the_keys_are_and_a_mistake_is_named_without_the_keys():
    assert isinstance(Settings(**SAID, key_encryption_keys=SecretStr(FIRST.hex())).key_source.ring().origin("x"), bytes)
    with pytest.raises(ValueError, match="KEY_ENCRYPTION_KEYS must be keys of 32 bytes in hex") as raised:
        Settings(**SAID, key_encryption_keys="abcd,nonsense").key_source.ring()
    assert "nonsense" not in str(raised.value)
    with pytest.raises(ValidationError, match="one of key_file, key_encryption_keys and kms_url"):
        Settings(**SAID)
    with pytest.raises(ValidationError, match="in the clear unless it begins with https"):
        Settings(**SAID, kms_url="http://kms.example")
    assert Settings(**SAID, kms_url="https://kms.example").key_source.kms.key == "naungan"


def test_names_of_keys_tell_whose_they_are(transit, tmp_path):
    file = tmp_path / "kek"
    write_keys(file, [FIRST])
    assert (KeyFile(file).knows(name_of(SECOND)), KeyFile(file).knows("kms:naungan:v1")) == (True, False)
    assert managed(transit).ring().knows("kms:naungan:v7")
