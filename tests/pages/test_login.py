"""Logging in: the issuer gives a code once, to whom it was for; what fits no log-in of this browser begins no session."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from chassis.settings import Settings
from chassis.web.identity import Identity
from chassis.web.pages.guard import local_path, require_own_origin
from chassis.web.pages.session import COOKIE, Sessions, _challenge
from chassis.web.problems import RefusedError
from fastapi import Request
from ops.identities import identities
from ops.issuer import application, signing_key

HERE = "http://127.0.0.1:9999/placement/pages/session/callback"
ASKED = {
    "response_type": "code", "client_id": "naungan-pages", "redirect_uri": HERE, "state": "s" * 20, "nonce": "n" * 20,
    "code_challenge": _challenge("v" * 50), "code_challenge_method": "S256",
}  # fmt: skip
REDEEMED = {"grant_type": "authorization_code", "redirect_uri": HERE, "client_id": "naungan-pages", "code_verifier": "v" * 50}


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = application("http://issuer.example", signing_key(tmp_path), None, "/issuer/authorize")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:9998") as client:
        yield client


async def code_for(issuer: httpx.AsyncClient, who: str, **changes: str) -> str:
    answer = await issuer.get("/authorize", params={**ASKED, **changes, "identity": who})
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


async def test_a_code_is_good_once_for_who_began_the_login(issuer: httpx.AsyncClient) -> None:
    code = await code_for(issuer, "head-1")
    first = await issuer.post("/token", data={**REDEEMED, "code": code})
    assert first.status_code == 200
    assert {"access_token", "id_token"} <= first.json().keys()
    assert (await issuer.post("/token", data={**REDEEMED, "code": code})).status_code == 400, "used"
    for wrong in ({"code_verifier": "w" * 50}, {"redirect_uri": HERE.replace("placement", "intake")}):
        stolen = {**REDEEMED, "code": await code_for(issuer, "head-1"), **wrong}
        assert (await issuer.post("/token", data=stolen)).status_code == 400, wrong


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "https://elsewhere.example/placement/pages/session/callback"},
        {"redirect_uri": "http://127.0.0.1:9999/placement/pages/queue"},
        {"redirect_uri": f"{HERE}?to=x"},
        {"client_id": "another"},
        {"code_challenge_method": "plain"},
        {"state": ""},
    ],
)
async def test_nobody_is_sent_where_no_login_began(issuer: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    assert (await issuer.get("/authorize", params={**ASKED, **wrong, "identity": "head-1"})).status_code == 400


async def test_the_issuers_page_lists_people_and_no_systems(issuer: httpx.AsyncClient) -> None:
    page = (await issuer.get("/authorize", params=ASKED)).text
    assert {who.name for who in identities().values() if who.role != "agency_system"} <= set(page.replace("<", ">").split(">"))
    assert "system-dppapp" not in page


def a_request(cookies: dict[str, str], query: dict[str, str], **headers: str) -> Request:
    told = {"host": "127.0.0.1:9999", "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), **headers}
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": "/pages/session/callback", "query_string": urlencode(query).encode(), "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in told.items()], "root_path": "/placement", "server": ("127.0.0.1", 9999),
    }  # fmt: skip
    return Request(scope)


@pytest.mark.parametrize("cookies", [{}, {"__Host-naungan-login-ssssssss": "bm90aGluZw=="}])
async def test_an_answer_that_was_not_asked_for_begins_no_session(cookies: dict[str, str]) -> None:
    settings = Settings(database_url="postgresql://nowhere/none", issuer="http://issuer.example", jwks_url="http://issuer.example/jwks")
    sessions = Sessions(settings, Identity(settings.issuer, settings.jwks_url, settings.audience))
    with pytest.raises(RefusedError) as refused:
        await sessions.complete(a_request(cookies, {"state": "s" * 20, "code": "stolen"}), "/placement/pages/session/callback", "/")
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "path", ["//elsewhere.example", "https://elsewhere.example/x", "/\\elsewhere.example", "javascript:alert(1)", "elsewhere", "", "/a\nb"]
)
def test_after_a_login_nobody_is_sent_to_another_host(path: str) -> None:
    assert local_path(path, "/home") == "/home"


def test_a_path_of_ours_is_gone_to() -> None:
    assert local_path("/placement/pages/queue?said=x", "/home") == "/placement/pages/queue?said=x"


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:9999"}, True),
        ({"origin": "http://127.0.0.1:9999"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:9999"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:1111"}, False),
    ],
)
def test_a_form_comes_from_one_of_our_pages(headers: dict[str, str], ours: bool) -> None:
    request = a_request({COOKIE: "x"}, {}, **headers)
    if ours:
        require_own_origin(request)
    else:
        with pytest.raises(RefusedError):
            require_own_origin(request)
