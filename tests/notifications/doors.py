"""What messages to survivors are sent to, as real servers on loopback: a gateway and a mail server; and the rules that intake would hand over."""

import json
import secrets
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

from aiosmtpd.controller import Controller
from contracts.handover import SEALING_SUBJECT, ContactHandedOver, SafeContact
from intake.handing_over.sending import sealed
from ops.processes import free_port
from standardwebhooks import Webhook

from tests.notifications.events import reported
from tests.notifications.receivers import Receiver
from tests.rig import Rig

S = "notifications"
ALWAYS = ({"days": [1, 2, 3, 4, 5, 6, 7], "begins": "00:00", "ends": "00:00"},)
SECRET = f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"
DESK = {"role": "intake_officer", "agency": "dinsos"}


class Gateway(Receiver):
    """A gateway for SMS or WhatsApp."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What it was given, each with a signature that holds."""
        found = []
        for headers, body in self.got:
            Webhook(SECRET).verify(body, headers)
            found.append(json.loads(body))
        return found


def through(gateway: Receiver, *channels: str) -> dict[str, Any]:
    """The setting by which these channels go through a gateway."""
    return {"gateways": {channel: {"url": gateway.url, "secret": SECRET} for channel in channels}}


class Mailbox:
    """A mail server; `answer` is what it says to the text, `refused` whom it does not take."""

    def __init__(self, answer: str = "250 taken", refused: str = "") -> None:
        self.got: list[tuple[str, str]] = []
        self.answer, self.refused, self.names = answer, refused, set[str]()
        mailbox = self

        class Handler:
            async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> list[str]:  # noqa: ARG002, N802 - as aiosmtpd calls it
                mailbox.names.add(hostname)
                session.host_name = hostname
                return responses

            async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: ARG002, N802 - as aiosmtpd calls it
                if mailbox.refused and mailbox.refused in address:
                    return "550 nobody here"
                envelope.rcpt_tos.append(address)
                return "250 fine"

            async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802 - as aiosmtpd calls it
                if mailbox.answer.startswith("250"):
                    mailbox.got.append((envelope.rcpt_tos[0], envelope.content.decode()))
                return mailbox.answer

        self.port = free_port()
        self.controller = Controller(Handler(), hostname="127.0.0.1", port=self.port, ready_timeout=20)

    def __enter__(self) -> Self:
        self.controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.controller.stop()

    @property
    def setting(self) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": self.port, "security": "none", "sender": "info@surat.test"}


async def key_of(rig: Rig) -> dict[str, str]:
    """The newest key that notifications offered."""
    found: list[dict[str, str]] = []

    async def offered() -> bool:
        rows = await rig.sql(S, "SELECT body FROM outbox WHERE subject = :keys ORDER BY position", keys=SEALING_SUBJECT)
        found[:] = [json.loads(row.body) for row in rows]
        return bool(found)

    await rig.until(offered)
    return found[-1]


def a_contact(person: UUID, case: UUID, *channels: tuple[str, str], revision: int = 1, hours: Any = ALWAYS, **known: Any) -> SafeContact:
    told = [{"channel": channel, "address": address, "hours": hours} for channel, address in channels or (("sms", "+628110000001"),)]
    values = {"asked_at": datetime.now(UTC), **known}
    return SafeContact.model_validate({"person_id": person, "case_id": case, "revision": revision, "channels": told, **values})


async def hand_over(rig: Rig, contact: SafeContact, key: dict[str, str] | None = None, **changes: Any) -> None:
    """What intake would send of these rules."""
    offered = key or await key_of(rig)
    jwe = sealed(contact.model_dump_json(), offered["kid"], offered["public_key"])
    fact = ContactHandedOver(**{"person_id": contact.person_id, "case_id": contact.case_id, "revision": contact.revision, "sealed": jwe, **changes})
    await rig.say(fact, subject=contact.case_id)


async def a_survivor(rig: Rig, *channels: tuple[str, str], **known: Any) -> tuple[UUID, UUID]:
    """A survivor of a case of dinsos with these channels; her id and the case's."""
    person, case = uuid4(), uuid4()
    await rig.say(reported(), subject=case)
    await hand_over(rig, a_contact(person, case, *channels, **known))
    await rig.settle()
    return person, case


async def ask(rig: Rig, person: UUID, **body: Any) -> dict[str, Any]:
    """An officer asks for a message."""
    answer = await rig.post(S, f"/persons/{person}/messages", json={"purpose": "contact", **body}, **DESK)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def states(rig: Rig) -> list[tuple[str | None, str, str | None]]:
    return [tuple(row) for row in await rig.sql(S, "SELECT channel, state, reason FROM survivor_message ORDER BY asked_at, id, step")]


async def until_ended(rig: Rig) -> list[tuple[str | None, str, str | None]]:
    """Wait until nothing is planned for now or in hand; what became of the messages."""

    async def ended() -> bool:
        skew = rig.services[S].database.skew.total_seconds()
        (row,) = await rig.sql(
            S,
            "SELECT count(*) AS n FROM survivor_message WHERE state = 'claimed' OR (state = 'planned' AND due <= clock_timestamp() + make_interval(secs => :skew))",
            skew=skew,
        )
        return row.n == 0

    await rig.until(ended)
    await rig.settle()
    return await states(rig)
