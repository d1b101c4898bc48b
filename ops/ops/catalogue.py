"""The events for a browser: one page that holds everything it shows and asks nobody for anything."""

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from contracts import golden
from contracts.catalogue import BY_TYPE, LIFECYCLE
from contracts.event import Event
from contracts.streams import STREAMS

from ops import docs

WORDS = {
    "title": ("Katalog peristiwa Naungan", "Naungan's event catalogue"),
    "search": ("Cari jenis, isian atau kode", "Find a type, a field or a code"),
    "says": ("Yang menyampaikan", "Who says it"),
    "reads": ("Yang membaca", "Who reads it"),
    "subject": ("Subjek NATS", "NATS subject"),
    "stream": ("Aliran", "Stream"),
    "versions": ("Versi", "Versions"),
    "kept": ("bentuk yang disimpan dan tetap berlaku", "forms that are kept and still hold"),
    "fields": ("Isian", "Fields"),
    "field": ("isian", "field"),
    "form": ("bentuk", "form"),
    "needed": ("wajib", "required"),
    "meaning": ("arti", "meaning"),
    "schema": ("Skema JSON", "JSON Schema"),
    "example": ("Contoh", "Example"),
    "headers": ("Kepala pesan (CloudEvents)", "Message headers (CloudEvents)"),
    "files": ("Berkas untuk mesin", "Files for machines"),
    "open": ("kode lain dapat menyusul", "more codes may come"),
    "agency": ("lembaga yang bersangkutan saja", "the agency concerned, alone"),
    "anyone": ("siapa pun yang diizinkan operator", "anyone whom the operator lets in"),
    "routes": ("Jalur HTTP", "HTTP routes"),
    "errors": ("Kode kesalahan", "Error codes"),
    "asked": ("Yang diminta", "What is asked"),
    "body": ("Isi permintaan", "Request body"),
    "answer": ("Jawaban", "Answer"),
    "every_route": (
        "Setiap permintaan membawa Authorization: Bearer; setiap penulisan membawa Idempotency-Key; X-Purpose boleh menyebut alasan. Penolakan: application/problem+json.",
        "Every request carries Authorization: Bearer, every write an Idempotency-Key; X-Purpose may say why. Refusals are application/problem+json.",
    ),
    "nobody": ("belum ada; tetap tersimpan dalam aliran", "nobody yet; it stays in the stream"),
}
STYLE = """
:root{color-scheme:light dark;--line:#8886}
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem}
input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.5rem 0}
details{border-bottom:1px solid var(--line);padding:.4rem 0}
summary{cursor:pointer;overflow-wrap:anywhere}summary b{font-family:ui-monospace,monospace}
.id{margin-right:.4em}.en{opacity:.75;font-style:italic}
.scroll{overflow-x:auto}table{border-collapse:collapse}td,th{border:1px solid var(--line);padding:.2rem .5rem;text-align:left;vertical-align:top}
pre{overflow:auto;max-height:24rem;border:1px solid var(--line);padding:.5rem;font-size:.85rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}dd{margin:0;overflow-wrap:anywhere}
@media(max-width:40rem){dl{display:block}dt{margin-top:.4rem}}
"""
SCRIPT = """
const find=document.getElementById('find');
find.addEventListener('input',()=>{const asked=find.value.toLowerCase();
for(const one of document.querySelectorAll('details.event'))one.hidden=!one.textContent.toLowerCase().includes(asked);
for(const part of document.querySelectorAll('section'))part.hidden=!part.querySelector('details.event:not([hidden])');});
const go=()=>{const one=document.getElementById(decodeURIComponent(location.hash.slice(1)));if(one&&one.open===false){one.open=true;one.scrollIntoView();}};
addEventListener('hashchange',go);go();
"""


def words(name: str) -> str:
    """Words of the page's own, Indonesian first."""
    first, second = WORDS[name]
    return f'<span class="id" lang="id">{escape(first)}</span><span class="en" lang="en">{escape(second)}</span>'


