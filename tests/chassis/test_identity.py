"""A verified token is remembered, and forgotten with the keys that verified it and with its own end; an issuer that is away stops nobody it let in."""

import asyncio
import time
from uuid import uuid4

import httpx
import pytest
from chassis.web import identity
from chassis.web.identity import LEEWAY, LIFETIME, Identity, NotIdentifiedError
from chassis.web.pages.session import COOKIE
from joserfc import jwt
from ops.processes import free_port

from tests.rig import Issuer


@pytest.fixture
def issuer():
    made = Issuer()
    yield made
    made.server.shutdown()


def a_token(issuer, **claims):
    known = {"iss": issuer.url, "aud": "naungan", "sub": str(uuid4()), "roles": ["operator"], "agency": "a", "exp": int(time.time()) + 60}
    return f"Bearer {jwt.encode({'alg': 'ES256', 'kid': 'test'}, {**known, **claims}, issuer.key)}"


def an_identity(issuer):
    return Identity(issuer.url, f"{issuer.url}/jwks", "naungan")


def some_minutes_pass(known):
    known._fetched -= LIFETIME + 1
    known._asked -= LIFETIME + 1


async def test_a_token_is_verified_once(issuer, monkeypatch):
    known, token = an_identity(issuer), a_token(issuer)
    first = await known.principal(token)

    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(known, "_decode", refuse)
    assert await known.principal(token) == first


async def test_what_keys_verified_that_are_gone_is_forgotten(issuer):
    known, token = an_identity(issuer), a_token(issuer)
    await known.principal(token)
    other = Issuer()
    known.jwks_url = f"{other.url}/jwks"
    some_minutes_pass(known)
    with pytest.raises(NotIdentifiedError):
        await known.principal(token)
    other.server.shutdown()


async def test_a_remembered_token_still_ends(issuer, monkeypatch):
    known, token = an_identity(issuer), a_token(issuer)
    await known.principal(token)
    later = time.time() + 60 + LEEWAY + 1
    monkeypatch.setattr(identity, "time", lambda: later)
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(NotIdentifiedError):
        await known.principal(token)


async def test_a_token_that_was_refused_is_not_remembered(issuer):
    known, token = an_identity(issuer), a_token(issuer, roles="operator")
    for _ in range(2):
        with pytest.raises(NotIdentifiedError):
            await known.principal(token)
    assert known._verified == {}


async def test_only_so_many_are_remembered(issuer, monkeypatch):
    monkeypatch.setattr(identity, "MOST_REMEMBERED", 3)
    known = an_identity(issuer)
    for _ in range(8):
        await known.principal(a_token(issuer))
    assert 0 < len(known._verified) <= 3


async def test_an_issuer_that_is_away_is_asked_by_one_and_the_others_do_not_wait_for_it(issuer, monkeypatch):
    known, token = an_identity(issuer), a_token(issuer)
    await known.principal(token)
    asked = []

    async def silent(_client, url):
        asked.append(url)
        await asyncio.sleep(60)

    monkeypatch.setattr(httpx.AsyncClient, "get", silent)
    monkeypatch.setattr(identity, "PATIENCE", 0.2)
    some_minutes_pass(known)
    for new in (token, a_token(issuer), a_token(issuer)):
        assert (await known.principal(new)).roles == {"operator"}
    with pytest.raises(NotIdentifiedError):
        await known.principal("Bearer nonsense")
    assert len(asked) == 1


async def test_while_none_of_its_keys_are_known_nobody_is_refused_for_her_token(rig, issuer):
    away = f"http://127.0.0.1:{free_port()}/jwks"
    await rig.start("intake", jwks_url=away)
    token = a_token(issuer)
    told = await rig.clients["intake"].get("/cases", headers={"Authorization": token})
    assert (told.status_code, told.headers["retry-after"]) == (503, "2")
    page = await rig.clients["intake"].get("/pages/queue", headers={"Cookie": f"{COOKIE}={token.removeprefix('Bearer ')}"})
    assert page.status_code == 503
    assert "tidak ada yang berubah" in page.text
