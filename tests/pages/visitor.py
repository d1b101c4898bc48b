"""A visitor to the pages of services in this process: logged in by cookie, sends the forms that she is shown."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx
from chassis.web.pages.session import COOKIE

from tests.rig import Rig

OWN = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}


@dataclass
class Form:
    """A form of a page: where it is sent, and its hidden fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """The forms of a page, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(told["action"]))
        if tag == "input" and told.get("type") == "hidden":
            self.found[-1].fields[told["name"]] = told["value"]


class Visitor:
    """Somebody with a role at the pages of one service."""

    def __init__(self, rig: Rig, service: str, *, language: str = "id", **who: Any) -> None:
        self.rig, self.service, self.language = rig, service, language
        self.token = rig.issuer.token(who["role"], who.get("agency", "dinsos"), who.get("subject"), who.get("units", ()))

    def headers(self, **more: str) -> dict[str, str]:
        return {"cookie": f"{COOKIE}={self.token}; naungan-language={self.language}", **more}

    async def see(self, path: str, **headers: str) -> httpx.Response:
        return await self.rig.clients[self.service].get(f"/pages/{path}", headers=self.headers(**headers))

    async def post(self, path: str, fields: dict[str, Any], **headers: str) -> httpx.Response:
        body = urlencode(fields, doseq=True)
        answer = await self.rig.clients[self.service].post(path, content=body, headers=self.headers(**{**OWN, **headers}))
        assert self.language != "id" or ">Error:<" not in answer.text, "what a screen reader says before a complaint is in another language"
        return answer

    async def form(self, path: str, action: str) -> Form:
        """The form of a page that is sent to this action."""
        page = await self.see(path)
        assert page.status_code == 200, page.text
        return next(form for form in Forms(page.text).found if form.action.endswith(action))

    async def send(self, path: str, action: str, **fields: Any) -> httpx.Response:
        """Fill in a form of a page and send it."""
        form = await self.form(path, action)
        return await self.post(form.action, {**form.fields, **fields})
