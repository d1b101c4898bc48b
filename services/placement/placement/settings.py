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
    key_file: Path
    hold_minutes: float = Field(default=90, gt=0, description="for which the beds of an offer are held, and by which a hold is extended (P12)")
    ladder_minutes: dict[str, float] = Field(
        default={"high": 60, "medium": 240, "low": 240}, description="until which an unanswered hold is extended, by risk (P13)"
    )
    arrive_hours: float = Field(default=6, gt=0, description="from acceptance until a household counts as not come")
    waiting_review_hours: dict[str, float] = Field(
        default={"high": 1, "medium": 24, "low": 24}, description="between two reviews of a waiting household, by risk"
    )
    no_show_review_hours: float = Field(default=24, gt=0, description="between two reviews of a household that did not come")
    secret_delay_minutes: float = Field(default=15, gt=0, description="by which the band of the secret shelters lags behind")
    cleaning_minutes: float = Field(default=60, ge=0, description="for which a bed is cleaned after a stay; 0 gives it to the next at once (P18)")
    census_from: time = Field(default=time(23), description="from when, by Jakarta's clock, a shelter may say who sleeps there that night")
    census_by: time = Field(default=time(9), description="by when it is to have said so")
    match_seconds: float = Field(default=8, gt=0, description="after which a round of the waiting list takes the best answer found so far")
