"""Makes the secrets of a compose deployment: each container's own volume holds what that container may know, and nothing else.

Runs once before everything, as root, so that it can hand each file to the user that reads it; what exists already is kept.
"""

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from contracts.streams import SERVICES

from ops.edge import hub
from ops.nats_users import authorization

ROOT = Path("/secrets")
USER = 10001  # the unprivileged user of our own containers
CONFIG = """server_name: {name}
listen: "0.0.0.0:4222"
http: "0.0.0.0:8222"
max_payload: 1MB
websocket {{ listen: "0.0.0.0:8081", no_tls: true }}
jetstream {{ store_dir: "/data", sync_interval: always, cipher: chacha, key: "{key}", max_file: {size} }}
{users}{cluster}"""
# Only who knows the password is taken for a broker of this cluster; it travels on the inside network alone.
CLUSTER = """cluster {{
  name: naungan
  listen: "0.0.0.0:6222"
  # A broker that is heard but hears nobody keeps the others from choosing a leader until its silence is noticed: by default after a minute and more.
  ping_interval: "5s"
  ping_max: 2
  authorization {{ user: broker, password: "{password}", timeout: 2 }}
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


def broker_config(name: str, brokers: Sequence[str], users: str) -> str:
    """The configuration of one broker: alone, or as one of a cluster whose members know each other by a password."""
    cluster = ""
    if len(brokers) > 1:
        password = made("cluster", "password")
        routes = ", ".join(f'"nats-route://broker:{password}@{broker}:6222"' for broker in brokers if broker != name)
        cluster = CLUSTER.format(password=password, routes=routes)
    size, server_name = os.environ.get("NATS_MAX_FILE", "64G"), name if len(brokers) > 1 else "naungan"
    return CONFIG.format(name=server_name, key=made(name, "key"), size=size, users=users, cluster=cluster)


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
    known = ROOT / "agencies" / "agencies.json"
    have = json.loads(known.read_text()) if known.exists() else {}
    have = {agency: have.get(agency) or secrets.token_urlsafe(24) for agency in agencies}
    known.write_text(json.dumps(have))
    os.chown(known, USER, USER)
    known.chmod(0o400)
    sites = hub.sites(os.environ.get("EDGES", ""))
    passwords |= {site.user: made("agencies", site.user) for site in sites}
    users = authorization(passwords | have, agencies, sites) + hub.listener("0.0.0.0:7422", sites)
    brokers = os.environ.get("NATS_BROKERS", "nats").split(",")
    for broker in brokers:
        config = ROOT / broker / "nats.conf"
        config.write_text(broker_config(broker, brokers, users))
        os.chown(config, USER, USER)
        config.chmod(0o400)
    for folder in (Path("/data"), *Path("/").glob("data-*"), *ROOT.iterdir()):
        os.chown(folder, USER, USER)


if __name__ == "__main__":
    main()
