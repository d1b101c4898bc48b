"""The ways out that an operator has set up, and what came of one sending: the difference between "not sent" and "maybe sent" is kept at each step.

SMTP (RFC 5321) is spoken step by step, because only then it is known whether the text had left when something went wrong; libraries that answer yes or no,
as Apprise does, cannot tell. A gateway for SMS or WhatsApp is any HTTP server that takes the JSON below, signed as Standard Webhooks: the operator's own
modem, a provider's adapter. There is none by default, and nothing foreign.
"""

import asyncio
import email.policy
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

import aiosmtplib
import httpx
import structlog
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr
from standardwebhooks import Webhook

from notifications.channels import sms
from notifications.channels.templates import SUBJECT

log = structlog.get_logger()

ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")
TEMPORARY = range(400, 500)
AGAIN = frozenset({429, 503})
CONNECT_WITHIN = 5.0
UNFOLDED = email.policy.default.clone(max_line_length=200)  # a link stays in one piece, also in a header
KNOWN_THERE = 409  # it has this id already


class Outcome(StrEnum):
    """What came of one sending."""

    TAKEN = "taken"
    NOT_TAKEN = "not_taken"  # surely nothing left: it may be tried again
    REFUSED = "refused"  # surely nothing left, and trying again would not help
    UNKNOWN = "unknown"  # it may have left


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one sending, with a code of why; never what the other side said, for that quotes numbers."""

    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent: under this id, by this channel, to this address. In hand for as long as one sending lasts, and never logged."""

    id: UUID
    channel: str
    address: str
    text: str
    subject: str = SUBJECT
    unsubscribe: str | None = None  # where one click ends it (RFC 8058); of an e-mail alone


class Smtp(BaseModel):
    """The operator's mail server, and the neutral address that messages come from; no name stands before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: SecretStr | None = None
    sender: str = Field(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$")


class Gateway(BaseModel):
    """An HTTP server of the operator's that sends by a channel; `secret` (whsec_...) signs what it is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl
    secret: SecretStr


@dataclass(slots=True)
class Progress:
    """How far a sending is: whether anything of the text may have left."""

    left: bool = False


Way = Callable[[Letter, Progress], Awaitable[Answer]]


async def by_smtp(server: Smtp, letter: Letter, progress: Progress) -> Answer:
    """Send an e-mail. Whatever goes wrong before the text is handed over means that it was not sent; after that, that it may have been."""
    domain = server.sender.rpartition("@")[2]
    # Its own name would stand in the headers that she gets, and tell what this is.
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=domain,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        timeout=None,
    )
    try:
        try:
            await client.connect()
            if server.user is not None and server.password is not None:
                await client.login(server.user, server.password.get_secret_value())
            await client.mail(server.sender)
            await client.rcpt(letter.address)
        except aiosmtplib.SMTPResponseException as error:
            refused = isinstance(error, (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPSenderRefused)) and error.code not in TEMPORARY
            return Answer(Outcome.REFUSED if refused else Outcome.NOT_TAKEN, f"smtp_{error.code}")
        except (aiosmtplib.SMTPException, OSError) as error:
            return Answer(Outcome.NOT_TAKEN, _name(error))
        progress.left = True
        return await _hand_over(client, server, letter, domain)
    finally:
        client.close()


async def _hand_over(client: aiosmtplib.SMTP, server: Smtp, letter: Letter, domain: str) -> Answer:
    try:
        await client.data(_email(server, letter, domain).as_bytes())
    except aiosmtplib.SMTPResponseException as error:
        # An answer is an answer: it did not take it.
        return Answer(Outcome.NOT_TAKEN if error.code in TEMPORARY else Outcome.REFUSED, f"smtp_{error.code}")
    except (aiosmtplib.SMTPException, OSError) as error:
        return Answer(Outcome.UNKNOWN, _name(error))
    return Answer(Outcome.TAKEN)


