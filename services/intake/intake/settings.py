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

    public_agency: str | None = Field(default=None, description="takes what the public reports; left out: the desk agency")
    public_bytes: int = Field(default=128 * 1024, gt=0, description="the largest body of a public report")
    public_reports_per_hour: int = Field(default=30, gt=0, description="from one address; mobile networks put many people behind one")
    public_status_per_hour: int = Field(default=60, gt=0, description="questions for the state of reports, from one address")
    public_code_per_hour: int = Field(default=10, gt=0, description="questions for the state of one report, whoever asks")
    gateways: str = Field(default="127.0.0.1,::1", description="addresses and networks that may say for whom they ask (X-Forwarded-For)")

    import_bytes: int = Field(default=64 * 2**20, gt=0, description="the largest file of reports")
    import_rows: int = Field(default=100_000, gt=0)
    import_part_rows: int = Field(default=100, gt=0, description="rows that are taken in one transaction")

    triage_high_minutes: float = Field(default=15, gt=0)
    triage_medium_hours: float = Field(default=6, gt=0)
    triage_low_hours: float = Field(default=72, gt=0)
    service_high_hours: float = Field(default=1, gt=0, description="from triage until help is due, high risk")
    service_medium_hours: float = Field(default=6, gt=0)
    service_low_hours: float = Field(default=72, gt=0)
    desk_hours: float = Field(default=24, gt=0, description="until an incomplete or refused submission is to be dealt with")
    outreach_hours: float = Field(default=12, gt=0, description="until a team has arrived, high risk")
    outreach_medium_hours: float = Field(default=24, gt=0)
    outreach_low_hours: float = Field(default=72, gt=0)
    outreach_result_hours: float = Field(default=2, gt=0, description="from arrival until the result is recorded, high risk")
    outreach_result_medium_hours: float = Field(default=4, gt=0)
    outreach_result_low_hours: float = Field(default=24, gt=0)
    consent_age: int = Field(default=15, ge=0, description="from which age a child's own agreement to come along is enough")
    police_report_hours: float = Field(default=72, gt=0, description="UU TPKS art. 41: three times 24 hours")
    closure_days: float = Field(default=14, gt=0, description="from the last follow-up until a supervisor closes")
    orphan_hours: float = Field(default=1, gt=0, description="facts of a case that nobody reported are kept this long in silence")
    again_hours: float = Field(default=24, gt=0, description="until a missed clock runs out once more")
