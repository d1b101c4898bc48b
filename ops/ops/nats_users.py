"""Who may do what on NATS: accounts and users of the services, the provisioner and the agencies, as the server's configuration.

Each agency has an account of its own and reaches the platform's by a closed list of imports: with everybody in one account an agency could name
another's subject as where an answer is to go, and so have the broker publish there in its stead (decision 26).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts import replay, streams
from contracts.access import AccessListed

from ops.edge import hub

SERVICES = streams.SERVICES
HUB = "NAUNGAN"  # the account of the platform itself, which has all the streams
PROVISIONER, KEEPER = "provisioner", "keeper"
# Names that are not an agency's: a user of such a name is there already, or is the server's own.
TAKEN = frozenset({*SERVICES, PROVISIONER, KEEPER, "broker"})
CODE = re.compile(r"[a-z][a-z0-9-]{1,30}\Z")
PASSWORD = re.compile(r"[A-Za-z0-9_-]+\Z")
PUBLIC_KEY = re.compile(r"U[A-Z2-7]{55}\Z")

# What an agency may take of the broker; whatever is more is refused to it alone.
MOST_CONNECTIONS = 16
MOST_SUBSCRIPTIONS = 100
MOST_BYTES = 2**20
NOBODY = "nobody.answers"


@dataclass(frozen=True, slots=True)
class Login:
    """One way in for an agency: a user name with a password, or the public half of an NKEY."""

    user: str = ""
    password: str = ""
    public_key: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Whoever is outside: what it calls of the platform's account and hears of it, and by what it comes in."""

    name: str
    calls: Sequence[str]
    heard: Sequence[str]
    logins: Sequence[Login]


def _durable_calls(durables: Iterable[streams.Durable]) -> list[str]:
    """What pulling from durables takes."""
    calls: list[str] = []
    for durable in durables:
        where = f"{durable.stream}.{durable.name}"
        calls += [f"$JS.API.CONSUMER.MSG.NEXT.{where}", f"$JS.API.CONSUMER.INFO.{where}", f"$JS.ACK.{where}.>"]
    return calls


def _looked_into(service: str) -> list[str]:
    """The streams that a service reads from any place on: it compares what it said, and what it has taken, with what they hold.

    Not those of which it erases what it has taken.
    """
    followed = {durable.stream for durable in streams.durables_of(service)}
    return sorted({*streams.said_on(service), *(followed - streams.ERASED)})


def service_permissions(service: str) -> tuple[list[str], list[str]]:
    """What a service may publish and subscribe: its own facts, its durables, and a look at the streams it fills."""
    said = streams.said_on(service)
    publish = [subject for subjects in said.values() for subject in subjects]
    publish += streams.handed_over_by(service)
    publish += _durable_calls(streams.durables_of(service))
    for stream in _looked_into(service):
        publish += [
            f"$JS.API.STREAM.INFO.{stream}",
            f"$JS.API.CONSUMER.CREATE.{stream}.>",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*",
            f"$JS.API.CONSUMER.DELETE.{stream}.*",
        ]
    followed = {durable.stream for durable in streams.durables_of(service)}
    if "REFERRALS" in followed:
        # One durable for each agency, of whom there are ever more; nobody else reads this stream.
        publish += [
            "$JS.API.CONSUMER.NAMES.REFERRALS",
            "$JS.API.CONSUMER.MSG.NEXT.REFERRALS.*",
            "$JS.API.CONSUMER.INFO.REFERRALS.*",
            "$JS.ACK.REFERRALS.>",
        ]
    publish += [f"$JS.API.STREAM.MSG.DELETE.{stream}" for stream in sorted(followed & streams.ERASED)]
    publish.append(f"$JS.API.STREAM.MSG.GET.{AccessListed.stream}")
    return publish, [f"_INBOX_{service}.>", AccessListed.type, *answered_by(service)]


def answered_by(service: str) -> list[str]:
    """On which subjects a service is asked, and may answer whoever asks: intake, what an agency was told."""
    return [replay.subject("*")] if service == "intake" else []


def service_denied(service: str, agencies: Iterable[str], sites: Iterable[hub.Site] = ()) -> list[str]:
    """What stays refused where a service may make consumers to read by: to touch a durable, its own included, or to pull from another's."""
    durables = [durable for name in SERVICES for durable in streams.durables_of(name)]
    durables += [durable for agency in agencies for durable in streams.durables_of_agency(agency)]
    durables += [site.durable for site in sites]
    own = set(streams.durables_of(service))
    denied: list[str] = []
    for durable in durables:
        if durable.stream not in _looked_into(service):
            continue
        where = f"{durable.stream}.{durable.name}"
        denied += [f"$JS.API.CONSUMER.CREATE.{where}", f"$JS.API.CONSUMER.CREATE.{where}.>", f"$JS.API.CONSUMER.DELETE.{where}"]
        if durable not in own:
            denied.append(f"$JS.API.CONSUMER.MSG.NEXT.{where}")
    return denied


def agency_permissions(agency: str) -> tuple[list[str], list[str]]:
    """What an agency may: submit its own referrals, read its own receipts and its own feed, ask for it again, and nothing else."""
    publish = [f"referral.{agency}.>", replay.subject(agency), *_durable_calls(streams.durables_of_agency(agency))]
    return publish, [f"receipt.{agency}.>", f"agency.{agency}.>", f"_INBOX_{agency}.>"]


