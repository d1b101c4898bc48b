"""What the operator may set for intake: which agency leads for whom, and its time limits (DOMAIN section 7 has the sources)."""

from datetime import date
from pathlib import Path

from chassis import Settings
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from intake.domain.triage import Leads

# The units of the agencies, by area (DOMAIN section 1): one for victims in all of Jakarta, one for other people in each city.
UNITS = (
    Leads(unit="upt-pppa", victims=True),
    *(
        Leads(unit=f"sudinsos-{city}", victims=False, area=area)
        for area, city in (
            ("31.01", "kepulauan-seribu"),
            ("31.71", "pusat"),
            ("31.72", "utara"),
            ("31.73", "barat"),
            ("31.74", "selatan"),
            ("31.75", "timur"),
        )
    ),
)


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

    agency_per_minute: int = Field(
        default=30_000,
        gt=0,
        description="messages of one agency, over NATS and as systems over HTTP each; `naungan agency limit` sets another for one",
    )
    officer_per_minute: int = Field(default=120, gt=0, description="reports and messages that one officer sends; nobody types so fast")
    imports_per_minute: int = Field(default=10, gt=0, description="files of reports of one agency")
    import_bytes: int = Field(default=64 * 2**20, gt=0, description="the largest file of reports")
    import_rows: int = Field(default=100_000, gt=0)
    import_part_rows: int = Field(default=100, gt=0, description="rows that are taken in one transaction")

    triage_high_minutes: float = Field(default=15, gt=0)
    triage_medium_hours: float = Field(default=6, gt=0)
    triage_low_days: int = Field(default=3, ge=0, description="working days, without the holidays")
    service_high_hours: float = Field(default=1, gt=0, description="from triage until help is due, high risk")
    service_medium_hours: float = Field(default=6, gt=0)
    service_low_days: int = Field(default=3, ge=0, description="working days, without the holidays")
    holidays: tuple[date, ...] = Field(default=(), description="days on which offices are closed beside weekends, as a JSON list of dates")
    responsibility: tuple[Leads, ...] = Field(
        default=UNITS,
        description="who leads, as a JSON list, the first line that fits: victims (true, false or left out), area (how its code begins), agency"
        " (left out: victims_agency or ppks_agency), unit",
    )
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
    closure_approval_days: float = Field(default=3, gt=0, description="until a supervisor decides on a proposed closure")
    transfer_hours: float = Field(default=24, gt=0, description="until the agency that was asked to lead a case answers")
    joiner_hours: float = Field(default=2, gt=0, description="until it is decided where somebody sleeps who joined a household in a shelter")
    contact_retry_days: tuple[float, ...] = Field(default=(14, 30, 60), min_length=1, description="when it is tried again to reach who was lost")
    protection_hours: float = Field(default=24, gt=0, description="UU TPKS 42, UU PKDRT 16: from the police report to police protection")
    protection_request_hours: float = Field(default=24, gt=0, description="UU TPKS 43, UU PKDRT 16: from protection to the request to LPSK or court")
    rehabilitation_days: float = Field(default=7, gt=0, description="UU 21/2007 art. 52: from a trafficking victim's request to rehabilitation")
    expiry_reminder_days: tuple[int, ...] = Field(default=(3, 1), description="days before a protection ends at which people are told")
    orphan_hours: float = Field(default=1, gt=0, description="facts of a case that nobody reported are kept this long in silence")
    rights_hours: float = Field(default=72, gt=0, description="UU PDP art. 31-43: three times 24 hours to answer a request for one's rights")
    export_days: float = Field(
        default=3, gt=0, description="how long the parts of an export can be fetched by who ordered them; then it is ordered anew"
    )
    break_glass_minutes: float = Field(default=60, gt=0, description="how long an officer reads a case that she takes no part in")
    retain_case_years: float = Field(default=10, gt=0, description="after the end of all her cases a person is erased, unless a hold keeps her")
    retain_desk_days: float = Field(default=90, gt=0, description="how long the desk keeps what was sent, once it is done with it")
    retain_import_days: float = Field(default=90, gt=0, description="how long it is told what became of the rows of a file that ended")
    handover_retry_seconds: float = Field(
        default=2, gt=0, description="before a safe contact is sent again that was not taken; doubles up to ten minutes"
    )
    handover_hours: float = Field(default=24, gt=0, description="until people hear that a safe contact was not taken")
    again_hours: float = Field(default=24, gt=0, description="until a missed clock runs out once more")

    consent_days: float = Field(default=180, gt=0, description="until a consent ends that names no end")
    consent_most_days: float = Field(default=365, gt=0, description="no consent holds longer: it is asked anew")
    disclosure_days: float = Field(default=30, gt=0, description="until a disclosure ends that names no end")
    disclosure_most_days: float = Field(default=180, gt=0)
    child_assents_age: int = Field(default=6, ge=0, le=21, description="from this age a child's own view is asked (DOMAIN 2.2)")
    child_in_writing_age: int = Field(default=12, ge=0, le=21, description="and is given in writing")
    child_consents_age: int = Field(default=15, ge=0, le=21, description="and is the consent, with a guardian's where that is safe")
    adult_age: int = Field(default=18, ge=0, le=21)
    sealing_key_days: float = Field(default=90, gt=0, description="until a new key is made to which agencies seal what they send")
    sealing_lead_hours: float = Field(default=24, ge=0, description="from the making of a key until it is published: back up the keys more often")
    sealing_grace_days: float = Field(default=30, gt=0, description="how long a key goes on opening after its successor was published, at least")
    held_hours: float = Field(default=1, gt=0, description="until people hear of a sealed message that cannot be opened yet")
    later_minutes: float = Field(default=10, ge=0, description="how long what an agency says of a case waits for a referral that may be on its way")
    simfoni_agency: str = Field(default="kemenpppa", description="to whom a person consents when she agrees to be recorded in SIMFONI by name")
    public_counts_seconds: float = Field(
        default=3600, gt=0, description="how often it is looked whether a month is over of which the public may hear"
    )
    feed_poll_seconds: float = Field(default=0.5, gt=0, description="how often a replica looks for new events while somebody listens to a feed")
    live_minutes: float = Field(default=5, gt=0, description="after which a listener's stream ends, so that it comes again with a fresh token")
    agency_keys_file: Path | None = Field(default=None, description="JSON: agency to JWK set of its public keys, to which disclosures are sealed")
