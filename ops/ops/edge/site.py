"""A site's folder: the configuration of its leaf node, who may connect there, and a compose file to run both; made once, kept by the office."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from ops.edge.hub import SITE, Site

CONFIG = """server_name: {user}
listen: "{listen}"
max_payload: 1MB
# A link that was cut is noticed within half a minute, and then made anew as soon as that can be.
ping_interval: "10s"
ping_max: 2
authorization {{
  users = [
    {{ user: "agent", password: "{agent}", permissions: {{ publish: {{ allow: [{publish}, "_INBOX_office.>"] }}, subscribe: {{ allow: ["edge.*", "{delivery}", "{inbox}"] }} }} }},
    {{ user: "office", password: "{office}", permissions: {{
        publish: {{ allow: ["edge.submit", "edge.status", "edge.keys"] }}, subscribe: {{ allow: ["_INBOX_office.>"] }} }} }}
  ]
}}
leafnodes {{
  reconnect: "1s"
  remotes = [ {{ url: "{hub}"{tls}, deny_exports: ["edge.>", "_INBOX_office.>"], deny_imports: ["edge.>", "_INBOX_office.>"] }} ]
}}
"""
COMPOSE = """# docker compose up -d       in this folder
name: naungan-edge
services:
  nats:
    image: nats:2.15.1
    command: [--config, {folder}/nats.conf]
    restart: unless-stopped
    network_mode: host
    volumes: ["{folder}:{folder}"]
  agent:
    image: naungan:local
    command: [python, -m, ops.edge, run, {folder}, --server, "nats://{listen}"]
    user: "0:0"
    restart: unless-stopped
    network_mode: host
    volumes: ["{folder}:{folder}"]
"""


@dataclass(frozen=True, slots=True)
class Made:
    """What a site's folder says."""

    site: Site
    facts: Mapping[str, Any]


def make(folder: Path, told: str, hub: str, password: str, *, call: str, keys_url: str | None, listen: str, ca: Path | None = None) -> Made:
    """Write the folder of a site (`agency:site`). Raises ValueError for a wrong name, a hub that is no URL, or a folder that has one already.

    `hub` is the URL of the platform's leaf node listener, `password` that of the site's user there.
    """
    match, parts = SITE.match(told), urlsplit(hub)
    if match is None or not parts.hostname:
        message = "a site is agency:site, and its platform a URL as tls://naungan.example:7422"
        raise ValueError(message)
    if (folder / "edge.json").exists():
        message = f"{folder} is the folder of a site already"
        raise ValueError(message)
    site = Site(match["agency"], match["site"])
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    facts = {
        "site": told,
        "agent": secrets.token_urlsafe(24),
        "office": secrets.token_urlsafe(24),
        "call": call,
        "keys_url": keys_url,
        "listen": listen,
    }
    where = parts._replace(netloc=f"{quote(site.user)}:{quote(password)}@{parts.netloc}")
    _write(folder / "nats.conf", config(site, facts, urlunsplit(where), ca))
    _write(folder / "compose.yml", COMPOSE.format(folder=folder, listen=listen))
    _write(folder / "edge.json", json.dumps(facts, indent=1) + "\n")
    return Made(site, facts)


def read(folder: Path) -> Made:
    """What was made in a folder. Raises ValueError when nothing was."""
    if not (folder / "edge.json").exists():
        message = f"{folder} is no site's folder: naungan edge init makes one"
        raise ValueError(message)
    facts = json.loads((folder / "edge.json").read_text())
    match = SITE.match(facts["site"])
    assert match is not None  # noqa: S101 - it was checked when it was made
    return Made(Site(match["agency"], match["site"]), facts)


def config(site: Site, facts: Mapping[str, Any], hub: str, ca: Path | None) -> str:
    """The leaf node's configuration: it stores nothing itself, the queue does."""
    where = f"{site.durable.stream}.{site.durable.name}"
    publish = ", ".join(f'"{subject}"' for subject in (site.subject, f"$JS.ACK.{where}.>"))
    return CONFIG.format(
        user=site.user,
        listen=facts["listen"],
        agent=facts["agent"],
        office=facts["office"],
        publish=publish,
        inbox=f"_INBOX_{site.user}.>",
        delivery=site.delivery,
        hub=hub,
        tls=f', tls: {{ ca_file: "{ca}" }}' if ca else "",
    )


def _write(path: Path, content: str) -> None:
    path.touch(mode=0o600)
    path.write_text(content)
