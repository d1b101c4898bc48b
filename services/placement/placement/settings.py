"""What the operator may set for placement, beside what every service has."""

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
    probing_changes: int = Field(
        default=3, ge=0, description="how often one case may name other areas of a perpetrator before secret shelters are left to a supervisor"
    )
    probing_areas: int = Field(default=6, ge=1, description="how many areas a case may name before secret shelters are left to people")
    secret_delay_minutes: float = Field(default=15, gt=0, description="by which the band of the secret shelters lags behind")
