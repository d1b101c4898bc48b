"""Runs the migrations of notifications."""

from chassis import migrate
from notifications.store import metadata

migrate.run(metadata)