def authorization(passwords: Mapping[str, str], agencies: Iterable[str], sites: Iterable[hub.Site] = ()) -> str:
    """The accounts for the services, the provisioner, these agencies and their sites, each under its name for a user and one password. Raises as `accounts` does."""
    return accounts(passwords, {agency: [Login(agency, passwords[agency])] for agency in agencies}, sites)


def accounts(passwords: Mapping[str, str], agencies: Mapping[str, Sequence[Login]], sites: Iterable[hub.Site] = ()) -> str:
    """The `accounts` block; an agency without a login is nobody's way in, nor are its sites, and its durables stay what nobody else may touch.

    `passwords` has one for each service, the provisioner, each of the `sites` at the edge and, where there is one, the keeper. Raises KeyError when one is missing (a user
    without a password is never written) and ValueError for a code, password or key that would change the configuration's meaning.
    """
    sites = list(sites)
    for agency in agencies:
        # A dot or a wildcard in a code would widen what it may do; a service's name would be a second user of that name.
        if not CODE.match(agency) or agency in TAKEN:
            message = f"not an agency code: {agency!r}"
            raise ValueError(message)
    users = [
        _user(Login(name, passwords[name]), *service_permissions(name), service_denied(name, agencies, sites), answers=bool(answered_by(name)))
        for name in SERVICES
    ]
    users.append(_user(Login(PROVISIONER, passwords[PROVISIONER]), ["$JS.API.>", AccessListed.type], [f"_INBOX_{PROVISIONER}.>"]))
    outside = [_agency(agency, logins) for agency, logins in agencies.items() if logins]
    outside += [_site(site, passwords[site.user]) for site in sites if agencies.get(site.agency)]
    exports = [f'{{ service: "{NOBODY}" }}', *(line for account in outside for line in _exports(account))]
    blocks = [f"{HUB} {{\n    jetstream: enabled\n    users = [\n{_lines(users)}\n    ]\n    exports = [\n{_lines(exports)}\n    ]\n  }}"]
    blocks += [_block(account) for account in outside]
    if KEEPER in passwords:
        calls = ["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.*.RELOAD"]
        blocks.append(f"$SYS {{\n    users = [\n{_lines([_user(Login(KEEPER, passwords[KEEPER]), calls, [f'_INBOX_{KEEPER}.>'])])}\n    ]\n  }}")
    return "accounts {\n  " + "\n  ".join(blocks) + "\n}\n"


def _agency(agency: str, logins: Sequence[Login]) -> Account:
    calls, heard = agency_permissions(agency)
    return Account(f"agency-{agency}", calls, [subject for subject in heard if not subject.startswith("_INBOX_")], logins)


def _site(site: hub.Site, password: str) -> Account:
    return Account(site.user, site.calls, [site.delivery], [Login(site.user, password)])


def _exports(account: Account) -> list[str]:
    """What the platform's account lets this one alone reach and hear."""
    only = f'accounts: ["{account.name}"]'
    # One pull is answered by many messages.
    calls = [f'{{ service: "{subject}", {"response_type: stream, " if ".MSG.NEXT." in subject else ""}{only} }}' for subject in account.calls]
    return calls + [f'{{ stream: "{subject}", {only} }}' for subject in account.heard]


def _block(account: Account) -> str:
    """An account: its logins, its limits, and its imports, which are all that it reaches of the platform's."""
    imports = [f'{{ service: {{ account: {HUB}, subject: "{subject}" }} }}' for subject in account.calls]
    imports += [f'{{ stream: {{ account: {HUB}, subject: "{subject}" }} }}' for subject in account.heard]
    # The server gives an account the whole of the JetStream API for itself, beside what it imports, unless this subject is imported too; nobody may ask it.
    imports.append(f'{{ service: {{ account: {HUB}, subject: "{NOBODY}" }}, to: "$JS.API.INFO" }}')
    limits = f"max_connections: {MOST_CONNECTIONS}, max_subscriptions: {MOST_SUBSCRIPTIONS}, max_payload: {MOST_BYTES}"
    inboxes = f"_INBOX_{account.name.removeprefix('agency-')}.>"
    users = [_user(login, account.calls, [*account.heard, inboxes]) for login in account.logins]
    return f'"{account.name}" {{\n    limits {{ {limits} }}\n    users = [\n{_lines(users)}\n    ]\n    imports = [\n{_lines(imports)}\n    ]\n  }}'


def _lines(entries: Sequence[str]) -> str:
    return ",\n".join(f"      {entry}" for entry in entries)


def _user(login: Login, publish: Sequence[str], subscribe: Sequence[str], denied: Sequence[str] = (), *, answers: bool = False) -> str:
    """A user; one that `answers` may publish once where somebody who asked it waits."""
    if login.public_key and not PUBLIC_KEY.match(login.public_key):
        message = f"not the public key of a user: {login.public_key!r}"
        raise ValueError(message)
    if not login.public_key and not PASSWORD.match(login.password):
        message = f"the password of {login.user} holds characters that are not allowed"
        raise ValueError(message)

    def quoted(subjects: Sequence[str]) -> str:
        return ", ".join(f'"{subject}"' for subject in subjects)

    who = f'nkey: "{login.public_key}"' if login.public_key else f'user: "{login.user}", password: "{login.password}"'
    deny = f", deny: [{quoted(denied)}]" if denied else ""
    responses = ', allow_responses: { max: 1, expires: "2m" }' if answers else ""
    return (
        f"{{ {who}, permissions: {{ publish: {{ allow: [{quoted(publish)}]{deny} }}, subscribe: {{ allow: [{quoted(subscribe)}] }}{responses} }} }}"
    )
