"""What the operator may set for placement, beside what every service has."""

from datetime import time
from pathlib import Path

from chassis import Settings
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict


class PlacementSettings(Settings):
    """Settings under PLACEMENT_; the defaults of the limits are DOMAIN.md's (5 and 7)."""

    model_config = SettingsConfigDict(env_prefix="PLACEMENT_", extra="ignore", secrets_dir="/run/secrets" if Path("/run/secrets").is_dir() else None)

    # Addresses are always encrypted, so this service does not run without its keys.
    keys_url: SecretStr
    inventory_bytes: int = Field(default=8 * 2**20, gt=0, description="the largest file of an inventory")
    hold_minutes: float = Field(default=90, gt=0, description="for which the beds of an offer are held, and by which a hold is extended (P12)")
    hold_minutes_by_channel: dict[str, float] = Field(
        default={"hospital": 180}, description="for which beds are held for who comes through this channel, where that is longer (P12)"
    )
    hold_minutes_by_area: dict[str, float] = Field(
        default={"31.01": 180}, description="for which beds are held for who comes from these areas, where that is longer: the islands"
    )
    claim_minutes: float = Field(default=10, gt=0, description="for which whoever says to be working on an answer is left to it (P13)")
    ladder_minutes: dict[str, float] = Field(
        default={"high": 60, "medium": 240, "low": 240}, description="until which an unanswered hold is extended, by risk (P13)"
    )
    arrive_hours: float = Field(default=6, gt=0, description="from acceptance until a household counts as not come")
    arrived_days_back: float = Field(default=7, gt=0, description="how long ago somebody may have come in who is recorded only now")
    re_entry_days: float = Field(default=90, gt=0, description="after a stay within which a new one is a re-entry")
    coordinator_phone: str = Field(default="112", description="whom those who asked for a bed call after a yes; never a shelter's own number")
    waiting_review_hours: dict[str, float] = Field(
        default={"high": 1, "medium": 24, "low": 24}, description="between two reviews of a waiting household, by risk"
    )
    no_show_review_hours: float = Field(default=24, gt=0, description="between two reviews of a household that did not come")
    probing_changes: int = Field(
        default=3, ge=0, description="how often one case may name other areas of a perpetrator before secret shelters are left to a supervisor"
    )
    probing_areas: int = Field(default=6, ge=1, description="how many areas a case may name before secret shelters are left to people")
    secret_delay_minutes: float = Field(default=15, gt=0, description="by which the band of the secret shelters lags behind")
    cleaning_minutes: float = Field(default=60, ge=0, description="for which a bed is cleaned after a stay; 0 gives it to the next at once (P18)")
    census_from: time = Field(default=time(23), description="from when, by Jakarta's clock, a shelter may say who sleeps there that night")
    census_by: time = Field(default=time(9), description="by when it is to have said so")
    match_seconds: float = Field(default=6, gt=0, description="after which a round of the waiting list takes the best answer found so far")
