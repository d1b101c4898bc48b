"""Where and when a webhook may be sent."""

import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NAT64 = ipaddress.IPv6Network("64:ff9b::/32")


def next_try(failed: int, delays: Sequence[timedelta], chance: float, asked: timedelta | None = None) -> timedelta | None:
    """How long to wait after the `failed`-th failure in a row, at least as long as the receiver `asked`; None: give up.

    `chance` in [0, 1) spreads it by a fifth either way.
    """
    if failed > len(delays):
        return None
    return max(delays[failed - 1] * (0.8 + 0.4 * chance), asked or timedelta(0))


def address_allowed(address: str, scheme: str, allowed: Sequence[Network]) -> bool:
    """Whether a webhook may go to this IP address: https to the public internet, and anything in the networks that the operator listed."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if any(found in network for network in allowed):
        return True
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return address_allowed(str(found.ipv4_mapped), scheme, allowed)
        if found.sixtofour is not None or found.teredo is not None or found in NAT64:
            return False  # each of them hides an IPv4 address
    return scheme == "https" and found.is_global and not found.is_multicast and not found.is_reserved


def url_problem(url: str, allowed: Sequence[Network]) -> str | None:
    """The code of what is wrong with a webhook's URL, as far as the URL alone tells; names are resolved and checked at each sending."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "invalid"
    if parts.scheme not in {"https", "http"} or not host or parts.username is not None or parts.fragment or not url.isascii() or " " in url:
        return "invalid"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None if parts.scheme == "https" or allowed else "https_required"
    if address_allowed(host, parts.scheme, allowed):
        return None
    return "https_required" if address_allowed(host, "https", allowed) else "address_not_allowed"


def endpoint_of(url: str) -> str:
    """Scheme, host and port of a URL: what may be busy or dead, whichever subscriptions point there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
