"""The texts that leave the platform: versioned data, a language and a channel each, with inputs from a closed list that holds nothing personal.

A file that asks for more is refused when it is read, by name: what a template cannot name can never get into a message.
"""

import re
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from notifications.channels import sms

DEFAULT = Path(__file__).with_name("templates.json")
# A survivor's message has none at all: her code word is put before it by who sends, and stands in no template.
INPUTS: dict[str, frozenset[str]] = {
    "survivor": frozenset(),
    "officer": frozenset({"count", "link"}),
    # Of a session there is what comes from closed lists, and links; what its announcer wrote stands behind the link.
    "public": frozenset({"title", "place", "when", "link", "stop"}),
}
SUBJECT = "Info"
ASKING = "prevention_confirm"
LATER = frozenset({"phone", ASKING, "prevention_announced", "prevention_cancelled"})  # the first release had none of these
LONGEST_CODE_WORD = 20
LINK = re.compile(r"https?:|www\.|[a-z0-9-]+\.(?:com|id|org|net|go)\b", re.IGNORECASE)
# What would tell whoever reads her messages what they are about (DOMAIN section 8).
TELLING = re.compile(
    r"naungan|rumah aman|shelter|panti|dinsos|dppapp|uptd?\b|p2tp2a|polisi|police|kasus|case|korban|victim|survivor|penyintas|kekerasan|violence|abuse"
    r"|asesmen|assessment|peksos|konselor|counsel|pengadilan|court",
    re.IGNORECASE,
)


class Sendable(StrEnum):
    """The channels that a text can be written for."""

    SMS = "sms"
    WHATSAPP = "whatsapp"
    EMAIL = "email"


Texts = dict[Sendable, str]


class Template(BaseModel):
    """One message in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    audience: Literal["survivor", "officer", "public"]
    id: Texts = Field(min_length=1)
    en: Texts = Field(min_length=1)


class Templates(BaseModel):
    """All messages; raise `version` with every change, for it is kept with what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    source: str
    templates: dict[str, Template]

    @model_validator(mode="after")
    def nothing_gets_in(self) -> "Templates":
        """Refuse what names an input that is not on the list, or says to a survivor's phone what it must not say."""
        for name, template in self.templates.items():
            if template.id.keys() != template.en.keys():
                _refuse(name, "has not the same channels in both languages")
            for texts in (template.id, template.en):
                for channel, text in texts.items():
                    _check(name, template.audience, channel, text)
        return self

    def of(self, audience: str) -> list[str]:
        """The names of the messages for an audience."""
        return sorted(name for name, template in self.templates.items() if template.audience == audience)

    def text(self, name: str, language: str, channel: str, **values: str | int) -> str | None:
        """The text of a message; None where it is not written for this channel. Raises KeyError for a message or an input that is not there."""
        template = self.templates[name]
        texts = template.en if language == "en" else template.id
        found = texts.get(Sendable(channel))
        return None if found is None else found.format(**values)


def load(file: Path) -> Templates:
    """The templates in a file. Raises ValueError naming the template and what is wrong with it."""
    read = Templates.model_validate_json(file.read_bytes())
    if missing := LATER - read.templates.keys():
        # A file from before there were these goes on as it is.
        ours = Templates.model_validate_json(DEFAULT.read_bytes()).templates
        return read.model_copy(update={"templates": read.templates | {name: ours[name] for name in sorted(missing)}})
    return read


def _check(name: str, audience: str, channel: str, text: str) -> None:
    for _, wanted, spec, conversion in Formatter().parse(text):
        if wanted is None:
            continue
        if wanted not in INPUTS[audience] or spec or conversion:
            _refuse(name, f"names {{{wanted}}}: for {audience}s there is {', '.join(sorted(INPUTS[audience])) or 'no input'}")
    if audience == "public" and ("{link}" if name == ASKING else "{stop}") not in text:
        _refuse(name, "has no {link} by which she agrees" if name == ASKING else "has no {stop} by which it ends")
    if audience != "survivor":
        return
    if (found := TELLING.search(text)) or (found := LINK.search(text)):
        _refuse(name, f"says {found.group()!r}, which tells whoever reads it what it is about, or makes a preview")
    if channel == Sendable.SMS and sms.size_of(f"{'m' * LONGEST_CODE_WORD}. {text}").parts > 1:
        _refuse(name, "does not fit into one SMS with a code word")


def _refuse(name: str, why: str) -> None:
    message = f"template {name} {why}"
    raise ValueError(message)
