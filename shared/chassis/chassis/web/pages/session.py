"""Logging in: OIDC's code flow with PKCE at the issuer; the session is its access token in a cookie that only our origin's pages are sent with.

Nothing of a session is kept on the server, so every replica of every service knows it, and it ends with the token. The routes for systems take
no cookie: only pages do, and every form of theirs is guarded.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from time import monotonic, time
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog
from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from joserfc import jwt
from joserfc.errors import JoseError

from chassis.settings import Settings
from chassis.web.identity import ALGORITHMS, NOT_NOW, AccessEndedError, Identity, IssuerAwayError, NotIdentifiedError, Principal
from chassis.web.pages.guard import local_path
from chassis.web.problems import ACCESS_ENDED, RefusedError

log = structlog.get_logger()

# `__Host-`: the browser takes it from a secure origin only, and sends it to this host alone.
COOKIE = "__Host-naungan"
LOGIN = "__Host-naungan-login-"
LOGIN_SECONDS = 600
LARGEST_COOKIE = 3800  # what browsers keep for certain, less the name and attributes
DISCOVERY_SECONDS = 300.0


class LoginNeededError(Exception):
    """Nobody is logged in, or no longer."""


class Sessions:
    """The sessions of one service's pages."""

    def __init__(self, settings: Settings, identity: Identity) -> None:
        self.settings, self.identity = settings, identity
        self._found: dict[str, Any] = {}
        self._asked = -DISCOVERY_SECONDS

    async def principal(self, request: Request) -> Principal:
        """Who is logged in. Raises LoginNeededError, and RefusedError for somebody whose agency is let in no more: to log in again is of no use."""
        token = request.cookies.get(COOKIE)
        try:
            return await self.identity.principal(f"Bearer {token}")
        except AccessEndedError as error:
            raise RefusedError(403, str(error), ACCESS_ENDED) from None
        except IssuerAwayError:
            raise RefusedError(503, NOT_NOW) from None
        except NotIdentifiedError:
            raise LoginNeededError from None

    async def begin(self, request: Request, callback: str, to: str) -> Response:
        """Send somebody to the issuer; what the answer must fit waits in a cookie of this one login."""
        told = await self._discovered()
        state, nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        asked = {
            "response_type": "code",
            "client_id": self.settings.oidc_client,
            "redirect_uri": self._here(request, callback),
            "scope": self.settings.oidc_scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        place = str(told["authorization_endpoint"])
        response = RedirectResponse(f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}", 303)
        waiting = {"state": state, "nonce": nonce, "verifier": verifier, "to": to}
        _keep(response, f"{LOGIN}{state[:8]}", _packed(waiting), LOGIN_SECONDS)
        return response

    async def complete(self, request: Request, callback: str, otherwise: str) -> Response:
        """Take the issuer's answer, and begin the session. Raises RefusedError for an answer that fits no login of this browser."""
        state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        name = f"{LOGIN}{state[:8]}"
        waiting = _unpacked(request.cookies.get(name, ""))
        if not state or not code or not secrets.compare_digest(str(waiting.get("state", "")).encode(), state.encode()):
            raise RefusedError(400, "this log-in was not begun here, or not in the last ten minutes: begin again")
        tokens = await self._tokens(code, waiting, self._here(request, callback))
        access = str(tokens.get("access_token", ""))
        try:
            await self.identity.principal(f"Bearer {access}")
            await self._require_nonce(str(tokens.get("id_token", "")), str(waiting["nonce"]))
            left = float(jwt.decode(access, await self.identity.keys(), algorithms=ALGORITHMS).claims["exp"]) - time()
        except AccessEndedError as error:
            raise RefusedError(403, str(error), ACCESS_ENDED) from None
        except IssuerAwayError:
            raise RefusedError(503, NOT_NOW) from None
        except (NotIdentifiedError, JoseError, ValueError, KeyError) as error:
            log.warning("login_refused", error=type(error).__name__)
            raise RefusedError(401, "the issuer's answer is not to be believed: log in again") from None
        if len(access) > LARGEST_COOKIE:
            log.error("login_refused", error="token_too_large")
            raise RefusedError(500, "the issuer's access token is too large for a session: let it carry fewer claims")
        response = RedirectResponse(local_path(str(waiting["to"]), otherwise), 303)
        _keep(response, COOKIE, access, int(min(left, 60 * self.settings.session_minutes)))
        _drop(response, name)
        return response

    def end(self, to: str) -> Response:
        """Forget the session on this device."""
        response = RedirectResponse(to, 303)
        _drop(response, COOKIE)
        return response

    async def _tokens(self, code: str, waiting: Mapping[str, Any], callback: str) -> dict[str, Any]:
        told = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "client_id": self.settings.oidc_client,
            "code_verifier": str(waiting["verifier"]),
        }
        if self.settings.oidc_client_secret is not None:
            form["client_secret"] = self.settings.oidc_client_secret.get_secret_value()
        try:
            async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
                answer = await client.post(str(told["token_endpoint"]), data=form)
        except httpx.HTTPError:
            raise RefusedError(503, NOT_NOW) from None
        if not answer.is_success:
            raise RefusedError(400, "the issuer does not know this log-in any more: begin again")
        content: dict[str, Any] = answer.json()
        return content

    async def _require_nonce(self, token: str, nonce: str) -> None:
        """The id token is of this issuer, for this client, and of this very login (OpenID Connect Core 3.1.3.7)."""
        decoded = jwt.decode(token, await self.identity.keys(), algorithms=ALGORITHMS)
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.oidc_client},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
        )
        rules.validate(decoded.claims)

    async def _discovered(self) -> dict[str, Any]:
        """The issuer's endpoints, asked for anew every few minutes. Raises RefusedError when it cannot be reached."""
        if monotonic() - self._asked > DISCOVERY_SECONDS:
            try:
                async with httpx.AsyncClient(timeout=5) as client:
                    answer = (await client.get(f"{self.settings.issuer}/.well-known/openid-configuration")).raise_for_status()
                self._found, self._asked = answer.json(), monotonic()
            except (httpx.HTTPError, ValueError) as error:
                log.warning("issuer_unreachable", error=type(error).__name__)
        if not self._found:
            raise RefusedError(503, NOT_NOW)
        return self._found

    def _here(self, request: Request, path: str) -> str:
        """A path of this service as the browser knows it; the issuer compares it with those that it was told of."""
        origin = self.settings.public_url or f"{request.headers.get('x-forwarded-proto', request.url.scheme)}://{request.headers['host']}"
        return f"{origin.rstrip('/')}{path}"


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _packed(content: Mapping[str, str]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode()


def _unpacked(content: str) -> dict[str, Any]:
    try:
        found = json.loads(urlsafe_b64decode(content.encode()))
    except ValueError:
        return {}
    return found if isinstance(found, dict) and {"state", "nonce", "verifier", "to"} <= found.keys() else {}


def _keep(response: Response, name: str, value: str, seconds: int) -> None:
    # Lax, not Strict: a link in an e-mail leads to a page, and forms are guarded by themselves.
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def _drop(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")
