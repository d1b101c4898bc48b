"""`python -m assessment` serves; `python -m assessment migrate` brings the store up to date."""

import sys
from pathlib import Path

from chassis import migrate

from assessment.app import main
from assessment.settings import AssessmentSettings

if __name__ == "__main__":
    if sys.argv[1:] == ["migrate"]:
        migrate.upgrade_now(AssessmentSettings().database_url.get_secret_value(), Path(__file__).parent / "migrations")
    else:
        main()
