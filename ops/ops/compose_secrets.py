"""Makes the secrets of a compose deployment: each container's own volume holds what that container may know, and nothing else.

Runs once before everything, as root, so that it can hand each file to the user that reads it; what exists already is kept.
"""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.streams import SERVICES

from ops import tls
from ops.agencies import Book
from ops.agency_keeper import Place
from ops.edge import hub
from ops.nats_users import KEEPER

ROOT = Path("/secrets")
USER = 10001  # the unprivileged user of our own containers
CONFIG = """server_name: {name}
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
max_payload: 1MB
tls {{ {certificate} }}
websocket {{ listen: "0.0.0.0:8081", tls {{ {certificate} }} }}
jetstream {{ store_dir: "/data", sync_interval: always, cipher: chacha, key: "{key}", max_file: {size} }}
{leaves}include "../users/users.conf"
{cluster}"""
# As the containers of the brokers see them.
CERTIFICATE = 'cert_file: "/run/secrets/nats.pem", key_file: "/run/secrets/nats.key"'
# Only who knows the password and has a certificate of the authority is taken for a broker of this cluster.
CLUSTER = """cluster {{
  name: naungan
  listen: "0.0.0.0:6222"
  # A broker that is heard but hears nobody keeps the others from choosing a leader until its silence is noticed: by default after a minute and more.
  ping_interval: "5s"
  ping_max: 2
  authorization {{ user: broker, password: "{password}", timeout: 2 }}
  tls {{ {certificate}, ca_file: "/run/secrets/nats_ca.pem", verify: true, timeout: 5 }}
  routes: [{routes}]
}}
"""


def made(folder: str, name: str, content: str | None = None, mode: int = 0o400) -> str:
    """The secret in a file, made at random (or with this content) if it is missing; readable by the containers' user only."""
    path = ROOT / folder / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(content or secrets.token_hex(32))
        os.chown(path, USER, USER)
        path.chmod(mode)
    return path.read_text().strip()


def put(folder: str, name: str, content: str | bytes, mode: int = 0o400) -> None:
    """Write a file anew, readable by the containers' user only."""
    path = ROOT / folder / name
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_bytes(content.encode() if isinstance(content, str) else content)
    os.chown(part, USER, USER)
    part.chmod(mode)
    part.replace(path)


def broker_config(name: str, brokers: Sequence[str], sites: Sequence[hub.Site]) -> str:
    """The configuration of one broker: alone, or as one of a cluster whose members know each other by a password and their certificates."""
    cluster = ""
    if len(brokers) > 1:
        password = made("cluster", "password")
        routes = ", ".join(f'"nats-route://broker:{password}@{broker}:6222"' for broker in brokers if broker != name)
        cluster = CLUSTER.format(password=password, routes=routes, certificate=CERTIFICATE)
    size, server_name = os.environ.get("NATS_MAX_FILE", "64G"), name if len(brokers) > 1 else "naungan"
    return CONFIG.format(
        name=server_name,
        key=made(name, "key"),
        size=size,
        certificate=CERTIFICATE,
        leaves=hub.listener("0.0.0.0:7422", sites, f"tls {{ {CERTIFICATE} }}"),
        cluster=cluster,
    )


def main() -> None:
    """Make every secret that is missing. Agencies (`AGENCIES`, comma-separated) may be added by running it again."""
    agencies = [agency for agency in os.environ["AGENCIES"].split(",") if agency]
    # The image reads it as a user whose number differs between builds; no other container mounts this volume.
    admin = made("postgres", "password", mode=0o444)
    made("migrate", "admin_url", f"postgresql://postgres:{admin}@postgres:5432/postgres")
    passwords = {name: made("migrate", name) for name in SERVICES}
    for service in SERVICES:
        for field, database in (("database_url", service), ("keys_url", f"{service}_keys")):
            made(service, f"{service}_{field}", f"postgresql://{service}:{passwords[service]}@postgres:5432/{database}")
        made(service, f"{service}_nats_password", passwords[service])
        made(service, "kek")
    passwords["provisioner"] = made("provisioner", "provisioner_nats_password")
    sites = hub.sites(os.environ.get("EDGES", ""))
    passwords |= {site.user: made("agencies", site.user) for site in sites}
    _let_in(agencies, passwords | {KEEPER: made("keeper", "password")})
    brokers = os.environ.get("NATS_BROKERS", "nats").split(",")
    _certify(brokers)
    for broker in brokers:
        put(broker, "nats.conf", broker_config(broker, brokers, sites))
    for folder in (Path("/data"), *Path("/").glob("data-*"), *ROOT.iterdir()):
        os.chown(folder, USER, USER)


def _let_in(agencies: Sequence[str], passwords: Mapping[str, str]) -> None:
    """Put agencies that were never on the roster there, with a password that the demo's issuer hands out, and write who may come in."""
    known = ROOT / "agencies" / "agencies.json"
    have = json.loads(known.read_text()) if known.exists() else {}
    have = {agency: have.get(agency) or secrets.token_urlsafe(24) for agency in agencies}
    put("agencies", "agencies.json", json.dumps(have))
    put("keeper", "passwords.json", json.dumps({"passwords": passwords}))
    place = Place(Book(ROOT / "roster", ROOT / "known"), ROOT / "users" / "users.conf", ROOT / "keeper" / "passwords.json", "")
    place.book.begin(have)
    place.write()
    for path in (place.book.path, place.book.path.with_suffix(".lock"), place.book.codes, place.users):
        if path.exists():
            os.chown(path, USER, USER)


def _certify(brokers: Sequence[str]) -> None:
    """Certificates of the local authority for the brokers and the gateway, and the authority's own for whoever connects to them.

    Its key stays in a volume that nothing else mounts. Every broker has all names, so that the gateway may take any for the one that it asks for,
    and those by which it is called from outside, for the sites at the edge.
    """
    outside = os.environ.get("GATEWAY_NAMES", "localhost,127.0.0.1").split(",")
    broker = tls.certificate(ROOT / "ca", ["nats", *(name for name in brokers if name != "nats"), *outside])
    gateway = tls.certificate(ROOT / "ca", outside, "gateway")
    for name in brokers:
        put(name, "nats.pem", broker.certificate.read_bytes())
        put(name, "nats.key", broker.key.read_bytes())
    put("gateway", "gateway.pem", gateway.certificate.read_bytes())
    put("gateway", "gateway.key", gateway.key.read_bytes())
    for reader in (*brokers, *SERVICES, "provisioner", "keeper", "gateway"):
        put(reader, "nats_ca.pem", broker.ca.read_bytes(), 0o444)


if __name__ == "__main__":
    main()
