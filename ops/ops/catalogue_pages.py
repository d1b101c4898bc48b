"""The catalogue for a browser as a folder: events, routes and error codes, made from the generated documents; its pages ask nobody for anything."""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from contracts import golden
from contracts.streams import SERVICES

from ops import docs
from ops.catalogue import SCRIPT, STYLE, fields, page, words

# What every route has is said once, and not at each.
EVERYWHERE = {"X-Purpose", "authorization", "Idempotency-Key"}
CODE = re.compile(r"`([^`]+)`")


def frame(title: str, body: str) -> str:
    """A whole page of this catalogue with a search of its own."""
    return (
        '<!doctype html><html lang="id"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{words(title)}</h1>"
        f'<label for="find">{words("search")}</label><input id="find" type="search">{body}<script>{SCRIPT}</script></body></html>\n'
    )


def routes_page(documents: Mapping[str, dict[str, Any]]) -> str:
    """All routes by service, from their OpenAPI documents."""
    parts = [
        f'<section id="{service}"><h2>{service}</h2>'
        f"{''.join(_route(service, method, path, said, document) for path, methods in sorted(document['paths'].items()) for method, said in methods.items())}</section>"
        for service, document in documents.items()
    ]
    return frame("routes", f"<p>{words('every_route')}</p>{''.join(parts)}")


def _route(service: str, method: str, path: str, said: dict[str, Any], document: dict[str, Any]) -> str:
    schemas = {"$defs": document["components"]["schemas"]}
    asked = [parameter for parameter in said.get("parameters", []) if parameter["name"] not in EVERYWHERE]
    names = {
        "properties": {parameter["name"]: {**parameter["schema"], "description": parameter.get("description", "")} for parameter in asked},
        "required": [parameter["name"] for parameter in asked if parameter.get("required")],
    }
    shown = _table("asked", names, schemas)
    for kind, content in said.get("requestBody", {}).get("content", {}).items():
        shown += f"<p><code>{escape(kind)}</code></p>{_table('body', _whole(content.get('schema', {}), schemas), schemas)}"
    for status, answer in said["responses"].items():
        for kind, content in answer.get("content", {}).items():
            if kind != "application/problem+json":
                shown += f"<p>{escape(status)} <code>{escape(kind)}</code></p>{_table('answer', _whole(content.get('schema', {}), schemas), schemas)}"
    first = escape(" ".join(said.get("description", said.get("summary", "")).split()))
    return f'<details class="event" id="{service}.{said["operationId"]}"><summary><b>{method.upper()} /{service}{escape(path)}</b> {first}</summary>{shown}</details>'


def _whole(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The object that a schema names, or that a list of it holds."""
    schema = schema.get("items", schema)
    named: dict[str, Any] = schemas["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return named


def _table(title: str, node: dict[str, Any], schemas: dict[str, Any]) -> str:
    rows = "".join(fields(node, schemas, ""))
    if not rows:
        return ""
    head = "".join(f"<th>{words(name)}</th>" for name in ("field", "form", "needed", "meaning"))
    return f'<h3>{words(title)}</h3><div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'


def errors_page(markdown: str) -> str:
    """The list of error codes, from its Markdown: headings, paragraphs and tables, and nothing else."""
    sections = [_section(part) for part in markdown.split("\n## ")]
    return frame("errors", "".join(sections))


def _section(part: str) -> str:
    title, _, rest = part.partition("\n")
    blocks = [_block(block.splitlines()) for block in rest.strip().split("\n\n") if block.strip()]
    heading = "" if title.startswith("# ") else f"<h2>{escape(title)}</h2>"
    return f"<section>{heading}{''.join(blocks)}</section>"


def _block(lines: list[str]) -> str:
    if not lines[0].startswith("|"):
        return f"<p>{_inline(' '.join(lines))}</p>"
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return f'<div class="scroll"><table>{_row("th", head)}{"".join(_row("td", row) for row in rows)}</table></div>'


def _row(cell: str, told: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{cell}>{_inline(one)}</{cell}>' for one in told)}</tr>"


def _inline(said: str) -> str:
    return CODE.sub(r"<code>\1</code>", escape(said))


def write(folder: Path) -> Path:
    """Write the pages, and beside them the documents and the golden schemas that they are made from; the first page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = docs.documents()
    beside = documents | {name: content for name, content in golden.files().items() if name.endswith(".schema.json")}
    beside["routes.html"] = routes_page({service: json.loads(documents[f"openapi.{service}.json"]) for service in SERVICES})
    beside["errors.html"] = errors_page(documents["errors.md"])
    for name, content in beside.items():
        (folder / name).write_text(content)
    (folder / "index.html").write_text(page(files=sorted(beside)))
    return folder / "index.html"
