"""The demo issuer's log-in: a page with all its invented people, and OIDC's code flow with PKCE behind it.

Whoever opens the page is whom she chooses to be. That is what a demo needs and nobody else: the issuer listens on loopback or behind the demo's gateway.
"""

import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from contracts.streams import SERVICES
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ops.identities import Identity

CLIENT = "naungan-pages"
CODE_SECONDS = 60
CALLBACKS = frozenset(f"/{service}/pages/session/callback" for service in SERVICES)
NEEDED = ("redirect_uri", "state", "nonce", "code_challenge")
HEADERS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
ROLES = {
    "intake_officer": "Konselor penerimaan",
    "outreach": "Petugas penjangkauan",
    "supervisor": "Supervisor",
    "placement_officer": "Petugas penempatan",
    "peksos": "Pekerja sosial",
    "operator": "Operator",
    "shelter_head": "Kepala penampungan",
}


@dataclass(frozen=True, slots=True)
class Granted:
    """A code that was given: to whom, for which redirect and challenge, and until when."""

    who: Identity
    redirect_uri: str
    challenge: str
    nonce: str
    until: float


class Login:
    """The log-in of one issuer. `sign` makes a token of claims, `claims_of` those of an access token."""

    def __init__(self, known: Mapping[str, Identity], claims_of: Callable[[Identity], dict[str, Any]], sign: Callable[[dict[str, Any]], str]) -> None:
        self.known, self.claims_of, self.sign = known, claims_of, sign
        self._codes: dict[str, Granted] = {}
        self.routes = [Route("/authorize", self.authorize)]

    async def authorize(self, request: Request) -> Response:
        """Let somebody choose who she is, and send her back with a code."""
        asked = dict(request.query_params)
        if wrong := _wrong_in(request, asked):
            return JSONResponse({"error": "invalid_request", "error_description": wrong}, 400)
        who = self.known.get(asked.pop("identity", ""))
        if who is None:
            return HTMLResponse(_page(self.known, asked), headers=HEADERS)
        now, code = time.monotonic(), secrets.token_urlsafe(24)
        self._codes = {kept: granted for kept, granted in self._codes.items() if granted.until > now}
        self._codes[code] = Granted(who, asked["redirect_uri"], asked["code_challenge"], asked["nonce"], now + CODE_SECONDS)
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303, HEADERS)

    async def redeem(self, form: Mapping[str, str]) -> JSONResponse:
        """The tokens for a code, once, to whoever knows what its challenge was made of (RFC 7636)."""
        granted = self._codes.pop(form.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if (
            granted is None
            or granted.until < time.monotonic()
            or granted.redirect_uri != form.get("redirect_uri")
            or not hmac.compare_digest(granted.challenge, challenge)
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        access = self.claims_of(granted.who)
        told = {name: access[name] for name in ("iss", "sub", "iat", "exp")}
        identity = self.sign({**told, "aud": CLIENT, "nonce": granted.nonce})
        return JSONResponse(
            {"access_token": self.sign(access), "id_token": identity, "token_type": "Bearer", "expires_in": access["exp"] - access["iat"]},
            headers={"Cache-Control": "no-store"},
        )


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a form."""
    return dict(parse_qsl(body.decode("latin-1")))


def _wrong_in(request: Request, asked: Mapping[str, str]) -> str | None:
    """What is wrong with a request to log in: the client is known, and it is sent back to this host or loopback alone."""
    if asked.get("client_id") != CLIENT or asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
        return "client_id, response_type=code and code_challenge_method=S256 are needed"
    if missing := [name for name in NEEDED if not asked.get(name)]:
        return f"missing: {', '.join(missing)}"
    place = urlsplit(asked["redirect_uri"])
    here = place.netloc == request.headers.get("host") or place.hostname in {"127.0.0.1", "localhost"}
    return None if here and place.scheme in {"http", "https"} and place.path in CALLBACKS and not place.query else "redirect_uri is not one of ours"


def _page(known: Mapping[str, Identity], asked: Mapping[str, str]) -> str:
    people = [who for who in known.values() if who.role in ROLES]
    shown = "".join(
        f"<h2>{escape(name)}</h2><ul>"
        + "".join(
            f'<li><a href="?{escape(urlencode({**asked, "identity": who.name}))}">{escape(who.name)}</a></li>' for who in people if who.role == role
        )
        + "</ul>"
        for role, name in ROLES.items()
    )
    head = '<!DOCTYPE html><html lang="id"><head><meta charset="utf-8"><title>Masuk - Naungan (demo)</title>'
    size = '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
    return f"{head}{size}<body><main><h1>Masuk sebagai siapa?</h1><p>Semua orang di sini rekaan. All people here are invented.</p>{shown}</main></body></html>"
