"""How much of one sender was taken in a minute; the release before this one runs on it."""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    """CREATE TABLE taken (
        sender varchar NOT NULL, door varchar NOT NULL, since timestamptz NOT NULL, times integer NOT NULL, PRIMARY KEY (sender, door, since))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
