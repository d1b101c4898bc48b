"""The tables that every store has beside its own: inbox, outbox, anchors, clocks, requests, dead letters, audit."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)

EPOCH = "store_epoch"


def chassis_tables(metadata: MetaData) -> None:
    """Declare the chassis' tables in a service's metadata, as all migrations leave them."""
    first_tables(metadata)
    moment = DateTime(timezone=True)
    epoch = metadata.tables["store_epoch"]
    epoch.append_column(Column("state", Text, nullable=False, server_default="open"))
    epoch.append_column(Column("lost_epoch", Integer))
    # What a restored store could not learn again, for people to settle.
    Table(
        "recovery_task",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("missing", Text, primary_key=True),
        Column("type", Text, nullable=False),
        Column("subject", Uuid, nullable=False),
        Column("opened_at", moment, nullable=False, server_default=func.now()),
        Column("done_at", moment),
    )
    # The audit log's links, and the seals of it and of another service's (see `chassis.store.audit`).
    Table(
        "audit_link",
        metadata,
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("position", BigInteger, ForeignKey("audit.position"), nullable=False, unique=True),
        Column("hash", LargeBinary, nullable=False),
        Column("epoch", Integer, nullable=False),
    )
    Table(
        "audit_seal",
        metadata,
        Column("service", Text, primary_key=True),
        Column("epoch", Integer, primary_key=True, autoincrement=False),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("hash", LargeBinary, nullable=False),
        Column("kept_at", moment, nullable=False, server_default=func.now()),
    )
    # Whose keys are destroyed (see `chassis.store.erasure`); and why somebody looked, where it was said.
    Table(
        "erased_owner",
        metadata,
        Column("owner", Uuid, primary_key=True),
        Column("subject", Uuid, primary_key=True),
        Column("receipt", Text, nullable=False),
        Column("ordered_at", moment, nullable=False),
        Column("destroyed_at", moment),
    )
    # Whose export was ordered (see `chassis.store.exports`).
    Table(
        "export_order",
        metadata,
        Column("request_id", Uuid, primary_key=True),
        Column("person_id", Uuid, primary_key=True),
        Column("officer_id", Uuid, primary_key=True),
        Column("subject", Uuid, nullable=False),
        Column("agency", Text, nullable=False),
        Column("until", moment, nullable=False),
    )
    audit = metadata.tables["audit"]
    audit.append_column(Column("purpose", Text))
    Index("ix_audit_subject", audit.c.subject)
    Index("ix_request_at", metadata.tables["request"].c.at)


def first_tables(metadata: MetaData) -> None:
    """The chassis' tables as each service's first migration makes them; later ones only add."""
    moment = DateTime(timezone=True)
    # One row: raised when the store is restored from a backup, so that new events never take the ids of lost ones.
    Table("store_epoch", metadata, Column("epoch", Integer, primary_key=True))
    Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("type", Text, nullable=False),
        Column("subject", Uuid, nullable=False),
        Column("taken_at", moment, nullable=False, server_default=func.now()),
    )
    # One row per subject this store ever touched: locking it serialises the subject, and it counts the subject's facts.
    Table("anchor", metadata, Column("subject", Uuid, primary_key=True), Column("factversion", BigInteger, nullable=False, server_default="0"))
    Table(
        "outbox",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("position", BigInteger, Identity(always=True), nullable=False),
        Column("type", Text, nullable=False),
        Column("stream", Text, nullable=False),
        Column("route", Text, nullable=False),
        Column("subject", Uuid, nullable=False),
        Column("time", moment, nullable=False),
        Column("factversion", BigInteger, nullable=False),
        Column("correlation", Text, nullable=False),
        Column("causation", Text, nullable=False),
        Column("trace", Text),
        Column("body", LargeBinary, nullable=False),
        Index("outbox_position", "position", unique=True),
    )
    # What the stream has not confirmed yet. The relay works from memory; this is read only to recover.
    Table(
        "outbox_pending",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("since", moment, nullable=False, server_default=func.now()),
    )
    Table(
        "clock",
        metadata,
        Column("kind", Text, primary_key=True),
        Column("subject", Uuid, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("id", Uuid, nullable=False),
        Column("due", moment, nullable=False),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Index("clock_due", "due"),
    )
    Table(
        "request",
        metadata,
        Column("principal", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False, server_default="0"),
        Column("answer", Text, nullable=False, server_default=""),
        Column("at", moment, nullable=False, server_default=func.now()),
    )
    Table(
        "dead_letter",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("stream", Text, nullable=False),
        Column("durable", Text, nullable=False),
        Column("route", Text, nullable=False),
        Column("headers", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("sealed", Boolean, nullable=False, server_default=text("false")),
        Column("stored_at", moment, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("first_failed_at", moment, nullable=False, server_default=func.now()),
        Column("set_aside_at", moment),
        Column("redrive", Boolean, nullable=False, server_default=text("false")),
    )
    Table(
        "audit",
        metadata,
        Column("position", BigInteger, Identity(always=True), primary_key=True),
        Column("at", moment, nullable=False, server_default=func.now()),
        Column("principal", Text, nullable=False),
        Column("roles", Text, nullable=False),
        Column("agency", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("subject", Uuid, nullable=False),
        Column("fields", Text, nullable=False),
    )
