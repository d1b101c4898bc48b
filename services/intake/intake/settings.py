"""What the operator may set for intake: which agency leads for whom, and its time limits (DOMAIN section 7 has the sources)."""

from pathlib import Path

from chassis import Settings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class IntakeSettings(Settings):
    """Settings of intake, each as INTAKE_<NAME>; every limit is in the unit of its name."""

    model_config = SettingsConfigDict(env_prefix="INTAKE_", extra="ignore", secrets_dir="/run/secrets" if Path("/run/secrets").is_dir() else None)

    victims_agency: str = Field(default="dppapp", description="leads for victims of violence")
    ppks_agency: str = Field(default="dinsos", description="leads for other people in need of social services")
    desk_agency: str = Field(default="dppapp", description="its officers see refused submissions of all agencies")

    triage_high_minutes: float = Field(default=15, gt=0)
    triage_medium_hours: float = Field(default=6, gt=0)
    triage_low_hours: float = Field(default=72, gt=0)
    service_high_hours: float = Field(default=1, gt=0, description="from triage until help is due, high risk")
    service_medium_hours: float = Field(default=6, gt=0)
    service_low_hours: float = Field(default=72, gt=0)
    desk_hours: float = Field(default=24, gt=0, description="until an incomplete or refused submission is to be dealt with")
    outreach_hours: float = Field(default=12, gt=0)
    police_report_hours: float = Field(default=72, gt=0, description="UU TPKS art. 41: three times 24 hours")
    closure_days: float = Field(default=14, gt=0, description="from the last follow-up until a supervisor closes")
    orphan_hours: float = Field(default=1, gt=0, description="facts of a case that nobody reported are kept this long in silence")
    rights_hours: float = Field(default=72, gt=0, description="UU PDP art. 31-43: three times 24 hours to answer a request for one's rights")
    break_glass_minutes: float = Field(default=60, gt=0, description="how long an officer reads a case that she takes no part in")
    retain_case_years: float = Field(default=10, gt=0, description="after the end of all her cases a person is erased, unless a hold keeps her")
    retain_desk_days: float = Field(default=90, gt=0, description="how long the desk keeps what was sent, once it is done with it")
    again_hours: float = Field(default=24, gt=0, description="until a missed clock runs out once more")
