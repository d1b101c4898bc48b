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
    key_file: Path
    training: bool = Field(default=False, description="whether instruments without a validated wording may be used: for demos and training")
    caseload: int = Field(default=20, ge=1, description="open cases of a worker for whom nothing else is said (GBV practice: 15 to 20)")
    assignment_minutes: float = Field(default=15, gt=0, description="between two tries to find a social worker")
    initial_hours: float = Field(default=24, gt=0, description="for the initial assessment")
    comprehensive_days: float = Field(default=14, gt=0, description="for the comprehensive assessment")
    reassessment_days: float = Field(default=90, gt=0, description="between two assessments of a case that is open and not yet followed up")
    reassess_soon_hours: float = Field(default=24, gt=0, description="for the assessment after a raised risk or another incident")
    escalate_hours: float = Field(default=24, gt=0, description="from the worker's first notice of a missed deadline until a supervisor's")
    again_hours: float = Field(default=24, gt=0, description="until a missed deadline is called missed again after that")
    service_answer_hours: float = Field(default=72, gt=0, description="for a provider to answer a request for a service (Primero: up to 3 days)")
    service_answer_hours_high_risk: float = Field(default=24, gt=0)
    service_consent_hours: float = Field(default=72, gt=0, description="for the consent without which a provider hears of no request")
    service_delivery_days: float = Field(default=14, gt=0, description="for a service that was accepted")
    service_declined_hours: float = Field(default=72, gt=0, description="for the worker to do something about a service that was declined")
    plan_days: float = Field(default=14, gt=0, description="for an approved plan")
    outcome_days: float = Field(default=30, gt=0, description="between two reviews of an approved plan")
    grace_days: float = Field(default=7, gt=0, description="from a follow-up's day until it counts as missed")
    after_unsafe_days: float = Field(default=7, gt=0, description="until another follow-up after an unsafe one")
    followup_tries: int = Field(default=3, ge=1, description="tries that reach nobody, until contact counts as lost and a supervisor decides")
    lost_days: float = Field(default=3, gt=0, description="for that decision, and between two reminders of it")
    review_days: float = Field(
        default=90, gt=0, description="until people ask again why a child in residential care is not with kin or a foster family"
    )
    stay_hours: float = Field(
        default=1, gt=0, description="until a stay that should have ended with an outcome, and did not, begins the assessment anew"
    )
    attendance_share: float = Field(default=0.7, gt=0, le=1, description="of a programme's sessions, for it to count as completed")
    followup_days: tuple[float, ...] = Field(default=(14, 30, 90, 180), min_length=1)
    followup_days_high_risk: tuple[float, ...] = Field(default=(7, 14, 21, 28, 90, 180), min_length=1)
