"""Alembic runs this; the chassis knows how."""

from chassis import migrate
from placement.store import metadata

migrate.run(metadata)
