"""Alembic runs this; the chassis knows how."""

from assessment.store import metadata
from chassis import migrate

migrate.run(metadata)
