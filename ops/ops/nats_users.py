"""Who may do what on NATS: the users of the services, the provisioner and the agencies, as the server's configuration."""

import re
from collections.abc import Iterable, Mapping

from contracts import streams

from ops.edge import hub

SERVICES = streams.SERVICES
CODE = re.compile(r"[a-z][a-z0-9-]{1,30}\Z")
PASSWORD = re.compile(r"[A-Za-z0-9_-]+\Z")


def _durable_calls(durables: Iterable[streams.Durable]) -> list[str]:
    """What pulling from durables takes."""
    calls: list[str] = []
    for durable in durables:
        where = f"{durable.stream}.{durable.name}"
        calls += [f"$JS.API.CONSUMER.MSG.NEXT.{where}", f"$JS.API.CONSUMER.INFO.{where}", f"$JS.ACK.{where}.>"]
    return calls


def service_permissions(service: str) -> tuple[list[str], list[str]]:
    """What a service may publish and subscribe: its own facts, its durables, and a look at the streams it fills."""
    said = streams.said_on(service)
    publish = [subject for subjects in said.values() for subject in subjects]
    publish += streams.handed_over_by(service)
    publish += _durable_calls(streams.durables_of(service))
    # It compares what it said, and what it has taken, with what these streams hold; but for those of which it erases what it has taken.
    followed = {durable.stream for durable in streams.durables_of(service)}
    read = followed - streams.ERASED
    for stream in sorted({*said, *read}):
        publish += [
            f"$JS.API.STREAM.INFO.{stream}",
            f"$JS.API.CONSUMER.CREATE.{stream}.>",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*",
            f"$JS.API.CONSUMER.DELETE.{stream}.*",
        ]
    publish += [f"$JS.API.STREAM.MSG.DELETE.{stream}" for stream in sorted(followed & streams.ERASED)]
    return publish, [f"_INBOX_{service}.>"]


def agency_permissions(agency: str) -> tuple[list[str], list[str]]:
    """What an agency may: submit its own referrals, read its own receipts and its own feed, and nothing else."""
    publish = [f"referral.{agency}.>", *_durable_calls(streams.durables_of_agency(agency))]
    return publish, [f"receipt.{agency}.>", f"agency.{agency}.>", f"_INBOX_{agency}.>"]


def authorization(passwords: Mapping[str, str], agencies: Iterable[str], sites: Iterable[hub.Site] = ()) -> str:
    """The `authorization` block for the services, the provisioner, these agencies and the sites of such agencies at the edge.

    `passwords` has one per user. Raises KeyError when one is missing (a user without a password is never written) and ValueError
    for a code or password that would change the configuration's meaning.
    """
    agencies = list(agencies)
    for agency in agencies:
        # A dot or a wildcard in a code would widen what it may do; a service's name would be a second user of that name.
        if not CODE.match(agency) or agency in {*SERVICES, "provisioner"}:
            message = f"not an agency code: {agency!r}"
            raise ValueError(message)
    users = [_user(service, passwords[service], *service_permissions(service)) for service in SERVICES]
    users.append(_user("provisioner", passwords["provisioner"], ["$JS.API.>"], ["_INBOX_provisioner.>"]))
    users += [_user(agency, passwords[agency], *agency_permissions(agency)) for agency in agencies]
    users += [_user(site.user, passwords[site.user], *hub.permissions(site)) for site in sites]
    return "authorization {\n  users = [\n" + ",\n".join(users) + "\n  ]\n}\n"


def _user(name: str, password: str, publish: list[str], subscribe: list[str]) -> str:
    if not PASSWORD.match(password):
        message = f"the password of {name} holds characters that are not allowed"
        raise ValueError(message)

    def quoted(subjects: list[str]) -> str:
        return ", ".join(f'"{subject}"' for subject in subjects)

    allow = f"publish: {{ allow: [{quoted(publish)}] }}, subscribe: {{ allow: [{quoted(subscribe)}] }}"
    return f'    {{ user: "{name}", password: "{password}", permissions: {{ {allow} }} }}'
