"""Consents, disclosures, restrictions and refused accesses, and how far an agency has heard; the release before this one runs on it."""

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = (
    """CREATE TABLE consent (
        consent_id uuid PRIMARY KEY, case_id uuid NOT NULL, person_id uuid NOT NULL, purpose varchar NOT NULL, recipient varchar, state varchar NOT NULL,
        said_at timestamptz NOT NULL, ended_at timestamptz, expires_at timestamptz, given_by varchar NOT NULL, relation varchar, consenter_id uuid,
        alternative varchar, reason varchar, assent boolean, medium varchar NOT NULL, text_version varchar NOT NULL, language varchar NOT NULL,
        witness_id uuid, witness_role varchar, recorded_by uuid NOT NULL, recorded_for varchar NOT NULL)""",
    "CREATE INDEX ix_consent_case_id ON consent (case_id)",
    """CREATE TABLE restriction (
        restriction_id uuid PRIMARY KEY, case_id uuid NOT NULL, person_id uuid NOT NULL, recipient varchar, requester_id uuid, relation varchar,
        ground varchar NOT NULL, set_at timestamptz NOT NULL, set_by uuid NOT NULL, set_for varchar NOT NULL, lifted_at timestamptz, lifted_by uuid)""",
    "CREATE INDEX ix_restriction_person_id ON restriction (person_id)",
    """CREATE TABLE disclosure (
        disclosure_id uuid PRIMARY KEY, case_id uuid NOT NULL, recipient varchar NOT NULL, purpose varchar NOT NULL, persons uuid[] NOT NULL,
        fields text[] NOT NULL, basis varchar NOT NULL, override varchar, until timestamptz NOT NULL, made_at timestamptz NOT NULL,
        made_by uuid NOT NULL, made_for varchar NOT NULL, ended_at timestamptz, ended_by varchar)""",
    "CREATE INDEX ix_disclosure_case_id ON disclosure (case_id)",
    "CREATE INDEX ix_disclosure_recipient ON disclosure (recipient)",
    """CREATE TABLE refused_access (
        refusal_id uuid PRIMARY KEY, case_id uuid NOT NULL, person_id uuid NOT NULL, requester_id uuid, relation varchar, ground varchar NOT NULL,
        refused_at timestamptz NOT NULL, refused_by uuid NOT NULL, refused_for varchar NOT NULL)""",
    "CREATE INDEX ix_refused_access_person_id ON refused_access (person_id)",
    # Merges are few among the pairs, and followed each time somebody asks from whom a person is kept.
    "CREATE INDEX ix_candidate_merged_first ON candidate (first) WHERE state = 'merged'",
    "CREATE INDEX ix_candidate_merged_second ON candidate (second) WHERE state = 'merged'",
    # Empty for follows of the release before, which writes no such columns.
    "ALTER TABLE follow ADD COLUMN told text[], ADD COLUMN reduced boolean",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
