"""The scripts of intake's pages, named by their content, so that a browser asks for each once."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from chassis.web.problems import not_found
from fastapi import Response

from intake.pages import pages

router = pages.router
FOLDER = Path(__file__).parent / "scripts"
HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@cache
def scripts() -> dict[str, tuple[str, bytes]]:
    """By its plain name, the name that each is served under, and its content."""
    found = {path.stem: path.read_bytes() for path in FOLDER.glob("*.js")}
    return {name: (f"{name}-{sha256(content).hexdigest()[:12]}.js", content) for name, content in found.items()}


@router.get("/scripts/{name}")
async def script(name: str) -> Response:
    """A script. Raises RefusedError for what is none."""
    content = next((content for served, content in scripts().values() if served == name), None)
    if content is None:
        raise not_found("file")
    return Response(content, media_type="text/javascript; charset=utf-8", headers=HEADERS)


def keyed() -> str:
    """A key for a form that nobody is logged in for."""
    return str(uuid4())


pages.environment.globals["script"] = lambda name: f"scripts/{scripts()[name][0]}"
