"""The versions of the escalation policy, and which of them an offer climbs by: the one that held when it was made."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, ClassVar, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis import Transaction
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Row, Table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field as Column

from notifications.domain import HIGH, Role, Step
from notifications.domain.calendars import Calendar
from notifications.store import MOMENT, Base

JAKARTA = ZoneInfo("Asia/Jakarta")
DOCUMENT: Any = JSONB()
LadderRole = Literal["shelter_head", "placement_officer", "intake_officer"]


class PolicyStep(BaseModel):
    """One step: minutes after the offer, which roles are told, by which channels, and whether who is on call is told by name too.

    Minutes of `working` time pass only while the office is open. Everything is in the inbox; `email` and `phone` tell those who set an address
    or a number that something waits also where it is not urgent, of which they hear anyway.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float = Field(gt=0, le=60 * 24 * 30)
    roles: tuple[LadderRole, ...] = Field(min_length=1)
    channels: tuple[Literal["inbox", "email", "phone"], ...] = ("inbox",)
    on_call: bool = False
    hours: Literal["always", "working"] = "always"


class Office(BaseModel):
    """When the office is open; days of the week from 0, Monday. Its holidays are the operator's setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: tuple[Literal[0, 1, 2, 3, 4, 5, 6], ...] = Field(default=(0, 1, 2, 3, 4), min_length=1)
    opens: time = time(7, 30)
    closes: time = time(16, 0)

    @model_validator(mode="after")
    def opens_before_it_closes(self) -> Self:
        """An office that is never open would let nothing climb."""
        if self.opens >= self.closes:
            message = "closes: after opens"
            raise ValueError(message)
        return self


class EscalationPolicy(BaseModel):
    """Who is told when nobody answers an offer, by risk, and after how long a supervisor hears of an unacknowledged alert."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=1, max_length=300, description="where these times come from")
    high: tuple[PolicyStep, ...] = Field(min_length=1, max_length=20)
    other: tuple[PolicyStep, ...] = Field(min_length=1, max_length=20)
    unacknowledged_minutes: float | None = Field(default=None, gt=0, le=60 * 24)
    office: Office = Office()

    @model_validator(mode="after")
    def steps_climb(self) -> Self:
        """Steps are told in their order: each later than the one before."""
        for name in ("high", "other"):
            minutes = [step.minutes for step in getattr(self, name)]
            if minutes != sorted(set(minutes)):
                message = f"{name}: each step later than the one before"
                raise ValueError(message)
        return self


class EscalationPolicyRow(Base, table=True):
    """One version of the policy; it holds for offers made from `valid_from` on, until the next one does."""

    __tablename__: ClassVar[str] = "escalation_policy"
    __table__: ClassVar[Table]
    version: int = Column(primary_key=True)
    body: dict[str, Any] = Column(sa_type=DOCUMENT)
    valid_from: datetime = Column(sa_type=MOMENT)
    made_by: UUID


VERSIONS = text("SELECT version, body, valid_from, made_by FROM escalation_policy ORDER BY version")
TURN = text("SELECT pg_advisory_xact_lock(hashtext('escalation policy'))")
ADD = text("INSERT INTO escalation_policy (version, body, valid_from, made_by) VALUES (:version, CAST(:body AS jsonb), :now, :by)")


@dataclass(frozen=True, slots=True)
class Policies:
    """All versions, the first is the operator's file; `settings` shorten time and know the holidays."""

    versions: Sequence[tuple[int, EscalationPolicy, datetime | None]]
    settings: Any

    def version_at(self, moment: datetime | None) -> int:
        """The version that held then; now where no moment is known."""
        return self._at(moment)[0]

    def steps(self, offered_at: datetime | None, risk: str | None) -> list[Step]:
        """The steps for an offer made then, by risk; one that is not known yet counts as not high."""
        _, policy, _ = self._at(offered_at)
        office = Calendar(policy.office.days, policy.office.opens, policy.office.closes, self.settings.holidays, JAKARTA)
        return [
            Step(
                self.settings.span(minutes=step.minutes),
                tuple(Role(role) for role in step.roles),
                step.channels,
                step.on_call,
                office if step.hours == "working" else None,
            )
            for step in (policy.high if risk == HIGH else policy.other)
        ]

    @property
    def unacknowledged(self) -> timedelta:
        """After how long a supervisor hears that nobody acknowledged an alert, from now on."""
        _, policy, _ = self.versions[-1]
        minutes: float = policy.unacknowledged_minutes or self.settings.unacknowledged_minutes
        span: timedelta = self.settings.span(minutes=minutes)
        return span

    def _at(self, moment: datetime | None) -> tuple[int, EscalationPolicy, datetime | None]:
        held = [one for one in self.versions if one[2] is None or moment is None or one[2] <= moment]
        return held[-1]


async def policies(tx: Transaction) -> Policies:
    """The policy's versions as they are now."""
    stored = [(row.version, EscalationPolicy.model_validate(row.body), row.valid_from) for row in await tx.rows(VERSIONS)]
    file = dict(tx.settings.ladder)
    version = int(file.pop("version"))
    return Policies([(version, EscalationPolicy.model_validate(file), None), *stored], tx.settings)


async def stored(tx: Transaction) -> Sequence[Row[Any]]:
    """The versions that people made, oldest first."""
    return await tx.rows(VERSIONS)


async def add(tx: Transaction, policy: EscalationPolicy, seen: int) -> int | None:
    """Let a policy hold from now on; its version, None if somebody made one since the version that was `seen`."""
    await tx.execute(TURN)
    newest = (await policies(tx)).versions[-1][0]
    if newest != seen:
        return None
    body = json.dumps(policy.model_dump(mode="json"))
    await tx.execute(ADD, {"version": newest + 1, "body": body, "now": tx.now, "by": tx.principal.subject})
    return newest + 1
