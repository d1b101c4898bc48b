"""Brings a store's schema up to date; each service's `migrations/env.py` calls `run`."""

import asyncio
from pathlib import Path
from typing import Any

from alembic import command, context, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from chassis.store.database import create_engine
from chassis.store.tables import first_tables


def run(metadata: MetaData) -> None:
    """Run the migrations of the service whose metadata this is, on the connection that `upgrade` opened."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def create_chassis_tables() -> None:
    """The first step of each service's first migration: the chassis' tables, and the store's epoch."""
    metadata = MetaData()
    first_tables(metadata)
    metadata.create_all(op.get_bind())
    op.execute("INSERT INTO store_epoch (epoch) VALUES (1)")


# Expanding only, and safe to run again: a backup of the release before this table gets the columns already while it is restored.
RECOVERY = (
    "ALTER TABLE store_epoch ADD COLUMN IF NOT EXISTS state text NOT NULL DEFAULT 'open'",
    "ALTER TABLE store_epoch ADD COLUMN IF NOT EXISTS lost_epoch integer",
    """CREATE TABLE IF NOT EXISTS recovery_task (
        event_id uuid NOT NULL, missing text NOT NULL, type text NOT NULL, subject uuid NOT NULL,
        opened_at timestamptz NOT NULL DEFAULT now(), done_at timestamptz, PRIMARY KEY (event_id, missing))""",
)


def add_recovery() -> None:
    """The second migration of each service: whether the store was restored, and what its recovery left to people."""
    for statement in RECOVERY:
        op.execute(statement)


# A row or a link that was written stays as it was: whoever has to change one has to take this away before, and the chain shows it.
AUDIT_CHAIN = (
    """CREATE TABLE IF NOT EXISTS audit_link (
        number bigint PRIMARY KEY, position bigint NOT NULL UNIQUE REFERENCES audit (position), hash bytea NOT NULL, epoch integer NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS audit_seal (
        service text NOT NULL, epoch integer NOT NULL, number bigint NOT NULL, hash bytea NOT NULL, kept_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (service, epoch, number))""",
    """CREATE OR REPLACE FUNCTION only_added() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME; END $$""",
    *(
        f"CREATE OR REPLACE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION only_added()"
        for table in ("audit", "audit_link", "audit_seal")
    ),
)


def add_audit_chain() -> None:
    """The links of a service's audit log, its own seals and those that it keeps for another service."""
    for statement in AUDIT_CHAIN:
        op.execute(statement)


# Nullable, and a table that only this release writes: the release before runs on it unchanged.
ERASURES = (
    """CREATE TABLE IF NOT EXISTS erased_owner (
        owner uuid NOT NULL, subject uuid NOT NULL, receipt text NOT NULL, ordered_at timestamptz NOT NULL, destroyed_at timestamptz,
        PRIMARY KEY (owner, subject))""",
    "ALTER TABLE audit ADD COLUMN IF NOT EXISTS purpose text",
    "CREATE INDEX IF NOT EXISTS ix_audit_subject ON audit (subject)",
    "CREATE INDEX IF NOT EXISTS ix_request_at ON request (at)",
)


def add_erasures() -> None:
    """Whose keys are destroyed, and why somebody looked."""
    for statement in ERASURES:
        op.execute(statement)


def add_export_orders() -> None:
    """Whose export was ordered of a service, and until when it may be fetched."""
    op.execute("""CREATE TABLE IF NOT EXISTS export_order (
        request_id uuid NOT NULL, person_id uuid NOT NULL, officer_id uuid NOT NULL, subject uuid NOT NULL, agency text NOT NULL,
        until timestamptz NOT NULL, PRIMARY KEY (request_id, person_id, officer_id))""")


def configuration(migrations: Path, connection: Connection | None = None) -> Config:
    """Alembic's configuration for a service's `migrations` folder."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def head(migrations: Path) -> str | None:
    """The revision to which these migrations lead."""
    return ScriptDirectory.from_config(configuration(migrations)).get_current_head()


async def upgrade(url: str, migrations: Path, revision: str = "head", schema: str | None = None) -> None:
    """Bring the database at `url`, or one schema of it, to a revision; several at once wait for each other."""
    engine = create_engine(url, 1, schema)

    def to_revision(connection: Connection) -> Any:
        connection.execute(text("SELECT pg_advisory_lock(hashtext('naungan migrate'))"))
        connection.commit()
        try:
            command.upgrade(configuration(migrations, connection), revision)
            connection.commit()
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtext('naungan migrate'))"))
            connection.commit()

    try:
        async with engine.connect() as connection:
            await connection.run_sync(to_revision)
    finally:
        await engine.dispose()


def upgrade_now(url: str, migrations: Path) -> None:
    """`upgrade` for callers without an event loop."""
    asyncio.run(upgrade(url, migrations))
