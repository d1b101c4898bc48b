"""The first schema."""

from alembic import op
from chassis import migrate

revision = "0001"
down_revision = None

TABLES = (
    """CREATE TABLE case_file (
        case_id uuid PRIMARY KEY, household_id uuid NOT NULL, revision integer NOT NULL,
        reporting_agency varchar NOT NULL, responsible_agency varchar NOT NULL,
        channel varchar NOT NULL, area varchar NOT NULL, area_kind varchar NOT NULL,
        violence_types text[] NOT NULL, ppks integer, urgency varchar NOT NULL,
        occurred_at timestamptz, opened_at timestamptz NOT NULL, screen jsonb NOT NULL,
        narrative bytea, callback bytea,
        state varchar NOT NULL, waiting_for text[] NOT NULL, risk varchar, missed text[] NOT NULL, settled text[] NOT NULL,
        police_report_at timestamptz, referred_to varchar, changed_at timestamptz NOT NULL)""",
    "CREATE INDEX ix_case_file_reporting_agency ON case_file (reporting_agency)",
    "CREATE INDEX ix_case_file_responsible_agency ON case_file (responsible_agency)",
    "CREATE INDEX ix_case_file_state ON case_file (state)",
    """CREATE TABLE person (
        person_id uuid PRIMARY KEY, case_id uuid NOT NULL, place integer NOT NULL,
        role varchar NOT NULL, sex varchar NOT NULL, age integer, needs text[] NOT NULL,
        name bytea, nik bytea, phone bytea, address bytea, nik_index bytea, left_at timestamptz)""",
    "CREATE INDEX ix_person_case_id ON person (case_id)",
    "CREATE INDEX ix_person_nik_index ON person (nik_index)",
    """CREATE TABLE case_fact (
        event_id uuid PRIMARY KEY, case_id uuid NOT NULL, producer varchar NOT NULL, factversion integer NOT NULL,
        type varchar NOT NULL, at timestamptz NOT NULL, codes jsonb NOT NULL)""",
    "CREATE INDEX ix_case_fact_case_id ON case_fact (case_id)",
    """CREATE TABLE submission (
        agency varchar NOT NULL, reference varchar NOT NULL, fingerprint bytea NOT NULL, case_id uuid NOT NULL, follow_id uuid NOT NULL,
        receipt varchar NOT NULL, problems jsonb NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (agency, reference))""",
    """CREATE TABLE follow (
        follow_id uuid PRIMARY KEY, case_id uuid NOT NULL, agency varchar NOT NULL, reference varchar,
        since timestamptz NOT NULL, ended_at timestamptz, UNIQUE (case_id, agency))""",
    "CREATE INDEX ix_follow_case_id ON follow (case_id)",
    """CREATE TABLE desk_task (
        task_id uuid PRIMARY KEY, kind varchar NOT NULL, agency varchar NOT NULL, case_id uuid, reference varchar, problems jsonb NOT NULL,
        content bytea, fingerprint bytea NOT NULL, opened_at timestamptz NOT NULL, done_at timestamptz, UNIQUE (agency, fingerprint))""",
    "CREATE INDEX ix_desk_task_agency ON desk_task (agency)",
    """CREATE TABLE availability (
        subject uuid PRIMARY KEY, kind varchar NOT NULL, availability varchar NOT NULL, factversion integer NOT NULL)""",
)


def upgrade() -> None:
    migrate.create_chassis_tables()
    for statement in TABLES:
        op.execute(statement)
