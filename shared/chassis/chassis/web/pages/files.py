"""The pages' style sheet and scripts: made by `assets/build.mjs`, named by their content, so that a browser asks for each once."""

import json
from functools import cache
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response

from chassis.web.problems import not_found

FOLDER = Path(__file__).parent / "static"
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}


@cache
def index() -> dict[str, str]:
    """The name of each file as it is served, by its plain name."""
    found: dict[str, str] = json.loads((FOLDER / "index.json").read_text())
    return found


def serve(name: str, request: Request) -> Response:
    """A file, compressed where the browser takes that. Raises RefusedError for what is none."""
    if name not in index().values():
        raise not_found("file")
    packed = "gzip" in request.headers.get("accept-encoding", "")
    headers = FOREVER | ({"Content-Encoding": "gzip"} if packed else {})
    return FileResponse(FOLDER / f"{name}{'.gz' if packed else ''}", media_type=KINDS[Path(name).suffix], headers=headers)
