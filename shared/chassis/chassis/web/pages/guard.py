"""What keeps a page to those it is for: the headers of every answer, and that a form was sent from one of our pages by who got it."""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from fastapi import Request, Response

from chassis.web.identity import Principal
from chassis.web.problems import FieldProblem, RefusedError

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Nothing personal stays on a device, nor in the address that another site is told. (With `no-referrer` a browser would not name the origin of a form.)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
FOREIGN = "this form was not sent from one of our pages"


def protect(response: Response) -> Response:
    """The same answer with the headers of a page."""
    response.headers.update(HEADERS)
    return response


def token_of(key: bytes, who: Principal, now: datetime) -> str:
    """What a form carries so that only who got it can send it, on this day or the next; it outlives a session, so that nothing entered is lost."""
    return hmac.new(key, f"form|{who.subject}|{now:%Y-%m-%d}".encode(), sha256).hexdigest()


def require_own_form(request: Request, key: bytes, who: Principal, sent: str, now: datetime) -> None:
    """Refuse what another site sends in somebody's name: by what the browser says of its origin, and by the form's token."""
    require_own_origin(request)
    known = [token_of(key, who, day) for day in (now, now - timedelta(days=1))]
    if not any(hmac.compare_digest(sent.encode(), token.encode()) for token in known):
        raise RefusedError(403, FOREIGN, [FieldProblem("token", "foreign")])


def require_own_origin(request: Request) -> None:
    """Refuse a form unless the browser says that it comes from this origin. Without a word from it (old ones) the origin must be named."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    own = urlsplit(origin).netloc == request.headers.get("host")
    if (site is not None and site != "same-origin") or not (own or (not origin and site == "same-origin")):
        raise RefusedError(403, FOREIGN, [FieldProblem("Origin", "foreign")])


def local_path(path: str, otherwise: str) -> str:
    """A path of this origin, where somebody is sent next; anything else, another host above all, is not gone to."""
    parts = urlsplit(path)
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain and not parts.scheme and not parts.netloc else otherwise
