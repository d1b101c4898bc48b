"""What persons are compared by, and the pairs that may be one; nothing that exists changes, so the release before this one runs on it."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = (
    """CREATE TABLE likeness (
        person_id uuid PRIMARY KEY, sealed bytea NOT NULL, keys bigint[] NOT NULL, encoded_at timestamptz NOT NULL)""",
    "CREATE TABLE likeness_key (key bigint, person_id uuid, PRIMARY KEY (key, person_id))",
    """CREATE TABLE candidate (
        candidate_id uuid PRIMARY KEY, first uuid NOT NULL, second uuid NOT NULL, bits double precision NOT NULL, agree text[] NOT NULL, differ text[] NOT NULL,
        state varchar NOT NULL, judged_bits double precision, steps jsonb NOT NULL, found_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
        UNIQUE (first, second), CHECK (first < second))""",
    "CREATE INDEX ix_candidate_second ON candidate (second)",
    "CREATE INDEX ix_candidate_state ON candidate (state, bits)",
    # Who is known already is compared too, in the background; and what is left of erased persons is looked for every day.
    """INSERT INTO clock (kind, subject, key, id, due)
        SELECT 'likeness', case_id, '', gen_random_uuid(), now() FROM case_file ON CONFLICT DO NOTHING""",
    """INSERT INTO clock (kind, subject, key, id, due)
        VALUES ('forget', '00000000-0000-8000-8000-000000000005', '', gen_random_uuid(), now() + interval '1 day') ON CONFLICT DO NOTHING""",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
