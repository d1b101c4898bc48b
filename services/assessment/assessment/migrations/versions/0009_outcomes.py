"""The way to each outcome: steps, programmes with places, where nobody goes, who died, who came back. The release before this one writes cases without them."""

from alembic import op

revision = "0009"
down_revision = "0008"

CHANGES = (
    """ALTER TABLE assessment_case ADD COLUMN safety jsonb NOT NULL DEFAULT '{}', ADD COLUMN deceased jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN reentry integer NOT NULL DEFAULT 0""",
    """CREATE TABLE outcome_step (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id uuid NOT NULL, person_id uuid NOT NULL, step varchar NOT NULL,
        codes jsonb NOT NULL, reference varchar, recorded_by uuid NOT NULL, recorded_at timestamptz NOT NULL, over boolean NOT NULL DEFAULT false)""",
    "CREATE INDEX outcome_step_of ON outcome_step (case_id, position)",
    """CREATE TABLE programme (
        programme_id uuid PRIMARY KEY, kind varchar NOT NULL, provider varchar NOT NULL, area varchar NOT NULL, name varchar,
        places integer NOT NULL, begins_on date NOT NULL, ends_on date NOT NULL, offered_by uuid NOT NULL, offered_at timestamptz NOT NULL)""",
    """CREATE TABLE programme_place (
        programme_id uuid NOT NULL REFERENCES programme (programme_id), place integer NOT NULL, PRIMARY KEY (programme_id, place))""",
    """CREATE TABLE programme_session (
        programme_id uuid NOT NULL REFERENCES programme (programme_id), number integer NOT NULL, at timestamptz NOT NULL,
        PRIMARY KEY (programme_id, number))""",
    """CREATE TABLE enrolment (
        enrolment_id uuid PRIMARY KEY, programme_id uuid NOT NULL, place integer NOT NULL, case_id uuid NOT NULL, person_id uuid NOT NULL,
        during tstzrange NOT NULL, stage varchar NOT NULL, enrolled_by uuid NOT NULL, ended_at timestamptz, reason varchar, certificate boolean,
        independence varchar, FOREIGN KEY (programme_id, place) REFERENCES programme_place (programme_id, place))""",
    "CREATE INDEX enrolment_of ON enrolment (case_id)",
    """CREATE TABLE attendance (
        enrolment_id uuid NOT NULL REFERENCES enrolment (enrolment_id), session integer NOT NULL, present boolean NOT NULL,
        recorded_by uuid NOT NULL, recorded_at timestamptz NOT NULL, PRIMARY KEY (enrolment_id, session))""",
    "CREATE TYPE uuidrange AS RANGE (subtype = uuid)",
    # As for beds: a range over the key makes a plain gist index enough, and no stage takes part, so nothing can slip past it.
    """ALTER TABLE enrolment ADD CONSTRAINT place_once EXCLUDE USING gist (
        (uuidrange(programme_id, programme_id, '[]')) WITH &&, (int4range(place, place, '[]')) WITH &&, during WITH &&)""",
    """ALTER TABLE enrolment ADD CONSTRAINT enrolled_once EXCLUDE USING gist (
        (uuidrange(programme_id, programme_id, '[]')) WITH &&, (uuidrange(person_id, person_id, '[]')) WITH &&, during WITH &&)""",
)


def upgrade() -> None:
    for change in CHANGES:
        op.execute(change)
