"""What the operator of notifications may set."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from chassis import Settings
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from notifications.channels import templates
from notifications.channels.ways import Gateway, Smtp
from notifications.domain import HIGH, Role, Step

LadderRole = Literal["shelter_head", "placement_officer", "intake_officer"]


class PolicyStep(BaseModel):
    """One step of the ladder: minutes after the offer, and which roles are told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float = Field(gt=0)
    roles: tuple[LadderRole, ...] = Field(min_length=1)


class LadderPolicy(BaseModel):
    """Who is told when nobody answers an offer, by risk; raise `version` with every change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    source: str
    high: tuple[PolicyStep, ...] = Field(min_length=1)
    other: tuple[PolicyStep, ...] = Field(min_length=1)


class NotificationsSettings(Settings):
    """Settings of notifications."""

    model_config = SettingsConfigDict(
        env_prefix="NOTIFICATIONS_", extra="ignore", secrets_dir="/run/secrets" if Path("/run/secrets").is_dir() else None
    )

    ladder_file: Path = Field(default=Path(__file__).parent / "ladder.json", description="the escalation policy (LadderPolicy as JSON)")
    unacknowledged_minutes: float = Field(default=30, gt=0, description="until a supervisor hears of an unacknowledged alert or missed clock")
    inbox_page: int = Field(default=100, ge=1, le=1000)

    webhook_allow: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="networks (CIDR) that webhooks may go to although they are private, also without TLS; for demos"
    )
    webhook_ca_file: Path | None = Field(default=None, description="certificates (PEM) that are trusted beside the public ones")
    webhook_at_once: int = Field(default=64, ge=1, description="sendings of one replica at the same time")
    webhook_per_endpoint: int = Field(default=2, ge=1, description="of these, to one endpoint")
    webhook_timeout_seconds: float = Field(default=10, gt=0)
    webhook_lease_seconds: float = Field(default=60, gt=0, description="after which another replica takes over a sending that never ended")
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
    inbox_url: str = Field(default="http://127.0.0.1:8080/", description="the link in an officer's e-mail")
    officer_email_minutes: float = Field(default=5, ge=0, description="notices of so long are told in one e-mail")

    @cached_property
    def templates(self) -> templates.Templates:
        """The texts, read once."""
        return templates.load(self.templates_file)

    @cached_property
    def ladder(self) -> LadderPolicy:
        """The escalation policy, read once."""
        return LadderPolicy.model_validate_json(self.ladder_file.read_bytes())

    def ladder_steps(self, risk: str | None) -> list[Step]:
        """The steps for a risk level; one that is not known yet counts as not high."""
        chosen = self.ladder.high if risk == HIGH else self.ladder.other
        return [Step(self.span(minutes=step.minutes), tuple(Role(role) for role in step.roles)) for step in chosen]
