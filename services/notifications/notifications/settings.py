"""What the operator of notifications may set."""

import json
from datetime import date, time
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal

from chassis import Settings
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from notifications.channels import templates
from notifications.channels.ways import Gateway, Smtp


class PreferencePolicy(BaseModel):
    """What the holders of a role may choose to be told too, and what of what they are told they may turn off; raise `version` with every change.

    Everything else that they are told is compulsory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    source: str
    choosable: dict[str, tuple[str, ...]]
    optional: dict[str, tuple[str, ...]]


class NotificationsSettings(Settings):
    """Settings of notifications."""

    model_config = SettingsConfigDict(
        env_prefix="NOTIFICATIONS_", extra="ignore", secrets_dir="/run/secrets" if Path("/run/secrets").is_dir() else None
    )

    ladder_file: Path = Field(
        default=Path(__file__).parent / "ladder.json",
        description="the first version of the escalation policy (EscalationPolicy as JSON, and `version`)",
    )
    holidays: tuple[date, ...] = Field(default=(), description="days on which offices are closed beside those of the week, as a JSON list of dates")
    unacknowledged_minutes: float = Field(default=30, gt=0, description="until a supervisor hears of an unacknowledged alert or missed clock")
    preferences_file: Path = Field(
        default=Path(__file__).parent / "preferences.json", description="what officers may choose (PreferencePolicy as JSON)"
    )
    merge_minutes: float = Field(default=10, gt=0, description="notices about the same thing within such a span are one")
    prevention_agency: str = Field(default="dppapp", description="the agency that announces prevention sessions and sees where they are needed")
    inbox_page: int = Field(default=100, ge=1, le=1000)
    live_poll_seconds: float = Field(default=0.5, gt=0, description="how often a replica looks for new notices while somebody listens")
    live_minutes: float = Field(default=5, gt=0, description="after which a live inbox ends, so that who listens comes again with a fresh token")
    answer_link_hours: float = Field(default=24, gt=0, description="how long a one-time link to answer a request is good")

    webhook_allow: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="networks (CIDR) that webhooks may go to although they are private, also without TLS; for demos"
    )
    webhook_ca_file: Path | None = Field(default=None, description="certificates (PEM) that are trusted beside the public ones")
    webhook_at_once: int = Field(default=64, ge=1, description="sendings of one replica at the same time, without those that nobody answers soon")
    webhook_slow_seconds: float = Field(default=1, gt=0, description="after which a sending that nobody answered makes room for another")
    webhook_slow_at_once: int = Field(default=512, ge=1, description="sendings of one replica that nobody answered so far, at the same time")
    webhook_hung_seconds: float = Field(
        default=300, gt=0, description="for how long an endpoint that did not answer in time gets one sending at a time"
    )
    webhook_per_endpoint: int = Field(default=2, ge=1, description="of these, to one endpoint")
    webhook_timeout_seconds: float = Field(default=10, gt=0)
    webhook_lease_seconds: float = Field(
        default=60, gt=0, description="after which another replica takes over a sending that never ended; six seconds when its sender is dead"
    )
    webhook_retry_seconds: tuple[float, ...] = Field(
        default=(5, 60, 300, 1800, 7200, 18000, 36000, 36000), description="waiting times between the tries of a delivery"
    )
    webhook_disable_after: int = Field(default=5, ge=1, description="failed deliveries in a row that disable a subscription")
    webhook_poll_seconds: float = Field(default=0.25, gt=0, description="how often the store is asked for due deliveries when it had none")

    smtp: Smtp | None = Field(default=None, description="the mail server, as JSON: host, port, security, user, password, sender; none by default")
    gateways: dict[Literal["sms", "whatsapp"], Gateway] = Field(
        default={}, description="JSON: channel to url and secret (whsec_...); none by default"
    )
    templates_file: Path = Field(default=templates.DEFAULT, description="the texts that leave the platform (Templates as JSON)")
    safe_contact_days: float = Field(default=90, gt=0, description="how long a survivor's rules count; after that she is asked again first")
    message_hours: float = Field(default=72, gt=0, description="how long a message waits for her hours before an officer is asked")
    message_limit_seconds: float = Field(default=20, gt=0, description="how long one sending may last; all of it lies within her hours")
    message_lease_seconds: float = Field(default=60, gt=0, description="after which a sending that never ended counts as maybe sent")
    message_retry_minutes: tuple[float, ...] = Field(default=(1, 5, 15, 60), description="waiting times after sendings that surely did not leave")
    message_gap_minutes: float = Field(default=60, ge=0, description="between two messages to one survivor")
    message_poll_seconds: float = Field(default=1, gt=0, description="how often the store is asked for due messages")
    sealing_key_days: float = Field(default=30, gt=0, description="until a new key is offered to which safe contacts are sealed")
    sealing_key_grace_hours: float = Field(default=24, gt=0, description="until the key before is destroyed")
    failing_tries: int = Field(default=3, ge=1, description="sendings by a channel that failed one after the other until people are told")
    failing_refusals: int = Field(default=10, ge=1, description="the same with those that it refused, which may be the fault of an address")
    failing_minutes: float = Field(default=5, ge=0, description="over at least so long")
    webhook_failing_tries: int = Field(default=5, ge=1, description="the same for the endpoint of a subscription")
    webhook_failing_minutes: float = Field(default=30, ge=0, description="over at least so long")
    inbox_url: str = Field(default="http://127.0.0.1:8080/", description="the link in an officer's e-mail")
    officer_email_minutes: float = Field(default=5, ge=0, description="notices of so long are told in one e-mail")

    links_url: str = Field(default="http://127.0.0.1:8080", description="the gateway as people reach it; stands in links of messages")
    proxies: str = Field(default="127.0.0.1,::1", description="addresses and networks that may say for whom they ask (X-Forwarded-For)")
    prevention_confirm_hours: float = Field(default=48, gt=0, description="how long the link is good by which an address agrees to hear of sessions")
    prevention_asks_here: int = Field(default=20, ge=1, description="addresses that may be given from one place in an hour, without an account")
    prevention_asks_per_hour: int = Field(default=500, ge=1, description="the same from everywhere")
    prevention_opens: time = Field(default=time(8), description="from when on in Jakarta announcements go to contacts")
    prevention_closes: time = Field(default=time(19), description="until when")
    prevention_per_minute: float = Field(default=120, gt=0, description="announcements of one replica in a minute, so that they fill nobody's way")
    prevention_stop_days: float = Field(default=30, gt=0, description="how long an address that stopped is not asked again, by its keyed hash")
    prevention_message_days: float = Field(default=90, gt=0, description="how long what became of a message to a contact is kept")
    delivery_days: float = Field(default=90, gt=0, description="how long the log tells of a delivery that arrived")
    feed_days: float = Field(default=400, gt=0, description="how long an agency's feed can be sent again, and a failed delivery")
    notice_days: float = Field(default=730, gt=0, description="how long a notice is kept after it was acknowledged, and its case ended")
    answer_link_days: float = Field(default=30, gt=0, description="how long it is known that a one-time link was used, or has expired")
    message_days: float = Field(default=365, gt=0, description="how long what became of a message to a survivor is kept; for people to do stays")
    officer_email_days: float = Field(default=90, gt=0, description="how long what became of an e-mail or a text to an officer is kept")

    @cached_property
    def templates(self) -> templates.Templates:
        """The texts, read once."""
        return templates.load(self.templates_file)

    @cached_property
    def ladder(self) -> dict[str, Any]:
        """The operator's escalation policy, read once."""
        content: dict[str, Any] = json.loads(self.ladder_file.read_bytes())
        return content

    @cached_property
    def preferences(self) -> PreferencePolicy:
        """What officers may choose, read once."""
        return PreferencePolicy.model_validate_json(self.preferences_file.read_bytes())