def _email(server: Smtp, letter: Letter, domain: str) -> EmailMessage:
    message = EmailMessage(UNFOLDED)
    message["From"], message["To"], message["Subject"] = server.sender, letter.address, letter.subject
    message["Date"], message["Message-ID"] = format_datetime(datetime.now(UTC)), f"<{letter.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # so that no absence note answers (RFC 3834)
    if letter.unsubscribe is not None:
        message["List-Unsubscribe"], message["List-Unsubscribe-Post"] = f"<{letter.unsubscribe}>", "List-Unsubscribe=One-Click"
    message.set_content(letter.text)
    return message


async def by_gateway(client: httpx.AsyncClient, gateway: Gateway, letter: Letter, progress: Progress) -> Answer:
    """Give a message to a gateway. It says 2xx or 409 (it has this id) when it took it, 429 or 503 when it did not yet, 4xx when it never will."""
    body = gateway_body(letter)
    moment = datetime.now(UTC)
    signature = Webhook(gateway.secret.get_secret_value()).sign(str(letter.id), moment, body)
    headers = {
        "content-type": "application/json",
        "webhook-id": str(letter.id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
    }
    progress.left = True
    try:
        answer = await client.post(str(gateway.url), content=body, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Answer(Outcome.NOT_TAKEN, _name(error))
    except httpx.HTTPError as error:
        return Answer(Outcome.UNKNOWN, _name(error))
    return Answer(judged(answer.status_code), None if answer.is_success or answer.status_code == KNOWN_THERE else f"http_{answer.status_code}")


def gateway_body(letter: Letter) -> str:
    """What a gateway is given: no sender's name, and no preview of anything."""
    content: dict[str, object] = {"id": str(letter.id), "channel": letter.channel, "to": letter.address, "text": letter.text, "preview": False}
    if letter.channel == "sms":
        size = sms.size_of(letter.text)
        content |= {"encoding": size.encoding, "parts": size.parts}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def judged(status: int) -> Outcome:
    """What a gateway's status means."""
    if httpx.codes.is_success(status) or status == KNOWN_THERE:
        return Outcome.TAKEN
    if status in AGAIN:
        return Outcome.NOT_TAKEN
    # A server's own fault, or a redirect, leaves open what it did before.
    return Outcome.REFUSED if httpx.codes.is_client_error(status) else Outcome.UNKNOWN


class Ways:
    """The channels that the operator set up; each gives up at its deadline, and says what is known then."""

    def __init__(self, smtp: Smtp | None, gateways: dict[str, Gateway]) -> None:
        self.client = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=CONNECT_WITHIN), follow_redirects=False, trust_env=False, headers={"user-agent": "-"}
        )
        self._ways: dict[str, Way] = {name: self._to_gateway(gateway) for name, gateway in gateways.items()}
        if smtp is not None:
            self._ways["email"] = lambda letter, progress: by_smtp(smtp, letter, progress)

    @property
    def names(self) -> frozenset[str]:
        """The channels that there is a way for."""
        return frozenset(self._ways)

    async def send(self, letter: Letter, deadline: float) -> Answer:
        """Send until a moment of the event loop's clock; never later. What was not begun by then was not sent. It never raises."""
        if asyncio.get_running_loop().time() >= deadline:
            return Answer(Outcome.NOT_TAKEN, "late")
        progress = Progress()
        try:
            async with asyncio.timeout_at(deadline):
                return await self._ways[letter.channel](letter, progress)
        except TimeoutError:
            return Answer(Outcome.UNKNOWN if progress.left else Outcome.NOT_TAKEN, "timeout")
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody knows what had left by then
            log.warning("sending_failed", channel=letter.channel, error=type(error).__name__)
            return Answer(Outcome.UNKNOWN, "error")

    async def close(self) -> None:
        """Close what is open."""
        await self.client.aclose()

    def _to_gateway(self, gateway: Gateway) -> Way:
        return lambda letter, progress: by_gateway(self.client, gateway, letter, progress)


def _name(error: Exception) -> str:
    """The kind of an error as a code."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in type(error).__name__.removeprefix("SMTP")).strip("_")
