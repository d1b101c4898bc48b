"""Loads an instrument's validated wording from the operator's text file into assessment's store."""

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
from assessment import definitions
from assessment.definitions import Definition, Language

OPERATOR = UUID(int=0)  # whoever has the store's credentials
FIND = "SELECT definition::text FROM instrument WHERE code = $1 AND version = $2 AND definition IS NOT NULL"
KEEP = """
    INSERT INTO wording (code, version, language, texts, source, loaded_by, loaded_at) VALUES ($1, $2, $3, $4::jsonb, $5, $6, now())
    ON CONFLICT (code, version, language) DO UPDATE SET texts = excluded.texts, source = excluded.source, loaded_by = excluded.loaded_by,
        loaded_at = excluded.loaded_at"""
WRONG = {"missing": "no text", "unknown_item": "no such item"}
HEAD = ("instrument", "version", "language", "source")


class WordingError(Exception):
    """The file is not a wording of an instrument that is known; the message says where."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The wording of one version in one language: a text for each item, and where it is from."""

    code: str
    version: int
    language: Language
    source: str
    texts: dict[str, str]


def read(path: Path) -> Wording:
    """A file of lines `item: text`, after the lines instrument, version, language and source; `#` begins a comment. Raises WordingError."""
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, text = line.partition(":")
        if not colon or not text.strip() or name.strip() in found:
            message = f"line {number}: write one line `item: text` for each item"
            raise WordingError(message)
        found[name.strip()] = text.strip()
    if lacking := [name for name in HEAD if name not in found]:
        message = f"the file does not say: {', '.join(lacking)}"
        raise WordingError(message)
    code, version, language, source = (found.pop(name) for name in HEAD)
    if not version.isdecimal() or language not in set(Language):
        message = f"version is a number, and language one of {', '.join(Language)}"
        raise WordingError(message)
    return Wording(code, int(version), Language(language), source, found)


async def load(url: str, wording: Wording) -> None:
    """Keep the wording in assessment's store, in the place of an earlier one. Raises WordingError when it does not fit the instrument."""
    connection = await asyncpg.connect(url)
    try:
        definition = await _definition(connection, wording)
        wrong = [f"{code}: {WRONG[problem]}" for code, problem in definitions.misfits(definition, wording.texts)]
        if definition.own_wording or wrong:
            raise WordingError("; ".join(wrong) or "this instrument is worded by its definition")
        key = (wording.code, wording.version, wording.language.value)
        await connection.execute(KEEP, *key, json.dumps(wording.texts), wording.source, OPERATOR)
    finally:
        await connection.close()


async def _definition(connection: asyncpg.Connection, wording: Wording) -> Definition:
    if content := await connection.fetchval(FIND, wording.code, wording.version):
        return definitions.read(content)
    for definition in definitions.shipped():
        if (definition.code, definition.version) == (wording.code, wording.version):
            return definition
    message = f"no instrument {wording.code} of version {wording.version}"
    raise WordingError(message)
