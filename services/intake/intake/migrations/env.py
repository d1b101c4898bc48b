"""Runs intake's migrations."""

from chassis import migrate
from intake.store import metadata

migrate.run(metadata)
