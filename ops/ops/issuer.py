"""The demo's token issuer. It hands a token to whoever asks, and therefore listens only on loopback or behind the demo's gateway."""

import argparse
import ipaddress
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ops.identities import Identity, identities
from ops.issuer_login import Login, form_of

LIFETIME = 3600


def signing_key(folder: Path) -> ECKey:
    """The issuer's key, made at the first start and kept."""
    path = folder / "issuer.pem"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    return ECKey.import_key(path.read_bytes(), {"kid": "demo", "alg": "ES256", "use": "sig"})


def application(issuer: str, key: ECKey, agencies: Path | None, login_at: str | None = None) -> Starlette:
    """The issuer's application; `issuer` is what its tokens say and what the services are told to believe.

    `login_at` is where browsers log in, behind a gateway a path of its origin; `agencies` is a file with the demo agencies' NATS passwords, which it hands out as freely as tokens.
    """
    known = identities()
    passwords = json.loads(agencies.read_text()) if agencies else {}

    async def configuration(_request: Request) -> JSONResponse:
        places = {"jwks_uri": f"{issuer}/jwks", "token_endpoint": f"{issuer}/token", "authorization_endpoint": login_at or f"{issuer}/authorize"}
        return JSONResponse({"issuer": issuer, **places, "naungan_demo": True})

    async def jwks(_request: Request) -> JSONResponse:
        return JSONResponse(KeySet([key]).as_dict(private=False))

    async def names(_request: Request) -> JSONResponse:
        return JSONResponse([{"identity": who.name, "role": who.role, "agency": who.agency} for who in known.values()])

    def claims_of(who: Identity) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": issuer,
            "aud": "naungan",
            "sub": str(who.subject),
            "roles": [who.role],
            "agency": who.agency,
            "units": list(who.units),
            "iat": now,
            "exp": now + LIFETIME,
            "jti": uuid4().hex,
        }

    def sign(claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "ES256", "kid": "demo"}, claims, key)

    login = Login(known, claims_of, sign)

    async def token(request: Request) -> JSONResponse:
        form = form_of(await request.body()) if _is_form(request) else {}
        if form.get("grant_type") == "authorization_code":
            return await login.redeem(form)
        who = known.get(form.get("identity", "") if form else await _asked_for(request))
        if who is None:
            return JSONResponse({"error": "invalid_request", "error_description": "unknown identity: GET /identities lists them"}, 400)
        return JSONResponse({"access_token": sign(claims_of(who)), "token_type": "Bearer", "expires_in": LIFETIME})

    async def nats_passwords(_request: Request) -> JSONResponse:
        return JSONResponse(passwords)

    return Starlette(
        routes=[
            Route("/nats-passwords", nats_passwords),
            Route("/.well-known/openid-configuration", configuration),
            Route("/jwks", jwks),
            Route("/identities", names),
            Route("/token", token, methods=["POST"]),
            *login.routes,
        ]
    )


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


async def _asked_for(request: Request) -> str:
    """The identity that a token request names as JSON; empty when it cannot be read."""
    try:
        content = json.loads(await request.body())
    except ValueError:
        return ""
    return str(content.get("identity", "")) if isinstance(content, dict) else ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main() -> None:
    """Serve the demo issuer; refuse any listener but loopback unless it stands behind the demo's gateway."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--demo-gateway", action="store_true", help="the listener is reached through the demo's gateway only")
    parser.add_argument("--login", help="where browsers log in: its own address, or a path of the gateway's origin")
    parser.add_argument("--agencies", type=Path, help="file with the demo agencies' NATS passwords (JSON)")
    options = parser.parse_args()
    if not options.demo_gateway and not _is_loopback(options.host):
        parser.error("the demo issuer listens on loopback only: it gives a token to whoever asks")
    uvicorn.run(
        application(options.issuer, signing_key(options.data), options.agencies, options.login),
        host=options.host,
        port=options.port,
        log_config=None,
        access_log=False,
    )


if __name__ == "__main__":
    main()