def page(events: Iterable[type[Event]] = LIFECYCLE, files: Iterable[str] = ()) -> str:
    """The catalogue of these events as HTML, with links to `files` beside it."""
    kept, _ = golden.versions(golden.FOLDER)
    forms = {event.type: sum(one.event == event.type for one in kept) for event in events}
    parts = [
        f'<section id="{stream.name}"><h2>{stream.name}</h2>{"".join(_event(event, forms[event.type]) for event in own)}</section>'
        for stream in STREAMS
        if (own := [event for event in events if event.stream == stream.name])
    ]
    links = "".join(f'<li><a href="{escape(name)}">{escape(name)}</a></li>' for name in files)
    headers = escape(json.dumps(docs.HEADERS, indent=1))
    return (
        '<!doctype html><html lang="id"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
        f"<title>{escape(' / '.join(WORDS['title']))}</title><style>{STYLE}</style></head><body><h1>{words('title')}</h1>"
        f'<label for="find">{words("search")}</label><input id="find" type="search">'
        f"<details><summary>{words('headers')}</summary><pre>{headers}</pre></details>"
        f"<details><summary>{words('files')}</summary><ul>{links}</ul></details>{''.join(parts)}<script>{SCRIPT}</script></body></html>\n"
    )


def _event(event: type[Event], forms: int) -> str:
    document = golden.schema(event)
    stem = event.type.rpartition(".v")[0]
    majors = sorted((other for other in BY_TYPE if other.rpartition(".v")[0] == stem), key=lambda other: int(other.rpartition(".v")[2]))
    linked = ", ".join(f'<a href="#{other}">v{other.rpartition(".v")[2]}</a>' for other in majors)
    facts = {
        "says": escape(event.producer),
        "reads": _readers(event),
        "subject": "<br>".join(f"<code>{escape(subject.replace('*', '<agency>'))}</code>" for subject in golden.subjects(event)),
        "stream": event.stream,
        "versions": f"{linked}; {forms} {words('kept')}",
    }
    listed = "".join(f"<dt>{words(name)}</dt><dd>{said}</dd>" for name, said in facts.items())
    example = json.dumps(json.loads(golden.sample(event).model_dump_json()), indent=1, ensure_ascii=False)
    head = "".join(f"<th>{words(name)}</th>" for name in ("field", "form", "needed", "meaning"))
    return (
        f'<details class="event" id="{event.type}"><summary><b>{event.type}</b> {escape(_summary(event))}</summary><dl>{listed}</dl>'
        f'<h3>{words("fields")}</h3><div class="scroll"><table><tr>{head}</tr>{"".join(fields(document, document, ""))}</table></div>'
        f"<h3>{words('example')}</h3><pre>{escape(example)}</pre>"
        f"<details><summary>{words('schema')}</summary><pre>{escape(json.dumps(document, indent=1, ensure_ascii=False))}</pre></details></details>"
    )


def _summary(event: type[Event]) -> str:
    return " ".join((event.__doc__ or "").split())


def _readers(event: type[Event]) -> str:
    outside = {"RECEIPTS": "agency", "AGENCIES": "agency", "PUBLIC": "anyone"}.get(event.stream)
    readers = [escape(", ".join(event.read_by))] if event.read_by else []
    return "; ".join([*readers, *([words(outside)] if outside else [])]) or words("nobody")


def fields(node: dict[str, Any], document: dict[str, Any], above: str) -> Iterable[str]:
    """A row for each field, those of what it holds after it."""
    for name, field in node.get("properties", {}).items():
        forms = [_resolved(form, document) for form in field.get("anyOf", [field])]
        inner = [_resolved(form["items"], document) if "items" in form else form for form in forms]
        meaning = field.get("description") or next((form["description"] for form in (*forms, *inner) if "description" in form), "")
        cells = f"<td><code>{escape(above + name)}</code></td><td>{' / '.join(map(_form, forms, inner))}</td>"
        yield f"<tr>{cells}<td>{'✓' if name in node.get('required', ()) else ''}</td><td>{escape(meaning)}</td></tr>"
        for form, held in zip(forms, inner, strict=True):
            yield from fields(held, document, f"{above}{name}{'[]' if 'items' in form else ''}.")


def _form(form: dict[str, Any], held: dict[str, Any]) -> str:
    said = str(form.get("format") or form.get("type", ""))
    if codes := held.get("enum", held.get("x-codes")):
        said = ", ".join(map(str, codes)) + (f" ({WORDS['open'][0]} / {WORDS['open'][1]})" if "x-codes" in held else "")
    elif pattern := held.get("pattern"):
        said = str(pattern)
    return escape(f"{said} []" if "items" in form else said)


def _resolved(node: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    return document["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
