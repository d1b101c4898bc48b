"""Every page that there is, found from the services' routers, and a walk over all links that somebody is shown."""

import importlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from re import Pattern
from typing import Protocol
from urllib.parse import urlsplit

from contracts.places import PLACES
from contracts.streams import SERVICES
from fastapi.routing import APIRoute

# What is no page: what logs in, and the files that pages ask for.
NO_PAGE = ("/pages/session/log", "/pages/session/callback", "/pages/session/end", "/pages/static/", "/pages/language/", "/pages/scripts/", ".svg")
# Pages for which nobody is logged in.
PUBLIC = (
    "/intake/pages/public",
    "/intake/pages/public/status",
    "/intake/pages/kalender",
    "/notifications/pages/kalender",
    "/notifications/pages/public/prevention/contacts",
)
# Of a page with different queries, and of one kind, no more than these are opened.
MOST_VARIANTS = 3
MOST_OF_A_KIND = 24
# Pages below a thing's own (a form about a case) are opened until so many of a kind in a row show nothing new: no part, and no link to another kind of page.
SAME_IN_A_ROW = 4


class Answer(Protocol):
    """What a page answers."""

    status_code: int
    text: str

    @property
    def headers(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Kind:
    """A page as its router knows it."""

    service: str
    template: str
    regex: Pattern[str]

    @property
    def path(self) -> str:
        """Through the gateway."""
        return f"/{self.service}{self.template}"

    @property
    def names(self) -> set[str]:
        """Of its parameters."""
        return set(self.regex.groupindex)

    @property
    def below(self) -> bool:
        """Whether it is a page below the page of a thing, as a form about a case is."""
        return bool(self.names) and not (len(self.names) == 1 and self.template.endswith("}"))


@dataclass(frozen=True)
class Seen:
    """A page as somebody saw it."""

    kind: Kind
    parameters: Mapping[str, str]
    path: str
    answer: Answer
    led_by: str


@dataclass
class Survey:
    """What one role saw: its pages, and the links that led to nothing."""

    seen: list[Seen] = field(default_factory=list)
    dead: list[tuple[str, str, int]] = field(default_factory=list)

    def kinds(self) -> set[Kind]:
        return {entry.kind for entry in self.seen}


def kinds() -> list[Kind]:
    """Every page of every service; a fixed path comes before one with parameters."""
    found = []
    for service in SERVICES:
        importlib.import_module(f"{service}.pages.routes")
        for route in importlib.import_module(f"{service}.pages").pages.router.routes:
            assert isinstance(route, APIRoute)
            if "GET" in route.methods and not any(mark in route.path for mark in NO_PAGE):
                found.append(Kind(service, route.path, route.path_regex))
    return sorted(found, key=lambda kind: (kind.template.count("{"), kind.template))


def kind_of(path: str, known: Iterable[Kind]) -> tuple[Kind, Mapping[str, str]] | None:
    """Which page a path through the gateway is, and with which parameters."""
    service, _, rest = path.removeprefix("/").partition("/")
    for kind in known:
        if kind.service == service and (match := kind.regex.match(f"/{rest}")):
            return kind, match.groupdict()
    return None


class Links(HTMLParser):
    """Where the links of a page lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and (to := dict(attrs).get("href")):
            self.found.append(to)


def _led_to(page: Seen) -> Iterator[str]:
    """The links of a page, and where a redirect leads."""
    headers = page.answer.headers
    yield from [headers["location"]] if "location" in headers else []
    for to in Links(page.answer.text).found:
        parts = urlsplit(to)
        if parts.path.startswith("/") and not parts.netloc:
            # A service that is not behind the gateway does not know its own prefix.
            path = f"/{page.kind.service}{parts.path}" if parts.path.startswith("/pages/") else parts.path
            yield f"{path}?{parts.query}" if parts.query else path


async def walk(look: Callable[[str], Awaitable[Answer]], starts: Iterable[str]) -> Survey:
    """Open these pages and every page that a link of one leads to, once each."""
    known, survey = kinds(), Survey()
    todo, met, variants = deque((start, "") for start in starts), set[str](), Counter[str]()
    shown, same = dict[str, set[tuple[str, ...]]](), Counter[str]()
    while todo:
        path, led_by = todo.popleft()
        plain = urlsplit(path).path
        named = kind_of(plain, known)
        variants[plain] += path not in met
        if path in met or named is None or variants[plain] > MOST_VARIANTS or variants[named[0].path] >= MOST_OF_A_KIND:
            continue
        if named[0].below and same[named[0].path] >= SAME_IN_A_ROW:
            continue
        met.add(path)
        variants[named[0].path] += 1
        answer = await look(path)
        if answer.status_code >= 400:
            survey.dead.append((led_by, path, answer.status_code))
            continue
        page = Seen(*named, path, answer, led_by)
        survey.seen.append(page)
        links = list(_led_to(page))
        parts = Shape(answer.text).parts | {("leads to", end[0].path) for to in links if (end := kind_of(urlsplit(to).path, known))}
        same[named[0].path] = same[named[0].path] + 1 if parts <= shown.setdefault(named[0].path, set()) else 0
        shown[named[0].path] |= parts
        todo += [(to, path) for to in links]
    return survey


def starts_of(role: str) -> list[str]:
    """Where somebody with a role begins: what the navigation offers."""
    return [path for path, _, roles in PLACES if role in roles]


class Shape(HTMLParser):
    """What a page is made of, without its words and ids: two pages of one shape look the same to a reader of the screen."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: set[tuple[str, ...]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        telling = (told.get(name) or "" for name in ("class", "type", "role"))
        self.parts.add((tag, *telling, *sorted(told)))
