"""What the operator may set for assessment, beside what every service has."""

from pathlib import Path

from chassis import Settings
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict


class AssessmentSettings(Settings):
    """Settings under ASSESSMENT_; the defaults of the limits are DOMAIN.md's (2.1 and 7)."""

    model_config = SettingsConfigDict(env_prefix="ASSESSMENT_", extra="ignore", secrets_dir="/run/secrets" if Path("/run/secrets").is_dir() else None)

    # Answers are always encrypted, so this service does not run without its keys.
    keys_url: SecretStr
    training: bool = Field(default=False, description="whether instruments without a validated wording may be used: for demos and training")
    caseload: int = Field(default=20, ge=1, description="open cases of a worker for whom nothing else is said (GBV practice: 15 to 20)")
    assignment_minutes: float = Field(default=15, gt=0, description="between two tries to find a social worker")
    initial_hours: float = Field(default=24, gt=0, description="for the initial assessment")
    again_hours: float = Field(default=24, gt=0, description="until a missed assessment or plan is called missed again")
    plan_days: float = Field(default=14, gt=0, description="for an approved plan")
    outcome_days: float = Field(default=30, gt=0, description="between two reviews of an approved plan")
    grace_days: float = Field(default=7, gt=0, description="from a follow-up's day until it counts as missed")
    after_unsafe_days: float = Field(default=7, gt=0, description="until another follow-up after an unsafe one")
    followup_days: tuple[float, ...] = Field(default=(14, 30, 90, 180), min_length=1)
    followup_days_high_risk: tuple[float, ...] = Field(default=(7, 14, 21, 28, 90, 180), min_length=1)
